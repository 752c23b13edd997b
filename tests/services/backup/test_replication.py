"""Copies of the database elsewhere by Litestream: the real program, to a folder and to an SFTP
server on the loopback interface.
"""

import asyncio
import os
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from datetime import UTC, datetime
from pathlib import Path

import psutil
import pytest
from support.waiting import until

from lvs.config import Config, ConfigError
from lvs.config_sources import load
from lvs.db.database import Database
from lvs.errors import Invalid, NotFound, Unavailable
from lvs.option_values import valid_replica
from lvs.services.backup import litestream
from lvs.services.backup.replication import Replication

SFTP = Path(__file__).parents[2] / "support" / "sftp_server.py"


@pytest.fixture
async def database(tmp_path: Path) -> Path:
    """A database of LVS, opened once."""
    path = tmp_path / "data" / "lvs.db"
    path.parent.mkdir()
    opened = Database(path, backup_folder=path.parent / "backups")
    await opened.open()
    await opened.close()
    return path


@asynccontextmanager
async def replicating(url: str, database: Path) -> AsyncIterator[Replication]:
    replication = Replication(url, database, database.parent, confirm_s=0.3, first_rehearsal_s=0.1)
    tasks = [asyncio.create_task(replication.run()), asyncio.create_task(replication.rehearsals())]
    try:
        yield replication
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert replication.process_id is None


def add_tag(database: Path, name: str) -> None:
    with closing(sqlite3.connect(database, timeout=30)) as db, db:
        db.execute("INSERT INTO tags (name, key) VALUES (?, ?)", (name, name))


def tags(database: Path) -> list[str]:
    with closing(sqlite3.connect(database)) as db:
        return [row[0] for row in db.execute("SELECT name FROM tags ORDER BY name")]


async def confirmed(replication: Replication) -> None:
    """Wait until all that was written before is known to be at the replica."""
    await litestream.confirm(replication.files, replication.database, 20)


async def test_what_is_written_is_copied_and_comes_back(tmp_path: Path, database: Path) -> None:
    url = f"file://{tmp_path}/usb/lvs"
    async with replicating(url, database) as replication:
        await until(lambda: replication.state().behind_s is not None)
        add_tag(database, "copied")
        await confirmed(replication)
        state = replication.state()
        assert (state.running, state.failure, state.lagging) == (True, "", False)
    litestream.restore(url, tmp_path / "new.db")
    assert tags(tmp_path / "new.db") == ["copied"]


async def test_a_moment_of_the_past_comes_back(tmp_path: Path, database: Path) -> None:
    url = f"file://{tmp_path}/usb/lvs"
    async with replicating(url, database) as replication:
        await until(lambda: replication.state().behind_s is not None)
        add_tag(database, "before")
        await confirmed(replication)
        await asyncio.sleep(1.1)  # a timestamp has whole seconds
        between = datetime.now(UTC)
        await asyncio.sleep(1.1)
        add_tag(database, "mistake")
        await confirmed(replication)
    litestream.restore(url, tmp_path / "then.db", between)
    assert tags(tmp_path / "then.db") == ["before"]


async def test_a_litestream_that_dies_comes_back_and_catches_up(
    tmp_path: Path, database: Path
) -> None:
    url = f"file://{tmp_path}/usb/lvs"
    async with replicating(url, database) as replication:
        await until(lambda: replication.state().behind_s is not None)
        first = replication.process_id
        assert first
        os.kill(first, signal.SIGKILL)
        add_tag(database, "while it was dead")
        await until(lambda: replication.process_id not in (None, first))
        await until(lambda: replication.state().failure == "")
        assert replication.state().restarts >= 1
        await confirmed(replication)
    litestream.restore(url, tmp_path / "new.db")
    assert tags(tmp_path / "new.db") == ["while it was dead"]


def started(abandoned: Replication) -> "subprocess.Popen[bytes]":
    command = [litestream.program(), "replicate", "-config", abandoned.files.config]
    return subprocess.Popen(list(map(str, command)), stderr=subprocess.DEVNULL)


async def test_the_litestream_of_a_killed_server_is_ended_by_the_next(
    tmp_path: Path, database: Path
) -> None:
    url = f"file://{tmp_path}/usb/lvs"
    abandoned = Replication(url, database, database.parent)
    litestream.write_config(abandoned.files, database, url)
    process = started(abandoned)
    abandoned.files.pid.write_text(str(process.pid))
    async with replicating(url, database) as replication:
        await until(lambda: replication.state().behind_s is not None)
        assert process.poll() is not None


async def test_a_pid_that_belongs_to_another_program_is_left_alone(
    tmp_path: Path, database: Path
) -> None:
    url = f"file://{tmp_path}/usb/lvs"
    replication = Replication(url, database, database.parent)
    replication.files.folder.mkdir()
    replication.files.pid.write_text(str(os.getpid()))
    async with replicating(url, database) as running:
        await until(lambda: running.state().behind_s is not None)


async def test_the_copy_is_rehearsed_and_that_is_remembered(tmp_path: Path, database: Path) -> None:
    url = f"file://{tmp_path}/usb/lvs"
    async with replicating(url, database) as replication:
        await until(lambda: replication.state().rehearsal is not None)
        rehearsal = replication.state().rehearsal
        assert rehearsal is not None
        assert rehearsal.problem == ""
    assert Replication(url, database, database.parent).state().rehearsal == rehearsal
    assert Replication(url + "2", database, database.parent).state().rehearsal is None
    assert not (replication.files.folder / "rehearsal").exists()


async def test_a_copy_that_cannot_be_restored_is_found_by_the_rehearsal(
    tmp_path: Path, database: Path
) -> None:
    url = f"file://{tmp_path}/usb/lvs"
    async with replicating(url, database) as replication:
        await until(lambda: replication.state().behind_s is not None)
        await until(lambda: replication.state().rehearsal is not None)
    for file in (tmp_path / "usb").rglob("*.ltx"):
        file.write_bytes(b"not what it was")
    rehearsal = await replication.rehearse()
    assert rehearsal.problem


def test_a_place_without_a_copy_says_so(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises((NotFound, Unavailable)) as refused:
        litestream.restore(f"file://{tmp_path}/empty", tmp_path / "new.db")
    assert str(tmp_path / "empty") in str(refused.value)
    assert not (tmp_path / "new.db").exists()


# --- SFTP ---


class Nas:
    """A machine with an SFTP server that can be switched off and on."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.root = folder / "nas"
        self.root.mkdir()
        for name in ("host", "user"):
            subprocess.run(
                ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / name], check=True
            )
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = int(free.getsockname()[1])
        public = (folder / "host.pub").read_text().split()
        (folder / "known_hosts").write_text(f"[127.0.0.1]:{self.port} {public[0]} {public[1]}\n")
        self._process: subprocess.Popen[str] | None = None

    @property
    def url(self) -> str:
        return f"sftp://me@127.0.0.1:{self.port}/lvs?key={self.folder}/user&known_hosts={self.folder}/known_hosts"

    def on(self) -> None:
        keys = [self.folder / "host", self.folder / "user.pub"]
        self._process = subprocess.Popen(
            [sys.executable, SFTP, str(self.port), self.root, *keys],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout
        assert self._process.stdout.readline() == "ready\n"

    def off(self) -> None:
        assert self._process
        self._process.kill()
        self._process.communicate()


async def test_a_server_that_was_off_is_caught_up_with(tmp_path: Path, database: Path) -> None:
    nas = Nas(tmp_path)
    async with replicating(nas.url, database) as replication:
        await until(lambda: "refused" in replication.state().failure)
        nas.on()
        await until(lambda: replication.state().behind_s is not None)
        nas.off()
        add_tag(database, "written while it was off")
        await until(lambda: replication.state().failure != "")
        nas.on()
        await until(
            lambda: replication.state().failure == "" and replication.process_id is not None
        )
        await confirmed(replication)
        assert "key=" not in replication.state().url
    litestream.restore(nas.url, tmp_path / "new.db")
    assert tags(tmp_path / "new.db") == ["written while it was off"]
    nas.off()


def test_an_unknown_host_is_not_trusted(tmp_path: Path) -> None:
    nas = Nas(tmp_path)
    (tmp_path / "known_hosts").write_text("")
    with pytest.raises(Invalid, match="not known to SSH yet"):
        litestream.replica_settings(nas.url)
    with pytest.raises(Invalid, match="no key"):
        litestream.replica_settings(nas.url.replace("/user&", "/nobody&"))


@pytest.mark.parametrize(
    "url",
    [
        "ftp://nas/lvs",
        "sftp://nas/lvs",
        "sftp://me:secret@nas/lvs",
        "file://mnt/usb",
        "s3://bucket",
        "/mnt/usb",
        "sftp://me@/x",
    ],
)
def test_addresses_that_are_none(url: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="must"):
        valid_replica(url)
    with pytest.raises(ConfigError):
        load({"replicate": url}, working_folder=tmp_path)


@pytest.mark.parametrize(
    "url",
    ["", "file:///mnt/usb/lvs", "sftp://me@nas/lvs", "sftp://me@nas:2222/a/b", "s3://bucket/lvs"],
)
def test_addresses_that_are_some(url: str) -> None:
    assert Config(replicate=url).replicate == url


def test_no_litestream_is_left_over() -> None:
    mine = psutil.Process().children(recursive=True)
    assert [each for each in mine if each.name() == "litestream"] == []
