"""A library of odd names, bombs and broken files: is the server quick all the while it is taken in
and looked at?

    python benchmarks/hostile.py [FOLDER...]

It puts the files of the FOLDERs (broken films, if there are any at hand) beside the odd names and
bombs that it makes itself, starts a server on loopback, asks it for every page, stream, poster and
subtitle, and reports how long /ping took meanwhile.
"""

import argparse
import json
import os
import sys
import time
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import quote_from_bytes

import httpx
from latency import Pings, percentiles

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "system"))

from support.home import distinct_video
from support.odd_names import ODD_NAMES
from support.processes import Server, serving
from test_security_media import BOMBS

PATIENCE_SECONDS = 600


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "folders",
        type=Path,
        nargs="*",
        metavar="FOLDER",
        help="whose files are put beside those it makes",
    )
    arguments = parser.parse_args()
    with TemporaryDirectory() as name:
        folder = Path(name)
        library = folder / "films"
        library.mkdir()
        files = _fill(library, arguments.folders)
        (folder / "config.json").write_text(json.dumps({"settle_seconds": 0}))
        with serving(library, folder) as server, Pings(server.port) as pings:
            started = time.perf_counter()
            statuses = _visit(server, files)  # while it is being looked into
            _until_looked(server)
            looked = time.perf_counter() - started
            statuses += _visit(server, files)
            print(f"{len(files)} files, taken in and looked into within {looked:.1f} s")
            print(
                "answers: "
                + ", ".join(f"{status}: {count}" for status, count in sorted(statuses.items()))
            )
            unreadable = httpx.get(
                f"{server.address}/api/videos?state=unreadable&limit=500"
            ).json()["videos"]
            print(f"unreadable, each with a reason: {len(unreadable)}")
    print(f"/ping meanwhile: {percentiles(pings.seconds)}; failures: {pings.failures}")
    print(f"and a thread that only slept woke late: {percentiles(pings.delays)}")
    return 1 if pings.failures or any(status >= 500 for status in statuses) else 0


def _fill(library: Path, folders: list[Path]) -> list[bytes]:
    for name in ODD_NAMES:
        (library / os.fsdecode(name)).write_bytes(distinct_video())
    for name, make in BOMBS.items():
        (library / name).write_bytes(make())
    for number, folder in enumerate(folders):
        place = library / f"{number} {folder.resolve().name}"
        place.mkdir()
        for file in folder.iterdir():
            if file.is_file():
                (place / file.name).write_bytes(file.read_bytes())
    for path in library.rglob("*"):
        os.utime(path, (1_700_000_000, 1_700_000_000))
    return sorted(
        os.fsencode(path.relative_to(library)) for path in library.rglob("*") if path.is_file()
    )


def _visit(server: Server, files: list[bytes]) -> Counter[int]:
    """Every page, stream, poster and subtitle, once."""
    targets = [
        "/",
        "/?sort=title",
        "/tags",
        "/admin/unreadable",
        "/popular",
        "/admin/performance",
        "/api/videos?limit=500",
    ]
    targets += [
        f"/{kind}/{quote_from_bytes(file)}" for file in files for kind in ("watch", "video")
    ]
    statuses: Counter[int] = Counter()
    with httpx.Client(base_url=server.address, timeout=60) as browser:
        hashes = [
            video["media_hash"] for video in browser.get("/api/videos?limit=500").json()["videos"]
        ]
        targets += [
            f"/thumbnail/{media_hash}.{kind}" for media_hash in hashes for kind in ("jpg", "webp")
        ]
        targets += [f"/api/videos/{media_hash}/subtitles" for media_hash in hashes]
        for target in targets:
            with browser.stream("GET", target) as answer:
                statuses[answer.status_code] += 1
                for _ in answer.iter_bytes():
                    pass
    return statuses


def _until_looked(server: Server) -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < end:
        workers = httpx.get(f"{server.address}/admin/performance.json").json()["workers"]
        if not (workers["remaining"] or workers["queued"] or workers["running"]):
            return
        time.sleep(0.2)
    raise SystemExit("the videos were not looked into in time")


if __name__ == "__main__":
    raise SystemExit(main())
