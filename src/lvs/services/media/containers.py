"""Containers as FFmpeg may open them: which formats and decoders, from which bytes, within which
limits.

Imported by worker processes only. FFmpeg gets an open file and never a name, and may use what is
listed here and nothing else, so that a playlist in a film's clothes opens nothing.
"""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

import av
from av.audio.stream import AudioStream
from av.container import InputContainer

DEMUXERS = "mov,matroska,avi,flv,mpegts,mpeg,mpegvideo,asf,ogg,rm,mxf,dv,wtv,h264,hevc"
PICTURE_DECODERS = frozenset(
    {"h264", "hevc", "vp8", "vp9", "libdav1d", "theora", "mjpeg", "prores", "dnxhd", "dvvideo"}
    | {"mpeg1video", "mpeg2video", "mpeg4", "h263", "flv", "vp6", "vp6a", "vp6f"}
    | {"msmpeg4v1", "msmpeg4v2", "msmpeg4", "wmv1", "wmv2", "wmv3", "vc1"}
    | {
        "cinepak",
        "indeo2",
        "indeo3",
        "indeo4",
        "indeo5",
        "svq1",
        "svq3",
        "qtrle",
        "msrle",
        "msvideo1",
        "rpza",
        "smc",
        "8bps",
    }
    | {"rv10", "rv20", "rv30", "rv40"}
)
SOUND_DECODERS = frozenset(
    {
        "aac",
        "aac_latm",
        "ac3",
        "eac3",
        "dca",
        "truehd",
        "mlp",
        "mp1",
        "mp1float",
        "mp2float",
        "mp3float",
        "mp3",
        "mp2",
        "opus",
        "libopus",
    }
    | {
        "vorbis",
        "flac",
        "alac",
        "wmav1",
        "wmav2",
        "wmapro",
        "wmalossless",
        "wmavoice",
        "amrnb",
        "amrwb",
        "nellymoser",
        "speex",
    }
    | {
        "cook",
        "sipr",
        "real_144",
        "real_288",
        "ralf",
        "qdm2",
        "qdmc",
        "mace3",
        "mace6",
        "gsm",
        "gsm_ms",
        "g723_1",
        "atrac3",
        "atrac3plus",
        "qcelp",
        "evrc",
        "wavpack",
        "tta",
        "truespeech",
        "imc",
        "iac",
    }
    | {
        "pcm_s8",
        "pcm_u8",
        "pcm_s16le",
        "pcm_s16be",
        "pcm_s24le",
        "pcm_s24be",
        "pcm_s32le",
        "pcm_s32be",
        "pcm_f32le",
        "pcm_f32be",
    }
    | {
        "pcm_f64le",
        "pcm_f64be",
        "pcm_u16le",
        "pcm_u16be",
        "pcm_alaw",
        "pcm_mulaw",
        "pcm_bluray",
        "pcm_dvd",
        "s302m",
    }
    | {"adpcm_ima_wav", "adpcm_ima_qt", "adpcm_ms", "adpcm_swf", "adpcm_yamaha", "g726"}
)
"""Decoders of sound by their own names. FFmpeg holds to such a list while it opens a file only;
who decodes afterwards asks `sound_decodes`.
"""
SUBTITLE_DECODERS = frozenset(
    {"srt", "subrip", "ass", "ssa", "mov_text", "webvtt", "text", "pgssub", "dvdsub", "dvbsub"}
)
MAX_PIXELS = 8192 * 8192
MAX_STREAMS = 100
PROBE_BUFFER_BYTES = 32 * 1024
# PyAV before 19 raises on text that is not UTF-8 unless it is told otherwise; since then it keeps
# what it cannot read as surrogates.
METADATA: dict[str, Any] = (
    {"metadata_errors": "replace"} if int(av.__version__.partition(".")[0]) < 19 else {}
)
BAD_DATA = (av.FFmpegError, ValueError, OSError)
_PLACE = threading.Lock()  # readers of one film, each in a thread of its own, share one file


class MeteredFile:
    """A file as FFmpeg sees it: readable, seekable, and at its end once `allowance_bytes` are read.

    `gap` leaves out a run of bytes, so that the head and the tail of a long file can be read as one
    short one.
    """

    def __init__(
        self, file: IO[bytes], size_bytes: int, allowance_bytes: int, gap: range = range(0)
    ) -> None:
        self._file = file
        self._gap = gap
        self._size_bytes = size_bytes - len(gap)
        self._position = 0
        self.allowance_bytes = allowance_bytes
        self.error: OSError | None = None
        """The first error of the disk. FFmpeg goes on after one, and would blame the file."""

    def read(self, wanted_bytes: int) -> bytes:
        wanted_bytes = min(wanted_bytes, self.allowance_bytes, self._size_bytes - self._position)
        place = self._position
        if place >= self._gap.start:
            place += len(self._gap)
        else:
            wanted_bytes = min(wanted_bytes, self._gap.start - place)
        if wanted_bytes <= 0:
            return b""
        try:
            with _PLACE:
                self._file.seek(place)
                got = self._file.read(wanted_bytes)
        except OSError as error:
            self.error = self.error or error
            raise
        self.allowance_bytes -= len(got)
        self._position += len(got)
        return got

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._size_bytes}[whence]
        if start + offset < 0:
            raise ValueError("before the start of the file")
        self._position = start + offset
        return self._position

    def tell(self) -> int:
        return self._position


def open_container(
    file: MeteredFile,
    decoders: frozenset[str] = PICTURE_DECODERS,
    buffer_bytes: int = PROBE_BUFFER_BYTES,
) -> InputContainer:
    """The opened container. Raises one of BAD_DATA where there is none that may be opened."""
    options = {
        "format_whitelist": DEMUXERS,
        "codec_whitelist": ",".join(sorted(decoders)),
        "protocol_whitelist": "none",
        "max_streams": str(MAX_STREAMS),
        "max_pixels": str(MAX_PIXELS),
    }
    container: InputContainer = av.open(
        file, "r", options=options, io_open=_refuse, buffer_size=buffer_bytes, **METADATA
    )
    return container


def sound_decodes(stream: AudioStream) -> bool:
    """True if this sound has a decoder, and one that is allowed."""
    context: Any = stream.codec_context  # None for a codec FFmpeg has no decoder for
    return context is not None and context.codec.name in SOUND_DECODERS


@contextmanager
def despite_bad_data() -> Iterator[None]:
    """Goes on after what FFmpeg says of a file's content.

    That there was no memory is not the file's fault.
    """
    try:
        yield
    except MemoryError:
        raise
    except BAD_DATA:
        pass


def _refuse(url: str, flags: int, options: dict[str, str]) -> None:
    raise PermissionError("a video must not open other files")
