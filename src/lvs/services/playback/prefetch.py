"""Work in two threads: one makes things, such as decoded frames, the other takes them in order.

FFmpeg holds no lock of Python while it decodes and encodes, so that both go on at once.
"""

from collections.abc import Callable, Generator, Iterator
from queue import SimpleQueue
from threading import Event, Semaphore, Thread
from typing import TypeVar

Item = TypeVar("Item")
Check = Callable[[], None]
AHEAD = 4
"""Things that are made before they are taken: frames of a film are large."""


class StoppedError(Exception):
    """Nobody takes any more of it."""


def prefetched(
    make: Callable[[Check], Iterator[Item]], checkpoint: Check, most: int = AHEAD
) -> Generator[Item]:
    """The items of `make`, which runs in a thread of its own, at most so many ahead.

    It gets a checkpoint to call between its steps. Raises as it does, and as `checkpoint` does. To
    be closed: the thread has ended then.
    """
    waiting: SimpleQueue[tuple[Item] | BaseException | None] = SimpleQueue()
    room, stopped = Semaphore(most), Event()

    def check() -> None:
        checkpoint()
        if stopped.is_set():
            raise StoppedError

    def work() -> None:
        error: BaseException | None = None
        try:
            for item in make(check):
                waiting.put((item,))
                room.acquire()
                check()
        except BaseException as raised:  # noqa: BLE001  raised where it is waited for
            error = raised
        waiting.put(error)

    thread = Thread(target=work, daemon=True)
    thread.start()
    try:
        while isinstance(found := waiting.get(), tuple):
            checkpoint()
            yield found[0]
            room.release()
        if found is not None:
            raise found
    finally:
        stopped.set()
        room.release()
        thread.join()
