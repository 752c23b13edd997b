"""The server's end of a watch process (`watch_worker.py`): starts it, collects its reports, ends
it.

Whatever the process does, the server waits for nothing but a pipe. A disk that answers slowly or
not at all, an endless tree and watchfiles itself can block or exhaust only that process, whose
memory is bounded.
"""

import asyncio
import json
import logging
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self

from msgspec import Struct, field

from lvs.services.library.watch_worker import WatchFailed, WatchFailure
from lvs.services.worker_process import WorkerProcess

log = logging.getLogger(__name__)

WORKER = "lvs.services.library.watch_worker"
MEMORY_LIMIT_BYTES = 1 << 29  # address space; a library of 20,000 folders takes 95 MB of it
MAX_LINE_BYTES = 1 << 20
PLACES_AT_MOST = 5000  # places waiting to be scanned; with more, the whole folder is scanned
CLOSING_S = 0.5


class FolderChanges(Struct):
    """Changes that a watch process reported since the last call."""

    places: set[bytes] = field(default_factory=set)
    everywhere: bool = False  # scan the whole folder: too much changed, or the watch has just begun


class WatchProcess:
    """A process that watches one library folder while the block runs. Raises WatchFailed if none
    can be started.
    """

    def __init__(
        self,
        top: bytes,
        ignored_folders: Sequence[str] = (),
        memory_limit_bytes: int = MEMORY_LIMIT_BYTES,
    ) -> None:
        self._top = top
        self._ignored_folders = ignored_folders
        self._memory_limit_bytes = memory_limit_bytes
        self._gathered = FolderChanges()
        self._failed: WatchFailed | None = None
        self._news = asyncio.Event()
        self.watching = False

    async def __aenter__(self) -> Self:
        ignored = json.dumps(self._ignored_folders)
        arguments = [self._top.hex(), ignored, str(self._memory_limit_bytes)]
        try:
            self._process = await WorkerProcess.start(
                *(WORKER, *arguments),
                most_line_bytes=MAX_LINE_BYTES,
                # Each thread would reserve 64 MB of the address space that it may have.
                MALLOC_ARENA_MAX="2",
            )
        except OSError as error:
            raise WatchFailed(WatchFailure.BROKEN, str(error)) from None
        self._reading = asyncio.create_task(self._read())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._reading.cancel()
        self._process.kill()
        # One that hangs in the disk cannot be killed: it ends when the disk answers.
        await asyncio.wait([asyncio.ensure_future(self._process.wait())], timeout=CLOSING_S)

    @property
    def process_id(self) -> int:
        """The process id."""
        return self._process.process_id

    async def changes(self) -> FolderChanges:
        """Wait for changes and return those since the last call. Raises WatchFailed when the
        process has stopped watching.
        """
        await self._news.wait()
        self._news.clear()
        gathered, self._gathered = self._gathered, FolderChanges()
        if self._failed is not None and not gathered.places and not gathered.everywhere:
            raise self._failed
        if self._failed is not None:
            self._news.set()
        return gathered

    async def _read(self) -> None:
        """Collect reports, so that the process never waits while earlier ones are handled."""
        try:
            while self._failed is None:
                self._take(await self._report())
                self._news.set()
        except (OSError, EOFError, ValueError, TypeError) as error:
            self._failed = WatchFailed(WatchFailure.BROKEN, repr(error))
        self._news.set()

    async def _report(self) -> dict[str, Any]:
        try:
            report = await self._process.receive()
        except EOFError:
            code = await self._process.wait()
            raise EOFError(f"the watch process ended with code {code}") from None
        if not isinstance(report, dict):
            raise TypeError("its report is not valid")
        return report

    def _take(self, report: dict[str, Any]) -> None:
        if "failed" in report:
            self._failed = WatchFailed(
                WatchFailure(report["failed"]), str(report.get("detail", ""))
            )
        elif report.get("state") == "watching":
            self.watching = self._gathered.everywhere = True
        elif report.get("rescan"):
            self._gathered.everywhere = True
        else:
            self._gathered.places.update(map(_place, report["changed"]))
        if len(self._gathered.places) > PLACES_AT_MOST:
            self._gathered = FolderChanges(everywhere=True)


def _place(name: str) -> bytes:
    """The place that a report names. Raises ValueError if it does not lie below the folder."""
    place = bytes.fromhex(name)
    if not place or {b"", b".", b".."} & set(place.split(b"/")):
        raise ValueError("it reported a place outside of its folder")
    return place
