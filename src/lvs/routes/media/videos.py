"""Video files as bytes."""

import os
from pathlib import Path
from typing import cast

from quart import Response, redirect, request

from lvs.errors import NotFound, Unavailable
from lvs.http import media_types
from lvs.http.file_response import file_response
from lvs.models import Video
from lvs.services.streaming.open_file import open_below
from lvs.web.responses import addresses, client, raw_path, services


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
