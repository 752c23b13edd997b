"""The end of the log file, read from the end: however long it is, no more than a bounded part of it
is touched.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

READ_BYTES = 512 * 1024
ENTRIES = 300
EVERY = 1_000_000  # more than fits into what is read
TRACE_LINES = 60
LEVELS = ("debug", "info", "warning", "error", "critical")
FILE_NAME = "lvs.log"

_LINE = re.compile(
    r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)(?:[+-]\d{4}|Z)? (debug|info|warning|error|critical) ([^"
    r" :]+): (.*)",
    re.ASCII,
)


class LogEntry(Struct, frozen=True):
    """One record of the log; `trace` is the traceback below it."""

    moment: str
    level: str
    source: str
    text: str
    trace: tuple[str, ...] = ()


def latest(folder: Path, least: str = "debug", limit: int = ENTRIES) -> list[LogEntry] | None:
    """The latest records of at least that level, the latest first; None where there is no log.

    Blocking. Raises OSError.
    """
    lines = _end_of(folder / FILE_NAME)
    if lines is None:
        return None
    wanted = LEVELS[LEVELS.index(least) :]
    found = [entry for entry in _entries(lines) if entry.level in wanted]
    if len(found) < limit:  # the file was begun anew a while ago
        before = _entries(_end_of(folder / f"{FILE_NAME}.1") or [])
        found = [*(entry for entry in before if entry.level in wanted), *found]
    return found[-limit:][::-1]


class LogPlace(Struct, frozen=True):
    """A place in the log: that record of those of one moment, the oldest of which is 0."""

    moment: str
    number: int


def run(
    folder: Path, least: str, limit: int, before: LogPlace | None = None
) -> tuple[list[LogEntry], LogPlace | None]:
    """A run of records of at least that level, the latest first, from before that place on; and
    the place to go on from, None at the end of what is read.

    Blocking. Raises OSError.
    """
    found: list[tuple[LogPlace, LogEntry]] = []
    for entry in (latest(folder, least, EVERY) or [])[::-1]:
        last = found[-1][0] if found else None
        number = last.number + 1 if last and last.moment == entry.moment else 0
        found.append((LogPlace(entry.moment, number), entry))
    if before is not None:
        found = [each for each in found if _order(each[0]) < _order(before)]
    wanted = found[-limit:][::-1]
    return [entry for _, entry in wanted], wanted[-1][0] if len(found) > limit else None


def _order(place: LogPlace) -> tuple[str, int]:
    return place.moment, place.number


def _end_of(path: Path) -> list[str] | None:
    """The last lines of a file, whole ones only."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            start = file.seek(max(0, size - READ_BYTES))
            content = file.read(READ_BYTES)
    except FileNotFoundError:
        return None
    if start:
        content = content.partition(b"\n")[2]
    return content.decode("utf-8", "replace").split("\n")


def _entries(lines: list[str]) -> Iterator[LogEntry]:
    entry: tuple[str, str, str, str] | None = None
    trace: list[str] = []
    for line in lines:
        found = _LINE.fullmatch(line)
        if found is None:
            if entry and line and len(trace) < TRACE_LINES:
                trace.append(line)
            continue
        if entry:
            yield LogEntry(*entry, tuple(trace))
        entry, trace = (found[1], found[2], found[3], found[4]), []
    if entry:
        yield LogEntry(*entry, tuple(trace))
