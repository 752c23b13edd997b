"""Text subtitles inside a film, taken out of their packets as WebVTT.

Imported by the player worker only. The packets are the text; no decoder is needed.
"""

import codecs
import html
import re
from collections.abc import Iterator
from typing import Any

from av.packet import Packet

from lvs.errors import NotFound, Unreadable
from lvs.services.media.webvtt import to_webvtt
from lvs.services.playback.picture import Checkpoint
from lvs.services.playback.planner import MAX_DURATION_S, TEXT_SUBTITLES
from lvs.services.playback.video_source import VideoSource, only

MAX_CUES = 20_000
MAX_CHARACTERS = 4_000_000
MAX_CUE_CHARACTERS = 4_000
USUAL_S = 3.0
"""How long a cue stays that does not say so."""
UTF_16 = (codecs.BOM_UTF16_BE, codecs.BOM_UTF16_LE)
"""What text begins with in 3GPP timed text that is not UTF-8 (3GPP TS 26.245, section 5.17)."""
_CUE_TAG = re.compile(
    r"</?(?:c|v|lang|ruby|rt)(?:[.\s][^<>]{0,500})?>|<(?:\d{2,4}:)?\d{2}:\d{2}\.\d{3}>", re.ASCII
)
"""Tags of WebVTT for voices, classes and times, which SubRip does not have."""
ASS_FIELDS = 8
"""Commas before the text of an event in Matroska (ReadOrder, Layer, Style … Effect)."""


def embedded_webvtt(source: VideoSource, track: int, checkpoint: Checkpoint) -> str:
    """The text track of this number, counted among the film's subtitle tracks from 0.

    Reads the whole film where the container holds its tracks interleaved. Raises NotFound where
    there is no such track, Unreadable where it holds pictures or nothing.
    """
    container = source.open(whole=True)
    try:
        streams = container.streams.subtitles
        if track >= len(streams):
            raise NotFound("The film has no such subtitles.")
        stream: Any = streams[track]
        codec = stream.codec_context.codec.canonical_name if stream.codec_context else ""
        if codec not in TEXT_SUBTITLES:
            raise Unreadable("These subtitles are pictures, not text.")
        only(container, stream)
        cues = _cues(source, source.packets(container, stream), codec, checkpoint)
        text = "\n\n".join(cues)
    finally:
        container.close()
    source.raise_disk_error()
    return to_webvtt(text.encode(), "srt") if text else "WEBVTT\n"


def _cues(
    source: VideoSource, packets: "Iterator[Packet[Any]]", codec: str, checkpoint: Checkpoint
) -> Iterator[str]:
    """The cues as SubRip, which the same rules turn into WebVTT as a file beside the film."""
    written = 0
    for number, packet in enumerate(packets):
        checkpoint()
        start_s = source.moment(packet)
        text = _text(bytes(packet), codec)
        if number >= MAX_CUES or written > MAX_CHARACTERS:
            return
        if start_s is None or not text or not 0 <= start_s <= MAX_DURATION_S:
            continue
        length_s = float((packet.duration or 0) * (packet.time_base or 0)) or USUAL_S
        written += len(text)
        yield f"{number + 1}\n{_stamp(start_s)} --> {_stamp(start_s + length_s)}\n{text}"


def _text(content: bytes, codec: str) -> str:
    encoding = "utf-8"
    if codec == "mov_text":  # 3GPP timed text: a length, the text, and boxes with its style
        content = content[2 : 2 + int.from_bytes(content[:2], "big")]
        encoding = "utf-16" if content.startswith(UTF_16) else encoding
    text = content.decode(encoding, "replace").replace("\r\n", "\n").replace("\r", "\n")
    if codec in ("ass", "ssa"):
        text = text.split(",", ASS_FIELDS)[-1]
    if codec == "webvtt":
        text = html.unescape(_CUE_TAG.sub("", text))
    lines = [line for line in text.replace("\0", "").split("\n") if line.strip()]
    return "\n".join(lines)[:MAX_CUE_CHARACTERS].replace("-->", "→")


def _stamp(moment_s: float) -> str:
    seconds, ms = divmod(round(moment_s * 1000), 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{seconds:02},{ms:03}"
