"""One scan of the library folders, without a server: what they hold, what is new, and what stands
in the way.
"""

import asyncio
import contextlib
import logging
import os
import time
from collections.abc import AsyncIterator, Callable, Collection

from msgspec import Struct

from lvs.db import files
from lvs.errors import Invalid
from lvs.models import Root
from lvs.services.bundle import Services
from lvs.services.events import Event

log = logging.getLogger(__name__)

TELL_S = 0.2
SETTLE_GRACE_S = 2.0

Progress = Callable[[str], None]


class ScannedLibrary(Struct, frozen=True):
    """A library folder after the scan; `files` is how many videos lie in it."""

    path: bytes
    name: str
    files: int
    offline: bool


class ScanResult(Struct, frozen=True):
    """Result of a scan. The numbers are of videos, but for `seen`, which counts files."""

    libraries: tuple[ScannedLibrary, ...]
    seen: int
    added: int
    changed: int
    missing: int
    attached: int
    probed: int
    unreadable: int
    problems: tuple[str, ...]


async def scan_once(
    services: Services, probe: bool, progress: Progress = lambda _: None
) -> ScanResult:
    """Scan the configured folders, or all that are known where none is configured; other known
    folders stay as they are.

    With `probe` new files are probed (probe and poster) too. `progress` hears how far it is. Raises
    Invalid where there is no folder to scan, or one lies in another that is known.
    """
    library = services.library
    seen = _TouchedVideos(services)
    await services.database.open()
    try:
        await library.open(keep_others=True)
        roots = _wanted(services)
        async with _reporting(
            lambda: progress(
                f"{library.progress().files_seen} files seen, {library.progress().files_added} new"
            )
        ):
            await library.scan([root.id for root in roots])
            await _wait_until_settled(services)
        attached = await services.legacy.attach()
        if probe:
            async with _reporting(
                lambda: progress(
                    f"probing new videos: {services.jobs.queued + services.jobs.running} to do"
                )
            ):
                await _probe(services)
        return await _result(services, roots, seen, attached)
    finally:
        await services.probe_pool.close()
        await services.database.close()


class _TouchedVideos:
    """The videos that a scan touched."""

    def __init__(self, services: Services) -> None:
        self.ids: dict[Event, set[int]] = {
            event: set() for event in (Event.ADDED, Event.MODIFIED, Event.REMOVED)
        }
        for event, ids in self.ids.items():
            services.events.on(event, ids.update)


def _wanted(services: Services) -> list[Root]:
    configured = {
        os.path.realpath(os.fsencode(folder)) for folder in services.config.video_directory
    }
    roots = [
        root for root in services.library.active_roots if not configured or root.path in configured
    ]
    if not roots:
        raise Invalid(
            "No library folder is known yet. Say which folder holds the videos: lvs scan FOLDER, or"
            " set video_directory."
        )
    return roots


async def _wait_until_settled(services: Services) -> None:
    """Wait for files that were written a moment ago; one that is written for longer is the next
    scan's.
    """
    end = time.monotonic() + services.config.settle_seconds + SETTLE_GRACE_S
    while services.library.settling and time.monotonic() < end:
        await asyncio.sleep(TELL_S)
        await services.library.take_in_settled()


async def _probe(services: Services) -> None:
    """Probe everything that wants it, each video once."""
    try:
        await asyncio.to_thread(services.posters.prepare)
    except OSError as error:
        log.error("posters cannot be saved in %s: %s", services.posters.folder, error.strerror)
    jobs = services.jobs
    async with asyncio.TaskGroup() as group:
        steps = [jobs.feed(), *(jobs.work() for _ in range(services.probe_pool.workers))]
        tasks = [group.create_task(step) for step in steps]
        # The queue tells nobody that it is empty.
        while not jobs.sweeps_done or jobs.queued or jobs.running:  # noqa: ASYNC110
            await asyncio.sleep(TELL_S / 4)
        for task in tasks:
            task.cancel()


@contextlib.asynccontextmanager
async def _reporting(say: Callable[[], None]) -> AsyncIterator[None]:
    async def go_on() -> None:
        while True:
            say()
            await asyncio.sleep(TELL_S)

    task = asyncio.create_task(go_on())
    try:
        yield
    finally:
        task.cancel()


async def _result(
    services: Services, roots: Collection[Root], seen: _TouchedVideos, attached: int
) -> ScanResult:
    library, tally = services.library, services.jobs.tally
    async with services.database.read() as db:
        counts = await files.count_by_root(db)
    now = [library.roots[root.id] for root in roots]
    added, modified, removed = (
        seen.ids[event] for event in (Event.ADDED, Event.MODIFIED, Event.REMOVED)
    )
    progress = library.progress()
    problems = [
        f"{os.fsdecode(root.path)} is offline." for root in now if root.offline_since is not None
    ]
    problems += progress.errors
    if library.settling:
        problems.append(
            f"{library.settling} files are still being written; the next scan takes them in."
        )
    if tally.failed:
        problems.append(
            f"{tally.failed} videos could not be probed for now; the next scan tries again."
        )
    return ScanResult(
        libraries=tuple(
            ScannedLibrary(
                root.path, root.name, counts.get(root.id, 0), root.offline_since is not None
            )
            for root in now
        ),
        seen=progress.files_seen,
        added=len(added),
        changed=len(modified - added),
        missing=len(removed - modified - added),
        attached=attached,
        probed=tally.done + tally.unreadable,
        unreadable=tally.unreadable,
        problems=tuple(problems),
    )
