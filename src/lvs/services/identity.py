"""What a file's bytes say of its identity, and how a library folder is walked. Blocking code: call it in a thread."""

import contextlib
import hashlib
import os
import stat
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field

from lvs.models import Fingerprint

BLOCK_BYTES = 64 * 1024
OSHASH_SMALLEST_BYTES = 2 * BLOCK_BYTES
_DOT = ord(".")
OPEN_FLAGS = os.O_RDONLY | sum(getattr(os, name, 0) for name in ("O_BINARY", "O_CLOEXEC", "O_NONBLOCK", "O_NOFOLLOW"))


def fingerprint(path: bytes) -> tuple[Fingerprint, os.stat_result]:
    """Our hash and OpenSubtitles' hash of a file, from one read of at most 192 KiB, and the file's state at that moment.

    The first is BLAKE2b with an 8-byte digest over the size (8 bytes, big endian) and the first, middle and last 64 KiB, or
    over the whole of a file of at most 192 KiB. Raises OSError where the file cannot be read or is no regular file.
    """
    descriptor = os.open(path, OPEN_FLAGS)
    try:
        state = os.fstat(descriptor)
        if not stat.S_ISREG(state.st_mode):
            raise OSError("not a regular file")
        size = state.st_size
        if size <= 3 * BLOCK_BYTES:
            whole = _read(descriptor, 0, size)
            parts = [whole]
            first, last = whole[:BLOCK_BYTES], whole[-BLOCK_BYTES:]
        else:
            offsets = (0, (size - BLOCK_BYTES) // 2, size - BLOCK_BYTES)
            parts = [_read(descriptor, offset, BLOCK_BYTES) for offset in offsets]
            first, last = parts[0], parts[2]
    finally:
        os.close(descriptor)
    digest = hashlib.blake2b(size.to_bytes(8, "big"), digest_size=8)
    for part in parts:
        digest.update(part)
    return Fingerprint(digest.hexdigest(), _oshash(size, first, last)), state


def _read(descriptor: int, offset: int, length: int) -> bytes:
    """Up to `length` bytes from `offset`: fewer only where the file ends."""
    chunk = _pread(descriptor, length, offset)
    while 0 < len(chunk) < length and (more := _pread(descriptor, length - len(chunk), offset + len(chunk))):
        chunk += more
    return chunk


def _pread(descriptor: int, length: int, offset: int) -> bytes:
    if hasattr(os, "pread"):
        return os.pread(descriptor, length, offset)
    os.lseek(descriptor, offset, os.SEEK_SET)
    return os.read(descriptor, length)


def _oshash(size: int, first: bytes, last: bytes) -> str:
    """Size plus the sum of the 64-bit little-endian words of the first and last 64 KiB; empty for files too small for one."""
    if size < OSHASH_SMALLEST_BYTES or len(first) != BLOCK_BYTES or len(last) != BLOCK_BYTES:
        return ""
    import numpy as np  # noqa: PLC0415 - it takes its time, and a start without new films needs none of it

    words = sum(int(np.frombuffer(block, "<u8").sum(dtype=np.uint64)) for block in (first, last))
    return f"{(size + words) & 0xFFFF_FFFF_FFFF_FFFF:016x}"


def legacy_alias(name: str) -> str:
    """The name the original Local Video Server gave a video: SHA-256 of its file name, first 16 hex digits."""
    return hashlib.sha256(name.encode("utf-8", "surrogateescape")).hexdigest()[:16]


def is_hidden(path: bytes) -> bool:
    """Whether the name or a folder above it starts with a dot."""
    return path.startswith(b".") or b"/." in path


def has_format(name: bytes, endings: frozenset[bytes]) -> bool:
    """Whether the file's extension is one of `endings` (lower case, with dot)."""
    dot = name.rfind(b".")
    return dot > 0 and name[dot:].strip().lower() in endings


@dataclass(slots=True)
class Walk:
    """What a walk saw besides the files."""

    unread: list[bytes] = field(default_factory=list)  # folders that could not be read
    mounts: set[bytes] = field(default_factory=set)  # folders that are another disk's than the folder around them
    empty: bool = True  # whether the top held nothing at all


Seen = tuple[bytes, int, int]
"""A file as a walk sees it: path, size in bytes, modification time in ns. Equal to its FoundFile, and sooner made."""


def walk(root: bytes, folder: bytes, endings: frozenset[bytes], seen: Walk) -> Iterator[list[Seen]]:
    """The video files of a folder (relative to `root`) and of each folder below it, folder by folder, in no order.

    Hidden names and links are passed over: a link that leads inside would show a film twice; one that leads outside must not be
    followed.
    """
    pending = [(folder, _device(os.path.join(root, folder)))]
    spelled = set(endings)  # and other spellings of them that were met
    while pending:
        current, device = pending.pop()
        prefix = current + b"/" if current else b""
        found: list[Seen] = []
        folders: list[tuple[bytes, int]] = []
        try:
            with _opened(os.path.join(root, current) if current else root) as (names, look, descriptor):
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
def _opened(folder: bytes) -> Iterator[tuple[Collection[bytes], Callable[..., os.stat_result], int]]:
    """The names in a folder, and what tells the state of one, given the descriptor that comes with it. Raises OSError."""
    if os.stat in os.supports_dir_fd:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            yield os.listdir(folder), os.lstat, descriptor  # so the system need not look up the whole path for each name
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


def can_be_watched(root: bytes) -> bool:
    """Whether the system's notices can be used for a folder.

    watchfiles fails on every event about a name that is not UTF-8, also when such a file is only opened, and it follows links,
    even out of the folder.
    """
    pending = [root]
    while pending:
        try:
            with os.scandir(pending.pop()) as entries:
                for entry in entries:
                    if not _is_text(entry.name) or (entry.is_symlink() and entry.is_dir()):
                        return False
                    if entry.is_dir(follow_symlinks=False):
                        pending.append(entry.path)
        except OSError:
            continue
    return True


def _is_text(name: bytes) -> bool:
    try:
        name.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def below(path: bytes, folder: bytes) -> bool:
    """Whether a path lies in or below a folder; everything lies below the top (empty) folder."""
    return not folder or path == folder or path.startswith(folder + b"/")
