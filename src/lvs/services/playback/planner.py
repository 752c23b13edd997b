"""Decisions of playback: which ways lead from a file to a browser, where its segments begin, and
what the playlists say.
"""

import math
import re
from collections.abc import Sequence
from enum import StrEnum
from itertools import pairwise
from typing import Any, NamedTuple

from lvs.services.playback.encoders import HARDWARE

PLANNER_VERSION = "3"
"""Goes up whenever the same file is cut or converted in another way: browsers keep segments."""

FIRST_CUT_S, COPY_SEGMENT_S, WINDOW_S, CONVERTED_SEGMENT_S = 1.0, 4.0, 6.0, 2.0
SHORTEST_S = 0.5
LONGEST_KEYFRAME_GAP_S = 20.0
MAX_DURATION_S = 24 * 3600.0
MAX_SEGMENTS = 50_000
HEIGHTS = (1080, 720, 480, 360)
DEFAULT_HEIGHT = 720
LEAST_SPEEDS = ((1080, 4.0), (720, 1.5), (480, 1.1))
"""How many times as fast as the film its conversion to 720 lines must be for each size."""
COPIED_CONTAINERS = frozenset({"mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm", "mpegts", "flv"})
COPIED_PIXELS = frozenset({"yuv420p", "yuvj420p"})
TEXT_SUBTITLES = frozenset({"subrip", "srt", "ass", "ssa", "mov_text", "webvtt", "text"})
PICTURE_SUBTITLES = frozenset({"hdmv_pgs_subtitle", "dvd_subtitle"})
"""Subtitles that are drawn into the picture, since browsers show text alone."""
COPIED_PROFILES = frozenset({66, 77, 100})
"""Baseline, Main and High profile of H.264 (ITU-T H.264, Annex A): what every browser decodes."""

GAINS = {1080: 0.6, 720: 1.0, 480: 1.3, 360: 1.5}
"""How many times as fast as to 720 lines a conversion to so many lines is."""
THIN_GAIN = 1.5
"""The same for decoding without the pictures that no other picture leans on."""
THINNED = frozenset({"h264", "hevc"})
"""Codecs whose decoders can leave out the pictures that no other picture leans on."""
WATCHABLE_SPEED = 1.0

_VARIANT = re.compile(
    r"(?:(copy|hevc)|h264-(1080|720|480|360)(t?))-a([0-9]{1,2})(?:-s([0-9]{1,2}))?"
    rf"(?:-({'|'.join(HARDWARE)}))?",
    re.ASCII,
)


class Delivery(StrEnum):
    """One way from the file to the browser."""

    COPY = "copy"
    HEVC = "hevc"
    CONVERT = "h264"


# Named tuples, which need no further package to be imported: somebody waits for a player worker to
# start.
class Sound(NamedTuple):
    """A sound track of a film. `copied` tells that its packets fit into a segment as they are."""

    codec: str
    string: str
    copied: bool = False
    language: str | None = None
    default: bool = False


class VideoFacts(NamedTuple):
    """Facts of an opened film that playback depends on. Times are seconds from the film's start.

    `width` and `height` are as displayed: turned, in square points. `keyframes` is None where the
    file has no index. `subtitles` holds the codecs of the subtitle tracks.
    """

    container: str
    codec: str
    string: str
    duration_s: float
    width: int
    height: int
    pixel_format: str
    bit_depth: int = 8
    interlaced: bool = False
    transfer: str = ""
    rotation: int = 0
    frame_rate: float = 25.0
    bit_rate: int = 0
    sounds: tuple[Sound, ...] = ()
    subtitles: tuple[str, ...] = ()
    keyframes: tuple[float, ...] | None = None
    timed: bool = True

    def record(self) -> dict[str, Any]:
        """The facts by name, for JSON."""
        return {**self._asdict(), "sounds": [sound._asdict() for sound in self.sounds]}


class Variant(NamedTuple):
    """A stream of segments made in one way, as its address names it.

    `thin` leaves out pictures that no other leans on; `burn` is the subtitle track that is drawn
    into the picture; `encoder` is the hardware encoder, none for software.
    """

    way: Delivery
    height: int = 0
    audio: int = 0
    thin: bool = False
    burn: int | None = None
    encoder: str = ""

    def __str__(self) -> str:
        size = f"-{self.height}{'t' * self.thin}" if self.way is Delivery.CONVERT else ""
        burnt = "" if self.burn is None else f"-s{self.burn}"
        chip = f"-{self.encoder}" if self.encoder else ""
        return f"{self.way}{size}-a{self.audio}{burnt}{chip}"


def parse_variant(name: str) -> Variant | None:
    """The variant of that name, None where there is none."""
    match = _VARIANT.fullmatch(name)
    if match is None:
        return None
    way = Delivery.CONVERT if match[2] else Delivery(match[1])
    burn = None if match[5] is None else int(match[5])
    if (burn is not None or match[6]) and way is not Delivery.CONVERT:
        return None
    return Variant(way, int(match[2] or 0), int(match[4]), bool(match[3]), burn, match[6] or "")


def stream_key(fingerprint: str) -> str:
    """8 hex digits that name one content of a file as this planner cuts it."""
    # Here and not above: OpenSSL comes with it, and somebody waits for a player worker to start.
    from hashlib import blake2b  # noqa: PLC0415

    return blake2b(f"{fingerprint} {PLANNER_VERSION}".encode(), digest_size=4).hexdigest()


def can_copy(video: VideoFacts) -> bool:
    """True if the picture goes into segments as it is, and every browser decodes it there."""
    return video.codec == "h264" and _profile(video.string) in COPIED_PROFILES and _cuttable(video)


def can_copy_hevc(video: VideoFacts) -> bool:
    """True if the HEVC picture goes into segments as it is, for browsers that decode it."""
    return video.codec == "hevc" and video.string.count(".") >= 3 and _cuttable(video)


def _cuttable(video: VideoFacts) -> bool:
    if video.container not in COPIED_CONTAINERS or video.interlaced or not video.timed:
        return False
    if video.codec == "h264" and video.pixel_format not in COPIED_PIXELS:
        return False
    if video.keyframes is None:
        return True
    edges = (*video.keyframes, video.duration_s)
    gaps = (after - before for before, after in pairwise(edges))
    return bool(video.keyframes) and max(gaps) <= LONGEST_KEYFRAME_GAP_S


def _profile(string: str) -> int:
    digits = string.partition(".")[2]
    return int(digits[:2], 16) if len(digits) == 6 else 0


def deliveries(video: VideoFacts, converted: bool = False) -> tuple[Delivery, ...]:
    """The ways of this film, best first; `converted` asks for the one that needs nothing of the
    browser.
    """
    if converted:
        return (Delivery.CONVERT,)
    if can_copy(video):
        return (Delivery.COPY,)
    return (Delivery.HEVC, Delivery.CONVERT) if can_copy_hevc(video) else (Delivery.CONVERT,)


def cut_list(video: VideoFacts, way: Delivery) -> tuple[float, ...]:
    """Start times of the segments, in seconds; the first is 0, the last ends with the film."""
    if way is Delivery.CONVERT:
        return _converted_cuts(video.duration_s)
    if video.keyframes is None:
        return _even_cuts(video.duration_s, WINDOW_S)
    return _keyframe_cuts(video.keyframes)


def _keyframe_cuts(keyframes: Sequence[float]) -> tuple[float, ...]:
    cuts = [0.0]  # whatever the first keyframe's own time is: the film begins with it
    for moment in keyframes[1:]:
        if moment - cuts[-1] >= (COPY_SEGMENT_S if len(cuts) > 1 else FIRST_CUT_S):
            cuts.append(moment)
    return tuple(cuts)


def _converted_cuts(duration_s: float) -> tuple[float, ...]:
    """0, 1, 2, 4, 6 … seconds: two short segments, so that the picture comes quickly."""
    cuts = (0.0, FIRST_CUT_S, *_even_cuts(duration_s, CONVERTED_SEGMENT_S)[1:])
    return tuple(cut for cut in cuts if cut <= duration_s - SHORTEST_S or not cut)


def _even_cuts(duration_s: float, length_s: float) -> tuple[float, ...]:
    count = min(MAX_SEGMENTS, max(1, math.ceil((duration_s - 0.001) / length_s)))
    return tuple(number * length_s for number in range(count))


def converted_size(video: VideoFacts, height: int) -> tuple[int, int]:
    """Even width and height of the converted picture: at most `height` lines, counted along the
    shorter side.
    """
    short = min(video.width, video.height)
    scale = min(1.0, height / short, 4 * height / max(video.width, video.height))
    return max(2, round(video.width * scale / 2) * 2), max(2, round(video.height * scale / 2) * 2)


H264_LEVELS = (
    (30, 1620, 40_500),
    (31, 3600, 108_000),
    (40, 8192, 245_760),
    (42, 8704, 522_240),
    (51, 36_864, 983_040),
)


def decoding_load(video: VideoFacts) -> float:
    """Megapixels that are decoded for each second of the film."""
    return video.width * video.height * video.frame_rate / 1e6


def fitting_height(video: VideoFacts, pace: float | None) -> int:
    """The largest size that this machine probably converts fast enough to be watched.

    `pace` is how many megapixels of such films it converts to 720 lines per second, None while
    unknown. Decoding takes most of the time, so that a smaller size gains less than its pixels say.
    """
    if pace is None:
        return DEFAULT_HEIGHT
    speed = pace / max(0.001, decoding_load(video))
    return next((height for height, least in LEAST_SPEEDS if speed >= least), HEIGHTS[-1])


def needs_thinning(video: VideoFacts, pace: float | None) -> bool:
    """True if even the smallest size is too slow with all of the film's pictures."""
    if pace is None or video.codec not in THINNED:
        return False
    return pace * GAINS[HEIGHTS[-1]] < WATCHABLE_SPEED * decoding_load(video)


def least_speed(codec: str, load_mpx_s: float, pace: float | None) -> float | None:
    """Film seconds converted per second at the smallest size; None while unknown."""
    if pace is None:
        return None
    thinning = THIN_GAIN if codec in THINNED else 1.0
    return pace * GAINS[HEIGHTS[-1]] * thinning / max(0.001, load_mpx_s)


def h264_level(width: int, height: int, frame_rate: float) -> int:
    """Ten times the level that this picture needs (ITU-T H.264, table A-1)."""
    blocks = -(-width // 16) * -(-height // 16)
    return next(
        (
            level
            for level, size, rate in H264_LEVELS
            if blocks <= size and blocks * frame_rate <= rate
        ),
        52,
    )


def converted_string(video: VideoFacts, height: int) -> str:
    """Codec string of the converted picture, which is constrained baseline H.264."""
    return f"avc1.42c0{h264_level(*converted_size(video, height), video.frame_rate):02x}"


def variants(
    video: VideoFacts,
    *,
    audio: int = 0,
    converted: bool = False,
    height: int = 0,
    thin: bool = False,
    burn: int | None = None,
    encoder: str = "",
) -> list[Variant]:
    """The variants that a master playlist offers, the one to begin with first."""
    track = audio if audio < len(video.sounds) else 0
    burnt = burn if burn is not None and can_burn(video, burn) else None
    return [
        Variant(way, height or DEFAULT_HEIGHT, track, thin, burnt, encoder)
        if way is Delivery.CONVERT
        else Variant(way, 0, track)
        for way in deliveries(video, converted or burnt is not None)
    ]


def can_burn(video: VideoFacts, track: int) -> bool:
    """True if the film has subtitles of this number that are pictures."""
    return track < len(video.subtitles) and video.subtitles[track] in PICTURE_SUBTITLES


def is_possible(video: VideoFacts, variant: Variant) -> bool:
    """True if the film has this variant: the way fits it, and the tracks are there."""
    if variant.audio and variant.audio >= len(video.sounds):
        return False
    if variant.burn is not None and not can_burn(video, variant.burn):
        return False
    fits = {Delivery.COPY: can_copy, Delivery.HEVC: can_copy_hevc}.get(variant.way)
    return fits is None or fits(video)


def codecs(video: VideoFacts, variant: Variant) -> str:
    """The `CODECS` attribute of a variant (RFC 8216, section 4.3.4.2)."""
    picture = (
        converted_string(video, variant.height) if variant.way is Delivery.CONVERT else video.string
    )
    if not video.sounds:
        return picture
    sound = video.sounds[variant.audio]
    copied = sound.copied and variant.way is not Delivery.CONVERT
    return f"{picture},{sound.string if copied else 'mp4a.40.2'}"


def master_playlist(video: VideoFacts, offered: Sequence[Variant]) -> str:
    """The master playlist (RFC 8216, section 4.3.4)."""
    lines = ["#EXTM3U", "#EXT-X-VERSION:7", "#EXT-X-INDEPENDENT-SEGMENTS"]
    for variant in offered:
        width, height = (
            converted_size(video, variant.height)
            if variant.way is Delivery.CONVERT
            else (video.width, video.height)
        )
        rate = _bits_per_second(video, variant)
        size = f"BANDWIDTH={rate},RESOLUTION={width}x{height}"
        lines.append(f'#EXT-X-STREAM-INF:{size},CODECS="{codecs(video, variant)}"')
        lines.append(f"{variant}/index.m3u8")
    return "\n".join(lines) + "\n"


def _bits_per_second(video: VideoFacts, variant: Variant) -> int:
    if variant.way is not Delivery.CONVERT:
        return max(100_000, video.bit_rate)
    width, height = converted_size(video, variant.height)
    return round(width * height * 4) + 160_000


def media_playlist(video: VideoFacts, variant: Variant) -> str:
    """The playlist of one variant (RFC 8216, section 4.3.3), whole from the start: a film has an
    end.
    """
    cuts = cut_list(video, variant.way)
    lengths = [
        max(0.001, end - start)
        for start, end in zip(cuts, (*cuts[1:], video.duration_s), strict=True)
    ]
    lines = [
        "#EXTM3U",
        "#EXT-X-VERSION:7",
        f"#EXT-X-TARGETDURATION:{max(1, math.ceil(max(lengths)))}",
        "#EXT-X-MEDIA-SEQUENCE:0",
        "#EXT-X-PLAYLIST-TYPE:VOD",
        "#EXT-X-INDEPENDENT-SEGMENTS",
        '#EXT-X-MAP:URI="init.mp4"',
    ]
    for number, length in enumerate(lengths):
        lines += [f"#EXTINF:{length:.6f},", f"{number}.m4s"]
    return "\n".join([*lines, "#EXT-X-ENDLIST"]) + "\n"
