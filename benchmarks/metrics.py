"""Costs of measuring a request, and of an open dashboard: `python
benchmarks/metrics.py`.

First the same application is asked for the same pages by turns with and without the measuring
around it, which gives the processor time it adds; then a real server is, which gives the whole of a
request. At last that server is left alone, then has a dashboard open (its tiles asked for as a
browser would), then a Chromium that shows it, and its processor time is compared.
"""

import argparse
import asyncio
import http.client
import os
import re
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import psutil

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from playwright.sync_api import sync_playwright
from support.home import OLD_NS, Home, distinct_video
from support.processes import Server, serving

from lvs.http import request_metrics
from lvs.services.metrics import Metrics, RequestStats

FILMS = 120
ADDRESSES = ("/ping", "/tags", "/watch/film%20007.mp4", "/")
NOBODY = Metrics()
CHROMIUM = (
    shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
)
Ask = Callable[[dict[str, Any], Any, Any], Awaitable[None]]


def scope_of(address: str) -> dict[str, Any]:
    path, _, query = address.partition("?")
    return {
        "type": "http",
        "asgi": {"spec_version": "2.3", "version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [(b"host", b"localhost")],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
        "extensions": {},
    }


async def ask(app: Ask, address: str) -> None:
    """One request, as hypercorn would hand it over: in a task of its own."""
    status = 0
    scope = scope_of(address)
    # Without the measuring around it the application still wants to say which route it took.
    scope[request_metrics.SCOPE_KEY] = RequestStats("GET", NOBODY)

    received = False

    async def receive() -> dict[str, Any]:
        nonlocal received
        if received:  # nothing more comes, and the client stays
            await asyncio.sleep(3600)
        received = True
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        nonlocal status
        if message["type"] == "http.response.start":
            status = message["status"]

    await asyncio.create_task(app(scope, receive, send))  # type: ignore[arg-type]
    assert status == 200, (address, status)


async def cost_of_measuring(rounds: int) -> dict[str, float]:
    """Seconds of processor time that measuring adds, by address."""
    costs_s = {}
    with tempfile.TemporaryDirectory() as folder:
        home = Home(Path(folder))
        for number in range(FILMS):
            home.add(f"film {number:03}.mp4", distinct_video(number))
        async with home:
            await home.probed()
            measured = home.app.asgi_app
            while not isinstance(measured, request_metrics.RequestMetrics):
                measured = measured._app  # type: ignore[attr-defined]
            plain: Ask = measured._app
            for address in ADDRESSES:
                spent_s: dict[bool, list[float]] = {True: [], False: []}
                for number in range(rounds):
                    for app in (measured, plain) if number % 2 else (plain, measured):
                        started = time.process_time()
                        await ask(app, address)
                        spent_s[app is measured].append(time.process_time() - started)
                # The median of requests that took turns: whatever else the machine does disturbs
                # both alike.
                with_s, without_s = (
                    statistics.median(spent_s[each][rounds // 10 :]) for each in (True, False)
                )
                costs_s[address] = with_s - without_s
    return costs_s


class Dashboard:
    """The tiles of an open dashboard, each requested as often as it says."""

    def __init__(self, server: Server) -> None:
        self._port = server.port
        self.connect()
        page = self._get("/admin/performance")[1].decode()
        self._tiles = {}
        for element in re.findall(r'<section class="tile[^>]*>', page):
            address = re.search(r'hx-get="([^"]*)"', element)
            every = re.search(r'hx-trigger="every (\d+)s', element)
            assert address
            assert every
            self._tiles[address[1].partition("?")[0]] = [
                address[1],
                float(every[1]),
                time.monotonic() + float(every[1]),
            ]
        self.asked = self.unchanged = 0

    def connect(self) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)

    def _get(self, address: str) -> tuple[int, bytes]:
        self._connection.request(
            "GET", address, headers={"HX-Request": "true", "HX-Request-Type": "partial"}
        )
        answer = self._connection.getresponse()
        return answer.status, answer.read()

    def run(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for tile in self._tiles.values():
                if time.monotonic() >= tile[2]:
                    status, content = self._get(tile[0])
                    self.asked += 1
                    self.unchanged += status == 204
                    if status == 200:
                        tile[0] = re.search(r'hx-get="([^"]*)"', content.decode())[1]  # type: ignore[index]
                    tile[2] += tile[1]
            time.sleep(0.05)


def processor_s(server: Server) -> float:
    process = psutil.Process(server.pid)
    times = process.cpu_times()
    return times.user + times.system


def request_s(server: Server, address: str, number: int = 400) -> float:
    """Seconds of processor time that the real server takes for a request."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port)
    for turn in range(number + 20):
        if turn == 20:
            before = processor_s(server)
        connection.request("GET", address)
        assert len(connection.getresponse().read()) > 0
    return (processor_s(server) - before) / number


def cost_of_a_dashboard(seconds: float, costs_s: dict[str, float]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        library = Path(folder) / "Videos"
        library.mkdir()
        for number in range(FILMS):
            path = library / f"film {number:03}.mp4"
            path.write_bytes(distinct_video(number))
            os.utime(path, ns=(OLD_NS, OLD_NS))
        with serving(library, Path(folder)) as server:
            dashboard = Dashboard(server)
            connection = http.client.HTTPConnection("127.0.0.1", server.port)
            while True:
                connection.request("GET", "/admin/tiles/workers")
                if b"<b>idle</b>" in connection.getresponse().read():
                    break
                time.sleep(0.5)
            time.sleep(35)  # the first backup comes half a minute after the start

            for address, cost_s in costs_s.items():
                whole_s = request_s(server, address)
                share_of_it = 100 * cost_s / whole_s
                print(
                    f"{address:22} {whole_s * 1e6:6.0f} µs, {cost_s * 1e6:5.1f} µs of it measuring:"
                    f" {share_of_it:.1f} %"
                )

            def share(wait: Callable[[float], None]) -> float:
                before = processor_s(server)
                wait(seconds)
                return 100 * (processor_s(server) - before) / seconds

            alone = share(time.sleep)
            dashboard.connect()  # the server has closed what was idle for so long
            dashboard.run(5)
            dashboard.asked = dashboard.unchanged = 0
            watched = share(dashboard.run)
            print(f"server alone            {alone:5.2f} % of a processor")
            print(
                f"with an open dashboard  {watched:5.2f} %, so {watched - alone:.2f} % for it: ",
                end="",
            )
            unchanged = dashboard.unchanged / dashboard.asked
            print(
                f"{dashboard.asked / seconds:.1f} requests a second, {100 * unchanged:.0f} %"
                " unchanged"
            )
            if CHROMIUM:
                with sync_playwright() as playwright:
                    browser = playwright.chromium.launch(
                        executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
                    )
                    page = browser.new_page()
                    page.goto(server.address + "/admin/performance")
                    page.wait_for_timeout(5000)
                    seen = share(lambda wait_s: page.wait_for_timeout(wait_s * 1000))
                    browser.close()
                print(f"open in Chromium        {seen:5.2f} %, so {seen - alone:.2f} % for it")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--rounds", type=int, default=2000, help="requests of each page and kind (default 2000)"
    )
    parser.add_argument(
        "--seconds",
        type=float,
        default=60,
        help="how long the server is watched each time (default 60)",
    )
    arguments = parser.parse_args()
    cost_of_a_dashboard(arguments.seconds, asyncio.run(cost_of_measuring(arguments.rounds)))


if __name__ == "__main__":
    main()
