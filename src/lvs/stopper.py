"""The orderly shutdown of the process."""

import asyncio
import os
import signal
import threading
from contextlib import suppress
from types import FrameType

STOP_LIMIT_SECONDS = 1.5  # after which the process ends, whatever still holds it


class Stopper:
    """Turns the first SIGINT or SIGTERM into an orderly shutdown with a time limit, and the second
    into an immediate exit.
    """

    def __init__(self) -> None:
        self._asked = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._event = asyncio.Event()
        for name in ("SIGINT", "SIGTERM", "SIGBREAK"):
            if hasattr(signal, name):
                signal.signal(getattr(signal, name), self._stop)

    async def wait(self) -> None:
        """Return when the process is asked to stop."""
        self._loop = asyncio.get_running_loop()
        if not self._asked:
            await self._event.wait()

    def _stop(self, number: int, _frame: FrameType | None) -> None:
        if self._asked:
            os._exit(128 + number)
        self._asked = True
        # A thread that hangs in a dead network mount cannot be ended otherwise. Every confirmed
        # write is in the database by now.
        limit = threading.Timer(STOP_LIMIT_SECONDS, _end_at_once)
        limit.daemon = True
        limit.start()
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._event.set)


def _end_at_once() -> None:
    with suppress(OSError):
        os.write(2, b"lvs: something did not stop in time; ended without it.\n")
    os._exit(1)
