"""Queries as people type them, and the videos they find."""

import sqlite3
import unicodedata
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.crowd import Crowd, Person, crowd
from support.home import Home

from lvs.errors import Invalid
from lvs.models import Query, Sort
from lvs.services.gallery import search_query
from lvs.text import compound_parts

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


async def test_typed_words_find_the_titles_that_were_meant(
    tmp_path: Path, titled: list[Person]
) -> None:
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


# --- All scripts, against brute force ---

SPACED = (
    "Straße", "STRASSE", "Smørrebrød", "Łódź", "Đakovo", "İzmir", "Ilgın", "Ærø", "Œuvre", "café",
    "ΘΆΛΑΣΣΑΣ", "Οδυσσεύς", "Ёлка", "Київ", "שָׁלוֹם", "مُحَمَّد", "हिन्दी", "বাংলা", "தமிழ்", "ᏣᎳᎩ",
    "Երևան", "საქართველო", "አማርኛ", "한국어", "ＦＵＬＬ", "①②", "ﬁsh", "ⅫⅤ", "Ʒ", "ŧest", "Ħal",
)  # fmt: skip
UNSPACED = (
    *("夏祭り", "カメラ", "ｶﾒﾗ", "ภาษาไทย", "ភាសាខ្មែរ", "မြန်မာ", "ລາວ"),
    *("𠮷野家", "🎬🍿", "€5", "♥"),
)
LEFT_OUT = (*range(0x300, 0x370), *range(0x591, 0x5BE), 0x5BF, 0x5C1, 0x5C2, 0x5C4, 0x5C5, 0x5C7)
LEFT_OUT += (*range(0x64B, 0x653), 0x670)
LETTERS = {"ł": "l", "ø": "o", "đ": "d", "ħ": "h", "ŧ": "t", "ı": "i", "æ": "ae", "œ": "oe"}


def plain(text: str) -> str:
    """A word as it is compared, by the tables of Unicode alone."""
    text = unicodedata.normalize("NFD", unicodedata.normalize("NFKC", text).casefold())
    bare = "".join(c for c in text if ord(c) not in LEFT_OUT)
    return unicodedata.normalize("NFC", "".join(LETTERS.get(c, c) for c in bare))


def spellings(word: str) -> list[str]:
    """A word as somebody else may type it."""
    wide = "".join(chr(ord(c) + 0xFEE0) if "!" < c <= "~" else c for c in word)
    changed = [word, word.upper(), word.lower(), word.casefold(), wide]
    return changed + [unicodedata.normalize(form, word) for form in ("NFC", "NFD", "NFKC")]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def scripts(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Crowd]:
    titles = (*SPACED, *UNSPACED)
    # the names of their files begin as none of the titles does
    people = [
        replace(person(number, title), path=f"{'q' * number}.mp4")
        for number, title in enumerate(titles, 1)
    ]
    async with crowd(tmp_path_factory.mktemp("scripts"), people) as many:
        yield many


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("word", SPACED)
async def test_words_of_every_script_are_found_by_any_spelling_of_their_beginning(
    scripts: Crowd, word: str
) -> None:
    known = [plain(each) for each in (*SPACED, *UNSPACED)]
    for spelt in spellings(word):
        for end in range(2, len(spelt) + 1):
            start = spelt[:end]
            wanted = plain(start)
            expected = [number for number, each in enumerate(known, 1) if each.startswith(wanted)]
            assert [each for each in await found(scripts, start) if each] == expected, start


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("word", UNSPACED)
async def test_scripts_without_spaces_and_symbols_are_found_by_any_part(
    scripts: Crowd, word: str
) -> None:
    known = [plain(each) for each in (*SPACED, *UNSPACED)]
    for start in range(len(word)):
        for end in range(start + 1, len(word) + 1):
            part = word[start:end]
            expected = [number for number, each in enumerate(known, 1) if plain(part) in each]
            if part == "5":  # a number is a word of its own: names of files hold it, too
                continue
            if unicodedata.category(part[0]).startswith("M"):  # nobody types a mark alone
                continue
            assert await found(scripts, part) == expected, part


# --- Words inside of words ---

INSIDE = {
    "HDRItaly": ("hdr", "italy"),
    "GroßItalien": ("gross", "italien"),
    "ОтпускИталия2017": ("отпуск", "италия", "2017"),
    "ΔιακοπέςΙταλία": ("διακοπες", "ιταλία"),
    "छुट्टी2011": ("छुट्टी", "2011"),
    unicodedata.normalize("NFD", "CaféPérou"): ("cafe", "perou"),
    "Ｈｅｉｍａｔ２０１２": ("heimat", "2012", "２０１２"),
    "عطلة٢٠١٩": ("عطلة", "٢٠١٩"),
    "京都Tower2013": ("京都", "tower", "2013"),
    "서울2014": ("서울", "2014"),
    "my_last-Trip.ToÅland2015": ("last", "trip", "åland", "aland", "2015"),
}


async def test_words_inside_of_words_are_found_in_every_script(tmp_path: Path) -> None:
    people = [
        replace(person(number, title), path=f"{'q' * number}.mp4")
        for number, title in enumerate(INSIDE, 1)
    ]
    async with crowd(tmp_path, people) as many:
        for number, (title, words) in enumerate(INSIDE.items(), 1):
            for word in (*words, title, " ".join(words)):
                assert await found(many, word) == [number], (title, word)
        assert await found(many, "taly") == []  # the middle of a word is no word
        assert await found(many, "rip") == []


WORDS = ("trip", "italy", "groß", "été", "отпуск", "διακοπές", "երևան", "łódź")


@given(
    st.lists(st.sampled_from(WORDS) | st.integers(0, 2100).map(str), min_size=2, max_size=8).filter(
        lambda words: not any(one[0].isdigit() and two[0].isdigit() for one, two in pairwise(words))
    ),
    st.sampled_from(["NFC", "NFD", "NFKC"]),
)
def test_capitals_and_digits_are_borders_of_words(words: list[str], form: Any) -> None:
    each = [unicodedata.normalize("NFKC", word.capitalize()) for word in words]
    assert compound_parts(unicodedata.normalize(form, "".join(each))) == each


async def test_a_library_of_before_is_searched_by_words_inside_of_words(home: Home) -> None:
    home.add("trips/HDRItaly.mp4")
    await home.scan()
    media_hash = (await home.video("trips/HDRItaly.mp4")).media_hash
    await home.services.tags.add(media_hash, "GroßStadt", "a")
    await home.services.notes.set(media_hash, "ОтпускДома", "a")
    await home.stop()
    with closing(sqlite3.connect(home.data / "lvs.db")) as db, db:
        [before] = db.execute("SELECT title, path, tags, notes FROM search").fetchall()
        db.execute("UPDATE search SET title = 'x', path = 'x', tags = 'x', notes = 'x'")
        db.execute("PRAGMA user_version = 31")
    await home.start()
    with closing(sqlite3.connect(home.data / "lvs.db")) as db:
        [after] = db.execute("SELECT title, path, tags, notes FROM search").fetchall()
    assert after == before
    for word in ("italy", "hdr", "stadt", "дома"):
        assert await home.titles(Query(q=word)) == ["HDRItaly"], word
