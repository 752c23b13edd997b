"""Work that a button starts and that takes longer than a click: how far it is, and how it ended."""

import asyncio
import contextlib
import contextvars
import logging
import time
from collections.abc import Awaitable, Callable

from msgspec import Struct

from lvs.clock import now_ms
from lvs.db.query_stats import usage_of_request
from lvs.errors import Conflict, LvsError

log = logging.getLogger(__name__)


class BackgroundTask(Struct, eq=False):
    """One piece of work.

    `total` is 0 where nobody knows it; `message` says how it ended. Times are Unix milliseconds.
    """

    name: str
    label: str
    started_at: int
    began: float
    done: int = 0
    total: int = 0
    ended_at: int | None = None
    seconds: float = 0.0
    failed: bool = False
    message: str = ""

    @property
    def running(self) -> bool:
        return self.ended_at is None

    def reached(self, done: int, total: int) -> None:
        """Say how far it is."""
        self.done, self.total = done, total


Work = Callable[[BackgroundTask], Awaitable[str]]


class BackgroundTasks:
    """Runs such work, one of a name at a time, and remembers the last of each name until the server
    ends.
    """

    def __init__(self) -> None:
        self._latest: dict[str, BackgroundTask] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def start(self, name: str, label: str, work: Work) -> BackgroundTask:
        """Begin.

        `work` gives the message that says what came of it. Raises Conflict while one of that name
        runs.
        """
        known = self._latest.get(name)
        if known is not None and known.running:
            raise Conflict(f"“{known.label}” is already running. Wait until it has finished.")
        task = self._latest[name] = BackgroundTask(name, label, now_ms(), time.monotonic())
        context = contextvars.copy_context()
        context.run(
            usage_of_request.set, None
        )  # what it asks of the database is not the request's that began it
        self._tasks[name] = asyncio.create_task(self._run(task, work), context=context)
        return task

    def latest(self, name: str) -> BackgroundTask | None:
        """The one of that name that runs, or ran last."""
        return self._latest.get(name)

    def running(self) -> list[BackgroundTask]:
        """The running tasks."""
        return [task for task in self._latest.values() if task.running]

    async def wait_briefly(self, name: str, seconds: float) -> None:
        """Wait until it has ended, but no longer than that: what is quick is answered at once."""
        task = self._tasks.get(name)
        if task is not None:
            await asyncio.wait([task], timeout=seconds)

    async def run(self) -> None:
        """End what still runs when the server does."""
        try:
            await asyncio.Event().wait()
        finally:
            tasks = list(self._tasks.values())
            for task in tasks:
                task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.gather(*tasks, return_exceptions=True)

    async def _run(self, task: BackgroundTask, work: Work) -> None:
        try:
            task.message = await work(task)
        except LvsError as error:
            task.failed, task.message = True, error.message
        except asyncio.CancelledError:
            task.failed, task.message = True, "LVS was stopped before it was done."
            raise
        except Exception:
            log.exception("task “%s” failed", task.label)
            task.failed, task.message = True, "It went wrong. Details are in the log."
        finally:
            task.seconds = time.monotonic() - task.began
            task.ended_at = now_ms()
