"""Events inside the process: what happened in the library, for those who listen."""

import logging
from collections import defaultdict
from collections.abc import Callable, Collection
from enum import StrEnum

log = logging.getLogger(__name__)

Listener = Callable[[Collection[int]], None]


class Event(StrEnum):
    """The moments one can listen to; each comes with the ids of the videos it is about."""

    ADDED = "video:added"
    MODIFIED = "video:modified"
    REMOVED = "video:removed"
    REASSIGNED = "video:reassigned"  # two videos became one, or one two: names and curation moved
    RESHAPED = "video:reshaped"  # its projection is another one, and so its poster is to be
    CURATED = "video:curated"  # it was given what the original had for it
    RATED = "video:rated"  # its stars are others
    EDITED = "video:edited"  # its heart, a tag, its title, its notes are others, or it was hidden
    CHANGED_EXTERNALLY = (
        "database:changed"  # another program changed the database; nobody knows which videos
    )
    CHANGED = "batch:done"  # a batch of changes is committed; ids of all videos in it


class Events:
    """Calls listeners in the order they came.

    A listener that fails is logged and disturbs nobody.
    """

    def __init__(self) -> None:
        self._listeners: defaultdict[Event, list[Listener]] = defaultdict(list)

    def on(self, event: Event, listener: Listener) -> None:
        self._listeners[event].append(listener)

    def publish(self, event: Event, video_ids: Collection[int]) -> None:
        for listener in self._listeners[event]:
            try:
                listener(video_ids)
            except Exception:
                log.exception("a listener of %s failed", event)
