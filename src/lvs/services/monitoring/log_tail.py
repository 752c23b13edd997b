"""The end of the log file, read from the end: however long it is, no more than a bounded part of it
is touched.
"""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

READ_BYTES = 512 * 1024
ENTRIES = 300
TRACE_LINES = 60
LEVELS = ("debug", "info", "warning", "error", "critical")
FILE_NAME = "lvs.log"

_LINE = re.compile(
    r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)(?:[+-]\d{4}|Z)? (debug|info|warning|error|critical) ([^"
    r" :]+): (.*)",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class LogEntry:
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
