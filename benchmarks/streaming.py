"""Video bytes from `lvs serve` against nginx (one worker, sendfile), the film in memory: `python
benchmarks/streaming.py`.

Both sides are asked by turns. Throughput is measured with clients that receive what comes, as
viewers do, and with clients that discard it inside the kernel (MSG_TRUNC), which leaves more of the
machine to the server, as a viewer on another one does. Linux only; needs nginx.
"""

import argparse
import os
import random
import selectors
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import psutil
from sides import environment, free_port, header, row

One = TypeVar("One")

MEBIBYTE = 2**20
FILE_BYTES = 512 * MEBIBYTE
COUNTS = (1, 8, 32)
CLIENTS = {"receives": 0, "discards": socket.MSG_TRUNC}
SEEK_VIEWERS, SEEK_RATE_BYTES = 32, 4 * MEBIBYTE
READERS, READER_RATE_BYTES = 64, 512 * 1024
BUFFER = bytearray(MEBIBYTE)

NGINX = """
daemon off; worker_processes 1; pid {prefix}/pid; error_log {prefix}/error.log;
events {{ worker_connections 512; }}
http {{
    access_log off; sendfile on; tcp_nopush on; default_type video/mp4;
    client_body_temp_path {prefix}; proxy_temp_path {prefix}; fastcgi_temp_path {prefix};
    uwsgi_temp_path {prefix}; scgi_temp_path {prefix};
    server {{ listen 127.0.0.1:{port}; root {prefix}; }}
}}
"""


class Server:
    """One server under measurement, once it gives the film."""

    def __init__(
        self, name: str, command: list[str], port: int, checkout: Path | None = None
    ) -> None:
        self.name = name
        self.port = port
        settings = {
            "LVS_ENABLE_THUMBNAILS": "false",
            "LVS_WATCH": "off",
            "LVS_HOST": "127.0.0.1",
            "LVS_STREAMS_PER_CLIENT": "200",
        }
        if checkout is not None:
            settings["PYTHONPATH"] = str(checkout / "src")
        self.process = psutil.Popen(
            command,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=environment() | settings,
        )
        while not self._gives_film():
            if self.process.poll() is not None:
                raise SystemExit(f"{name} does not start")
            time.sleep(0.1)

    def _gives_film(self) -> bool:
        with suppress(ConnectionRefusedError), self.ask(0, 0) as client:
            return client.recv(100).startswith(b"HTTP/1.1 206 ")
        return False

    def ask(self, first: int, last: int) -> socket.socket:
        """A connection on which these bytes of the film are on their way."""
        client = socket.create_connection(("127.0.0.1", self.port))
        lines = (
            "GET /video/film.mp4 HTTP/1.1",
            "Host: localhost",
            f"Range: bytes={first}-{last}",
            "Connection: close",
            "",
            "",
        )
        client.sendall("\r\n".join(lines).encode())
        return client

    def processes(self) -> list[psutil.Process]:
        return [self.process, *self.process.children(recursive=True)]

    def cpu_seconds(self) -> float:
        return sum(sum(each.cpu_times()[:2]) for each in self.processes())

    def memory_mib(self) -> float:
        return sum(each.memory_full_info().uss for each in self.processes()) / MEBIBYTE


@dataclass
class Flow:
    """Results of one server in all rounds of one kind."""

    rates: list[float] = field(default_factory=list)
    taken_bytes: int = 0
    cpu_s: float = 0.0

    @property
    def cpu_s_per_gib(self) -> float:
        return self.cpu_s / (self.taken_bytes / 2**30)


def drain(clients: list[socket.socket], flags: int) -> int:
    """Take everything from all clients as fast as it comes; the number of bytes."""
    taken = 0
    with selectors.DefaultSelector() as selector:
        for client in clients:
            client.setblocking(False)
            selector.register(client, selectors.EVENT_READ, client)
        left = len(clients)
        while left:
            for key, _ in selector.select():
                part = key.data.recv_into(BUFFER, len(BUFFER), flags)
                taken += part
                if not part:
                    selector.unregister(key.data)
                    key.data.close()
                    left -= 1
    return taken


def pour(server: Server, count: int, total_bytes: int, flags: int, flow: Flow) -> None:
    """Let `count` streams run together and note what came of it."""
    each = min(total_bytes // count, FILE_BYTES // 2)
    cpu_before, before = server.cpu_seconds(), time.perf_counter()
    taken = drain(
        [
            server.ask(start := random.randrange(FILE_BYTES - each), start + each - 1)
            for _ in range(count)
        ],
        flags,
    )
    seconds = time.perf_counter() - before
    assert taken >= each * count, f"{server.name} sent {taken} of {each * count} bytes"
    flow.cpu_s += server.cpu_seconds() - cpu_before
    flow.taken_bytes += taken
    flow.rates.append(taken / MEBIBYTE / seconds)


class Viewers:
    """Clients that take so many bytes a second each, whenever they are told to."""

    def __init__(self, server: Server, count: int, rate_bytes: int) -> None:
        self._rate_bytes = rate_bytes
        self._clients = [server.ask(0, FILE_BYTES - 1) for _ in range(count)]
        self._room = [0.0] * count
        self._last = time.perf_counter()
        for client in self._clients:
            client.setblocking(False)

    def take(self) -> None:
        """Take what is due since the last time, or as much of it as has come."""
        now = time.perf_counter()
        for number, client in enumerate(self._clients):
            self._room[number] = min(
                self._room[number] + (now - self._last) * self._rate_bytes, self._rate_bytes
            )
            with suppress(BlockingIOError):
                self._room[number] -= client.recv_into(
                    BUFFER, min(len(BUFFER), int(self._room[number]))
                )
        self._last = now

    def take_for(self, seconds: float) -> None:
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            self.take()
            time.sleep(0.01)

    def leave(self) -> None:
        for client in self._clients:
            client.close()


def seeks(server: Server, seconds: float) -> list[float]:
    """Milliseconds to the first byte of each seek while others watch."""
    viewers = Viewers(server, SEEK_VIEWERS, SEEK_RATE_BYTES)
    viewers.take_for(1)  # by then their buffers are full and they run at their pace
    times: list[float] = []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        viewers.take()
        start = random.randrange(FILE_BYTES - MEBIBYTE)
        asked = time.perf_counter()
        with server.ask(start, start + 65535) as client:
            client.recv(1)
            times.append((time.perf_counter() - asked) * 1000)
        time.sleep(0.01)
    viewers.leave()
    return times


def memory(server: Server, seconds: float) -> tuple[float, float, float]:
    """MiB of the server before slow readers come, at most while they read, and after they have
    left.
    """
    drain([server.ask(0, 1000)], 0)
    before = server.memory_mib()
    viewers = Viewers(server, READERS, READER_RATE_BYTES)
    most = 0.0
    for _ in range(4):
        viewers.take_for(seconds / 4)
        most = max(most, server.memory_mib())
    viewers.leave()
    time.sleep(2)
    return before, most, server.memory_mib()


@contextmanager
def servers(also: Path | None) -> Iterator[list[Server]]:
    """nginx, LVS, and LVS from another checkout where there is one, all with the same film."""
    nginx = shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin")
    if nginx is None:
        raise SystemExit("nginx is not installed")
    with tempfile.TemporaryDirectory() as prefix:
        folder = Path(prefix, "video")
        folder.mkdir()
        Path(prefix).chmod(0o755)  # nginx's worker is another user
        with (folder / "film.mp4").open("wb") as film:
            for _ in range(FILE_BYTES // MEBIBYTE):
                film.write(os.urandom(MEBIBYTE))
        port = free_port()
        Path(prefix, "nginx.conf").write_text(NGINX.format(prefix=prefix, port=port))
        started = [
            Server(
                "nginx",
                [nginx, "-p", prefix, "-c", f"{prefix}/nginx.conf", "-e", f"{prefix}/error.log"],
                port,
            )
        ]
        try:
            for name, checkout in (("LVS", None), *([(str(also), also)] if also else [])):
                port = free_port()
                data = f"{prefix}/data-{port}"
                command = [
                    sys.executable,
                    "-m",
                    "lvs",
                    "serve",
                    str(folder),
                    "--port",
                    str(port),
                    "--data",
                    data,
                ]
                started.append(Server(name, command, port, checkout))
            yield started
        finally:
            for server in started:
                server.process.terminate()
            for server in started:
                server.process.wait()


def main() -> None:
    """Start the servers, ask them by turns, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--mebibytes", type=int, default=768, help="for each round of throughput")
    parser.add_argument(
        "--also", type=Path, metavar="CHECKOUT", help="measure the LVS of another checkout besides"
    )
    options = parser.parse_args()
    with servers(options.also) as sides:
        remembered = [
            memory(server, 6) for server in sides
        ]  # first, while none has memory left over from other work
        print_throughput(sides, options.rounds, options.mebibytes * MEBIBYTE)
        print_seeks(sides, options.rounds)
        print_memory(sides, remembered)


def print_throughput(sides: list[Server], rounds: int, total_bytes: int) -> None:
    print("\nThroughput of all streams together, median of the rounds\n")
    header("client", "streams", "side", "MiB/s", "CPU s/GiB", "MiB/s ratio", "CPU ratio")
    for client, flags in CLIENTS.items():
        for count in COUNTS:
            flows = [Flow() for _ in sides]
            for _ in range(rounds):
                for server, flow in by_chance(sides, flows):
                    pour(server, count, total_bytes, flags, flow)
            rate, cpu = statistics.median(flows[0].rates), flows[0].cpu_s_per_gib
            for server, flow in zip(sides, flows, strict=True):
                median = statistics.median(flow.rates)
                ratios = ("", "") if flow is flows[0] else (median / rate, flow.cpu_s_per_gib / cpu)
                row(client, count, server.name, f"{median:.0f}", flow.cpu_s_per_gib, *ratios)


def print_seeks(sides: list[Server], rounds: int) -> None:
    print(
        f"\nFirst byte of a seek while {SEEK_VIEWERS} viewers take {SEEK_RATE_BYTES // MEBIBYTE}"
        " MiB/s each\n"
    )
    header(
        "side", "seeks", "median ms", "p95 ms", "p99 ms", "median ratio", "p95 ratio", "p99 ratio"
    )
    times: list[list[float]] = [[] for _ in sides]
    for _ in range(rounds):
        for server, taken in by_chance(sides, times):
            taken.extend(seeks(server, 2))
    figures = [
        [sorted(each)[int(len(each) * share)] for share in (0.5, 0.95, 0.99)] for each in times
    ]
    for server, taken, found in zip(sides, times, figures, strict=True):
        ratios = (
            [""] * 3
            if found is figures[0]
            else [ours / base for ours, base in zip(found, figures[0], strict=True)]
        )
        row(server.name, len(taken), *found, *ratios)


def print_memory(sides: list[Server], remembered: list[tuple[float, float, float]]) -> None:
    print(
        f"\nMemory not shared with other processes, {READERS} readers at"
        f" {READER_RATE_BYTES // 1024} KiB/s each\n"
    )
    header(
        "side",
        "before, MiB",
        "while they read, MiB",
        "for each reader, MiB",
        "after they left, MiB",
    )
    for server, (before, most, after) in zip(sides, remembered, strict=True):
        row(server.name, before, most, (most - before) / READERS, after)


def by_chance(sides: list[Server], each: list[One]) -> list[tuple[Server, One]]:
    """Whose turn it is next, in an order that is another one each round."""
    pairs = list(zip(sides, each, strict=True))
    random.shuffle(pairs)
    return pairs


if __name__ == "__main__":
    main()
