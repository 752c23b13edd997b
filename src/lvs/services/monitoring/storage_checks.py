"""Disk checks of the doctor: permissions, kinds of file systems, speed, room, watching,
backups.
"""

import os
import random
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import unquote, urlsplit

from lvs.config import Config
from lvs.errors import NotFound
from lvs.file_systems import FileSystem, file_system_of
from lvs.services.monitoring.diagnosis import Condition, Diagnosis

INOTIFY = Path("/proc/sys/fs/inotify")
WALK_S = 8.0  # time for one walk through the library's folders
SPEED_S = 3.0  # time for reading from one library folder
SEEKS = 16
SEEK_BYTES = 4096
READ_BYTES = 64 << 20
CHUNK_BYTES = 1 << 20
SLOW_SEEK_S = 0.1
SLOW_BYTES_PER_S = 12_500_000  # a film of 100 Mbit/s
LARGE_FILE_BYTES = 1 << 20
LOW_BYTES = 2_000_000_000
EMPTY_BYTES = 100_000_000
OLD_BACKUP = timedelta(days=3)


def data_folder(config: Config) -> Iterator[Diagnosis]:
    """Check that the data folder can be written."""
    for name in ("data_directory", "thumbnail_directory"):
        folder: Path = getattr(config, name)
        place = _nearest(folder)
        problem = _cannot_write(place)
        if problem:
            message = f"{place} cannot be written by this user: {problem}."
            step = (
                f"Give the user that runs LVS the right to write there, or set {name} to another "
                "folder."
            )
            yield Diagnosis("data folder", Condition.ERROR, message, step)
        else:
            yield Diagnosis("data folder", Condition.OK, f"{folder} can be written.")


def database(config: Config) -> Iterator[Diagnosis]:
    """Check that the database lies on a disk of this machine."""
    folder = config.metadata_db.parent
    system = file_system_of(folder)
    if system is not None and system.refuses_databases:
        message = (
            f"{config.metadata_db} lies on a network share ({system.kind} at {system.mount}), "
            "where SQLite loses data."
        )
        step = "Set data_directory, or metadata_db alone, to a folder on a disk of this computer."
        yield Diagnosis("database", Condition.ERROR, message, step)
        return
    kind = f" ({system.kind})" if system else ""
    state = "is" if config.metadata_db.is_file() else "will be"
    yield Diagnosis("database", Condition.OK, f"The database {state} {config.metadata_db}{kind}.")


def free_space(config: Config) -> Iterator[Diagnosis]:
    """Check that there is room for ratings, posters and backups."""
    import shutil  # noqa: PLC0415

    folders = {_nearest(config.data_directory), _nearest(config.thumbnail_directory)}
    for folder in sorted(folders):
        free = shutil.disk_usage(folder).free
        text = f"{free / 1e9:.1f} GB are free at {folder}."
        if free < EMPTY_BYTES:
            yield Diagnosis(
                "free space",
                Condition.ERROR,
                text,
                "Delete something on this disk: ratings cannot be kept.",
            )
        elif free < LOW_BYTES:
            yield Diagnosis(
                "free space", Condition.WARNING, text, "Make room on this disk before it is full."
            )
        else:
            yield Diagnosis("free space", Condition.OK, text)


def library(config: Config) -> Iterator[Diagnosis]:
    """Check that every library folder is there and may be read."""
    if not config.video_directory:
        step = "Run `lvs serve FOLDER`, or set video_directory."
        yield Diagnosis("library", Condition.ERROR, "No library folder is configured.", step)
    for folder in config.video_directory:
        if not folder.is_dir():
            message = f"The library folder {folder} is not there."
            yield Diagnosis(
                "library",
                Condition.ERROR,
                message,
                "Connect its drive, mount it, or correct video_directory.",
            )
            continue
        refused = _unreadable(folder)
        if refused:
            message = f"{refused} may not be read by this user."
            step = (
                "Give the user that runs LVS the right to read it; on Linux that is r-x on every "
                "folder above, too."
            )
            yield Diagnosis("library", Condition.ERROR, message, step)
        elif not os.listdir(folder):
            message = f"The library folder {folder} is empty."
            yield Diagnosis(
                "library", Condition.WARNING, message, "Check that its drive is mounted there."
            )
        else:
            yield Diagnosis("library", Condition.OK, f"{folder} can be read.")


def watching(config: Config, inotify: Path = INOTIFY) -> Iterator[Diagnosis]:
    """Check that changes in the library are noticed, by the system or by polling."""
    if config.watch == "off":
        step = "Set watch to auto, unless new files are to be seen by scans only."
        yield Diagnosis(
            "watching", Condition.NOTE, "Watching is off: new files are found by scans only.", step
        )
        return
    for folder in config.video_directory:
        system = file_system_of(folder) if folder.is_dir() else None
        if system is not None and system.network:
            yield _on_a_share(config, folder, system)
    if config.watch == "auto":
        yield from _inotify(config, inotify)


def _on_a_share(config: Config, folder: Path, system: FileSystem) -> Diagnosis:
    if config.watch == "poll":
        message = (
            f"{folder} is a network share ({system.kind}); it is polled every "
            f"{config.poll_interval:g} s."
        )
        return Diagnosis("watching", Condition.OK, message)
    message = (
        f"{folder} is a network share ({system.kind}): nobody tells LVS of changes other machines "
        "make there."
    )
    return Diagnosis("watching", Condition.WARNING, message, "Set watch to poll.")


def _inotify(config: Config, limits: Path) -> Iterator[Diagnosis]:
    try:
        limit = int((limits / "max_user_watches").read_text())
        instances = int((limits / "max_user_instances").read_text())
    except (OSError, ValueError):
        return  # not Linux
    if instances < 16:
        step = (
            "Run: echo fs.inotify.max_user_instances=128 | sudo tee /etc/sysctl.d/60-lvs.conf && "
            "sudo sysctl --system"
        )
        message = f"Only {instances} programs may watch folders at a time."
        yield Diagnosis("watching", Condition.WARNING, message, step)
    folders, complete = _count_folders(config.video_directory)
    number = f"{folders} folders" if complete else f"more than {folders} folders"
    if folders > 0.8 * limit:
        wanted = max(524_288, 2 * folders)
        step = (
            f"Run: echo fs.inotify.max_user_watches={wanted} | sudo tee /etc/sysctl.d/60-lvs.conf "
            "&& sudo sysctl --system"
        )
        message = f"The library has {number}, and the system lets {limit} be watched."
        yield Diagnosis("watching", Condition.WARNING, message, step)
    else:
        yield Diagnosis(
            "watching", Condition.OK, f"The library has {number}; {limit:,} can be watched."
        )


def disk_speed(config: Config) -> Iterator[Diagnosis]:
    """Check that seeking and reading are fast enough for watching."""
    for folder in config.video_directory:
        file = _large_file(folder)
        if file is None:
            continue
        seek_s, rate = _measured(file)
        text = (
            f"{folder}: a jump takes {seek_s * 1000:.1f} ms, reading gives {rate / 1e6:.0f} MB/s."
        )
        if seek_s > SLOW_SEEK_S or rate < SLOW_BYTES_PER_S:
            step = (
                "Connect this drive by cable rather than Wi-Fi or a slow USB port; see what else "
                "uses it."
            )
            yield Diagnosis("disk speed", Condition.WARNING, text, step)
        else:
            yield Diagnosis("disk speed", Condition.OK, text)


def backups(config: Config) -> Iterator[Diagnosis]:
    """Check that there is a good backup of the last days, and one on another disk."""
    from lvs.db import backup  # noqa: PLC0415

    if not config.metadata_db.is_file():
        yield Diagnosis(
            "backups", Condition.OK, "There is no database yet, and nothing to back up."
        )
        return
    newest = backup.newest_good(config.data_directory / "backups")
    if newest is None:
        yield Diagnosis(
            "backups", Condition.WARNING, "There is no good backup.", "Run `lvs backup`."
        )
    else:
        step = "Leave LVS running overnight, or run `lvs backup` daily."
        yield _of_age("The last good backup is", newest.made_at, step)
    if config.replicate:
        yield _replica(config)
    if config.backup_directory:
        yield _second_place(config, Path(config.backup_directory))
    if not (config.replicate or config.backup_directory):
        message = (
            "Every copy lies on the disk of the database: if that disk dies, all ratings are gone."
        )
        step = "Set backup_directory to a folder on another disk or a share."
        yield Diagnosis("backups", Condition.NOTE, message, step)


def _of_age(what: str, made_at: datetime, step: str) -> Diagnosis:
    """A backup or copy of that time: well, or too old."""
    message = f"{what} of {made_at.astimezone():%Y-%m-%d %H:%M}."
    if datetime.now(UTC) - made_at > OLD_BACKUP:
        return Diagnosis("backups", Condition.WARNING, message, step)
    return Diagnosis("backups", Condition.OK, message)


def _second_place(config: Config, place: Path) -> Diagnosis:
    from lvs.services.backup import second_place  # noqa: PLC0415

    if _device(place) == _device(config.data_directory):
        message = f"backup_directory {place} is on the same disk as the database."
        step = "Mount its drive, or set backup_directory to another disk or a share."
        return Diagnosis("backups", Condition.WARNING, message, step)
    if not place.is_dir():
        message = f"backup_directory {place} is not there; its copies are made once it is."
        return Diagnosis("backups", Condition.WARNING, message, "Connect its drive, or mount it.")
    newest = second_place.newest_of(place)
    if newest is None:
        message = f"There is no copy of a backup in {place} yet."
        return Diagnosis("backups", Condition.NOTE, message, "Leave LVS running: it makes one.")
    what = f"The last copy elsewhere, in {place}, is"
    return _of_age(what, newest.made_at, "See what the log says of copies: `/admin/log`.")


def _replica(config: Config) -> Diagnosis:
    from lvs.services.backup import litestream  # noqa: PLC0415
    from lvs.services.backup.replication import Replication  # noqa: PLC0415

    try:
        litestream.program()
    except NotFound as error:
        message = "replicate is set, and Litestream is not installed."
        return Diagnosis("backups", Condition.ERROR, message, error.message)
    where = litestream.without_query(config.replicate)
    folder = Path(unquote(urlsplit(config.replicate).path))
    if where.startswith("file:") and _device(folder) == _device(config.data_directory):
        message = f"The replica {where} is on the same disk as the database."
        step = "Mount its drive, or set replicate to another disk or machine."
        return Diagnosis("backups", Condition.WARNING, message, step)
    last = Replication(config.replicate, config.metadata_db, config.data_directory).state()
    if last.rehearsal is None:
        message = f"The replica {where} was not restored on trial yet."
        return Diagnosis("backups", Condition.NOTE, message, "Leave LVS running: it tries it.")
    at = datetime.fromtimestamp(last.rehearsal.at / 1000, UTC).astimezone()
    if last.rehearsal.problem:
        message = f"The replica could not be restored on trial: {last.rehearsal.problem}"
        step = "Leave LVS running, which copies everything anew, and check again in an hour."
        return Diagnosis("backups", Condition.WARNING, message, step)
    message = f"The replica {where} was restored on trial on {at:%Y-%m-%d %H:%M}."
    return Diagnosis("backups", Condition.OK, message)


# --- Measuring ---


def _nearest(folder: Path) -> Path:
    """The folder, or the nearest above it that is there."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return folder


def _cannot_write(folder: Path) -> str:
    """The reason no file can be made in the folder; empty where one can."""
    try:
        with tempfile.TemporaryFile(dir=folder, prefix=".lvs-doctor-"):
            return ""
    except OSError as error:
        return error.strerror or str(error)


def _unreadable(folder: Path) -> str:
    """The first place among the folder and what lies directly in it that may not be read; empty
    where all may.
    """
    try:
        entries = [entry for _, entry in zip(range(200), os.scandir(folder), strict=False)]
    except OSError:
        return str(folder)
    for entry in entries:
        mode = os.R_OK | os.X_OK if entry.is_dir() else os.R_OK
        if not os.access(entry.path, mode) and not entry.is_symlink():
            return entry.path
    return ""


def _count_folders(folders: tuple[Path, ...]) -> tuple[int, bool]:
    """The number of folders in the library, and True if all of them were counted in the time
    there is.
    """
    end = time.monotonic() + WALK_S
    count = 0
    for folder in folders:
        for _ in os.walk(folder):
            count += 1
            if time.monotonic() > end:
                return count, False
    return count, True


def _large_file(folder: Path) -> Path | None:
    """A large file below the folder: the largest of those found first."""
    end = time.monotonic() + WALK_S / 4
    best: tuple[int, Path] | None = None
    for path, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):
                size = os.lstat(os.path.join(path, name)).st_size
                if size >= LARGE_FILE_BYTES and (best is None or size > best[0]):
                    best = (size, Path(path, name))
        if time.monotonic() > end or (best and best[0] > READ_BYTES):
            break
    return best[1] if best else None


def _measured(path: Path) -> tuple[float, float]:
    """The median time of a jump in seconds, and the rate of reading on in bytes a second, past the
    system's cache.
    """
    with path.open("rb", buffering=0) as file:
        descriptor, size = file.fileno(), os.fstat(file.fileno()).st_size
        _forget(descriptor)
        times = []
        end = time.monotonic() + SPEED_S
        for _ in range(SEEKS):
            started = time.perf_counter()
            file.seek(random.randrange(max(1, size - SEEK_BYTES)))  # noqa: S311  no secret
            file.read(SEEK_BYTES)
            times.append(time.perf_counter() - started)
            if time.monotonic() > end:
                break
        _forget(descriptor)
        file.seek(0)
        started, read = time.perf_counter(), 0
        while read < READ_BYTES and (part := file.read(CHUNK_BYTES)):
            read += len(part)
            if time.perf_counter() - started > SPEED_S:
                break
        return sorted(times)[len(times) // 2], read / max(1e-9, time.perf_counter() - started)


def _forget(descriptor: int) -> None:
    """Have the system read from the disk again, where it can be asked to."""
    if hasattr(os, "posix_fadvise"):
        with suppress(OSError):
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)


def _device(folder: Path) -> int:
    return os.stat(_nearest(folder)).st_dev
