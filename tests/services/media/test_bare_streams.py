"""Films without a container, which say of themselves neither where they end nor a time."""

import io
from pathlib import Path

import pytest
from support.media import make_video

from lvs.services.media.bare_streams import bare_duration_s
from lvs.services.media.video_file import VideoFile
from lvs.services.playback.planner import Delivery, Variant
from lvs.services.playback.segments import SegmentMaker
from lvs.services.playback.video_source import VideoSource

SECONDS, RATE = 7, 25
FRAME, FIELD, REPEATED = b"\xff\xf3\x80", b"\xff\xf2\x80", b"\xff\xf3\x82"


@pytest.fixture(params=["m1v", "m2v"])
def film(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    codec = {"m1v": "mpeg1video", "m2v": "mpeg2video"}[request.param]
    return make_video(
        tmp_path / f"film.{request.param}",
        seconds=SECONDS,
        size=(96, 64),
        frames_per_second=RATE,
        container=codec,
        video_codec=codec,
    )


def picture(extension: bytes = b"") -> bytes:
    said = b"\0\0\1\xb5\x8f" + extension if extension else b""
    return b"\0\0\1\0" + b"\x55" * 8 + said + b"\0\0\1\1" + b"\x55" * 40


def test_a_film_is_as_long_as_its_pictures(film: Path) -> None:
    with film.open("rb", buffering=0) as file:
        video = VideoFile(file)
        probe = video.probe(video.picture(choosy=False))
        video.close()
        assert probe.duration_s == pytest.approx(SECONDS)
        for hint in (None, probe.duration_s):
            source = VideoSource(file, hint)
            assert source.facts.duration_s == pytest.approx(SECONDS)
        maker = SegmentMaker(source, Variant(Delivery.CONVERT, 360))
        assert list(maker.cuts) == [0, 1, 2, 4, 6]
        assert all(maker.segment(number, lambda: None) for number in (0, 4, 2))


@pytest.mark.parametrize(
    ("pictures", "frames"),
    [
        (picture() * 50, 50),
        (picture(FRAME) * 50, 50),
        (picture(FIELD) * 100, 50),
        (picture(REPEATED) * 20 + picture(FRAME) * 20, 50),
        (b"\0\0\1\xb5" * 9, 0),
        (b"", 0),
    ],
)
def test_fields_and_repeated_fields_count_half_a_frame(pictures: bytes, frames: int) -> None:
    found = bare_duration_s(io.BytesIO(pictures), len(pictures), RATE)
    assert found == pytest.approx(frames / RATE)


def test_a_long_film_is_looked_at_in_places() -> None:
    stream = picture(FRAME) * 2_000
    found = bare_duration_s(
        io.BytesIO(stream), len(stream), RATE, whole_bytes=10_000, chunk_bytes=1_000
    )
    assert found == pytest.approx(2_000 / RATE, rel=0.05)
