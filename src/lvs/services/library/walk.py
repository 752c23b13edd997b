"""The walk through a library folder, and the files in it that are videos.

Blocking code: call it in a thread.
"""

import contextlib
import hashlib
import os
import stat
import time
from collections.abc import Callable, Collection, Iterator

from msgspec import Struct, field

from lvs.services.library.ignored import IgnoredPaths, matches

_DOT = ord(".")
FUTURE_NS = 24 * 3600 * 1_000_000_000  # clocks of other machines differ by less
NOTHING_IGNORED = IgnoredPaths(())


def legacy_alias(name: str) -> str:
    """The original Local Video Server's name for a video: SHA-256 of its file name, first 16 hex
    digits.
    """
    return hashlib.sha256(name.encode("utf-8", "surrogateescape")).hexdigest()[:16]


def is_hidden(path: bytes) -> bool:
    """True if the name or a folder above it starts with a dot."""
    return path.startswith(b".") or b"/." in path


def has_extension(name: bytes, endings: frozenset[bytes]) -> bool:
    """True if the file's extension is one of `endings` (lower case, with dot)."""
    dot = name.rfind(b".")
    return dot > 0 and name[dot:].strip().lower() in endings


class WalkResult(Struct):
    """Findings of a walk besides the files."""

    unread: list[bytes] = field(default_factory=list)  # folders that could not be read
    mounts: set[bytes] = field(
        default_factory=set
    )  # folders that are another disk's than the folder around them
    empty: bool = True  # whether the top held nothing at all
    links: int = 0  # links that were skipped
    hidden: int = 0  # video files and folders whose names begin with a dot
    odd_times: list[bytes] = field(default_factory=list)  # files changed in the future, or never
    # files and folders whose state cannot be read, with the system's message
    silent: dict[bytes, str] = field(default_factory=dict)

    def note_silent(self, path: bytes, error: OSError) -> None:
        """Remember why the state of a path cannot be read. Raises PermissionError if that is
        because its folder may only be listed.
        """
        if isinstance(error, PermissionError):
            raise error
        if not isinstance(error, FileNotFoundError):  # else it was removed meanwhile
            self.silent[path] = error.strerror or str(error)


FileStat = tuple[bytes, int, int]
"""A file as a walk sees it: path, size in bytes, modification time in ns. It equals a FoundFile."""


def walk(
    root: bytes,
    folder: bytes,
    endings: frozenset[bytes],
    seen: WalkResult,
    ignored: IgnoredPaths = NOTHING_IGNORED,
) -> Iterator[list[FileStat]]:
    """Yield the video files of a folder (relative to `root`) and of each folder below it, folder by
    folder, in no order.

    Hidden names, `ignored` paths and links are skipped: a link that leads inside would show a video
    twice; one that leads outside must not be followed.
    """
    if folder and ignored.is_ignored(root, folder, is_folder=True):
        return
    above = ignored.rules_above(root, folder)
    pending = [(folder, _device(os.path.join(root, folder)), above)]
    future = time.time_ns() + FUTURE_NS
    spelled = set(endings)  # and other spellings of them that were met
    while pending:
        current, device, above = pending.pop()
        prefix = current + b"/" if current else b""
        found: list[FileStat] = []
        folders: list[tuple[bytes, int]] = []
        try:
            with _opened(os.path.join(root, current) if current else root) as (
                names,
                file_state,
                descriptor,
            ):
                seen.empty = seen.empty and not names
                rules = ignored.rules_in(root, current, above, names)
                for name in names:
                    if name[0] == _DOT:
                        seen.hidden += _is_worth_telling(name, endings)
                        continue
                    try:
                        state = file_state(name, dir_fd=descriptor)
                    except OSError as error:
                        seen.note_silent(prefix + name, error)
                        continue
                    if stat.S_ISREG(state.st_mode):
                        if name[name.rfind(b".") :] in spelled or _learn(name, endings, spelled):
                            found.append((prefix + name, state.st_size, state.st_mtime_ns))
                    elif not stat.S_ISDIR(state.st_mode):
                        seen.links += stat.S_ISLNK(state.st_mode)
                    elif not ignored.has_name(name):
                        folders.append((prefix + name, state.st_dev))
        except OSError:
            seen.unread.append(current)
            continue
        if rules:
            found = [file for file in found if not matches(rules, file[0], is_folder=False)]
            folders = [each for each in folders if not matches(rules, each[0], is_folder=True)]
        seen.mounts.update(path for path, below_device in folders if below_device != device)
        pending += [(path, each, rules) for path, each in sorted(folders, reverse=True)]
        yield _with_storable_times(found, seen, future)


def _learn(name: bytes, endings: frozenset[bytes], spelled: set[bytes]) -> bool:
    """True if the name has one of the endings; this spelling of the ending is then remembered."""
    if known := has_extension(name, endings):
        spelled.add(name[name.rfind(b".") :])
    return known


def _with_storable_times(found: list[FileStat], seen: WalkResult, future: int) -> list[FileStat]:
    """The files with times that the database can store; odd ones are noted."""
    if all(0 < mtime_ns < future for _, _, mtime_ns in found):
        return found
    seen.odd_times += [path for path, _, mtime_ns in found if not 0 < mtime_ns < future]
    return [(path, size, storable(mtime_ns)) for path, size, mtime_ns in found]


def is_odd_time(mtime_ns: int) -> bool:
    """True if a modification time is impossible: in the future, or missing."""
    return not 0 < mtime_ns < time.time_ns() + FUTURE_NS


def _is_worth_telling(name: bytes, endings: frozenset[bytes]) -> bool:
    """True if a hidden name is a video file, and not one that macOS keeps beside each file."""
    return not name.startswith(b"._") and has_extension(name, endings)


def storable(mtime_ns: int) -> int:
    """The nearest time that the database can store: the years 1677 to 2262."""
    return max(-(1 << 63), min((1 << 63) - 1, mtime_ns))


@contextlib.contextmanager
def _opened(
    folder: bytes,
) -> Iterator[tuple[Collection[bytes], Callable[..., os.stat_result], int]]:
    """The names in a folder, and a function for the state of one, given the descriptor that comes
    with it. Raises OSError.
    """
    if os.stat in os.supports_dir_fd:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            yield (
                os.listdir(folder),
                os.lstat,
                descriptor,
            )  # so the system need not look up the whole path for each name
        finally:
            os.close(descriptor)
    else:  # Windows, whose folders hold the state of what lies in them
        with os.scandir(folder) as scan:
            entries = {entry.name: entry for entry in scan}
        yield entries, lambda name, dir_fd: entries[name].stat(follow_symlinks=False), -1


def _device(path: bytes) -> int | None:
    try:
        return os.stat(path).st_dev
    except OSError:
        return None


def below_any(path: bytes, folders: Collection[bytes]) -> bool:
    """True if a path is one of these or lies below one."""
    while path and path not in folders:
        path = path.rpartition(b"/")[0]
    return path in folders


def below(path: bytes, folder: bytes) -> bool:
    """True if a path lies in or below a folder; everything lies below the top (empty) folder."""
    return not folder or path == folder or path.startswith(folder + b"/")
