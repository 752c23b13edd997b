"""Copies of the backups in a second place: another disk, or a share. A place that is away is caught
up with later.

Blocking functions, and one class that runs them in a thread for as long as the server lives.
"""

import asyncio
import errno
import logging
import os
import secrets
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from msgspec import Struct

from lvs import clock
from lvs.db import backup
from lvs.db.backup import Backup
from lvs.errors import DatabaseDamaged, DiskFull, LvsError, Unavailable
from lvs.file_systems import file_system_of
from lvs.services.backup.backups import superfluous

log = logging.getLogger(__name__)

FIRST_POLL_S = 45.0  # after the start, which has enough to do
POLL_S = 60.0
COPIED_AT_ONCE = 20
MARK = "lvs-backups.txt"
_MARK_TEXT = (
    "LVS keeps copies of its backups in this folder (option backup_directory). It writes here "
    "only while this file is present.\n"
)
_NO_ROOM = {errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)}


class SecondPlaceState(Struct, frozen=True):
    """State of the copies. `away_since` is in Unix milliseconds; `newest` was examined where it
    lies.
    """

    folder: Path
    newest: Backup | None = None
    waiting: int = 0
    away_since: int | None = None
    failure: str = ""


@dataclass(slots=True, eq=False)
class SecondPlace:
    """Keeps the copies. `folder` is None where there is no second place."""

    backups: Path
    folder: Path | None
    first_poll_s: float = FIRST_POLL_S
    poll_s: float = POLL_S
    now_ms: Callable[[], int] = clock.now_ms
    _state: SecondPlaceState | None = field(default=None, init=False)
    _stopping: bool = field(default=False, init=False)

    def state(self) -> SecondPlaceState | None:
        """State of the copies at the last check; None where there is no second place."""
        if self.folder is None:
            return None
        return self._state or SecondPlaceState(self.folder)

    async def run(self) -> None:
        """Copy every new backup soon after it was made, for as long as the server runs."""
        if self.folder is None:
            return
        await asyncio.sleep(self.first_poll_s)
        while True:
            await self.catch_up()
            await asyncio.sleep(self.poll_s)

    async def catch_up(self) -> None:
        """Copy what is lacking there; failures are kept in the state."""
        if self.folder is None:
            return
        try:
            await asyncio.to_thread(self._catch_up, self.folder)
        except asyncio.CancelledError:
            self._stopping = True  # ends the thread with the next part of a file
            raise

    def _catch_up(self, folder: Path) -> None:
        before = self.state()
        away_since, failure = None, ""
        try:
            prepare(self.backups, folder)
            for each in missing_copies(self.backups, folder)[:COPIED_AT_ONCE]:
                copied = copy(each, folder, self._go_on)
                log.info("backup %s copied to %s and checked", copied.path.name, folder)
            prune(folder)
        except Unavailable as error:
            away_since = (before.away_since if before else None) or self.now_ms()
            failure = error.message
        except (LvsError, OSError) as error:
            failure = str(error)
        if failure and failure != (before.failure if before else ""):
            log.warning("%s", failure)
        newest = newest_of(folder) if away_since is None else before.newest if before else None
        waiting = len(missing_copies(self.backups, folder))
        self._state = SecondPlaceState(folder, newest, waiting, away_since, failure)

    def _go_on(self) -> None:
        if self._stopping:
            raise Unavailable("LVS is stopping.")


def prepare(backups: Path, folder: Path) -> None:
    """Have the folder ready. Raises Unavailable while its disk is away.

    A drive that is not mounted leaves its mount point behind, an empty folder on the wrong disk. A
    mark in the folder, and one beside the backups that says it was set and on which disk, tell the
    two apart. A drive that takes the place of another, or that was not there yet when the first
    mark was set, is begun anew.
    """
    known = backups / f".second-place-{_digest(folder)}"
    disk, marked = _disk_of(folder), (folder / MARK).is_file()
    former = known.read_text(encoding="utf-8") if known.exists() else None
    if former is not None and not _may_use(disk, former, marked):
        raise Unavailable(
            f"The folder {folder} for copies of backups is away. Connect its drive; LVS "
            "then catches up by itself."
        )
    try:
        if not marked:
            folder.mkdir(exist_ok=True)
            (folder / MARK).write_text(_MARK_TEXT, encoding="utf-8")
        if former != disk:
            backups.mkdir(parents=True, exist_ok=True)
            known.write_text(disk, encoding="utf-8")
    except FileNotFoundError:
        raise Unavailable(
            f"There is no folder {folder.parent} for copies of backups. Mount its drive, or "
            "correct backup_directory."
        ) from None
    except OSError as error:
        raise Unavailable(
            f"Nothing can be written into {folder}: {error.strerror or error}."
        ) from None
    backup.clear_partials(folder)


def _disk_of(folder: Path) -> str:
    """The disk on which a folder lies, or would lie: a number and the place it is mounted at."""
    nearest = folder if folder.exists() else folder.parent
    try:
        number = os.statvfs(nearest).f_fsid if hasattr(os, "statvfs") else nearest.stat().st_dev
    except OSError:
        return ""
    system = file_system_of(nearest)
    return f"{number} {system.mount if system else ''}"


def _may_use(disk: str, former: str, marked: bool) -> bool:
    """True where a folder on this disk may be written, and was last seen on the former one.

    Not where the former was mounted below, and is gone. Without the mark only where another disk
    is mounted in the former's place, or below.
    """
    number, _, mount = disk.partition(" ")
    former_number, _, former_mount = former.partition(" ")
    if not (mount and former_mount):  # unknown, as before disks were remembered
        return marked
    if not Path(mount).is_relative_to(former_mount):
        return False
    return marked or number != former_number


def missing_copies(backups: Path, folder: Path) -> list[Backup]:
    """The good backups that have no copy in the folder and would be kept there, newest first."""
    good = [each for each in backup.listed(backups) if each.good]
    there = {each.path.name: each for each in backup.listed(folder) if each.good}
    missing = [each for each in good if each.path.name not in there]
    unwanted = {each.path for each in superfluous([*there.values(), *missing])}
    return [each for each in missing if each.path not in unwanted]


def copy(source: Backup, folder: Path, go_on: Callable[[], None] = lambda: None) -> Backup:
    """Copy one backup with what lies beside it, and examine the copy where it lies.

    Raises DiskFull, DatabaseDamaged where the copy is not sound, Unavailable where the place cannot
    be written.
    """
    partial = folder / f".partial-{os.getpid()}-{secrets.token_hex(4)}"
    try:
        partial.mkdir()
        _copy_file(source.path, partial / source.path.name, go_on)
        if source.snapshot.is_dir():
            shutil.copytree(
                source.snapshot, partial / source.snapshot.name, copy_function=shutil.copyfile
            )
        shutil.copyfile(source.result, partial / source.result.name)
        examined = backup.examine(partial / source.path.name)
        if examined.problems or examined.counts != source.counts:
            raise DatabaseDamaged(
                f"The copy of {source.path.name} in {folder} differs from the original. Check "
                "that disk."
            )
        return _into_place(source, partial, folder)
    except OSError as error:
        kind = DiskFull if error.errno in _NO_ROOM else Unavailable
        raise kind(f"No backup can be copied to {folder}: {error.strerror or error}.") from None
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def prune(folder: Path) -> None:
    """Remove copies that are too many, by the rule for backups."""
    for each in superfluous(backup.listed(folder)):
        try:
            backup.remove(each)
        except OSError as error:
            log.warning("the old copy %s cannot be removed: %s", each.path, error)


def newest_of(folder: Path) -> Backup | None:
    """The newest good copy that holds anything."""
    return next((each for each in backup.listed(folder) if each.good and each.counts.videos), None)


def is_behind(folder: Path, now: datetime, age_s: float) -> bool:
    """True where the newest copy is older than that, or there is none."""
    newest = newest_of(folder)
    return newest is None or (now - newest.made_at).total_seconds() > age_s


def _copy_file(source: Path, target: Path, go_on: Callable[[], None]) -> None:
    with source.open("rb") as read, target.open("wb") as written:
        while part := read.read(1 << 20):
            go_on()
            written.write(part)
        written.flush()
        os.fsync(written.fileno())


def _into_place(source: Backup, partial: Path, folder: Path) -> Backup:
    """Give the copied files their names, the database last: where it lies, the rest does too."""
    for name in (source.snapshot.name, source.result.name, source.path.name):
        if (partial / name).exists():
            if (folder / name).is_dir():
                shutil.rmtree(folder / name)
            os.replace(partial / name, folder / name)
    backup.sync(folder)
    found = next(
        (each for each in backup.listed(folder) if each.path.name == source.path.name), None
    )
    if found is None:
        raise Unavailable(f"{folder} does not keep what is written to it.")
    return found


def _digest(folder: Path) -> str:
    import hashlib  # noqa: PLC0415

    return hashlib.blake2b(os.fsencode(folder), digest_size=6).hexdigest()
