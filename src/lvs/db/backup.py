"""Copies of a database file: made while it is in use, checked, counted, and put back. Blocking:
call it in a thread.

A backup is `lvs-<UTC time>-<kind>.db`, complete in itself. Beside it lie `….json` with the result
of its examination, and for the regular ones a folder of the same name with what people gave their
videos as JSON.
"""

import contextlib
import errno
import json
import logging
import os
import re
import secrets
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import psutil
from msgspec import Struct
from msgspec.structs import replace

from lvs.db.connection import BUSY_SECONDS, is_damage, readable_error
from lvs.db.wal import pragmas
from lvs.errors import Conflict, DatabaseDamaged, DiskFull, LvsError, NotFound, Unavailable

log = logging.getLogger(__name__)

PAGES_PER_STEP = 2000
INSTRUCTIONS_PER_STEP = 1_000_000
SPARE_BYTES = 1 << 20
RESULT_LIMIT_BYTES = 1 << 20
BEFORE_MIGRATION = "before-format-"

_NAME = re.compile(r"lvs-([0-9]{8}T[0-9]{6})Z-([a-z0-9-]{1,40})\.db", re.ASCII)
_PARTIAL = re.compile(r"\.partial-([0-9]{1,9})-[0-9a-f]{8}", re.ASCII)
_NO_ROOM = {errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)}
_STAMP = "%Y%m%dT%H%M%S"

# What a database of an older LVS does not have yet, and the table that it is in.
_LATER_TABLES = {
    "playlists": "playlists",
    "positions": "progress",
    "later": "later",
    "history": "history",
    "people": "people",
}

Progress = Callable[[int, int], None]
"""Told pages done and pages in all; what it raises ends the copy."""


class BackupCounts(Struct, frozen=True):
    """Counts of a database's content."""

    videos: int = 0
    files: int = 0
    ratings: int = 0
    tags: int = 0
    favorites: int = 0
    views: int = 0
    titles: int = 0
    playlists: int = 0
    positions: int = 0
    later: int = 0
    history: int = 0
    people: int = 0

    @property
    def curated(self) -> int:
        """The number of things that people made, without the history: a backup with more of that is
        not kept for longer, because what was removed from the history is to be gone.
        """
        shared = self.ratings + self.tags + self.favorites + self.views + self.titles
        return shared + self.playlists + self.positions + self.later + self.people


class Examination(Struct, frozen=True):
    """Result of examining a database.

    Without problems it is as good as the one it was copied from.
    """

    format: int
    counts: BackupCounts
    problems: tuple[str, ...] = ()


class Backup(Struct, frozen=True):
    """One backup in the folder.

    `examined` is None where nobody has checked it, or it was changed since.
    """

    path: Path
    kind: str
    made_at: datetime
    size_bytes: int
    examined: Examination | None

    @property
    def good(self) -> bool:
        return self.examined is not None and not self.examined.problems

    @property
    def counts(self) -> BackupCounts:
        return self.examined.counts if self.examined else BackupCounts()

    @property
    def snapshot(self) -> Path:
        """The folder with its JSON files."""
        return self.path.with_suffix("")

    @property
    def result(self) -> Path:
        return self.path.with_suffix(".json")


# --- Making one ---


def make(
    source: Path,
    folder: Path,
    kind: str,
    snapshot: Callable[[Path, Path], None] | None = None,
    progress: Progress | None = None,
    now: datetime | None = None,
) -> Backup:
    """A new backup of `source` in `folder`, whole and checked, or none at all.

    `snapshot` gets the copy and an empty folder, and writes the JSON files into it. Raises DiskFull
    where there is no room, DatabaseDamaged where the copy does not pass its examination,
    Unavailable where it cannot be made.
    """
    with _in_words(f"No backup could be made in {folder}"):
        folder.mkdir(parents=True, exist_ok=True)
        clear_partials(folder)
        _check_room(source, folder)
        partial = folder / f".partial-{os.getpid()}-{secrets.token_hex(4)}"
        partial.mkdir()
        try:
            examined = copy(source, partial / "copy.db", progress)
            size_bytes = (partial / "copy.db").stat().st_size
            result = msgspec.to_builtins(examined) | {"size_bytes": size_bytes}
            (partial / "result.json").write_text(
                json.dumps(result, indent=2) + "\n", encoding="utf-8"
            )
            if snapshot:
                (partial / "snapshot").mkdir()
                snapshot(partial / "copy.db", partial / "snapshot")
            return _into_place(partial, folder, kind, now or datetime.now(UTC), examined)
        finally:
            shutil.rmtree(partial, ignore_errors=True)


def _into_place(
    partial: Path, folder: Path, kind: str, made_at: datetime, examined: Examination
) -> Backup:
    """Give the finished files their names, the database last: where it lies, the rest does too."""
    made_at = made_at.replace(microsecond=0)
    while any(path.name.startswith(f"lvs-{made_at:{_STAMP}}Z-") for path in folder.iterdir()):
        made_at += timedelta(seconds=1)
    path = folder / f"lvs-{made_at:{_STAMP}}Z-{kind}.db"
    backup = Backup(path, kind, made_at, (partial / "copy.db").stat().st_size, examined)
    for file in partial.rglob("*"):
        sync(file)
    if (partial / "snapshot").is_dir():
        (partial / "snapshot").rename(backup.snapshot)
    (partial / "result.json").rename(backup.result)
    (partial / "copy.db").rename(path)
    sync(folder)
    return backup


def copy(source: Path, target: Path, progress: Progress | None = None) -> Examination:
    """Copy a database that may be in use to a new file, examine the copy, and compare its counts
    with the original's.

    Raises DatabaseDamaged where the copy is not sound, Conflict where `target` is there, DiskFull,
    Unavailable, OSError.
    """
    with _in_words(f"The database {source} cannot be copied"):
        os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
        with (
            closing(_connect(source)) as original,
            closing(sqlite3.connect(target, isolation_level=None)) as copied,
        ):
            # Held open, this keeps the copy one moment of the database however much is written
            # meanwhile.
            original.execute("BEGIN")
            counts = count(original)
            original.backup(copied, pages=PAGES_PER_STEP, progress=_step(progress), sleep=0.01)
            original.execute("ROLLBACK")
            copied.execute(
                "PRAGMA journal_mode = DELETE"
            )  # one file, that needs no other beside it
        examined = examine(target, progress)
    if examined.problems:
        raise DatabaseDamaged(f"The database {source} is damaged: {examined.problems[0]}.")
    if examined.counts != counts:
        raise DatabaseDamaged(f"The copy of {source} differs from the original.")
    return examined


def _step(progress: Progress | None) -> Callable[[int, int, int], None]:
    """Tells how far the copy is, and ends one that gets nowhere because another program holds the
    file.
    """
    last = (-1, time.monotonic())

    def step(_status: int, remaining: int, total: int) -> None:
        nonlocal last
        if remaining != last[0]:
            last = (remaining, time.monotonic())
        elif time.monotonic() - last[1] > BUSY_SECONDS:
            raise Unavailable("Another program holds the database; try again in a moment.")
        if progress:
            progress(total - remaining, total)

    return step


def _check_room(source: Path, folder: Path) -> None:
    """Raise DiskFull if a backup would take the last of the disk: ratings need room, too."""
    needed = SPARE_BYTES
    for path in (source, source.with_name(f"{source.name}-wal")):
        with contextlib.suppress(FileNotFoundError):
            needed += 2 * path.stat().st_size
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise DiskFull(
            f"The disk is too full for a backup in {folder}: it needs {needed >> 20} MiB,"
            f" {free >> 20} MiB are free."
        )


def before_migration(source: Path, folder: Path, old_format: int) -> Backup | None:
    """Back up a database before a migration; None where it holds no video yet."""
    if not counts_of(source).videos:
        return None
    return make(source, folder, f"{BEFORE_MIGRATION}{old_format}")


def clear_partials(folder: Path) -> None:
    """Remove what a process that was killed left half made."""
    for path in folder.iterdir():
        match = _PARTIAL.fullmatch(path.name)
        if match and not psutil.pid_exists(int(match[1])):
            shutil.rmtree(path, ignore_errors=True)


# --- Examining one ---


def examine(path: Path, progress: Progress | None = None) -> Examination:
    """Examine a whole database: every page, every index, every reference.

    Raises NotFound, DatabaseDamaged where it is no database at all, Unavailable where it cannot be
    read.
    """
    if not path.is_file():
        raise NotFound(f"There is no file {path}.")
    with _in_words(f"{path} cannot be read"), closing(_connect(path)) as database:
        if progress:  # what it raises ends this, too
            database.set_progress_handler(lambda: progress(1, 1), INSTRUCTIONS_PER_STEP)
        problems = [
            row[0] for row in database.execute("PRAGMA integrity_check(20)") if row[0] != "ok"
        ]
        if not problems:
            problems = [
                f"row {row[1]} of {row[0]} refers to a row of {row[2]} that is not there"
                for row in database.execute("PRAGMA foreign_key_check").fetchmany(20)
            ]
        [found_format] = database.execute("PRAGMA user_version").fetchone()
        try:
            counts = count(database)
        except sqlite3.Error as error:
            counts = BackupCounts()
            problems = problems or [f"it is no database of LVS ({error})"]
        return Examination(found_format, counts, tuple(problems))


def counts_of(path: Path) -> BackupCounts:
    """Counts of a database file's content. Raises DatabaseDamaged, Unavailable."""
    with _in_words(f"{path} cannot be read"), closing(_connect(path)) as database:
        return count(database)


def count(database: sqlite3.Connection) -> BackupCounts:
    """Counts of the open database's content. Raises sqlite3.Error where it is none of ours."""
    tables = {
        row[0] for row in database.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")
    }
    found: dict[str, int] = {}
    for name, sql in (
        ("videos", "SELECT count(*) FROM videos"),
        ("files", "SELECT count(*) FROM files WHERE missing_since IS NULL"),
        ("ratings", "SELECT count(*) FROM ratings"),
        ("tags", "SELECT count(*) FROM video_tags"),
        ("favorites", "SELECT count(*) FROM favorites"),
        ("views", "SELECT coalesce(sum(count), 0) FROM views"),
        ("titles", "SELECT count(*) FROM videos WHERE title_edited"),
        ("playlists", "SELECT count(*) FROM playlists"),
        ("positions", "SELECT count(*) FROM progress"),
        ("later", "SELECT count(*) FROM later"),
        ("history", "SELECT count(*) FROM history"),
        ("people", "SELECT count(*) FROM people WHERE removed_at IS NULL"),
    ):
        if name not in _LATER_TABLES or _LATER_TABLES[name] in tables:
            [found[name]] = database.execute(sql).fetchone()
    return BackupCounts(**found)


def listed(folder: Path) -> list[Backup]:
    """The backups in a folder, newest first."""
    try:
        names = [path for path in folder.iterdir() if _NAME.fullmatch(path.name) and path.is_file()]
    except OSError:
        return []
    found = [backup for path in names if (backup := _listed(path))]
    return sorted(found, key=lambda backup: (backup.made_at, backup.path.name), reverse=True)


def _listed(path: Path) -> Backup | None:
    match = _NAME.fullmatch(path.name)
    if match is None:
        return None
    try:
        made_at = datetime.strptime(match[1], _STAMP).replace(tzinfo=UTC)
        return Backup(path, match[2], made_at, path.stat().st_size, _result(path))
    except (ValueError, OSError):
        return None


def _result(path: Path) -> Examination | None:
    """Findings from when the backup was made; None where that is not known or the file is another
    since.
    """
    result = path.with_suffix(".json")
    try:
        if result.stat().st_size > RESULT_LIMIT_BYTES:
            return None
        found: dict[str, Any] = json.loads(result.read_bytes())
        if found["size_bytes"] != path.stat().st_size:
            return None
        counts = {
            name: int(found["counts"].get(name, 0)) for name in BackupCounts.__struct_fields__
        }
        return Examination(
            int(found["format"]), BackupCounts(**counts), tuple(map(str, found["problems"]))
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def newest_good(folder: Path) -> Backup | None:
    """The newest backup that is sound and holds anything; those of which it is not known are
    examined.
    """
    return next(
        (
            examined
            for backup in listed(folder)
            if (examined := checked(backup)).good and examined.counts.videos
        ),
        None,
    )


def checked(backup: Backup) -> Backup:
    """The same backup with its examination, made now where it was not known."""
    if backup.examined is not None:
        return backup
    try:
        return replace(backup, examined=examine(backup.path))
    except LvsError as error:
        return replace(backup, examined=Examination(0, BackupCounts(), (error.message,)))


def remove(backup: Backup) -> None:
    """Remove a backup and the files beside it. Raises OSError."""
    backup.path.unlink()
    backup.result.unlink(missing_ok=True)
    if backup.snapshot.is_dir():
        shutil.rmtree(backup.snapshot)


# --- A damaged database, and putting a backup in its place ---


def quarantine(path: Path) -> Path:
    """Rename a damaged database and what belongs to it, whole as it is; its new place.

    Raises OSError.
    """
    place = path.with_name(f"{path.name}.corrupt-{datetime.now(UTC):{_STAMP}}Z")
    while place.exists():
        place = place.with_name(f"{place.name}-again")
    for ending in ("", "-wal", "-shm", "-journal"):
        with contextlib.suppress(FileNotFoundError):
            path.with_name(path.name + ending).rename(place.with_name(place.name + ending))
    sync(path.parent)
    return place


def quarantined(path: Path) -> list[Path]:
    """The damaged databases that were put aside from this place, the latest first."""
    pattern = re.compile(rf"{re.escape(path.name)}\.corrupt-[0-9TZ]{{16}}(-again)*", re.ASCII)
    try:
        return sorted(
            (each for each in path.parent.iterdir() if pattern.fullmatch(each.name)), reverse=True
        )
    except OSError:
        return []


def refuse_missing_database(path: Path, backup_folder: Path) -> None:
    """Raise Unavailable if there is no database although there was one: an empty one must not look
    as if all was lost.
    """
    if path.is_file() and path.stat().st_size:
        return
    damaged, kept, wal = quarantined(path), newest_good(backup_folder), _wal_without_database(path)
    if not damaged and kept is None and wal is None:
        return
    gone = f"it was damaged and lies in {damaged[0]}" if damaged else "it is gone"
    raise Unavailable(
        f"There is no database {path}: {gone}. {restore_hint(kept)} To begin with an empty one,"
        f" move {damaged[0] if damaged else wal or backup_folder} to another place first."
    )


def _wal_without_database(path: Path) -> Path | None:
    """The journal of a database that is gone.

    SQLite would remove it, and with it the last changes.
    """
    wal = path.with_name(f"{path.name}-wal")
    has_database = path.is_file() and path.stat().st_size
    return wal if not has_database and wal.is_file() and wal.stat().st_size else None


def restore_hint(kept: Backup | None) -> str:
    """The message that names the newest good backup."""
    if kept is None:
        return "There is no backup of it."
    counts = kept.counts
    return (
        f"The newest good backup is of {kept.made_at.astimezone():%Y-%m-%d %H:%M} with"
        f" {counts.videos} videos and {counts.ratings} ratings; `lvs restore {kept.path}` brings it"
        " back."
    )


def put_back(source: Path, live: Path, progress: Progress | None = None) -> None:
    """Make the whole content of `live` that of `source`, in one transaction; `live` is made where
    it is not there.

    Raises DiskFull, Unavailable; `live` is as it was then.
    """
    if _wal_without_database(live):
        quarantine(live)
    with (
        _in_words(f"{source} cannot be restored"),
        closing(_connect(source)) as original,
        closing(sqlite3.connect(live, isolation_level=None, timeout=BUSY_SECONDS)) as database,
    ):
        for pragma in ("synchronous = FULL", *pragmas(live, checkpoints=True)):
            database.execute(f"PRAGMA {pragma}").fetchall()
        original.backup(database, pages=PAGES_PER_STEP, progress=_step(progress), sleep=0.01)
    sync(live)
    sync(live.parent)


def rows(path: Path, sql: str) -> Iterator[sqlite3.Row]:
    """The rows of a query on a database file, one by one."""
    with _in_words(f"{path} cannot be read"), closing(_connect(path)) as database:
        database.row_factory = sqlite3.Row
        yield from database.execute(sql)


def _connect(path: Path) -> sqlite3.Connection:
    """A connection that only reads."""
    address = f"{path.absolute().as_uri()}?mode=ro"
    database = sqlite3.connect(address, uri=True, isolation_level=None, timeout=BUSY_SECONDS)
    try:
        database.execute("PRAGMA schema_version").fetchone()
    except sqlite3.OperationalError:
        database.close()
        if not path.is_file() or path.with_name(f"{path.name}-wal").exists():
            raise
        # In a folder that cannot be written SQLite has no place for what a file in WAL mode needs
        # beside it.
        database = sqlite3.connect(f"{address}&immutable=1", uri=True, isolation_level=None)
    except sqlite3.Error:
        database.close()
        raise
    database.execute("PRAGMA query_only = ON")
    return database


@contextlib.contextmanager
def _in_words(what: str) -> Iterator[None]:
    """Say what went wrong in words; `what` begins the sentence."""
    try:
        yield
    except LvsError:
        raise
    except sqlite3.Error as error:
        if is_damage(error):
            raise DatabaseDamaged(f"{what}: it is damaged ({error}).") from error
        known = readable_error(error)
        raise (
            known if isinstance(known, DiskFull) else Unavailable(f"{what}: {error}.")
        ) from error
    except FileExistsError as error:
        raise Conflict(f"{what}: {error.filename} is there already.") from error
    except OSError as error:
        kind = DiskFull if error.errno in _NO_ROOM else Unavailable
        raise kind(f"{what}: {error.strerror or error}.") from error


def sync(path: Path) -> None:
    """Have a file, or the names in a folder, on disk before anything else is done."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except OSError:
        return  # Windows opens no folders
    try:
        os.fsync(descriptor)
    except OSError as error:
        if path.is_file():
            raise
        log.debug("%s cannot be synced: %s", path, error)
    finally:
        os.close(descriptor)
