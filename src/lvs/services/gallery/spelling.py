"""Words that were meant: known words near to one that finds nothing."""

from collections.abc import Iterable
from difflib import SequenceMatcher

from lvs.db import search_words
from lvs.db.database import Database
from lvs.services.gallery import search_query
from lvs.text import folded

MIN_LENGTH = 3
MOST_WORDS = 6
NEAR = 0.72  # of difflib's ratio
CANDIDATES = 200


async def nearest(database: Database, text: str) -> str:
    """The search with each unknown word replaced by the known one that is nearest; empty where
    nothing is near, or where it says more than words.
    """
    words = folded(text).split()
    parsed = search_query.parse(text)
    if parsed.tags or parsed.unmatch or not 0 < len(words) <= MOST_WORDS:
        return ""
    async with database.read() as db:
        found = [await _nearest_word(db, word) for word in words]
    return " ".join(found) if all(found) and found != words else ""


async def _nearest_word(db: search_words.Connection, word: str) -> str:
    if len(word) < MIN_LENGTH or await search_words.is_known(db, word):
        return word
    return best(word, await search_words.alike(db, word))


def best(word: str, known: Iterable[tuple[str, int]]) -> str:
    """The nearest of these words with their numbers of videos; of two that are as near, the one of
    more videos.
    """
    parts = _parts(word)
    near = sorted(known, key=lambda other: -len(parts & _parts(other[0])))[:CANDIDATES]
    rated = [(SequenceMatcher(None, word, other).ratio(), count, other) for other, count in near]
    ratio, _, other = max(rated, default=(0.0, 0, ""))
    return other if ratio >= NEAR else ""


def _parts(word: str) -> set[str]:
    """Trigrams of a word with its ends marked."""
    marked = f" {word} "
    return {marked[at : at + 3] for at in range(len(marked) - 2)}
