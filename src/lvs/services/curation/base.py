"""Shared by the services of curation: videos by name, and text as people type it.

A change is one transaction, with its line in the journal.
"""

import unicodedata
from collections.abc import Callable

from lvs.clock import now_ms
from lvs.db import videos
from lvs.db.database import Connection, Database
from lvs.errors import Invalid, NotFound
from lvs.services.cache import Cache
from lvs.services.events import Event, Events

# bidirectional overrides, embeddings, isolates
TURNS_TEXT = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


class Curation:
    """Base of the services of curation: finds videos by name, keeps the cache true, and tells of
    changes.
    """

    def __init__(self, database: Database, cache: Cache, events: Events) -> None:
        self.now_ms: Callable[[], int] = now_ms
        self._database = database
        self._cache = cache
        self._events = events

    async def _id(self, db: Connection, media_hash: str) -> int:
        video_id = await videos.id_of(db, media_hash)
        if video_id is None:
            raise NotFound("There is no such video.")
        return video_id

    def _edited(self, video_id: int | None) -> None:
        """Announce a committed change of this video; None if there was nothing to change."""
        self._cache.invalidate()
        if video_id is not None:
            self._events.publish(Event.EDITED, (video_id,))


def clean_line(text: str, what: str, longest: int) -> str:
    """Text of one line as it is kept: NFC, trimmed, single spaces. Raises Invalid."""
    text = " ".join(unicodedata.normalize("NFC", text).split(" ")).strip()
    if any(unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") or c in TURNS_TEXT for c in text):
        raise Invalid(f"A {what} cannot hold control characters.")
    text = " ".join(text.split())
    if text and all(unicodedata.category(c) == "Cf" for c in text):
        raise Invalid(f"A {what} needs at least one character that can be seen.")
    if len(text) > longest:
        raise Invalid(f"A {what} has at most {longest} characters.")
    return text


def journal_text(value: int | None) -> str | None:
    """A number as the journal keeps it."""
    return None if value is None else str(value)
