"""A film's projection from the file on the disk to its card, its poster and its undo."""

import json
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image, ImageChops, ImageDraw
from support.home import Home
from support.media import make_video

from lvs.db.changes import ChangeFilter
from lvs.models import Query, Shape, Stereo, Video
from lvs.services.media.projection import by_person

VR = Path(__file__).parents[4] / "shared" / "media" / "vr"
RED, BLUE = (200, 30, 30), (30, 30, 200)
JSON = {"Content-Type": "application/json"}


def eyes(width: int, height: int) -> Callable[[float], Image.Image]:
    """The same scene twice beside each other, the left one reddish and the right one bluish."""
    image = Image.new("RGB", (width, height))
    for number, colour in enumerate((RED, BLUE)):
        eye = Image.new("RGB", (width // 2, height), colour)
        draw = ImageDraw.Draw(eye)
        for place in range(7):
            left, top = place * 37 % (width // 2), place * 53 % height
            draw.ellipse((left, top, left + width // 9, top + height // 5), fill=(230, 230, 230))
            draw.rectangle((top % (width // 2), left % height, top + 9, left + 30), fill=(9, 9, 9))
        image.paste(eye, (number * (width // 2), 0))
    return lambda at_s: image


async def film(home: Home, name: str, size: tuple[int, int] = (640, 320)) -> Video:
    """A new film of two eyes beside each other, probed."""
    made = make_video(home.data / name, size=size, picture=eyes(*size), seconds=0.5)
    home.add(name, made.read_bytes())
    await home.scan()
    await home.probed()
    return await home.video(name)


async def poster(home: Home, video: Video) -> Image.Image:
    path = home.services.posters.path(video.poster or "", 640, "jpg")
    return Image.open(BytesIO(path.read_bytes())).convert("RGB")


def reddish(image: Image.Image) -> bool:
    """True where no part of the picture is blue."""
    red, _, blue = image.resize((8, 8)).split()
    return ImageChops.subtract(blue, red).getextrema()[1] <= 20  # type: ignore[operator]


async def test_a_film_whose_name_says_so_is_vr_on_card_page_and_api(home: Home) -> None:
    video = await film(home, "alps_180_LR.mp4")
    assert (video.projection.shape, video.projection.stereo) == ("equirect180", "sbs")
    [card] = (await home.services.gallery.browse(Query())).cards
    assert card.badge == "180 3D"
    assert b">180 3D</span>" in await (await home.client.get("/")).get_data()
    page = (
        await (await home.client.get("/watch/alps_180_LR.mp4")).get_data(as_text=False)
    ).decode()
    assert 'data-shape="equirect180" data-stereo="sbs" data-swapped="false" data-fov="180"' in page
    assert "The name says so: 180_LR." in page
    detail = await (await home.client.get(f"/api/videos/{video.media_hash}")).get_json()
    assert detail["projection"] == {
        "shape": "equirect180",
        "stereo": "sbs",
        "swapped": False,
        "fov": 180.0,
        "lens": None,
        "source": "name",
        "sure": True,
        "reason": "The name says so: 180_LR.",
    }


async def test_an_ordinary_film_is_flat_and_has_no_badge(home: Home) -> None:
    home.add("holiday.mp4")
    await home.scan()
    await home.probed()
    video = await home.video("holiday.mp4")
    assert not video.projection.immersive
    [card] = (await home.services.gallery.browse(Query())).cards
    assert card.badge == ""
    page = (await (await home.client.get("/watch/holiday.mp4")).get_data(as_text=False)).decode()
    assert 'data-shape="flat" data-stereo="mono"' in page
    assert "Right?" not in page


async def test_the_poster_of_a_stereo_film_shows_one_eye(home: Home) -> None:
    image = await poster(home, await film(home, "alps_180_LR.mp4"))
    assert reddish(image)
    assert image.width / image.height == pytest.approx(16 / 9, rel=0.05)


async def test_a_picture_that_looks_like_3d_is_offered_and_the_offer_can_be_taken(
    home: Home,
) -> None:
    video = await film(home, "holiday.mp4")
    assert not video.projection.immersive
    assert not reddish(await poster(home, video))
    page = (await (await home.client.get("/watch/holiday.mp4")).get_data(as_text=False)).decode()
    assert "Looks like 3D, side by side. Right?" in page
    answer = await home.client.post(
        f"/videos/{video.media_hash}/projection", form={"shape": "flat", "stereo": "sbs"}
    )
    assert answer.status_code == 303
    await home.probed()
    video = await home.video("holiday.mp4")
    assert (video.projection.source, video.projection.stereo) == ("person", "sbs")
    assert reddish(await poster(home, video))
    page = (await (await home.client.get("/watch/holiday.mp4")).get_data(as_text=False)).decode()
    assert "Right?" not in page
    assert "Set by hand." in page


async def test_a_choice_is_journaled_undone_and_put_back(home: Home) -> None:
    video = await film(home, "alps_180_LR.mp4")
    journal, projections = home.services.journal, home.services.projections
    await projections.choose(video.media_hash, by_person("equirect360", "tb"), "headset")
    await projections.choose(video.media_hash, by_person("equirect360", "tb"), "headset")
    entries, _ = await journal.page(ChangeFilter())
    assert [(entry.change.what, entry.change.client) for entry in entries] == [
        ("projection", "headset")
    ]
    page = (await (await home.client.get("/admin/changes")).get_data(as_text=False)).decode()
    assert "projection 360°, one above the other, before as found" in page
    undone = await journal.undo(entries[0].change.id, "operator")
    assert undone.reason == ""
    found = (await home.video("alps_180_LR.mp4")).projection
    assert (found.shape, found.source) == (Shape.EQUIRECT180, "name")
    [card] = (await home.services.gallery.browse(Query())).cards
    assert card.badge == "180 3D"


async def test_a_rename_changes_what_the_name_says(home: Home) -> None:
    await film(home, "alps.mp4")
    (home.library / "alps.mp4").rename(home.library / "alps_180_LR.mp4")
    await home.scan()
    await home.probed()
    video = await home.video("alps_180_LR.mp4")
    assert video.projection.badge == "180 3D"
    assert reddish(await poster(home, video))


async def test_a_choice_outlives_a_rename_and_an_edit_of_the_file(home: Home) -> None:
    video = await film(home, "alps.mp4")
    await home.services.projections.choose(
        video.media_hash, by_person("fisheye", "sbs", True, None, "MKX200"), "me"
    )
    (home.library / "alps.mp4").rename(home.library / "holiday_360_TB.mp4")
    await home.scan()
    await home.probed()
    found = (await home.video("holiday_360_TB.mp4")).projection
    assert (found.shape, found.fov, found.lens, found.swapped) == ("fisheye", 200, "MKX200", True)


async def test_the_api_sets_and_takes_back(home: Home) -> None:
    video = await film(home, "alps_180_LR.mp4")
    url = f"/api/videos/{video.media_hash}/projection"
    answer = await home.client.put(url, json={"shape": "equirect360", "stereo": "mono"})
    assert answer.status_code == 200
    assert (await answer.get_json())["source"] == "person"
    answer = await home.client.put(url, data="null", headers=JSON)
    assert (await answer.get_json())["shape"] == "equirect180"


@pytest.mark.parametrize(
    "body",
    [
        "",
        "{",
        "[]",
        "3",
        "{}",
        '{"shape": "dome", "stereo": "sbs"}',
        '{"shape": "flat"}',
        '{"shape": "flat", "stereo": 1}',
        '{"shape": "fisheye", "stereo": "sbs", "fov": 1e300}',
        '{"shape": "fisheye", "stereo": "sbs", "fov": NaN}',
        '{"shape": "fisheye", "stereo": "sbs", "lens": "Nikon"}',
        '{"shape": "flat", "stereo": "mono", "swapped": "yes"}',
    ],
)
async def test_a_bad_body_is_refused_and_changes_nothing(home: Home, body: str) -> None:
    home.add("a.mp4")
    await home.scan()
    video = await home.video("a.mp4")
    url = f"/api/videos/{video.media_hash}/projection"
    answer = await home.client.put(url, data=body, headers=JSON)
    assert answer.status_code == 400
    assert (await home.services.journal.page(ChangeFilter()))[0] == []
    form = {"shape": "dome" * 100, "stereo": "sbs"}
    answer = await home.client.post(f"/videos/{video.media_hash}/projection", form=form)
    assert answer.status_code == 400


async def test_a_film_that_is_not_there_has_no_projection(home: Home) -> None:
    url = "/api/videos/0123456789abcdef/projection"
    answer = await home.client.put(url, json={"shape": "flat", "stereo": "mono"})
    assert answer.status_code == 404


async def test_an_export_holds_what_was_chosen(home: Home) -> None:
    video = await film(home, "alps.mp4")
    await home.services.projections.choose(video.media_hash, by_person("flat", "sbs"), "me")
    exported = json.loads(await (await home.client.get("/export.json")).get_data())
    assert exported["videos"][0]["projection"] == {
        "shape": "flat",
        "stereo": "sbs",
        "swapped": False,
        "fov": None,
        "lens": None,
    }


@pytest.mark.skipif(not VR.exists(), reason="the sample videos are not here")
async def test_real_films_are_what_their_files_say(home: Home) -> None:
    for path in VR.iterdir():
        home.add(path.name, path.read_bytes())
    await home.scan()
    await home.probed()
    expected = {
        "mono-360-v1.mp4": (Shape.EQUIRECT360, Stereo.MONO),
        "vr180-side-by-side.mp4": (Shape.EQUIRECT180, Stereo.SBS),
        "tiled-equirect.mp4": (Shape.FLAT, Stereo.MONO),
        "mvhevc-180-spatial.mov": (Shape.FLAT, Stereo.MONO),
    }
    for name, wanted in expected.items():
        found = (await home.video(name)).projection
        assert (found.shape, found.stereo) == wanted, name
        assert (found.source, found.sure) == ("container", True), name


@pytest.mark.skipif(not VR.exists(), reason="the sample videos are not here")
async def test_no_ordinary_sample_film_is_taken_for_more_than_flat(home: Home) -> None:
    folders = [path for path in VR.parent.iterdir() if path.is_dir() and path.name != "vr"]
    for folder in folders:
        for path in folder.iterdir():
            home.add(f"{folder.name}/{path.name}", path.read_bytes())
    await home.scan()
    await home.probed()
    cards = (await home.services.gallery.browse(Query(), limit=500)).cards
    assert len(cards) > 40
    assert [card.title for card in cards if card.projection] == []
    for card in cards:
        video = await home.services.videos.get(card.media_hash)
        assert home.services.projections.offered(video) is None, card.title
