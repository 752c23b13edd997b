"""Subtitles that are pictures: drawn into the film while they are on, in the right place."""

import io
from collections.abc import Callable
from pathlib import Path

import av
import pytest
from support.media import plain
from support.picture_subtitles import BOX, CANVAS, add_dvd, add_pgs, grey_film

from lvs.errors import NotFound
from lvs.services.playback.planner import Delivery, Variant
from lvs.services.playback.segments import SegmentMaker
from lvs.services.playback.video_source import VideoSource

FROM_S, TO_S = 1.5, 4.5


@pytest.fixture(params=[add_pgs, add_dvd], ids=["PGS", "VobSub"])
def film(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    add: Callable[..., Path] = request.param
    bare = grey_film(tmp_path / "bare.mkv", 8, plain(*CANVAS, (90, 90, 90)))
    return add(bare, tmp_path / "film.mkv", FROM_S, TO_S)


def levels(maker: SegmentMaker, number: int) -> list[tuple[float, int, int]]:
    """Moment, and brightness inside the box and above it, of each picture of a segment."""
    content = maker.init() + maker.segment(number, lambda: None)
    left, top, width, height = BOX
    found = []
    with av.open(io.BytesIO(content)) as made:
        for frame in made.decode(made.streams.video[0]):
            image = frame.to_image().convert("L")
            inside = image.getpixel((left + width // 2, top + height // 2))
            above = image.getpixel((left + width // 2, top // 2))
            found.append((float(frame.time or 0), inside, above))
    return found


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (3, 2, 1, 0)], ids=["onward", "jumping back"])
def test_they_are_on_from_their_moment_to_their_end(film: Path, order: tuple[int, ...]) -> None:
    with film.open("rb", buffering=0) as file:
        maker = SegmentMaker(VideoSource(file), Variant(Delivery.CONVERT, 360, burn=0))
        for number in order:
            for moment, inside, above in levels(maker, number):
                assert above < 110
                if abs(moment - FROM_S) > 0.15 and abs(moment - TO_S) > 0.15:
                    assert (inside > 200) == (FROM_S < moment < TO_S), moment


def test_a_track_that_is_no_picture_cannot_be_drawn(tmp_path: Path) -> None:
    bare = grey_film(tmp_path / "bare.mkv", 1, plain(*CANVAS, (90, 90, 90)))
    with bare.open("rb", buffering=0) as file, pytest.raises(NotFound):
        SegmentMaker(VideoSource(file), Variant(Delivery.CONVERT, 360, burn=0))
