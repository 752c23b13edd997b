"""Probes video files, each in a worker process that can be killed.

Workers are plain processes that speak JSON lines (`probe_worker.py`). They are started when needed,
used again, ended when idle, and share nothing with the server: no sockets, no open files, no
pickled objects.
"""

import asyncio
import contextlib
import logging
import os
import signal
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import psutil
from msgspec import Struct

from lvs.errors import BrokenWorker, Unavailable, Unreadable, WorkerLost
from lvs.services.media.picture_signature import PictureSignature
from lvs.services.media.posters import PosterTarget
from lvs.services.media.probe_answer import (
    FilePath,
    ProbeResult,
    read_answer,
    read_colours,
    read_scenes,
    read_signature_answer,
)
from lvs.services.media.scene_request import SceneRequest, SceneTimes
from lvs.services.remote_link import RemoteFileError
from lvs.services.worker_process import WorkerProcess
from lvs.versions import installed

log = logging.getLogger(__name__)

WORKER = "lvs.services.media.probe_worker"
PROBE_VERSION = 1  # to be raised when the worker reads something that it could not read before
MAX_ANSWER_BYTES = 1 << 20
JOBS_PER_WORKER = 500
CLOSING_S = 1.0
KILLED = 9  # SIGKILL, which Windows has no name for
BUSY_SHARE = 0.5  # of the time limit: a worker that computed for longer did not wait for a disk
# SIGKILL is what the system sends when memory is short, SIGALRM comes where the disk hangs: neither
# is the file's doing.
CRASHES = ("SIGILL", "SIGABRT", "SIGBUS", "SIGFPE", "SIGSEGV", "SIGXCPU", "SIGXFSZ", "SIGSYS")

Value = TypeVar("Value")


@cache
def probe_version() -> str:
    """The version of the probe, such as `1 av 19.0.2`: of the worker and its decoder."""
    return f"{PROBE_VERSION} av {installed('av')}"


class ProbePool:
    """Worker processes that probe video files. Close it, or use it as `async with`."""

    def __init__(
        self,
        workers: int = 0,
        time_limit_s: float = 60.0,
        memory_limit_bytes: int = 2 << 30,
        idle_limit_s: float = 30.0,
    ) -> None:
        self.workers = workers or max(1, (os.cpu_count() or 1) - 1)
        self._time_limit_s = time_limit_s
        self._memory_limit_bytes = memory_limit_bytes
        self._idle_limit_s = idle_limit_s
        self._turns = asyncio.Semaphore(self.workers)
        self._idle: list[Worker] = []
        self._alive: set[Worker] = set()
        self._ending: set[asyncio.Task[None]] = set()
        self._closed = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def probe(
        self,
        path: FilePath,
        posters: PosterTarget | None = None,
        name: str = "",
        chosen: str | None = None,
        content: str = "",
    ) -> ProbeResult:
        """Probe the file. Writes the posters that are asked for from one good frame.

        The name of the film, by default its file's, and the projection that a person chose, as it
        is stored, decide which part of the picture a poster shows. `content` is the fingerprint
        that the file has in the library, which a worker elsewhere compares with its own copy.

        Raises Unreadable when there is no video in it that could be shown, Unavailable when another
        try may help: the disk did not answer, the time was up, the worker was ended. It is a
        BrokenWorker where the file itself seems to be the cause: the worker crashed, or computed
        for all that time. Cancelling it kills the worker.
        """
        wanted = posters or ()
        more = {"name": name, "chosen": chosen, "content": content}

        async def understood(answer: Any) -> ProbeResult:
            return await self._found(answer, path, wanted)

        request = self._request(path, wanted) | more
        return await self._asked(path, request, understood, [poster.partial for poster in wanted])

    async def scenes(self, path: FilePath, wanted: SceneRequest, content: str = "") -> SceneTimes:
        """Draw a sheet of scenes; the times of its pictures, none where there is nothing to draw.

        `content` is as for `probe`. Raises as `probe` does, and is cancelled as it is.
        """

        async def understood(answer: Any) -> SceneTimes:
            return await self._drawn(answer, path, wanted)

        more = {"scenes": self._sheet_request(wanted), "content": content}
        request = self._request(path, ()) | more
        return await self._asked(path, request, understood, [wanted.partial])

    async def colours(self, posters: Sequence[Path]) -> list[str]:
        """The mean colour of each of these JPEG files: three hexadecimal digits, or empty where
        it cannot be told.

        Raises as `probe` does.
        """

        async def understood(answer: Any) -> list[str]:
            return read_colours(answer, posters)

        paths = [os.fsencode(path).hex() for path in posters]
        request = {"colours": paths, "time_limit_s": self._time_limit_s}
        return await self._asked(posters[0], request, understood, ())

    async def signature(self, path: FilePath, content: str = "") -> PictureSignature:
        """Hash pictures of the film. `content` is as for `probe`; it raises as `probe` does, and is
        cancelled as it is.
        """

        async def understood(answer: Any) -> PictureSignature:
            return read_signature_answer(answer, path)

        request = self._request(path, ()) | {"signature": True, "content": content}
        return await self._asked(path, request, understood, ())

    async def _asked(
        self,
        path: FilePath,
        request: Mapping[str, Any],
        understood: Callable[[Any], Awaitable[Value]],
        partials: Sequence[Path],
    ) -> Value:
        """The answer of a worker; `partials` are removed if there is none."""
        worker: Worker | None = None
        in_order = False
        await self._turns.acquire()
        try:
            async with asyncio.timeout(self._time_limit_s):
                worker = await self._take()
                answer = await worker.ask(request)
            self._check_place(answer)
            found = await understood(answer)
            in_order = True
            return found
        except (Unreadable, Unavailable, RemoteFileError):
            in_order = True
            raise
        except TimeoutError:
            message = f"The analysis took longer than {self._time_limit_s:g} seconds."
            busy = worker is not None and worker.busy_s() > BUSY_SHARE * self._time_limit_s
            raise (BrokenWorker if busy else WorkerLost)(message) from None
        except (OSError, EOFError, ValueError) as error:
            log.warning("the worker process that probed %r failed: %r", os.fsencode(path), error)
            crashed = isinstance(error, ValueError) or (worker and await worker.has_crashed())
            message = "The process that analysed it stopped unexpectedly."
            raise (BrokenWorker if crashed else WorkerLost)(message) from None
        finally:
            self._leave(worker, in_order)
            if not in_order:
                for partial in partials:
                    with contextlib.suppress(OSError):
                        partial.unlink(missing_ok=True)

    async def close(self) -> None:
        """End every worker at once, busy or idle, and wait at most a second for them to be gone."""
        self._closed = True
        for worker in tuple(self._alive):
            self._end(worker)
        if self._ending:
            await asyncio.wait(self._ending, timeout=CLOSING_S)

    @property
    def time_limit_s(self) -> float:
        """Time limit of one probe, in seconds."""
        return self._time_limit_s

    @property
    def process_ids(self) -> tuple[int, ...]:
        """The worker processes there are, busy and idle."""
        return tuple(sorted(worker.process.process_id for worker in self._alive))

    async def _take(self) -> "Worker":
        if self._closed:
            raise Unavailable("LVS is stopping.")
        while self._idle:
            worker = self._idle.pop()
            if worker.retirement is not None:
                worker.retirement.cancel()
            if worker.process.alive:
                return worker
            self._alive.discard(worker)
        worker = await self._start()
        self._alive.add(worker)
        return worker

    # --- What another machine's pool does in its own way ---

    async def _start(self) -> "Worker":
        """A new worker process. Raises OSError."""
        memory = str(self._memory_limit_bytes)
        return Worker(await WorkerProcess.start(WORKER, memory, most_line_bytes=MAX_ANSWER_BYTES))

    def _request(self, path: FilePath, posters: PosterTarget) -> dict[str, Any]:
        return _request(path, posters, self._time_limit_s)

    async def _found(self, answer: Any, path: FilePath, posters: PosterTarget) -> ProbeResult:
        """The answer as a result. Raises as `probe` does, ValueError where it is none."""
        return read_answer(answer, path)

    def _sheet_request(self, wanted: SceneRequest) -> dict[str, Any]:
        return wanted.as_json() | wanted.places()

    async def _drawn(self, answer: Any, path: FilePath, wanted: SceneRequest) -> SceneTimes:
        """The answer as times, with the sheet in its place. Raises as `_found` does."""
        return read_scenes(answer, path)

    def _check_place(self, answer: Any) -> None:
        """Raise RemoteFileError where the answer says that the film is not there."""

    def _ended_by_itself(self, process_id: int, exit_code: int) -> None:
        log.warning("worker process %d ended by itself with exit code %d", process_id, exit_code)

    # --- Turns and ends ---

    def _leave(self, worker: "Worker | None", in_order: bool) -> None:
        if worker is None:
            self._turns.release()
        elif not in_order or self._closed or worker.jobs >= JOBS_PER_WORKER:
            self._end(worker, then_release=True)
        else:
            worker.retirement = asyncio.get_running_loop().call_later(
                self._idle_limit_s, self._retire, worker
            )
            self._idle.append(worker)
            self._turns.release()

    def _retire(self, worker: "Worker") -> None:
        self._idle.remove(worker)
        self._end(worker)

    def _end(self, worker: "Worker", then_release: bool = False) -> None:
        """Kills the worker.

        One that hangs in the disk cannot be killed: it keeps its turn until it is gone.
        """
        if worker.retirement is not None:
            worker.retirement.cancel()
        worker.process.kill()
        reaping = asyncio.create_task(self._reap(worker, then_release))
        self._ending.add(reaping)
        reaping.add_done_callback(self._ending.discard)

    async def _reap(self, worker: "Worker", then_release: bool) -> None:
        exit_code = await worker.process.wait()
        self._alive.discard(worker)
        if then_release:
            self._turns.release()
        if exit_code not in (0, -KILLED):
            self._ended_by_itself(worker.process.process_id, exit_code)


class Worker(Struct, eq=False):
    """A running worker process."""

    process: WorkerProcess
    jobs: int = 0
    busy_before_s: float = 0.0
    retirement: asyncio.TimerHandle | None = None

    async def ask(self, request: Mapping[str, Any]) -> Any:
        """The worker's answer.

        Raises EOFError or OSError when it is gone, ValueError when the answer is no JSON.
        """
        self.jobs += 1
        self.busy_before_s += self.busy_s()
        self.process.send(request)
        return await self.process.receive()

    def busy_s(self) -> float:
        """The processor time that the process used, in seconds; 0 where it is gone."""
        with contextlib.suppress(psutil.Error):
            times = psutil.Process(self.process.process_id).cpu_times()
            return float(times.user + times.system) - self.busy_before_s
        return 0.0

    async def has_crashed(self) -> bool:
        """True if the process ended by a fault of its own."""
        with contextlib.suppress(TimeoutError):
            code = await asyncio.wait_for(self.process.wait(), CLOSING_S)
            return -code in {getattr(signal, name, None) for name in CRASHES}
        return False


def _request(path: FilePath, posters: PosterTarget, time_limit_s: float) -> dict[str, Any]:
    # Names travel as hexadecimal: they need not be valid in any encoding.
    return {
        "path": os.fsencode(path).hex(),
        "time_limit_s": time_limit_s,
        "posters": [
            {
                "width": poster.width,
                "format": poster.format,
                "path": os.fsencode(poster.path).hex(),
                "partial": os.fsencode(poster.partial).hex(),
                "place": poster.place,
                "quality": poster.quality,
            }
            for poster in posters
        ],
    }
