"""Playability in browsers, with the reason where a browser cannot play a video as it is.

Watch pages, the API and the gallery's filter all ask here.
"""

import json
from enum import IntEnum
from functools import lru_cache

from lvs.models import Probe, Track

# The containers by the names ffprobe gives them.
MP4 = "mov,mp4,m4a,3gp,3g2,mj2"
MATROSKA = "matroska,webm"
CONTAINERS = {
    MP4: "an MP4 file",
    MATROSKA: "a Matroska file",
    "avi": "an AVI file",
    "flv": "a Flash video file",
    "mpegts": "an MPEG transport stream",
    "mpeg": "an MPEG program stream",
    "mpegvideo": "a bare MPEG stream",
    "asf": "a Windows Media file",
    "ogg": "an Ogg file",
    "rm": "a RealMedia file",
    "mxf": "an MXF file",
    "dv": "a DV file",
    "wtv": "a Windows TV recording",
    "h264": "a bare H.264 stream",
    "hevc": "a bare HEVC stream",
}
EXTENSIONS = {"mov": "a QuickTime file", "webm": "a WebM file", "3gp": "a 3GP file"}
VIDEO_CODECS = {
    "h264": "H.264",
    "hevc": "HEVC",
    "av1": "AV1",
    "vp8": "VP8",
    "vp9": "VP9",
    "mpeg1video": "MPEG-1",
    "mpeg2video": "MPEG-2",
    "mpeg4": "MPEG-4 Part 2 (DivX, Xvid)",
    "msmpeg4v1": "Microsoft MPEG-4",
    "msmpeg4v2": "Microsoft MPEG-4",
    "msmpeg4v3": "Microsoft MPEG-4",
    "wmv1": "Windows Media",
    "wmv2": "Windows Media",
    "wmv3": "Windows Media",
    "vc1": "VC-1",
    "h263": "H.263",
    "flv1": "Sorenson",
    "theora": "Theora",
    "mjpeg": "Motion JPEG",
    "prores": "ProRes",
    "dnxhd": "DNxHD",
    "dvvideo": "DV",
    "vp6": "On2 VP6",
    "vp6a": "On2 VP6",
    "vp6f": "On2 VP6",
    "cinepak": "Cinepak",
    "indeo2": "Indeo",
    "indeo3": "Indeo",
    "indeo4": "Indeo",
    "indeo5": "Indeo",
    "svq1": "Sorenson",
    "svq3": "Sorenson",
    "qtrle": "QuickTime Animation",
    "msrle": "Microsoft RLE",
    "msvideo1": "Microsoft Video 1",
    "rpza": "QuickTime Video",
    "smc": "QuickTime Graphics",
    "8bps": "Planar RGB",
    "rv10": "RealVideo",
    "rv20": "RealVideo",
    "rv30": "RealVideo",
    "rv40": "RealVideo",
}
AUDIO_CODECS = {
    "aac": "AAC",
    "ac3": "AC-3",
    "eac3": "E-AC-3",
    "dts": "DTS",
    "truehd": "TrueHD",
    "mp2": "MPEG layer 2",
    "mp3": "MP3",
    "amr_nb": "AMR",
    "amr_wb": "AMR",
    "alac": "Apple Lossless",
    "flac": "FLAC",
    "opus": "Opus",
    "vorbis": "Vorbis",
    "wmav1": "Windows Media",
    "wmav2": "Windows Media",
}
MP4_VIDEO = frozenset({"h264", "av1", "vp9"})
MP4_AUDIO = frozenset({"aac", "mp3", "opus", "flac"})
WEBM_VIDEO = frozenset({"vp8", "vp9", "av1"})
WEBM_AUDIO = frozenset({"opus", "vorbis"})
# H.264 beyond these is for editing rooms: browsers and the chips they use decode 8 bits at 4:2:0.
H264_PIXELS = frozenset({"yuv420p", "yuvj420p", None})


class Playability(IntEnum):
    """Ways in which a video reaches browsers, numbered as the column `gallery.playback` is."""

    UNKNOWN = 0  # until the file was probed
    DIRECT = 1
    CONVERTED = 2
    NOWHERE = 3


def plays(probe: Probe, extension: str) -> tuple[Playability, str]:
    """The way of a film to browsers, and a message about it for people.

    DIRECT: every browser plays the file as it is. CONVERTED: those that do not get it in another
    form. NOWHERE: LVS has no decoder for it. `extension` as for `browser_playable`.
    """
    if probe.video_codec not in VIDEO_CODECS:
        container = CONTAINERS.get(probe.container, "an unusual file")
        picture = _named(VIDEO_CODECS, probe.video_codec, "video")
        return (
            Playability.NOWHERE,
            (
                f"LVS cannot decode this film: its picture is {picture} in {container}. "
                "Download it to play it with another program."
            ),
        )
    direct, _ = browser_playable(probe, extension)
    if direct:
        return Playability.DIRECT, "plays everywhere"
    return Playability.CONVERTED, "converted for most browsers" + (
        f", but without sound: LVS cannot decode its {undecodable}"
        if (undecodable := undecodable_sound(probe))
        else ""
    )


def undecodable_sound(probe: Probe) -> str:
    """Name of the sound of a film that has some, and none that LVS can decode; else empty."""
    if not probe.audio_tracks or any(track.decodable for track in probe.audio_tracks):
        return ""
    return _named(AUDIO_CODECS, probe.audio_tracks[0].codec, "sound")


def plays_code(
    container: str, codec: str, pixel_format: str | None, interlaced: int, audio: str, path: bytes
) -> int:
    """The number of `plays` for a row of the database; `audio` is the JSON of its sound tracks."""
    extension = path.rpartition(b".")[2].decode("ascii", "replace")
    return _code(container, codec, pixel_format, bool(interlaced), audio or "[]", extension)


@lru_cache(maxsize=1024)
def _code(
    container: str, codec: str, pixels: str | None, interlaced: bool, audio: str, extension: str
) -> int:
    tracks = tuple(Track(sound["codec"]) for sound in json.loads(audio)[:1])
    probe = Probe(
        container,
        codec,
        *(None, 0, 0, 0, 0),
        pixel_format=pixels,
        interlaced=interlaced,
        audio_tracks=tracks,
    )
    return int(plays(probe, extension)[0])


def browser_playable(probe: Probe, extension: str) -> tuple[bool, str]:
    """A pair: does the file play directly in current browsers, and if not, a message that names
    what they cannot play.

    `extension` is the file name's, with or without its dot: it tells WebM from Matroska.
    """
    extension = extension.lower().removeprefix(".")
    picture = _named(VIDEO_CODECS, probe.video_codec, "video")
    sound = (
        probe.audio_tracks[0].codec if probe.audio_tracks else None
    )  # browsers play the first track
    container = EXTENSIONS.get(extension) or CONTAINERS.get(probe.container, "an unusual file")
    if probe.container == MP4:
        video_codecs, audio_codecs = MP4_VIDEO, MP4_AUDIO
    elif probe.container == MATROSKA:
        video_codecs, audio_codecs = WEBM_VIDEO, WEBM_AUDIO
        if extension != "webm" and (
            probe.video_codec == "h264" or probe.video_codec in video_codecs
        ):
            return (
                False,
                (
                    f"Chrome and Edge play this file, other browsers may not: it is {picture} in"
                    f" {container}."
                ),
            )
    else:
        return (
            False,
            f"Most browsers cannot play this file: {picture} in {container}.",
        )
    if probe.video_codec == "hevc" and probe.container == MP4:
        return (
            False,
            (
                "Safari and devices with a chip for HEVC play this file, others cannot: its picture"
                " is HEVC video."
            ),
        )
    if probe.video_codec not in video_codecs:
        return (
            False,
            f"Most browsers cannot play this file: {picture} in {container}.",
        )
    if probe.video_codec == "h264" and probe.pixel_format not in H264_PIXELS:
        return (
            False,
            (
                f"Many browsers cannot play this file: its picture is {picture} in a form for"
                f" editing ({probe.pixel_format})."
            ),
        )
    if probe.interlaced:
        return (
            False,
            f"Browsers show edges that move as combs: its picture is interlaced {picture}.",
        )
    if sound is not None and sound not in audio_codecs:
        sound = _named(AUDIO_CODECS, sound, "audio")
        return (
            False,
            f"Most browsers play this file without sound, or not at all: its sound is {sound}.",
        )
    return True, ""


def _named(names: dict[str, str], codec: str, kind: str) -> str:
    if codec == "unknown":
        return f"{kind} of an unknown kind"
    if codec.startswith("pcm_"):
        return "uncompressed audio"
    return f"{names.get(codec, codec)} {kind}"
