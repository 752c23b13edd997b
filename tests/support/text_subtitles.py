"""Films with text subtitles inside."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
from av.stream import Disposition

Line = tuple[int, int, str]
"""Start and length in milliseconds, and the text."""


def with_subtitles(
    film: Path,
    path: Path,
    lines: Sequence[Line],
    codec: str = "srt",
    marks: Sequence[Disposition] = (),
) -> Path:
    """The film with a track of subtitles in it, which is German; with `marks` one more for each,
    which has it.
    """
    with av.open(str(film)) as source, av.open(str(path), "w") as output:
        picture = source.streams.video[0]
        copy = output.add_stream_from_template(picture)
        tracks = [output.add_mux_stream(codec) for _ in range(1 + len(marks))]
        for each in tracks:
            each.time_base = Fraction(1, 1000)
            each.metadata["language"] = "ger"
        for each, mark in zip(tracks[1:], marks, strict=True):
            each.disposition = mark
        track = tracks[0]
        for start_ms, length_ms, text in lines:
            packet = av.Packet(text.encode())
            packet.stream, packet.time_base = track, Fraction(1, 1000)
            packet.pts = packet.dts = start_ms
            packet.duration = length_ms
            output.mux(packet)
        for shown in source.demux(picture):
            if shown.dts is not None:
                shown.stream = copy
                output.mux(shown)
    return path
