"""`kill -9` at any moment loses no answered change and leaves no half file; and one data folder has
one server.
"""

import asyncio
import importlib.util
import random
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from types import ModuleType

import pytest
from support.home import Home, distinct_video
from support.places import PROJECT
from support.processes import Server, environment, run

from lvs.db import backup


def benchmark() -> ModuleType:
    """The program that kills servers for as long as one likes; these tests let it kill a few."""
    path = PROJECT / "benchmarks" / "crash.py"
    spec = importlib.util.spec_from_file_location("crash", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules["crash"] = module
    spec.loader.exec_module(module)
    return module


def test_servers_killed_while_sixteen_clients_write_lose_nothing(tmp_path: Path) -> None:
    household = benchmark().Household(tmp_path, clients=16, seed=random.randrange(10**6))
    outcome = asyncio.run(household.rounds(4, longest_s=1.2))
    assert outcome.rounds == 4
    assert outcome.acknowledged > 0
    assert outcome.lost == []
    assert outcome.damage == []
    assert not list((tmp_path / "data").glob("lvs.db.corrupt-*"))


def serve(library: Path, data: Path) -> list[str | Path]:
    return [
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


def test_one_data_folder_has_one_server_however_it_is_called(tmp_path: Path) -> None:
    library, data = tmp_path / "Videos", tmp_path / "data"
    library.mkdir()
    data.mkdir()
    (tmp_path / "link").symlink_to(data)
    with Server(serve(library, data), tmp_path) as server:
        for name in (data, tmp_path / "link", tmp_path / "Videos" / ".." / "data"):
            second = run("serve", library, "--data", name, "--port", "0", cwd=tmp_path)
            assert second.returncode == 2
            assert "already running" in second.stderr
            assert str(server.pid) in second.stderr
            assert second.stderr.count("\n") == 1
        refused = run("restore", tmp_path, "--yes", "--data", tmp_path / "link", cwd=tmp_path)
        assert refused.returncode == 2
        assert "already running" in refused.stderr
        server.stop(signal.SIGKILL)
    with Server(
        serve(library, tmp_path / "link"), tmp_path
    ) as server:  # nothing is left behind that would have to be removed
        assert server.stop() == 0


@pytest.fixture
def large(tmp_path: Path) -> Path:
    """A data folder whose database takes a moment to copy."""

    async def build() -> None:
        async with Home(tmp_path, enable_thumbnails=False) as home:
            home.add("film.mp4")
            await home.scan()
            await home.services.ratings.rate((await home.video("film.mp4")).media_hash, 4, "test")
            async with home.services.database.transaction() as tx:
                await tx.run("""
                    WITH RECURSIVE n (i) AS (
                        SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200000
                    )
                    INSERT INTO changes (at, video_id, what, client, new)
                    SELECT i, 1, 'title', 'test', hex(randomblob(60)) FROM n
                    """)

    asyncio.run(build())
    return tmp_path / "data"


def killed(command: list[str | Path], after_s: float, cwd: Path) -> None:
    process = subprocess.Popen(
        list(map(str, command)), env=environment(cwd), cwd=cwd, stderr=subprocess.DEVNULL
    )
    time.sleep(after_s)
    process.kill()
    process.wait()


def rows(path: Path) -> tuple[str, int, int]:
    with closing(sqlite3.connect(path)) as database:
        return (
            database.execute("PRAGMA integrity_check").fetchone()[0],
            database.execute("SELECT value FROM ratings").fetchone()[0],
            database.execute("SELECT count(*) FROM changes").fetchone()[0],
        )


@pytest.mark.parametrize("after_s", [0.3, 0.45, 0.6, 0.8, 1.1])
def test_a_backup_that_is_killed_is_whole_or_not_there(
    tmp_path: Path, large: Path, after_s: float
) -> None:
    killed([sys.executable, "-m", "lvs", "backup", "--data", large], after_s, tmp_path)
    for path in (large / "backups").glob("*.db"):
        assert rows(path) == ("ok", 4, 200_001)
    for made in backup.listed(large / "backups"):
        assert made.good
        assert (made.snapshot / "ratings.json").is_file()
    assert run("backup", "--data", large, cwd=tmp_path).returncode == 0
    assert not list((large / "backups").glob(".partial*"))
    assert backup.newest_good(large / "backups")


def test_a_restore_that_is_killed_happened_wholly_or_not_at_all(
    tmp_path: Path, large: Path
) -> None:
    assert (
        run("backup", "--output", tmp_path / "saved.db", "--data", large, cwd=tmp_path).returncode
        == 0
    )
    before = ("ok", 1, 200_000)
    for after_s in (0.4, 0.7, 0.9, 1.1, 1.4):
        with closing(sqlite3.connect(large / "lvs.db")) as database:
            database.execute("UPDATE ratings SET value = 1")
            database.execute(
                "DELETE FROM changes WHERE id = (SELECT max(id) FROM changes) AND (SELECT count(*)"
                " FROM changes) > 200000"
            )
            database.commit()
        killed(
            [
                sys.executable,
                "-m",
                "lvs",
                "restore",
                tmp_path / "saved.db",
                "--yes",
                "--data",
                large,
            ],
            after_s,
            tmp_path,
        )
        assert rows(large / "lvs.db") in (before, ("ok", 4, 200_001))
    assert (
        run("restore", tmp_path / "saved.db", "--yes", "--data", large, cwd=tmp_path).returncode
        == 0
    )
    assert rows(large / "lvs.db") == ("ok", 4, 200_001)


def test_a_server_killed_in_its_first_scan_finds_every_film_the_next_time(tmp_path: Path) -> None:
    library, data = tmp_path / "Videos", tmp_path / "data"
    library.mkdir()
    for number in range(300):
        (library / f"{number}.mp4").write_bytes(distinct_video())
    for after_s in (0.8, 1.0, 1.2, 1.5):
        killed([*serve(library, data), "--log-level", "error"], after_s, tmp_path)
    assert (
        run(
            "scan", library, "--no-look", "--data", data, cwd=tmp_path, LVS_SETTLE_SECONDS="0"
        ).returncode
        == 0
    )
    with closing(sqlite3.connect(data / "lvs.db")) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert database.execute(
            "SELECT count(*), count(DISTINCT path) FROM files WHERE missing_since IS NULL"
        ).fetchone() == (
            300,
            300,
        )
        assert database.execute("SELECT count(*) FROM videos").fetchone() == (300,)
        assert database.execute("SELECT count(*) FROM gallery").fetchone() == (300,)
        assert database.execute("SELECT count(DISTINCT video_id) FROM aliases").fetchone() == (300,)
