"""A video file's bytes on their way to a viewer, watched while they flow.

They are copied, never handed over by `sendfile`: that sends the file's own pages, so a change to
the file would still reach bytes that were checked and sent but not yet received (sendfile(2),
Notes). Where the connection has direct send they go into one buffer, which all streams use by
turns, and from there into the kernel's; what finds no room is read again when there is some.
Elsewhere they go through the server in chunks, and it keeps what the client has not taken.
"""

import asyncio
import itertools
import logging
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from types import TracebackType
from typing import NoReturn, Protocol, Self

from msgspec import Struct

from lvs.client_key import client_key
from lvs.clock import now_ms
from lvs.errors import TooManyRequests
from lvs.models import display_path
from lvs.services.streaming.offline_drives import OfflineDrives
from lvs.services.streaming.open_file import FileChangedError, OpenFile

log = logging.getLogger(__name__)

# A viewer may hold one of these here where a drive is waited for, and two where the server keeps
# what it has not taken.
CHUNK_BYTES = 512 * 1024
# The most that is read at a time for direct send, where nobody holds it: half of it is slower,
# twice as much hardly quicker, and everyone else waits for as long (benchmarks/streaming.py).
PART_BYTES = 1024 * 1024
LEAST_PART_BYTES = 64 * 1024
STALL_SECONDS = 300.0
STREAMS_PER_CLIENT = 80
RETRY_SECONDS = 5
# Reads that wait for a sleeping or vanished drive hold one thread each; the rest of the server has
# its own threads.
READER_THREADS = 16


class DirectStream(Protocol):
    """The client's socket, past the server.

    To be left as a context, so that the server learns what was sent.
    """

    def send(self, part: memoryview) -> int:
        """Hand over the beginning of `part`: so many bytes, 0 where there is no room.

        ConnectionError: the client is gone.
        """

    async def with_room(self, step: Callable[[], bool]) -> None:
        """Call `step` now and whenever there is room, until it answers False.

        Raises what it raises.
        """

    def __enter__(self) -> object: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...


class StreamConnection(Protocol):
    """The client's connection, as far as sending a stream needs it."""

    def unsent_bytes(self) -> int:
        """Bytes handed over that the client has not taken yet."""

    def abort(self) -> None:
        """Cut the connection at once."""

    async def direct_send(self) -> DirectStream | None:
        """The way to send the rest of an answer directly, None where only the server can.

        Raises ConnectionError.
        """


class Stream(Struct, frozen=True):
    """One running stream as the dashboard shows it.

    `started_at` is Unix milliseconds, `rate` bytes per second of late.
    """

    id: int
    title: str
    path: str
    client: str
    started_at: int
    bytes_sent: int
    bytes_total: int
    rate: float


class Streams:
    """Every stream that runs.

    A client that takes nothing for `stall_seconds` is dropped; a slow one never is.
    """

    def __init__(
        self,
        stall_seconds: float = STALL_SECONDS,
        chunk_bytes: int = CHUNK_BYTES,
        per_client: int = STREAMS_PER_CLIENT,
    ) -> None:
        self._per_client = per_client
        self.stall_seconds = stall_seconds
        self.chunk_bytes = chunk_bytes
        self.buffer = memoryview(bytearray(PART_BYTES))
        self.readers = ThreadPoolExecutor(READER_THREADS, thread_name_prefix="lvs-read")
        self.away = OfflineDrives(self.readers)
        self._numbers = itertools.count(1)
        self._bodies: dict[int, StreamBody] = {}

    def running(self) -> list[Stream]:
        """The streams that run now, oldest first. May be asked from any thread."""
        return [body.stream() for body in list(self._bodies.values()) if not body.ended]

    def check(self, client: str) -> None:
        """Raise TooManyRequests if this client has as many streams as it may have."""
        visitor = client_key(client)
        if (
            sum(
                not body.ended and client_key(body.client) == visitor
                for body in self._bodies.values()
            )
            >= self._per_client
        ):
            raise TooManyRequests(
                "This device receives too many videos at once. Close one of them.",
                RETRY_SECONDS,
            )

    def body(
        self,
        opened: OpenFile,
        offset: int,
        size_bytes: int,
        *,
        title: str = "",
        client: str = "",
        connection: StreamConnection | None = None,
    ) -> "StreamBody":
        """`size_bytes` bytes from `offset` as an async iterator of chunks, which closes `opened` at
        its end.

        Without a `connection` progress is seen only from chunk to chunk, and a cut is a normal
        close before the promised length.
        """
        return StreamBody(
            self, next(self._numbers), opened, offset, size_bytes, title, client, connection
        )

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
    """Yields the bytes of one stream, chunk by chunk; the next is read only when the client has
    taken the last.
    """

    def __init__(
        self,
        streams: Streams,
        number: int,
        opened: OpenFile,
        offset: int,
        size_bytes: int,
        title: str,
        client: str,
        connection: StreamConnection | None,
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
        self._held = memoryview(b"")
        self._part_bytes = LEAST_PART_BYTES
        self._unsent_bytes = 0
        self._moved_at = 0.0

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        begins = not self._started_at
        if begins:
            self._begin()
        if self.ended:
            raise asyncio.CancelledError
        try:
            if begins and self._left_bytes:
                await self._send_directly()
            if self._left_bytes:
                return await self._chunk()
        except FileChangedError:
            self._cut("the file was changed meanwhile")
        except ConnectionError:
            self._forget()
            raise asyncio.CancelledError from None  # the client is gone
        except (OSError, RuntimeError) as error:  # RuntimeError: the readers were shut down
            self._cut(f"the file cannot be read: {error}")
        await self.aclose()
        raise StopAsyncIteration

    async def _send_directly(self) -> None:
        """Send everything past the server where the connection allows it; nothing otherwise."""
        self._client_has_turn = True
        direct = await self._connection.direct_send() if self._connection else None
        if direct is None:
            return
        send_some = partial(self._send_some, direct)
        with direct:
            await direct.with_room(send_some)
            while self._left_bytes:
                self._held = memoryview(await self._from_drive())
                self._client_has_turn = True
                await direct.with_room(send_some)

    def _send_some(self, direct: DirectStream) -> bool:
        """One part, as far as there is room for it; False where all is sent or the drive must be
        waited for.
        """
        part = self._held
        if not part:
            part = self._streams.buffer[: min(self._left_bytes, self._part_bytes)]
            if not self._opened.fill_from_memory(self._offset, part):
                return False
        taken_bytes = direct.send(part)
        self._held = self._held[taken_bytes:]
        # What is read and finds no room was copied for nothing.
        whole = taken_bytes == len(part)
        self._part_bytes = min(
            PART_BYTES, 2 * self._part_bytes if whole else max(taken_bytes, LEAST_PART_BYTES)
        )
        self._go_on(taken_bytes)
        return self._left_bytes > 0

    async def _chunk(self) -> bytes:
        self._client_has_turn = False
        buffer = self._streams.buffer[: min(self._left_bytes, self._streams.chunk_bytes)]
        # The hop to a thread and back costs more than the copying, so it is made only where the
        # drive must be waited for.
        if self._opened.fill_from_memory(self._offset, buffer):
            chunk = bytes(buffer)
            # A client that takes everything at once, or is gone, must not keep the others waiting.
            await asyncio.sleep(0)
        else:
            chunk = await self._from_drive()
        self._go_on(len(chunk))
        self._client_has_turn = True
        return chunk

    async def _from_drive(self) -> bytes:
        self._client_has_turn = False
        wanted_bytes = min(self._left_bytes, self._streams.chunk_bytes)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(
            self._streams.readers, self._opened.read, self._offset, wanted_bytes
        )

    def _go_on(self, size_bytes: int) -> None:
        self._offset += size_bytes
        self._left_bytes -= size_bytes
        if size_bytes:
            self._note_progress()

    async def aclose(self) -> None:
        """Let go of the file.

        What the client has not taken yet stays under watch, so that it cannot stay for ever.
        """
        self._opened.close()
        self.ended = True
        if not self._unsent_now():
            self._forget()

    def stream(self) -> Stream:
        """The present state."""
        now, sent_bytes = time.monotonic(), self._sent_bytes()
        then, sent_then_bytes = self._history[0]
        rate = (sent_bytes - sent_then_bytes) / (now - then) if now > then else 0.0
        path = display_path(self._opened.path)
        return Stream(
            self.number,
            self._title,
            path,
            self.client,
            self._started_at,
            sent_bytes,
            self._total_bytes,
            max(0.0, rate),
        )

    def drop(self, why: str) -> None:
        """End it, if its client has not got everything yet."""
        task = self._task
        self._forget()
        if self.ended and not self._unsent_now():
            return
        log.info(
            "dropped the stream of %r to %s: %s", display_path(self._opened.path), self.client, why
        )
        self.ended = True
        if self._connection is not None:
            self._connection.abort()
        elif task is not None:
            task.cancel()

    def _begin(self) -> None:
        self._task = asyncio.current_task()
        self._started_at = now_ms()
        self._history.append((time.monotonic(), 0))
        self._moved_at = time.monotonic()
        self._streams.enter(self)
        self._poll()

    def _forget(self) -> None:
        self._streams.leave(self)
        self._task = (
            None  # it may have ended with an exception that leads back here by its traceback
        )
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

    def _poll(self) -> None:
        """Drop a client that has stood still for too long.

        A chunk may take a slow one hours, so what is unsent of it counts.
        """
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
        self._timer = asyncio.get_running_loop().call_later(
            min(15.0, self._streams.stall_seconds / 4), self._poll
        )

    def _cut(self, why: str) -> NoReturn:
        """End the connection before the promised length is reached, which is how HTTP tells a
        client that bytes are missing.
        """
        log.warning("cut the stream of %r: %s", display_path(self._opened.path), why)
        if self._connection is not None:
            self._connection.abort()
        # As if the client had gone: the server closes without completing the answer, and does not
        # take it for a fault of its own.
        raise asyncio.CancelledError(why)
