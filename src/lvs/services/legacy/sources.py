"""Finds the files of the original Local Video Server below the paths a person names.

Blocking code.
"""

import os
import re
from collections.abc import Collection, Iterable, Iterator
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from msgspec import Struct

from lvs.errors import NotFound
from lvs.services.library.walk import below, has_extension

SQLITE_HEADER = b"SQLite format 3\0"
SUBFOLDERS = (
    "",
    "data",
    "backup_json",
    "backups",
)  # where the original keeps its database, its JSON files and copies of them

_DATABASE = re.compile(r"video_metadata(?!.*-(wal|shm|journal)$)", re.IGNORECASE)
_DATABASE_ENDINGS = (".db", ".sqlite", ".sqlite3")
_STORE = re.compile(
    r"(ratings|views|tags|favorites|video_analytics)(?![a-z]).*\.json", re.IGNORECASE
)
_STAMP = re.compile(r"([0-9]{8})[-_]([0-9]{6})")


class SourceKind(StrEnum):
    """Kinds of the original's files."""

    DATABASE = "database"
    RATINGS = "ratings"
    VIEWS = "views"
    TAGS = "tags"
    FAVORITES = "favorites"
    ANALYTICS = "video_analytics"
    SIDECAR = "sidecar"
    UNKNOWN = "unknown"  # its name does not say; what is in it may


class Source(Struct, frozen=True):
    """One file.

    `video` names the video that a sidecar lies beside; a copy carries in its name when it was made.
    """

    path: Path
    kind: SourceKind
    saved_at: float
    is_copy: bool = False
    video: bytes = b""


class SourceFiles(Struct, frozen=True):
    """Files found, newest of each kind first, and folders that could not be read."""

    sources: tuple[Source, ...]
    unread: tuple[tuple[str, str], ...]


def find(
    paths: Iterable[Path], formats: Collection[str], libraries: Iterable[bytes]
) -> SourceFiles:
    """Every file of the original that these paths are or hold. Raises NotFound where a path is not
    there.

    `formats` are the extensions of videos; a sidecar in one of the `libraries` (real paths) lies
    beside a video of it.
    """
    endings = frozenset(ending.encode() for ending in formats)
    found: dict[Path, Source] = {}
    unread: list[tuple[str, str]] = []
    for path in paths:
        if path.is_dir():
            search = _in_folder(path, endings, tuple(libraries), unread)
        elif path.is_file():
            search = iter([_named_file(path, endings, tuple(libraries))])
        else:
            raise NotFound(
                f"{path} is not there."
                if not path.exists()
                else f"{path} is neither file nor folder."
            )
        for source in search:
            found.setdefault(source.path.resolve(), source)
    return SourceFiles(tuple(sorted(found.values(), key=_rank)), tuple(unread))


def _rank(source: Source) -> tuple[int, bool, float, str]:
    """The newest first. A database that was in use counts before every copy made of one."""
    in_use_first = source.is_copy and source.kind is SourceKind.DATABASE
    return (list(SourceKind).index(source.kind), in_use_first, -source.saved_at, str(source.path))


def _in_folder(
    folder: Path,
    endings: frozenset[bytes],
    libraries: tuple[bytes, ...],
    unread: list[tuple[str, str]],
) -> Iterator[Source]:
    stores = {folder / first / second for first in SUBFOLDERS for second in SUBFOLDERS}
    for where, folders, names in os.walk(
        folder, onerror=lambda error: unread.append((str(error.filename), _reason(error)))
    ):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            path = Path(where, name)
            if (
                name.startswith(".")
                or not (name.lower().endswith(".json") or _DATABASE.match(name))
                or not path.is_file()
            ):
                continue
            if _is_sidecar(name, endings):
                yield _sidecar(path, folder, libraries)
            elif (
                Path(where) in stores
                and _DATABASE.match(name)
                and not name.lower().endswith(".json")
            ):
                yield _source(path, SourceKind.DATABASE)
            elif Path(where) in stores and (store := _STORE.fullmatch(name)):
                yield _source(path, SourceKind(store[1].lower()))


def _named_file(path: Path, endings: frozenset[bytes], libraries: tuple[bytes, ...]) -> Source:
    """A file that was named itself may be called anything."""
    name = path.name
    if _is_sidecar(name, endings):
        return _sidecar(path, path.parent, libraries)
    with path.open("rb") as file:
        is_database = file.read(len(SQLITE_HEADER)) == SQLITE_HEADER
    named_database = name.lower().endswith(_DATABASE_ENDINGS) or _DATABASE.match(name)
    if is_database or (named_database and not name.lower().endswith(".json")):
        return _source(path, SourceKind.DATABASE)
    store = _STORE.fullmatch(name)
    return _source(path, SourceKind(store[1].lower()) if store else SourceKind.UNKNOWN)


def _is_sidecar(name: str, endings: frozenset[bytes]) -> bool:
    return name.lower().endswith(".json") and has_extension(os.fsencode(name[:-5]), endings)


def _sidecar(path: Path, folder: Path, libraries: tuple[bytes, ...]) -> Source:
    """The sidecar, with the path of its video as the library has it, or else below the folder that
    was named.
    """
    video = os.fsencode(path)[:-5]
    real = os.path.join(os.path.realpath(os.path.dirname(video)), os.path.basename(video))
    for library in libraries:
        if below(real, library):
            return Source(path, SourceKind.SIDECAR, 0.0, video=os.path.relpath(real, library))
    return Source(path, SourceKind.SIDECAR, 0.0, video=os.path.relpath(video, os.fsencode(folder)))


def _source(path: Path, kind: SourceKind) -> Source:
    stamp = _STAMP.search(path.name)
    if stamp:
        try:
            made_at = datetime.strptime(
                stamp[1] + stamp[2], "%Y%m%d%H%M%S"
            ).astimezone()  # the original stamps in local time
            return Source(path, kind, made_at.timestamp(), is_copy=True)
        except (ValueError, OverflowError):
            pass
    return Source(path, kind, path.stat().st_mtime, is_copy="backup" in path.name.lower())


def _reason(error: OSError) -> str:
    return error.strerror or str(error)
