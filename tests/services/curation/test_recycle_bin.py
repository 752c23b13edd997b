"""Missing videos are listed, forgotten only on demand, restored whole, and come back by themselves
with their files.
"""

import re
import shutil
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from quart import Response
from support.home import Home, distinct_video

from lvs.db import check
from lvs.db.changes import ChangeFilter
from lvs.db.curation_rows import CurationRecord
from lvs.db.missing import EVER
from lvs.models import Query, Video
from lvs.services.backup.restore import restore_records
from lvs.services.curation.recycle_bin import DAYS_KEPT, NIGHTS_KEPT, days_left


async def text(response: Response) -> str:
    return (await response.get_data(as_text=False)).decode()


async def curated(home: Home, name: str = "film.mp4", content: bytes | None = None) -> Video:
    """A video with everything a video can be given."""
    home.add(name, content)
    await home.scan()
    media_hash = (await home.video(name)).media_hash
    await home.services.ratings.rate(media_hash, 4, "anna")
    await home.services.favorites.set(media_hash, True, "anna")
    await home.services.tags.add(media_hash, "alps", "anna")
    await home.services.views.count(media_hash, "anna")
    await home.services.videos.retitle(media_hash, "Anna in the Alps", "anna")
    return await home.services.videos.get(media_hash)


async def gone(home: Home, name: str = "film.mp4") -> None:
    (home.library / name).unlink()
    await home.scan()


async def missing(home: Home) -> list[str]:
    return [video.title for video in (await home.services.recycle_bin.page())[0]]


async def binned(home: Home) -> list[str]:
    return [video.title for video in (await home.services.recycle_bin.forgotten())[0]]


def given(video: Video) -> tuple[object, ...]:
    return (
        video.media_hash,
        video.title,
        video.rating,
        video.rated_at,
        video.favorited_at,
        video.tags,
        video.views,
    )


async def test_only_videos_without_a_file_are_missing(home: Home) -> None:
    content = distinct_video()
    home.add("copy.mp4", content)
    await curated(home, content=content)
    home.add("other.mp4")
    await home.scan()
    await gone(home)
    assert await missing(home) == []  # the copy is still there
    await gone(home, "copy.mp4")
    assert await missing(home) == ["Anna in the Alps"]
    page = await text(await home.client.get("/admin/missing"))
    for said in (
        "Anna in the Alps",
        "4 stars",
        "favorite",
        "alps",
        "1 view",
        "title edited",
        "Videos/copy.mp4",
    ):
        assert said in page
    assert ">other<" not in page


async def test_a_folder_that_is_offline_takes_nothing_away(tmp_path: Path) -> None:
    async with Home(tmp_path, libraries=("One", "Two")) as home:
        home.add("one.mp4")
        home.add("two.mp4", library=1)
        await home.scan()
        shutil.move(home.libraries[1], tmp_path / "unplugged")
        await home.scan()
        assert await missing(home) == []
        assert (await home.services.recycle_bin.preview(None, EVER)).sum.videos == 0
        assert await home.services.recycle_bin.forget(None, EVER, "x") == 0
        assert "Offline now: Two" in await text(await home.client.get("/admin/missing"))
        (home.libraries[0] / "one.mp4").unlink()
        home.add("another.mp4")
        await home.scan()
        assert await missing(home) == ["one"]


async def test_videos_to_forget_are_shown_first_and_restored_whole(home: Home) -> None:
    before = await curated(home)
    home.add("plain.mp4")
    home.add("stays.mp4")
    await home.scan()
    await gone(home)
    await gone(home, "plain.mp4")
    listed = await text(await home.client.get("/admin/missing"))
    ids = re.findall(r'name="id" value="(\d+)"', listed)
    until = re.search(r'name="until" value="(\d+)"', listed)
    assert until
    assert len(ids) == 2

    page = await text(
        await home.client.get(f"/admin/missing/forget?until={until[1]}&id={before.id}")
    )
    assert "Anna in the Alps" in page
    assert "plain" not in page
    assert re.search(r"<b>1</b>\s+video", page)
    assert len(await missing(home)) == 2  # nothing was done yet

    answer = await home.client.post(
        "/admin/missing/forget", form={"until": until[1], "id": str(before.id)}
    )
    assert (answer.status_code, answer.headers["Location"]) == (303, "/admin/bin?forgotten=1")
    assert (await missing(home), await binned(home)) == (["plain"], ["Anna in the Alps"])
    assert check.missing(home.services.database.path).examples == ("plain.mp4",)
    page = await text(await home.client.get("/admin/bin?forgotten=1"))
    assert "1 video moved to the recycle bin" in page
    assert f"kept for {DAYS_KEPT} more days" in page

    answer = await home.client.post(
        "/admin/bin/restore", form={"until": str(EVER // 1024), "id": str(before.id)}
    )
    assert (answer.status_code, answer.headers["Location"]) == (303, "/admin/missing?restored=1")
    assert sorted(await missing(home)) == ["Anna in the Alps", "plain"]
    assert await binned(home) == []
    after = await home.services.videos.get(before.media_hash)
    assert given(after) == given(before)
    assert [file.path for file in after.files] == [b"film.mp4"]
    journal = (await home.services.journal.page(ChangeFilter(video_id=before.id)))[0]
    assert [entry.change.what for entry in journal] == [
        "forgotten",
        "forgotten",
        "title",
        "view",
        "tag",
        "favorite",
        "rating",
    ]


async def test_all_are_forgotten_but_those_that_went_missing_since_they_were_shown(
    home: Home,
) -> None:
    for name in ("one.mp4", "two.mp4", "three.mp4", "stays.mp4"):
        home.add(name)
    await home.scan()
    await gone(home, "one.mp4")
    await gone(home, "two.mp4")
    shown_at = int(time.time() * 1000)
    page = await text(await home.client.get(f"/admin/missing/forget?all=1&until={shown_at}"))
    assert "Forget 2 missing videos?" in page
    await gone(home, "three.mp4")
    answer = await home.client.post(
        "/admin/missing/forget", form={"all": "1", "until": str(shown_at)}
    )
    assert answer.headers["Location"] == "/admin/bin?forgotten=2"
    assert await missing(home) == ["three"]
    answer = await home.client.post(
        "/admin/bin/restore", form={"all": "1", "until": str(int(time.time() * 1000))}
    )
    assert answer.headers["Location"] == "/admin/missing?restored=2"
    assert sorted(await missing(home)) == ["one", "three", "two"]


@pytest.mark.parametrize("place", ["film.mp4", "elsewhere/renamed.mp4"])
async def test_a_forgotten_video_comes_back_by_itself_with_its_file(home: Home, place: str) -> None:
    content = distinct_video()
    before = await curated(home, content=content)
    home.add("stays.mp4")
    await home.scan()
    await gone(home)
    assert await home.services.recycle_bin.forget([before.id], EVER, "x") == 1
    home.add(place, content)
    await home.scan()
    assert await binned(home) == []
    assert given(await home.services.videos.get(before.media_hash)) == given(before)
    [card] = (await home.services.gallery.browse(Query(favorite=True))).cards
    assert (card.title, card.rating, card.tags) == ("Anna in the Alps", 4, ("alps",))
    # It was in the bin for no night: forgotten anew, it has all its time.
    await gone(home, place)
    assert await missing(home) == ["Anna in the Alps"]


async def test_another_film_under_the_name_of_a_forgotten_one_is_a_video_of_its_own(
    home: Home,
) -> None:
    before = await curated(home)
    home.add("stays.mp4")
    await home.scan()
    await gone(home)
    await home.services.recycle_bin.forget([before.id], EVER, "x")
    home.add("film.mp4")
    await home.scan()
    assert (await home.video("film.mp4")).rating == 0
    assert await binned(home) == ["Anna in the Alps"]


async def test_one_whose_file_is_there_is_never_forgotten(home: Home) -> None:
    video = await curated(home)
    assert await home.services.recycle_bin.forget([video.id, 999], EVER, "x") == 0
    assert await home.services.recycle_bin.forget(None, EVER, "x") == 0
    answer = await home.client.post(
        "/admin/missing/forget", form={"id": str(video.id), "until": "9007199254740992"}
    )
    assert answer.headers["Location"] == "/admin/bin?forgotten=0"
    assert await home.titles() == ["Anna in the Alps"]


async def test_forgetting_is_taken_back_in_the_journal(home: Home) -> None:
    video = await curated(home)
    home.add("stays.mp4")
    await home.scan()
    await gone(home)
    await home.services.recycle_bin.forget([video.id], EVER, "anna")
    [latest, *_] = (await home.services.journal.page(ChangeFilter(client="anna")))[0]
    assert latest.change.what == "forgotten"
    assert not (await home.services.journal.undo(latest.change.id, "operator")).reason
    assert (await missing(home), await binned(home)) == (["Anna in the Alps"], [])
    [latest, *_] = (await home.services.journal.page(ChangeFilter(client="operator")))[0]
    assert not (await home.services.journal.undo(latest.change.id, "operator")).reason
    assert await binned(home) == ["Anna in the Alps"]


async def test_a_video_that_came_from_a_backup_and_was_never_seen_is_listed_and_can_be_forgotten(
    home: Home,
) -> None:
    await restore_records(
        home.services.database, [CurationRecord("0123456789abcdef", title="From afar", rating=5)]
    )
    assert await missing(home) == ["From afar"]
    assert "never seen in a library folder" in await text(await home.client.get("/admin/missing"))
    assert await home.services.recycle_bin.forget(None, int(time.time() * 1000), "x") == 1
    assert "never seen in a library folder" in await text(await home.client.get("/admin/bin"))
    assert await home.services.recycle_bin.restore(None, EVER, "x") == 1


async def in_the_bin(home: Home) -> Video:
    video = await curated(home)
    home.add("stays.mp4")
    await home.scan()
    await gone(home)
    await home.services.recycle_bin.forget([video.id], EVER, "x")
    return video


async def test_after_thirty_days_and_with_a_backup_it_is_removed_for_good_with_all_its_rows(
    home: Home,
) -> None:
    await in_the_bin(home)
    # at noon: an hour later it is the same night, and a day later it is not, whatever time it is
    now = datetime.now(UTC).astimezone().replace(hour=12)
    for night in range(DAYS_KEPT):
        assert await home.services.recycle_bin.clean_up(now + timedelta(days=night)) == 0
    assert (
        await home.services.recycle_bin.clean_up(now + timedelta(days=DAYS_KEPT, hours=1)) == 0
    )  # no backup holds it
    # The name of a backup tells its time to the second: it must be a later one.
    later = datetime.now(UTC) + timedelta(seconds=2)
    assert await home.services.backups.make(now=later) is not None
    assert await home.services.recycle_bin.clean_up(now + timedelta(days=DAYS_KEPT + 1)) == 1
    assert await binned(home) == []
    async with home.services.database.read() as db:
        for table in ("ratings", "favorites", "views", "video_tags", "tags", "changes"):
            assert await db.value(f"SELECT count(*) FROM {table}") == 0, table
        assert await db.value("SELECT count(*) FROM videos") == 1
        assert await db.all("PRAGMA foreign_key_check") == []
    assert await home.titles() == ["stays"]


async def test_a_clock_that_jumps_empties_no_bin(home: Home) -> None:
    await in_the_bin(home)
    await home.services.backups.make()
    ahead = (datetime.now(UTC).astimezone() + timedelta(days=4000)).replace(hour=4)
    for hours in range(0, 24 * (NIGHTS_KEPT - 1), 6):  # one night short of enough
        assert await home.services.recycle_bin.clean_up(ahead + timedelta(hours=hours)) == 0
    assert await home.services.recycle_bin.clean_up(datetime.now(UTC) - timedelta(days=4000)) == 0
    assert await binned(home) == ["Anna in the Alps"]


async def test_restored_and_present_videos_are_not_removed(home: Home) -> None:
    video = await in_the_bin(home)
    await home.services.backups.make()
    now = datetime.now(UTC)
    for night in range(DAYS_KEPT):
        await home.services.recycle_bin.clean_up(now + timedelta(days=night))
    assert await home.services.recycle_bin.restore([video.id], EVER, "x") == 1
    await home.services.recycle_bin.forget([video.id], EVER, "x")
    assert (
        await home.services.recycle_bin.clean_up(now + timedelta(days=DAYS_KEPT + 5)) == 0
    )  # its nights count anew
    assert await binned(home) == ["Anna in the Alps"]


@pytest.mark.parametrize(
    ("passed_days", "left"), [(0, 30), (0.5, 30), (1, 29), (29.9, 1), (30, 0), (400, 0), (-400, 30)]
)
def test_the_days_that_are_left_are_counted_down(passed_days: float, left: int) -> None:
    assert days_left(1_700_000_000_000, 1_700_000_000 + passed_days * 86_400) == left


async def test_the_list_is_paged_with_the_latest_first(home: Home) -> None:
    await restore_records(
        home.services.database,
        [CurationRecord(f"{number:016x}", title=f"film {number}") for number in range(1, 131)],
    )
    first, following = await home.services.recycle_bin.page()
    second, end = await home.services.recycle_bin.page(following)
    assert end is None
    assert [video.title for video in (*first, *second)] == [
        f"film {number}" for number in range(130, 0, -1)
    ]
    page = await text(await home.client.get("/admin/missing"))
    link = re.search(r'href="(/admin/missing\?since=0&amp;after=\d+)"', page)
    assert link
    assert "film 1<" in await text(await home.client.get(link[1].replace("&amp;", "&")))
    assert await home.services.recycle_bin.forget(None, EVER, "x") == 130
    first, following = await home.services.recycle_bin.forgotten()
    second, end = await home.services.recycle_bin.forgotten(following)
    assert (len(first), len(second), end) == (100, 30, None)
    assert len({video.id for video in (*first, *second)}) == 130


@pytest.mark.parametrize(
    ("method", "address", "form", "status"),
    [
        ("GET", "/admin/missing/forget", None, 400),
        ("GET", "/admin/missing/forget?id=x", None, 400),
        ("GET", "/admin/missing/forget?id=99999999999999999999", None, 400),
        ("GET", "/admin/missing/forget?id=7&until=9", None, 200),
        ("GET", "/admin/missing?after=x", None, 400),
        ("GET", "/admin/bin?after=1&since=-3", None, 400),
        ("GET", "/admin/bin?forgotten=<b>", None, 400),
        ("POST", "/admin/missing/forget", {}, 400),
        ("POST", "/admin/missing/forget", {"id": "1_0"}, 400),
        ("POST", "/admin/missing/forget", {"id": "7", "until": "²"}, 400),
        ("POST", "/admin/bin/restore", {"all": "yes"}, 400),
        ("POST", "/admin/bin/restore", {"id": "7"}, 303),
    ],
)
async def test_nonsense_gets_a_message(
    home: Home, method: str, address: str, form: dict[str, str] | None, status: int
) -> None:
    send = home.client.post(address, form=form) if method == "POST" else home.client.get(address)
    assert (await send).status_code == status
