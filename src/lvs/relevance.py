"""Relevance of a video to the words of a search, as a whole number, and its place in the order
"Best match".

The text of a video comes as the full-text index holds it (`text.searchable`), so words, and parts
of compounds, are the same here and there.
"""

import unicodedata
from functools import lru_cache

from lvs.text import folded

TITLE_EQUALS = 6
TITLE_BEGINS = 5  # with whole words
WORDS_OF_TITLE = 4
LETTERS_OF_TITLE = 3  # at its beginning
WORDS_ELSEWHERE = 2
PARTS_OF_WORDS = 1

RANKED_AT_MOST = 3000
"""Of more videos than this nobody asks the relevance: the latest come first."""

TIME_BITS = 44
"""Bits of a place below the relevance: the time of addition in Unix milliseconds, until 2527."""

TERM_BORDER = "\n"
_TEXT_BORDER = " \0 "  # so that no phrase goes from one text over to the next


class _Borders(dict[int, int]):
    """A table for `str.translate` in which all that is no part of a word is a space."""

    def __missing__(self, code: int) -> int:
        category = unicodedata.category(chr(code))
        self[code] = code if category[0] in "LMNS" or category == "Co" else ord(" ")
        return self[code]


_BORDERS = _Borders()


def words_of(folded_text: str) -> str:
    """The words of a folded text with one space between, as the index takes it apart."""
    return " ".join(folded_text.translate(_BORDERS).split())


def relevance(terms: str, title: str, *texts: str | None) -> int:
    """Relevance of a video that a search finds. `terms` are its folded words and phrases with
    TERM_BORDER between, `title` is the title as people see it, `texts` are the columns of the
    index: the title, then all others.
    """
    wanted, phrases = _taken_apart(terms)
    own = words_of(folded(title))
    if own == wanted:
        return TITLE_EQUALS
    if own.startswith(f"{wanted} "):
        return TITLE_BEGINS
    in_title = f" {words_of(texts[0] or '')} "
    missing = [phrase for phrase in phrases if phrase not in in_title]
    if not missing:
        return WORDS_OF_TITLE
    if own.startswith(wanted):
        return LETTERS_OF_TITLE
    elsewhere = f" {_TEXT_BORDER.join(words_of(text or '') for text in texts[1:])} "
    found = all(phrase in elsewhere for phrase in missing)
    return WORDS_ELSEWHERE if found else PARTS_OF_WORDS


@lru_cache(50)
def _taken_apart(terms: str) -> tuple[str, tuple[str, ...]]:
    """All terms in a row, and each with a space around."""
    parts = terms.split(TERM_BORDER)
    return " ".join(parts), tuple(f" {part} " for part in parts)


def place(relevance: int, added_at: int) -> int:
    """The place in the order: by relevance, then by the time of addition (Unix milliseconds)."""
    return relevance << TIME_BITS | min(max(added_at, 0), (1 << TIME_BITS) - 1)
