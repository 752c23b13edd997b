"""Cards of videos as HTML, quickly.

The card's partial is rendered once for each shape that a card can have: its stars, its heart, its badges, how many tags. The
words, numbers and addresses of one video are marks then, and for every other video of that shape only these are filled in.
"""

import re
import secrets
from collections.abc import Callable, Hashable
from dataclasses import replace
from functools import lru_cache
from typing import Any, Self
from urllib.parse import quote_from_bytes

from jinja2 import Environment
from markupsafe import escape

from lvs.models import Card, MediaHash, Query, State
from lvs.routes.addresses import PATH_SAFE, query_string
from lvs.services.latest import Latest

TEMPLATE = "partials/video_card.html"
CARDS_KEPT = 2000  # about 2 kB each
SHAPES_KEPT = 1000  # as much
TAGS_KEPT = SIZES_KEPT = 1000
MARK_DIGITS = 6
SPECIAL = re.compile("[&<>'\"]")

NO_CARD = Card(0, MediaHash(""), 0, 0, b"", "", 0, 0.0, 0, 0, 0, 0, 0, 0, 0, (), State.NEW, None, False)

Fill = Callable[[Card], object]
"""Takes from a card what stands in the place of a mark."""

Shape = tuple[list[tuple[Fill, list[int]]], list[str]]
"""What differs from card to card and where it stands, and the text with these places empty."""


class Mark(str):
    """Stands for a value of a card while a shape is rendered. Nobody can guess it and put it into a title."""

    __slots__ = ("fill",)

    def __new__(cls, text: str, fill: Fill) -> Self:
        made = super().__new__(cls, text)
        made.fill = fill
        return made

    fill: Fill


class Cards:
    """Renders cards and keeps the latest."""

    def __init__(self, environment: Environment) -> None:
        self.hits = self.misses = 0
        self._environment = environment
        self._cards: Latest[tuple[int, int, bool], list[str]] = Latest(CARDS_KEPT)
        self._shapes: Latest[Hashable, Shape] = Latest(SHAPES_KEPT)
        self._secret = ""
        self._marks: list[Fill] = []
        self._any_list = Query(q=secrets.token_hex(16))
        self._any_list_html = _in_html(self._any_list)
        self._list = (self._any_list, self._any_list_html)

    def __len__(self) -> int:
        return len(self._cards)

    def clear(self) -> None:
        """Render every card anew from now on."""
        self._cards.clear()
        self._shapes.clear()

    def html(self, card: Card, query: Query, eager: bool) -> str:
        """The card in the list that `query` shows. It is kept by its version, for every list it may stand in."""
        key = (card.id, card.version, eager)
        pieces = self._cards.get(key)
        if pieces is None:
            self.misses += 1
            pieces = self._cards.keep(key, self._filled(card, eager).split(self._any_list_html))
        else:
            self.hits += 1
        if query is not self._list[0]:  # one page shows one list
            self._list = (query, _in_html(query))
        return self._list[1].join(pieces)

    def fillable(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The filter, taught that a mark's text is known only later."""

        def filtered(value: Any, *more: Any) -> Any:
            if not isinstance(value, Mark):
                return function(value, *more)
            fill = value.fill
            return self._mark(lambda card: function(fill(card), *more))

        return filtered

    def with_tags(self, gallery_url: Callable[..., str]) -> Callable[..., str]:
        """The function that makes addresses, taught the same for the tag of a card."""

        @lru_cache(TAGS_KEPT)
        def of_tag(tag: str) -> str:
            return gallery_url(tags=(tag,))

        def address(query: Query | None = None, **changes: Any) -> str:
            match query, changes:
                case None, {"tags": (Mark(fill=fill),), **rest} if not rest:
                    return self._mark(lambda card: of_tag(str(fill(card))))
            return gallery_url(query, **changes)

        return address

    def _filled(self, card: Card, eager: bool) -> str:
        has_length = card.duration_s > 0
        # What the partial decides by. Everything else that it shows has to be a mark.
        shape = (
            *(card.rating, card.favorited_at > 0, card.state.value, card.offline, card.root_id, eager, len(card.tags)),
            *(card.poster is not None, _picture(card.width, card.height), has_length),
        )
        fills, pieces = self._shapes.get(shape) or self._shapes.keep(shape, self._shape(card, eager, has_length))
        values = [str(fill(card)) for fill, _ in fills]
        if SPECIAL.search("".join(values)):  # escaping takes longer than finding out that there is nothing to escape
            values = [str(escape(value)) for value in values]
        filled = pieces.copy()
        for value, (_, places) in zip(values, fills, strict=True):
            for place in places:
                filled[place] = value
        return "".join(filled)

    def _shape(self, card: Card, eager: bool, has_length: bool) -> Shape:
        """The partial taken apart at its marks."""
        self._secret = secrets.token_hex(16)
        self._marks.clear()
        path = self._mark(lambda card: quote_from_bytes(card.path, safe=PATH_SAFE))
        marked: dict[str, Any] = {
            "id": self._mark(lambda card: card.id),
            "media_hash": MediaHash(self._mark(lambda card: card.media_hash)),
            "version": self._mark(lambda card: card.version),
            "path": path.encode(),
            "title": self._mark(lambda card: card.title),
            "added_at": self._mark(lambda card: card.added_at),
            "duration_s": self._mark(lambda card: card.duration_s) if has_length else 0.0,
            "size_bytes": self._mark(lambda card: card.size_bytes),
            "views": self._mark(lambda card: card.views),
            "last_viewed_at": self._mark(lambda card: card.last_viewed_at),
            "tags": tuple(self._mark(_tag(number)) for number in range(len(card.tags))),
            "poster": self._mark(lambda card: card.poster) if card.poster is not None else None,
        }
        template = self._environment.get_template(TEMPLATE)
        text = template.render(card=replace(card, **marked), query=self._any_list, eager=eager)
        first, *rest = text.split(self._secret)
        pieces = [first]
        places: dict[int, list[int]] = {}
        for piece in rest:
            places.setdefault(int(piece[:MARK_DIGITS]), []).append(len(pieces))
            pieces += ["", piece[MARK_DIGITS:]]
        return [(self._marks[number], found) for number, found in places.items()], pieces

    def _mark(self, fill: Fill) -> Mark:
        self._marks.append(fill)
        return Mark(f"{self._secret}{len(self._marks) - 1:0{MARK_DIGITS}}", fill)


def _in_html(query: Query) -> str:
    """The list as it stands in the addresses of its cards."""
    return str(escape(query_string(query)))


@lru_cache(SIZES_KEPT)
def _picture(width: int, height: int) -> tuple[str, bool]:
    """The badge of a picture of that size, and whether it is shown whole."""
    return replace(NO_CARD, width=width, height=height).resolution, height * 6 > width * 5


def _tag(number: int) -> Fill:
    return lambda card: card.tags[number]
