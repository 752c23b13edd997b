"""Backups: one each night, seven days and four weeks of them kept, each opened, checked and
counted when it is made.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from msgspec import Struct
from msgspec.structs import asdict

from lvs.clock import now_ms
from lvs.db import backup
from lvs.db.backup import Backup, BackupCounts, Progress
from lvs.errors import DatabaseDamaged, LvsError
from lvs.services.backup import snapshots
from lvs.services.metrics import timed

log = logging.getLogger(__name__)

NIGHTLY, MANUAL, BEFORE_RESTORE = "nightly", "manual", "before-restore"
NIGHT_ENDS = timedelta(hours=3)  # local time at which a new backup is due
DAYS_KEPT = 7
WEEKS_KEPT = 4
MANUAL_KEPT = 10
BEFORE_KEPT = 3
FIRST_CHECK_S = 30.0  # after the start, which has enough to do
CHECK_S = 60.0
RETRY_S = 3600.0


class BackupState(Struct, frozen=True):
    """State of the backups, for the dashboard. Times are Unix milliseconds."""

    running: bool = False
    newest: Backup | None = None
    kept: int = 0
    failure: str | None = None
    failed_at: int | None = None


class Backups:
    """Makes backups of one database file and knows those there are."""

    def __init__(self, database_path: Path, folder: Path) -> None:
        self.folder = folder
        self._database_path = database_path
        self._lock = asyncio.Lock()
        self._failure: tuple[str, int] | None = None
        self._retry_at = 0.0
        self._stopping = False

    async def state(self) -> BackupState:
        """The present state."""
        found = await asyncio.to_thread(backup.listed, self.folder)
        failure, failed_at = self._failure or (None, None)
        newest = next((each for each in found if each.good and each.counts.videos), None)
        return BackupState(self._lock.locked(), newest, len(found), failure, failed_at)

    @timed("backups.make", memory=True)
    async def make(self, kind: str = MANUAL, now: datetime | None = None) -> Backup | None:
        """A new backup, named by the time; None where there is nothing in the database yet.

        Raises DiskFull, DatabaseDamaged, Unavailable.
        """
        async with self._lock:
            try:
                made = await asyncio.to_thread(
                    make, self._database_path, self.folder, kind, self._go_on, now
                )
            except asyncio.CancelledError:
                self._stopping = True  # ends the thread with its next step
                raise
            except LvsError as error:
                self._failure = (error.message, now_ms())
                self._retry_at = time.monotonic() + RETRY_S
                log.error("the backup failed: %s", error.message)
                raise
            self._failure = None
            if made:
                log.info(
                    "backup %s made and checked: it holds %s",
                    made.path.name,
                    in_words(made.counts),
                )
            return made

    def _go_on(self, _done: int, _total: int) -> None:
        if self._stopping:
            raise InterruptedError("LVS is stopping")

    async def nightly(self, first_check_s: float = FIRST_CHECK_S) -> None:
        """Make a backup whenever one is due, for as long as the server runs."""
        await asyncio.sleep(first_check_s)
        while True:
            try:
                due = time.monotonic() >= self._retry_at and await asyncio.to_thread(
                    is_due, self.folder, datetime.now(UTC)
                )
                if due and await self.make(NIGHTLY) is None:
                    self._retry_at = (
                        time.monotonic() + RETRY_S
                    )  # an empty database is no news every minute
            except LvsError:
                pass  # it stands in the log and in the state
            except Exception as error:
                self._retry_at = time.monotonic() + RETRY_S
                self._failure = (f"The backup went wrong: {error}", now_ms())
                log.exception("the backup failed unexpectedly")
            await asyncio.sleep(CHECK_S)

    async def quarantine(self, error: DatabaseDamaged) -> DatabaseDamaged:
        """Rename the damaged database, and give the message that says so and how to go on."""
        try:
            place = await asyncio.to_thread(backup.quarantine, self._database_path)
        except OSError as problem:
            return DatabaseDamaged(f"{error.message} It cannot be put aside: {problem.strerror}.")
        kept = await asyncio.to_thread(backup.newest_good, self.folder)
        log.error("the damaged database is now %s", place)
        return DatabaseDamaged(
            f"{error.message} It was put aside as {place}. {backup.restore_hint(kept)}"
        )


def make(
    database_path: Path,
    folder: Path,
    kind: str,
    progress: Progress | None = None,
    now: datetime | None = None,
) -> Backup | None:
    """A new backup with its JSON files, and those that are too many removed.

    Blocking; see Backups.make.
    """
    counts = backup.counts_of(database_path)
    if not (counts.videos or counts.curated):
        kept = backup.newest_good(folder)
        if kept:
            log.warning(
                "no backup was made: the database is empty, and the one of %s holds %d videos",
                kept.made_at,
                kept.counts.videos,
            )
        return None
    made = backup.make(database_path, folder, kind, snapshots.write, progress, now)
    for old in superfluous(backup.listed(folder)):
        try:
            backup.remove(old)
        except OSError as error:
            log.warning("the old backup %s cannot be removed: %s", old.path, error)
    return made


_NOUNS = {
    "later": ("video for later", "videos for later"),
    "history": ("line of the history", "lines of the history"),
    "people": ("person", "people"),
}


def in_words(counts: BackupCounts) -> str:
    """A database's counts in words."""
    numbers = {"videos": counts.videos} | {
        name: value for name, value in asdict(counts).items() if name not in ("videos", "files")
    }
    nouns = {name: _NOUNS.get(name, (name[:-1], name)) for name in numbers}
    return ", ".join(f"{value} {nouns[name][value != 1]}" for name, value in numbers.items())


def is_due(folder: Path, now: datetime) -> bool:
    """True if today has no backup yet.

    By the day and not by the age, so that a clock that jumps makes no difference.
    """
    return not any(
        _day(each) == _day_of(now)
        for each in backup.listed(folder)
        if each.good and each.kind == NIGHTLY
    )


def superfluous(found: Iterable[Backup]) -> list[Backup]:
    """The superfluous ones among these backups.

    Kept are the latest of seven days and of four weeks, some of those made by hand or before a
    change, whatever nobody has checked, and always the one that holds most of what people
    gave: days of an emptied database must not push it out.
    """
    good = sorted(
        (each for each in found if each.good), key=lambda each: each.made_at, reverse=True
    )
    kept = {each.path for each in good[:1]}
    nightly = [each for each in good if each.kind == NIGHTLY]
    kept |= _latest_of_each(nightly, _day, DAYS_KEPT) | _latest_of_each(nightly, _week, WEEKS_KEPT)
    for kind in {each.kind for each in good} - {NIGHTLY}:
        same = [each.path for each in good if each.kind == kind]
        kept.update(same[: MANUAL_KEPT if kind == MANUAL else BEFORE_KEPT])
    if good:
        kept.add(
            max(good, key=lambda each: (each.counts.curated, each.counts.videos, each.made_at)).path
        )
    return [each for each in good if each.path not in kept]


def _latest_of_each(
    found: Iterable[Backup], period: Callable[[Backup], object], number: int
) -> set[Path]:
    latest: dict[object, Path] = {}
    for each in found:  # newest first
        latest.setdefault(period(each), each.path)
    return set(list(latest.values())[:number])


def _day(made: Backup) -> date:
    return _day_of(made.made_at)


def _week(made: Backup) -> tuple[int, int]:
    return _day(made).isocalendar()[:2]


def _day_of(moment: datetime) -> date:
    return (moment.astimezone() - NIGHT_ENDS).date()
