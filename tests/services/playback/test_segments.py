"""Segments as players take them: each decoded, and all of them joined."""

import io
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image
from support.media import make_video, quarters

from lvs.errors import NotFound, Unreadable
from lvs.services.playback import planner
from lvs.services.playback.planner import Delivery, Variant
from lvs.services.playback.segments import SegmentMaker
from lvs.services.playback.video_source import VideoSource

pytestmark = pytest.mark.core

STEADY = 25  # frames a second of the films below
CLOCK_STEP = 4


def clock(at_s: float) -> Image.Image:
    """A picture whose brightness tells its time: 4 more for each frame, which codecs keep apart."""
    level = 16 + CLOCK_STEP * (round(at_s * STEADY) % 50)
    return Image.new("RGB", (96, 64), (level, level, level))


@contextmanager
def opened(path: Path) -> Iterator[VideoSource]:
    with path.open("rb", buffering=0) as file:
        yield VideoSource(file)


def nothing() -> None:
    """Work that nobody interrupts."""


def made(source: VideoSource, variant: Variant, order: list[int] | None = None) -> list[bytes]:
    """All segments of a variant, made in this order by one maker."""
    maker = SegmentMaker(source, variant)
    numbers = range(len(maker.cuts))
    found = {number: maker.segment(number, nothing) for number in order or numbers}
    return [maker.init(), *(found[number] for number in numbers)]


def pictures(content: bytes) -> list[tuple[float, float]]:
    """Time and brightness of every frame."""
    with av.open(io.BytesIO(content)) as film:
        return [
            (float(frame.time or 0), float(frame.to_ndarray(format="gray").mean()))
            for frame in film.decode(video=0)
        ]


def on_screen(path: Path, at_s: float) -> float:
    """Brightness of the picture that the film shows so many seconds after its start."""
    with av.open(str(path)) as film:
        start = (film.start_time or 0) / 1e6
        frames = [
            (float(frame.time or 0) - start, float(frame.to_ndarray(format="gray").mean()))
            for frame in film.decode(video=0)
        ]
    return [level for time, level in frames if time <= at_s + 0.002][-1]


def sound(content: bytes) -> npt.NDArray[np.float32]:
    """The left channel, from the film's start on."""
    with av.open(io.BytesIO(content)) as film:
        frames = list(film.decode(audio=0))
        rate = film.streams.audio[0].rate
        end = max(round(float(frame.time or 0) * rate) + frame.samples for frame in frames)
        whole = np.zeros(end, np.float32)
        for frame in frames:
            start = round(float(frame.time or 0) * rate)
            samples = frame.to_ndarray()[0]
            whole[start : start + len(samples)] = samples
        return whole


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Nine seconds with a keyframe every second and sound, in Matroska."""
    path = tmp_path_factory.mktemp("film") / "film.mkv"
    return make_video(
        path,
        seconds=9,
        size=(96, 64),
        frames_per_second=STEADY,
        keyframe_every=25,
        picture=clock,
        sound=True,
        video_codec="libx264",
        audio_codec="aac",
    )


@pytest.mark.parametrize(
    "variant", [Variant(Delivery.COPY), Variant(Delivery.CONVERT, 720)], ids=str
)
def test_segments_join_into_the_whole_film(film: Path, variant: Variant) -> None:
    with opened(film) as source:
        shown = pictures(b"".join(made(source, variant)))
    times = [time for time, _ in shown]
    assert times == pytest.approx([number / STEADY for number in range(9 * STEADY)], abs=0.002)
    for time, level in shown:
        expected = np.asarray(clock(time).convert("L")).mean()
        assert level == pytest.approx(expected, abs=CLOCK_STEP * 0.75), time


@pytest.mark.parametrize(
    "variant", [Variant(Delivery.COPY), Variant(Delivery.CONVERT, 720)], ids=str
)
def test_a_segment_is_the_same_whatever_was_made_before_it(film: Path, variant: Variant) -> None:
    with opened(film) as source:
        in_order = made(source, variant)
        count = len(in_order) - 1
        jumping = made(source, variant, list(range(count))[::-1])
    assert in_order[0] == jumping[0]
    for one, other in zip(in_order[1:], jumping[1:], strict=True):
        assert pictures(in_order[0] + one) == pictures(in_order[0] + other)


@pytest.mark.newest_only
@pytest.mark.parametrize(
    ("name", "picture", "sound"),
    [
        ("film.flv", "flv", "aac"),  # its first keyframe lies behind its beginning
        ("film.avi", "mpeg4", "mp2"),
        ("film.mpg", "mpeg1video", "mp2"),
        ("film.ts", "mpeg2video", "mp2"),
        ("film.wmv", "wmv2", "libmp3lame"),
        ("film.3gp", "mpeg4", "aac"),
        ("film.webm", "libvpx", "libopus"),
    ],
)
def test_going_back_shows_what_was_shown_before(
    tmp_path: Path, name: str, picture: str, sound: str
) -> None:
    film = make_video(
        tmp_path / name,
        seconds=6,
        size=(96, 64),
        frames_per_second=STEADY,
        keyframe_every=25,
        picture=clock,
        sound=True,
        video_codec=picture,
        audio_codec=sound,
    )
    variant = Variant(Delivery.CONVERT, 720)
    with opened(film) as source:
        init, *in_order = made(source, variant)
        _, *again = made(source, variant, list(range(len(in_order)))[::-1])
    for one, other in zip(in_order, again, strict=True):
        shown = pictures(init + one)
        assert len(shown) >= STEADY
        assert [time for time, _ in pictures(init + other)] == [time for time, _ in shown]
        for (_, level), (_, before) in zip(pictures(init + other), shown, strict=True):
            assert level == pytest.approx(before, abs=1)


@pytest.mark.parametrize(
    "variant", [Variant(Delivery.COPY), Variant(Delivery.CONVERT, 720)], ids=str
)
def test_every_segment_begins_with_a_keyframe_at_its_cut(film: Path, variant: Variant) -> None:
    with opened(film) as source:
        init, *segments = made(source, variant)
        cuts = planner.cut_list(source.facts, variant.way)
    for cut, segment in zip(cuts, segments, strict=True):
        with av.open(io.BytesIO(init + segment)) as one:
            first = next(one.demux(video=0))
            assert first.is_keyframe
            assert first.pts is not None
            assert first.pts / 90_000 == pytest.approx(cut, abs=0.002)


def test_converted_sound_joins_without_a_gap_and_in_step(tmp_path: Path) -> None:
    film = make_video(tmp_path / "film.mp4", seconds=9, sound=True, audio_codec="aac")
    with opened(film) as source:
        joined = sound(b"".join(made(source, Variant(Delivery.CONVERT, 720))))
    reference = sound(film.read_bytes())
    window = slice(4096, min(len(joined), len(reference)) - 4096)
    for lag in (-512, -64, -1, 1, 64, 512):
        here = float(np.dot(joined[window], reference[window]))
        there = float(np.dot(joined[window], np.roll(reference, lag)[window]))
        assert here > there, f"it lags by {lag} samples"
    jump = np.abs(np.diff(joined[window])).max()
    assert jump <= 1.3 * np.abs(np.diff(reference[window])).max(), "it clicks where segments join"


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("film.avi", {"video_codec": "mpeg4", "audio_codec": "mp2"}),
        ("film.mpg", {"video_codec": "mpeg2video", "audio_codec": "mp2"}),
        ("film.ts", {"video_codec": "mpeg2video", "audio_codec": "mp2"}),
        ("film.mkv", {"video_codec": "libx264", "pixel_format": "yuv420p10le"}),
        ("film.mp4", {"video_codec": "libx265"}),
        ("film.mov", {"video_codec": "mjpeg"}),
        ("film.flv", {"video_codec": "flv", "audio_codec": "aac"}),
        ("film.wmv", {"video_codec": "wmv2", "audio_codec": "ac3"}),
    ],
)
def test_every_kind_shows_the_right_picture_after_a_jump(
    tmp_path: Path, name: str, options: dict[str, str]
) -> None:
    path = make_video(
        tmp_path / name,
        seconds=6,
        size=(96, 64),
        frames_per_second=STEADY,
        picture=clock,
        sound=True,
        **options,  # type: ignore[arg-type]
    )
    with opened(path) as source:
        maker = SegmentMaker(source, Variant(Delivery.CONVERT, 720))
        number = next(n for n, cut in enumerate(maker.cuts) if cut == 4.0)
        content = maker.init() + maker.segment(number, nothing)
    shown = pictures(content)
    assert shown[0][0] == pytest.approx(4.0, abs=0.002)
    assert shown[0][1] == pytest.approx(on_screen(path, 4.0), abs=2 * CLOCK_STEP)
    assert len(sound(content)) > 4 * 48_000


@pytest.mark.parametrize(
    ("rotation", "corner"), [(0, (224, 16, 16)), (90, (16, 16, 224)), (180, (224, 224, 16))]
)
def test_a_turned_film_is_turned_upright(
    tmp_path: Path, rotation: int, corner: tuple[int, int, int]
) -> None:
    path = make_video(
        tmp_path / "film.mp4", size=(96, 64), picture=quarters(96, 64), rotation=rotation
    )
    with opened(path) as source:
        content = b"".join(made(source, Variant(Delivery.CONVERT, 720)))
    with av.open(io.BytesIO(content)) as film:
        image = next(film.decode(video=0)).to_image()
    assert image.size == ((64, 96) if rotation == 90 else (96, 64))
    pixel = image.getpixel((8, 8))
    assert isinstance(pixel, tuple)
    assert pixel == pytest.approx(corner, abs=24)


def test_pixels_become_square(tmp_path: Path) -> None:
    path = make_video(tmp_path / "film.mkv", size=(96, 64), pixel_aspect=Fraction(2, 1))
    with opened(path) as source:
        content = b"".join(made(source, Variant(Delivery.CONVERT, 720)))
    with av.open(io.BytesIO(content)) as film:
        frame = next(film.decode(video=0))
        assert (frame.width, frame.height) == (192, 64)


def test_the_codec_string_in_the_playlist_is_the_one_in_the_segment(film: Path) -> None:
    with opened(film) as source:
        variant = Variant(Delivery.CONVERT, 720)
        init = SegmentMaker(source, variant).init()
        said = planner.codecs(source.facts, variant)
    box = init.index(b"avcC") + 4
    assert said == f"avc1.{init[box + 1 : box + 4].hex()},mp4a.40.2"


def test_a_damaged_middle_holds_the_last_picture(film: Path, tmp_path: Path) -> None:
    content = bytearray(film.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 4000] = b"\x55" * 4000
    damaged = tmp_path / "damaged.mkv"
    damaged.write_bytes(content)
    with opened(damaged) as source:
        init, *segments = made(source, Variant(Delivery.CONVERT, 720))
        assert all(pictures(init + segment) for segment in segments)


def test_a_film_that_ends_early_holds_its_last_picture(tmp_path: Path) -> None:
    whole = make_video(
        tmp_path / "whole.mp4",
        seconds=8,
        size=(96, 64),
        picture=clock,
        container_options={"movflags": "faststart"},
    )
    content = whole.read_bytes()
    half = tmp_path / "half.mp4"
    half.write_bytes(content[: len(content) * 3 // 4])
    with opened(half) as source:
        assert source.facts.duration_s == pytest.approx(8, abs=0.2)
        init, *segments = made(source, Variant(Delivery.CONVERT, 720))
    assert len(pictures(init + segments[-1])) == 1


def test_a_segment_that_is_not_there_is_not_found(film: Path) -> None:
    with opened(film) as source:
        maker = SegmentMaker(source, Variant(Delivery.COPY))
        for number in (-1, len(maker.cuts), 10**6):
            with pytest.raises(NotFound):
                maker.segment(number, nothing)


def test_work_that_nobody_waits_for_ends_between_frames(film: Path) -> None:
    class StopError(Exception):
        pass

    calls = 0

    def stop() -> None:
        nonlocal calls
        calls += 1
        if calls > 5:
            raise StopError

    with opened(film) as source:
        with pytest.raises(StopError):
            SegmentMaker(source, Variant(Delivery.CONVERT, 720)).segment(3, stop)
        assert pictures(b"".join(made(source, Variant(Delivery.CONVERT, 720))))


def test_no_thread_is_left_of_a_segment_that_was_dropped(film: Path) -> None:
    class StopError(Exception):
        pass

    def stop() -> None:
        raise StopError

    with opened(film) as source:
        maker = SegmentMaker(source, Variant(Delivery.CONVERT, 720))
        before = threading.active_count()
        for number in (0, 3, 3):
            with pytest.raises(StopError):
                maker.segment(number, stop)
            assert threading.active_count() == before
        whole = pictures(b"".join(made(source, maker.variant)))
        again = pictures(maker.init() + maker.segment(3, nothing))
        assert [level for _, level in again] == [
            level for time, level in whole if maker.cuts[3] - 0.002 <= time < maker.end_s(3) - 0.002
        ]


class ThoroughSource(VideoSource):
    """A film that is always opened with all decoders."""

    def _opened_quickly(self) -> None:
        return None


@pytest.mark.parametrize(
    ("name", "codec", "sound"),
    [
        ("film.mkv", "libx264", False),
        ("film.mp4", "libx264", True),
        ("film.mkv", "libx265", True),
        ("film.mp4", "mpeg4", False),
    ],
)
def test_a_film_that_is_opened_quickly_is_what_it_is_when_pictures_are_decoded_first(
    tmp_path: Path, name: str, codec: str, sound: bool
) -> None:
    path = make_video(
        tmp_path / name,
        seconds=3,
        size=(96, 64),
        frames_per_second=STEADY,
        video_codec=codec,
        sound=sound,
        pixel_aspect=Fraction(4, 3),
    )
    found = []
    for kind in (VideoSource, ThoroughSource):
        with path.open("rb", buffering=0) as file:
            source = kind(file)
            offered = planner.variants(source.facts)
            segments = [made(source, variant) for variant in offered]
            found.append((source.facts, segments))
    assert found[0] == found[1]


@pytest.mark.parametrize(
    "content", [b"", b"#EXTM3U\n#EXTINF:1,\n/etc/passwd\n", b"ffconcat version 1.0\nfile x\n"]
)
def test_a_file_that_is_no_film_is_unreadable(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "film.mp4"
    path.write_bytes(content)
    with pytest.raises(Unreadable), opened(path):
        pass
