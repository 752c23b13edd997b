"""Puts back what people gave their videos.

It adds and sets, and takes nothing away: what came since stays.
"""

import secrets
from collections.abc import Collection
from contextlib import suppress

from msgspec import Struct
from msgspec.structs import asdict, replace

from lvs.clock import now_ms
from lvs.db import (
    changes,
    favorites,
    gallery,
    hidden,
    later,
    markers,
    near_pairs,
    notes,
    playlists,
    progress,
    projections,
    ratings,
    saved_views,
    tag_details,
    tags,
    videos,
)
from lvs.db import curation_rows as rows
from lvs.db.curation_rows import CurationRecord, PlaylistRecord, TagRecord, ViewRecord
from lvs.db.database import Database, Transaction
from lvs.db.people_rows import PersonRecord, put_person
from lvs.db.tag_details import TagState
from lvs.models import HOUSEHOLD, WatchState, tag_key
from lvs.services.curation.base import journal_text
from lvs.services.curation.saved_views import MAX_VIEWS
from lvs.services.household.people import name_key
from lvs.services.media.stored_projection import apply_projection
from lvs.titles import title_from_path

CLIENT = "restore"
REFRESHED_AT_ONCE = 500
_NO_GAIN = ("videos", "saved_views_left_out")


class RestoreSummary(Struct):
    """Summary of a restore.

    `awaited` videos are not in the database: a scan finds them by their content.
    """

    videos: int = 0
    awaited: int = 0
    ratings: int = 0
    ratings_changed: int = 0
    tags: int = 0
    favorites: int = 0
    views: int = 0
    titles: int = 0
    projections: int = 0
    posters: int = 0
    progress: int = 0
    later: int = 0
    hidden: int = 0
    notes: int = 0
    markers: int = 0
    told_apart: int = 0
    playlists: int = 0
    playlist_items: int = 0
    described_tags: int = 0
    saved_views: int = 0
    saved_views_left_out: int = 0  # there is no room for more
    people: int = 0
    history: int = 0

    @property
    def nothing(self) -> bool:
        return not any(number for name, number in asdict(self).items() if name not in _NO_GAIN)


class _DryRun(Exception):
    """Takes back a transaction that was made to see what it would do."""


async def restore_records(
    database: Database,
    wanted: Collection[CurationRecord],
    dry_run: bool = False,
    lists: Collection[PlaylistRecord] = (),
    people: Collection[PersonRecord] = (),
    described: Collection[TagRecord] = (),
    views: Collection[ViewRecord] = (),
) -> RestoreSummary:
    """Give every video of `wanted` what stands there and bring `lists`, `people`, `views` and what
    is said of tags back, all or nothing; with `dry_run` say what that would change.
    """
    summary = RestoreSummary(videos=len(wanted))
    with suppress(_DryRun):
        async with database.transaction() as tx:
            touched = await _put_all(tx, wanted, summary)
            touched = sorted({*touched, *await put_described_tags(tx, described, summary)})
            for playlist in lists:
                await _put_playlist(tx, playlist, summary)
            for view in views:
                await _put_view(tx, view, summary)
            for person in people:
                await _put_person(tx, person, summary)
            if dry_run:
                raise _DryRun  # which takes the transaction back
            for start in range(0, len(touched), REFRESHED_AT_ONCE):
                await gallery.refresh(tx, touched[start : start + REFRESHED_AT_ONCE])
    return summary


async def _put_all(
    tx: Transaction, wanted: Collection[CurationRecord], summary: RestoreSummary
) -> list[int]:
    """The ids of the videos that were given anything."""
    found = {kept.media_hash: await rows.named(tx, kept.names) for kept in wanted}
    by_content = set(found.values())
    for kept in wanted:
        video_id = found[kept.media_hash]
        if video_id is None and kept.path:
            # Edited in place since: another content, the same place. Unless another of these is
            # there by its content.
            there = await rows.at(tx, kept.library, kept.path)
            video_id = there if there not in by_content else None
        if video_id is None:
            video_id = await _awaited(tx, kept)
            summary.awaited += 1
        await _put(tx, video_id, kept, summary)
        found[kept.media_hash] = video_id
    for kept in wanted:
        for other in kept.different_from:
            await _put_different(tx, found[kept.media_hash], found.get(other), other, summary)
    return sorted({video_id for video_id in found.values() if video_id is not None})


async def _awaited(tx: Transaction, kept: CurationRecord) -> int:
    """A video whose file is not here.

    It becomes whole when a scan meets the file, under whatever name.
    """
    added_at = kept.added_at if kept.added_at is not None else now_ms()
    video_id = await videos.add(
        tx,
        kept.media_hash,
        title_from_path(kept.path),
        added_at,
        secrets.randbelow(videos.SHUFFLE_END),
    )
    for name in kept.names:
        await videos.remember_content(tx, video_id, name)
    if kept.library and kept.path:
        name = kept.library.rpartition(b"/")[2].decode("utf-8", "replace") or "library"
        await rows.leave_place(
            tx, video_id, kept, await rows.root_at(tx, kept.library, name), now_ms()
        )
    return video_id


async def _put(
    tx: Transaction, video_id: int, kept: CurationRecord, summary: RestoreSummary
) -> None:
    await _put_rating(tx, video_id, kept, summary)
    now = now_ms()
    if kept.favorite and not await favorites.has(tx, video_id):
        at = kept.favorited_at if kept.favorited_at is not None else now
        await favorites.put(tx, video_id, at)
        await changes.add(tx, video_id, "favorite", "0", "1", CLIENT, now)
        summary.favorites += 1
    for name in kept.tags:
        if await tags.add(tx, video_id, name, tag_key(name), now):
            await changes.add(tx, video_id, "tag", None, name, CLIENT, now)
            summary.tags += 1
    views, last = await rows.view_count(tx, video_id)
    if kept.views > views:
        await rows.put_views(tx, video_id, kept.views, max(last, kept.last_viewed_at or 0) or None)
        await changes.add(tx, video_id, "view", str(views), str(kept.views), CLIENT, now)
        summary.views += kept.views - views
    await _put_projection(tx, video_id, kept, summary)
    await _put_poster(tx, video_id, kept, summary)
    await _put_progress(tx, video_id, kept, summary)
    await _put_hidden_and_texts(tx, video_id, kept, summary)
    title, edited = await rows.title_from_path(tx, video_id)
    if kept.title and (kept.title, True) != (title, edited):
        await videos.set_title(tx, video_id, kept.title, edited=True)
        await changes.add(tx, video_id, "title", title, kept.title, CLIENT, now)
        summary.titles += 1


async def put_described_tags(
    tx: Transaction, described: Collection[TagRecord], summary: RestoreSummary
) -> set[int]:
    """Say of tags what is said here, as far as names are free and nothing stands above itself; the
    videos whose words that changes.
    """
    for kept in described:
        _, name = await tags.named(tx, kept.name, tag_key(kept.name), 0)
        if kept.parent:
            await tags.named(tx, kept.parent, tag_key(kept.parent), 0)
        [old] = (await tag_details.states(tx, [tag_key(name)])).values()
        new = await _described(tx, old, kept)
        if new == old:
            continue
        await tag_details.put(tx, [new])
        if await tag_details.has_cycle(tx, [new.key]):
            await tag_details.put(tx, [replace(new, parent=old.parent)])
        summary.described_tags += 1
    keys = [tag_key(kept.name) for kept in described]
    await tag_details.refresh_words(tx, keys)
    return await tag_details.videos_with(tx, keys) if summary.described_tags else set()


async def _described(tx: Transaction, old: TagState, kept: TagRecord) -> TagState:
    aliases = dict(old.aliases)
    for alias in kept.aliases:
        if await tag_details.name_owner(tx, tag_key(alias)) is None:
            aliases[tag_key(alias)] = alias
    return replace(
        old,
        colour=kept.colour or old.colour,
        description=kept.description or old.description,
        parent=await tag_details.name_owner(tx, tag_key(kept.parent))
        if kept.parent
        else old.parent,
        aliases=tuple(sorted(aliases.items())),
    )


async def _put_progress(
    tx: Transaction, video_id: int, kept: CurationRecord, summary: RestoreSummary
) -> None:
    if kept.progress_at is not None:
        summary.progress += await progress.restore(
            tx,
            HOUSEHOLD,
            video_id,
            WatchState(kept.position_s, kept.watched, kept.progress_at),
            kept.dismissed,
        )
    if kept.later_at is not None:
        summary.later += await later.put(tx, HOUSEHOLD, video_id, kept.later_at)


async def _put_hidden_and_texts(
    tx: Transaction, video_id: int, kept: CurationRecord, summary: RestoreSummary
) -> None:
    if kept.hidden_at is not None and not await hidden.has(tx, video_id):
        await hidden.put(tx, video_id, kept.hidden_at)
        await changes.add(tx, video_id, "hidden", "0", "1", CLIENT, now_ms())
        summary.hidden += 1
    old = await notes.of_video(tx, video_id)
    if kept.notes and kept.notes != old:
        at = kept.notes_at if kept.notes_at is not None else now_ms()
        await notes.put(tx, video_id, kept.notes, at)
        await changes.add(tx, video_id, "notes", old or None, kept.notes, CLIENT, now_ms())
        summary.notes += 1
    old = await markers.of_video(tx, video_id)
    if kept.markers and kept.markers != old:
        await markers.put(tx, video_id, kept.markers)
        await changes.add(tx, video_id, "markers", old or None, kept.markers, CLIENT, now_ms())
        summary.markers += 1


async def _put_different(
    tx: Transaction, video_id: int | None, other_id: int | None, other: str, summary: RestoreSummary
) -> None:
    """Say that two films only look the same, where both are known."""
    if other_id is None:
        other_id = await rows.named(tx, [other])
    if video_id is None or other_id is None or video_id == other_id:
        return
    if await near_pairs.put_dismissed(tx, video_id, other_id, now_ms()):
        await changes.add(tx, video_id, "different", None, other, CLIENT, now_ms())
        summary.told_apart += 1


async def _put_playlist(tx: Transaction, kept: PlaylistRecord, summary: RestoreSummary) -> None:
    """Make a playlist, or add to the one of that name what it lacks."""
    places = [
        await rows.named(tx, [item]) if isinstance(item, str) else item for item in kept.items
    ]
    wanted = [place for place in places if place is not None]
    ours = await playlists.of_name(tx, kept.name)
    if ours is None:
        at = kept.created_at if kept.created_at is not None else now_ms()
        playlist_id = await playlists.add(tx, kept.name, kept.description or None, at)
        summary.playlists += 1
    else:
        playlist_id = ours.id
        here: set[int | bytes] = {*await playlists.items(tx, playlist_id)}
        here |= {*await playlists.held(tx, playlist_id)}
        wanted = [place for place in wanted if place not in here]
        if kept.description and not ours.description:
            await playlists.describe(tx, playlist_id, kept.description)
    await playlists.append(tx, playlist_id, wanted)
    summary.playlist_items += len(wanted)


async def _put_view(tx: Transaction, kept: ViewRecord, summary: RestoreSummary) -> None:
    """Add a view behind the others, unless there is one of its name."""
    if await saved_views.of_key(tx, name_key(kept.name)) is not None:
        return
    if len(await saved_views.every(tx)) >= MAX_VIEWS:
        summary.saved_views_left_out += 1
        return
    view_id = kept.view_id
    if not view_id or await saved_views.is_known(tx, view_id):
        view_id = secrets.token_hex(8)
    at = kept.created_at if kept.created_at is not None else now_ms()
    view = saved_views.SavedView(view_id, kept.name, kept.query, at)
    await saved_views.add(tx, view, name_key(kept.name))
    after = {view_id: (await saved_views.states(tx))[view_id]}
    await saved_views.note(tx, now_ms(), "add", kept.name, {}, after, CLIENT)
    summary.saved_views += 1


async def _put_person(tx: Transaction, kept: PersonRecord, summary: RestoreSummary) -> None:
    made = await put_person(tx, kept, name_key(kept.name), now_ms())
    summary.people += made.people
    summary.progress += made.progress
    summary.later += made.later
    summary.history += made.history


async def _put_projection(
    tx: Transaction, video_id: int, kept: CurationRecord, summary: RestoreSummary
) -> None:
    stored = await projections.of_video(tx, video_id)
    old = stored.chosen if stored else None
    if kept.projection is None or kept.projection == old:
        return
    await projections.choose(tx, video_id, kept.projection)
    await apply_projection(tx, video_id)
    await changes.add(tx, video_id, "projection", old, kept.projection, CLIENT, now_ms())
    summary.projections += 1


async def _put_poster(
    tx: Transaction, video_id: int, kept: CurationRecord, summary: RestoreSummary
) -> None:
    stored = await projections.of_video(tx, video_id)
    old = stored.place if stored else None
    if kept.poster is None or kept.poster == old:
        return
    await projections.choose_place(tx, video_id, kept.poster)
    await apply_projection(tx, video_id)
    before, after = journal_text(old), journal_text(kept.poster)
    await changes.add(tx, video_id, "poster", before, after, CLIENT, now_ms())
    summary.posters += 1


async def _put_rating(
    tx: Transaction, video_id: int, kept: CurationRecord, summary: RestoreSummary
) -> None:
    old = await ratings.value(tx, video_id)
    if kept.rating is None or kept.rating == old:
        return
    at = kept.rated_at if kept.rated_at is not None else now_ms()
    await ratings.put(tx, video_id, kept.rating, at)
    await changes.add(
        tx,
        video_id,
        "rating",
        None if old is None else str(old),
        str(kept.rating),
        CLIENT,
        now_ms(),
    )
    if old is None:
        summary.ratings += 1
    else:
        summary.ratings_changed += 1
