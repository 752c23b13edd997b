"""Which files of a library folder are videos, and how it is walked.

Blocking code: call it in a thread.
"""

import contextlib
import hashlib
import os
import stat
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field

_DOT = ord(".")


def legacy_alias(name: str) -> str:
    """The name the original Local Video Server gave a video: SHA-256 of its file name, first 16 hex
    digits.
    """
    return hashlib.sha256(name.encode("utf-8", "surrogateescape")).hexdigest()[:16]


def is_hidden(path: bytes) -> bool:
    """Whether the name or a folder above it starts with a dot."""
    return path.startswith(b".") or b"/." in path


def has_format(name: bytes, endings: frozenset[bytes]) -> bool:
    """Whether the file's extension is one of `endings` (lower case, with dot)."""
    dot = name.rfind(b".")
    return dot > 0 and name[dot:].strip().lower() in endings


@dataclass(slots=True)
class WalkResult:
    """What a walk saw besides the files."""

    unread: list[bytes] = field(default_factory=list)  # folders that could not be read
    mounts: set[bytes] = field(
        default_factory=set
    )  # folders that are another disk's than the folder around them
    empty: bool = True  # whether the top held nothing at all


Seen = tuple[bytes, int, int]
"""A file as a walk sees it: path, size in bytes, modification time in ns. Equal to its FoundFile, and sooner made."""


def walk(
    root: bytes, folder: bytes, endings: frozenset[bytes], seen: WalkResult
) -> Iterator[list[Seen]]:
    """The video files of a folder (relative to `root`) and of each folder below it, folder by
    folder, in no order.

    Hidden names and links are passed over: a link that leads inside would show a film twice; one
    that leads outside must not be followed.
    """
    pending = [(folder, _device(os.path.join(root, folder)))]
    spelled = set(endings)  # and other spellings of them that were met
    while pending:
        current, device = pending.pop()
        prefix = current + b"/" if current else b""
        found: list[Seen] = []
        folders: list[tuple[bytes, int]] = []
        try:
            with _opened(os.path.join(root, current) if current else root) as (
                names,
                look,
                descriptor,
            ):
                seen.empty = seen.empty and not names
                for name in names:
                    if name[0] == _DOT:
                        continue
                    try:
                        state = look(name, dir_fd=descriptor)
                    except OSError:
                        continue  # it left while we looked
                    if stat.S_ISREG(state.st_mode):
                        if (ending := name[name.rfind(b".") :]) in spelled:
                            found.append((prefix + name, state.st_size, state.st_mtime_ns))
                        elif has_format(name, endings):
                            spelled.add(ending)
                            found.append((prefix + name, state.st_size, state.st_mtime_ns))
                    elif stat.S_ISDIR(state.st_mode):
                        folders.append((prefix + name, state.st_dev))
        except OSError:
            seen.unread.append(current)
            continue
        seen.mounts.update(path for path, below_device in folders if below_device != device)
        pending += sorted(folders, reverse=True)
        yield found


@contextlib.contextmanager
def _opened(
    folder: bytes,
) -> Iterator[tuple[Collection[bytes], Callable[..., os.stat_result], int]]:
    """The names in a folder, and what tells the state of one, given the descriptor that comes with
    it. Raises OSError.
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


def below(path: bytes, folder: bytes) -> bool:
    """Whether a path lies in or below a folder; everything lies below the top (empty) folder."""
    return not folder or path == folder or path.startswith(folder + b"/")
