"""Small charts for the dashboard, as the `d` of an SVG path, and numbers in short form."""

from collections.abc import Callable, Sequence
from typing import Any

from lvs.models import display_path
from lvs.services.monitoring.health import clock_text

HEIGHT = 24
MINUTE_S, HOUR_S, DAY_S = 60, 3600, 86_400


def bars(values: Sequence[float]) -> str:
    """One bar for each value, four units wide and HEIGHT tall where it is the greatest."""
    top = max(values, default=0) or 1
    drawn = (
        (place, max(1, round(HEIGHT * value / top)))
        for place, value in enumerate(values)
        if value > 0
    )
    return "".join(f"M{place * 4} {HEIGHT}v-{height}h3v{height}z" for place, height in drawn)


def line(values: Sequence[float], least_top: float = 0) -> str:
    """A line through the values, four units apart; the top is the maximum or `least_top`."""
    top = max([*values, least_top]) or 1
    points = [
        f"{place * 4} {HEIGHT - round((HEIGHT - 2) * value / top) - 1}"
        for place, value in enumerate(values)
    ]
    return "M" + "L".join(points) if len(points) > 1 else ""


def shares(parts: Sequence[float], width: int = 100) -> list[tuple[float, float]]:
    """The start and the width of each part of a bar; nothing for an empty bar."""
    whole = sum(parts)
    if whole <= 0:
        return []
    begins, found = 0.0, []
    for part in parts:
        share = width * max(0.0, part) / whole
        found.append((round(begins, 1), round(share, 1)))
        begins += share
    return found


def milliseconds(seconds: float) -> str:
    """`0.4 ms`, `12 ms`, `1.4 s`."""
    amount = seconds * 1000
    if amount < 9.95:
        return f"{amount:.1f} ms"
    return f"{amount:,.0f} ms" if amount < 999.5 else f"{seconds:,.1f} s"


def span(seconds: float) -> str:
    """A long duration in its two greatest units: `12 s`, `3 min`, `3 h 12 min`, `2 d 4 h`."""
    whole = int(seconds)
    if whole < MINUTE_S:
        return f"{whole} s"
    if whole < HOUR_S:
        return f"{whole // MINUTE_S} min"
    if whole < DAY_S:
        return f"{whole // HOUR_S} h {whole % HOUR_S // MINUTE_S} min"
    return f"{whole // DAY_S} d {whole % DAY_S // HOUR_S} h"


def percent(share: float) -> str:
    """`98.4 %`, `12 %`, `100 %`."""
    amount = share * 100
    return f"{amount:.1f} %" if 0 < amount < 9.95 or 95 <= amount < 99.95 else f"{amount:.0f} %"


def decimal(number: float) -> str:
    """`3.2`, `12`."""
    return f"{number:.1f}" if number < 9.95 else f"{number:,.0f}"


FILTERS: dict[str, Callable[..., Any]] = {
    function.__name__: function
    for function in (bars, line, shares, milliseconds, span, percent, decimal)
} | {"clock": clock_text, "shown": display_path}
"""The filters that the templates of the dashboard use."""
