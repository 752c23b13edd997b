"""Disks that are full or read-only, databases that are locked or damaged, and a clock that jumps:
LVS refuses what it cannot do with a message, and everything else goes on.
"""

import asyncio
import logging
import random
import resource
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from support import loopback
from support.disks import fill, read_only, small_disk
from support.home import Home, distinct_video
from support.processes import Server, run

from lvs.db import backup
from lvs.errors import DiskFull
from lvs.models import Query

QUIET = {
    "LVS_RATINGS_LIMIT": "0",
    "LVS_WRITES_LIMIT": "0",
    "LVS_SETTLE_SECONDS": "0.2",
    "LVS_WATCH": "off",
    "LVS_THUMBNAIL_WORKERS": "1",
}


class Visitor:
    """Somebody with a browser, at a real server."""

    def __init__(self, address: str) -> None:
        self.http = loopback.Client(base_url=address, timeout=60)

    def films(self, at_least: int = 1) -> list[dict[str, Any]]:
        """The films the gallery shows, once there are so many."""
        for _ in range(300):
            found: list[dict[str, Any]] = self.http.get(
                "/api/videos", params={"limit": 500}
            ).json()["videos"]
            if len(found) >= at_least:
                return found
            time.sleep(0.1)
        raise AssertionError("the films were not found")

    def rate(self, media_hash: str, stars: int) -> httpx.Response:
        return self.http.post(
            f"/videos/{media_hash}/rating", data={"value": stars}, headers={"Accept": "text/html"}
        )

    def rating(self, media_hash: str) -> int | None:
        value: int | None = self.http.get(f"/api/videos/{media_hash}").json()["rating"]
        return value

    def assert_that_everything_can_be_seen(self, media_hash: str) -> None:
        for address in ("/", "/tags", "/api/videos", f"/v/{media_hash}", "/ping"):
            assert self.http.get(address, follow_redirects=True).status_code == 200, address
        film = self.http.get(
            self.http.get(f"/api/videos/{media_hash}").json()["stream_url"],
            headers={"Range": "bytes=0-99"},
        )
        assert (film.status_code, len(film.content)) == (206, 100)


@contextmanager
def served(library: Path, data: Path, cwd: Path) -> Iterator[tuple[Visitor, Server]]:
    command = [
        sys.executable,
        "-m",
        "lvs",
        "serve",
        library,
        "--data",
        data,
        "--host",
        "127.0.0.1",
        "--port",
        "0",
    ]
    with Server(command, cwd, **QUIET) as server:
        visitor = Visitor(server.address)
        try:
            yield visitor, server
        finally:
            visitor.http.close()


@pytest.fixture
def library(tmp_path: Path) -> Path:
    folder = tmp_path / "Videos"
    folder.mkdir()
    for number in range(3):
        (folder / f"film {number}.mp4").write_bytes(distinct_video())
    return folder


def rate_until_refused(visitor: Visitor, media_hash: str, most: int) -> tuple[httpx.Response, int]:
    """Rate again and again; return the first refusal and the stars accepted last."""
    taken = 0
    for number in range(most):
        stars = number % 5 + 1
        answer = visitor.rate(media_hash, stars)
        if answer.status_code != 303:
            return answer, taken
        taken = stars
    raise AssertionError("every rating was taken")


# --- A full disk ---


def test_a_full_disk_refuses_changes_and_nothing_else(tmp_path: Path, library: Path) -> None:
    with (
        small_disk(tmp_path / "data", 8 * 1024) as data,
        served(library, data, tmp_path) as (visitor, server),
    ):
        media_hash = visitor.films(3)[0]["media_hash"]
        filler = fill(data)
        refused, taken = rate_until_refused(visitor, media_hash, 5000)
        assert refused.status_code == 507
        assert "disk" in refused.text
        assert "is full" in refused.text
        for _ in range(3):
            assert visitor.rate(media_hash, 5 if taken != 5 else 4).status_code == 507
        visitor.assert_that_everything_can_be_seen(media_hash)
        assert visitor.rating(media_hash) == (taken or None)
        filler.unlink()
        assert visitor.rate(media_hash, 5 if taken != 5 else 4).status_code == 303
        assert visitor.rating(media_hash) == (5 if taken != 5 else 4)
        assert server.stop() == 0
        with closing(sqlite3.connect(data / "lvs.db")) as database:
            assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def test_a_file_size_limit_refuses_changes_and_nothing_else(tmp_path: Path, library: Path) -> None:
    with served(library, tmp_path / "data", tmp_path) as (visitor, server):
        media_hash = visitor.films(3)[0]["media_hash"]
        assert visitor.rate(media_hash, 3).status_code == 303
        process = psutil.Process(server.pid)
        before = process.rlimit(resource.RLIMIT_FSIZE)
        process.rlimit(resource.RLIMIT_FSIZE, (4096, before[1]))
        for _ in range(3):
            refused = visitor.rate(media_hash, 4)
            assert refused.status_code in (503, 507)
            assert "Nothing was changed" in refused.text
        visitor.assert_that_everything_can_be_seen(media_hash)
        assert visitor.rating(media_hash) == 3
        process.rlimit(resource.RLIMIT_FSIZE, before)
        assert visitor.rate(media_hash, 4).status_code == 303
        assert visitor.rating(media_hash) == 4


async def test_a_backup_on_a_full_disk_fails_alone(tmp_path: Path) -> None:
    with small_disk(tmp_path / "data", 4 * 1024) as data:
        async with Home(tmp_path, enable_thumbnails=False) as home:
            home.add("film.mp4")
            await home.scan()
            media_hash = (await home.video("film.mp4")).media_hash
            (data / "most").write_bytes(bytes(int(shutil.disk_usage(data).free * 0.9)))
            with pytest.raises(DiskFull):
                await home.services.backups.make()
            assert not list((data / "backups").iterdir())
            state = await home.services.backups.state()
            assert state.failure is not None
            assert "full" in state.failure
            await home.services.ratings.rate(media_hash, 5, "test")
            (data / "most").unlink()
            assert await home.services.backups.make()


# --- Read-only ---


def test_a_read_only_data_folder_is_refused_at_the_start(tmp_path: Path, library: Path) -> None:
    data = tmp_path / "data"
    with served(library, data, tmp_path) as (visitor, _):
        visitor.films(3)
    with read_only(data):
        done = run("serve", library, "--data", data, "--port", "0", cwd=tmp_path)
        assert done.returncode == 2
        assert "cannot be written" in done.stderr
        assert done.stderr.count("\n") == 1
        assert run("check", "--data", data, cwd=tmp_path).returncode == 0
    with served(library, data, tmp_path) as (visitor, _):
        assert len(visitor.films(3)) == 3


def test_a_read_only_library_is_shown_rated_and_never_written(
    tmp_path: Path, library: Path
) -> None:
    before = {path: path.stat() for path in library.iterdir()}
    with read_only(library), served(library, tmp_path / "data", tmp_path) as (visitor, server):
        media_hash = visitor.films(3)[0]["media_hash"]
        assert visitor.rate(media_hash, 4).status_code == 303
        visitor.assert_that_everything_can_be_seen(media_hash)
        for _ in range(300):
            if visitor.http.get(f"/api/videos/{media_hash}").json()["state"] == "ready":
                break
            time.sleep(0.1)
        assert (
            visitor.http.get(f"/thumbnail/{media_hash}.jpg").headers["Cache-Control"] != "no-store"
        )
        assert "Traceback" not in server.errors
    assert {path: path.stat().st_mtime_ns for path in library.iterdir()} == {
        path: stat.st_mtime_ns for path, stat in before.items()
    }


# --- Another program ---

HOLD = """
import sqlite3, sys
database = sqlite3.connect(sys.argv[1], isolation_level=None)
database.execute("BEGIN EXCLUSIVE")
print("held", flush=True)
sys.stdin.read()
"""


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Another process holds the database for itself."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    assert process.stdin
    assert process.stdout.readline() == "held\n"
    try:
        yield
    finally:
        process.stdin.close()
        process.wait(30)
        process.stdout.close()


async def test_a_database_held_by_another_program_refuses_changes_for_so_long(home: Home) -> None:
    home.services.database._writer.busy_seconds = 1.0
    home.add("film.mp4")
    await home.scan()
    await home.probed()
    media_hash = (await home.video("film.mp4")).media_hash

    async def rate(stars: int) -> Any:
        return await home.client.post(f"/videos/{media_hash}/rating", form={"value": str(stars)})

    with held(home.services.database.path):
        refused = await asyncio.gather(*(rate(stars) for stars in (1, 2, 3, 4, 5)))
        assert [answer.status_code for answer in refused] == [503] * 5
        assert "Another program holds the database" in await refused[0].get_data(as_text=True)
        assert (await home.client.get("/")).status_code == 200
        assert (await home.client.get("/watch/film.mp4")).status_code == 200
    assert (await rate(4)).status_code == 303
    assert (await home.services.ratings.get(media_hash)).value == 4


async def test_a_short_hold_by_another_program_is_not_noticed(home: Home) -> None:
    home.add("film.mp4")
    await home.scan()
    media_hash = (await home.video("film.mp4")).media_hash
    with held(home.services.database.path):
        answers = [
            asyncio.ensure_future(
                home.client.post(f"/videos/{media_hash}/rating", form={"value": str(stars)})
            )
            for stars in (1, 2, 3)
        ]
        await asyncio.sleep(0.5)
    assert [answer.status_code for answer in await asyncio.gather(*answers)] == [303] * 3


# --- Damage ---


def damage(path: Path, how: str) -> None:
    size = path.stat().st_size
    if how == "cut":
        with path.open("r+b") as file:
            file.truncate(size // 3)
    elif how == "emptied":
        path.write_bytes(b"")
    elif how == "overwritten":
        path.write_bytes(b"Dear diary, today " * 5000)
    else:
        with path.open("r+b") as file:
            file.seek(8192)
            file.write(random.Random(3).randbytes(size - 8192))


@pytest.mark.parametrize("how", ["cut", "overwritten", "pages", "emptied"])
def test_a_damaged_database_is_put_aside_and_the_newest_good_backup_offered(
    tmp_path: Path, library: Path, how: str
) -> None:
    data = tmp_path / "data"
    with served(library, data, tmp_path) as (visitor, server):
        media_hash = visitor.films(3)[0]["media_hash"]
        visitor.rate(media_hash, 5)
        assert run("backup", "--data", data, cwd=tmp_path).returncode == 0
        server.stop()
    kept = backup.newest_good(data / "backups")
    assert kept is not None
    damage(data / "lvs.db", how)
    content = (data / "lvs.db").read_bytes()

    first = run("serve", library, "--data", data, "--port", "0", cwd=tmp_path)
    assert first.returncode == 2
    assert f"lvs restore {kept.path}" in first.stderr
    assert "Traceback" not in first.stderr
    if how == "emptied":
        assert (data / "lvs.db").read_bytes() == b""
    else:
        [aside] = backup.quarantined(data / "lvs.db")
        assert str(aside) in first.stderr
        assert aside.read_bytes() == content
        assert not (data / "lvs.db").exists()
    # It must not look as if all was lost, however often one starts it.
    second = run("serve", library, "--data", data, "--port", "0", cwd=tmp_path)
    assert second.returncode == 2
    assert f"lvs restore {kept.path}" in second.stderr
    found = run("check", "--data", data, cwd=tmp_path)
    assert found.returncode == 1
    assert "lvs restore" in found.stdout

    assert run("restore", kept.path, "--yes", "--data", data, cwd=tmp_path).returncode == 0
    with served(library, data, tmp_path) as (visitor, _):
        assert len(visitor.films(3)) == 3
        assert visitor.rating(media_hash) == 5


def test_a_damaged_database_without_a_backup_is_kept_and_said_to_have_none(
    tmp_path: Path, library: Path
) -> None:
    data = tmp_path / "data"
    with served(library, data, tmp_path) as (visitor, server):
        visitor.films(3)
        server.stop()
    damage(data / "lvs.db", "pages")
    done = run("serve", library, "--data", data, "--port", "0", cwd=tmp_path)
    assert done.returncode == 2
    assert "There is no backup of it" in done.stderr
    again = run("serve", library, "--data", data, "--port", "0", cwd=tmp_path)
    assert again.returncode == 2
    [aside] = backup.quarantined(data / "lvs.db")
    assert str(aside) in again.stderr
    aside.rename(tmp_path / "elsewhere.db")
    with served(library, data, tmp_path) as (visitor, _):
        assert len(visitor.films(3)) == 3


def test_restore_puts_a_damaged_database_aside_itself(tmp_path: Path, library: Path) -> None:
    data = tmp_path / "data"
    with served(library, data, tmp_path) as (visitor, server):
        visitor.rate(visitor.films(3)[0]["media_hash"], 5)
        assert run("backup", "--data", data, cwd=tmp_path).returncode == 0
        server.stop()
    kept = backup.newest_good(data / "backups")
    assert kept is not None
    damage(data / "lvs.db", "pages")
    content = (data / "lvs.db").read_bytes()
    assert run("restore", kept.path, "--yes", "--data", data, cwd=tmp_path).returncode == 0
    [aside] = backup.quarantined(data / "lvs.db")
    assert aside.read_bytes() == content
    with closing(sqlite3.connect(data / "lvs.db")) as database:
        assert database.execute("SELECT value FROM ratings").fetchall() == [(5,)]


async def test_a_damaged_page_met_while_running_is_a_message(
    home: Home, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(40):
        home.add(f"{number} {'long name ' * 20}.mp4")
    await home.scan()
    await home.probed()
    database = home.services.database
    await home.stop()
    sound = database.path.read_bytes()
    await home.start()
    home.services.supervisor.restart_delay_s = 0.1
    async with home.services.database.read() as db:
        pages = {
            row[0]: row[1]
            for row in await db.all("SELECT name, rootpage FROM sqlite_schema WHERE rootpage > 0")
        }
    with database.path.open("r+b") as file:
        for name in ("gallery", "gallery_added", "gallery_title", "videos"):
            file.seek((pages[name] - 1) * 4096)
            file.write(b"\x55" * 4096)
    async with (
        home.services.database.read() as one,
        home.services.database.read() as two,
        home.services.database.read() as three,
    ):
        for db in (one, two, three):
            await db.all("PRAGMA shrink_memory")
    with caplog.at_level(logging.WARNING):
        answer = await home.client.get("/")
    assert answer.status_code == 503
    assert "damaged" in await answer.get_data(as_text=True)
    assert "damaged" in caplog.text
    assert (await home.client.get("/ping")).status_code == 200
    home.services.jobs._sweep_again.set()
    await home.until(lambda: "restarting in" in caplog.text)
    with database.path.open("r+b") as file:  # as a disk that had a bad moment
        file.write(sound)
    assert (await home.client.get("/")).status_code == 200
    done = home.services.jobs.tally.done
    home.add("new.mp4")
    await home.scan()
    await home.until(lambda: home.services.jobs.tally.done > done)


def test_a_database_cut_short_under_a_running_server_does_not_end_it(
    tmp_path: Path, library: Path
) -> None:
    data = tmp_path / "data"
    with served(library, data, tmp_path) as (visitor, server):
        visitor.films(3)
        with (data / "lvs.db").open("r+b") as file:
            file.truncate(4096)
        for address in ("/", "/tags", "/api/videos", "/favorites", "/search?q=film") * 3:
            answer = visitor.http.get(address)
            assert answer.status_code in (200, 503), answer.text
        assert visitor.http.get("/ping").status_code == 200
        assert psutil.pid_exists(server.pid)


# --- Time ---


async def test_a_clock_that_jumps_loses_nothing_and_no_page_goes_stale(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.add("film.mp4")
    await home.scan()
    media_hash = (await home.video("film.mp4")).media_hash
    real, offset = time.time_ns, 0
    monkeypatch.setattr(time, "time_ns", lambda: real() + offset)
    versions = []
    for stars, days in ((1, 0), (2, -400), (3, 9000), (4, -9000), (5, -20_000)):
        offset = days * 86_400 * 10**9
        await home.services.ratings.rate(media_hash, stars, "test")
        [card] = (await home.services.gallery.browse(Query())).cards
        assert card.rating == stars
        versions.append(card.version)
        home.add(f"new {stars}.mp4")
        await home.scan()
        (home.library / f"new {stars}.mp4").unlink()
        await home.scan()
        assert await home.titles() == ["film"]
    assert versions == sorted(set(versions))
    async with home.services.database.read() as db:
        journal = [
            (row[0], row[1])
            for row in await db.all(
                "SELECT old, new FROM changes WHERE what = 'rating' ORDER BY id"
            )
        ]
    assert journal == [(None, "1"), ("1", "2"), ("2", "3"), ("3", "4"), ("4", "5")]
