"""The two sides of a comparison as processes, and clients that ask them by turns."""

import argparse
import asyncio
import http.client
import os
import random
import socket
import sqlite3
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import household
import psutil

from lvs.db.gallery import SORT_COLUMNS
from lvs.models import Cursor, Sort
from lvs.web.urls import encode_cursor

HERE = Path(__file__).parent


class Side:
    """One server under measurement."""

    def __init__(self, name: str, command: list[str]) -> None:
        self.name = name
        self.port = free_port()
        self.started = time.perf_counter()
        self.process = psutil.Popen(
            [sys.executable, *command, str(self.port)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=environment(),
        )
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
                return
            except ConnectionRefusedError:
                if self.process.poll() is not None:
                    raise SystemExit(f"{name} does not start") from None
                time.sleep(0.01)

    def connect(self) -> http.client.HTTPConnection:
        """A connection that is kept."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.connect()
        connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection

    def cpu_seconds(self) -> float:
        """Processor time of the server so far."""
        times = self.process.cpu_times()
        return float(times.user + times.system)

    def stop(self) -> None:
        """End the server."""
        self.process.terminate()
        try:
            self.process.wait(5)
        except psutil.TimeoutExpired:
            self.process.kill()
            self.process.wait()


@dataclass(frozen=True)
class RequestQueries:
    """Times of many requests."""

    seconds: list[float]
    wall_s: float
    cpu_s: float

    @property
    def median_ms(self) -> float:
        return statistics.median(self.seconds) * 1000

    def percentile_ms(self, share: float) -> float:
        return (
            sorted(self.seconds)[min(len(self.seconds) - 1, int(len(self.seconds) * share))] * 1000
        )

    @property
    def per_second(self) -> float:
        return len(self.seconds) / self.wall_s

    @property
    def cpu_ms(self) -> float:
        return self.cpu_s / len(self.seconds) * 1000


Request = Callable[[http.client.HTTPConnection], None]


def get(address: str, **headers: str) -> Request:
    """Asks for a page and reads all of it. Anything but 200 ends the benchmark."""

    def ask(connection: http.client.HTTPConnection) -> None:
        connection.request("GET", address, headers=headers)
        finish(connection)

    return ask


def post(address: str, body: str, **headers: str) -> Request:
    """Sends a form and reads the answer."""

    def ask(connection: http.client.HTTPConnection) -> None:
        connection.request(
            "POST", address, body, {"Content-Type": "application/x-www-form-urlencoded", **headers}
        )
        finish(connection)

    return ask


def finish(connection: http.client.HTTPConnection) -> bytes:
    """The body of the answer that comes now."""
    response = connection.getresponse()
    body = response.read()
    if response.status != 200:
        raise SystemExit(f"{response.status}: {body[:500]!r}")
    return body


def ask(side: Side, requests: Sequence[Request], clients: int = 1) -> RequestQueries:
    """Send these requests, shared among so many clients that each wait for their answer."""
    seconds: list[float] = []
    waiting: Iterator[Request] = iter(requests)
    lock = threading.Lock()
    connections = [side.connect() for _ in range(clients)]

    def client(connection: http.client.HTTPConnection) -> None:
        while True:
            with lock:
                request = next(waiting, None)
            if request is None:
                return
            started = time.perf_counter()
            request(connection)
            seconds.append(time.perf_counter() - started)

    before, started = side.cpu_seconds(), time.perf_counter()
    threads = [threading.Thread(target=client, args=(connection,)) for connection in connections]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    asked = RequestQueries(seconds, time.perf_counter() - started, side.cpu_seconds() - before)
    for connection in connections:
        connection.close()
    return asked


def together(parts: Sequence[RequestQueries]) -> RequestQueries:
    """Several rounds as one."""
    return RequestQueries(
        [s for part in parts for s in part.seconds],
        sum(p.wall_s for p in parts),
        sum(p.cpu_s for p in parts),
    )


def by_turns(
    sides: Sequence[Side],
    requests: Sequence[Request] | Sequence[Sequence[Request]],
    clients: int = 1,
    rounds: int = 8,
) -> list[RequestQueries]:
    """Each side answers these requests, or its own, a part of them at a time: whatever else the
    machine does meets both.
    """
    own = [requests if callable(requests[0]) else requests[index] for index in range(len(sides))]
    parts: list[list[RequestQueries]] = [[] for _ in sides]
    size = len(own[0]) // rounds  # type: ignore[arg-type]
    for number in range(rounds):
        order = list(range(len(sides)))
        random.shuffle(order)
        for index in order:
            parts[index].append(
                ask(sides[index], own[index][number * size : (number + 1) * size], clients)
            )
    return [together(part) for part in parts]


@contextmanager
def running(*sides: Callable[[], Side]) -> Iterator[list[Side]]:
    """These servers, ended in any case."""
    started: list[Side] = []
    try:
        for side in sides:
            started.append(side())
        yield started
    finally:
        for each in started:
            each.stop()


def lvs(data: Path) -> Callable[[], Side]:
    """LVS on this data folder."""

    def start() -> Side:
        with closing(
            sqlite3.connect(data / "lvs.db", isolation_level=None)
        ) as db:  # the folder may have been copied
            db.execute("UPDATE roots SET path = ?", (bytes((data / "Videos").resolve()),))
        return Side("LVS", [str(HERE / "serving.py"), str(data)])

    return start


def reference(data: Path) -> Callable[[], Side]:
    """Flask and waitress on the same file."""
    return lambda: Side("reference", [str(HERE / "reference" / "app.py"), str(data / "lvs.db")])


@contextmanager
def data_folders(counts: Sequence[int], keep: Path | None = None) -> Iterator[list[Path]]:
    """Data folders with databases of so many videos, removed afterwards; or below `keep`, where
    they stay and are found again.
    """
    with TemporaryDirectory(prefix="lvs-benchmark-") as temporary:
        folders = [(keep or Path(temporary)) / str(count) for count in counts]
        for count, folder in zip(counts, folders, strict=True):
            if not (folder / "made").exists():
                (folder / "Videos").mkdir(parents=True)
                print(f"making a database of {count:,} videos …", file=sys.stderr)
                asyncio.run(household.make(folder / "lvs.db", folder / "Videos", count))
                (folder / "made").touch()
        yield folders


def arguments(about: str | None) -> argparse.Namespace:
    """The flags every one of these benchmarks has."""
    parser = argparse.ArgumentParser(
        description=about, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--keep",
        type=Path,
        metavar="FOLDER",
        help="leave the databases here and use them the next time",
    )
    parser.add_argument(
        "--million",
        action="store_true",
        help="also with a million videos: 1.5 GB, some minutes to make",
    )
    return parser.parse_args()


def mixed_addresses(data: Path, count: int, seed: int = 1) -> list[str]:
    """Gallery pages in every order, from the start, the middle and near the end."""
    chance = random.Random(seed)
    db = sqlite3.connect(f"file:{data / 'lvs.db'}?mode=ro", uri=True)
    largest = db.execute("SELECT max(video_id) FROM gallery").fetchone()[0]
    found = []
    for number in range(count):
        sort = list(Sort)[number % len(Sort)]
        address = f"/?sort={sort.value}&order={chance.choice(('asc', 'desc'))}" + (
            "&seed=1" if sort is Sort.RANDOM else ""
        )
        if number // len(Sort) % 2:
            video_id = chance.randint(1, largest)
            sql = f"SELECT {SORT_COLUMNS[sort]} FROM gallery WHERE video_id = ?"
            [value] = db.execute(sql, (video_id,)).fetchone()
            address += f"&after={encode_cursor(Cursor(value, video_id))}"
        found.append(address)
    db.close()
    return found


def row(*cells: object) -> None:
    """A line of a table for people and for Markdown."""
    print(
        "| "
        + " | ".join(f"{cell:.2f}" if isinstance(cell, float) else str(cell) for cell in cells)
        + " |",
        flush=True,
    )


def header(*cells: str) -> None:
    """The first lines of such a table."""
    row(*cells)
    row(*("---" for _ in cells))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def environment() -> dict[str, str]:
    """Ours without settings of LVS."""
    return {name: value for name, value in os.environ.items() if not name.startswith("LVS_")}
