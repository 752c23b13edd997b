"""Films that are watched through the server: playlists of large files, gallery pages beside
viewers, memory, and what is left when they are gone.
"""

import os
import statistics
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import httpx
import psutil
from busy import add_small, visitors, within
from kinds import KINDS, LARGE, UHD

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
from support.cinema import is_settled
from support.processes import Server, serving

Row = tuple[str, str, str, str]
AHEAD_S = 12  # what a player has in hand
REST_S, WATCHING_S = 15, 30
SMALL_FILMS = 300
VIEWERS = 12
GONE_S = 25
AT_REST_S = 0.05
PATIENCE_S = 900
MIB = 1 << 20
CACHE_MIB = 2048


# --- A server ---


def settled(server: Server, videos: int) -> None:
    """Wait until so many films are known and have their posters."""
    end = time.monotonic() + PATIENCE_S
    while not is_settled(
        httpx.get(f"{server.address}/admin/performance.json", timeout=60).json(), videos
    ):
        if time.monotonic() > end:
            raise SystemExit("the films were not looked into in time")
        time.sleep(0.3)


def at_rest(server: Server) -> None:
    """Wait until the server and its workers do next to nothing, such as drawing scenes."""
    end, before = time.monotonic() + PATIENCE_S, float("-inf")
    while (taken := _processor_s(server)) - before > AT_REST_S:
        if time.monotonic() > end:
            raise SystemExit("the server did not come to rest in time")
        before = taken
        time.sleep(1)


def _processor_s(server: Server) -> float:
    process = psutil.Process(server.pid)
    times = [one.cpu_times() for one in (process, *process.children(recursive=True))]
    return sum(one.user + one.system for one in times)


def master(server: Server, path: str) -> str:
    """The address of a film's master playlist."""
    page = httpx.get(f"{server.address}/watch/{quote(path)}", timeout=60).raise_for_status().text
    return "/hls/" + page.partition("/hls/")[2].partition('"')[0]


def players(server: Server) -> list[psutil.Process]:
    """The server's processes that make segments."""
    found = []
    for process in psutil.Process(server.pid).children(recursive=True):
        try:
            if any("playback.player_start" in word for word in process.cmdline()):
                found.append(process)
        except psutil.NoSuchProcess:
            continue
    return found


# --- One who watches ---


def pieces(client: httpx.Client, address: str) -> tuple[str, list[float]]:
    """The folder of the first variant, and how long its segments are."""
    text = client.get(address).raise_for_status().text
    variant = next(line for line in text.splitlines() if line and not line.startswith("#"))
    folder = f"{address.rpartition('/')[0]}/{variant.rpartition('/')[0]}"
    lines = client.get(f"{folder}/index.m3u8").raise_for_status().text.splitlines()
    lengths = [
        float(line.removeprefix("#EXTINF:").rstrip(","))
        for line in lines
        if line.startswith("#EXTINF:")
    ]
    return folder, lengths


def watch(address: str, film: str, first: int, stop: threading.Event) -> None:
    """Ask for a film as a player does: what it has in hand at once, then as it plays."""
    with httpx.Client(base_url=address, timeout=120) as client:
        folder, lengths = pieces(client, film)
        client.get(f"{folder}/init.mp4").raise_for_status()
        begun, taken_s = time.monotonic(), 0.0
        for number in range(first, len(lengths)):
            if stop.wait(max(0.0, taken_s - AHEAD_S - (time.monotonic() - begun))):
                return
            client.get(f"{folder}/{number}.m4s").raise_for_status()
            taken_s += lengths[number]


@contextmanager
def watching(address: str, films: Sequence[tuple[str, int]]) -> Iterator[None]:
    """So many who watch, each a film from a segment on, until the block ends."""
    stop = threading.Event()
    threads = [
        threading.Thread(target=watch, args=(address, film, first, stop)) for film, first in films
    ]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()


# --- Rows ---


def playlists(films: Path, place: Path, rounds: int) -> Iterator[Row]:
    """The time to both playlists of a large file, each time by a server that was just started."""
    taken: dict[str, list[float]] = {name: [] for name in LARGE}
    for number in range(rounds + 1):
        with serving(films / "large", place) as server:
            settled(server, len(LARGE))
            found = {name: master(server, name) for name in LARGE}
            at_rest(server)
            for name in LARGE if number else ():
                with httpx.Client(base_url=server.address, timeout=60) as client:
                    client.get("/ping")
                    begun = time.monotonic()
                    pieces(client, found[name])
                    taken[name].append(time.monotonic() - begun)
    for name, times in taken.items():
        size_gib = (films / "large" / name).stat().st_size / (1 << 30)
        said = f"{statistics.median(times):.2f} s"
        yield f"{size_gib:.1f} GiB of {name[-3:].upper()}, its playlists", "≤ 0.2 s", "≤ 1 s", said


def beside_viewers(films: Path, place: Path, rounds: int) -> Iterator[Row]:
    """Gallery pages while three copied films and a converted one are watched, against rest."""
    library = place / "library"
    add_small(library, 0, SMALL_FILMS)
    for name in KINDS:
        folder = films / "kinds" / name.partition(".")[0]
        for number in range(rounds):
            (library / folder.name).mkdir(exist_ok=True)
            os.link(folder / f"{number} {name}", library / folder.name / f"{number} {name}")
    spans: dict[str, list[tuple[float, float]]] = {"rest": [], "viewers": []}
    with serving(library, place) as server:
        settled(server, SMALL_FILMS + len(KINDS) * rounds)
        with visitors(server.port) as asked:
            for number in range(rounds):
                time.sleep(2)
                spans["rest"].append((time.monotonic(), time.monotonic() + REST_S))
                time.sleep(REST_S)
                copied = master(server, f"copied/{number} copied.mkv")
                converted = master(server, f"ten bit/{number} ten bit.mkv")
                seen = [(copied, 0), (copied, 5), (copied, 9), (converted, 0)]
                with watching(server.address, seen):
                    spans["viewers"].append((time.monotonic(), time.monotonic() + WATCHING_S))
                    time.sleep(WATCHING_S)
        rest, beside = (_p95(within(asked.pages, spans[one])) for one in ("rest", "viewers"))
        words = "gallery pages beside three copied films and one conversion, p95 against rest"
        said = f"{beside / rest:.2f}× ({beside * 1000:.1f} ms, at rest {rest * 1000:.1f} ms)"
        yield words, "≤ 1.5×", "≤ 2×", said


def _p95(seconds: Sequence[float]) -> float:
    return sorted(seconds)[int(0.95 * len(seconds))]


def memory(films: Path, place: Path, rounds: int) -> Iterator[Row]:
    """Memory of workers and of the server, and what is left of both when the viewers are gone."""
    library = place / "library"
    library.mkdir()
    for kind in ("copied", "ten bit", "hevc"):
        os.link(films / "kinds" / kind / f"0 {kind}.mkv", library / f"{kind}.mkv")
    os.link(films / "uhd" / UHD, library / UHD)
    del rounds
    with serving(library, place) as server:
        settled(server, 4)
        for name, words, goal in (
            ("ten bit.mkv", "1080p H.264 10 bit", 450),
            ("hevc.mkv", "1080p HEVC", 450),
            (UHD, "4K HEVC 10 bit", 950),
        ):
            peak = _peak(server, f"{master(server, name)}?play=converted")
            said = f"{peak / MIB:.0f} MiB"
            yield f"memory of a worker, {words}", f"≤ {goal} MiB", "≤ 2,048 MiB", said
        yield _for_each_viewer(server, master(server, "copied.mkv"))
        time.sleep(GONE_S)
        left, kept = len(players(server)), _size(place / "data" / "cache" / "hls")
        said = f"{left} processes, {kept / MIB:.0f} MiB kept"
        bound = f"0 processes, ≤ {CACHE_MIB:,} MiB"
        yield f"{GONE_S} s after the last viewer left", bound, "the same", said


def _peak(server: Server, film: str) -> int:
    """The most that the worker of a converted film ever had in memory."""
    with httpx.Client(base_url=server.address, timeout=120) as client:
        before = {process.pid for process in players(server)}
        folder, lengths = pieces(client, film)
        peak = 0
        for number in range(min(6, len(lengths))):
            if client.get(f"{folder}/{number}.m4s").is_error:
                break  # too slow a machine: the worker ended with what it had in memory
            [worker] = [one for one in players(server) if one.pid not in before]
            status = Path(f"/proc/{worker.pid}/status").read_text("ascii")
            peak = max(peak, int(status.partition("VmHWM:")[2].split()[0]) * 1024)
        return peak


def _for_each_viewer(server: Server, copied: str) -> Row:
    """What the server has more in memory of its own while many watch, divided by their number."""
    process = psutil.Process(server.pid)
    with watching(server.address, [(copied, 0)]):
        time.sleep(5)
    before = process.memory_full_info().uss
    most = before
    with watching(server.address, [(copied, number) for number in range(VIEWERS)]):
        for _ in range(60):
            most = max(most, process.memory_full_info().uss)
            time.sleep(0.25)
    said = f"{(most - before) / VIEWERS / MIB:.2f} MiB of {VIEWERS}"
    return "memory of the server for each viewer", "≤ 1 MiB", "≤ 4 MiB", said


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
