"""Watches the library folders and tells the library what to scan again.

What happened there is for the library to find out.
"""

import asyncio
import contextlib
import functools
import logging
import math
import os
import time
from collections.abc import Awaitable, Callable, Collection

from lvs.errors import DiskFull, Unavailable
from lvs.models import Root
from lvs.services.library.library import Library
from lvs.services.library.watch_process import FolderChanges, WatchProcess
from lvs.services.library.watch_worker import WatchFailed, WatchFailure

log = logging.getLogger(__name__)

RETRY_S = 3.0
TRY_AGAIN_S = 600.0  # how long a folder that cannot be watched is polled before the next try
LASTING_S = 60.0
BROKEN_TRIES = 3
DRIVE_CHECK_S = 2.0
SETTLE_CHECK_S = 0.5
OTHERS_CHECK_S = 2.0
RESCAN_PAUSE_S = 2.0
RESCAN_SHARE = 20  # at most a twentieth of the time
POLL_SHARE = 4
# After a failed step everything is scanned again, because its changes would be lost otherwise.
AGAIN_S, AGAIN_MOST_S = 10.0, 300.0

REASONS = {
    WatchFailure.GONE: "it is not there",
    WatchFailure.WATCHES: "the limit fs.inotify.max_user_watches is used up",
    WatchFailure.INSTANCES: "the limit fs.inotify.max_user_instances is used up",
    WatchFailure.NAMES: "it holds names that are not UTF-8",
    WatchFailure.BROKEN: "watching it failed several times",
}


class Watcher:
    """Keeps the library up to date: follows changes, scans regularly, and notices drives that come
    and go.
    """

    def __init__(
        self, library: Library, mode: str, poll_interval_s: float, scan_interval_s: float
    ) -> None:
        self._library = library
        self._mode = mode
        self._poll_interval_s = poll_interval_s
        self._scan_interval_s = scan_interval_s
        self._wanted = asyncio.Event()
        self.state: dict[int, str] = {}
        self.failures: dict[int, WatchFailure] = {}
        self.scans_done = 0
        self._again: asyncio.TimerHandle | None = None
        self.again_s = AGAIN_S
        self._waited_s = 0.0  # the last delay, in a row of failures

    def scan_soon(self) -> None:
        """Request a full scan; several requests during a scan become one."""
        self._wanted.set()

    async def scans(self) -> None:
        """Scan at the start, on request, and regularly: watching alone loses events when too many
        come at once.
        """
        self._wanted.set()
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wanted.wait(), self._scan_interval_s or None)
            self._wanted.clear()
            if await self._run_logged(self._library.scan):
                self._waited_s = 0.0
            self.scans_done += 1

    async def drives(self) -> None:
        """Notice library folders that went away or came back."""
        while True:
            await asyncio.sleep(DRIVE_CHECK_S)
            for root_id in await self._drives_to_scan():
                await self._run_logged(functools.partial(self._library.scan_quietly, root_id))

    async def _drives_to_scan(self) -> Collection[int]:
        try:
            return await self._library.drives.check()
        except Exception:
            log.exception("the drives could not be checked; trying again")
            return ()

    async def settling(self) -> None:
        """Take in files that were still being written when they were first seen."""
        while True:
            await asyncio.sleep(SETTLE_CHECK_S)
            await self._run_logged(self._library.take_in_settled)

    async def others(self) -> None:
        """Notice changes of other programs to the database."""
        while True:
            await asyncio.sleep(OTHERS_CHECK_S)
            with contextlib.suppress(
                Unavailable, DiskFull
            ):  # those who write get the error; here it is only tried again
                await self._library.poll_database()

    async def watch(self, root: Root) -> None:
        """Follow one library folder for good: by a watch process, or by regular scans if that
        fails.
        """
        if self._mode == "off":
            self.state[root.id] = "off"
            return
        broken = 0
        while self._mode != "poll":
            began = time.monotonic()
            failed = await self._follow(root)
            broken = (
                broken + 1
                if failed.reason is WatchFailure.BROKEN and time.monotonic() - began < LASTING_S
                else 0
            )
            if failed.reason is WatchFailure.GONE or 0 < broken < BROKEN_TRIES:
                self.state[root.id] = "away" if failed.reason is WatchFailure.GONE else "starting"
                await asyncio.sleep(RETRY_S)  # a watch that begins scans the folder
                await self._until_there(root)
            else:
                await self._go_without(root, failed)
        await self._poll(root, "polling", self._poll_interval_s, POLL_SHARE)

    async def _follow(self, root: Root) -> WatchFailed:
        """Scan where the watch process reports changes, until it fails; the reason."""
        try:
            async with WatchProcess(root.path, self._library.ignored.folder_names) as process:
                while True:
                    await self._check(root, await process.changes())
        except WatchFailed as failed:
            if failed.reason is WatchFailure.BROKEN:
                log.warning(
                    "watching %s ended; restarting: %s", os.fsdecode(root.path), failed.detail
                )
            return failed

    async def _until_there(self, root: Root) -> None:
        while not await asyncio.to_thread(os.path.isdir, root.path):
            self.state[root.id] = "away"
            await asyncio.sleep(RETRY_S)

    async def _check(self, root: Root, changes: FolderChanges) -> None:
        if self.state.get(root.id) != "watching":
            self.state[root.id] = "watching"
            self.failures.pop(root.id, None)
            log.info("library folder %s is watched", os.fsdecode(root.path))
        if changes.everywhere:
            await self._run_logged(functools.partial(self._library.scan_quietly, root.id))
        elif changes.places:
            await self._run_logged(functools.partial(self._library.check, root, changes.places))

    async def _go_without(self, root: Root, failed: WatchFailed) -> None:
        """Poll a folder that cannot be watched for a while; then watching is tried again."""
        before = self.failures.get(root.id)
        self.failures[root.id] = failed.reason
        if before is not failed.reason:
            message = REASONS[failed.reason]
            log.warning(
                "library folder %s is polled (%s): %s",
                os.fsdecode(root.path),
                message,
                failed.detail,
            )
        if failed.reason is WatchFailure.NAMES:
            await self._poll(root, "rescanning", RESCAN_PAUSE_S, RESCAN_SHARE, TRY_AGAIN_S)
        else:
            await self._poll(root, "polling", self._poll_interval_s, POLL_SHARE, TRY_AGAIN_S)

    async def _poll(
        self, root: Root, state: str, pause_s: float, share: float, for_s: float = math.inf
    ) -> None:
        """Scan a folder regularly, with pauses of at least `share` times the length of a scan."""
        self.state[root.id] = state
        end = time.monotonic() + for_s
        while (started := time.monotonic()) < end:
            await self._run_logged(functools.partial(self._library.scan_quietly, root.id))
            await asyncio.sleep(max(pause_s, share * (time.monotonic() - started)))

    async def _run_logged(self, step: Callable[[], Awaitable[object]]) -> bool:
        """Run a step; True if it succeeded. Its error is logged, the watch goes on, and a scan
        makes up for it a while later.
        """
        try:
            await step()
        except Exception:
            log.exception("watching the library failed; trying again")
            if self._again is None:
                self._waited_s = min(2 * self._waited_s or self.again_s, AGAIN_MOST_S)
                loop = asyncio.get_running_loop()
                self._again = loop.call_later(self._waited_s, self._scan_again)
            return False
        return True

    def _scan_again(self) -> None:
        self._again = None
        self.scan_soon()
