"""Work that several may ask for at the same time, and that is done once for all of them."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from msgspec import Struct

from lvs.errors import Unavailable

Value = TypeVar("Value")


class _Job(Struct):
    """Work that several may wait for."""

    task: "asyncio.Task[Any]"
    waiters: int = 0


class SharedWork:
    """Jobs by what they make."""

    def __init__(self) -> None:
        self._jobs: dict[str, _Job] = {}

    def __len__(self) -> int:
        return len(self._jobs)

    def close(self) -> None:
        """End every job. Whoever waits for one gets Unavailable."""
        for job in list(self._jobs.values()):
            job.task.cancel()

    async def once(self, address: str, work: Callable[[], Coroutine[Any, Any, Value]]) -> Value:
        """The result of the work under this address, begun where nobody waits for it yet; it ends
        with its last waiter.
        """
        job = self._jobs.get(address)
        if job is None:
            job = self._jobs[address] = _Job(asyncio.create_task(work()))
            job.task.add_done_callback(lambda task: self._done(address, task))
        job.waiters += 1
        try:
            found: Value = await asyncio.shield(job.task)
        except asyncio.CancelledError:
            if job.task.cancelled():  # not the visitor left, but the server stops
                raise Unavailable("LVS is stopping.") from None
            raise
        finally:
            job.waiters -= 1
            if not job.waiters and not job.task.done():
                job.task.cancel()
                self._jobs.pop(address, None)
        return found

    def _done(self, address: str, task: "asyncio.Task[Any]") -> None:
        job = self._jobs.get(address)
        if job is not None and job.task is task:
            del self._jobs[address]
        if not task.cancelled():
            task.exception()  # whoever waits gets it; nobody may wait
