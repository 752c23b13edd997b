"""Cards that are filled in are the cards that would be rendered."""

from functools import partial
from typing import Any
from urllib.parse import quote_from_bytes

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lvs.models import SHAPES, STEREOS, Card, MediaHash, Query, Root, Sort, State
from lvs.paths import static_folder
from lvs.web.card_templates import CardTemplates
from lvs.web.templates import Templates
from lvs.web.urls import PATH_SAFE, Urls, quoted

TEXT = st.text(max_size=12) | st.sampled_from(
    ("<b>", "&amp;", '"', "a/b%20", "夏祭り", "{{ card }}", "?q=&tag=", "\ufffd")
)
HEX = st.text("0123456789abcdef", min_size=16, max_size=16)
MILLISECONDS = st.integers(0, 2**45) | st.integers(1_700_000_000_000, 1_800_000_000_000)

cards = st.builds(
    Card,
    id=st.integers(1, 2**40),
    media_hash=HEX.map(MediaHash),
    version=st.integers(1, 2**62),
    root_id=st.sampled_from((1, 2)),
    path=st.binary(min_size=1, max_size=20) | TEXT.map(str.encode),
    title=TEXT,
    added_at=MILLISECONDS,
    duration_s=st.floats(0, 1e6) | st.sampled_from((0.0, 0.2, 59.6, 3600.0)),
    width=st.sampled_from((0, 640, 1080, 1920, 3840, 8000)),
    height=st.sampled_from((0, 360, 1080, 1600, 1920, 2160)),
    size_bytes=st.integers(0, 2**45),
    rating=st.integers(0, 5),
    views=st.integers(0, 3) | st.integers(0, 2**40),
    last_viewed_at=MILLISECONDS,
    favorited_at=st.sampled_from((0, 7)),
    projection=st.integers(0, len(SHAPES) * len(STEREOS) - 1),
    tags=st.lists(TEXT.filter(bool), max_size=5).map(tuple),
    state=st.sampled_from(State),
    poster=st.none() | HEX,
    offline=st.booleans(),
    progress=st.integers(0, 99),
    watched=st.booleans(),
    colour=st.sampled_from(("", "27d", "fff")),
)
lists = st.builds(
    Query,
    q=TEXT,
    tags=st.lists(TEXT, max_size=2).map(tuple),
    folder=st.binary(max_size=5),
    sort=st.sampled_from(Sort),
)


@settings(max_examples=25, deadline=None)
@given(
    some=st.lists(cards, min_size=1, max_size=10, unique_by=lambda card: (card.id, card.version)),
    shown_in=lists,
)
def test_a_filled_card_is_what_a_rendered_one_would_be(some: list[Card], shown_in: Query) -> None:
    for number in (1, 2):
        roots = {
            each: Root(each, b"x", f"Fo & lder {each}", active=each <= number) for each in (1, 2)
        }
        pages = Templates(Urls(partial(dict, roots)), static_folder())
        template = pages.environment.get_template("partials/video_card.html")
        for card in (*some, *some):
            for eager in range(3):
                rendered = template.render(card=card, query=shown_in, eager=eager)
                assert pages.cards.html(card, shown_in, eager) == rendered


@settings(deadline=None)
@given(st.binary() | TEXT.map(str.encode))
def test_a_path_is_encoded_as_the_standard_library_would(path: bytes) -> None:
    assert quoted(path) == quote_from_bytes(path, safe=PATH_SAFE)


def test_the_same_shape_is_rendered_once(monkeypatch: pytest.MonkeyPatch) -> None:
    pages = Templates(Urls(lambda: {1: Root(1, b"x", "Videos")}), static_folder())
    rendered = []
    real = type(pages.cards)._shape

    def noted(self: CardTemplates, card: Card, *rest: Any) -> Any:
        rendered.append(card.id)
        return real(self, card, *rest)

    monkeypatch.setattr(type(pages.cards), "_shape", noted)
    for number in range(1, 200):
        card = Card(
            number, MediaHash(f"{number:016x}"), 1, 1, b"%d.mp4" % number, f"Film {number}",
            number, 60.0, 1920, 1080, number,
            number % 3, number, 0, 0, 0, ("a", f"t{number}"), State.READY, f"{number:016x}", False,
        )  # fmt: skip
        assert f"Film {number}" in pages.cards.html(card, Query())
    assert rendered == [1, 2, 3]
