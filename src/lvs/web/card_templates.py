"""Fast rendering of video cards.

The card's partial is rendered once for each shape that a card can have: its stars, its heart, its
badges, how many tags. The words, numbers and addresses of a video are slots then, and for every
other video of that shape only the slots are filled in.
"""

import secrets
from collections.abc import Callable, Hashable, Sequence
from functools import lru_cache
from operator import itemgetter
from typing import Any, NamedTuple, Self

from jinja2 import Environment
from markupsafe import escape

from lvs.models import Card, MediaHash, Query, State
from lvs.services.lru import LRU
from lvs.web.urls import query_string, quoted

TEMPLATE = "partials/video_card.html"
CARDS_KEPT = 2000  # about 2 kB each
SHAPES_KEPT = 1000  # as much
TAGS_KEPT = SIZES_KEPT = 1000
SLOT_DIGITS = 6

NO_CARD = Card(
    0, MediaHash(""), 0, 0, b"", "", 0, 0.0, 0, 0, 0, 0, 0, 0, 0, 0, (), State.NEW, None, False
)

Make = Callable[[Any], str]
"""Formats a value."""

Pick = Callable[[Sequence[Any]], Sequence[str]]
"""Picks some of many, in a fixed order."""


class CardSlot(str):
    """A stand-in for a value of a card while a shape is rendered.

    Its text is secret, so that no title can contain it.
    """

    __slots__ = ("make", "place")

    def __new__(cls, text: str, place: int, make: Make | None) -> Self:
        """`place` is the value's index in the card followed by its tags; `make` is None if the
        value is shown unchanged.
        """
        slot = super().__new__(cls, text)
        slot.place = place
        slot.make = make
        return slot

    place: int
    make: Make | None


class _CardShape(NamedTuple):
    """The common HTML of cards of one shape, and the sources of their texts."""

    as_they_are: Pick
    made: list[tuple[Make, int]]
    parts: list[
        tuple[list[str], Pick]
    ]  # between them stands the list; every second piece is empty and takes a text


class CardTemplates:
    """A renderer of cards that caches the latest ones."""

    def __init__(self, environment: Environment) -> None:
        self.hits = self.misses = 0
        self._environment = environment
        self._cards: LRU[tuple[int, int, int], list[str]] = LRU(CARDS_KEPT)
        self._shapes: LRU[Hashable, _CardShape] = LRU(SHAPES_KEPT)
        self._secret = ""
        self._slots: list[CardSlot] = []
        self._any_list = Query(q=secrets.token_hex(16))
        self._any_list_html = _in_html(self._any_list)
        self._list = (self._any_list, self._any_list_html)

    def __len__(self) -> int:
        return len(self._cards)

    def clear(self) -> None:
        """Drop all cached cards."""
        self._cards.clear()
        self._shapes.clear()

    def html(self, card: Card, query: Query, eager: int = 0) -> str:
        """The card in the list that `query` shows.

        It is cached by its version, for every list it may stand in.
        """
        key = (card.id, card.version, eager)
        pieces = self._cards.get(key)
        if pieces is None:
            self.misses += 1
            pieces = self._cards.put(key, self._filled(card, eager))
        else:
            self.hits += 1
        if query is not self._list[0]:  # one page shows one list
            self._list = (query, _in_html(query))
        return self._list[1].join(pieces)

    def fillable(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Wrap a filter so that it accepts slots."""

        def filtered(value: Any, *more: Any) -> Any:
            if not isinstance(value, CardSlot):
                return function(value, *more)
            return self._then(value, (lambda each: function(each, *more)) if more else function)

        return filtered

    def with_tags(self, gallery_url: Callable[..., str]) -> Callable[..., str]:
        """Wrap the function that builds addresses so that it accepts the tag of a card."""

        @lru_cache(TAGS_KEPT)
        def of_tag(tag: str) -> str:
            return gallery_url(tags=(tag,))

        def address(query: Query | None = None, **changes: Any) -> str:
            match query, changes:
                case None, {"tags": (CardSlot() as slot,), **rest} if not rest:
                    return self._then(slot, of_tag)
            return gallery_url(query, **changes)

        return address

    def _filled(self, card: Card, eager: int) -> list[str]:
        """The card in pieces, between which the query of the list is inserted."""
        # By place and not by name: a page fills in sixty of them.
        (
            _, _, _, root_id, _, _, _, duration_s, width, height, _,
            rating, _, _, favorited_at, projection, tags, state, poster, offline, progress, watched,
            _, hidden, colour,
        ) = card  # fmt: skip
        has_length = duration_s > 0
        # What the partial branches on. Everything else that it shows has to be a slot.
        key = (
            rating, favorited_at > 0, state, offline, root_id, eager, len(tags),
            poster is not None, _picture(width, height), has_length, projection, progress > 0,
            watched, hidden, bool(colour),
        )  # fmt: skip
        shape = self._shapes.get(key) or self._shapes.put(key, self._shape(card, eager, has_length))
        values = card + tags
        texts = [*shape.as_they_are(values), *[make(values[place]) for make, place in shape.made]]
        if _is_special(
            "".join(texts)
        ):  # escaping takes longer than finding out that there is nothing to escape
            texts = [str(escape(text)) if _is_special(text) else text for text in texts]
        filled = []
        for empty, pick in shape.parts:
            pieces = empty.copy()
            pieces[1::2] = pick(texts)
            filled.append("".join(pieces))
        return filled

    def _shape(self, card: Card, eager: int, has_length: bool) -> _CardShape:
        """The partial taken apart at its slots."""
        self._secret = secrets.token_hex(16)
        self._slots.clear()
        marked: dict[str, Any] = {
            "id": self._field("id"),
            "media_hash": MediaHash(self._field("media_hash")),
            "version": self._field("version"),
            "path": self._field("path", quoted).encode(),
            "title": self._field("title"),
            "added_at": self._field("added_at"),
            "duration_s": self._field("duration_s") if has_length else 0.0,
            "size_bytes": self._field("size_bytes"),
            "views": self._field("views"),
            "last_viewed_at": self._field("last_viewed_at"),
            "tags": tuple(self._slot(len(card) + number) for number in range(len(card.tags))),
            "poster": self._field("poster") if card.poster is not None else None,
            "progress": self._field("progress") if card.progress else 0,
            "colour": self._field("colour") if card.colour else "",
        }
        template = self._environment.get_template(TEMPLATE)
        text = template.render(card=card._replace(**marked), query=self._any_list, eager=eager)
        parts = [_split_slots(part, self._secret) for part in text.split(self._any_list_html)]
        used = [
            self._slots[number]
            for number in sorted({number for _, numbers in parts for number in numbers})
        ]
        values = card + card.tags
        as_they_are = [
            slot for slot in used if slot.make is None and isinstance(values[slot.place], str)
        ]
        made = [slot for slot in used if slot not in as_they_are]
        places = {slot: place for place, slot in enumerate([*as_they_are, *made])}
        return _CardShape(
            _picking([slot.place for slot in as_they_are]),
            [(slot.make or str, slot.place) for slot in made],
            [
                (pieces, _picking([places[self._slots[number]] for number in numbers]))
                for pieces, numbers in parts
            ],
        )

    def _field(self, name: str, make: Make | None = None) -> CardSlot:
        return self._slot(Card._fields.index(name), make)

    def _slot(self, place: int, make: Make | None = None) -> CardSlot:
        self._slots.append(
            CardSlot(f"{self._secret}{len(self._slots):0{SLOT_DIGITS}}", place, make)
        )
        return self._slots[-1]

    def _then(self, slot: CardSlot, make: Make) -> CardSlot:
        """A slot for a value derived from another slot's value."""
        before = slot.make
        return self._slot(slot.place, make if before is None else lambda value: make(before(value)))


def _split_slots(text: str, secret: str) -> tuple[list[str], list[int]]:
    """The pieces around slots, an empty one for each slot, and the numbers of the slots."""
    first, *rest = text.split(secret)
    pieces = [first]
    for piece in rest:
        pieces += ["", piece[SLOT_DIGITS:]]
    return pieces, [int(piece[:SLOT_DIGITS]) for piece in rest]


def _picking(places: list[int]) -> Pick:
    if len(places) > 1:
        return itemgetter(*places)
    return lambda texts: [texts[place] for place in places]


def _is_special(text: str) -> bool:
    """True if something has to be escaped.

    Five searches for one character are faster than one for any of five.
    """
    return "&" in text or "<" in text or ">" in text or "'" in text or '"' in text


def _in_html(query: Query) -> str:
    """The list's query as it is written in the addresses of its cards."""
    return str(escape(query_string(query)))


@lru_cache(SIZES_KEPT)
def _picture(width: int, height: int) -> tuple[str, bool]:
    """The badge of a picture of that size, and a flag for pictures that are shown whole."""
    return NO_CARD._replace(width=width, height=height).resolution, height * 6 > width * 5
