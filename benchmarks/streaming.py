"""How video bytes flow compared with nginx on the same machine: `python benchmarks/streaming.py`.

Starts nginx (one worker, sendfile) and LVS's streaming under hypercorn, asks them by turns, and prints medians: memory per viewer
that does not read, throughput of 1, 8 and 32 streams, processor seconds of the server per GiB, and time to the first byte of a
seek beside 32 running streams. Linux only; the client throws the bytes away inside the kernel (MSG_TRUNC), as if it were
another machine.
"""

import argparse
import asyncio
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
from pathlib import Path

import hypercorn
import hypercorn.asyncio
import psutil
from quart import Quart, Response, request

from lvs.routes.conditional import file_response
from lvs.routes.connection import ConnectionInScope
from lvs.services.streaming import Streams, open_below

MEBIBYTE = 2**20
FILE_BYTES = 512 * MEBIBYTE

NGINX = """
daemon off; worker_processes 1; pid {prefix}/pid; error_log {prefix}/error.log;
events {{ worker_connections 512; }}
http {{
    access_log off; sendfile on; tcp_nopush on; default_type video/mp4;
    client_body_temp_path {prefix}; proxy_temp_path {prefix}; fastcgi_temp_path {prefix};
    uwsgi_temp_path {prefix}; scgi_temp_path {prefix};
    server {{ listen 127.0.0.1:{port}; root {folder}; }}
}}
"""


def serve(folder: Path, port: int, chunk_bytes: int) -> None:
    """The streaming part of LVS alone, as the real server runs it."""
    app = Quart(__name__)
    streams = Streams(chunk_bytes=chunk_bytes)

    @app.get("/<name>")
    async def video(name: str) -> Response:
        opened = await open_below(folder, name.encode())
        return await file_response(request, opened, "video/mp4", streams=streams)

    app.asgi_app = ConnectionInScope(app.asgi_app)  # type: ignore[method-assign, assignment, arg-type]
    config = hypercorn.Config()
    config.bind = [f"127.0.0.1:{port}"]
    config.errorlog = None
    asyncio.run(hypercorn.asyncio.serve(app, config))


class Server:
    """One server under measurement."""

    def __init__(self, name: str, command: list[str], port: int) -> None:
        self.name = name
        self.port = port
        self.process = psutil.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while True:
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                return
            except ConnectionRefusedError:
                if self.process.poll() is not None:
                    raise SystemExit(f"{name} does not start") from None
                time.sleep(0.05)

    def processes(self) -> list[psutil.Process]:
        return [self.process, *self.process.children(recursive=True)]

    def cpu_seconds(self) -> float:
        return sum(sum(each.cpu_times()[:2]) for each in self.processes())

    def memory_bytes(self) -> int:
        return sum(each.memory_full_info().uss for each in self.processes())

    def ask(self, first: int, last: int) -> socket.socket:
        client = socket.create_connection(("127.0.0.1", self.port))
        client.sendall(
            f"GET /film.mp4 HTTP/1.1\r\nHost: localhost\r\nRange: bytes={first}-{last}\r\nConnection: close\r\n\r\n".encode()
        )
        return client


def drain(clients: list[socket.socket]) -> int:
    """Take everything from all clients as fast as it comes; the number of bytes."""
    taken = 0
    with selectors.DefaultSelector() as selector:
        for client in clients:
            client.setblocking(False)
            selector.register(client, selectors.EVENT_READ)
        left = len(clients)
        while left:
            for key, _ in selector.select():
                sock = key.fileobj
                assert isinstance(sock, socket.socket)
                part = sock.recv_into(BUFFER, len(BUFFER), socket.MSG_TRUNC)
                taken += part
                if not part:
                    selector.unregister(sock)
                    sock.close()
                    left -= 1
    return taken


BUFFER = bytearray(4 * MEBIBYTE)


def throughput(server: Server, count: int, total_bytes: int) -> tuple[float, float]:
    """MiB per second of `count` streams together, and processor seconds per GiB."""
    each = total_bytes // count
    cpu_before, before = server.cpu_seconds(), time.perf_counter()
    taken = drain([server.ask(start := random.randrange(FILE_BYTES - each), start + each - 1) for _ in range(count)])
    seconds = time.perf_counter() - before
    cpu = server.cpu_seconds() - cpu_before
    assert taken >= each * count, f"{server.name} sent {taken} of {each * count} bytes"
    return taken / MEBIBYTE / seconds, cpu / (taken / 2**30)


def seeks(server: Server, streams: int, rate_bytes: int, seconds: float) -> list[float]:
    """Seconds to the first byte of each seek while `streams` viewers take `rate_bytes` per second each."""
    viewers = [server.ask(0, FILE_BYTES - 1) for _ in range(streams)]
    for viewer in viewers:
        viewer.setblocking(False)
    times: list[float] = []
    begun = time.perf_counter()
    budget = [0.0] * streams
    last = begun
    try:
        while (now := time.perf_counter()) - begun < seconds:
            for number, viewer in enumerate(viewers):
                budget[number] = min(budget[number] + (now - last) * rate_bytes, rate_bytes)
                with suppress(BlockingIOError):
                    budget[number] -= viewer.recv_into(BUFFER, max(0, int(budget[number])), socket.MSG_TRUNC)
            last = now
            if now - begun > 1:  # by then the viewers' buffers are full and they run at their pace
                start = random.randrange(FILE_BYTES - MEBIBYTE)
                asked = time.perf_counter()
                with server.ask(start, start + 65535) as client:
                    client.recv(1)
                    times.append(time.perf_counter() - asked)
            time.sleep(0.01)
    finally:
        for viewer in viewers:
            viewer.close()
    return times


def memory(server: Server, count: int) -> float:
    """MiB of memory for each viewer that takes nothing."""
    drain([server.ask(0, 1000)])
    before = server.memory_bytes()
    viewers = [server.ask(0, FILE_BYTES - 1) for _ in range(count)]
    time.sleep(2)
    grown = server.memory_bytes() - before
    for viewer in viewers:
        viewer.close()
    time.sleep(0.5)
    return grown / count / MEBIBYTE


@contextmanager
def servers(chunks: list[int]) -> Iterator[list[Server]]:
    nginx = shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin")
    if nginx is None:
        raise SystemExit("nginx is not installed")
    with tempfile.TemporaryDirectory() as prefix:
        folder = Path(prefix, "videos")
        folder.mkdir()
        Path(prefix).chmod(0o755)  # nginx's worker is another user
        with (folder / "film.mp4").open("wb") as film:
            for _ in range(FILE_BYTES // MEBIBYTE):
                film.write(os.urandom(MEBIBYTE))
        port = free_port()
        Path(prefix, "nginx.conf").write_text(NGINX.format(prefix=prefix, port=port, folder=folder))
        started = [Server("nginx", [nginx, "-p", prefix, "-c", f"{prefix}/nginx.conf", "-e", f"{prefix}/error.log"], port)]
        try:
            for chunk in chunks:
                port = free_port()
                command = [sys.executable, os.path.abspath(__file__), "--serve", str(folder), str(port), str(chunk * 1024)]
                started.append(Server(f"LVS {chunk} KiB", command, port))
            yield started
        finally:
            for server in started:
                server.process.terminate()
            for server in started:
                server.process.wait()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return int(sock.getsockname()[1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--serve", nargs=3, metavar=("FOLDER", "PORT", "CHUNK"), help=argparse.SUPPRESS)
    parser.add_argument("--chunks", default="512", help="chunk sizes to compare, in KiB, separated by commas")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--megabytes", type=int, default=512, help="MiB per round")
    parser.add_argument("--seek-seconds", type=float, default=6)
    options = parser.parse_args()
    if options.serve:
        folder, port, chunk = options.serve
        serve(Path(folder), int(port), int(chunk))
        return
    with servers([int(chunk) for chunk in options.chunks.split(",")]) as all_servers:
        for server in all_servers:  # first, while none of them has memory left over from other work
            print(f"memory per idle viewer  {server.name:14} {memory(server, 32):5.2f} MiB", flush=True)
        for count in (1, 8, 32):
            results: dict[str, list[tuple[float, float]]] = {server.name: [] for server in all_servers}
            for _ in range(options.rounds):
                for server in all_servers:
                    results[server.name].append(
                        throughput(server, count, min(options.megabytes * MEBIBYTE, FILE_BYTES // 2 * count))
                    )
            base = statistics.median(speed for speed, _ in results["nginx"])
            for name, values in results.items():
                speed = statistics.median(speed for speed, _ in values)
                cpu = statistics.median(cpu for _, cpu in values)
                print(
                    f"{count:3} streams  {name:14} {speed:7.0f} MiB/s  {speed / base:5.2f} of nginx  {cpu:5.2f} CPU s/GiB",
                    flush=True,
                )
        for server in all_servers:
            times = sorted(seeks(server, 32, 4 * MEBIBYTE, options.seek_seconds))
            p50, p95 = (times[int(len(times) * share)] * 1000 for share in (0.5, 0.95))
            print(
                f"seek beside 32 streams  {server.name:14} p50 {p50:5.1f} ms  p95 {p95:5.1f} ms  ({len(times)} seeks)", flush=True
            )


if __name__ == "__main__":
    main()
