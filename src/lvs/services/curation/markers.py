"""Markers as they are kept: chapters that people named, in the order of a film."""

import json
import math
from collections.abc import Iterable, Sequence
from typing import Any

from lvs.errors import Invalid
from lvs.services.curation.base import clean_line

MAX_MARKERS = 500
MAX_NAME = 200
LONGEST_MS = 10**10

Marker = tuple[str, float, float | None]
"""Name, start and end in seconds; no end means the start of the next one."""


def markers_text(markers: Iterable[Marker], duration_s: float | None) -> str:
    """These markers as text for the database; empty for none. A name that cannot be kept, and a
    time that no film has, leave a marker out.
    """
    kept: list[tuple[int, int | None, str]] = []
    for written, start_s, end_s in markers:
        try:
            name = clean_line(written, "marker", MAX_NAME)
        except Invalid:
            continue
        if name and math.isfinite(start_s) and 0 <= start_s * 1000 < LONGEST_MS:
            kept.append((round(start_s * 1000), _end(start_s, end_s), name))
    kept.sort(key=lambda each: (each[0], each[2]))
    kept = kept[:MAX_MARKERS]
    following = [each[0] for each in kept[1:]] + [round((duration_s or 0) * 1000)]
    lines = [
        [name, start, max(start, following[place] if end is None else end)]
        for place, (start, end, name) in enumerate(kept)
    ]
    return json.dumps(lines) if lines else ""


def _end(start_s: float, end_s: float | None) -> int | None:
    fits = end_s is not None and math.isfinite(end_s) and start_s < end_s < LONGEST_MS / 1000
    return round(end_s * 1000) if fits and end_s is not None else None


def checked_markers(value: Any) -> str:
    """Markers of a backup, `[[name, start, end], …]` in milliseconds, as text for the database.

    Raises Invalid.
    """
    problem = Invalid("The markers are no list of names with their times.")
    if not isinstance(value, list) or len(value) > MAX_MARKERS:
        raise problem
    lines: list[Sequence[Any]] = []
    for each in value:
        match each:
            case [str() as name, int() as start, int() as end] if 0 <= start <= end < LONGEST_MS:
                lines.append([clean_line(name, "marker", MAX_NAME), start, end])
            case _:
                raise problem
    return json.dumps(lines) if lines else ""
