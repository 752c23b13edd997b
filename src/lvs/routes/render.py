"""Turns a template's name and its context into HTML.

Jinja's synchronous environment is used on purpose: Quart's own is asynchronous and takes more than twice as long for cards.
"""

import hashlib
import time
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from cachetools import LRUCache
from jinja2 import ChoiceLoader, Environment, FileSystemLoader, PrefixLoader, StrictUndefined
from markupsafe import Markup

from lvs.models import Card, Cursor, Query, Sort, shown
from lvs.paths import partials_folder, templates_folder
from lvs.routes.addresses import Addresses, encode_cursor, gallery_url, starts_descending

SIZE_UNITS = ("bytes", "KB", "MB", "GB", "TB", "PB")
HASH_DIGITS = 12
LATEST_MS = 253_370_764_800_000  # the year 9999
CARDS_KEPT = 2000  # about 3 kB each


class Pages:
    """Renders `templates/*.html` as "name.html" and `partials/*.html` as "partials/name.html"."""

    def __init__(self, addresses: Addresses, static_folder: Path) -> None:
        self._addresses = addresses
        self._static_folder = static_folder
        self._cards: LRUCache[tuple[Card, str, bool, date], Markup] = LRUCache(CARDS_KEPT)
        self._static_urls: dict[str, str] = {}
        self.environment = Environment(
            loader=ChoiceLoader(
                [FileSystemLoader(templates_folder()), PrefixLoader({"partials": FileSystemLoader(partials_folder())})]
            ),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self.environment.globals.update(
            addresses=addresses,
            card_html=self.card,
            gallery_url=address_of_gallery,
            other_order=other_order,
            run_id=run_id,
            same_folder=same_folder,
            static_url=self.static_url,
        )
        self.environment.filters.update(ago=ago, count=count, duration=duration, iso=iso, plural=plural, size=size)

    def render(self, template: str, **context: object) -> str:
        """The template as HTML. Raises jinja2.UndefinedError where the context lacks something it names."""
        return self.environment.get_template(template).render(context)

    def card(self, card: Card, query: Query, eager: bool = False) -> Markup:
        """The card's partial. Kept by all that it shows, so an unchanged card is rendered once a day."""
        key = (card, self._addresses.watch(card, query), eager, local_date(now_ms()))
        html = self._cards.get(key)
        if html is None:
            rendered = self.render("partials/video_card.html", card=card, query=query, eager=eager)
            html = self._cards[key] = Markup(rendered)  # noqa: S704 - it was escaped where it was rendered
        return html

    def static_url(self, name: str) -> str:
        """Address of a static file that changes with its content, so that it may be cached for ever."""
        url = self._static_urls.get(name)
        if url is None:
            digest = hashlib.sha256((self._static_folder / name).read_bytes()).hexdigest()
            url = self._static_urls[name] = f"/static/{name}?v={digest[:HASH_DIGITS]}"
        return url


def address_of_gallery(query: Query | None = None, **changes: Any) -> str:
    """Address of the gallery that shows `query` with `changes`; a changed `sort` starts in the order people expect of it."""
    if "sort" in changes:
        changes["sort"] = Sort(changes["sort"])
        changes.setdefault("descending", starts_descending(changes["sort"]))
    return gallery_url(query or Query(), **changes)


def other_order(query: Query) -> str:
    """The `order` a form must send to keep the query's order, or nothing where that is the sort's own."""
    if query.descending == starts_descending(query.sort):
        return ""
    return "desc" if query.descending else "asc"


def run_id(start: Cursor | None) -> str:
    """Element id of the run of cards that begins after `start`."""
    return f"run-{encode_cursor(start)}" if start else "run-first"


def same_folder(value: str | bytes, query: Query) -> bool:
    """Whether an option of the folder filter is the one in use."""
    return (shown(value) if isinstance(value, bytes) else value) == shown(query.folder)


def duration(seconds: float | None) -> str:
    """`1:02:03`, `3:12`, `0:07`; empty while unknown. A film is never 0:00 long."""
    if not seconds or seconds < 0:
        return ""
    minutes, whole_seconds = divmod(max(1, round(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{whole_seconds:02}" if hours else f"{minutes}:{whole_seconds:02}"


def count(number: int) -> str:
    """`1,234`."""
    return f"{number:,}"


def plural(number: int, one: str, many: str | None = None) -> str:
    """`1 video`, `1,234 videos`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def size(size_bytes: int) -> str:
    """`1.4 GB`, in powers of 1,000 as disks are sold."""
    amount = float(size_bytes)
    for unit in SIZE_UNITS:
        if amount < 999.5 or unit == SIZE_UNITS[-1]:  # 999.5 KB would be shown as 1000 KB
            break
        amount /= 1000
    if unit == SIZE_UNITS[0]:
        return plural(size_bytes, "byte")
    return f"{amount:.1f} {unit}" if amount < 9.95 else f"{amount:,.0f} {unit}"


def ago(unix_ms: int, today: date | None = None) -> str:
    """`today`, `yesterday`, `3 days ago` and so on, by calendar days where the server stands: it holds until midnight."""
    days = ((today or local_date(now_ms())) - local_date(unix_ms)).days
    if days <= 0:
        return "today"
    if days == 1:
        return "yesterday"
    for unit, length, least in (("year", 365, 365), ("month", 30, 30), ("week", 7, 14)):
        if days >= least:
            return plural(days // length, unit) + " ago"
    return f"{days} days ago"


def iso(unix_ms: int) -> str:
    """The time for a `datetime` attribute, `2026-11-22T13:30:00Z`."""
    return utc(unix_ms).strftime("%Y-%m-%dT%H:%M:%SZ")


def local_date(unix_ms: int) -> date:
    """The calendar day of a time where the server stands."""
    return utc(unix_ms).astimezone().date()


def utc(unix_ms: int) -> datetime:
    """The time, held within what a calendar can say: a file's clock may be wrong by any amount."""
    return datetime.fromtimestamp(min(max(unix_ms, 0), LATEST_MS) / 1000, UTC)


def now_ms() -> int:
    return time.time_ns() // 1_000_000
