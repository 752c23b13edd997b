"""The JSON API of videos: lists, details, favorites, views, subtitles."""

from collections.abc import Sequence

from quart import Response

from lvs.errors import Invalid
from lvs.filters import readable
from lvs.models import Chapter, Cursor, Video
from lvs.routes.api import schemas
from lvs.routes.api.openapi import answers
from lvs.routes.media.subtitles import subtitles_of
from lvs.services.media.projection import by_person
from lvs.viewer import viewer
from lvs.web import request_args
from lvs.web.filters import parse_query
from lvs.web.json_body import json_body
from lvs.web.request_args import Arguments, arguments, cursor, text
from lvs.web.responses import addresses, client, json_response, services
from lvs.web.urls import encode_cursor

PAGE_SIZE, MAX_PAGE_SIZE = 60, 500
PROJECTION_MESSAGE = (
    'Send {"shape": "equirect180", "stereo": "sbs"} with a shape of flat, equirect180, equirect360,'
    " fisheye and eac, and a stereo of mono, sbs and tb, or null for the shape that was found."
)


@answers(schemas.VideoPage, query=schemas.VideosQuery, problems=(400,))
async def videos() -> Response:
    """A run of videos, filtered and sorted as the gallery is."""
    args = arguments()
    limit, after = request_args.limit(args, PAGE_SIZE, MAX_PAGE_SIZE), cursor(args, "after")
    if text(args, "state") == schemas.UNREADABLE:
        return await _unreadable(args, limit, after)
    page = await services().gallery.browse(parse_query(args), limit, after)
    roots = services().library.roots
    found = [schemas.summary_of(card, roots, addresses()) for card in page.cards]
    return json_response(
        schemas.VideoPage(videos=found, next=encode_cursor(page.next) if page.next else None)
    )


async def _unreadable(args: Arguments, limit: int, after: Cursor | None) -> Response:
    others = {name: values for name, values in args.items() if name != "state"}
    if parse_query(others).filtered:
        raise Invalid("state=unreadable cannot be combined with a filter.")
    if after is not None and not isinstance(after.key, int):
        raise Invalid("This link is broken. Go back to the first page.")
    if viewer().limits is not None:  # nothing of it stands in anybody's selection
        return json_response(schemas.VideoPage(videos=[], next=None))
    files = await services().gallery.unreadable(limit + 1, int(after.key) if after else 0)
    found = [_detail(await services().videos.get(file.media_hash)) for file in files[:limit]]
    following = (
        Cursor(files[limit - 1].file_id, files[limit - 1].video_id) if len(files) > limit else None
    )
    return json_response(
        schemas.VideoPage(videos=found, next=encode_cursor(following) if following else None)
    )


@answers(schemas.VideoDetail)
async def video(media_hash: str) -> Response:
    """A video with all its details."""
    found = await services().videos.get(media_hash)
    return json_response(_detail(found, await services().projections.chapters(found)))


def _detail(video: Video, chapters: Sequence[Chapter] = ()) -> schemas.VideoDetail:
    library = services().library
    place = video.file
    offline = not library.roots[place.root_id].active or library.is_away(place.root_id, place.path)
    state = services().progress.of_video(video)
    return schemas.detail_of(video, library.roots, addresses(), offline, state, chapters)


@answers(schemas.Favorite)
async def favorite(media_hash: str) -> Response:
    """The favorite mark of a video."""
    return json_response(schemas.Favorite(favorite=await services().favorites.get(media_hash)))


@answers(schemas.Favorite)
async def add_favorite(media_hash: str) -> Response:
    """Mark a video as favorite."""
    return json_response(
        schemas.Favorite(favorite=await services().favorites.set(media_hash, True, client()))
    )


@answers(schemas.Favorite)
async def remove_favorite(media_hash: str) -> Response:
    """Remove a video from the favorites."""
    return json_response(
        schemas.Favorite(favorite=await services().favorites.set(media_hash, False, client()))
    )


@answers(schemas.VideoProjection, body=schemas.ProjectionChange, problems=(400, 404, 415))
async def put_projection(media_hash: str) -> Response:
    """Say what shape a film has, or with null take that back. It is journaled and can be undone."""
    change = (await json_body(schemas.ProjectionChange, PROJECTION_MESSAGE)).root
    chosen = by_person(**change.model_dump()) if change else None
    found = await services().projections.choose(media_hash, chosen, client())
    return json_response(schemas.VideoProjection.from_projection(found))


@answers(schemas.VideoNotes, body=schemas.NotesChange, problems=(400, 404, 415))
async def put_notes(media_hash: str) -> Response:
    """Write the notes of a video. It is journaled and can be undone."""
    wanted = await json_body(schemas.NotesChange, 'Send {"notes": "a text"}.')
    text = readable(wanted.notes, "notes")
    return json_response(
        schemas.VideoNotes(notes=await services().notes.set(media_hash, text, client()))
    )


@answers(schemas.VideoHidden, body=schemas.HiddenChange, problems=(400, 404, 415))
async def put_hidden(media_hash: str) -> Response:
    """Hide a video from the lists, or show it again. It is journaled and can be undone."""
    wanted = await json_body(schemas.HiddenChange, 'Send {"hidden": true} or {"hidden": false}.')
    now = await services().hidden.set(media_hash, wanted.hidden, client())
    return json_response(schemas.VideoHidden(hidden=now))


@answers(schemas.ViewCount)
async def views(media_hash: str) -> Response:
    """The number of views of a video."""
    return json_response(schemas.ViewCount(views=await services().views.get(media_hash)))


@answers(schemas.ViewCount)
async def count_view(media_hash: str) -> Response:
    """Count a view of a video. No body is needed."""
    return json_response(
        schemas.ViewCount(views=await services().views.count(media_hash, client()))
    )


@answers(schemas.VideoSubtitles)
async def subtitles(media_hash: str) -> Response:
    """The subtitle files beside a video."""
    found = await subtitles_of(await services().videos.get(media_hash))
    tracks = [
        schemas.SubtitleItem(url=url, label=label, language=language or None)
        for url, label, language in found
    ]
    return json_response(schemas.VideoSubtitles(subtitles=tracks))
