"""Details of a file in a person's words: `MP4`, `H.264`, `AAC 5.1`, `today 21:24`."""

from datetime import datetime

from lvs.clock import local_date, now_ms
from lvs.models import Probe, Track
from lvs.services.media.languages import language_of

CONTAINERS = {
    "matroska": "Matroska", "webm": "WebM", "avi": "AVI", "mpegts": "MPEG transport stream",
    "mpeg": "MPEG program stream", "flv": "Flash video", "asf": "Windows Media", "ogg": "Ogg",
    "mov": "MP4", "3gp": "3GP", "wtv": "Windows TV recording", "rm": "RealMedia", "dv": "DV",
}  # fmt: skip
BY_EXTENSION = {"mov": "QuickTime", "m4v": "MP4", "mkv": "Matroska", "webm": "WebM", "3gp": "3GP"}
CODECS = {
    "h264": "H.264", "hevc": "H.265", "av1": "AV1", "vp8": "VP8", "vp9": "VP9", "vvc": "H.266",
    "mpeg4": "MPEG-4", "msmpeg4v2": "MPEG-4 v2", "msmpeg4v3": "MPEG-4 v3", "mpeg1video": "MPEG-1",
    "mpeg2video": "MPEG-2", "wmv1": "WMV 7", "wmv2": "WMV 8", "wmv3": "WMV 9", "vc1": "VC-1",
    "mjpeg": "Motion JPEG", "prores": "ProRes", "dnxhd": "DNxHD", "theora": "Theora",
    "dvvideo": "DV", "h263": "H.263", "flv1": "Sorenson", "cinepak": "Cinepak",
    "aac": "AAC", "mp3": "MP3", "mp2": "MP2", "ac3": "Dolby Digital", "eac3": "Dolby Digital Plus",
    "truehd": "Dolby TrueHD", "dts": "DTS", "opus": "Opus", "vorbis": "Vorbis", "flac": "FLAC",
    "alac": "Apple Lossless", "wmav1": "WMA", "wmav2": "WMA", "wmapro": "WMA Pro",
    "subrip": "SRT", "mov_text": "timed text", "ass": "ASS", "webvtt": "WebVTT",
    "hdmv_pgs_subtitle": "PGS", "dvd_subtitle": "VobSub", "dvb_subtitle": "DVB",
}  # fmt: skip
CHANNELS = {1: "mono", 2: "stereo", 6: "5.1", 8: "7.1"}


def container_name(probe: Probe, extension: str) -> str:
    """The container as people call it: FFmpeg's name stands for several kinds of files."""
    names = probe.container.split(",")
    if len(names) > 1 and (known := BY_EXTENSION.get(extension.lower())):
        return known
    return CONTAINERS.get(names[0], names[0].upper())


def codec_name(codec: str) -> str:
    """The codec as people call it."""
    return "PCM" if codec.startswith("pcm_") else CODECS.get(codec, codec.upper())


def picture_facts(probe: Probe) -> str:
    """`1920 × 1080 · H.264, 8 bit, 24 fps`."""
    parts = [codec_name(probe.video_codec)]
    parts += [f"{probe.bit_depth} bit"] if probe.bit_depth else []
    parts += [f"{probe.frame_rate:.3g} fps"] if probe.frame_rate else []
    size = [f"{probe.width} × {probe.height}"] if probe.width and probe.height else []
    return " · ".join([*size, ", ".join(parts)])


def track_facts(track: Track) -> str:
    """`AAC 5.1 · English · Director's comments`."""
    sound = CHANNELS.get(track.channels or 0) or (f"{track.channels} ch" if track.channels else "")
    language = language_of(track.language or "")
    parts = [
        f"{codec_name(track.codec)} {sound}".strip(),
        language[1] if language else track.language,
        track.title,
        track.mark,
    ]
    return " · ".join(part for part in parts if part)


def moment(unix_ms: int) -> str:
    """`today 21:24`, `yesterday 21:24`, `14 Jul 2023 21:24`, in the server's time zone."""
    then = datetime.fromtimestamp(unix_ms / 1000).astimezone()
    days = (local_date(now_ms()) - then.date()).days
    if days in (0, 1):
        return f"{('today', 'yesterday')[days]} {then:%H:%M}"
    return f"{then.day} {then:%b %Y} {then:%H:%M}"
