"""The health tile names a disk, backup or machine in trouble, and is silent again afterwards."""

import asyncio
import re
import resource
import subprocess
import sys
import urllib.request
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
import pytest
from support.dashboard import health_of
from support.disks import read_only
from support.home import Home
from support.html_tree import Tree
from support.processes import Server, serving, until

from lvs.errors import LvsError
from lvs.services.backup import backups
from lvs.services.monitoring import health


@pytest.fixture
def home(home: Home) -> Home:
    """A household whose backups, disks and machine are checked more often than usual."""
    home.services.health.backups_s = 0.1
    home.services.storages.disk_s = 0.1
    home.services.system.sample_s = 1.0
    return home


async def says(home: Home, words: str, said_there: bool = True) -> None:
    """Wait until the health tile says this, or says it no more."""

    async def said() -> bool:
        return (re.search(words, await health_of(home)) is not None) == said_there

    await home.until(said)


def tile_of(server: Server) -> str:
    with urllib.request.urlopen(server.address + "/admin/tiles/health", timeout=30) as answer:
        return " ".join(Tree(answer.read().decode()).elements[0].text.split())


async def test_a_disk_that_turned_read_only_is_named_until_it_can_be_written_again(
    home: Home,
) -> None:
    await says(home, "All is well")
    with read_only(home.data):
        await says(
            home,
            "Fault: The data folder cannot be written to: its disk is read-only, and ratings, tags"
            " and views cannot",
        )
        assert (
            "is-fault"
            in Tree(await (await home.client.get("/admin/tiles/storage")).get_data(as_text=True))
            .elements[0]
            .classes
        )
    await says(home, "All is well")


async def test_a_backup_that_failed_is_named_until_one_is_made(home: Home) -> None:
    home.add("film.mp4")
    await home.scan()
    await home.probed()
    in_the_way = home.data / "backups"
    in_the_way.write_text("no folder")
    with pytest.raises(LvsError) as failure:
        await home.services.backups.make()
    words = await health_of(home)
    assert re.search(r"Attention: The backup of \d\d:\d\d failed: ", words)
    assert failure.value.message in words
    assert "`lvs backup` makes one at once" in words
    in_the_way.unlink()
    assert await home.services.backups.make()
    await says(home, "All is well")


async def test_a_last_backup_of_long_ago_is_named_until_a_new_one_is_made(home: Home) -> None:
    home.add("film.mp4")
    await home.scan()
    await home.probed()
    made_at = datetime.now(UTC) - timedelta(days=4)
    database, folder = home.services.database.path, home.data / "backups"
    assert await asyncio.to_thread(backups.make, database, folder, backups.NIGHTLY, now=made_at)
    day = re.escape(made_at.astimezone().strftime("%-d %b %H:%M"))
    assert re.search(rf"Attention: The last good backup is of {day}\.", await health_of(home))
    assert await home.services.backups.make()
    await says(home, "All is well")


async def test_a_loop_that_was_held_up_is_named_and_forgotten(home: Home) -> None:
    await says(home, "All is well")
    clock = home.services.system.clock
    home.services.system.clock = lambda: clock() + 2  # as if the loop had not run for so long
    held_up = r"Attention: The server itself was held up for \d+\.\d s a moment ago\."
    await says(home, held_up)
    # A query that was under way meanwhile is told of as slow for some minutes more.
    await says(home, held_up, said_there=False)


def test_many_open_files_are_named_before_there_are_too_many(tmp_path: Path) -> None:
    (tmp_path / "Videos").mkdir()
    with serving(tmp_path / "Videos", tmp_path) as server:
        until(lambda: "All is well" in tile_of(server))
        process = psutil.Process(server.pid)
        before = process.rlimit(resource.RLIMIT_NOFILE)
        few = process.num_fds() + 4
        process.rlimit(resource.RLIMIT_NOFILE, (few, before[1]))
        until(
            lambda: (
                re.search(
                    rf"Attention: \d+ of {few} files and connections are open\.", tile_of(server)
                )
                is not None
            )
        )
        process.rlimit(resource.RLIMIT_NOFILE, before)
        until(lambda: "All is well" in tile_of(server))


class Memory:
    """A copy of `/proc/meminfo` that says what it is told to."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._content = Path("/proc/meminfo").read_text()
        path.write_text(self._content)

    def leave(self, share: float) -> None:
        """Say from now on that this share of the memory is free."""
        free_kb = int(psutil.virtual_memory().total / 1024 * share)
        rows = re.sub(
            r"(?m)^(MemFree|MemAvailable):\s+\d+ kB$",
            lambda row: f"{row[1]}:{free_kb:>{len(row[0]) - len(row[1]) - 4}} kB",
            self._content,
        )
        with self.path.open(
            "r+b", buffering=0
        ) as file:  # in place and at once: it is read meanwhile
            file.write(rows.encode())


def test_a_machine_without_memory_is_named_until_there_is_some_again(tmp_path: Path) -> None:
    memory = Memory(tmp_path / "meminfo")
    in_place = [
        "unshare",
        "--mount",
        "sh",
        "-c",
        'mount --bind "$0" /proc/meminfo && exec "$@"',
        str(memory.path),
    ]
    tried = subprocess.run([*in_place, "true"], capture_output=True, text=True, check=False)
    if tried.returncode:
        pytest.skip(f"the machine's memory cannot be shown smaller here: {tried.stderr.strip()}")
    memory.leave(health.MEMORY_SHARE * 1.5)
    (tmp_path / "Videos").mkdir()
    place = ["--data", tmp_path / "data", "--host", "127.0.0.1", "--port", "0"]
    with Server(
        [*in_place, sys.executable, "-m", "lvs", "serve", tmp_path / "Videos", *place], tmp_path
    ) as server:
        until(lambda: "All is well" in tile_of(server))
        memory.leave(health.MEMORY_SHARE * 0.5)
        until(lambda: "Attention: The machine has hardly any memory left." in tile_of(server))
        memory.leave(health.MEMORY_SHARE * 1.5)
        until(lambda: "All is well" in tile_of(server))
