"""Spelling suggestions for a search that finds nothing: its words are compared with those of the
full-text index.
"""

import asyncio
import importlib
from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from lvs.db import gallery as rows
from lvs.db.database import Database
from lvs.models import Query
from lvs.services.gallery.gallery import Gallery
from lvs.text import folded

MOST_WORDS = 300_000  # words of the index compared with one word
SHORTEST, LONGEST = 3, 40  # letters of words that are compared
LIKENESS = 0.6
EACH = 5
SHOWN = 3
TERMS = 6


class SpellingSuggestion(Struct, frozen=True):
    """A search that finds something, and its number of videos."""

    query: Query
    count: int


class Spelling:
    """Suggests other spellings for searches without results."""

    def __init__(self, database: Database, gallery: Gallery) -> None:
        self._database = database
        self._gallery = gallery
        # The words of the index, one a line: SQLite counts each when it lists them, which takes a
        # third of a second with 100,000 videos, and every letter that is typed asks for them.
        self._words = ""
        self._words_of: object = None

    async def suggest(self, query: Query) -> list[SpellingSuggestion]:
        """Searches with one word spelled differently that find something, the likeliest first."""
        words = query.q.split()
        if not words or len(words) > TERMS:
            return []
        alone = [Query(q=word) for word in words]
        found = await self._gallery.counts(alone)
        wrong = [place for place, count in enumerate(found) if not count]
        if not wrong:  # each word occurs somewhere, but no video has all of them
            return []
        options: list[Query] = [query]
        for place in wrong:
            likes = await self._like(words[place])
            options = [
                replace(option, q=_with(option.q, place, like))
                for option in options
                for like in likes
            ][: EACH * 2]
        counts = await self._gallery.counts(options)
        meant = [SpellingSuggestion(*pair) for pair in zip(options, counts, strict=True) if pair[1]]
        return meant[:SHOWN]

    async def _like(self, word: str) -> Sequence[str]:
        """Words of the index similar to this one, the most similar first."""
        plain = folded(word).strip()
        if not plain.isalnum() or not SHORTEST <= len(plain) <= LONGEST:
            return []
        room = 1 if len(plain) < 5 else 2
        return await asyncio.to_thread(_most_similar, plain, room, await self._known_words())

    async def _known_words(self) -> str:
        edition = self._gallery.lists_edition
        if self._words_of != edition:
            async with self._database.read() as db:
                self._words = "\n".join(await rows.indexed_words(db, LONGEST + 2, MOST_WORDS))
            self._words_of = edition
        return self._words


def _with(text: str, place: int, word: str) -> str:
    words = text.split()
    return " ".join([*words[:place], word, *words[place + 1 :]])


def _most_similar(word: str, room: int, words: str) -> list[str]:
    """The most similar words (one a line) whose length differs by at most `room` letters."""
    process = importlib.import_module("rapidfuzz.process")  # not imported at the start
    distance = importlib.import_module("rapidfuzz.distance")
    known = [each for each in words.split("\n") if abs(len(each) - len(word)) <= room]
    found = process.extract(
        word,
        known,
        scorer=distance.OSA.normalized_similarity,
        score_cutoff=LIKENESS,
        limit=EACH,
    )
    return [each[0] for each in found]
