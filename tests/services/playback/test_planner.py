"""Ways, cuts and playlists: pure decisions."""

from itertools import pairwise

import pytest

from lvs.services.playback import planner
from lvs.services.playback.planner import Delivery, Sound, Variant, VideoFacts

AAC = Sound("aac", "mp4a.40.2", copied=True)
AC3 = Sound("ac3", "ac-3")
H264 = VideoFacts(
    container="matroska,webm",
    codec="h264",
    string="avc1.640028",
    duration_s=60.0,
    width=1920,
    height=1080,
    pixel_format="yuv420p",
    sounds=(AC3, AAC),
    keyframes=tuple(number * 2.5 for number in range(24)),
)
HEVC = H264._replace(codec="hevc", string="hvc1.1.6.L120.90")


@pytest.mark.parametrize(
    ("film", "ways"),
    [
        (H264, (Delivery.COPY,)),
        (H264._replace(container="mpegts", keyframes=None), (Delivery.COPY,)),
        (H264._replace(container="avi"), (Delivery.CONVERT,)),
        (H264._replace(interlaced=True), (Delivery.CONVERT,)),
        (H264._replace(string="avc1.6e0028", pixel_format="yuv420p10le"), (Delivery.CONVERT,)),
        (H264._replace(string="avc1.f40028", pixel_format="yuv444p"), (Delivery.CONVERT,)),
        (H264._replace(keyframes=(0.0, 30.0)), (Delivery.CONVERT,)),
        (H264._replace(keyframes=(0.0, 20.0, 40.0)), (Delivery.COPY,)),
        (H264._replace(timed=False), (Delivery.CONVERT,)),
        (HEVC, (Delivery.HEVC, Delivery.CONVERT)),
        (HEVC._replace(string="hvc1"), (Delivery.CONVERT,)),
        (HEVC._replace(container="mpegts", interlaced=True), (Delivery.CONVERT,)),
        (H264._replace(codec="mpeg2video", string="mpeg2video"), (Delivery.CONVERT,)),
    ],
)
def test_a_film_goes_the_cheapest_way_that_browsers_take(
    film: VideoFacts, ways: tuple[Delivery, ...]
) -> None:
    assert planner.deliveries(film) == ways
    assert planner.deliveries(film, converted=True) == (Delivery.CONVERT,)


def test_copied_segments_begin_at_keyframes_the_first_after_a_second_the_rest_after_four() -> None:
    cuts = planner.cut_list(H264, Delivery.COPY)
    assert cuts[:4] == (0.0, 2.5, 7.5, 12.5)
    assert set(cuts) <= set(H264.keyframes or ())
    assert all(after - before >= 4 for before, after in pairwise(cuts[1:]))


def test_converted_segments_begin_at_one_two_and_then_every_two_seconds() -> None:
    assert planner.cut_list(H264._replace(duration_s=9.0), Delivery.CONVERT) == (0, 1, 2, 4, 6, 8)
    assert planner.cut_list(H264._replace(duration_s=8.2), Delivery.CONVERT) == (0, 1, 2, 4, 6)
    assert planner.cut_list(H264._replace(duration_s=0.04), Delivery.CONVERT) == (0,)


def test_without_an_index_segments_are_windows_of_six_seconds() -> None:
    film = H264._replace(keyframes=None, duration_s=20.0)
    assert planner.cut_list(film, Delivery.COPY) == (0, 6, 12, 18)


@pytest.mark.parametrize("duration_s", [0.04, 1.0, 7.3, 3600.0, planner.MAX_DURATION_S])
def test_a_playlist_is_as_long_as_the_film(duration_s: float) -> None:
    film = H264._replace(duration_s=duration_s)
    text = planner.media_playlist(film, Variant(Delivery.CONVERT, 720))
    lengths = [float(line[8:-1]) for line in text.splitlines() if line.startswith("#EXTINF:")]
    assert sum(lengths) == pytest.approx(duration_s, abs=0.01)
    assert max(lengths) <= int(text.split("TARGETDURATION:")[1].split()[0])
    assert text.count(".m4s") == len(lengths) <= planner.MAX_SEGMENTS
    assert text.startswith("#EXTM3U\n")
    assert text.endswith("#EXT-X-ENDLIST\n")


def test_a_master_playlist_names_codecs_and_size_of_what_a_segment_holds() -> None:
    text = planner.master_playlist(HEVC, planner.variants(HEVC, audio=1))
    assert 'CODECS="hvc1.1.6.L120.90,mp4a.40.2"' in text
    assert "RESOLUTION=1920x1080" in text
    assert 'CODECS="avc1.42c01f,mp4a.40.2"' in text
    assert "RESOLUTION=1280x720" in text
    assert [line for line in text.splitlines() if not line.startswith("#")] == [
        "hevc-a1/index.m3u8",
        "h264-720-a1/index.m3u8",
    ]


def test_a_track_that_is_not_there_is_the_first() -> None:
    assert planner.variants(H264, audio=7) == [Variant(Delivery.COPY)]


@pytest.mark.parametrize(
    "name", ["copy-a0", "hevc-a12", "h264-720-a0", "h264-360t-a3", "h264-480-a1-s12"]
)
def test_a_variant_is_what_its_name_says(name: str) -> None:
    variant = planner.parse_variant(name)
    assert variant is not None
    assert str(variant) == name


@pytest.mark.parametrize(
    "name",
    [
        "",
        "copy",
        "copy-a",
        "copy-a123",
        "h264-a0",
        "h264-999-a0",
        "copy-a0-b1",
        "copy-a0-s1",
        "hevct-a0",
        "h264-720-a²",
        "../x",
    ],
)
def test_a_name_that_no_variant_has_is_none(name: str) -> None:
    assert planner.parse_variant(name) is None


def test_only_variants_that_the_film_has_are_possible() -> None:
    assert planner.is_possible(H264, Variant(Delivery.COPY, audio=1))
    assert not planner.is_possible(H264, Variant(Delivery.COPY, audio=2))
    assert not planner.is_possible(H264, Variant(Delivery.HEVC))
    assert planner.is_possible(HEVC, Variant(Delivery.CONVERT, 480))


@pytest.mark.parametrize(
    ("size", "height", "converted"),
    [
        ((1920, 1080), 720, (1280, 720)),
        ((1080, 1920), 720, (720, 1280)),
        ((640, 360), 720, (640, 360)),
        ((161, 121), 720, (160, 120)),
        ((854, 480), 360, (640, 360)),
        ((1, 1), 720, (2, 2)),
        ((8000, 200), 720, (2880, 72)),
    ],
)
def test_a_converted_picture_has_even_sides_and_is_never_larger_than_it_was(
    size: tuple[int, int], height: int, converted: tuple[int, int]
) -> None:
    film = H264._replace(width=size[0], height=size[1])
    assert planner.converted_size(film, height) == converted


def test_a_key_changes_with_the_file() -> None:
    assert planner.stream_key("a" * 16) != planner.stream_key("b" * 16)
    assert len(planner.stream_key("a" * 16)) == 8


@pytest.mark.parametrize(
    ("pace", "height"), [(None, 720), (1000.0, 1080), (100.0, 720), (60.0, 480), (10.0, 360)]
)
def test_the_size_is_the_largest_that_the_machine_keeps_up_with(
    pace: float | None, height: int
) -> None:
    assert planner.fitting_height(H264._replace(frame_rate=25.0), pace) == height


def test_films_too_slow_in_the_smallest_size_are_decoded_in_part() -> None:
    load = planner.decoding_load(H264)
    assert not planner.needs_thinning(H264, None)
    assert not planner.needs_thinning(H264, load)
    assert planner.needs_thinning(H264, load / 2)
    assert not planner.needs_thinning(H264._replace(codec="mpeg2video"), load / 2)
    assert planner.least_speed("mpeg2video", load, load / 3) == pytest.approx(0.5)
    assert planner.least_speed("h264", load, load / 3) == pytest.approx(0.75)
    assert planner.least_speed("h264", load, None) is None


def test_subtitles_that_are_pictures_are_drawn_into_a_conversion() -> None:
    film = H264._replace(subtitles=("subrip", "hdmv_pgs_subtitle"))
    assert planner.variants(film, burn=1) == [Variant(Delivery.CONVERT, 720, 0, burn=1)]
    for track in (None, 0, 2):
        assert planner.variants(film, burn=track) == [Variant(Delivery.COPY)]
    assert not planner.is_possible(film, Variant(Delivery.CONVERT, 720, burn=0))
    assert planner.is_possible(film, Variant(Delivery.CONVERT, 720, burn=1))
