"""Fingerprints of files, taken from their bytes. Blocking code: call it in a thread."""

import hashlib
import os
import stat
import zlib
from collections.abc import Iterable

BLOCK_BYTES = 64 * 1024
OSHASH_SMALLEST_BYTES = 2 * BLOCK_BYTES
EXTENDED_WHOLE_BYTES = 64 << 20
WHOLE_PIECE_BYTES = 32 << 20
EXTENDED_BLOCKS = 256
EXTENDED_BLOCK_BYTES = 128 * 1024
UNIFORMITY_BYTES = 8 * 1024
UNIFORM_RATIO = 0.75  # of its size, compressed
OPEN_FLAGS = os.O_RDONLY | sum(
    getattr(os, name, 0) for name in ("O_BINARY", "O_CLOEXEC", "O_NONBLOCK", "O_NOFOLLOW")
)

FileHash = tuple[str, str, bool, int, int]
"""Our hash and OpenSubtitles' hash of a file (both 16 hex digits), whether what ours was taken from
looks like parts of many other files, and the size (bytes) and time (ns) the file had at that
moment.
"""
Failure = tuple[int, str]
"""Why a file could not be read: the system's error number (0 where it has none) and a message."""


def fingerprint(path: bytes) -> FileHash:
    """Both hashes of a file, from one read of at most 192 KiB, and the file's state at that moment.

    The samples of a larger file are uniform where its middle is a picture such as black: another
    file may have the same.

    The first is BLAKE2b with an 8-byte digest over the size (8 bytes, big endian) and the first,
    middle and last 64 KiB, or over the whole of a file of at most 192 KiB. Raises OSError where the
    file cannot be read or is no regular file.
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
        else:
            offsets = (0, (size - BLOCK_BYTES) // 2, size - BLOCK_BYTES)
            parts = [_read(descriptor, offset, BLOCK_BYTES) for offset in offsets]
    finally:
        os.close(descriptor)
    digest = hashlib.blake2b(size.to_bytes(8, "big"), digest_size=8)
    for part in parts:
        digest.update(part)
    oshash = (
        _oshash(size, parts[0][:BLOCK_BYTES], parts[-1][-BLOCK_BYTES:])
        if size >= OSHASH_SMALLEST_BYTES
        else ""
    )
    uniform = len(parts) > 1 and _is_uniform(parts[1])
    return digest.hexdigest(), oshash, uniform, size, _storable(state.st_mtime_ns)


def _storable(mtime_ns: int) -> int:
    """The same as `walk.storable`; this module imports next to nothing."""
    return max(-(1 << 63), min((1 << 63) - 1, mtime_ns))


def extended_fingerprint(path: bytes) -> str:
    """A hash (16 hex digits) of far more of a file than its fingerprint: of all of it up to
    EXTENDED_WHOLE_BYTES, else of EXTENDED_BLOCKS blocks spread over it.

    Empty where the file cannot be read.
    """
    try:
        descriptor = os.open(path, OPEN_FLAGS)
        try:
            size = os.fstat(descriptor).st_size
            digest = hashlib.blake2b(size.to_bytes(8, "big"), digest_size=8, person=b"lvs-extended")
            for offset in _offsets(size):
                digest.update(_read(descriptor, offset, EXTENDED_BLOCK_BYTES))
            return digest.hexdigest()
        finally:
            os.close(descriptor)
    except OSError:
        return ""


class WholeFingerprint:
    """A hash (16 hex digits) of all of a file, read piece by piece so that one can stop between."""

    def __init__(self, path: bytes) -> None:
        self._path = path
        self._offset = 0
        self._state: tuple[int, int] | None = None
        self._digest = hashlib.blake2b(digest_size=8, person=b"lvs-whole")

    def read_some(self) -> bool:
        """Read WHOLE_PIECE_BYTES more; False at the end. Raises OSError where the file cannot be
        read, or changed since the last piece.
        """
        descriptor = os.open(self._path, OPEN_FLAGS)
        try:
            state = os.fstat(descriptor)
            if self._state not in (None, (state.st_size, state.st_mtime_ns)):
                raise OSError("changed while it was read")
            self._state = (state.st_size, state.st_mtime_ns)
            end = min(self._offset + WHOLE_PIECE_BYTES, state.st_size)
            while self._offset < end:
                part = _read(descriptor, self._offset, min(1 << 20, end - self._offset))
                if not part:
                    raise OSError("became shorter while it was read")
                self._digest.update(part)
                self._offset += len(part)
            return end < state.st_size
        finally:
            os.close(descriptor)

    def hexdigest(self) -> str:
        return self._digest.hexdigest()


def _is_uniform(block: bytes) -> bool:
    """True if the middle of a block looks like the middle of many others. An encoder's output of
    moving pictures can hardly be compressed any further; that of black and silence can.
    """
    start = (len(block) - UNIFORMITY_BYTES) // 2
    part = block[start : start + UNIFORMITY_BYTES]
    return len(zlib.compress(part, 1)) < UNIFORM_RATIO * len(part)


def _offsets(size: int) -> Iterable[int]:
    if size <= EXTENDED_WHOLE_BYTES:
        return range(0, size, EXTENDED_BLOCK_BYTES)
    last = size - EXTENDED_BLOCK_BYTES
    return (last * number // (EXTENDED_BLOCKS - 1) for number in range(EXTENDED_BLOCKS))


def fingerprints(paths: Iterable[bytes]) -> list[FileHash | Failure]:
    """The results of `fingerprint` for these files, or why a file could not be read."""
    found: list[FileHash | Failure] = []
    for path in paths:
        try:
            found.append(fingerprint(path))
        except OSError as error:
            found.append((error.errno or 0, error.strerror or str(error)))
    return found


def _read(descriptor: int, offset: int, length: int) -> bytes:
    """Up to `length` bytes from `offset`: fewer only where the file ends."""
    chunk = _pread(descriptor, length, offset)
    while 0 < len(chunk) < length and (
        more := _pread(descriptor, length - len(chunk), offset + len(chunk))
    ):
        chunk += more
    return chunk


def _pread(descriptor: int, length: int, offset: int) -> bytes:
    if hasattr(os, "pread"):
        return os.pread(descriptor, length, offset)
    os.lseek(descriptor, offset, os.SEEK_SET)
    return os.read(descriptor, length)


def _oshash(size: int, first: bytes, last: bytes) -> str:
    """Size plus the sum of the 64-bit little-endian words of the first and last 64 KiB; empty where
    the file became shorter.
    """
    if len(first) != BLOCK_BYTES or len(last) != BLOCK_BYTES:
        return ""
    # Importing it takes time, and a start without new videos does not need it.
    import numpy as np  # noqa: PLC0415

    words = sum(int(np.frombuffer(block, "<u8").sum(dtype=np.uint64)) for block in (first, last))
    return f"{(size + words) & 0xFFFF_FFFF_FFFF_FFFF:016x}"
