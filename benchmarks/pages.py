"""Gallery pages against the plain Flask application, and large libraries against small ones.

`python benchmarks/pages.py [--million]`
"""

import gzip
import re
import time
from pathlib import Path

from sides import (
    RequestQueries,
    Side,
    arguments,
    by_turns,
    data_folders,
    finish,
    get,
    header,
    lvs,
    mixed_addresses,
    reference,
    row,
    running,
)

FIRST, MIXED, FEW = 400, 360, 27
# after the start LVS reads the numbers of all videos into memory; until then plain SQL answers
SETTLE_S = 10
CARD = re.compile(rb'class="video-card"[^>]* data-media-hash="([0-9a-f]{16})"')


def main() -> None:
    """Make databases, start servers, ask them by turns, print."""
    options = arguments(__doc__)
    sizes = [1_000, 100_000] + ([1_000_000] if options.million else [])
    with data_folders(sizes, options.keep) as folders:
        against_the_reference(folders[1])
        large_against_small(folders)
        on_the_wire(folders[1])


def against_the_reference(data: Path) -> None:
    print("\n100,000 videos, LVS against Flask and waitress, both uncompressed\n")
    header(
        "pages",
        "clients",
        "side",
        "median ms",
        "p95 ms",
        "p99 ms",
        "CPU ms",
        "pages/s",
        "median ratio",
        "pages/s ratio",
    )
    mixed = mixed_addresses(data, MIXED)
    with running(lvs(data), reference(data)) as sides:
        time.sleep(SETTLE_S)
        for address in mixed[:: len(mixed) // 36]:
            if "sort=random" not in address:  # the reference knows one random order, LVS one a seed
                same_cards(sides, address)
        again = mixed_addresses(data, FEW, seed=2) * (FIRST // FEW)
        for name, addresses in (
            ("the first", ["/"] * FIRST),
            (f"the same {FEW}", again),
            (f"{MIXED} different ones", mixed),
        ):
            for clients in (1, 16):
                results = by_turns(sides, [get(address) for address in addresses], clients)
                compare(name, clients, sides, results)


def large_against_small(folders: list[Path]) -> None:
    print("\nLVS with large libraries against LVS with 1,000 videos, any order and depth\n")
    header(
        "pages",
        "clients",
        "side",
        "median ms",
        "p95 ms",
        "p99 ms",
        "CPU ms",
        "pages/s",
        "median ratio",
        "pages/s ratio",
    )
    small = folders[0]
    for large in folders[1:]:
        with running(lvs(large), lvs(small)) as sides:
            time.sleep(SETTLE_S + int(large.name) // 20_000)
            for side, folder in zip(sides, (large, small), strict=True):
                side.name = f"{int(folder.name):,}"
            for name, count, times in (
                (f"the same {FEW}", FEW, FIRST // FEW),
                (f"{MIXED} different ones", MIXED, 1),
            ):
                pages = [mixed_addresses(folder, count) * times for folder in (large, small)]
                results = by_turns(sides, [[get(address) for address in each] for each in pages])
                compare(name, 1, sides, results)


def compare(name: str, clients: int, sides: list[Side], results: list[RequestQueries]) -> None:
    ours, theirs = results
    for side, result in zip(sides, results, strict=True):
        ratios = (
            (ours.median_ms / theirs.median_ms, ours.per_second / theirs.per_second)
            if result is ours
            else ("", "")
        )
        times = (
            result.median_ms,
            result.percentile_ms(0.95),
            result.percentile_ms(0.99),
            result.cpu_ms,
        )
        row(name, clients, side.name, *times, f"{result.per_second:.0f}", *ratios)


def same_cards(sides: list[Side], address: str) -> None:
    """End the benchmark where the sides do not show the same."""
    shown = []
    for side in sides:
        connection = side.connect()
        connection.request("GET", address)
        shown.append(CARD.findall(finish(connection)))
        connection.close()
    if shown[0] != shown[1] or not shown[0]:
        raise SystemExit(f"{address} does not show the same on both sides")


def on_the_wire(data: Path) -> None:
    print("\nA gallery page of 60 cards on the wire, KiB\n")
    header("what", "plain", "compressed")
    with running(lvs(data)) as [side]:
        connection = side.connect()
        connection.request("GET", "/")
        page = finish(connection)
        found: dict[str, list[str]] = {"HTML": ["/"]}
        for address in re.findall(rb' (?:src|href)="(/static/[^"]+)"', page):
            found.setdefault(address.partition(b"?")[0].rpartition(b".")[2].decode(), []).append(
                address.decode()
            )
        for kind, addresses in found.items():
            plain = packed = 0
            for address in addresses:
                connection.request("GET", address, headers={"Accept-Encoding": "gzip"})
                body = finish(connection)
                packed += len(body)
                plain += len(gzip.decompress(body)) if body[:2] == b"\x1f\x8b" else len(body)
            row(kind, plain / 1024, packed / 1024)


if __name__ == "__main__":
    main()
