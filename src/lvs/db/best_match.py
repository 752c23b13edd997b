"""Relevance of the videos that a search finds: in groups, of which the full-text index gives each
in one lookup, or by one.
"""

from collections.abc import Mapping

from msgspec.structs import asdict

from lvs.db.database import Connection
from lvs.relevance import (
    LETTERS_OF_TITLE,
    PARTS_OF_WORDS,
    TIME_BITS,
    TITLE_BEGINS,
    TITLE_EQUALS,
    WORDS_ELSEWHERE,
    WORDS_OF_TITLE,
    RankedWords,
)

# By relevance, the name of the expression in `RankedWords`.
_FOUND = {
    TITLE_BEGINS: "title_begins",
    WORDS_OF_TITLE: "words_of_title",
    LETTERS_OF_TITLE: "letters_of_title",
    WORDS_ELSEWHERE: "words_anywhere",
}
_IDS = {
    TITLE_EQUALS: "SELECT video_id AS id FROM gallery WHERE title_key = :title",
    **{
        relevance: f"SELECT rowid AS id FROM search WHERE search MATCH :{name}"
        for relevance, name in _FOUND.items()
    },
}
_RELEVANCE = "CASE {} ELSE {} END".format(
    " ".join(f"WHEN g.video_id IN ({sql}) THEN {relevance}" for relevance, sql in _IDS.items()),
    PARTS_OF_WORDS,
)

PLACE = f"""
    (({_RELEVANCE}) << {TIME_BITS} | min(max(g.added_at, 0), {(1 << TIME_BITS) - 1}))
"""
"""The place of a video `g` in the order, as `relevance.place` gives it."""


def values_of(ranked: RankedWords) -> Mapping[str, str]:
    """The values that PLACE needs."""
    return asdict(ranked)


async def finds_more(db: Connection, match: str, most: int) -> bool:
    """True where an FTS5 expression finds more than `most` videos."""
    sql = "SELECT count(*) FROM (SELECT 1 FROM search WHERE search MATCH ? LIMIT ?)"
    return int(await db.value(sql, (match, most + 1))) > most


async def groups(db: Connection, ranked: RankedWords) -> dict[int, str]:
    """The videos of each group by its relevance, as one text with a comma between; a video may
    stand in several.
    """
    columns = ", ".join(f"(SELECT group_concat(id) FROM ({sql}))" for sql in _IDS.values())
    [row] = await db.tuples(f"SELECT {columns}", values_of(ranked))
    return {relevance: ids or "" for relevance, ids in zip(_IDS, row, strict=True)}


async def of_one(db: Connection, video_id: int, ranked: RankedWords) -> int:
    """Relevance of a video that the search finds."""
    sql = f"SELECT {_RELEVANCE} FROM gallery g WHERE g.video_id = :id"
    return int(await db.value(sql, {"id": video_id, **values_of(ranked)}) or 0)
