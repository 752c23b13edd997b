"""Posters as pictures."""

import asyncio
import re

from quart import Response, request

from lvs.models import State
from lvs.services.media import posters
from lvs.viewer import viewer
from lvs.web.responses import services

FOR_EVER = "public, max-age=31536000, immutable"
KINDS = {"jpg": "image/jpeg", "webp": "image/webp"}
_KEY = re.compile(r"[0-9a-f]{16}", re.ASCII)


async def thumbnail(media_hash: str, kind: posters.Format) -> Response:
    """A poster.

    An address that names the content (`v`) is answered without a look into the database, unless a
    person with limits could name that of another video.
    """
    width = 640 if request.args.get("w") == "640" else 320
    key = request.args.get("v", "")
    named = bool(_KEY.fullmatch(key)) and viewer().limits is None
    if named and (poster := await _read(key, width, kind)):
        return _picture(poster, kind, FOR_EVER)
    video = await services().videos.get(media_hash)
    if video.poster and (poster := await _read(video.poster, width, kind)):
        return _picture(poster, kind, FOR_EVER if video.poster == key else "no-cache")
    if (
        video.poster and services().config.enable_thumbnails
    ):  # it was made once, and somebody removed it
        await services().jobs.reprobe([video.id])
    elif video.state is State.NEW:
        services().jobs.visible([video.id])
    message = (
        f"Cannot be read: {video.reason}" if video.state is State.UNREADABLE else posters.NOT_YET
    )
    drawn = await asyncio.to_thread(posters.placeholder, message, width, kind)
    return _picture(drawn, kind, "no-store")


async def _read(key: str, width: int, kind: posters.Format) -> bytes | None:
    path = services().posters.path(key, width, kind)

    def read() -> bytes | None:
        try:
            return path.read_bytes() or None
        except OSError:
            return None

    return await asyncio.to_thread(read)


def _picture(content: bytes, kind: str, cache_control: str) -> Response:
    response = Response(content, content_type=KINDS[kind])
    response.headers["Cache-Control"] = cache_control
    return response
