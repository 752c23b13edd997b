"""Rendering of templates.

Jinja's synchronous environment is used on purpose: Quart's own is asynchronous and takes more than
twice as long for cards.
"""

import hashlib
import re
import secrets
import sys
import threading
from collections.abc import Hashable, Mapping, MutableMapping, Sequence
from contextlib import suppress
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, unquote_to_bytes

import jinja2
from jinja2 import (
    BytecodeCache,
    ChoiceLoader,
    Environment,
    FileSystemLoader,
    PrefixLoader,
    StrictUndefined,
    TemplateError,
)
from jinja2.bccache import Bucket
from jinja2.ext import Extension
from markupsafe import Markup, escape

import lvs
from lvs.clock import local_date, now_ms, utc
from lvs.filters import used_filters
from lvs.models import Card, Cursor, Query, Related, Sort, display_path
from lvs.paths import partials_folder, templates_folder
from lvs.services.lru import LRU
from lvs.text import plural
from lvs.web.card_templates import CardTemplates
from lvs.web.urls import Urls, encode_cursor, folder_url, gallery_url, starts_descending

SIZE_UNITS = ("bytes", "KB", "MB", "GB", "TB", "PB")
HASH_DIGITS = 12
PARTIALS_KEPT = 200  # about 1 kB each
ROWS_KEPT = 60  # about 10 kB each
DIGEST_BYTES = 32
FIRST_ROW = 4
FIRST_SCREEN = 12  # two rows of a television, three of a desktop
_CONTINUED = re.compile(r"\n  +")
SORT_LABELS = {
    Sort.MATCH: "Best match",
    Sort.ADDED: "Date added",
    Sort.TITLE: "Title",
    Sort.RATING: "Rating",
    Sort.VIEWS: "Views",
    Sort.DURATION: "Duration",
    Sort.SIZE: "Size",
    Sort.VIEWED: "Last viewed",
    Sort.FAVORITED: "Date favorited",
    Sort.RECORDED: "Date recorded",
    Sort.RANDOM: "Random",
}
TWO_DIGITS = tuple(f"{number:02}" for number in range(60))


def _eagerness(place: int) -> int:
    """The value of `eager` for the card at a place of the first page."""
    if place < FIRST_ROW:
        return 2
    return 1 if place < FIRST_SCREEN else 0


class Templates:
    """Renders `templates/*.html` as "name.html" and `partials/*.html` as "partials/name.html"."""

    def __init__(
        self, addresses: Urls, static_folder: Path, compiled_folder: Path | None = None
    ) -> None:
        """`compiled_folder` is where templates are cached as Python bytecode, so that the next
        start need not compile them.
        """
        self._addresses = addresses
        self._static_folder = static_folder
        self._cards_of: Hashable = None
        self._mark = secrets.token_hex(16)  # stands for the hash of a video
        self._of_videos: LRU[Hashable, str] = LRU(PARTIALS_KEPT)
        self._rows: LRU[Hashable, Markup] = LRU(ROWS_KEPT)
        self._static_urls: dict[str, str] = {}
        self._unchanging: dict[str, Markup] = {}
        self.environment = _Environment(
            loader=ChoiceLoader(
                [
                    FileSystemLoader(templates_folder()),
                    PrefixLoader({"partials": FileSystemLoader(partials_folder())}),
                ]
            ),
            autoescape=True,
            extensions=[_LineJoiner],
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
            bytecode_cache=_CompiledTemplates(compiled_folder) if compiled_folder else None,
            cache_size=-1,  # all of them, in a dict without a lock
        )
        self.cards = CardTemplates(self.environment)
        self.environment.globals.update(
            addresses=addresses,
            drawn=self.drawn,
            filter_values=filter_values,
            folder_url=address_of_folder,
            gallery_url=self.cards.with_tags(address_of_gallery),
            kept=self.kept,
            other_order=other_order,
            other_sort=other_sort,
            orders=orders,
            run_id=run_id,
            same_folder=same_folder,
            static_url=self.static_url,
            unchanging=self.unchanging,
        )
        drawing: Any = self.environment.get_template("partials/_macros.html").module
        self.environment.globals.update(icon=cache(drawing.icon), tone=drawing.tone)
        self.environment.filters["groups"] = groups
        for text in (
            ago, clock_time, count, day, duration, iso, long_day, moment, plural, size, time_left,
        ):  # fmt: skip
            self.environment.filters[text.__name__] = self.cards.fillable(text)

    def precompile(self) -> None:
        """Compile every template; otherwise the first visitor of a large page would wait for that
        for a third of a second.
        """
        for name in self.environment.list_templates(extensions=["html"]):
            with suppress(TemplateError):  # the request for that page will raise it
                self.environment.get_template(name)

    def render(self, template: str, **context: Any) -> str:
        """The template as HTML.

        Raises jinja2.UndefinedError where the context lacks something it names.
        """
        self._forget_old_cards()
        return self.environment.get_template(template).render(context)

    def encoded(self, template: str, **context: Any) -> bytes:
        """The template as UTF-8. Raises as `render`.

        Its pieces are encoded one by one: a piece of ASCII alone is copied, while encoding a whole
        page with a single other character means checking each of its 190,000 characters.
        """
        self._forget_old_cards()
        pieces = self.environment.get_template(template).generate(context)
        return b"".join([piece.encode() for piece in pieces])

    def render_of_video(self, template: str, media_hash: str, **values: Any) -> str:
        """A partial that depends on nothing of a video but its hash and these values.

        It is cached with a slot for the hash.
        """
        key, mark = (template, _frozen(values)), self._mark
        kept = self._of_videos.get(key) or self._of_videos.put(
            key, self.render(template, media_hash=mark, **values)
        )
        return kept.replace(mark, media_hash)

    def kept(self, template: str, **values: Any) -> Markup:
        """The HTML of a partial, cached by these values, such as a row of films that stands on
        every page.
        """
        key = (template, _frozen(values))
        found = self._rows.get(key)
        if found is None:
            text = self.environment.get_template(template).render(values)
            found = self._rows.put(key, Markup(text))  # noqa: S704 - it is our own
        return found

    def unchanging(self, template: str) -> Markup:
        """The HTML of a partial that needs no values. It is rendered once."""
        found = self._unchanging.get(template)
        if found is None:
            text = _in_ascii(self.environment.get_template(template).render())
            found = self._unchanging[template] = Markup(text)  # noqa: S704 - it is our own
        return found

    def drawn(
        self, cards: Sequence[Card], query: Query, first: bool, headings: Mapping[int, str]
    ) -> str:
        """The HTML of a run of cards, each kept until the day ends. All of it is escaped; it is no
        Markup, which a template copies twice.

        On the `first` page the browser fetches the pictures of the first row before all others,
        and those of the first screen without waiting for the layout of the page. A card whose id
        is among `headings` begins a month. All is one piece: each piece of a page goes through all
        templates around it.
        """
        found = [
            self.cards.html(card, query, _eagerness(place) if first else 0)
            for place, card in enumerate(cards)
        ]
        if headings:
            above = [self._above(headings.get(card.id)) for card in cards]
            found = [f"{over}{html}</div>" for over, html in zip(above, found, strict=True)]
        return "".join(found)

    @staticmethod
    def _above(heading: str | None) -> str:
        if heading is None:
            return '<div class="begins">'
        return f'<div class="begins"><h2 class="month">{escape(heading)}</h2>'

    def _forget_old_cards(self) -> None:
        """Drop cached cards when the day or the names of library folders change: a card says how
        long ago its video came, and its address begins with the name of its library folder.
        """
        now = (local_date(now_ms()), self._addresses.cache_key())
        if now != self._cards_of:
            self.cards.clear()
            self._rows.clear()
            self._cards_of = now

    def static_url(self, name: str) -> str:
        """The address of a static file. It changes with the content and may be cached forever."""
        url = self._static_urls.get(name)
        if url is None:
            digest = hashlib.sha256((self._static_folder / name).read_bytes()).hexdigest()
            url = self._static_urls[name] = f"/static/{name}?v={digest[:HASH_DIGITS]}"
        return url


class _Environment(Environment):
    """Jinja's environment, whose templates have no globals of their own."""

    def make_globals(self, d: MutableMapping[str, Any] | None) -> MutableMapping[str, Any]:
        """The globals of a template. Jinja lays an empty dict over them, and then looks through
        both in Python for each context of a page.
        """
        return super().make_globals(d) if d else self.globals


class _LineJoiner(Extension):
    """Joins a line that begins with two spaces to the one before: it was broken for readers, and
    pages are smaller without.
    """

    def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:
        """The source with such lines joined by one space."""
        return _CONTINUED.sub(" ", source)


class _CompiledTemplates(BytecodeCache):
    """Compiled templates in a folder. If they cannot be saved there, they are compiled anew each
    time.

    A file is used only if it is complete and was made by this LVS, Jinja and Python from the same
    text of the template.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def load_bytecode(self, bucket: Bucket) -> None:
        with suppress(OSError):
            kept = (self._folder / bucket.key).read_bytes()
            digest, code = kept[:DIGEST_BYTES], kept[DIGEST_BYTES:]
            if digest == _digest(code):
                bucket.bytecode_from_string(code)

    def dump_bytecode(self, bucket: Bucket) -> None:
        code = bucket.bytecode_to_string()
        with suppress(OSError):
            self._folder.mkdir(exist_ok=True)
            partial = self._folder / f"{bucket.key}.{threading.get_ident()}.partial"
            partial.write_bytes(_digest(code) + code)
            partial.replace(self._folder / bucket.key)


def _in_ascii(html: str) -> str:
    """The same HTML in ASCII, which is quickest to put into bytes."""
    return html.encode("ascii", "xmlcharrefreplace").decode()


def _digest(code: bytes) -> bytes:
    made_by = f"{lvs.__version__} {jinja2.__version__} {sys.version}".encode()
    return hashlib.sha256(made_by + code).digest()


def _frozen(value: Any) -> Hashable:
    """The same for equal values. True and 1 are not equal here."""
    if type(value) in (list, tuple):
        return (type(value), *map(_frozen, value))
    if type(value) is dict:
        return tuple((name, _frozen(each)) for name, each in value.items())
    return (type(value), value)


def address_of_gallery(query: Query | None = None, **changes: Any) -> str:
    """Address of the gallery that shows `query` with `changes`; a changed `sort` starts in the
    order people expect of it.
    """
    return gallery_url(query or Query(), **_in_usual_order(changes))


def address_of_folder(query: Query, **changes: Any) -> str:
    """Address of the page of the query's folder with `changes`, as `address_of_gallery` gives
    it.
    """
    return folder_url(query, **_in_usual_order(changes))


def _in_usual_order(changes: dict[str, Any]) -> dict[str, Any]:
    if "sort" in changes:
        changes["sort"] = Sort(changes["sort"])
        changes.setdefault("descending", starts_descending(changes["sort"]))
    return changes


def other_sort(query: Query) -> str:
    """The `sort` that a form must send to keep the query's order; empty for the usual one."""
    return "" if query.sort in (query.usual_sort, Sort.MATCH) else query.sort.value


def other_order(query: Query) -> str:
    """The `order` that a form must send to keep the query's order; empty for the sort's own."""
    if query.descending == starts_descending(query.sort):
        return ""
    return "desc" if query.descending else "asc"


def orders(query: Query) -> list[tuple[str, str]]:
    """The values and labels of the orders that the query can have."""
    return [
        (sort.value, label)
        for sort, label in SORT_LABELS.items()
        if sort is not Sort.MATCH or query.q
    ]


def groups(related: Sequence[Related]) -> list[tuple[str, list[Card]]]:
    """Videos by the reason for which they are related, each under a heading."""
    found: dict[str, list[Card]] = {}
    for each in related:
        found.setdefault(each.reason, []).append(each.card)
    return list(found.items())


def filter_values(query: Query) -> list[tuple[str, str]]:
    """The names and values of a form that asks for the query's filters; words are typed. A form
    cannot ask for a folder whose name is not text.
    """
    return [
        (each.name, unquote(text))
        for each in used_filters(query)
        if each.name != "q"
        for text in each.kind.write(each.value(query))
        if quote(unquote(text), safe="/") == quote(unquote_to_bytes(text), safe="/")
    ]


def run_id(start: Cursor | None) -> str:
    """Element id of the run of cards that begins after `start`."""
    return f"run-{encode_cursor(start)}" if start else "run-first"


def same_folder(value: str | bytes, query: Query) -> bool:
    """True for the option of the folder filter that is in use."""
    return (display_path(value) if isinstance(value, bytes) else value) == display_path(
        query.folder
    )


def duration(seconds: float | None) -> str:
    """`1:02:03`, `3:12`, `0:07`; empty while unknown. A film is never 0:00 long."""
    if not seconds or seconds < 0:
        return ""
    whole_seconds = round(seconds) or 1
    minutes, clock = whole_seconds // 60, TWO_DIGITS[whole_seconds % 60]
    return (
        f"{minutes}:{clock}"
        if minutes < 60
        else f"{minutes // 60}:{TWO_DIGITS[minutes % 60]}:{clock}"
    )


def time_left(seconds: float) -> str:
    """`1 h 5 min left`, `12 min left`, `less than 1 min left`."""
    hours, minutes = divmod(max(round(seconds / 60), 0), 60)
    parts = [f"{hours} h"] * (hours > 0) + [f"{minutes} min"] * (minutes > 0)
    return f"{' '.join(parts) or 'less than 1 min'} left"


def count(number: int) -> str:
    """`1,234`."""
    return f"{number:,}"


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
    """`today`, `yesterday`, `3 days ago` and so on, by calendar days where the server stands: it
    holds until midnight.
    """
    days = ((today or local_date(now_ms())) - local_date(unix_ms)).days
    if days < 14:
        return "today" if days <= 0 else "yesterday" if days == 1 else f"{days} days ago"
    if days < 30:
        return f"{plural(days // 7, 'week')} ago"
    return (
        f"{plural(days // 30, 'month')} ago" if days < 365 else f"{plural(days // 365, 'year')} ago"
    )


def day(unix_ms: int) -> str:
    """The calendar day where the server stands for a `datetime` attribute, `2026-11-22`."""
    return local_date(unix_ms).isoformat()


def long_day(day_iso: str) -> str:
    """`Today`, `Yesterday`, `Sunday, 22 November 2026` for a day such as 2026-11-22."""
    day, today = date.fromisoformat(day_iso), local_date(now_ms())
    named = {0: "Today", 1: "Yesterday"}.get((today - day).days)
    return named or f"{day:%A}, {day.day} {day:%B %Y}"


def clock_time(unix_ms: int) -> str:
    """`20:15`, where the server stands."""
    return utc(unix_ms).astimezone().strftime("%H:%M")


def moment(unix_ms: int) -> str:
    """`2026-11-22 14:03`, in the server's time zone."""
    return utc(unix_ms).astimezone().strftime("%Y-%m-%d %H:%M")


def iso(unix_ms: int) -> str:
    """The time for a `datetime` attribute, `2026-11-22T13:30:00Z`."""
    return utc(unix_ms).strftime("%Y-%m-%dT%H:%M:%SZ")
