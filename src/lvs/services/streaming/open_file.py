"""A file of the library, opened so that nothing outside can be reached, and read in pieces of one
version.
"""

import asyncio
import errno
import logging
import os
import stat
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lvs.errors import NotFound, Unavailable
from lvs.models import display_path

log = logging.getLogger(__name__)

# EINVAL: what was a link when it was looked at was none any more when it was followed.
ABSENT = {errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG, errno.ENXIO, errno.EINVAL}
NO_SUCH_FILE = "There is no such video file."


class FileChangedError(Exception):
    """The file was written to after it was opened, so its bytes no longer belong to what was
    promised.
    """


class OpenFile:
    """A regular file held by its descriptor: `status` is its `fstat` when it was opened, `path`
    where it lies in its library.

    It may be renamed or replaced meanwhile; reading goes on from this file. Usable from any thread.
    """

    def __init__(self, descriptor: int, path: bytes) -> None:
        self._descriptor = descriptor
        self._lock = threading.Lock()
        self._readers = 0
        self._open = True
        self.path = path
        self.status = os.fstat(descriptor)

    def read(self, offset: int, size_bytes: int) -> bytes:
        """One to `size_bytes` bytes from `offset`.

        Raises FileChangedError, or OSError where the drive fails or it is closed.
        """
        with self._reading() as descriptor:
            chunk = _read_at(descriptor, size_bytes, offset)
            self._refuse_changed(descriptor)
        if not chunk:
            raise FileChangedError
        return chunk

    def fill_from_memory(self, offset: int, buffer: memoryview) -> bool:
        """Fill `buffer` from `offset` if the system has all of it in memory; False where the drive
        would have to be waited for.

        Raises FileChangedError, or OSError where it is closed.
        """
        if sys.platform != "linux":
            return False
        with self._reading() as descriptor:
            try:
                if os.preadv(descriptor, [buffer], offset, os.RWF_NOWAIT) < len(buffer):
                    return False
            except OSError:  # none of it is there, or this file system cannot tell
                return False
            self._refuse_changed(descriptor)
        return True

    def close(self) -> None:
        """Close it, or leave that to the read that is under way: its descriptor's number must not
        go to another file yet.
        """
        with self._lock:
            self._open = False
            self._release()

    @contextmanager
    def _reading(self) -> Iterator[int]:
        with self._lock:
            if not self._open:
                raise OSError(errno.EBADF, "the file is closed")
            self._readers += 1
        try:
            yield self._descriptor
        finally:
            with self._lock:
                self._readers -= 1
                self._release()

    def _refuse_changed(self, descriptor: int) -> None:
        # Asked after each read: a write stamps the file before its bytes can be seen.
        now = os.fstat(descriptor)
        if (now.st_size, now.st_mtime_ns) != (self.status.st_size, self.status.st_mtime_ns):
            raise FileChangedError

    def _release(self) -> None:
        if not self._open and not self._readers and self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def __del__(self) -> None:
        # Opened in a thread for a request that was cancelled meanwhile, nobody else could close it.
        self.close()


async def open_below(root: Path, relative: bytes) -> OpenFile:
    """The regular file at `relative` (`/` between folders) in the library folder `root`.

    Raises NotFound where there is none, or where links lead out of `root`; Unavailable where the
    folder or the file cannot be read for now.
    """
    return await asyncio.to_thread(open_below_now, root, relative)


def open_below_now(root: Path, relative: bytes) -> OpenFile:
    """`open_below` for callers that may wait."""
    strange = (b"\0", b"\\", b":") if sys.platform == "win32" else (b"\0",)
    if any(segment in {b"", b".", b".."} for segment in relative.split(b"/")) or any(
        sign in relative for sign in strange
    ):
        raise NotFound(NO_SUCH_FILE)
    try:
        real_root = os.path.realpath(os.fsencode(root), strict=True)
    except OSError as error:
        raise Unavailable(
            "The library folder cannot be reached. Is its drive connected?"
        ) from error
    try:
        return OpenFile(_open_regular(real_root, relative), relative)
    except OSError as error:
        if error.errno in ABSENT:
            raise NotFound(NO_SUCH_FILE) from None
        log.warning("cannot open %r: %s", display_path(relative), error.strerror)
        raise Unavailable("The video's file cannot be read for now.") from error


def _open_regular(real_root: bytes, relative: bytes) -> int:
    """Descriptor of the regular file.

    Raises NotFound where it is none or lies outside, OSError as the system does.
    """
    real = os.path.realpath(os.path.join(real_root, relative), strict=True)
    inside = real_root.rstrip(os.fsencode(os.sep)) + os.fsencode(os.sep)
    if not real.startswith(inside):
        raise NotFound(NO_SUCH_FILE)
    if sys.platform == "win32":
        descriptor = os.open(real, os.O_RDONLY | os.O_BINARY | os.O_NOINHERIT)
    else:
        # The links are resolved; from here on none is followed, so none that is put in between
        # leads out.
        *folders, name = real.removeprefix(inside).split(b"/")
        with _folder(real_root, folders) as folder:
            # A device or pipe can do things on being opened, so it is looked at first, and again
            # when it is held.
            _refuse_irregular(os.stat(name, dir_fd=folder, follow_symlinks=False))
            # Python sets O_CLOEXEC by itself (PEP 446).
            descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
    try:
        _refuse_irregular(os.fstat(descriptor))
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


@contextmanager
def _folder(real_root: bytes, folders: list[bytes]) -> Iterator[int]:
    """Descriptor of the folder that is reached from `real_root` through `folders`, none of them a
    link.
    """
    # O_PATH, where there is one, enters a folder whose names may not be listed.
    flags = os.O_DIRECTORY | os.O_NOFOLLOW | getattr(os, "O_PATH", os.O_RDONLY)
    descriptor = os.open(real_root, flags)
    try:
        for folder in folders:
            descriptor, left = os.open(folder, flags, dir_fd=descriptor), descriptor
            os.close(left)
        yield descriptor
    finally:
        os.close(descriptor)


def _refuse_irregular(status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise NotFound(NO_SUCH_FILE)


def _read_at(descriptor: int, size_bytes: int, offset: int) -> bytes:
    if sys.platform == "win32":
        # Each descriptor has one stream and each stream one read at a time, so nobody moves the
        # position in between.
        os.lseek(descriptor, offset, os.SEEK_SET)
        return os.read(descriptor, size_bytes)
    else:  # noqa: RET505 - the type checker tells platforms apart by branches
        return os.pread(descriptor, size_bytes, offset)
