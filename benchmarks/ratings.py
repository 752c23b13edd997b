"""Durable rating POSTs against the plain Flask application, each on its own copy of a database of
100,000 videos.

`python benchmarks/ratings.py`
"""

import random
import shutil
import sqlite3
import time

from sides import (
    Request,
    arguments,
    ask,
    by_turns,
    data_folders,
    header,
    lvs,
    post,
    reference,
    row,
    running,
)

COUNT = 3200
WARMING = 400
SETTLING_S = 5  # what a server does right after its start is not measured here


def main() -> None:
    """Make a database, copy it, start servers, ask them by turns, print."""
    options = arguments(__doc__)
    with data_folders([100_000], options.keep) as [data]:
        copies = [data.with_name(f"{data.name} {number}") for number in (1, 2)]
        try:
            for copy in copies:
                shutil.rmtree(copy, ignore_errors=True)
                shutil.copytree(data, copy, ignore=shutil.ignore_patterns("lvs.lock", "logs"))
            with sqlite3.connect(f"file:{data / 'lvs.db'}?mode=ro", uri=True) as db:
                hashes = [
                    found[0]
                    for found in db.execute("SELECT media_hash FROM videos ORDER BY id LIMIT 20000")
                ]
            header(
                "clients",
                "side",
                "median ms",
                "p95 ms",
                "p99 ms",
                "CPU ms",
                "ratings/s",
                "median ratio",
                "ratings/s ratio",
            )
            with running(lvs(copies[0]), reference(copies[1])) as sides:
                for side in sides:
                    ask(side, ratings(hashes, WARMING, seed=0), 16)
                time.sleep(SETTLING_S)
                for clients in (1, 16):
                    results = by_turns(
                        sides,
                        ratings(hashes, COUNT // (4 if clients == 1 else 1), clients),
                        clients,
                    )
                    ours, theirs = results
                    for side, result in zip(sides, results, strict=True):
                        ratios = (
                            ours.median_ms / theirs.median_ms,
                            ours.per_second / theirs.per_second,
                        )
                        times = (
                            result.median_ms,
                            result.percentile_ms(0.95),
                            result.percentile_ms(0.99),
                            result.cpu_ms,
                        )
                        row(
                            clients,
                            side.name,
                            *times,
                            f"{result.per_second:.0f}",
                            *(ratios if result is ours else ("", "")),
                        )
        finally:
            for copy in copies:
                shutil.rmtree(copy, ignore_errors=True)


def ratings(hashes: list[str], count: int, seed: int) -> list[Request]:
    """Stars for as many films, as the stars on a card send them."""
    chance = random.Random(seed)
    form = {"HX-Request": "true", "HX-Request-Type": "partial"}
    return [
        post(f"/videos/{chance.choice(hashes)}/rating", f"value={chance.randint(1, 5)}", **form)
        for _ in range(count)
    ]


if __name__ == "__main__":
    main()
