"""Files on drives that count as away: the disk has the last word.

A drive that came back is noticed seconds later, and its films should play at once. One that hangs
must not take the server's threads with it, so there is one attempt for each drive at a time.
"""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from lvs.errors import LvsError
from lvs.services.streaming.open_file import OpenFile, open_below_now

ATTEMPT_SECONDS = 2.0


class OfflineDrives:
    """Tries to open files on drives that count as away, in the threads that read films."""

    def __init__(self, readers: ThreadPoolExecutor) -> None:
        self._readers = readers
        self._attempts: dict[int, asyncio.Future[OpenFile]] = {}  # by library folder

    async def open(self, root_id: int, root: Path, relative: bytes) -> OpenFile | None:
        """The file, or None where its drive does not give it within ATTEMPT_SECONDS."""
        if root_id in self._attempts:
            await asyncio.wait([self._attempts[root_id]], timeout=ATTEMPT_SECONDS)
        if root_id in self._attempts:
            return None
        loop = asyncio.get_running_loop()
        attempt = loop.run_in_executor(self._readers, open_below_now, root, relative)
        self._attempts[root_id] = attempt
        attempt.add_done_callback(lambda _: self._attempts.pop(root_id, None))
        attempt.add_done_callback(_retrieve)
        try:
            async with asyncio.timeout(ATTEMPT_SECONDS):
                return await asyncio.shield(attempt)
        except (TimeoutError, LvsError):
            return None


def _retrieve(attempt: "asyncio.Future[OpenFile]") -> None:
    """Take the outcome of an attempt that nobody waits for any more; OpenFile closes itself."""
    if not attempt.cancelled():
        attempt.exception()
