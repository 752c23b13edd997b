"""A cache of what the database said: bounded, short-lived, written through, one load per key
however many wait.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Any, TypeVar, cast

from cachetools import TTLCache
from msgspec import Struct
from msgspec.structs import asdict

from lvs.services.metrics import cache_asked

T = TypeVar("T")

_NOTHING = object()


class CacheCounts(Struct):
    """Counts of the cache since the start."""

    hits: int = 0
    misses: int = 0
    evictions: int = 0
    invalidations: int = 0


class _CacheStore(TTLCache[Hashable, Any]):
    """A TTLCache that counts what it drops for want of room or of age."""

    def __init__(self, maxsize: int, ttl: float, counts: CacheCounts) -> None:
        super().__init__(maxsize, ttl)
        self._counts = counts

    def popitem(self) -> tuple[Hashable, Any]:
        self._counts.evictions += 1
        return super().popitem()


class Cache:
    """Values by key, kept for `ttl_s` seconds, at most `size` of them."""

    def __init__(self, size: int, ttl_s: float) -> None:
        self.counts = CacheCounts()
        self.generation = (
            0  # part of the keys of whatever depends on every video: counts, lists of tags
        )
        self._store = _CacheStore(max(1, size), ttl_s, self.counts)
        self._enabled = size > 0 and ttl_s > 0
        self._loads: dict[Hashable, asyncio.Task[Any]] = {}

    async def get(self, key: Hashable, load: Callable[[], Awaitable[T]], counted: bool = True) -> T:
        """The value, from the cache or from `load`; `counted` as a hit or a miss.

        Everyone who asks meanwhile waits for the same load.
        """
        value = self._store.get(key, _NOTHING)
        if value is not _NOTHING:
            self._asked(True, counted)
            return cast("T", value)
        task = self._loads.get(key)
        self._asked(task is not None, counted)
        if task is None:
            task = asyncio.ensure_future(self._load(key, load))
            self._loads[key] = task
        return cast("T", await asyncio.shield(task))

    def _asked(self, hit: bool, counted: bool) -> None:
        if not counted:
            return
        self.counts.hits += hit
        self.counts.misses += not hit
        cache_asked(hit)

    async def _load(self, key: Hashable, load: Callable[[], Awaitable[T]]) -> T:
        mine = asyncio.current_task()
        try:
            value = await load()
            # A value written or dropped meanwhile is newer than what this load saw.
            if self._enabled and self._loads.get(key) is mine:
                self._store[key] = value
            return value
        finally:
            if self._loads.get(key) is mine:
                del self._loads[key]

    def put(self, key: Hashable, value: object) -> None:
        """Keep a value that was just written."""
        self._loads.pop(key, None)
        if self._enabled:
            self._store[key] = value

    def drop(self, *keys: Hashable) -> None:
        """These are no longer true."""
        for key in keys:
            self._loads.pop(key, None)
            # Most are not there, which is asked in a tenth of the time that popping takes; one may
            # grow too old in between.
            if key in self._store and self._store.pop(key, None) is not None:
                self.counts.invalidations += 1

    def invalidate(self) -> None:
        """Note that something changed that counts and lists depend on: values of the former
        generation are asked for no more.
        """
        self.generation += 1

    def clear(self) -> int:
        """Forget everything; how many values that were."""
        dropped = len(self._store)
        self._loads.clear()
        self._store.clear()
        self.counts.invalidations += dropped
        return dropped

    def forget(self, _: object) -> None:
        """Forget everything, as a listener."""
        self.clear()

    def status(self) -> dict[str, float | int]:
        """Counts, size and bounds, for the dashboard."""
        asked = self.counts.hits + self.counts.misses
        return asdict(self.counts) | {
            "size": len(self._store),
            "max_size": int(self._store.maxsize),
            "ttl_seconds": self._store.ttl,
            "hit_rate": self.counts.hits / asked if asked else 0.0,
        }
