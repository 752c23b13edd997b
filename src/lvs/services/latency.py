"""Latencies: quantiles over the last five minutes, the last hour, and since the start,
in bounded memory.

Each value goes into one sketch, that of the running half minute. Full half minutes are kept for a
while and merged into five-minute groups and into the whole, so that neither a busy day nor a long
uptime costs more memory than a quiet minute.
"""

import math
from collections import deque
from enum import StrEnum

from ddsketch import LogCollapsingLowestDenseDDSketch
from msgspec import Struct

SLOT_S = 30
SLOTS_IN_GROUP = 10
GROUPS_IN_HOUR = 12
RELATIVE_ACCURACY = 0.02
BINS = 1024  # 2 % from a microsecond to a day; beyond that the shortest values would share a bin


class Window(StrEnum):
    """The spans of time that are told apart; the names stand in performance.json."""

    FIVE_MINUTES = "5m"
    HOUR = "1h"
    START = "start"


class Quantiles(Struct, frozen=True):
    """Count and quantiles of a window's values, in seconds; zeros without
    any.
    """

    count: int = 0
    mean_s: float = 0.0
    p50_s: float = 0.0
    p95_s: float = 0.0
    p99_s: float = 0.0


class Slot(Struct, frozen=True):
    """One half minute: how many values, and the time that 95 % of them did not exceed."""

    count: int
    p95_s: float


class Latencies:
    """Takes seconds, tells quantiles.

    The caller says what time it is, in seconds of a clock that never goes back.
    """

    def __init__(self, slots_kept: int = SLOTS_IN_GROUP) -> None:
        self._slot = 0
        self._running = _sketch()
        self._slots: deque[tuple[int, LogCollapsingLowestDenseDDSketch]] = deque(maxlen=slots_kept)
        self._groups: deque[tuple[int, LogCollapsingLowestDenseDDSketch]] = deque(
            maxlen=GROUPS_IN_HOUR + 1
        )
        self._whole = _sketch()
        self._known: dict[Window, tuple[tuple[int, float], Quantiles]] = {}

    def add(self, seconds: float, now: float) -> None:
        """Count one value."""
        slot = int(now // SLOT_S)
        if slot > self._slot:
            self._turn(slot)
        self._running.add(seconds)

    @property
    def count(self) -> int:
        """The number of values since the start."""
        return int(self._whole.count + self._running.count)

    @property
    def total_s(self) -> float:
        """All values together, in seconds."""
        return float(self._whole.sum + self._running.sum)

    def within(self, window: Window, now: float) -> Quantiles:
        """The quantiles of a window.

        The shorter ones reach back to the beginning of a half minute, or of five minutes.
        """
        slot = int(now // SLOT_S)
        if slot > self._slot:
            self._turn(slot)
        state = (slot, self._whole.count + self._running.count)
        known = self._known.get(window)
        if known is None or known[0] != state:
            known = self._known[window] = (state, _quantiles([self._running, *self._past(window)]))
        return known[1]

    def slots(self, number: int, now: float) -> list[Slot]:
        """The last `number` half minutes, oldest first, the running one last."""
        slot = int(now // SLOT_S)
        if slot > self._slot:
            self._turn(slot)
        kept = dict(self._slots) | {slot: self._running}
        return [_slot(kept.get(each)) for each in range(slot - number + 1, slot + 1)]

    def _past(self, window: Window) -> list[LogCollapsingLowestDenseDDSketch]:
        if window is Window.START:
            return [self._whole]
        if window is Window.FIVE_MINUTES:
            return [sketch for slot, sketch in self._slots if slot >= self._slot - SLOTS_IN_GROUP]
        group = self._slot // SLOTS_IN_GROUP
        return [sketch for number, sketch in self._groups if number >= group - GROUPS_IN_HOUR]

    def _turn(self, slot: int) -> None:
        """Put the half minute that ended to the others and begin the next."""
        if self._running.count:
            group = self._slot // SLOTS_IN_GROUP
            if not self._groups or self._groups[-1][0] != group:
                self._groups.append((group, _sketch()))
            self._groups[-1][1].merge(self._running)
            self._whole.merge(self._running)
            self._slots.append((self._slot, self._running))
            self._running = _sketch()
        self._slot = slot


def _sketch() -> LogCollapsingLowestDenseDDSketch:
    return LogCollapsingLowestDenseDDSketch(RELATIVE_ACCURACY, BINS)


def _quantile(sketch: LogCollapsingLowestDenseDDSketch, quantile: float) -> float:
    """The smallest value that so large a share of all is not above (nearest rank, rounded up).

    The sketch itself rounds down: of two values, its 95th percentile is the smaller.
    """
    count = int(sketch.count)
    if count < 2:
        return sketch.get_quantile_value(quantile) or 0.0
    rank = math.ceil(quantile * count) - 1
    return sketch.get_quantile_value(min(1.0, rank / (count - 1))) or 0.0


def _quantiles(sketches: list[LogCollapsingLowestDenseDDSketch]) -> Quantiles:
    filled = [sketch for sketch in sketches if sketch.count]
    if not filled:
        return Quantiles()
    merged = filled[0]
    if len(filled) > 1:
        merged = _sketch()
        for sketch in filled:
            merged.merge(sketch)
    p50_s, p95_s, p99_s = (_quantile(merged, quantile) for quantile in (0.5, 0.95, 0.99))
    count, mean_s = int(merged.count), merged.sum / merged.count
    # Of so few values it is the largest, which the sketch knows less exactly than their mean.
    p95_s = max(p95_s, mean_s) if count < 20 else p95_s
    return Quantiles(count, mean_s, p50_s, p95_s, max(p95_s, p99_s))


def _slot(sketch: LogCollapsingLowestDenseDDSketch | None) -> Slot:
    if sketch is None or not sketch.count:
        return Slot(0, 0.0)
    return Slot(int(sketch.count), _quantile(sketch, 0.95))
