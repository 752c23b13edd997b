"""The words of the search index."""

from lvs.db.database import Connection as Connection  # noqa: PLC0414 - named by those who ask here

MOST = 20_000


async def is_known(db: Connection, word: str) -> bool:
    """True where a video has this word, or one that begins with it."""
    sql = "SELECT 1 FROM search_words WHERE term >= ? AND term < ? LIMIT 1"
    return await db.one(sql, (word, word + "\U0010ffff")) is not None


async def alike(db: Connection, word: str) -> list[tuple[str, int]]:
    """Words of about this length with the same first letter or the same last ones, and how many
    videos have each.
    """
    sql = """
        SELECT term, doc FROM search_words
        WHERE length(term) BETWEEN :length - 2 AND :length + 2
            AND (substr(term, 1, 1) = :first OR substr(term, -2) = :last)
        LIMIT :most
    """
    values = {"length": len(word), "first": word[0], "last": word[-2:], "most": MOST}
    return [(row[0], row[1]) for row in await db.all(sql, values)]
