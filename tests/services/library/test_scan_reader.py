"""Files are read by processes of their own in a large scan.

What they say, and that nothing hangs on them.
"""

import asyncio
import errno
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import psutil
import pytest
from support.home import OLD_NS, Home
from support.processes import PATIENCE_SECONDS, serving, until

from lvs.config import Config
from lvs.services import bundle
from lvs.services.bundle import Services
from lvs.services.events import Event
from lvs.services.library import scan_reader
from lvs.services.library.fingerprint import fingerprints
from lvs.services.library.reading_processes import Processes

BLOCK = 64 * 1024
LARGE = 4 * BLOCK  # bytes


def is_gone(process: psutil.Process) -> bool:
    try:
        return bool(process.status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


def readers_of(pid: int) -> list[psutil.Process]:
    """The processes that read for the process of this number."""
    found = []
    for child in psutil.Process(pid).children():
        try:
            if not is_gone(child) and any("reading_worker" in part for part in child.cmdline()):
                found.append(child)
        except psutil.NoSuchProcess:
            continue
    return found


def fill(library: Path, count: int) -> list[bytes]:
    """So many files that differ, with holes in them, none of which is a film; their paths within
    the library.
    """
    for number in range(count):
        path = library / f"{number // 500}" / f"{number}.mp4"
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            file.truncate(LARGE)
            file.write(number.to_bytes(8, "big"))
        os.utime(path, ns=(OLD_NS, OLD_NS))
    return sorted(f"{number // 500}/{number}.mp4".encode() for number in range(count))


@pytest.fixture
def processes() -> Iterator[Processes]:
    with closing(Processes(1)) as processes:
        yield processes


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Processes read from the first file on, as on a machine with two cores."""
    monkeypatch.setattr(scan_reader, "FILES_IN_PLACE", 0)
    monkeypatch.setattr(os, "cpu_count", lambda: 2)


def odd_files(folder: Path) -> list[bytes]:
    top = os.fsencode(folder)
    sizes = [0, 1, 2 * BLOCK, 3 * BLOCK, 5 * BLOCK, 999_983]
    sizes += [edge + step for edge in (BLOCK, 2 * BLOCK, 3 * BLOCK) for step in (-1, 1)]
    paths = [os.path.join(top, b"%d bytes" % size) for size in sizes]
    for path, size in zip(paths, sizes, strict=True):
        Path(os.fsdecode(path)).write_bytes(os.urandom(size))
    names = (b"line\nbreak", b"tab\t\"quote'\\", "Käse 映画 🎬".encode(), b"\xff\xfe latin \xe9")
    named = [os.path.join(top, name) for name in names]
    for number, path in enumerate(named):
        Path(os.fsdecode(path)).write_bytes(b"%d" % number)
    (folder / "denied").write_bytes(b"secret")
    (folder / "denied").chmod(0)
    (folder / "folder").mkdir()
    (folder / "link").symlink_to(folder / "1 bytes")
    os.mkfifo(folder / "pipe")
    others = [
        os.path.join(top, name)
        for name in (b"denied", b"folder", b"link", b"pipe", b"gone", b"1 bytes/below", b"n" * 300)
    ]
    return paths + named + others


def test_a_process_says_of_every_file_what_is_said_in_place(
    tmp_path: Path, processes: Processes
) -> None:
    paths = odd_files(tmp_path)
    expected = fingerprints(paths)
    assert processes.fingerprints(paths) == expected
    assert len(readers_of(os.getpid())) == 1  # it was no other than the process that answered
    assert [len(answer) for answer in expected[:-7]] == [4] * (len(paths) - 7)
    assert expected[-4] == (0, "not a regular file")  # the pipe
    assert expected[-3][0] == errno.ENOENT
    assert processes.fingerprints([]) == []


def test_a_process_that_is_killed_costs_nothing(tmp_path: Path, processes: Processes) -> None:
    paths = odd_files(tmp_path)
    expected = fingerprints(paths)
    assert processes.fingerprints(paths) == expected
    [reader] = readers_of(os.getpid())
    reader.kill()
    assert processes.fingerprints(paths) == expected
    assert processes.fingerprints(paths) == expected
    assert readers_of(os.getpid()) == []  # none took its place


def test_where_no_process_can_be_started_files_are_read_all_the_same(
    tmp_path: Path, processes: Processes, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = odd_files(tmp_path)
    monkeypatch.setattr("sys.executable", str(tmp_path / "no such program"))
    assert processes.fingerprints(paths) == fingerprints(paths)


def test_one_that_is_at_work_when_it_is_closed_ends_with_its_work(
    tmp_path: Path, processes: Processes
) -> None:
    paths = [os.path.join(os.fsencode(tmp_path), path) for path in fill(tmp_path, 500)] * 4
    answers: list[object] = []
    thread = threading.Thread(target=lambda: answers.append(processes.fingerprints(paths)))
    thread.start()
    until(lambda: len(readers_of(os.getpid())) == 1)
    processes.close()
    thread.join(PATIENCE_SECONDS)
    assert answers == [fingerprints(paths)]
    assert readers_of(os.getpid()) == []


def test_a_process_keeps_nothing_of_the_server_open(tmp_path: Path, processes: Processes) -> None:
    (tmp_path / "film").write_bytes(b"film")
    with (tmp_path / "private").open("wb") as file:
        os.set_inheritable(file.fileno(), True)
        processes.fingerprints([os.fsencode(tmp_path / "film")])
        [reader] = readers_of(os.getpid())
        assert reader.open_files() == []
        assert reader.nice() > psutil.Process().nice()


async def scanned(
    library: Path, data: Path, meanwhile: Callable[[Services], object]
) -> dict[bytes, tuple[object, ...]]:
    """What is kept of each file after a first scan."""
    services = bundle.build(Config(video_directory=(library,), data_directory=data))
    await services.database.open()
    try:
        await services.library.open()
        thread = threading.Thread(target=meanwhile, args=(services,))
        thread.start()
        await services.library.scan()
        await asyncio.to_thread(thread.join)
        assert services.library.progress().errors == ()
        async with services.database.read() as db:
            rows = await db.tuples(
                "SELECT path, fingerprint, oshash, size_bytes, mtime_ns FROM files"
            )
        return {row[0]: tuple(row[1:]) for row in rows}
    finally:
        await services.database.close()


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize("killed", [0, 1, 2])
async def test_a_scan_whose_processes_are_killed_loses_nothing(tmp_path: Path, killed: int) -> None:
    library, data = tmp_path / "Videos", tmp_path / "data"
    paths = fill(library, 3000)
    data.mkdir()
    ended: set[int] = set()
    met: set[int] = set()

    def kill(services: Services) -> None:
        until(lambda: services.library.progress().scanning)
        while services.library.progress().scanning and len(met) < 2:
            for reader in readers_of(os.getpid()):
                met.add(reader.pid)
                if len(ended) < killed:
                    reader.kill()
                    ended.add(reader.pid)
            time.sleep(0.001)

    found = await scanned(library, data, kill)
    assert len(met) == 2
    assert len(ended) == killed
    assert readers_of(os.getpid()) == []
    expected = fingerprints(os.path.join(os.fsencode(library), path) for path in paths)
    assert found == dict(zip(paths, expected, strict=True))


async def test_a_few_files_are_read_without_processes(home: Home) -> None:
    fill(home.library, 50)
    seen: list[list[psutil.Process]] = []
    home.services.events.on(Event.ADDED, lambda _: seen.append(readers_of(os.getpid())))
    await home.scan()
    assert seen
    assert not any(seen)


@pytest.mark.usefixtures("at_once")
async def test_what_cannot_be_read_is_told_and_what_is_written_waits(home: Home) -> None:
    home.add("whole.mp4")
    os.mkfifo(home.library / "pipe.mp4")
    (home.library / "new.mp4").write_bytes(b"still coming")
    await home.scan()
    assert await home.titles() == ["whole"]
    assert home.services.library.settling == 1


@pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="with one core the server reads by itself")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_the_processes_end_with_the_server(tmp_path: Path, number: signal.Signals) -> None:
    library = tmp_path / "Videos"
    fill(library, 12_000)
    with serving(library, tmp_path) as server:
        until(lambda: readers_of(server.pid) != [])
        readers = readers_of(server.pid)
        code = server.stop(number)
        assert code == (-number if number == signal.SIGKILL else 0)
        until(lambda: all(map(is_gone, readers)))
