"""Words of a search that set filters, and the words that filters in use are written as."""

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from lvs.filters import FILTERS, used_filters
from lvs.models import Query
from lvs.web.filters import chips, in_search_words, parse_query
from lvs.web.search_words import lifted, word_of

WHOLE_WORDS = [
    *("is:favorite", "is:unrated", "no:rating", "has:rating", "is:rated", "is:viewed", "is:vr"),
    *("is:watched", "is:unwatched", "is:started", "is:hidden", "is:playable"),
    *("state:convert", "state:undecodable", "length:short", "length:medium", "length:long"),
    *("no:sound", "has:tags", "no:tags", "has:subtitles", "no:subtitles"),
]


def asked(text: str, **args: str) -> Query:
    return parse_query({"q": [text], **{name: [value] for name, value in args.items()}})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("beach is:favorite", {"q": "beach", "favorite": True}),
        ("IS:Favorite", {"favorite": True}),
        ("year:2019", {"recorded_from": date(2019, 1, 1), "recorded_to": date(2019, 12, 31)}),
        ("year:2018-2020", {"recorded_from": date(2018, 1, 1), "recorded_to": date(2020, 12, 31)}),
        ("in:trips/kyoto sea", {"q": "sea", "folder": b"trips/kyoto"}),
        ('in:"my trips"', {"folder": b"my trips"}),
        ("no:tags", {"tagged": "no"}),
        ("-has:tags", {"tagged": "no"}),
        ("has:subtitles", {"subtitles": "yes"}),
        ("no:sound is:unwatched", {"sound": "missing", "progress": "unwatched"}),
        ("-is:watched", {"progress": "unwatched"}),
        ("stars:4 res:4k", {"min_rating": 4, "resolution": "4K"}),
        ('tag:alps tag:"two words" sea', {"q": "sea", "tags": ("alps", "two words")}),
        # what is no such word is text, and asks for what it says
        ("is:blue", {"q": "is:blue"}),
        ("year:soon", {"q": "year:soon"}),
        ("stars:9", {"q": "stars:9"}),
        ("-is:favorite", {"q": "-is:favorite"}),
        ("-tag:alps", {"q": "-tag:alps"}),
        ('"is:favorite"', {"q": '"is:favorite"'}),
        ("this:favorite", {"q": "this:favorite"}),
        ("in:", {"q": "in:"}),
        ("12:30 at sea", {"q": "12:30 at sea"}),
    ],
)
def test_words_set_filters_and_the_rest_is_searched(text: str, expected: dict[str, Any]) -> None:
    wanted = Query(**expected)
    assert asked(text) == replace(wanted, sort=wanted.usual_sort)


def test_a_word_and_the_panel_mean_the_same_and_each_filter_says_its_word() -> None:
    for word in WHOLE_WORDS:
        query = asked(word)
        [chip] = chips(query)
        assert asked(chip.word) == query, word
        assert chip.without == Query()
    used = asked(
        "",
        min_rating="4",
        recorded_from="2019-05-01",
        recorded_to="2020-01-02",
        resolution="1080p",
        shape="equirect180",
        min_minutes="10",
        max_minutes="90",
        folder="my trips",
        tag="two words",
    )
    assert asked(" ".join(chip.word for chip in chips(used))) == used


def test_every_filter_of_the_panel_has_a_search_word() -> None:
    offered = [(each.name, "1") for each in FILTERS if each.kind.control == "flag"]
    offered += [
        (each.name, value)
        for each in FILTERS
        if each.kind.control == "choice"
        for value, _ in each.kind.choices
    ]
    offered += [("min_rating", "3"), ("tag", "two words"), ("folder", "trips/my days")]
    offered += [("min_minutes", "5"), ("max_minutes", "60"), ("recorded", "2024-02")]
    offered += [("recorded_from", "2019-05-01"), ("recorded_to", "2020-01-02")]
    for name, value in offered:
        query = parse_query({name: [value]})
        words = in_search_words(query)
        assert words, (name, value)
        assert asked(words) == query, words
    both = asked('night "at sea"', tag="two words", length="short")
    assert in_search_words(both) == 'night "at sea" tag:"two words" length:short'
    assert asked(in_search_words(both)) == both


@given(st.text(max_size=60) | st.text(alphabet='is:no"-has2019tagyer favoite', max_size=60))
def test_any_text_stays_a_search_that_says_the_same_a_second_time(text: str) -> None:
    once = lifted(Query(q=text))
    assert lifted(once).filtered == once.filtered
    for each in used_filters(once):
        assert isinstance(word_of(each, once, None if not each.many else "x"), str)
