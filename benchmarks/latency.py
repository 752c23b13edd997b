"""Times of /ping while something else goes on."""

import threading
import time
from http.client import HTTPConnection, HTTPException
from types import TracebackType
from typing import Self

EVERY_SECONDS = 0.02


class Pings:
    """Asks for /ping again and again in a thread; `seconds` are the times it took, `failures` what
    went wrong.

    `delays` is how much later than asked the thread woke each time: what the machine itself adds,
    whoever serves.
    """

    def __init__(self, port: int) -> None:
        self.seconds: list[float] = []
        self.failures: list[str] = []
        self.delays: list[float] = []
        self._port = port
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._ping)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._thread.join()

    def _ping(self) -> None:
        connection = HTTPConnection("127.0.0.1", self._port, timeout=30)
        slept = time.perf_counter()
        while not self._stop.wait(EVERY_SECONDS):
            started = time.perf_counter()
            self.delays.append(started - slept - EVERY_SECONDS)
            try:
                connection.request("GET", "/ping")
                answer = connection.getresponse()
                answer.read()
                if answer.status != 200:
                    self.failures.append(f"status {answer.status}")
            except (OSError, HTTPException) as error:
                self.failures.append(repr(error))
                connection.close()
            slept = time.perf_counter()
            self.seconds.append(slept - started)


def percentiles(seconds: list[float]) -> str:
    """Median, 95th, 99th percentile and worst, in milliseconds, and how many took longer than 100
    ms.
    """
    found = sorted(seconds) or [0.0]
    median, p95, p99 = (
        found[min(len(found) - 1, int(len(found) * part))] * 1000 for part in (0.5, 0.95, 0.99)
    )
    slow = sum(each > 0.1 for each in found)
    times = f"median {median:.1f}, p95 {p95:.1f}, p99 {p99:.1f}, worst {found[-1] * 1000:.0f} ms"
    return f"{len(seconds)} times, {times}; {slow} over 100 ms"
