"""Gallery page times while a scan with posters runs in the same server, against the
same server at rest.

    python benchmarks/busy.py [--known 2000] [--new 3000] [--large 8] [--rounds 3]

A real `lvs serve` on loopback. By turns, in one run: visitors look around while nothing else goes
on; new films are put into the library, among them some of 1080p, and a scan is asked for; visitors
look around until every new film is scanned and has its posters. Two visitors ask for a page 20
times a second together, and another one for /ping.
"""

import argparse
import json
import os
import random
import shutil
import struct
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
from films import make_films

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
from support.home import OLD_NS, distinct_video
from support.processes import Server, serving

VISITORS = 2
PAUSE_SECONDS = 0.1  # of a visitor, from one page to the next, give or take a half
SETTLING_SECONDS = 2  # after the work is done
PATIENCE_SECONDS = 600
WORDS = (
    "winter",
    "harbour",
    "birthday",
    "garden",
    "mountain",
    "school",
    "concert",
    "kitchen",
    "island",
    "forest",
)
SORTS = ("added", "rating", "views", "title", "duration", "random")


@dataclass
class RequestQueries:
    """Time of a request by the monotonic clock, and its duration in seconds."""

    pages: list[tuple[float, float]] = field(default_factory=list)
    pings: list[tuple[float, float]] = field(default_factory=list)


# --- The library ---


def add_small(folder: Path, first: int, count: int) -> None:
    """So many playable films of a few kilobytes."""
    chance = random.Random(first)
    for number in range(first, first + count):
        path = (
            folder
            / f"{chance.choice(WORDS)} {number // 200}"
            / f"{chance.choice(WORDS)} {chance.choice(WORDS)} {number}.mp4"
        )
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(distinct_video(number))
        os.utime(path, ns=(OLD_NS, OLD_NS))


def add_large(folder: Path, films: Sequence[Path], first: int, count: int) -> None:
    """So many films of 1080p: one of these with a mark of its own behind it (ISO/IEC 14496-12,
    section 8.1.2).
    """
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(first, first + count):
        path = folder / f"large {number}.mp4"
        shutil.copy(films[number % len(films)], path)
        with path.open("ab") as file:
            file.write(struct.pack(">I4sQ", 16, b"free", number))
        os.utime(path, ns=(OLD_NS, OLD_NS))


def put_in(prepared: Path, library: Path) -> None:
    """Move a prepared folder into the library, at once."""
    prepared.rename(library / prepared.name)


# --- Visitors ---


def addresses(chance: random.Random) -> str:
    """Addresses a visitor might ask for next: mostly the first page, then an order, then words."""
    pick = chance.random()
    if pick < 0.4:
        return "/"
    if pick < 0.7:
        order = chance.choice(("asc", "desc"))
        return f"/?sort={chance.choice(SORTS)}&order={order}&seed={chance.randrange(5)}"
    if pick < 0.85:
        return f"/?q={chance.choice(WORDS)}"
    return f"/?q={chance.choice(WORDS)}+{chance.choice(WORDS)[:3]}&sort={chance.choice(SORTS)}"


@contextmanager
def visitors(port: int) -> Iterator[RequestQueries]:
    """Visitors who look around, and one who asks for /ping, until the block ends."""
    asked, stop, failures = RequestQueries(), threading.Event(), list[str]()

    def visit(number: int) -> None:
        chance = random.Random(number)
        connection = HTTPConnection("127.0.0.1", port, timeout=60)
        while not stop.wait(PAUSE_SECONDS * chance.uniform(0.5, 1.5)):
            _ask(connection, addresses(chance), asked.pages, failures)

    def ping() -> None:
        connection = HTTPConnection("127.0.0.1", port, timeout=60)
        while not stop.wait(PAUSE_SECONDS / 2):
            _ask(connection, "/ping", asked.pings, failures)

    threads = [threading.Thread(target=visit, args=(number,)) for number in range(VISITORS)] + [
        threading.Thread(target=ping)
    ]
    for thread in threads:
        thread.start()
    try:
        yield asked
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    if failures:
        raise SystemExit(f"{len(failures)} answers were not 200: {failures[:5]}")


def _ask(
    connection: HTTPConnection, address: str, taken: list[tuple[float, float]], failures: list[str]
) -> None:
    began = time.monotonic()
    connection.request("GET", address, headers={"Accept-Encoding": "gzip", "Accept": "text/html"})
    answer = connection.getresponse()
    answer.read()
    taken.append((began, time.monotonic() - began))
    if answer.status != 200:
        failures.append(f"{answer.status} for {address}")


# --- The run ---


def state(server: Server) -> dict[str, Any]:
    found: dict[str, Any] = httpx.get(f"{server.address}/admin/performance.json", timeout=60).json()
    return found


def until_done(server: Server) -> tuple[float, float]:
    """Times at which the scan had ended and every video had been probed."""
    end, scanned = time.monotonic() + PATIENCE_SECONDS, 0.0
    while time.monotonic() < end:
        time.sleep(0.3)
        now = state(server)
        workers, library = now["workers"], now["library"]
        if not library["scanning"]:
            scanned = scanned or time.monotonic()
            if not (workers["remaining"] or workers["queued"] or workers["running"]):
                return scanned, time.monotonic()
    raise SystemExit("the films were not looked into in time")


def show(what: str, stages: dict[str, Sequence[float]]) -> None:
    """A line of the table for each stage, the first one being the rest."""
    p95_at_rest = 0.0
    for stage, seconds in stages.items():
        ordered = sorted(seconds) or [0.0]
        p50, p95, p99 = (
            ordered[min(len(ordered) - 1, int(len(ordered) * part))] * 1000
            for part in (0.5, 0.95, 0.99)
        )
        ratio = f"{p95 / p95_at_rest:.2f}" if p95_at_rest else ""
        p95_at_rest = p95_at_rest or p95
        print(
            f"| {what} | {stage} | {len(seconds)} | {p50:.1f} | {p95:.1f} | {p99:.1f} |"
            f" {ordered[-1] * 1000:.0f} | {ratio} |"
        )


def within(
    taken: Sequence[tuple[float, float]], spans: Sequence[tuple[float, float]]
) -> list[float]:
    """Requests made within one of these spans of time."""
    return [seconds for at, seconds in taken for begin, end in spans if begin <= at < end]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--known", type=int, default=2000, metavar="N", help="films known before (default 2000)"
    )
    parser.add_argument(
        "--new",
        type=int,
        default=3000,
        metavar="N",
        help="new small films in each round (default 3000)",
    )
    parser.add_argument(
        "--large",
        type=int,
        default=8,
        metavar="N",
        help="new 1080p films in each round (default 8)",
    )
    parser.add_argument("--rounds", type=int, default=3, metavar="N", help="(default 3)")
    parser.add_argument(
        "--idle",
        type=float,
        default=12,
        metavar="SECONDS",
        help="of rest in each round (default 12)",
    )
    parser.add_argument(
        "--films",
        type=Path,
        metavar="FOLDER",
        help="leave the 1080p films here and use them the next time",
    )
    arguments = parser.parse_args()
    with TemporaryDirectory(prefix="lvs-benchmark-") as name:
        run(Path(name), arguments)


def run(folder: Path, arguments: argparse.Namespace) -> None:
    library = folder / "films"
    add_small(library, 0, arguments.known)
    large = arguments.films or folder / "1080p"
    large.mkdir(parents=True, exist_ok=True)
    films = make_films(large, 8)
    for number in range(arguments.rounds):
        add_small(folder / f"new {number}", arguments.known + number * arguments.new, arguments.new)
        add_large(
            folder / f"new {number}" / "large", films, number * arguments.large, arguments.large
        )
    (folder / "config.json").write_text(json.dumps({"settle_seconds": 0, "watch": "off"}))
    spans: dict[str, list[tuple[float, float]]] = {
        "at rest": [],
        "scan and posters": [],
        "of it the scan": [],
    }
    with serving(library, folder) as server:
        until_done(server)
        with visitors(server.port) as asked:
            for number in range(arguments.rounds):
                time.sleep(SETTLING_SECONDS)
                began = time.monotonic()
                time.sleep(arguments.idle)
                spans["at rest"].append((began, time.monotonic()))
                put_in(folder / f"new {number}", library)
                began = time.monotonic()
                httpx.post(f"{server.address}/admin/scan").raise_for_status()
                scanned, done = until_done(server)
                spans["scan and posters"].append((began, done))
                spans["of it the scan"].append((began, scanned))
        workers = state(server)["workers"]
    seconds = ", ".join(f"{end - begin:.1f}" for begin, end in spans["scan and posters"])
    print(
        f"{arguments.known} films known, {arguments.rounds} times {arguments.new} small ones and"
        f" {arguments.large} of 1080p came ({seconds} s); {workers['done']} looked into,"
        f" {workers['failed']} failures; {os.cpu_count()} cores"
    )
    print("| what | meanwhile | times | median ms | p95 ms | p99 ms | worst ms | p95 ratio |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    show("gallery pages", {name: within(asked.pages, each) for name, each in spans.items()})
    show("/ping", {name: within(asked.pings, each) for name, each in spans.items()})


if __name__ == "__main__":
    main()
