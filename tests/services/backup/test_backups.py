"""Backups: made while everything runs, checked, kept long enough, and brought back whole."""

import asyncio
import json
import os
import pty
import random
import select
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from support.home import Home
from support.processes import Server, environment, run

from lvs.db import backup
from lvs.db.backup import Backup, BackupCounts, Examination
from lvs.errors import DatabaseDamaged, DiskFull, LvsError
from lvs.models import Query
from lvs.services.backup import snapshot_reader
from lvs.services.backup.backups import BEFORE_RESTORE, MANUAL, NIGHTLY, is_due, make, superfluous

pytestmark = pytest.mark.usefixtures("counted")

MONDAY = datetime(2026, 3, 2, 12, tzinfo=UTC)
ODD_NAMES = ("Café (NFC).mp4", "new\nline.mp4", b"\xff\xfe not utf-8.mp4", "🎬 film.mp4")


async def curate(home: Home, name: str | bytes, stars: int = 4) -> str:
    """Give a film everything one can give; its hash."""
    media_hash = (await home.video(name)).media_hash
    await home.services.ratings.rate(media_hash, stars, "test")
    await home.services.tags.add(media_hash, "alps", "test")
    await home.services.tags.add(media_hash, f"stars {stars}", "test")
    await home.services.favorites.set(media_hash, True, "test")
    await home.services.views.count(media_hash, "test")
    await home.services.videos.retitle(media_hash, f"Our film of {stars} stars", "test")
    return media_hash


async def given(home: Home) -> dict[str, tuple[object, ...]]:
    """The values of every listed video, by the content of its file."""
    found: dict[str, tuple[object, ...]] = {}
    async with home.services.database.read() as db:
        hashes = [row[0] for row in await db.all("SELECT media_hash FROM gallery")]
    for media_hash in hashes:
        video = await home.services.videos.get(media_hash)
        title = video.title if video.title_edited else None
        times = (video.rated_at, video.last_viewed_at, video.favorited_at, video.added_at)
        found[video.file.fingerprint] = (
            video.rating,
            video.tags,
            video.favorite,
            video.views,
            title,
            *times,
        )
    return found


def query(path: Path, sql: str) -> Any:
    with closing(sqlite3.connect(path)) as database:
        return database.execute(sql).fetchone()[0]


def lvs(*arguments: str | Path, data: Path) -> subprocess.CompletedProcess[str]:
    return run(*arguments, "--data", data, cwd=data.parent)


def at_a_terminal(*arguments: str | Path, data: Path, answer: str) -> tuple[int, str]:
    """Run `lvs` at a terminal and answer its question; its output and exit code."""
    here, there = pty.openpty()
    command = [sys.executable, "-m", "lvs", *map(str, arguments), "--data", str(data)]
    process = subprocess.Popen(
        command,
        stdin=there,
        stdout=there,
        stderr=there,
        env=environment(data.parent),
        cwd=data.parent,
    )
    os.close(there)
    shown = b""
    answered = False
    while select.select([here], [], [], 60)[0]:
        try:
            part = os.read(here, 65536)
        except OSError:  # the other end is closed
            break
        if not part:
            break
        shown += part
        if b"[y/N]" in shown and not answered:
            answered = True
            os.write(here, answer.encode() + b"\n")
    os.close(here)
    return process.wait(60), shown.decode()


# --- Making one ---


async def test_a_backup_is_whole_checked_and_readable_by_people(home: Home) -> None:
    for name in ODD_NAMES:
        home.add(name)
    home.add("trip/plain.mp4")
    await home.scan()
    media_hash = await curate(home, "trip/plain.mp4")
    odd_hash = await curate(home, ODD_NAMES[2], 2)
    made = await home.services.backups.make()
    assert made is not None
    assert made.good
    assert made.path.parent == home.data / "backups"
    assert (
        made.counts.videos,
        made.counts.ratings,
        made.counts.tags,
        made.counts.favorites,
        made.counts.views,
    ) == (
        5,
        2,
        4,
        2,
        2,
    )
    assert query(made.path, "PRAGMA integrity_check") == "ok"
    assert not list(made.path.parent.glob("*-wal"))
    ratings = json.loads((made.snapshot / "ratings.json").read_text("utf-8"))
    assert ratings[media_hash]["path"] == "trip/plain.mp4"
    assert ratings[media_hash]["rating"] == 4
    assert datetime.fromisoformat(ratings[media_hash]["rated_at"]).tzinfo is not None
    assert os.fsencode(ratings[odd_hash]["path"]) == ODD_NAMES[2]
    assert json.loads((made.snapshot / "tags.json").read_text("utf-8"))[media_hash]["tags"] == [
        "alps",
        "stars 4",
    ]
    assert json.loads((made.snapshot / "views.json").read_text("utf-8"))[media_hash]["views"] == 1
    assert set(json.loads((made.snapshot / "favorites.json").read_text("utf-8"))) == {
        media_hash,
        odd_hash,
    }
    assert [each.path for each in backup.listed(made.path.parent)] == [made.path]
    assert backup.listed(made.path.parent)[0].examined == made.examined


async def test_a_backup_made_while_everybody_writes_is_one_moment(home: Home) -> None:
    names = [f"film {number}.mp4" for number in range(8)]
    for name in names:
        home.add(name)
    await home.scan()
    hashes = [(await home.video(name)).media_hash for name in names]
    stop = asyncio.Event()

    async def writer(media_hash: str) -> None:
        stars = 1
        while not stop.is_set():
            # The journal is written in the same transaction, so in every moment the two agree.
            await home.services.ratings.rate(media_hash, stars, "test")
            stars = stars % 5 + 1

    writers = [asyncio.create_task(writer(media_hash)) for media_hash in hashes]
    made = [await home.services.backups.make() for _ in range(3)]
    stop.set()
    await asyncio.gather(*writers)
    for each in made:
        assert each is not None
        sql = """
            SELECT count(*) FROM ratings r WHERE r.value <> (
                SELECT CAST(new AS INTEGER) FROM changes c
                WHERE c.video_id = r.video_id AND what = 'rating' ORDER BY id DESC LIMIT 1)
        """
        assert query(each.path, sql) == 0


async def test_a_backup_is_made_when_one_is_due_and_then_no_more(home: Home) -> None:
    home.add("film.mp4")
    await home.scan()
    task = asyncio.create_task(home.services.backups.nightly(first_check_s=0))
    await home.until(lambda: bool(backup.listed(home.data / "backups")))
    task.cancel()
    [made] = backup.listed(home.data / "backups")
    assert made.kind == NIGHTLY
    assert not is_due(home.data / "backups", datetime.now(UTC))
    assert is_due(home.data / "backups", datetime.now(UTC) + timedelta(days=1))
    state = await home.services.backups.state()
    assert state.newest is not None
    assert state.newest.path == made.path
    assert state.failure is None


async def test_an_empty_database_is_not_backed_up(home: Home) -> None:
    assert await home.services.backups.make(NIGHTLY) is None
    assert backup.listed(home.data / "backups") == []


async def test_an_emptied_database_never_pushes_out_a_full_backup(home: Home) -> None:
    for number in range(3):
        home.add(f"{number}.mp4")
    await home.scan()
    for number in range(3):
        await curate(home, f"{number}.mp4")
    folder, database = home.data / "backups", home.services.database.path
    full = make(database, folder, NIGHTLY, now=MONDAY)
    assert full is not None
    async with home.services.database.transaction() as tx:
        for table in ("ratings", "video_tags", "favorites", "views"):
            await tx.run(f"DELETE FROM {table}")
    for day in range(1, 40):  # longer than days and weeks are kept
        assert make(database, folder, NIGHTLY, now=MONDAY + timedelta(days=day)) is not None
    kept = backup.listed(folder)
    assert len(kept) < 15
    assert full.path in [each.path for each in kept]
    async with home.services.database.transaction() as tx:
        await tx.run("DELETE FROM videos")
        await tx.run("DELETE FROM gallery")
    before = [each.path for each in backup.listed(folder)]
    assert make(database, folder, NIGHTLY, now=MONDAY + timedelta(days=200)) is None
    assert [each.path for each in backup.listed(folder)] == before


async def test_an_offline_drive_takes_nothing_out_of_a_backup(home: Home) -> None:
    home.add("film.mp4")
    await home.scan()
    await curate(home, "film.mp4")
    home.library.rename(home.library.with_name("unplugged"))
    await home.services.library.scan()
    made = await home.services.backups.make(NIGHTLY)
    assert made is not None
    assert (made.counts.videos, made.counts.ratings, made.counts.files) == (1, 1, 1)


async def test_a_damaged_database_makes_no_backup_and_is_reported(home: Home) -> None:
    for number in range(30):
        home.add(f"{number}.mp4")
    await home.scan()
    good = await home.services.backups.make()
    assert good is not None
    async with home.services.database.transaction() as tx:
        page = await tx.value("SELECT rootpage FROM sqlite_schema WHERE name = 'gallery_title'")
    await home.stop()
    with home.services.database.path.open("r+b") as file:
        file.seek((page - 1) * 4096 + 100)
        file.write(b"\xaa" * 3996)
    with pytest.raises(DatabaseDamaged):
        make(home.services.database.path, home.data / "backups", NIGHTLY)
    assert [each.path for each in backup.listed(home.data / "backups")] == [good.path]
    assert not list((home.data / "backups").glob(".partial*"))
    for suffix in ("", "-wal", "-shm"):  # so that the fixture can stop once more
        home.services.database.path.with_name(f"lvs.db{suffix}").unlink(missing_ok=True)
    shutil.copyfile(good.path, home.services.database.path)
    await home.start()


async def test_a_backup_that_cannot_be_made_is_told_and_disturbs_nobody(
    home: Home, caplog: pytest.LogCaptureFixture
) -> None:
    home.add("film.mp4")
    await home.scan()
    (home.data / "backups").write_text("a file where the folder should be")
    with pytest.raises(LvsError):
        await home.services.backups.make()
    state = await home.services.backups.state()
    assert state.failure is not None
    assert state.failure in caplog.text
    await curate(home, "film.mp4")
    (home.data / "backups").unlink()
    assert await home.services.backups.make()
    assert (await home.services.backups.state()).failure is None


def test_a_backup_leaves_room_for_ratings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    database = tmp_path / "lvs.db"
    with closing(sqlite3.connect(database)) as other:
        other.execute("CREATE TABLE videos (id INTEGER)")
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=1 << 19))
    with pytest.raises(DiskFull, match="too full for a backup"):
        backup.make(database, tmp_path / "backups", MANUAL)
    assert list((tmp_path / "backups").iterdir()) == []


def test_leftovers_of_a_killed_backup_are_cleared(tmp_path: Path) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    dead, alive = (
        tmp_path / f".partial-{gone.pid}-00000000",
        tmp_path / f".partial-{os.getpid()}-00000000",
    )
    for folder in (dead, alive):
        folder.mkdir()
        (folder / "copy.db").write_bytes(b"half")
    backup.clear_partials(tmp_path)
    assert not dead.exists()
    assert alive.exists()


# --- Which are kept ---


def kept_of(days: list[float], kind: str = NIGHTLY, curated: int = 10) -> list[Backup]:
    """Backups made so many days after a Monday."""
    found = []
    for day in days:
        made_at = MONDAY + timedelta(days=day)
        found.append(
            Backup(
                Path(f"{made_at:%Y%m%dT%H%M%S}-{kind}"),
                kind,
                made_at,
                1,
                Examination(1, BackupCounts(videos=1, ratings=curated)),
            )
        )
    return found


def remaining(found: list[Backup]) -> list[float]:
    removed = {each.path for each in superfluous(found)}
    return [
        (each.made_at - MONDAY) / timedelta(days=1) for each in found if each.path not in removed
    ]


def test_seven_days_and_four_weeks_are_kept() -> None:
    stay: list[Backup] = []
    for day in range(120):  # as they come, night after night
        stay += kept_of([day])
        removed = {each.path for each in superfluous(stay)}
        stay = [each for each in stay if each.path not in removed]
    days = [(each.made_at - MONDAY).days for each in stay]
    assert days[-7:] == list(range(113, 120))
    assert len(days) <= 7 + 4
    assert len({day // 7 for day in days}) >= 4
    assert min(days) >= 119 - 5 * 7


def test_several_of_one_day_count_once() -> None:
    assert remaining(kept_of([0, 0.1, 0.2, 0.3])) == [0.3]


def test_manual_backups_do_not_displace_nightly_ones() -> None:
    found = kept_of(list(range(7))) + kept_of([6 + number / 100 for number in range(30)], MANUAL)
    days = remaining(found)
    assert set(range(7)) <= set(days)
    assert len(days) == 7 + 10


def test_the_fullest_backup_stays() -> None:
    found = kept_of([0], curated=5000) + kept_of(list(range(1, 100)), curated=1)
    assert 0 in remaining(found)


def test_a_clock_that_jumps_removes_no_more_than_a_clock_that_runs(tmp_path: Path) -> None:
    years = 20 * 365.0
    assert set(range(3, 7)) <= set(
        remaining([*kept_of(list(range(7))), *kept_of([years, years + 1, years + 2])])
    )
    assert is_due(tmp_path, MONDAY)


def test_unchecked_backups_are_not_removed() -> None:
    foreign = Backup(Path("foreign"), NIGHTLY, MONDAY - timedelta(days=999), 1, None)
    assert superfluous([foreign, *kept_of(list(range(50)))])
    assert foreign not in superfluous([foreign, *kept_of(list(range(50)))])


# --- Bringing one back ---


@pytest.mark.parametrize("what", ["database", "json"])
async def test_a_thousand_renamed_videos_get_everything_back(tmp_path: Path, what: str) -> None:
    chance = random.Random(7)
    old, new = tmp_path / "old", tmp_path / "new"
    async with Home(old, enable_thumbnails=False) as home:
        for number in range(1000):
            home.add(f"{number % 10}/film {number}.mp4")
        home.add(ODD_NAMES[2])
        await home.scan()
        videos = [
            (await home.video(f"{number % 10}/film {number}.mp4")).media_hash
            for number in range(1000)
        ]

        async def give(media_hash: str, number: int) -> None:
            if number % 7:
                await home.services.ratings.rate(media_hash, number % 5 + 1, "test")
            for tag in chance.sample(("alps", "Ünïcode", "winter", "2024", "family"), number % 4):
                await home.services.tags.add(media_hash, tag, "test")
            if number % 3 == 0:
                await home.services.favorites.set(media_hash, True, "test")
            for _ in range(number % 3):
                await home.services.views.count(media_hash, "test")
            if number % 50 == 0:
                await home.services.videos.retitle(media_hash, f"Title {number}", "test")

        await asyncio.gather(
            *(give(media_hash, number) for number, media_hash in enumerate(videos))
        )
        await curate(home, ODD_NAMES[2])
        before = await given(home)
        assert len(before) == 1001
        made = await home.services.backups.make()
        assert made is not None
    # Another machine, another folder, other names, and an empty data folder.
    names = chance.sample(range(5000), 1001)
    (new / "Films").mkdir(parents=True)
    for path, number in zip(sorted(old.joinpath("Videos").rglob("*.mp4")), names, strict=True):
        path.rename(new / "Films" / f"{number}.mp4")
    source = made.path if what == "database" else made.snapshot
    done = lvs("restore", source, "--yes", data=new / "data")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    async with Home(new, libraries=("Films",), enable_thumbnails=False) as home:
        await home.scan()
        assert await given(home) == before
        assert await home.services.gallery.count(Query()) == 1001
        assert query(home.services.database.path, "PRAGMA integrity_check") == "ok"
        assert query(home.services.database.path, "SELECT count(*) FROM videos") == 1001


async def test_json_brought_back_twice_or_over_what_is_there_changes_nothing(home: Home) -> None:
    home.add("film.mp4")
    await home.scan()
    await curate(home, "film.mp4")
    made = await home.services.backups.make()
    assert made is not None
    before = await given(home)
    await home.stop()
    done = lvs("restore", made.snapshot, "--yes", "--json", data=home.data)
    assert done.returncode == 0
    changes = json.loads(done.stdout)["changes"]
    assert changes.pop("videos") == 1
    assert not any(changes.values())
    await home.start()
    assert await given(home) == before


async def test_json_adds_and_sets_and_takes_nothing_away(home: Home) -> None:
    home.add("a.mp4")
    home.add("b.mp4")
    await home.scan()
    hash_a = await curate(home, "a.mp4")
    made = await home.services.backups.make()
    assert made is not None
    await home.services.ratings.rate(hash_a, 1, "test")
    await home.services.tags.remove(hash_a, "alps", "test")
    await home.services.tags.add(hash_a, "later", "test")
    await home.services.views.count(hash_a, "test")
    hash_b = await curate(home, "b.mp4", 3)
    await home.stop()
    done = lvs("restore", made.snapshot, "--yes", "--json", data=home.data)
    assert done.returncode == 0
    changed = {
        name: number for name, number in json.loads(done.stdout)["changes"].items() if number
    }
    assert changed == {"videos": 2, "ratings_changed": 1, "tags": 1}
    await home.start()
    a, b = await home.services.videos.get(hash_a), await home.services.videos.get(hash_b)
    assert (a.rating, a.tags, a.views, a.favorite) == (4, ("alps", "later", "stars 4"), 2, True)
    assert b.rating == 3
    [kept] = [each for each in backup.listed(home.data / "backups") if each.kind == BEFORE_RESTORE]
    assert (
        query(
            kept.path,
            "SELECT value FROM ratings r JOIN videos v ON v.id = video_id WHERE media_hash ="
            f" '{hash_a}'",
        )
        == 1
    )
    [card] = (await home.services.gallery.browse(Query(q="alps", min_rating=4))).cards
    assert card.media_hash == hash_a


async def test_a_better_encode_is_found_by_its_path_when_json_comes_back(
    home: Home, tmp_path: Path
) -> None:
    home.add("film.mp4")
    await home.scan()
    await curate(home, "film.mp4")
    made = await home.services.backups.make()
    assert made is not None
    shutil.copytree(made.snapshot, tmp_path / "saved")
    await home.stop()
    shutil.rmtree(home.data)
    home.data.mkdir()
    home.add("film.mp4")  # a better encode under the same name
    await home.start()
    await home.stop()
    assert lvs("restore", tmp_path / "saved", "--yes", data=home.data).returncode == 0
    await home.start()
    [video] = (await given(home)).values()
    assert video[:4] == (4, ("alps", "stars 4"), True, 1)


async def test_an_export_can_be_brought_back(home: Home, tmp_path: Path) -> None:
    home.add("film.mp4")
    await home.scan()
    media_hash = (await home.video("film.mp4")).media_hash
    entry = {
        "path": "film.mp4",
        "media_hash": media_hash,
        "title": "film",
        "rating": 5,
        "views": 7,
        "last_viewed_at": "2024-05-01T12:00:00Z",
        "tags": ["Alps"],
        "favorite": True,
        "favorited_at": "2024-05-01T12:00:00Z",
        "added_at": "2024-01-01T00:00:00Z",
        "missing_since": None,
    }
    wrong = [
        {"media_hash": "x"},
        7,
        entry | {"media_hash": "0" * 16, "rating": True},
        entry | {"media_hash": "1" * 16, "tags": [3]},
    ]
    export = tmp_path / "export.json"
    export.write_text(
        json.dumps({"videos": [entry, *wrong], "playlists": [{"name": "x", "items": []}]})
    )
    await home.stop()
    done = lvs("restore", export, "--yes", "--json", data=home.data)
    assert done.returncode == 0
    assert len(json.loads(done.stdout)["problems"]) == 4
    await home.start()
    video = await home.services.videos.get(media_hash)
    assert (video.rating, video.views, video.tags, video.favorite, video.title_edited) == (
        5,
        7,
        ("Alps",),
        True,
        False,
    )
    assert datetime.fromtimestamp(video.last_viewed_at / 1000, UTC) == datetime(
        2024, 5, 1, 12, tzinfo=UTC
    )


async def test_the_command_keeps_what_was_there_and_asks(home: Home) -> None:
    home.add("film.mp4")
    await home.scan()
    media_hash = await curate(home, "film.mp4")
    made = await home.services.backups.make()
    assert made is not None
    await home.services.ratings.rate(media_hash, 1, "test")
    await home.stop()

    piped = lvs("restore", made.path, data=home.data)
    assert piped.returncode == 2
    assert "--yes" in piped.stderr
    code, shown = at_a_terminal("restore", made.path, data=home.data, answer="n")
    assert code == 1
    assert "ratings: 1 now, 1 then" in shown
    assert query(home.data / "lvs.db", "SELECT value FROM ratings") == 1
    code, shown = at_a_terminal("restore", made.path, data=home.data, answer="y")
    assert code == 0
    assert query(home.data / "lvs.db", "SELECT value FROM ratings") == 4
    newest = next(
        each for each in backup.listed(home.data / "backups") if each.kind == BEFORE_RESTORE
    )
    assert query(newest.path, "SELECT value FROM ratings") == 1
    assert newest.path.name in shown
    await home.start()
    assert (await home.services.videos.get(media_hash)).rating == 4


async def test_without_a_file_the_backups_are_listed_and_the_newest_good_one_named(
    home: Home,
) -> None:
    home.add("film.mp4")
    await home.scan()
    await curate(home, "film.mp4")
    good = await home.services.backups.make()
    assert good is not None
    bad = good.path.with_name("lvs-20990101T000000Z-manual.db")
    bad.write_bytes(good.path.read_bytes()[: good.size_bytes // 2])
    listed = lvs("restore", data=home.data)
    assert listed.returncode == 0
    assert "1 rating" in listed.stdout
    assert f"Newest good one: lvs restore {good.path}" in listed.stdout
    assert "cannot be used" in listed.stdout
    found = json.loads(lvs("restore", "--json", data=home.data).stdout)
    assert found["newest_good"] == str(good.path)
    assert [each["good"] for each in found["backups"]] == [False, True]
    refused = lvs("restore", bad, "--yes", data=home.data)
    assert refused.returncode == 2
    assert "damaged" in refused.stderr


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("nothing.db", None, "There is no file"),
        ("text.db", b"not a database at all " * 100, "damaged"),
        ("other.db", "other", "no database of LVS"),
        ("broken.json", b'{"videos": [', "not valid JSON"),
        ("nested.json", b"[" * 100_000, "not valid JSON"),
        ("list.json", b"[]", "must hold a JSON object"),
        ("other.json", b"{}", "neither an export"),
        ("ratings.json", b'{"film.mp4": 5}', "import-legacy"),
        ("empty", "folder", "none of ratings.json"),
    ],
)
def test_an_invalid_backup_is_refused_with_a_message(
    tmp_path: Path, name: str, content: bytes | str | None, message: str
) -> None:
    source = tmp_path / name
    if content == "folder":
        source.mkdir()
    elif content == "other":
        with closing(sqlite3.connect(source)) as database:
            database.execute("CREATE TABLE friends (name TEXT)")
    elif isinstance(content, bytes):
        source.write_bytes(content)
    done = lvs("restore", source, "--yes", data=tmp_path / "data")
    assert done.returncode == 2
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "data" / "lvs.db").exists()


def test_snapshots_come_back_as_they_went(tmp_path: Path) -> None:
    for name, text in (
        (
            "ratings.json",
            '{"0123456789abcdef": {"path": "a.mp4", "rating": 5, "rated_at": 1700000000000}}',
        ),
        (
            "views.json",
            '{"0123456789abcdef": {"path": "a.mp4", "views": 3, "last_viewed_at": null}}',
        ),
        (
            "tags.json",
            (
                '{"0123456789abcdef": {"path": "a.mp4", "tags": ["x", "#y"]}, "zz": {},'
                ' "0000000000000000": []}'
            ),
        ),
    ):
        (tmp_path / name).write_text(text)
    read = snapshot_reader.read(tmp_path)
    assert len(read.problems) == 2
    kept = read.kept["0123456789abcdef"]
    assert (kept.rating, kept.rated_at, kept.views, kept.tags, kept.path) == (
        5,
        1700000000000,
        3,
        ("x", "y"),
        b"a.mp4",
    )
    assert not kept.favorite
    only = snapshot_reader.read(tmp_path / "ratings.json")
    assert only.kept["0123456789abcdef"].views == 0


def test_a_snapshot_takes_as_many_views_as_the_database_holds(tmp_path: Path) -> None:
    many = {f"{number:016x}": {"path": "a.mp4", "views": 2**number} for number in (53, 62, 63)}
    (tmp_path / "views.json").write_text(json.dumps(many))
    read = snapshot_reader.read(tmp_path)
    assert [kept.views for kept in read.kept.values() if kept.views] == [2**53, 2**62]
    assert len(read.problems) == 1


# --- The commands ---


async def test_the_backup_command_is_quiet_in_a_pipe_and_works_while_the_server_runs(
    home: Home, tmp_path: Path
) -> None:
    home.add("film.mp4")
    await home.scan()
    await curate(home, "film.mp4")
    with Server(
        [
            sys.executable,
            "-m",
            "lvs",
            "serve",
            home.library,
            "--data",
            home.data,
            "--host",
            "127.0.0.1",
            "--port",
            "0",
        ],
        tmp_path,
    ):
        done = lvs("backup", data=home.data)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
        made = backup.newest_good(home.data / "backups")
        assert made is not None
        assert made.counts.ratings == 1
        named = json.loads(
            lvs("backup", "--output", tmp_path / "mine.db", "--json", data=home.data).stdout
        )
        assert named["path"] == str(tmp_path / "mine.db")
        assert query(tmp_path / "mine.db", "SELECT value FROM ratings") == 4
        again = lvs("backup", "--output", tmp_path / "mine.db", data=home.data)
        assert again.returncode == 2
        assert "is there already" in again.stderr
        (tmp_path / "stick").mkdir()
        assert lvs("backup", "--output", tmp_path / "stick", data=home.data).returncode == 0
        assert len(list((tmp_path / "stick").glob("*/ratings.json"))) == 1
        refused = lvs("restore", made.path, "--yes", data=home.data)
        assert refused.returncode == 2
        assert "already running" in refused.stderr
    code, shown = at_a_terminal("backup", data=home.data, answer="")
    assert code == 0
    assert "holds 1 video, 1 rating, 2 tags" in shown


def test_there_is_nothing_to_back_up_where_nothing_ever_was(tmp_path: Path) -> None:
    done = lvs("backup", data=tmp_path / "data")
    assert done.returncode == 2
    assert "There is no database" in done.stderr
    assert not (tmp_path / "data" / "backups").exists()


async def test_check_says_that_all_is_well(home: Home) -> None:
    home.add("film.mp4")
    await home.scan()
    await home.probed()
    await curate(home, "film.mp4")
    assert await home.services.backups.make()
    done = lvs("check", "--json", data=home.data)
    assert json.loads(done.stdout)["findings"] == []
    assert done.returncode == 0
    assert "The database is sound: 1 video, 1 rating, 2 tags" in lvs("check", data=home.data).stdout


async def test_check_says_what_is_not_well_and_how_to_mend_it(home: Home) -> None:
    for name in ("film.mp4", "gone.mp4", "other.mp4"):
        home.add(name)
    home.add("text.mp4", b"no film " * 1000)
    await home.scan()
    await home.probed()
    media_hash = await curate(home, "film.mp4")
    await curate(home, "gone.mp4")
    (home.library / "gone.mp4").unlink()
    await home.scan()
    async with home.services.database.transaction() as tx:
        await tx.run("UPDATE gallery SET rating = 1 WHERE media_hash = ?", (media_hash,))
        await tx.run("INSERT INTO tags (name, key) VALUES ('lonely', 'lonely')")
        await tx.run(
            "INSERT INTO videos (media_hash, title, added_at, shuffle) VALUES ('00', 'never seen',"
            " 0, 0)"
        )
    done = lvs("check", "--json", data=home.data)
    assert done.returncode == 1
    found = {finding["kind"]: finding for finding in json.loads(done.stdout)["findings"]}
    assert set(found) == {
        "out-of-step",
        "unused-tag",
        "no-place",
        "missing",
        "unreadable",
        "no-backup",
    }
    assert found["missing"]["examples"] == ["gone.mp4"]
    assert found["unreadable"]["examples"] == ["text.mp4"]
    assert all(finding["mend"] for finding in found.values())
    assert await home.services.backups.make()
    mended = lvs("check", "--mend", "--json", data=home.data)
    assert {finding["kind"] for finding in json.loads(mended.stdout)["findings"]} == {
        "no-place",
        "missing",
        "unreadable",
    }
    [card] = (await home.services.gallery.browse(Query(q="film", min_rating=4))).cards
    assert card.media_hash == media_hash


def test_check_of_a_folder_that_is_not_there_cannot_look(tmp_path: Path) -> None:
    done = lvs("check", data=tmp_path / "nothing")
    assert done.returncode == 2
    assert done.stdout == ""
    (tmp_path / "empty").mkdir()
    assert lvs("check", data=tmp_path / "empty").returncode == 1
