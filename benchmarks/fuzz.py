"""Thousands of odd requests to every route of a running server: what it answered, how it stood, and
how quick it stayed.

    python benchmarks/fuzz.py [CASES] [SEED]

It makes a small library, starts a server of its own on loopback, and ends it. Exit code 1 where an
answer is unsound; tests/fuzzing.py says what is sound.
"""

import argparse
import asyncio
import json
import sys
import time
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import quote_from_bytes

import httpx
import psutil
from hypothesis import HealthCheck, Phase, given, seed, settings
from latency import Pings, percentiles

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from support import fuzzing
from support.home import distinct_video
from support.processes import Server, serving, until
from support.wire import Answer, parsed, read_all

from lvs.app import create_app
from lvs.config import Config

BATCH = 500
AT_ONCE = 4
NAMES = [b"plain.mp4", "Ferien/<é> & ü.mp4".encode(), b"not \xff utf-8.mp4"]


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "cases",
        type=int,
        nargs="?",
        default=20_000,
        metavar="CASES",
        help="requests to send (default 20000)",
    )
    parser.add_argument(
        "seed",
        type=int,
        nargs="?",
        default=int(time.time()),
        metavar="SEED",
        help="of the first (default: the time)",
    )
    options = parser.parse_args()
    cases, first_seed = options.cases, options.seed
    with TemporaryDirectory() as name:
        folder = Path(name)
        library = folder / "films"
        for path in NAMES:
            place = library / Path(path.decode("utf-8", "surrogateescape"))
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(distinct_video())
        (folder / "config.json").write_text(
            json.dumps({"writes_limit": "0", "ratings_limit": "0", "settle_seconds": 0})
        )
        with serving(library, folder) as server:
            until(lambda: len(_videos(server)) == len(NAMES))
            return asyncio.run(_fuzz(server, folder, cases, first_seed))


async def _fuzz(server: Server, folder: Path, cases: int, first_seed: int) -> int:
    app = create_app(
        Config(video_directory=[folder / "films"], data_directory=folder / "unused")
    )  # for its list of routes
    strategy = fuzzing.requests(
        app,
        [video["media_hash"] for video in _videos(server)],
        [quote_from_bytes(name) for name in NAMES],
    )
    process = psutil.Process(server.pid)
    statuses: Counter[int] = Counter()
    unsound: list[str] = []
    memory, files = process.memory_info().rss, process.num_fds()
    started = time.perf_counter()
    with Pings(server.port) as pings:
        for batch in range(0, cases, BATCH):
            requests = await asyncio.to_thread(
                _generated, strategy, min(BATCH, cases - batch), first_seed + batch
            )
            waiting = iter(requests)

            async def one_after_another(waiting: "iter[fuzzing.Request]" = waiting) -> None:
                for request in waiting:
                    answer = await _send(server.port, request)
                    statuses[answer.status] += 1
                    try:
                        fuzzing.assert_sound(request, answer)
                    except (AssertionError, ValueError) as error:
                        unsound.append(f"{error}"[:600])

            await asyncio.gather(*(one_after_another() for _ in range(AT_ONCE)))
    seconds = time.perf_counter() - started
    print(
        f"{sum(statuses.values())} requests with seeds from {first_seed}, {seconds:.0f} s,"
        f" {len(app.url_map._rules)} routes"
    )
    print(
        "answers: " + ", ".join(f"{status}: {count}" for status, count in sorted(statuses.items()))
    )
    print(
        f"5xx: {sum(count for status, count in statuses.items() if status >= 500)}, unsound:"
        f" {len(unsound)}"
    )
    print(
        f"memory {memory / 2**20:.0f} → {process.memory_info().rss / 2**20:.0f} MiB, open files"
        f" {files} → {process.num_fds()}"
    )
    print(f"/ping meanwhile: {percentiles(pings.seconds)}")
    print(f"and a thread that only slept woke late: {percentiles(pings.delays)}")
    for message in unsound[:20]:
        print(message)
    return 1 if unsound or not statuses else 0


def _generated(strategy: object, count: int, number: int) -> list[fuzzing.Request]:
    found: list[fuzzing.Request] = []

    @seed(number)
    @settings(
        max_examples=count,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)  # type: ignore[arg-type]
    def collect(request: fuzzing.Request) -> None:
        found.append(request)

    collect()
    return found


async def _send(port: int, request: fuzzing.Request) -> Answer:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2**24)
    try:
        writer.write(request.encoded())
        return parsed(await read_all(reader))
    finally:
        writer.close()


def _videos(server: Server) -> list[dict[str, str]]:
    found: list[dict[str, str]] = httpx.get(f"{server.address}/api/videos").json()["videos"]
    return found


if __name__ == "__main__":
    raise SystemExit(main())
