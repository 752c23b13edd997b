"""Gallery pages of 100,000 videos for five people who have 10,000 videos in progress each, against
the same library without people.

`python benchmarks/people.py`
"""

import shutil
import sqlite3
import time
from contextlib import closing
from pathlib import Path

from household import NOW_MS
from pages import compare
from sides import arguments, by_turns, data_folders, get, header, lvs, mixed_addresses, running

PEOPLE = ("Anna", "Ben", "Clara", "Dan", "Eva")
STARTED = 10_000
PAGES = 400
SETTLING_S = 8  # what a server does right after its start is not measured here


def main() -> None:
    """Copy a database, give one copy people, ask both by turns, print."""
    options = arguments(__doc__)
    with data_folders([100_000], options.keep) as [data]:
        copies = [data.with_name(f"{data.name} {name}") for name in ("people", "nobody")]
        try:
            for copy in copies:
                shutil.rmtree(copy, ignore_errors=True)
                shutil.copytree(data, copy, ignore=shutil.ignore_patterns("lvs.lock", "logs"))
            add_people(copies[0] / "lvs.db")
            addresses = mixed_addresses(data, PAGES)
            theirs = [
                get(address, **{"LVS-Person": PEOPLE[number % len(PEOPLE)]})
                for number, address in enumerate(addresses)
            ]
            with running(lvs(copies[0]), lvs(copies[1])) as sides:
                sides[0].name, sides[1].name = "five people", "nobody"
                time.sleep(SETTLING_S)
                header(
                    "pages", "clients", "side", "median ms", "p95 ms", "p99 ms", "CPU ms",
                    "pages/s", "median ratio", "pages/s ratio",
                )  # fmt: skip
                for clients in (1, 16):
                    own = [theirs, [get(address) for address in addresses]]
                    compare(
                        f"{PAGES} different ones", clients, sides, by_turns(sides, own, clients)
                    )
        finally:
            for copy in copies:
                shutil.rmtree(copy, ignore_errors=True)


def add_people(database: Path) -> None:
    """Add five people, each with a position in 10,000 videos of their own."""
    with closing(sqlite3.connect(database)) as db, db:
        largest = db.execute("SELECT max(id) FROM videos").fetchone()[0]
        step = largest // STARTED
        for number, name in enumerate(PEOPLE, 1):
            db.execute(
                "INSERT INTO people (id, name, key, secret, created_at) VALUES (?, ?, ?, ?, ?)",
                (number, name, name.casefold(), f"{number:064x}", NOW_MS),
            )
            db.executemany(
                "INSERT INTO progress (person_id, video_id, position_s, updated_at)"
                " VALUES (?, ?, ?, ?)",
                (
                    (number, 1 + place * step + number % step, 30.0 + place % 90, NOW_MS - place)
                    for place in range(STARTED)
                ),
            )


if __name__ == "__main__":
    main()
