"""The JSON API of playlists and Later."""

from typing import Any

from quart import Response

from lvs.clock import iso_utc_clamped
from lvs.errors import Invalid, NotFound
from lvs.filters import readable
from lvs.routes.api import schemas
from lvs.routes.api.openapi import answers
from lvs.services.household.playlists import PlaylistSummary
from lvs.viewer import viewer
from lvs.web.json_body import json_body
from lvs.web.request_args import MAX_ID, arguments, row_id, text
from lvs.web.responses import addresses, client, json_response, services

VIDEO_MESSAGE = 'Send {"media_hash": "…"} or {"filename": "the path of the video"}.'


@answers(schemas.PlaylistList, problems=())
async def every() -> Response:
    """All playlists by name."""
    found = await services().playlists.every()
    return json_response(schemas.PlaylistList(playlists=[_entry(each) for each in found]))


@answers((201, schemas.PlaylistDetail), body=schemas.NewPlaylist, problems=(400, 409, 415, 429))
async def create() -> Response:
    """Make an empty playlist. 409 where there is one of that name."""
    wanted = await json_body(schemas.NewPlaylist, 'Send {"name": "…", "description": "…"}.')
    playlist_id = await services().playlists.create(wanted.name, wanted.description)
    return json_response(await _detail(playlist_id), 201)


@answers(schemas.PlaylistDetail, problems=(400, 404))
async def show(playlist_id: str) -> Response:
    """A playlist with its videos."""
    return json_response(await _detail(row_id(playlist_id)))


@answers(schemas.PlaylistDetail, body=schemas.PlaylistChange, problems=(400, 404, 409, 415, 429))
async def change(playlist_id: str) -> Response:
    """Rename and describe a playlist. 409 where another one has that name."""
    wanted = await json_body(schemas.PlaylistChange, 'Send {"name": "…", "description": "…"}.')
    found = (await services().playlists.get(row_id(playlist_id))).playlist
    name = found.name if wanted.name is None else wanted.name
    description = found.description if wanted.description is None else wanted.description
    await services().playlists.describe(found.id, name, description or "")
    return json_response(await _detail(found.id))


@answers(schemas.PlaylistDetail, body=schemas.PlaylistMove, problems=(400, 404, 415, 429))
async def move(playlist_id: str) -> Response:
    """Move what stands at a position to the place of another."""
    wanted = await json_body(schemas.PlaylistMove, 'Send {"position": 3, "to": 0}.')
    if max(wanted.position, wanted.to) > MAX_ID:
        raise NotFound("This place of the playlist is empty now.")
    await services().playlists.move_to(row_id(playlist_id), wanted.position, wanted.to)
    return json_response(await _detail(row_id(playlist_id)))


@answers(schemas.Done, problems=(400, 404))
async def remove(playlist_id: str) -> Response:
    """Delete a playlist. Its page brings it back for 30 days."""
    await services().playlists.delete(row_id(playlist_id))
    return json_response(schemas.Done())


@answers(schemas.PlaylistDetail, body=schemas.ListedVideo, problems=(400, 404, 415, 429))
async def add(playlist_id: str) -> Response:
    """Add a video at the end of a playlist."""
    wanted = await json_body(schemas.ListedVideo, VIDEO_MESSAGE)
    await services().playlists.add(row_id(playlist_id), await _hash(wanted))
    return json_response(await _detail(row_id(playlist_id)))


@answers(schemas.PlaylistDetail, problems=(400, 404))
async def take_out(playlist_id: str, name: str) -> Response:
    """Remove a video, by its hash or path, from all of its places in a playlist."""
    wanted = await _hash_at(name) or name
    await services().playlists.take_out_named(row_id(playlist_id), wanted)
    return json_response(await _detail(row_id(playlist_id)))


@answers(schemas.LaterVideos, problems=())
async def later() -> Response:
    """The videos to watch later."""
    return json_response(await _later())


@answers(schemas.LaterVideos, body=schemas.ListedVideo, problems=(400, 404, 415, 429))
async def add_later() -> Response:
    """Add a video to Later."""
    wanted = await json_body(schemas.ListedVideo, VIDEO_MESSAGE)
    await services().later.set(await _hash(wanted), True, client())
    return json_response(await _later())


@answers(schemas.LaterVideos)
async def remove_later(media_hash: str) -> Response:
    """Remove a video from Later."""
    await services().later.set(media_hash, False, client())
    return json_response(await _later())


async def _hash(wanted: schemas.ListedVideo) -> str:
    """The hash of the video that a body names. Raises Invalid, NotFound."""
    if wanted.media_hash:
        found: str | None = readable(wanted.media_hash, "media_hash")
    elif wanted.filename:
        found = await _hash_at(wanted.filename)
    else:
        raise Invalid(VIDEO_MESSAGE)
    video_id = await services().videos.id_of(found) if found else None
    if found is None or video_id is None or not viewer().sees(video_id):
        raise NotFound("There is no such video.")
    return found


async def _hash_at(path: str) -> str | None:
    """The hash of the video at a path of an address; None where none lies there."""
    try:
        name = path.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        raise Invalid("The name of a video cannot contain half a character.") from None
    places = services().library.places(name)
    found = await services().videos.at(places)
    return found[0].media_hash if found else None


def _entry(found: PlaylistSummary) -> schemas.PlaylistEntry:
    return schemas.PlaylistEntry(**_values(found))


def _values(found: PlaylistSummary) -> dict[str, Any]:
    return {
        "id": found.playlist.id,
        "name": found.playlist.name,
        "description": found.playlist.description or None,
        "created_at": iso_utc_clamped(found.playlist.created_at),
        "count": found.count,
        "duration_s": found.duration_s,
    }


async def _detail(playlist_id: int) -> schemas.PlaylistDetail:
    found = await services().playlists.get(playlist_id)
    hidden = text(arguments(), "hidden") == "1"
    items = [
        schemas.PlaylistVideo(
            position=item.position,
            media_hash=item.media_hash or None,
            title=item.title,
            missing=item.card is None,
            url=addresses().watch(item.card) if item.card else None,
        )
        for item in await services().playlists.items(playlist_id, hidden=hidden)
    ]
    return schemas.PlaylistDetail(items=items, **_values(found))


async def _later() -> schemas.LaterVideos:
    return schemas.LaterVideos(
        videos=[
            schemas.LaterVideo(
                media_hash=item.media_hash,
                title=item.title,
                added_at=iso_utc_clamped(item.added_at),
                missing=item.card is None,
                url=addresses().watch(item.card) if item.card else None,
            )
            for item in await services().later.items()
        ]
    )
