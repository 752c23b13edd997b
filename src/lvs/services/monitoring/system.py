"""The machine under the server: processor, memory, open files, and how promptly the server gets to
its work.
"""

import asyncio
import contextlib
import os
import sys
import time
from collections import deque

import psutil
from msgspec import Struct

from lvs.services.media.probe_pool import ProbePool

SAMPLE_S = 5.0
SAMPLES = 60
PULSE_S = 0.5


class Process(Struct, frozen=True):
    """A process of ours.

    `cpu` is its share of one processor over the last seconds: 1.0 is one whole processor.
    """

    pid: int
    cpu: float
    memory_bytes: int
    threads: int


class Sample(Struct, frozen=True):
    """One sample of the machine's state.

    `delay_s` is the longest that the server's loop kept anybody waiting since the last sample.
    """

    server: Process
    workers: tuple[Process, ...]
    machine_cpu: float  # of all processors: 1.0 is all of them
    memory_total_bytes: int
    memory_available_bytes: int
    open_files: int
    open_files_limit: int | None
    delay_s: float
    load: float | None

    @property
    def cpu(self) -> float:
        """Share of one processor that the server and its workers take together."""
        return self.server.cpu + sum(worker.cpu for worker in self.workers)


class System:
    """Takes a sample every few seconds. Asking for it costs nothing then."""

    def __init__(self, probe_pool: ProbePool) -> None:
        self._probe_pool = probe_pool
        self._server = psutil.Process()
        self._workers: dict[int, psutil.Process] = {}
        self._spent: dict[
            int, tuple[float, float]
        ] = {}  # by process: processor seconds, and when that was read
        self._delay_s = 0.0
        self.processors = os.cpu_count() or 1
        self.clock = time.perf_counter
        self.sample_s = SAMPLE_S
        self.history: deque[float] = deque(maxlen=SAMPLES)
        self.latest = self._sample()

    async def sample(self) -> None:
        """Sample for as long as the server runs."""
        next_at = time.monotonic()
        while True:
            due = self.clock() + PULSE_S
            await asyncio.sleep(PULSE_S)
            self._delay_s = max(self._delay_s, self.clock() - due)
            if time.monotonic() >= next_at:
                next_at = time.monotonic() + self.sample_s
                self.latest = self._sample()
                self.history.append(self.latest.cpu)

    def _sample(self) -> Sample:
        memory = psutil.virtual_memory()
        pids = set(self._probe_pool.process_ids)
        for pid in pids - self._workers.keys():
            with contextlib.suppress(psutil.Error):
                self._workers[pid] = psutil.Process(pid)
        for pid in self._workers.keys() - pids:
            del self._workers[pid]
            self._spent.pop(pid, None)
        delay_s, self._delay_s = self._delay_s, 0.0
        workers = [found for worker in self._workers.values() if (found := self._process(worker))]
        return Sample(
            server=self._process(self._server) or Process(os.getpid(), 0.0, 0, 0),
            workers=tuple(workers),
            machine_cpu=psutil.cpu_percent() / 100,
            memory_total_bytes=memory.total,
            memory_available_bytes=memory.available,
            open_files=_open_files(self._server),
            open_files_limit=_open_files_limit(),
            delay_s=delay_s,
            load=os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
        )

    def _process(self, process: psutil.Process) -> Process | None:
        try:
            with process.oneshot():
                times = process.cpu_times()
                memory_bytes, threads = process.memory_info().rss, process.num_threads()
        except psutil.Error:
            return None  # it ended meanwhile
        now, spent_s = time.monotonic(), times.user + times.system
        before_s, before = self._spent.get(process.pid, (spent_s, now))
        self._spent[process.pid] = (spent_s, now)
        cpu = (spent_s - before_s) / (now - before) if now > before else 0.0
        return Process(process.pid, max(0.0, cpu), memory_bytes, threads)


def _open_files(process: psutil.Process) -> int:
    try:
        return int(getattr(process, "num_handles" if sys.platform == "win32" else "num_fds")())
    except psutil.Error:
        return 0


def _open_files_limit() -> int | None:
    if sys.platform == "win32":
        return None
    import resource  # noqa: PLC0415 - it is not there on Windows

    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return None if limit == resource.RLIM_INFINITY else limit
