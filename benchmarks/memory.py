"""Memory of the server process with 100,000 videos, after 1,000 mixed pages: `python
benchmarks/memory.py [--million]`.
"""

import random
import time

from sides import arguments, ask, data_folders, get, header, lvs, mixed_addresses, row, running

PAGES = 1000
SETTLE_S = 8


def main() -> None:
    """Make databases, start LVS, ask, print."""
    options = arguments(__doc__)
    header(
        "videos",
        "after the start, MiB",
        f"after {PAGES:,} mixed pages, MiB",
        "of it not shared with other processes",
    )
    with data_folders(
        [100_000] + ([1_000_000] if options.million else []), options.keep
    ) as folders:
        for data in folders:
            with running(lvs(data)) as [side]:
                ask(side, [get("/")])
                time.sleep(SETTLE_S)
                before = side.process.memory_info().rss
                chance = random.Random(1)
                filters = (
                    "",
                    "&min_rating=4",
                    "&favorite=1",
                    "&viewed=1",
                    "&q=st",
                    "&q=mer+a",
                    "&min_minutes=20",
                    "&unrated=1",
                )
                ask(
                    side,
                    [
                        get(address + chance.choice(filters))
                        for address in mixed_addresses(data, PAGES)
                    ],
                    4,
                )
                after = side.process.memory_full_info()
                row(
                    f"{int(data.name):,}",
                    *(size / 2**20 for size in (before, after.rss, after.uss)),
                )


if __name__ == "__main__":
    main()
