"""The video that the address of a request names by its place, looked up once per request: a hook
needs it before the page does.
"""

from typing import cast

from quart import g

from lvs.models import Card, File, PlayableFile, Video
from lvs.web.responses import raw_path, services

Found = tuple[Video, File, Card | None]

FILES = "/video/"
"""The prefix of the addresses of files, for which only what sending needs is looked up."""


async def video_at(prefix: str) -> Found | None:
    """The video at the place behind this prefix, its file there, and its card if it is listed.

    Raises NotFound if that is no valid place.
    """
    if "video_at" not in g:
        g.video_at = await services().videos.at(services().library.places(raw_path(prefix)))
    return cast("Found | None", g.video_at)


async def file_at() -> PlayableFile | None:
    """The file to send for the address of a file. Raises NotFound if that is no valid place."""
    if "file_at" not in g:
        g.file_at = await services().videos.playable_at(services().library.places(raw_path(FILES)))
    return cast("PlayableFile | None", g.file_at)


async def id_at(prefix: str) -> int | None:
    """The id of the video at the place behind this prefix; None if there is none."""
    if prefix == FILES:
        file = await file_at()
        return file.video_id if file else None
    found = await video_at(prefix)
    return found[0].id if found else None
