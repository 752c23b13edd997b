"""Names and stars of the videos that live events are about."""

import json
from collections.abc import Collection

from lvs.db.connection import Connection


async def hashes(db: Connection, video_ids: Collection[int]) -> list[str]:
    """Media hashes of these videos, in the order of their ids."""
    sql = "SELECT v.media_hash FROM json_each(?) wanted JOIN videos v ON v.id = wanted.value"
    return [row[0] for row in await db.tuples(sql, (json.dumps(list(video_ids)),))]


async def ratings(db: Connection, video_ids: Collection[int]) -> list[tuple[str, int | None]]:
    """Media hashes and stars of these videos; None without stars."""
    sql = """
        SELECT v.media_hash, r.value
        FROM json_each(?) wanted JOIN videos v ON v.id = wanted.value
            LEFT JOIN ratings r ON r.video_id = v.id
    """
    return [(row[0], row[1]) for row in await db.tuples(sql, (json.dumps(list(video_ids)),))]
