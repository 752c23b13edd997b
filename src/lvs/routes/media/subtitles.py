"""Subtitle files beside a video, as WebVTT."""

from quart import Response, request

from lvs.models import Video
from lvs.web.responses import services

WRITTEN_AS = "1"  # goes up whenever the same file is turned into other WebVTT than before


async def subtitles(media_hash: str, key: str) -> Response:
    found = await services().subtitles.get(await services().videos.get(media_hash), key)
    etag = f"{await services().subtitles.version(found)}-{WRITTEN_AS}"
    if request.if_none_match.contains_weak(etag):
        response = Response(status=304)
    else:
        response = Response(
            await services().subtitles.webvtt(found), content_type="text/vtt; charset=utf-8"
        )
    response.set_etag(etag)
    response.headers["Cache-Control"] = "no-cache"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


async def subtitles_of(video: Video) -> list[tuple[str, str, str]]:
    """Address, label and language tag (or nothing) of each of a video's subtitles."""
    found = await services().subtitles.of(video)
    return [
        (f"/subtitles/{video.media_hash}/{subtitle.key}.vtt", subtitle.label, subtitle.language)
        for subtitle in found
    ]
