"""The `poster_colours` table: the colour that stands in the place of a poster until it is there."""

import json
import time
from collections.abc import Mapping

from lvs.db.connection import Connection
from lvs.db.database import Transaction


async def put(tx: Transaction, poster: str, colour: str) -> None:
    """Keep the colour of a poster: three hexadecimal digits, or none where it cannot be told. The
    gallery is left to the caller.
    """
    sql = "INSERT OR REPLACE INTO poster_colours (poster, colour) VALUES (?, ?)"
    await tx.run(sql, (poster, colour))


async def missing(db: Connection, limit: int) -> list[str]:
    """Posters of the gallery whose colour is not known."""
    sql = """
        SELECT DISTINCT poster FROM gallery WHERE poster IS NOT NULL AND colour IS NULL LIMIT ?
    """
    return [row[0] for row in await db.tuples(sql, (limit,))]


async def fill(tx: Transaction, colours: Mapping[str, str]) -> None:
    """Keep the colours of these posters, and show them."""
    for poster, colour in colours.items():
        await put(tx, poster, colour)
    sql = """
        UPDATE gallery
        SET version = max(:version, version + 1),
            colour = (SELECT colour FROM poster_colours c WHERE c.poster = gallery.poster)
        WHERE poster IS NOT NULL AND colour IS NULL
            AND poster IN (SELECT value FROM json_each(:posters))
    """
    await tx.run(sql, {"posters": json.dumps(list(colours)), "version": time.time_ns()})
