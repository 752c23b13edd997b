"""A video file's bytes on their way to a viewer: opened safely, read in pieces, watched while they flow.

The bytes are copied, never handed over by `sendfile`: that sends the file's own pages, so a change to the file would still reach
bytes that were checked and sent but not yet received (sendfile(2), Notes).
"""

import asyncio
import errno
import itertools
import logging
import os
import stat
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn, Protocol, Self

from lvs.errors import NotFound, TooMany, Unavailable
from lvs.models import shown
from lvs.services.limiter import visitor_of

log = logging.getLogger(__name__)

# Twice as much gained at most a fifth of the throughput and cost twice the memory of each viewer (benchmarks/streaming.py).
CHUNK_BYTES = 512 * 1024
STALL_SECONDS = 300.0
STREAMS_PER_CLIENT = 80
RETRY_SECONDS = 5
# Reads that wait for a sleeping or vanished drive hold one thread each; the rest of the server has its own threads.
READER_THREADS = 16

# EINVAL: what was a link when it was looked at was none any more when it was followed.
ABSENT = {errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG, errno.ENXIO, errno.EINVAL}
NO_SUCH_FILE = "There is no such video file."


class FileChangedError(Exception):
    """The file was written to after it was opened, so its bytes no longer belong to what was promised."""


class Connection(Protocol):
    """What the sending of a stream needs of the client's connection."""

    def unsent_bytes(self) -> int:
        """Bytes handed over that the client has not taken yet."""

    def abort(self) -> None:
        """Cut the connection at once."""


class OpenedFile:
    """A regular file held by its descriptor: `status` is its `fstat` when it was opened, `path` where it lies in its library.

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
        """One to `size_bytes` bytes from `offset`. Raises FileChangedError, or OSError where the drive fails or it is closed."""
        with self._reading() as descriptor:
            chunk = _read_at(descriptor, size_bytes, offset)
            self._refuse_changed(descriptor)
        if not chunk:
            raise FileChangedError
        return chunk

    def fill_from_memory(self, offset: int, buffer: memoryview) -> bool:
        """Fill `buffer` from `offset` if the system has all of it in memory; False where the drive would have to be waited for.

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
        """Close it, or leave that to the read that is under way: its descriptor's number must not go to another file yet."""
        with self._lock:
            self._open = False
            self._let_go()

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
                self._let_go()

    def _refuse_changed(self, descriptor: int) -> None:
        # Asked after each read: a write stamps the file before its bytes can be seen.
        now = os.fstat(descriptor)
        if (now.st_size, now.st_mtime_ns) != (self.status.st_size, self.status.st_mtime_ns):
            raise FileChangedError

    def _let_go(self) -> None:
        if not self._open and not self._readers and self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def __del__(self) -> None:
        # Opened in a thread for a request that was cancelled meanwhile, nobody else could close it.
        self.close()


async def open_below(root: Path, relative: bytes) -> OpenedFile:
    """The regular file at `relative` (`/` between folders) in the library folder `root`.

    Raises NotFound where there is none, or where links lead out of `root`; Unavailable where the folder or the file cannot be
    read for now.
    """
    return await asyncio.to_thread(open_below_now, root, relative)


def open_below_now(root: Path, relative: bytes) -> OpenedFile:
    """`open_below` for callers that may wait."""
    strange = (b"\0", b"\\", b":") if sys.platform == "win32" else (b"\0",)
    if any(segment in {b"", b".", b".."} for segment in relative.split(b"/")) or any(sign in relative for sign in strange):
        raise NotFound(NO_SUCH_FILE)
    try:
        real_root = os.path.realpath(os.fsencode(root), strict=True)
    except OSError as error:
        raise Unavailable("The library folder cannot be reached. Is its drive connected?") from error
    try:
        return OpenedFile(_open_regular(real_root, relative), relative)
    except OSError as error:
        if error.errno in ABSENT:
            raise NotFound(NO_SUCH_FILE) from None
        log.warning("cannot open %r: %s", shown(relative), error.strerror)
        raise Unavailable("The video's file cannot be read for now.") from error


def _open_regular(real_root: bytes, relative: bytes) -> int:
    """Descriptor of the regular file. Raises NotFound where it is none or lies outside, OSError as the system does."""
    real = os.path.realpath(os.path.join(real_root, relative), strict=True)
    inside = real_root.rstrip(os.fsencode(os.sep)) + os.fsencode(os.sep)
    if not real.startswith(inside):
        raise NotFound(NO_SUCH_FILE)
    if sys.platform == "win32":
        descriptor = os.open(real, os.O_RDONLY | os.O_BINARY | os.O_NOINHERIT)
    else:
        # The links are resolved; from here on none is followed, so none that is put in between leads out.
        *folders, name = real.removeprefix(inside).split(b"/")
        with _folder(real_root, folders) as folder:
            # A device or pipe can do things on being opened, so it is looked at first, and again when it is held.
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
    """Descriptor of the folder that is reached from `real_root` through `folders`, none of them a link."""
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
        # Each descriptor has one stream and each stream one read at a time, so nobody moves the position in between.
        os.lseek(descriptor, offset, os.SEEK_SET)
        return os.read(descriptor, size_bytes)
    else:  # noqa: RET505 - the type checker tells platforms apart by branches
        return os.pread(descriptor, size_bytes, offset)


@dataclass(frozen=True, slots=True)
class Stream:
    """One running stream as the dashboard shows it. `started_at` is Unix milliseconds, `rate` bytes per second of late."""

    id: int
    title: str
    path: str
    client: str
    started_at: int
    bytes_sent: int
    bytes_total: int
    rate: float


class Streams:
    """Every stream that runs. A client that takes nothing for `stall_seconds` is dropped; a slow one never is."""

    def __init__(
        self, stall_seconds: float = STALL_SECONDS, chunk_bytes: int = CHUNK_BYTES, per_client: int = STREAMS_PER_CLIENT
    ) -> None:
        self._per_client = per_client
        self.stall_seconds = stall_seconds
        self.chunk_bytes = chunk_bytes
        self.buffer = memoryview(bytearray(chunk_bytes))
        self.readers = ThreadPoolExecutor(READER_THREADS, thread_name_prefix="lvs-read")
        self._numbers = itertools.count(1)
        self._bodies: dict[int, StreamBody] = {}

    def running(self) -> list[Stream]:
        """The streams that run now, oldest first. May be asked from any thread."""
        return [body.stream() for body in list(self._bodies.values()) if not body.ended]

    def admit(self, client: str) -> None:
        """Raises TooMany where this client has as many streams as it may have."""
        visitor = visitor_of(client)
        if sum(not body.ended and visitor_of(body.client) == visitor for body in self._bodies.values()) >= self._per_client:
            raise TooMany("This device receives as many videos as it may at a time. Close one of them.", RETRY_SECONDS)

    def body(
        self,
        opened: OpenedFile,
        offset: int,
        size_bytes: int,
        *,
        title: str = "",
        client: str = "",
        connection: Connection | None = None,
    ) -> "StreamBody":
        """`size_bytes` bytes from `offset` as an async iterator of chunks, which closes `opened` at its end.

        Without a `connection` progress is seen only from chunk to chunk, and a cut is a normal close before the promised length.
        """
        return StreamBody(self, next(self._numbers), opened, offset, size_bytes, title, client, connection)

    def stop(self) -> None:
        """Cut every stream, so that no client can hold up the end of the server."""
        for body in list(self._bodies.values()):
            body.drop("the server stops")
        self.readers.shutdown(wait=False, cancel_futures=True)

    def enter(self, body: "StreamBody") -> None:
        """Called by a body when its first chunk is asked for."""
        self._bodies[body.number] = body

    def leave(self, body: "StreamBody") -> None:
        """Called by a body when nothing of it is left to watch."""
        self._bodies.pop(body.number, None)


class StreamBody:
    """Yields the bytes of one stream, chunk by chunk; the next is read only when the client has taken the last."""

    def __init__(
        self,
        streams: Streams,
        number: int,
        opened: OpenedFile,
        offset: int,
        size_bytes: int,
        title: str,
        client: str,
        connection: Connection | None,
    ) -> None:
        self.number = number
        self.ended = False
        self._streams = streams
        self._opened = opened
        self._offset = offset
        self._left_bytes = self._total_bytes = size_bytes
        self._title = title
        self.client = client
        self._connection = connection
        self._started_at = 0
        self._history: deque[tuple[float, int]] = deque(maxlen=10)
        self._task: asyncio.Task[object] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._client_has_turn = False
        self._unsent_bytes = 0
        self._moved_at = 0.0

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        if self._task is None:
            self._begin()
        if self.ended:
            raise asyncio.CancelledError
        self._client_has_turn = False
        if not self._left_bytes:
            await self.aclose()
            raise StopAsyncIteration
        wanted_bytes = min(self._left_bytes, self._streams.chunk_bytes)
        try:
            chunk = await self._read(wanted_bytes)
        except FileChangedError:
            self._cut("the file was changed meanwhile")
        except (OSError, RuntimeError) as error:  # RuntimeError: the readers were shut down
            self._cut(f"the file cannot be read: {error}")
        self._offset += len(chunk)
        self._left_bytes -= len(chunk)
        self._note_progress()
        self._client_has_turn = True
        return chunk

    async def _read(self, wanted_bytes: int) -> bytes:
        # The hop to a thread and back costs more than the copying, so it is made only where the drive must be waited for.
        buffer = self._streams.buffer[:wanted_bytes]
        if self._opened.fill_from_memory(self._offset, buffer):
            chunk = bytes(buffer)
            await asyncio.sleep(0)  # otherwise a client that takes all at once, or is gone, would keep everyone else waiting
            return chunk
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._streams.readers, self._opened.read, self._offset, wanted_bytes)

    async def aclose(self) -> None:
        """Let go of the file. What the client has not taken yet stays under watch, so that it cannot stay for ever."""
        self._opened.close()
        self.ended = True
        if not self._unsent_now():
            self._forget()

    def stream(self) -> Stream:
        """How it stands now."""
        now, sent_bytes = time.monotonic(), self._sent_bytes()
        then, sent_then_bytes = self._history[0]
        rate = (sent_bytes - sent_then_bytes) / (now - then) if now > then else 0.0
        path = shown(self._opened.path)
        return Stream(
            self.number, self._title, path, self.client, self._started_at, sent_bytes, self._total_bytes, max(0.0, rate)
        )

    def drop(self, why: str) -> None:
        """End it, if its client has not got everything yet."""
        self._forget()
        if self.ended and not self._unsent_now():
            return
        log.info("dropped the stream of %r to %s: %s", shown(self._opened.path), self.client, why)
        self.ended = True
        if self._connection is not None:
            self._connection.abort()
        elif self._task is not None:
            self._task.cancel()

    def _begin(self) -> None:
        self._task = asyncio.current_task()
        self._started_at = time.time_ns() // 1_000_000
        self._history.append((time.monotonic(), 0))
        self._moved_at = time.monotonic()
        self._streams.enter(self)
        self._look()

    def _forget(self) -> None:
        self._streams.leave(self)
        if self._timer is not None:
            self._timer.cancel()

    def _sent_bytes(self) -> int:
        handed_bytes = self._total_bytes - self._left_bytes
        return max(0, handed_bytes - self._unsent_now())

    def _unsent_now(self) -> int:
        return self._connection.unsent_bytes() if self._connection else 0

    def _note_progress(self) -> None:
        self._moved_at = time.monotonic()
        if self._moved_at - self._history[-1][0] >= 1:
            self._history.append((self._moved_at, self._sent_bytes()))

    def _look(self) -> None:
        """Drop a client that has stood still for too long. A chunk may take a slow one hours, so what is unsent of it counts."""
        unsent_bytes = self._unsent_now()
        if self.ended and not unsent_bytes:
            self._forget()
            return
        waits_for_client = self._client_has_turn or self.ended
        if unsent_bytes != self._unsent_bytes or not waits_for_client:
            self._unsent_bytes = unsent_bytes
            self._note_progress()
        elif time.monotonic() - self._moved_at >= self._streams.stall_seconds:
            self.drop(f"nothing was taken for {self._streams.stall_seconds:g} seconds")
            return
        self._timer = asyncio.get_running_loop().call_later(min(15.0, self._streams.stall_seconds / 4), self._look)

    def _cut(self, why: str) -> NoReturn:
        """End the connection before the promised length is reached, which is how HTTP tells a client that bytes are missing."""
        log.warning("cut the stream of %r: %s", shown(self._opened.path), why)
        if self._connection is not None:
            self._connection.abort()
        # As if the client had gone: the server closes without completing the answer, and does not take it for a fault of its own.
        raise asyncio.CancelledError(why)
