"""The bytes: video files and posters."""

import asyncio
import os
import re
from pathlib import Path
from typing import cast

from quart import Blueprint, Response, redirect, request

from lvs.errors import NotFound, Unavailable
from lvs.http import media_types
from lvs.http.file_response import file_response
from lvs.models import State, Video
from lvs.services.media import posters
from lvs.services.streaming.open_file import open_below
from lvs.web.responses import addresses, client, raw_path, services

bp = Blueprint("media", __name__)

FOR_EVER = "public, max-age=31536000, immutable"
KINDS = {"jpg": "image/jpeg", "webp": "image/webp"}
_KEY = re.compile(r"[0-9a-f]{16}", re.ASCII)


@bp.get("/video/<path:place>")
async def video(place: str) -> Response:
    """The file's bytes. Only files that the library knows are ever opened."""
    found = await services().videos.at(services().library.places(raw_path("/video/")))
    if found is None:
        raise NotFound("There is no video at this address.")
    video, file = found
    root = services().library.roots[file.root_id]
    if file.missing_since is not None or not root.active:
        return _moved(video)
    if services().library.is_away(root.id, file.path):
        raise Unavailable(
            f"The folder “{root.name}” is offline right now. The video is there again when the drive is back."
        )
    services().streams.check(client())
    opened = await open_below(Path(os.fsdecode(root.path)), file.path)
    name = os.fsdecode(file.path.rpartition(b"/")[2])
    return await file_response(
        request,
        opened,
        media_types.media_type(file.path, video.probe.container if video.probe else None),
        name if "download" in request.args else None,
        streams=services().streams,
        title=video.title,
        client=client(),
    )


def _moved(video: Video) -> Response:
    if video.missing:
        raise NotFound("This video is gone from the library folders.")
    query = request.query_string.decode("ascii", "replace")
    return cast(
        "Response", redirect(addresses().video(video.file) + (f"?{query}" if query else ""), 307)
    )


@bp.get("/thumbnail/<hash:media_hash>.<any(jpg, webp):kind>")
async def thumbnail(media_hash: str, kind: posters.Format) -> Response:
    """A poster.

    An address that names the content (`v`) is answered without a look into the database.
    """
    width = 640 if request.args.get("w") == "640" else 320
    key = request.args.get("v", "")
    if _KEY.fullmatch(key) and (poster := await _read(key, width, kind)):
        return _picture(poster, kind, FOR_EVER)
    video = await services().videos.get(media_hash)
    if video.poster and (poster := await _read(video.poster, width, kind)):
        return _picture(poster, kind, "no-cache")
    if (
        video.poster and services().config.enable_thumbnails
    ):  # it was made once, and somebody removed it
        await services().jobs.look_again([video.id])
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
