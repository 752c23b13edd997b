"""The `chapters` table: the parts of a film that its file names."""

import json
from collections.abc import Sequence

from lvs.db.database import Connection, Transaction
from lvs.models import Chapter

# The chapters of the video `:id` as text; NULL where there are none.
NAMED_OR_OF_FILE = """
    coalesce((SELECT chapters FROM markers WHERE video_id = :id),
        (SELECT chapters FROM chapters WHERE video_id = :id))
"""


async def of_video(db: Connection, video_id: int) -> list[Chapter]:
    """Chapters of a video in their order: those that people named, else those of its file."""
    text = await db.value(f"SELECT {NAMED_OR_OF_FILE}", {"id": video_id})
    return parsed(text) if text else []


def parsed(text: str) -> list[Chapter]:
    """The chapters in the text of a row."""
    return [Chapter(*each) for each in json.loads(text)]


async def put(tx: Transaction, video_id: int, chapters: Sequence[Chapter]) -> None:
    """Keep these chapters in place of those that were known; none leave no row."""
    if not chapters:
        await tx.run("DELETE FROM chapters WHERE video_id = ?", (video_id,))
        return
    text = json.dumps([[each.name, each.start_ms, each.end_ms] for each in chapters])
    await tx.run(
        "INSERT OR REPLACE INTO chapters (video_id, chapters) VALUES (?, ?)", (video_id, text)
    )
