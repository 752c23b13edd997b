"""Posters: their frame, rotation, size and place on the disk."""

from collections.abc import AsyncIterator
from fractions import Fraction
from io import BytesIO
from pathlib import Path
from typing import Any, Literal, cast

import pytest
import pytest_asyncio
from PIL import Image, ImageChops, ImageStat
from support import media

from lvs.services.media.posters import FORMATS, NOT_YET, WIDTHS, Format, PosterStore, placeholder
from lvs.services.media.probe_pool import ProbePool

KEY = "0123456789abcdef"
RED, GREEN, BLUE, YELLOW = (224, 16, 16), (16, 192, 16), (16, 16, 224), (224, 224, 16)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def probe_pool() -> AsyncIterator[ProbePool]:
    async with ProbePool(workers=1) as workers:
        yield workers


@pytest.fixture
def store(tmp_path: Path) -> PosterStore:
    posters = PosterStore(tmp_path / "posters")
    posters.prepare()
    return posters


pytestmark = pytest.mark.asyncio(loop_scope="module")


async def poster_of(
    probe_pool: ProbePool, store: PosterStore, film: Path, width: int = 640
) -> Image.Image:
    assert (await probe_pool.probe(film, store.target(KEY))).has_poster
    return Image.open(store.path(KEY, width, "webp")).convert("RGB")


def pixel(image: Image.Image, x: int, y: int) -> tuple[int, ...]:
    return cast("tuple[int, ...]", image.getpixel((x, y)))


def brightest(image: Image.Image) -> float:
    return cast("tuple[float, float]", image.getextrema())[1]


def colour_at(image: Image.Image, x: float, y: float) -> str:
    """The one of the four colours of `media.quarters` at this point; x and y from 0 to 1."""
    found = pixel(image, int(x * image.width), int(y * image.height))
    distances = {
        name: sum(abs(one - other) for one, other in zip(found, colour, strict=True))
        for name, colour in {"red": RED, "green": GREEN, "blue": BLUE, "yellow": YELLOW}.items()
    }
    name = min(distances, key=distances.__getitem__)
    assert distances[name] < 60, f"{found} is none of the colours"
    return name


def in_field(image: Image.Image, aspect: float) -> Image.Image:
    """The film's own picture in the middle of its 16:9 field."""
    across = round(image.height * aspect)
    left = (image.width - across) // 2
    return image.crop((left, 0, left + across, image.height))


def corners(image: Image.Image) -> tuple[str, ...]:
    return tuple(
        colour_at(image, x, y) for x, y in ((0.25, 0.25), (0.75, 0.25), (0.25, 0.75), (0.75, 0.75))
    )


# The picture


@pytest.mark.parametrize(
    ("rotation", "mirrored", "size", "expected"),
    [
        (0, False, (320, 180), ("red", "green", "blue", "yellow")),
        (90, False, (180, 320), ("blue", "red", "yellow", "green")),
        (180, False, (320, 180), ("yellow", "blue", "green", "red")),
        (270, False, (180, 320), ("green", "yellow", "red", "blue")),
        (0, True, (320, 180), ("green", "red", "yellow", "blue")),
    ],
)
async def test_a_poster_stands_upright(
    probe_pool: ProbePool,
    store: PosterStore,
    tmp_path: Path,
    rotation: int,
    mirrored: bool,
    size: tuple[int, int],
    expected: tuple[str, ...],
) -> None:
    film = media.make_video(
        tmp_path / "film.mp4",
        size=(320, 180),
        picture=media.quarters(320, 180),
        rotation=rotation,
        mirrored=mirrored,
    )
    image = await poster_of(probe_pool, store, film)
    if size[0] < size[1]:  # it stands on a field
        assert image.size == (569, 320)
        image = in_field(image, size[0] / size[1])
    assert image.size == size
    assert corners(image) == expected


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
async def test_a_mirrored_and_turned_poster_is_what_ffmpeg_itself_would_show(
    probe_pool: ProbePool, store: PosterStore, tmp_path: Path, rotation: int
) -> None:
    """FFmpeg's documentation of the display matrix: (p, q) = (a·x + c·y, b·x + d·y) is where the
    point (x, y) is shown.
    """
    film = media.make_video(
        tmp_path / "film.mp4",
        size=(320, 320),
        picture=media.quarters(320, 320),
        rotation=rotation,
        mirrored=True,
    )
    image = await poster_of(probe_pool, store, film)
    assert corners(image) == corners(shown_by_matrix(film))


def shown_by_matrix(film: Path) -> Image.Image:
    import av

    with open(film, "rb") as file, av.open(file) as container:
        frame = next(container.decode(video=0))
        side_data: Any = frame.side_data
        matrix = side_data["DISPLAYMATRIX"]
        a, b, _, c, d = (round(part / 65536) for part in memoryview(bytes(matrix)).cast("i")[:5])
        flat = frame.to_image()
    side = flat.width
    shown = Image.new("RGB", flat.size)
    for y in range(0, side, 10):
        for x in range(0, side, 10):
            p, q = (a * x + c * y) % side, (b * x + d * y) % side
            shown.paste(flat.getpixel((x, y)), (max(0, p - 9), max(0, q - 9), p + 10, q + 10))
    return shown


async def test_a_poster_has_the_aspect_of_the_film_as_shown(
    probe_pool: ProbePool, store: PosterStore, tmp_path: Path
) -> None:
    film = media.make_video(
        tmp_path / "film.mp4",
        size=(360, 288),
        picture=media.quarters(360, 288),
        pixel_aspect=Fraction(64, 45),
    )
    image = await poster_of(probe_pool, store, film)
    assert image.size == (512, 288)
    assert corners(image) == ("red", "green", "blue", "yellow")


async def test_a_stretched_film_that_is_turned_stands_upright(
    probe_pool: ProbePool, store: PosterStore, tmp_path: Path
) -> None:
    film = media.make_video(
        tmp_path / "film.mp4",
        size=(160, 180),
        picture=media.quarters(160, 180),
        pixel_aspect=Fraction(2, 1),
        rotation=90,
    )
    image = await poster_of(probe_pool, store, film)
    assert image.size == (569, 320)
    assert corners(in_field(image, 180 / 320)) == ("blue", "red", "yellow", "green")


async def test_a_film_has_posters_of_every_width_in_every_format(
    probe_pool: ProbePool, store: PosterStore, tmp_path: Path
) -> None:
    film = media.make_video(
        tmp_path / "film.mp4", size=(1280, 720), picture=media.quarters(1280, 720), seconds=0.3
    )
    await poster_of(probe_pool, store, film)
    for width in WIDTHS:
        forms: dict[Literal["jpg", "webp"], str] = {"jpg": "JPEG", "webp": "WEBP"}
        for form, kind in forms.items():
            with Image.open(store.path(KEY, width, form)) as image:
                assert (image.format, image.size) == (kind, (width, width * 9 // 16))
                assert corners(image.convert("RGB")) == ("red", "green", "blue", "yellow")


@pytest.mark.parametrize(
    ("size", "poster"),
    [((64, 36), (64, 36)), ((8, 8), (16, 9)), ((2, 2), (16, 9)), ((162, 122), (162, 122))],
)
async def test_a_small_film_is_not_blown_up(
    probe_pool: ProbePool,
    store: PosterStore,
    tmp_path: Path,
    size: tuple[int, int],
    poster: tuple[int, int],
) -> None:
    film = media.make_video(tmp_path / "film.mkv", size=size, video_codec="mpeg4")
    assert (await poster_of(probe_pool, store, film, width=320)).size == poster


async def test_a_very_tall_film_stands_whole_on_a_field(
    probe_pool: ProbePool, store: PosterStore, tmp_path: Path
) -> None:
    film = media.make_video(tmp_path / "film.mp4", size=(64, 2560), seconds=0.2)
    assert (await poster_of(probe_pool, store, film, width=320)).size == (320, 180)


def black_until(start_s: float, then: media.Picture) -> media.Picture:
    return lambda at_s: then(at_s) if at_s >= start_s else Image.new("RGB", then(0).size)


@pytest.mark.parametrize(
    ("black_s", "keyframe_every"),
    [
        (1.0, 5),  # dark title, then the film
        (7.9, 5),  # only the last keyframes show something
        (2.0, 1000),  # one keyframe, and that is black: a phone held to the table
    ],
)
async def test_a_film_that_starts_black_has_a_poster_that_is_not(
    probe_pool: ProbePool, store: PosterStore, tmp_path: Path, black_s: float, keyframe_every: int
) -> None:
    film = media.make_video(
        tmp_path / "film.mp4",
        seconds=10,
        size=(320, 180),
        picture=black_until(black_s, media.stripes(320, 180)),
        keyframe_every=keyframe_every,
    )
    image = await poster_of(probe_pool, store, film)
    assert min(ImageStat.Stat(image.convert("L")).stddev) > 20


@pytest.mark.parametrize("colour", [(0, 0, 0), (255, 255, 255), (30, 60, 200)])
async def test_a_film_of_one_colour_has_a_poster_of_that_colour(
    probe_pool: ProbePool, store: PosterStore, tmp_path: Path, colour: tuple[int, int, int]
) -> None:
    film = media.make_video(tmp_path / "film.mp4", seconds=2, picture=media.plain(64, 36, colour))
    found = pixel(await poster_of(probe_pool, store, film), 30, 18)
    assert max(abs(one - other) for one, other in zip(found, colour, strict=True)) < 12


@pytest.mark.parametrize(("size", "matrix"), [((320, 180), "BT.601"), ((1280, 720), "BT.709")])
async def test_colours_follow_the_size_where_the_film_does_not_say(
    probe_pool: ProbePool, store: PosterStore, tmp_path: Path, size: tuple[int, int], matrix: str
) -> None:
    film = media.make_video(
        tmp_path / "film.mp4", size=size, seconds=0.2, picture=media.plain(*size, (224, 16, 16))
    )
    found = pixel(await poster_of(probe_pool, store, film), 100, 90)
    # media.py encodes with BT.601, whatever the size: a large film that does not say so is shown by
    # BT.709.
    expected = (224, 16, 16) if matrix == "BT.601" else (242, 42, 13)
    assert max(abs(one - other) for one, other in zip(found, expected, strict=True)) < 14


# The store


@pytest.mark.parametrize(
    ("key", "width", "form"),
    [
        ("../../../../etc", 320, "jpg"),
        ("ABCDEF0123456789", 320, "jpg"),
        (KEY + "0", 320, "jpg"),
        (KEY + "\n", 320, "jpg"),
        ("", 320, "jpg"),
        (KEY, 321, "jpg"),
        (KEY, 320, "png"),
    ],
)
async def test_a_poster_has_no_other_names(
    store: PosterStore, key: str, width: int, form: Format
) -> None:
    with pytest.raises(ValueError, match="no poster"):
        store.path(key, width, form)


async def test_a_store_has_a_poster_when_every_file_of_it_is_there(store: PosterStore) -> None:
    paths = [store.path(KEY, width, form) for width in WIDTHS for form in FORMATS]
    for number, path in enumerate(paths):
        assert not store.has(KEY)
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"x" * (number + 1))
    assert store.has(KEY)
    assert store.size_bytes() == sum(range(len(paths) + 1))
    paths[2].write_bytes(b"")
    assert not store.has(KEY), "what a power cut left empty is no poster"


async def test_preparing_clears_what_an_interrupted_write_left_and_nothing_else(
    store: PosterStore,
) -> None:
    target = store.target(KEY)
    target[0].partial.write_bytes(b"half a pic")
    whole = store.path(KEY, 320, "jpg")
    whole.parent.mkdir()
    whole.write_bytes(b"whole")
    assert store.size_bytes() == 5
    store.prepare()
    assert not target[0].partial.exists()
    assert whole.read_bytes() == b"whole"


async def test_two_probes_of_the_same_film_do_not_write_into_each_other(store: PosterStore) -> None:
    partials = [poster.partial for _ in range(2) for poster in store.target(KEY)]
    assert len(set(partials)) == len(partials)


# The picture that stands in


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("width", WIDTHS)
async def test_a_placeholder_says_why_there_is_no_picture(form: Format, width: int) -> None:
    drawn = {
        message: Image.open(BytesIO(placeholder(message, width, form))).convert("L")
        for message in (
            NOT_YET,
            "Cannot be read: it holds sound but no picture.",
            "Cannot be read: the file is empty.",
        )
    }
    words = []
    for image in drawn.values():
        assert image.size == (width, width * 9 // 16)
        assert cast("float", image.getpixel((2, 2))) < 60, "the field is dark"
        below = image.crop((0, int(image.height * 0.6), width, image.height))
        assert brightest(below) > 150, "something is written on it"
        words.append(below)
    assert all(brightest(ImageChops.difference(words[0], other)) > 100 for other in words[1:])
    assert placeholder(NOT_YET, width, form) is placeholder(NOT_YET, width, form), "drawn once"


async def test_a_placeholder_keeps_a_long_message_inside(tmp_path: Path) -> None:
    image = Image.open(BytesIO(placeholder("word " * 200, 640, "webp"))).convert("L")
    assert brightest(image.crop((0, image.height - 4, 640, image.height))) < 60
    assert brightest(image.crop((0, 0, 4, image.height))) < 60


async def test_posters_have_the_quality_that_is_asked_for(
    probe_pool: ProbePool, tmp_path: Path
) -> None:
    film = media.make_video(
        tmp_path / "film.mp4", size=(1280, 720), picture=media.stripes(1280, 720), seconds=0.3
    )
    sizes = []
    for quality in (5, 95):
        store = PosterStore(tmp_path / str(quality), quality)
        store.prepare()
        assert (await probe_pool.probe(film, store.target(KEY))).has_poster
        sizes.append([store.path(KEY, 640, kind).stat().st_size for kind in ("jpg", "webp")])
    assert all(small < large for small, large in zip(*sizes, strict=True)), sizes
