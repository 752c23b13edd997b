"""Limits on how often one client may do something."""

import math
import time
from collections import Counter, OrderedDict, deque
from collections.abc import Iterator
from contextlib import contextmanager

from lvs.client_key import client_key
from lvs.errors import TooManyRequests
from lvs.option_values import RateLimit
from lvs.text import plural

MAX_VISITORS = 1000


class RateLimiter:
    """Allows every client `limit.count` requests within any `limit.seconds`; None means no limit.

    Times of at most `count` requests are kept for at most MAX_VISITORS clients, the latest ones.
    """

    def __init__(self, limit: RateLimit | None) -> None:
        self._limit = limit
        self._times: OrderedDict[str, deque[float]] = OrderedDict()

    def check(self, client: str) -> None:
        """Count one more request of a client, named by address.

        Raises TooManyRequests where that is more than the limit allows.
        """
        if self._limit is None:
            return
        visitor, now = client_key(client), time.monotonic()
        times = self._times.setdefault(visitor, deque())
        self._times.move_to_end(visitor)
        while len(self._times) > MAX_VISITORS:
            self._times.popitem(last=False)
        while times and now - times[0] >= self._limit.seconds:
            times.popleft()
        if len(times) >= self._limit.count:
            wait_s = max(1, math.ceil(times[0] + self._limit.seconds - now))
            message = "Too many requests from this device."
            raise TooManyRequests(f"{message} Try again in {plural(wait_s, 'second')}.", wait_s)
        times.append(now)


class ConcurrencyLimiter:
    """Allows every client so many requests of a kind at a time."""

    def __init__(self, most: int, message: str, retry_after_s: int) -> None:
        self._most = most
        self._message = message
        self._retry_after_s = retry_after_s
        self._waiting: Counter[str] = Counter()

    @contextmanager
    def one_more(self, client: str) -> Iterator[None]:
        """Count one more request while the context lasts. Raises TooManyRequests."""
        visitor = client_key(client)
        if self._waiting[visitor] >= self._most:
            raise TooManyRequests(self._message, self._retry_after_s)
        self._waiting[visitor] += 1
        try:
            yield
        finally:
            self._waiting[visitor] -= 1
            if not self._waiting[visitor]:
                del self._waiting[visitor]
