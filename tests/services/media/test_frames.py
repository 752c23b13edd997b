"""Choice of the picture track that is the film."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest
from av.stream import Disposition

from lvs.services.media.frames import main_picture

DEFAULT, NONE = Disposition.default, Disposition(0)
FORMS = {"mjpeg": "yuvj420p"}


def film(path: Path, tracks: Sequence[tuple[str, int, Disposition]]) -> Path:
    """A film with these picture tracks: codec, number of pictures, and what is said of it."""
    with av.open(str(path), "w") as output:
        streams: list[Any] = []
        for codec, _, disposition in tracks:
            stream: Any = output.add_stream(codec, rate=10)
            stream.width, stream.height = 96, 64
            stream.pix_fmt = FORMS.get(codec, "yuv420p")
            stream.disposition = disposition
            streams.append(stream)
        for stream, (_, count, _) in zip(streams, tracks, strict=True):
            for number in range(count):
                frame: Any = av.VideoFrame(96, 64, stream.pix_fmt)
                frame.pts, frame.time_base = number, Fraction(1, 10)
                output.mux(stream.encode(frame))
            output.mux(stream.encode())
    return path


def main_track(path: Path) -> int:
    """Number of the track that is taken for the film."""
    with av.open(str(path)) as opened:
        found = main_picture(list(opened.streams.video))
        assert found is not None
        return found.index


@pytest.mark.parametrize("extension", ["mkv", "mov"])
@pytest.mark.parametrize(
    ("tracks", "expected"),
    [
        ([("mjpeg", 1, DEFAULT), ("libx264", 9, NONE)], 1),
        ([("mjpeg", 1, NONE), ("libx264", 9, NONE)], 1),
        ([("libx264", 9, DEFAULT), ("mjpeg", 1, NONE)], 0),
        ([("libx264", 9, NONE), ("libx264", 9, DEFAULT)], 1),
        ([("mjpeg", 9, DEFAULT)], 0),
    ],
)
def test_the_main_track_moves_can_be_decoded_and_is_the_default(
    tmp_path: Path, extension: str, tracks: list[tuple[str, int, Disposition]], expected: int
) -> None:
    assert main_track(film(tmp_path / f"film.{extension}", tracks)) == expected


def test_one_that_can_be_decoded_goes_before_the_default(tmp_path: Path) -> None:
    tracks = [("ffv1", 9, DEFAULT), ("libx264", 9, NONE)]
    assert main_track(film(tmp_path / "film.mkv", tracks)) == 1
