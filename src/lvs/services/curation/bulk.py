"""Changes to many videos at once: one transaction, one line of the journal, one undo.

The videos are found first, as the person saw them counted. Then the change is made in pieces,
between which others are served; either all of it is kept or nothing.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime

from msgspec import Struct

from lvs.clock import now_ms, utc
from lvs.db import bulk_changes, bulk_edits, playlist_pages, playlists, videos
from lvs.db import later as later_rows
from lvs.db.bulk_edits import ChangeOrigin
from lvs.db.database import Database, Transaction
from lvs.errors import Conflict, Invalid, NotFound
from lvs.models import Query, display_path, tag_key
from lvs.services.cache import Cache
from lvs.services.curation.base import clean_line
from lvs.services.curation.tags import MAX_TAGS, clean_tag
from lvs.services.curation.titles import MAX_TITLE_LENGTH
from lvs.services.events import Event, Events
from lvs.services.gallery.gallery import Gallery
from lvs.services.household.later import MAX_LATER
from lvs.services.household.playlists import MAX_ITEMS
from lvs.services.household.progress import ProgressTracker
from lvs.text import plural
from lvs.titles import title_from_path
from lvs.viewer import person_or_viewer

PIECE = 2000  # some twenty statements each, which wait for their turn beside the pages
EXPORTED_AT_ONCE = 500
MOST_VIDEOS = 200_000
MOST_TAGS_AT_ONCE = 20
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
PLACEHOLDERS = ("title", "file", "folder", "n", "date", "year")


class BulkEdit(Struct, frozen=True):
    """Values to set; None and empty leave as it is.

    `rating` 0 removes the stars. `title` is a pattern in which `{title}`, `{file}`, `{folder}`,
    `{n}`, `{date}` and `{year}` stand for those of each video; an empty one goes back to the names
    of the files.
    """

    rating: int | None = None
    favorite: bool | None = None
    tags_add: tuple[str, ...] = ()
    tags_remove: tuple[str, ...] = ()
    hidden: bool | None = None
    watched: bool | None = None
    later: bool | None = None
    playlist: int | None = None
    title: str | None = None


class BulkResult(Struct, frozen=True):
    """The numbers of videos that were meant and that were changed, and the change in the journal
    (None where nothing changed).
    """

    meant: int
    changed: int
    change_id: int | None


class BulkEdits:
    """Finds the videos that are meant, and changes them."""

    def __init__(
        self,
        database: Database,
        cache: Cache,
        events: Events,
        gallery: Gallery,
        progress: ProgressTracker,
    ) -> None:
        self._database = database
        self._cache = cache
        self._events = events
        self._gallery = gallery
        self._progress = progress

    async def selected(self, query: Query, seen_id: int = 0) -> list[int]:
        """The videos of a query in its order. With `seen_id`, the largest id that there was when
        they were counted, none that came since.

        Raises Invalid for more than are changed at once.
        """
        found = await self._gallery.all_ids(query, MOST_VIDEOS + 1)
        if len(found) > MOST_VIDEOS:
            raise Invalid(f"At most {MOST_VIDEOS:,} videos can be changed at once.")
        return [each for each in found if each <= seen_id] if seen_id else found

    async def named(self, media_hashes: Sequence[str]) -> list[int]:
        """The videos of these names, each once. Raises NotFound where one is none."""
        async with self._database.read() as db:
            found = [await videos.id_of(db, name) for name in media_hashes]
        for name, video_id in zip(media_hashes, found, strict=True):
            if video_id is None:
                raise NotFound(f"There is no video “{name[:40]}”. Nothing was changed.")
        return list(dict.fromkeys(video_id for video_id in found if video_id is not None))

    async def apply(
        self,
        video_ids: Sequence[int],
        edit: BulkEdit,
        client: str,
        tell: Callable[[int, int], None] = lambda done, total: None,
        person: int | None = None,
    ) -> BulkResult:
        """Change these videos; `tell` hears how many of how many are done.

        What is personal is that of `person`, else of the one who watches. All of it is kept or
        nothing. Raises Invalid, NotFound, Conflict.
        """
        edit, person = checked(edit), person_or_viewer(person)
        if edit.watched is not None:
            await self._progress.flush()
        at = now_ms()
        async with self._database.transaction() as tx:
            name = await _playlist_name(tx, edit)
            origin = ChangeOrigin(await bulk_changes.reserve(tx), client, at, person)
            for start in range(0, len(video_ids), PIECE):
                some = video_ids[start : start + PIECE]
                kinds = await _apply_to(tx, origin, edit, some, start)
                await bulk_edits.refresh(tx, some, frozenset(kinds))
                tell(start + len(some), len(video_ids))
                await asyncio.sleep(0)
            await _refuse_too_long(tx, edit, person)
            if edit.tags_remove:
                await bulk_edits.drop_unused_tags(tx)
            changed = await bulk_changes.video_ids(tx, origin.bulk or 0)
            if changed:
                words = in_words(edit, name)
                await bulk_changes.add(tx, origin.bulk or 0, words, len(changed), client, at)
        if not changed:
            return BulkResult(len(video_ids), 0, None)
        self._cache.clear()
        if edit.watched is not None:
            self._progress.note_changes()
        self._events.publish(Event.CHANGED, changed)
        if edit.rating is not None:
            self._events.publish(Event.RATED, changed)
        return BulkResult(len(video_ids), len(changed), origin.bulk)


async def in_batches(
    video_ids: Sequence[int], size: int = EXPORTED_AT_ONCE
) -> AsyncIterator[Sequence[int]]:
    """Some hundreds of these at a time, as an export reads them."""
    for start in range(0, len(video_ids), size):
        yield video_ids[start : start + size]


def checked(edit: BulkEdit) -> BulkEdit:
    """The edit with its words as they are kept. Raises Invalid with what is wrong."""
    add, remove = _tags(edit.tags_add), _tags(edit.tags_remove)
    if {tag_key(name) for name in add} & {tag_key(name) for name in remove}:
        raise Invalid("A tag cannot be added and removed at once.")
    if edit.rating is not None and (isinstance(edit.rating, bool) or edit.rating not in range(6)):
        raise Invalid("Pick one to five stars, or 0 to remove them.")
    if edit.watched and edit.later:
        raise Invalid("A watched video does not stay in Later. Choose one of both.")
    title = edit.title
    if title is not None:
        title = clean_line(title, "title", MAX_TITLE_LENGTH)
        for name in _PLACEHOLDER.findall(title):
            if name not in PLACEHOLDERS:
                known = ", ".join(f"{{{each}}}" for each in PLACEHOLDERS)
                raise Invalid(f"A title pattern knows {known}, and not {{{name[:40]}}}.")
    edit = BulkEdit(
        edit.rating, edit.favorite, add, remove, edit.hidden, edit.watched, edit.later,
        edit.playlist, title,
    )  # fmt: skip
    if edit == BulkEdit():
        raise Invalid("Name what to change.")
    return edit


def in_words(edit: BulkEdit, playlist: str = "") -> str:
    """An edit in words, as the journal shows it."""
    words = []
    if edit.rating is not None:
        words.append(plural(edit.rating, "star") if edit.rating else "stars removed")
    for value, yes, no in (
        (edit.favorite, "added to favorites", "removed from favorites"),
        (edit.hidden, "hidden", "shown again"),
        (edit.watched, "watched", "not watched"),
        (edit.later, "added to Later", "removed from Later"),
    ):
        if value is not None:
            words.append(yes if value else no)
    words += [f"tag “{name}” added" for name in edit.tags_add]
    words += [f"tag “{name}” removed" for name in edit.tags_remove]
    if edit.playlist is not None:
        words.append(f"added to the playlist “{playlist}”")
    if edit.title is not None:
        words.append(f"title “{edit.title}”" if edit.title else "titles reset to the file names")
    return ", ".join(words)


def _tags(names: Sequence[str]) -> tuple[str, ...]:
    found = {tag_key(name): name for name in map(clean_tag, names)}
    if len(found) > MOST_TAGS_AT_ONCE:
        raise Invalid(f"At most {MOST_TAGS_AT_ONCE} tags can be changed at once.")
    return tuple(found.values())


async def _apply_to(
    tx: Transaction, origin: ChangeOrigin, edit: BulkEdit, some: Sequence[int], start: int
) -> set[str]:
    """Make the change for some videos; the kinds of values that were changed."""
    single = {
        "rating": None if edit.rating is None else (str(edit.rating) if edit.rating else ""),
        "favorite": _flag(edit.favorite),
        "hidden": _flag(edit.hidden),
    }
    counts = {
        what: await bulk_edits.set_value(tx, origin, some, what, value or None)
        for what, value in single.items()
        if value is not None
    }
    if edit.later is not None:
        counts["later"] = await bulk_edits.set_later(tx, origin, some, edit.later)
    if edit.watched is not None:
        counts["watched"] = await bulk_edits.set_watched(tx, origin, some, edit.watched)
    for name in edit.tags_add:
        count = await bulk_edits.add_tag(tx, origin, some, name, MAX_TAGS)
        counts["tag"] = counts.get("tag", 0) + count
    for name in edit.tags_remove:
        count = await bulk_edits.remove_tag(tx, origin, some, name)
        counts["tag"] = counts.get("tag", 0) + count
    if edit.playlist is not None:
        await bulk_edits.add_to_playlist(tx, origin, some, edit.playlist)
    if edit.title is not None:
        titles = await _titles(tx, some, edit.title, start)
        counts["title"] = await bulk_edits.set_titles(tx, origin, titles)
    return {what for what, count in counts.items() if count}


async def _titles(
    tx: Transaction, some: Sequence[int], pattern: str, start: int
) -> list[tuple[int, str | None]]:
    known = await bulk_edits.titles_of(tx, some)
    return [
        (video_id, _title(pattern, number, *known[video_id]) if pattern else None)
        for number, video_id in enumerate(some, start + 1)
        if video_id in known
    ]


def _title(pattern: str, number: int, title: str, path: bytes, recorded_at: int) -> str | None:
    """The title that a pattern gives a video; None, the name of its file, where it is empty."""
    recorded: datetime | None = utc(recorded_at).astimezone() if recorded_at else None
    values = {
        "title": title,
        "file": title_from_path(path),
        "folder": display_path(path.rpartition(b"/")[0].rpartition(b"/")[2]),
        "n": str(number),
        "date": f"{recorded:%Y-%m-%d}" if recorded else "",
        "year": f"{recorded:%Y}" if recorded else "",
    }
    made = _PLACEHOLDER.sub(lambda found: values[found[1]], pattern)
    return clean_line(made[:MAX_TITLE_LENGTH], "title", MAX_TITLE_LENGTH) or None


def _flag(value: bool | None) -> str | None:
    return None if value is None else str(int(value))


async def _playlist_name(tx: Transaction, edit: BulkEdit) -> str:
    if edit.playlist is None:
        return ""
    found = await playlist_pages.summary(tx, edit.playlist)
    if found is None:
        raise NotFound("There is no such playlist.")
    return found.playlist.name


async def _refuse_too_long(tx: Transaction, edit: BulkEdit, person: int) -> None:
    if edit.later and await later_rows.count(tx, person) > MAX_LATER:
        raise Conflict(f"Later holds at most {MAX_LATER:,} videos. Nothing was changed.")
    if edit.playlist is not None and await playlists.count(tx, edit.playlist) > MAX_ITEMS:
        raise Conflict(f"A playlist holds at most {MAX_ITEMS:,} videos. Nothing was changed.")
