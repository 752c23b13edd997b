"""Films with text subtitles inside."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av

Line = tuple[int, int, str]
"""Start and length in milliseconds, and the text."""


def with_subtitles(film: Path, path: Path, lines: Sequence[Line]) -> Path:
    """The film with a SubRip track in it, which is German."""
    with av.open(str(film)) as source, av.open(str(path), "w") as output:
        picture = source.streams.video[0]
        copy = output.add_stream_from_template(picture)
        track = output.add_mux_stream("srt")
        track.time_base = Fraction(1, 1000)
        track.metadata["language"] = "ger"
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
