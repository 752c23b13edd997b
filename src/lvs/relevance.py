"""Relevance of a video to the words of a search, as a whole number, and its place in the order
"Best match".
"""

from msgspec import Struct

TITLE_EQUALS = 6
TITLE_BEGINS = 5  # with whole words
WORDS_OF_TITLE = 4
LETTERS_OF_TITLE = 3  # at its beginning
WORDS_ELSEWHERE = 2
PARTS_OF_WORDS = 1

TIME_BITS = 44
"""Bits of a place below the relevance: the time of addition in Unix milliseconds, until 2527."""


class RankedWords(Struct, frozen=True):
    """The words of a search as its hits are ranked: `title` as `text.natural_key` gives it, and an
    FTS5 expression for each group besides.
    """

    title: str
    title_begins: str
    words_of_title: str
    letters_of_title: str
    words_anywhere: str


def place(relevance: int, added_at: int) -> int:
    """The place in the order: by relevance, then by the time of addition (Unix milliseconds)."""
    return relevance << TIME_BITS | min(max(added_at, 0), (1 << TIME_BITS) - 1)
