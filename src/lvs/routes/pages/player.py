"""The player of the watch page: the sources among which the browser chooses, and the
tracks and sizes among which people do.
"""

import re
from collections.abc import Mapping

from msgspec import Struct, field
from msgspec.structs import replace

from lvs.http import media_types
from lvs.models import State, Track, Video, display_path
from lvs.playability import Playability, plays, undecodable_sound
from lvs.routes.media.subtitles import delay, named_track
from lvs.services.media.languages import language_of
from lvs.services.media.subtitles import labelled_apart
from lvs.services.playback.codec_strings import source_type
from lvs.services.playback.planner import HEIGHTS, PICTURE_SUBTITLES, WATCHABLE_SPEED
from lvs.services.playback.player_pool import BUSY
from lvs.web.responses import addresses, services

HLS = "application/vnd.apple.mpegurl"
TOO_SLOW = (
    "Where this browser cannot play the file itself, LVS converts it, here about {:.1f} times as"
    " fast as it plays, even in 360 lines: it will keep stopping to load. Download it to watch it"
    " with another program."
)
LATE = (
    "Making the next piece of this film took too long: this machine is busy, or too slow for it."
    " Pick a smaller size below, or download the film."
)
SOUNDLESS = (
    "LVS cannot decode the sound of this film ({}): where this browser cannot play the file itself,"
    " it plays without sound."
)
CUE_SIZES = {"small": "small", "": "usual", "large": "large", "huge": "very large"}
NOT_PROBED = "not known yet: LVS has not analysed this file"


class PlayerChoice(Struct, frozen=True):
    """The player's settings in the address.

    `audio` counts from 0; `height` is 0 for the usual size; `burn` is the track of subtitles that
    are drawn into the picture. Text comes `delay_s` seconds later, in the size `cues`.
    """

    converted: bool = False
    audio: int = 0
    height: int = 0
    burn: int | None = None
    chose_audio: bool = False
    delay_s: float = 0.0
    cues: str = ""

    @property
    def query(self) -> str:
        """The choice as in an address, with its question mark; empty for the usual one."""
        parts = ["play=converted"] if self.converted else []
        parts += [f"audio={self.audio}"] if self.audio else []
        parts += [f"quality={self.height}"] if self.height else []
        parts += [] if self.burn is None else [f"burn={self.burn}"]
        return "?" + "&".join(parts) if parts else ""

    @property
    def cue_query(self) -> str:
        """The query of a text track's address; empty without a delay."""
        return f"?delay={self.delay_s:g}" if self.delay_s else ""

    @property
    def page_query(self) -> str:
        """The choice of all of it, for the address of the page."""
        parts = [part[1:] for part in (self.query, self.cue_query) if part]
        parts += [f"cues={self.cues}"] if self.cues else []
        return "?" + "&".join(parts) if parts else ""


class PlayerView(Struct, frozen=True):
    """The player as the template shows it; without `sources` there is a message in its place."""

    sources: tuple[tuple[str, str], ...]
    preload: str
    message: str
    fact: str
    choice: PlayerChoice
    audio_tracks: tuple[str, ...]
    audio_languages: tuple[str, ...]
    heights: tuple[int, ...]
    burnable: tuple[tuple[int, str], ...] = ()
    start_s: float = 0.0
    busy: str = BUSY
    late: str = LATE
    slow: str = ""
    soundless: str = ""
    cue_sizes: Mapping[str, str] = field(default_factory=lambda: CUE_SIZES)


def player_choice(values: Mapping[str, str]) -> PlayerChoice:
    """The choice in an address or a form; what is no choice there counts as none."""
    height, audio = values.get("quality", ""), _number(values.get("audio", ""))
    return PlayerChoice(
        converted=values.get("play") == "converted",
        audio=audio or 0,
        chose_audio=audio is not None,
        height=next((one for one in HEIGHTS if height == str(one)), 0),
        burn=_number(values.get("burn", "")),
        delay_s=delay(values.get("delay", "")),
        cues=next((one for one in CUE_SIZES if one == values.get("cues")), ""),
    )


def spoken_in(video: Video, choice: PlayerChoice) -> str:
    """The language of the chosen sound; empty where it is unknown or there is no such track."""
    spoken = [_language(track) for track in _sounds(video)]
    return spoken[choice.audio] if choice.audio < len(spoken) else ""


def preferred_sound(video: Video, choice: PlayerChoice, language: str) -> PlayerChoice:
    """The choice with the track of a language where the address names none."""
    if choice.chose_audio or not language:
        return choice
    spoken = [_language(track) for track in _sounds(video)]
    return replace(choice, audio=spoken.index(language)) if language in spoken else choice


def _sounds(video: Video) -> tuple[Track, ...]:
    return video.probe.audio_tracks if video.probe else ()


def _language(track: Track) -> str:
    known = language_of(track.language or "")
    return known[0] if known else ""


async def player_view(video: Video, choice: PlayerChoice, start_s: float = 0.0) -> PlayerView:
    """The player for this video, which begins at `start_s` seconds.

    The beginning is a media fragment of the address (Media Fragments URI 1.0 section 4.2.1), which
    browsers follow without a script.
    """
    probe = video.probe
    way, message = plays(probe, _extension(video)) if probe else (Playability.CONVERTED, NOT_PROBED)
    if video.state is State.UNREADABLE:
        way, message = Playability.NOWHERE, f"This file cannot be played: {video.reason}"
    sources: list[tuple[str, str]] = []
    if way is not Playability.NOWHERE:
        segmented = services().playback.address(video) + choice.query
        usual = not choice.query
        sources += [(addresses().video(video.file), _direct_type(video))] if usual else []
        # Browsers decode interlaced pictures, and show them with combs: the file comes second.
        sources.insert(0 if probe and probe.interlaced else len(sources), (segmented, HLS))
    silent = undecodable_sound(probe) if probe and way is Playability.CONVERTED else ""
    return PlayerView(
        sources=tuple((url + _fragment(start_s), kind) for url, kind in sources),
        preload="metadata" if way is Playability.DIRECT and len(sources) > 1 else "none",
        message=message if way is Playability.NOWHERE else "",
        fact=message,
        choice=choice,
        audio_tracks=tuple(_track_label(*pair) for pair in enumerate(_sounds(video))),
        audio_languages=tuple(_language(track) for track in _sounds(video)),
        heights=tuple(height for height in HEIGHTS if probe and height <= max(360, probe.height)),
        burnable=_burnable(video),
        start_s=start_s,
        slow=await _slow(video, choice) if way is Playability.CONVERTED or choice.query else "",
        soundless=SOUNDLESS.format(silent) if silent else "",
    )


def _burnable(video: Video) -> tuple[tuple[int, str], ...]:
    """Subtitles that are pictures: their numbers and names."""
    tracks = video.probe.subtitle_tracks if video.probe else ()
    found = {
        number: named_track(track, number)[0]
        for number, track in enumerate(tracks)
        if track.codec in PICTURE_SUBTITLES
    }
    return tuple(zip(found, labelled_apart(found.values()), strict=True))


async def _slow(video: Video, choice: PlayerChoice) -> str:
    """A message for a film that cannot be converted as fast as it plays."""
    wanted = choice.converted or choice.height > 0 or choice.burn is not None
    speed = None
    if video.probe:
        speed = await services().playback.least_speed(video, video.probe, wanted)
    return "" if speed is None or speed >= WATCHABLE_SPEED else TOO_SLOW.format(speed)


def _fragment(start_s: float) -> str:
    return f"#t={start_s:.2f}".rstrip("0").rstrip(".") if start_s else ""


def _direct_type(video: Video) -> str:
    probe = video.probe
    container = probe.container if probe else None
    media_type = media_types.media_type(video.file.path, container)
    if probe is None:
        return source_type(media_type, "", ())
    sound = probe.audio_tracks[0] if probe.audio_tracks else None
    strings = (probe.codec_string or "", (sound.codec_string or sound.codec) if sound else "")
    return source_type(media_type, probe.video_codec, strings, sound.codec if sound else "")


def _extension(video: Video) -> str:
    return display_path(video.file.path).rpartition(".")[2]


def _track_label(number: int, track: Track) -> str:
    language = language_of(track.language or "")
    parts = [language[1] if language else track.language, track.title]
    parts.append({1: "mono", 2: "stereo", 6: "5.1", 8: "7.1"}.get(track.channels or 0))
    label = " · ".join(filter(None, parts)) or f"Track {number + 1}"
    return label if track.decodable else f"{label} (cannot be decoded)"


def _number(text: str) -> int | None:
    return int(text) if re.fullmatch(r"[0-9]{1,2}", text, re.ASCII) else None
