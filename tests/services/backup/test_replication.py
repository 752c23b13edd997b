"""Copies of the database elsewhere by Litestream: the real program, to a folder and to an SFTP
server on the loopback interface.
"""

import asyncio
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest
from support.processes import free_port
from support.replica import copied_an_hour_ago
from support.waiting import until

from lvs.config import Config, ConfigError
from lvs.config_sources import load
from lvs.db import wal
from lvs.db.database import Database
from lvs.errors import Invalid, LvsError, NotFound, Unavailable
from lvs.option_values import valid_replica
from lvs.services.backup import litestream, replica_restore
from lvs.services.backup.replication import LOG_LIMIT_BYTES, Replication

SUPPORT = Path(__file__).parents[2] / "support"
SFTP = SUPPORT / "sftp_server.py"
LOG_WRITER = SUPPORT / "log_writer.py"


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
async def replicating(
    url: str, database: Path, log_limit_bytes: int = LOG_LIMIT_BYTES, **more: Any
) -> AsyncIterator[Replication]:
    replication = Replication(
        url,
        database,
        database.parent,
        confirm_s=0.3,
        first_rehearsal_s=0.1,
        log_limit_bytes=log_limit_bytes,
        log_check_s=0.2,
        **more,
    )
    steps = (replication.run(), replication.rehearsals(), replication.bound_log())
    tasks = [asyncio.create_task(step) for step in steps]
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


async def test_writes_are_replicated_and_restored(tmp_path: Path, database: Path) -> None:
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
        between = copied_an_hour_ago(tmp_path / "usb")
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


async def test_the_copy_is_rehearsed_anew_after_a_week(tmp_path: Path, database: Path) -> None:
    week = 7 * 86_400_000
    clock = [1_800_000_000_000]
    looks = 0

    def now_ms() -> int:
        nonlocal looks
        looks += 1
        return clock[0]

    def at() -> int:
        rehearsal = replication.state().rehearsal
        return rehearsal.at if rehearsal else 0

    url = f"file://{tmp_path}/usb/lvs"
    async with replicating(url, database, now_ms=now_ms) as replication:
        await until(lambda: at() == clock[0])
        first = clock[0]
        clock[0] += week - 1
        before = looks
        await until(lambda: looks > before + 1)  # and had its time for what follows from the first
        assert at() == first
        clock[0] += 1
        await until(lambda: at() == first + week)


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


# --- Deaths ---


class Written:
    """A process that writes to a database as a server does, and can be killed."""

    def __init__(self, database: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, LOG_WRITER, database],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def write(self, count: int) -> None:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(f"{count}\n")
        self._process.stdin.flush()
        assert self._process.stdout.readline() == "written\n"

    def kill(self) -> None:
        self._process.kill()
        self._process.communicate()


def content(database: Path) -> list[str]:
    """The content of a sound database, without Litestream's own tables."""
    with closing(sqlite3.connect(database)) as db:
        assert [row[0] for row in db.execute("PRAGMA integrity_check")] == ["ok"]
        return [line for line in db.iterdump() if "_litestream" not in line]


def frames(database: Path) -> int:
    return wal.size(database) // 4120


async def die_twice(url: str, database: Path) -> None:
    """Leave behind what a server and its Litestream do, both killed before the last was copied."""
    dead = Replication(url, database, database.parent)
    writer = Written(database)
    writer.write(60)
    litestream.write_config(dead.files, database, url)
    process = started(dead)
    folder = database.with_name(f".{database.name}-litestream")
    await until(lambda: any(folder.rglob("*.ltx")))  # by itself: who is asked holds nothing
    process.send_signal(signal.SIGSTOP)  # it copies nothing, and holds what it has not copied
    writer.write(250)
    assert frames(database) > 1000  # from so many on SQLite moves them into the database by itself
    writer.kill()
    process.kill()
    process.wait()


@pytest.mark.parametrize("by_another", [False, True], ids=["by the server", "by another"])
async def test_writes_after_two_crashes_are_replicated(
    tmp_path: Path, database: Path, by_another: bool
) -> None:
    """Writes that were not copied before the crashes are, too, even if another program of LVS, such
    as `lvs scan`, checkpoints the log by itself and begins it anew.
    """
    url = f"file://{tmp_path}/usb/lvs"
    await die_twice(url, database)
    writing = Database(database, checkpoints=by_another)
    await writing.open()
    try:
        for name in ("first", "second"):  # SQLite would begin its log anew with the second
            async with writing.transaction() as tx:
                await tx.run("INSERT INTO tags (name, key) VALUES (?, ?)", (name, name))
        assert (frames(database) < 60) is by_another
        async with replicating(url, database) as replication:
            await until(lambda: replication.state().behind_s is not None)
            await confirmed(replication)
    finally:
        await writing.close()
    litestream.restore(url, tmp_path / "new.db")
    assert content(tmp_path / "new.db") == content(database)


async def add_large_tags(database: Database) -> None:
    """Write more than a megabyte."""
    for number in range(300):
        async with database.transaction() as tx:
            name = f"{number} " + 3000 * "x"
            await tx.run("INSERT INTO tags (name, key) VALUES (?, ?)", (name, name))


async def test_a_log_that_grew_while_litestream_was_away_is_emptied(
    tmp_path: Path, database: Path
) -> None:
    writing = Database(database, checkpoints=False)
    await writing.open()
    try:
        await add_large_tags(writing)
        assert wal.size(database) > 1 << 20
        url = f"file://{tmp_path}/usb/lvs"
        async with replicating(url, database, log_limit_bytes=1 << 20) as replication:
            await until(lambda: replication.state().behind_s is not None)
            assert wal.size(database) < 1 << 20
            await confirmed(replication)
    finally:
        await writing.close()
    litestream.restore(url, tmp_path / "new.db")
    assert len(tags(tmp_path / "new.db")) == 300


async def test_after_a_death_a_damaged_copy_is_noticed_and_made_whole(
    tmp_path: Path, database: Path
) -> None:
    url = f"file://{tmp_path}/usb/lvs"
    async with replicating(url, database) as replication:
        await until(lambda: replication.state().rehearsal is not None)
        add_tag(database, "copied")
        await confirmed(replication)
    for file in (tmp_path / "usb").rglob("*.ltx"):
        file.write_bytes(b"not what it was")
    replication.files.pid.write_text("999999999\n")  # a server that was killed leaves it behind
    async with replicating(url, database) as replication:
        await until(lambda: bool((found := replication.state().rehearsal) and found.problem))
        await until(lambda: bool((found := replication.state().rehearsal) and not found.problem))
        first = replication.process_id  # with the configuration that copies everything often
        await until(lambda: replication.process_id not in (None, first))
        await until(replication.files.socket.exists)
        add_tag(database, "later")
        await confirmed(replication)
    assert "24h" in replication.files.config.read_text()
    litestream.restore(url, tmp_path / "new.db")
    assert tags(tmp_path / "new.db") == ["copied", "later"]


async def test_the_newest_state_that_is_sound_is_brought_back(
    tmp_path: Path, database: Path
) -> None:
    url = f"file://{tmp_path}/usb/lvs"
    async with replicating(url, database) as replication:
        await until(lambda: replication.state().behind_s is not None)
        for name in "abcdefgh":
            add_tag(database, name)
            await confirmed(replication)
    states = sorted((tmp_path / "usb" / "lvs" / "ltx" / "0").iterdir())
    for state in states[-3:]:
        state.write_bytes(state.read_bytes()[:100])
    said: list[str] = []
    replica_restore.fetch(url, tmp_path / "new.db", say=said.append)
    assert tags(tmp_path / "new.db") == list("abcde")
    assert len(said) == 2
    for state in states:
        state.write_bytes(b"")
    with pytest.raises(LvsError):
        replica_restore.fetch(url, tmp_path / "other.db", say=said.append)


@pytest.mark.parametrize("back", [False, True], ids=["the newest", "a moment before"])
async def test_a_restored_machine_goes_on_copying_to_the_same_place(
    tmp_path: Path, database: Path, back: bool
) -> None:
    url = f"file://{tmp_path}/usb/lvs"
    async with replicating(url, database) as replication:
        await until(lambda: replication.state().behind_s is not None)
        add_tag(database, "before")
        await confirmed(replication)
        between = copied_an_hour_ago(tmp_path / "usb")
        for name in ("later", "latest"):
            add_tag(database, name)
            await confirmed(replication)
    new = tmp_path / "new" / "lvs.db"
    new.parent.mkdir()
    litestream.restore(url, new, between if back else None)
    async with replicating(url, new) as replication:
        await until(lambda: replication.state().behind_s is not None)
        add_tag(new, "on the new machine")
        await confirmed(replication)
    litestream.restore(url, tmp_path / "again.db")
    assert content(tmp_path / "again.db") == content(new)
    assert "on the new machine" in tags(new)
    assert ("latest" in tags(new)) is not back


# --- S3 ---


@contextmanager
def object_store(folder: Path, port: int) -> Iterator[None]:
    """A server that speaks S3, with one bucket."""
    (folder / "store" / "bucket").mkdir(parents=True, exist_ok=True)
    program = shutil.which("rclone", path=str(Path(sys.executable).parent))
    assert program, "rclone is not installed; it comes with the test extra"
    places = ["--addr", f"127.0.0.1:{port}", "--config", str(folder / "rclone.conf")]
    command = [program, "serve", "s3", "--auth-key", "mykey,secret", *places, str(folder / "store")]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            yield
        finally:
            server.kill()


async def test_an_object_store_gets_a_copy_and_gives_it_back(
    tmp_path: Path, database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "mykey")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    port = free_port()
    url = f"s3://bucket/lvs?endpoint=http://127.0.0.1:{port}"
    async with replicating(url, database) as replication:
        with object_store(tmp_path, port):
            await until(lambda: "StatusCode: 403" in replication.state().failure)
            assert replication.state().behind_s is None
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    async with replicating(url, database) as replication:
        with object_store(tmp_path, port):
            await until(lambda: replication.state().behind_s is not None)
            await until(lambda: replication.state().rehearsal is not None)
            assert replication.state().rehearsal.problem == ""
        add_tag(database, "while it was away")
        await until(lambda: replication.state().failure != "")
        with object_store(tmp_path, port):
            await until(lambda: replication.state().failure == "")
            await confirmed(replication)
            litestream.restore(url, tmp_path / "new.db")
    assert tags(tmp_path / "new.db") == ["while it was away"]


def test_litestream_is_told_of_the_certificate_authorities(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Litestream would not start at all with AWS_CA_BUNDLE."""
    (tmp_path / "signers.pem").write_text("")
    monkeypatch.setenv("AWS_CA_BUNDLE", str(tmp_path / "signers.pem"))
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    given = litestream.environment()
    assert (given["SSL_CERT_FILE"], "AWS_CA_BUNDLE" in given) == (
        str(tmp_path / "signers.pem"),
        False,
    )
    monkeypatch.setenv("SSL_CERT_FILE", "/other.pem")
    assert litestream.environment()["SSL_CERT_FILE"] == "/other.pem"


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
        self.port = free_port()
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
    assert litestream.moments(nas.url)
    litestream.restore(nas.url, tmp_path / "new.db")
    assert tags(tmp_path / "new.db") == ["written while it was off"]
    nas.off()


async def test_a_server_that_never_answers_lets_no_log_grow_without_end(
    tmp_path: Path, database: Path
) -> None:
    nas = Nas(tmp_path)
    writing = Database(database, checkpoints=False)
    await writing.open()
    try:
        with socket.create_server(("127.0.0.1", nas.port)):  # it takes the call and says nothing
            async with replicating(nas.url, database, log_limit_bytes=1 << 20) as replication:
                await until(lambda: replication.process_id is not None)
                await add_large_tags(writing)
                await until(lambda: wal.size(database) < 1 << 20)
                assert replication.state().behind_s is None
    finally:
        await writing.close()


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
