"""Room on the disks: what LVS itself takes, and what is left.

A drive that does not answer holds up nobody.
"""

import asyncio
import contextlib
import logging
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

from msgspec import Struct

from lvs.config import Config
from lvs.services.library.library import Library
from lvs.services.media.posters import PosterStore
from lvs.services.media.scene_store import SceneStore

T = TypeVar("T")

log = logging.getLogger(__name__)

DISK_S = 5.0
FOLDER_S = 60.0
PATIENCE_S = 1.5
SHARE = 100  # walking through folders takes at most so small a part of the time

LOW_BYTES = 2_000_000_000  # the alarm before it is full
FULL_BYTES = 100_000_000


class Disk(Struct, frozen=True):
    """The file system that holds a folder; `free_bytes` is what LVS may use of it."""

    total_bytes: int
    free_bytes: int
    read_only: bool

    @property
    def used(self) -> float:
        """The used share, 0 to 1."""
        return 1 - self.free_bytes / self.total_bytes if self.total_bytes else 0.0

    @property
    def full(self) -> bool:
        return self.free_bytes < min(FULL_BYTES, self.total_bytes // 10)

    @property
    def is_low(self) -> bool:
        return self.free_bytes < min(LOW_BYTES, self.total_bytes // 5)


class LibraryDisk(Struct, frozen=True):
    """A library folder and its disk, which is None while it does not answer."""

    root_id: int
    name: str
    path: bytes
    offline_since: int | None
    disk: Disk | None
    answers: bool


class Storage(Struct, frozen=True):
    """Room taken and room left.

    A size that is not known yet, or a disk that does not answer, is None.
    """

    data: Disk | None
    thumbnails_disk: Disk | None
    database_bytes: int
    wal_bytes: int
    thumbnails_bytes: int | None
    scenes_bytes: int | None
    """None where scenes are switched off."""
    scenes_limit_bytes: int
    backups_bytes: int | None
    log_bytes: int | None
    libraries: tuple[LibraryDisk, ...]


class _AgingValue(Generic[T]):
    """A value that is asked for again when it has aged; while an answer is overdue the last one
    stands.
    """

    def __init__(self, load: Callable[[], T], age_s: float) -> None:
        self._load = load
        self._age_s = age_s
        self._asking: asyncio.Task[None] | None = None
        self._next_at = 0.0
        self.value: T | None = None
        self.answers = True

    async def now(self) -> T | None:
        """The value; None where there never was one, or where it cannot be had.

        Waits once for an answer that is overdue.
        """
        if self._asking is None and time.monotonic() >= self._next_at:
            self._asking = asyncio.create_task(self._ask())
        asking = self._asking
        if asking is not None and self.answers:
            await asyncio.wait([asking], timeout=PATIENCE_S)
            self.answers = asking.done()
        return self.value

    async def _ask(self) -> None:
        started = time.monotonic()
        try:
            self.value = await asyncio.to_thread(self._load)
        except OSError as error:
            log.warning("the size of a folder could not be measured: %s", error)
        finally:
            now = time.monotonic()
            self._next_at = now + max(self._age_s, SHARE * (now - started))
            self._asking, self.answers = None, True


class StorageMonitor:
    """Measures the disks on request, and not too often."""

    def __init__(
        self,
        config: Config,
        library: Library,
        posters: PosterStore,
        scenes: SceneStore | None = None,
    ) -> None:
        self._scenes = scenes
        self._config = config
        self._library = library
        self._disks: dict[str, _AgingValue[Disk | None]] = {}
        self.disk_s = DISK_S
        self._thumbnails = _AgingValue(posters.size_bytes, FOLDER_S)
        self._backups = _AgingValue(
            lambda: folder_bytes(config.data_directory / "backups"), FOLDER_S
        )
        self._logs = _AgingValue(lambda: folder_bytes(config.data_directory / "logs"), FOLDER_S)

    async def now(self) -> Storage:
        """The present state, at most seconds old; folders are measured at most once a minute."""
        database = self._config.metadata_db
        roots = self._library.active_roots
        await asyncio.gather(*(self._disk(os.fsdecode(root.path)).now() for root in roots))
        libraries = []
        for root in roots:
            disk = self._disk(os.fsdecode(root.path))
            libraries.append(
                LibraryDisk(
                    root.id, root.name, root.path, root.offline_since, disk.value, disk.answers
                )
            )
        return Storage(
            data=await self.data(),
            thumbnails_disk=await self._disk(os.fspath(self._config.thumbnail_directory)).now(),
            database_bytes=_size_bytes(database),
            wal_bytes=_size_bytes(database.with_name(database.name + "-wal")),
            thumbnails_bytes=await self._thumbnails.now(),
            scenes_bytes=self._scenes.size_bytes if self._scenes else None,
            scenes_limit_bytes=self._scenes.limit_bytes if self._scenes else 0,
            backups_bytes=await self._backups.now(),
            log_bytes=await self._logs.now(),
            libraries=tuple(libraries),
        )

    async def data(self) -> Disk | None:
        """The disk that holds the database."""
        return await self._disk(os.fspath(self._config.metadata_db.parent)).now()

    def hanging(self) -> list[str]:
        """Names of library folders whose drive does not answer."""
        return [
            root.name
            for root in self._library.active_roots
            if not self._disk(os.fsdecode(root.path)).answers
        ]

    def _disk(self, path: str) -> _AgingValue[Disk | None]:
        if path not in self._disks:
            self._disks[path] = _AgingValue(lambda: disk_of(path), self.disk_s)
        return self._disks[path]


def disk_of(path: str) -> Disk | None:
    """The file system under a folder, or under the nearest folder above that is there; None where
    it cannot be asked.
    """
    place = Path(path)
    while not place.exists() and place != place.parent:
        place = place.parent
    try:
        usage = shutil.disk_usage(place)
        read_only = (
            bool(os.statvfs(place).f_flag & os.ST_RDONLY) if hasattr(os, "statvfs") else False
        )
    except OSError:
        return None
    return Disk(usage.total, usage.free, read_only)


def folder_bytes(folder: Path) -> int:
    """Bytes that the files in and below a folder take on disk."""
    total = 0
    for path, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):
                total += os.lstat(os.path.join(path, name)).st_size
    return total


def _size_bytes(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
