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

from cachetools import LRUCache
from jinja2 import Environment
from markupsafe import escape

from lvs.models import Card, MediaHash, Query
from lvs.routes.addresses import PATH_SAFE, query_string

TEMPLATE = "partials/video_card.html"
CARDS_KEPT = 2000  # about 3 kB each
SHAPES_KEPT = 1000  # as much
TAGS_KEPT = 1000

Fill = Callable[[Card], object]
"""Takes from a card what stands in the place of a mark."""

Shape = tuple[list[Fill], list[str | int]]
"""What differs from card to card, and the text with the numbers of these in their places."""


class Mark(str):
    """Stands for a value of a card while a shape is rendered. Nobody can guess it and put it into a title."""

    __slots__ = ("fill",)

    def __new__(cls, fill: Fill) -> Self:
        made = super().__new__(cls, secrets.token_hex(16))
        made.fill = fill
        return made

    fill: Fill


class Cards:
    """Renders cards and keeps the latest."""

    def __init__(self, environment: Environment) -> None:
        self.hits = self.misses = 0
        self._environment = environment
        self._cards: LRUCache[tuple[int, int, bool], list[str]] = LRUCache(CARDS_KEPT)
        self._shapes: LRUCache[Hashable, Shape] = LRUCache(SHAPES_KEPT)
        self._marks: dict[str, Fill] = {}
        self._any_list = Query(q=secrets.token_hex(16))
        self._list = (self._any_list, _in_html(self._any_list))

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
            pieces = self._cards[key] = self._filled(card, eager).split(_in_html(self._any_list))
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
        has_length = bool(self._environment.filters["duration"](card.duration_s))
        # What the partial decides by. Everything else that it shows has to be a mark.
        shape = (
            (card.rating, card.favorite, card.state, card.offline, card.root_id, eager, len(card.tags)),
            (card.poster is not None, card.resolution, card.height * 6 > card.width * 5, has_length),
        )
        parts = self._shapes.get(shape)
        if parts is None:
            parts = self._shapes[shape] = self._shape(card, eager, has_length)
        fills, pieces = parts
        values = [str(escape(fill(card))) for fill in fills]
        return "".join([piece if isinstance(piece, str) else values[piece] for piece in pieces])

    def _shape(self, card: Card, eager: bool, has_length: bool) -> Shape:
        """The partial taken apart at its marks."""
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
        pieces = re.split("(" + "|".join(self._marks) + ")", text)
        used = [mark for mark in self._marks if mark in pieces]
        return [self._marks[mark] for mark in used], [used.index(piece) if piece in self._marks else piece for piece in pieces]

    def _mark(self, fill: Fill) -> Mark:
        mark = Mark(fill)
        self._marks[mark] = fill
        return mark


def _in_html(query: Query) -> str:
    """The list as it stands in the addresses of its cards."""
    return str(escape(query_string(query)))


def _tag(number: int) -> Fill:
    return lambda card: card.tags[number]
