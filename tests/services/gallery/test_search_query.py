"""What people type into the search field, and what it finds."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.crowd import Crowd, Person, crowd

from lvs.errors import Invalid
from lvs.models import Query, Sort
from lvs.services.gallery import search_query

TITLES = (
    "The sea at night",
    "Seaside walk 2019",
    "ÉTÉ à la mer",
    "夏祭り 2020",
    "カメラ テスト",
    "Straße nach Öl",
    'He said "go" (loudly)',
    "NEAR AND OR NOT",
    "100% *real*",
    "don't stop",
    "snake_case_name",
    "ﬁlm ½",
    "HolidayItaly2019",
    "--dash 🎬🍿 C++",
    "ΘΆΛΑΣΣΑΣ",
    "Łódź ﾊﾟ İstanbul",
)


def person(number: int, title: str) -> Person:
    tags = ("two words",) if number in (1, 2) else ("alps", "two words") if number == 3 else ()
    return Person(
        number,
        title,
        "Videos",
        f"dir{number % 2}/file-{number}.mp4",
        number,
        1.0,
        1,
        0,
        0,
        0,
        0,
        number,
        None,
        tags,
    )


@pytest.fixture
def titled() -> list[Person]:
    return [person(number, title) for number, title in enumerate(TITLES, 1)]


@pytest_asyncio.fixture
async def one_film(tmp_path: Path) -> AsyncIterator[Crowd]:
    async with crowd(tmp_path, [person(1, "sea")]) as many:
        yield many


def oldest_first(text: str) -> Query:
    return Query(q=text, sort=Sort.ADDED, descending=False)


async def found(many: Crowd, text: str) -> list[int]:
    """The ids, the same from both galleries."""
    page = await many.fast.browse(oldest_first(text))
    assert page == await many.plain.browse(oldest_first(text))
    assert await many.fast.count(oldest_first(text)) == len(page.cards)
    return [card.id for card in page.cards]


async def test_what_is_typed_finds_what_was_meant(tmp_path: Path, titled: list[Person]) -> None:
    everything = list(range(1, len(TITLES) + 1))
    async with crowd(tmp_path, titled) as many:
        for text, expected in {
            "sea": [1, 2],
            "SEA night": [1],
            "night sea": [1],
            "s": [1, 2, 6, 7, 10, 11],
            "italy": [13],
            "2019": [2, 13],
            "holidayitaly2019": [13],
            '"holiday italy"': [13],
            "🎬": [14],
            "🍿 -c": [],
            "c++": [14],
            "+": [14],
            "--dash": [14],
            "--none": [],
            "θαλασσας": [15],
            "θάλασσα": [15],
            "lodz": [16],
            "ŁÓDŹ": [16],
            "istanbul": [16],
            "ISTANBUL": [16],
            "ıstanbul": [16],
            "パ": [16],
            "ete": [3],
            "été": [3],
            "Ete mer": [3],
            "夏": [4],
            "夏祭り": [4],
            "祭り夏": [],
            "祭": [4],
            "カメ": [5],
            "ｶﾒﾗ": [5],
            "ol": [6],
            "strasse": [6],
            "STRASSE": [6],
            "straße": [6],
            '"at night"': [1],
            '"night at"': [],
            '"at nig"': [],
            "sea -night": [2],
            "-night": [2, *everything[2:]],
            "-night -sea": everything[2:],
            "-": everything,  # as far as one has typed
            "go loudly": [7],
            '"go': [7],
            '""': everything,
            "NOT": [8],
            "near and": [8],
            "OR": [8],
            "100%": [9],
            "*real*": [9],
            "***": [],
            "don't": [10],
            "dont": [],
            "case": [11],
            "snake_case": [11],
            "film": [12],
            "file-1": [1, *everything[9:]],
            "dir0": everything[1::2],
            "mp4": everything,
            "": everything,
            "   ": everything,
            "tag:alps": [3],
            "TAG:ALPS": [3],
            'tag:"two words"': [1, 2, 3],
            'sea tag:"two words" -2019': [1],
            "tag:none": [],
            "tag:": [],
            "alps": [3],
            "words two": [1, 2, 3],
            "title:sea": [],
            "{title path}: sea": [],
            "sea^2": [],
            "NEAR(sea night)": [],
            "\0": [],
            "sea\0": [1, 2],
            "😀": [],
        }.items():
            assert await found(many, text) == expected, text


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.text(max_size=40) | st.text(alphabet='"*():^-+{}tag:NEAR ORAND', max_size=60))
async def test_any_text_is_a_search(one_film: Crowd, text: str) -> None:
    words = search_query.parse(text)
    await found(one_film, text)
    assert words == search_query.parse(text)


def test_an_overlong_search_is_refused_and_many_words_are_cut() -> None:
    with pytest.raises(Invalid, match="200 characters"):
        search_query.parse("a" * 201)
    parsed = search_query.parse("a " * 100)
    assert str(parsed.match).count('"a"*') == search_query.MAX_TERMS
