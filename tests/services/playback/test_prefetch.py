"""Two threads, one of which makes pieces that the other takes."""

import threading
from collections.abc import Iterator
from contextlib import closing

import pytest

from lvs.services.playback.prefetch import AHEAD, Check, StoppedError, prefetched

pytestmark = pytest.mark.core


class DroppedError(Exception):
    """An error that nobody waits for."""


def nothing() -> None:
    """Work that nobody interrupts."""


def test_everything_comes_in_order() -> None:
    with closing(prefetched(lambda _: iter(range(100)), nothing)) as numbers:
        assert list(numbers) == list(range(100))


def test_only_a_few_are_made_ahead() -> None:
    made: list[int] = []
    behind = threading.Event()

    def make(check: Check) -> Iterator[int]:
        for number in range(100):
            made.append(number)
            if number == AHEAD:
                behind.set()
            yield number

    with closing(prefetched(make, nothing)) as numbers:
        assert next(numbers) == 0
        assert behind.wait(10)
        assert len(made) == AHEAD + 1


def test_an_error_comes_after_what_was_made_before_it() -> None:
    def make(check: Check) -> Iterator[int]:
        yield 1
        raise OSError("a broken disk")

    taken: list[int] = []
    with pytest.raises(OSError, match="a broken disk"), closing(prefetched(make, nothing)) as found:
        taken.extend(found)
    assert taken == [1]


def test_the_thread_ends_with_whoever_takes() -> None:
    ended: list[BaseException] = []

    def make(check: Check) -> Iterator[int]:
        try:
            yield 1
            while True:
                check()
        except StoppedError as error:
            ended.append(error)
            raise

    before = threading.active_count()
    with closing(prefetched(make, nothing)) as numbers:
        assert next(numbers) == 1
        assert threading.active_count() == before + 1
    assert threading.active_count() == before
    assert len(ended) == 1


def test_a_checkpoint_ends_both_sides() -> None:
    dropped = threading.Event()

    def checkpoint() -> None:
        if dropped.is_set():
            raise DroppedError

    def make(check: Check) -> Iterator[int]:
        yield 1
        while True:
            check()

    before = threading.active_count()
    with closing(prefetched(make, checkpoint)) as numbers:
        assert next(numbers) == 1
        dropped.set()
        with pytest.raises(DroppedError):
            next(numbers)
    assert threading.active_count() == before
