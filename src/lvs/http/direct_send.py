"""Direct send: writes the body of an answer straight into the client's socket, without the server's
buffers in between.

It works for HTTP/1.1 without TLS, under hypercorn on asyncio's own event loop on Linux. Hypercorn
sends the head as usual, and finds the connection as if it had sent the body, too.
"""

import asyncio
import logging
import select
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from types import TracebackType
from typing import Self, cast

import h11
from hypercorn.protocol.h11 import H11Protocol

log = logging.getLogger(__name__)


class WriteScheduler:
    """Calls the streams whose sockets have room, one in each turn of the event loop, so that many
    streams do not block everything else.
    """

    def __init__(self) -> None:
        self._steps: dict[int, Callable[[], None]] = {}
        self._epoll: select.epoll | None = None

    @contextmanager
    def taken(self, descriptor: int, step: Callable[[], None]) -> Iterator[None]:
        """Call `step` repeatedly inside this context, whenever the socket has room."""
        loop = asyncio.get_running_loop()
        if self._epoll is None:
            self._epoll = select.epoll()
            loop.add_reader(
                self._epoll, self._next
            )  # it is readable while one of its sockets is writable
        self._epoll.register(descriptor, select.EPOLLOUT)
        self._steps[descriptor] = step
        try:
            yield
        finally:
            self._epoll.unregister(descriptor)
            del self._steps[descriptor]
            if not self._steps:
                loop.remove_reader(self._epoll)
                self._epoll.close()
                self._epoll = None

    def _next(self) -> None:
        if self._epoll is not None:
            for descriptor, _ in self._epoll.poll(
                0, 1
            ):  # the kernel moves those it reports behind the others
                self._steps[descriptor]()


class DirectSend:
    """The client's socket under a descriptor of its own, because asyncio lets nobody wait for the
    sockets of its transports.

    At the end of its context it tells h11 how much of the body was sent, so that the connection can
    be used again after the answer.
    """

    def __init__(
        self,
        sock: socket.socket,
        exchange: h11.Connection,
        turns: WriteScheduler,
        count: Callable[[int], None],
    ) -> None:
        self._socket = sock
        self._exchange = exchange
        self._turns = turns
        self._count = count
        self._sent_bytes = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._socket.close()
        if kind is None:
            record_sent(self._exchange, self._sent_bytes)

    def send(self, part: memoryview) -> int:
        """Send the beginning of `part`; the number of bytes sent, 0 if there is no room.

        Raises ConnectionError if the client is gone.
        """
        try:
            sent_bytes = self._socket.send(part)
        except (BlockingIOError, InterruptedError):
            return 0
        except OSError as error:
            raise ConnectionAbortedError(*error.args) from error
        self._sent_bytes += sent_bytes
        self._count(sent_bytes)
        return sent_bytes

    async def with_room(self, step: Callable[[], bool]) -> None:
        """Call `step` now and whenever there is room, alternating with other streams, until it
        returns False.

        Raises what it raises.
        """
        if not step():
            return
        over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        # Not given to the future: an exception leads back here by its traceback, and would from
        # here to itself.
        failures: list[Exception] = []

        def again() -> None:
            if over.done():
                return
            try:
                goes_on = step()
            except Exception as error:  # noqa: BLE001 - raised where it is awaited
                failures.append(error)
                goes_on = False
            if not goes_on:
                over.set_result(None)

        with self._turns.taken(self._socket.fileno(), again):
            await over
        if failures:
            raise failures.pop()


def h11_connection(protocol: object, transport: asyncio.Transport) -> h11.Connection | None:
    """The h11 connection behind hypercorn's `protocol`, or None where the body cannot be sent
    directly.
    """
    if sys.platform != "linux" or not isinstance(
        asyncio.get_running_loop(), asyncio.SelectorEventLoop
    ):
        return None
    if not isinstance(protocol, H11Protocol) or transport.get_extra_info("sslcontext") is not None:
        return None
    exchange = getattr(protocol, "connection", None)
    if type(exchange) is not h11.Connection or exchange.our_state is not h11.SEND_BODY:
        return None
    return exchange if h11_supports_passthrough() else None


@cache
def h11_supports_passthrough() -> bool:
    """True if h11 lets others send a body and goes on after it, tested on a made-up exchange."""
    size_bytes = 2**40
    try:
        exchange = h11.Connection(h11.SERVER)
        exchange.receive_data(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        for _ in ("the request", "its end"):
            exchange.next_event()
        exchange.send(h11.Response(status_code=200, headers=[("Content-Length", str(size_bytes))]))
        told = record_sent(exchange, size_bytes) or []
        end = exchange.send(h11.EndOfMessage())
        exchange.start_next_cycle()
    except Exception:
        log.warning(
            "direct send is off: this version of h11 does not let others send a body", exc_info=True
        )
        return False
    return [len(part) for part in told] == [size_bytes] and not end


class _SentBytes:
    """Stands for so many bytes of a body that h11 never sees."""

    def __init__(self, size_bytes: int) -> None:
        self._size_bytes = size_bytes

    def __len__(self) -> int:
        return self._size_bytes


def record_sent(exchange: h11.Connection, size_bytes: int) -> list[bytes] | None:
    # h11's documentation, "Support for sendfile()": it asks the placeholder for its length and
    # gives it back.
    return exchange.send_with_data_passthrough(h11.Data(data=cast("bytes", _SentBytes(size_bytes))))
