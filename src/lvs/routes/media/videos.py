"""Video files as bytes."""

import os
from pathlib import Path
from typing import cast

from quart import Response, redirect, request

from lvs.errors import NotFound, Unavailable
from lvs.http import media_types
from lvs.http.file_response import file_response
from lvs.models import PlayableFile, Video
from lvs.services.streaming.open_file import OpenFile, open_below
from lvs.web.named_video import FILES, file_at, video_at
from lvs.web.responses import addresses, client, services


async def video(place: str) -> Response:
    """The file's bytes. Only files that the library knows are ever opened."""
    file = await file_at()
    if file is None:
        raise NotFound("There is no video at this address.")
    if file.gone or not services().library.roots[file.root_id].active:
        return await _moved()
    services().streams.check(client())
    name = os.fsdecode(file.path.rpartition(b"/")[2])
    return await file_response(
        request,
        await _opened(file),
        media_types.media_type(file.path, file.container),
        name if "download" in request.args else None,
        streams=services().streams,
        title=file.title,
        client=client(),
    )


async def _opened(file: PlayableFile) -> OpenFile:
    """The file, opened. Raises Unavailable where its drive is away and really does not give it."""
    root = services().library.roots[file.root_id]
    folder = Path(os.fsdecode(root.path))
    if not services().library.is_away(root.id, file.path):
        return await open_below(folder, file.path)
    opened = await services().streams.away.open(root.id, folder, file.path)
    if opened is None:
        raise Unavailable(
            f"The folder “{root.name}” is offline. Reconnect the drive to play the video."
        )
    return opened


async def _moved() -> Response:
    found = await video_at(FILES)
    if found is None or not _is_listed(found[0]):
        raise NotFound("This video is no longer in the library folders.")
    query = request.query_string.decode("ascii", "replace")
    address = addresses().video(found[0].file) + (f"?{query}" if query else "")
    return cast("Response", redirect(address, 307))


def _is_listed(video: Video) -> bool:
    return not video.missing and services().library.roots[video.file.root_id].active
