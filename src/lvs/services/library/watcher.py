"""Watches the library folders and tells the library where to look again.

What happened there, the library finds out itself.
"""

import asyncio
import contextlib
import functools
import logging
import os
import time
from collections.abc import Awaitable, Callable

from watchfiles import awatch

from lvs.errors import Full, Unavailable
from lvs.models import Root
from lvs.services.library.library import Library
from lvs.services.library.walk import can_be_watched

log = logging.getLogger(__name__)

DEBOUNCE_MS = 800  # the longest that changes are gathered for
STEP_MS = 100  # a batch ends when nothing happened for so long
RETRY_S = 10.0
DRIVE_CHECK_S = 5.0
SETTLE_CHECK_S = 0.5
OTHERS_CHECK_S = 2.0
RESCAN_PAUSE_S = 2.0
RESCAN_SHARE = 20


class Watcher:
    """Keeps the library true while it runs: follows changes, scans now and then, notices drives
    that come and go.
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
        self.scans_done = 0

    def scan_soon(self) -> None:
        """Ask for a full scan; several asked for while one runs are one."""
        self._wanted.set()

    async def scans(self) -> None:
        """Scan at the start, when asked, and every so often: watching alone loses events when too
        many come at once.
        """
        self._wanted.set()
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wanted.wait(), self._scan_interval_s or None)
            self._wanted.clear()
            await self._patiently(self._library.scan)
            self.scans_done += 1

    async def drives(self) -> None:
        """Notice library folders that went away or came back."""
        while True:
            await asyncio.sleep(DRIVE_CHECK_S)
            if await self._patiently(self._library.check_drives):
                self.scan_soon()

    async def settling(self) -> None:
        """Take in files that were still being written when they were first seen."""
        while True:
            await asyncio.sleep(SETTLE_CHECK_S)
            await self._patiently(self._library.take_in_settled)

    async def others(self) -> None:
        """Notice what other programs changed in the database."""
        while True:
            await asyncio.sleep(OTHERS_CHECK_S)
            with contextlib.suppress(
                Unavailable, Full
            ):  # whoever writes hears of it; here it is only asked again
                await self._library.hear_others()

    async def watch(self, root: Root) -> None:
        """Follow one library folder for good: by the system's notices, by polling, or by looking
        through it again and again.
        """
        if self._mode == "off":
            self.state[root.id] = "off"
            return
        polling = self._mode == "poll"
        while True:
            try:
                if not polling and not await asyncio.to_thread(can_be_watched, root.path):
                    await self._rescan(root)
                self.state[root.id] = "polling" if polling else "watching"
                await self._follow(root, polling)
            except FileNotFoundError:
                self.state[root.id] = "away"
            except OSError as error:
                # Most often the system's limit on watched folders (fs.inotify.max_user_watches).
                log.warning(
                    "folder %s cannot be watched (%s): polling it instead",
                    os.fsdecode(root.path),
                    error,
                )
                polling = True
            except (RuntimeError, ExceptionGroup) as error:
                log.warning("watching %s ended and begins again: %s", os.fsdecode(root.path), error)
            await asyncio.sleep(RETRY_S)
            self.scan_soon()  # whatever happened while nobody watched

    async def _rescan(self, root: Root) -> None:
        """Look through a folder again and again, at most a twentieth of the time."""
        self.state[root.id] = "rescanning"
        log.info(
            "folder %s holds links or names that are not UTF-8: it is looked through regularly",
            os.fsdecode(root.path),
        )
        while True:
            started = time.monotonic()
            await self._patiently(functools.partial(self._library.scan_quietly, root.id))
            await asyncio.sleep(max(RESCAN_PAUSE_S, RESCAN_SHARE * (time.monotonic() - started)))

    async def _follow(self, root: Root, polling: bool) -> None:
        top = os.fsdecode(root.path)
        if not await asyncio.to_thread(os.path.isdir, top):
            raise FileNotFoundError(top)
        changes = awatch(
            top,
            watch_filter=None,
            debounce=DEBOUNCE_MS,
            step=STEP_MS,
            force_polling=polling,
            poll_delay_ms=int(self._poll_interval_s * 1000),
            ignore_permission_denied=True,
        )
        async for batch in changes:
            places = {place for _, path in batch if (place := _place(top, path)) is not None}
            if places:
                await self._patiently(functools.partial(self._library.look_again, root, places))

    async def _patiently(self, step: Callable[[], Awaitable[object]]) -> object:
        """Run a step; what goes wrong in it is logged and the watch goes on."""
        try:
            return await step()
        except Exception:
            log.exception("looking after the library failed; it will be tried again")
            return None


def _place(top: str, path: str) -> bytes | None:
    """The place below the library folder, or None for the folder itself and hidden names.

    Names that are not UTF-8 arrive with U+FFFD in them: the folder around is looked through then.
    """
    relative = os.path.relpath(path, top)
    parts = [] if relative == "." else relative.split(os.sep)
    readable = []
    for part in parts:
        if "\ufffd" in part:
            break
        if part.startswith("."):
            return None
        readable.append(part)
    if not parts:
        return None
    return os.fsencode("/".join(readable))
