"""Playlists and Later: pages, forms, and the choice of a list for a video or a selection."""

from typing import Any, cast
from urllib.parse import urlencode

from quart import Response, redirect

from lvs.services.household.playlists import PlaylistItem
from lvs.web.filters import chips, parse_query
from lvs.web.request_args import (
    MAX_ID,
    arguments,
    digit,
    form_number,
    form_words,
    number,
    row_id,
    text,
    video_hash,
)
from lvs.web.responses import client, page, partial_of_video, redirect_back, services, wants_partial
from lvs.web.urls import query_string

PAGE_SIZE = 100
POSTERS_PER_LIST = 4
POSTERS_CHECKED = 24  # of what waits to be watched, where some have none yet


async def every() -> Response:
    """All playlists; `deleted` names one that can be brought back."""
    deleted = number(arguments(), "deleted", MAX_ID)
    waiting = [each.card for each in await services().later.items(POSTERS_CHECKED) if each.card]
    return page(
        "playlists.html",
        playlists=await services().playlists.every(),
        covers=await services().playlists.covers(POSTERS_PER_LIST),
        later=await services().later.count(),
        later_covers=[card for card in waiting if card.poster][:POSTERS_PER_LIST],
        deleted=deleted,
        deleted_name=await services().playlists.deleted_name(deleted) if deleted else None,
        current="playlists",
    )


async def create() -> Response:
    """Make a playlist, where `video` names one with it in the list; with `selection` every video
    that the query in the address selects.
    """
    name, description = await form_words("name"), await form_words("description")
    query = parse_query(arguments()) if await form_words("selection") == "1" else None
    playlist_id = await services().playlists.create(name, description, await form_words("video"))
    if query:
        await services().playlists.add_selection(playlist_id, services().gallery.ids(query))
    return _to(playlist_id)


async def show(playlist_id: str) -> Response:
    """A playlist; `removed` and `position` name what was taken out of it last."""
    args, wanted = arguments(), row_id(playlist_id)
    found = await services().playlists.get(wanted)
    after = number(args, "after", MAX_ID) if text(args, "after") else -1
    hidden = text(args, "hidden") == "1"
    items = await services().playlists.items(wanted, PAGE_SIZE + 1, after, hidden=hidden)
    return page(
        "playlist.html",
        list=found,
        items=items[:PAGE_SIZE],
        first=after < 0,
        hidden=hidden,
        left_out=0 if hidden else await services().playlists.count_hidden(wanted),
        more=items[PAGE_SIZE - 1].position if len(items) > PAGE_SIZE else None,
        removed=video_hash(args, "removed"),
        position=number(args, "position", MAX_ID),
        current="playlists",
    )


async def describe(playlist_id: str) -> Response:
    wanted = row_id(playlist_id)
    name, description = await form_words("name"), await form_words("description")
    await services().playlists.describe(wanted, name, description)
    return _to(wanted)


async def delete(playlist_id: str) -> Response:
    wanted = row_id(playlist_id)
    await services().playlists.delete(wanted)
    return cast("Response", redirect(f"/playlists?deleted={wanted}", 303))


async def bring_back(playlist_id: str) -> Response:
    wanted = row_id(playlist_id)
    await services().playlists.bring_back(wanted)
    return _to(wanted)


async def add(playlist_id: str) -> Response:
    """Add `video` at the end, or at `position` where it was taken out of."""
    wanted, video = row_id(playlist_id), await form_words("video")
    place = await form_number("position") if await form_words("position") else None
    await services().playlists.add(wanted, video, place)
    return _to(wanted)


async def add_selection(playlist_id: str) -> Response:
    """Add every video that the query in the address selects."""
    wanted, query = row_id(playlist_id), parse_query(arguments())
    await services().playlists.add_selection(wanted, services().gallery.ids(query))
    return _to(wanted)


async def take_out(playlist_id: str) -> Response:
    wanted, position = row_id(playlist_id), await form_number("position")
    item = await _item(wanted, position)
    await services().playlists.remove(wanted, position)
    if item is None or not item.media_hash:
        return _to(wanted)
    undo = urlencode({"removed": item.media_hash, "position": position})
    return cast("Response", redirect(f"/playlist/{wanted}?{undo}", 303))


async def move(playlist_id: str) -> Response:
    """Move what stands at `position` one place up or down, or to the place `to`."""
    wanted, position = row_id(playlist_id), await form_number("position")
    if await form_words("to"):
        await services().playlists.move_to(wanted, position, await form_number("to"))
        return redirect_back(f"/playlist/{wanted}")
    up = digit(await form_words("up"), "1 or 0", 1) == 1
    hidden = await form_words("hidden") == "1"
    await services().playlists.move(wanted, position, up, hidden=hidden)
    return redirect_back(f"/playlist/{wanted}")


async def choose(media_hash: str) -> Response:
    """The choice of a list for one video."""
    video = await services().videos.get(media_hash)
    return await _choice(
        f"Add “{video.title}” to a list",
        video=video.media_hash,
        later=await services().later.has(video.media_hash),
        selection="",
    )


async def choose_for_selection() -> Response:
    """The choice of a list for all videos of a selection."""
    query = parse_query(arguments())
    count = await services().gallery.count(query)
    described = " · ".join(chip.label for chip in chips(query)) or "all videos"
    return await _choice(
        f"Add {count:,} video{'' if count == 1 else 's'} to a list: {described}",
        video="",
        later=False,
        selection=query_string(query) or "?",
    )


async def later() -> Response:
    """The videos to watch later; `removed` names what was taken out last."""
    args = arguments()
    skip = number(args, "skip", MAX_ID)
    items = await services().later.items(PAGE_SIZE + 1, skip)
    return page(
        "later.html",
        items=items[:PAGE_SIZE],
        count=await services().later.count(),
        more=skip + PAGE_SIZE if len(items) > PAGE_SIZE else None,
        removed=video_hash(args, "removed"),
        current="playlists",
    )


async def set_later(media_hash: str) -> Response:
    """Add a video to Later or take it out; a plain form from the list itself gets an undo there."""
    wanted = digit(await form_words("value"), "1 or 0", 1) == 1
    await services().later.set(media_hash, wanted, client())
    if wants_partial():
        return partial_of_video("later_button.html", "later:changed", media_hash, later=wanted)
    if await form_words("from") == "later":
        undo = "" if wanted else f"?removed={media_hash}"
        return cast("Response", redirect(f"/later{undo}", 303))
    return redirect_back(f"/v/{media_hash}")


async def _choice(heading: str, **values: Any) -> Response:
    lists = await services().playlists.every()
    return page(
        "choose_playlist.html", heading=heading, playlists=lists, current="playlists", **values
    )


async def _item(playlist_id: int, position: int) -> PlaylistItem | None:
    """Return what stands at a place, if anything does."""
    found = await services().playlists.items(playlist_id, 1, position - 1, hidden=True)
    return found[0] if found and found[0].position == position else None


def _to(playlist_id: int) -> Response:
    return cast("Response", redirect(f"/playlist/{playlist_id}", 303))
