"""The scenes of a film: a sheet of small pictures, and WebVTT that says which is when."""

import re

from quart import Response, request

from lvs.errors import NotFound
from lvs.services.media.scene_store import SceneStrip
from lvs.services.media.webvtt import timestamp
from lvs.viewer import viewer
from lvs.web.responses import services

FOR_EVER = "public, max-age=31536000, immutable"
_KEY = re.compile(r"[0-9a-f]{16}", re.ASCII)
NONE_YET = "There are no scenes of this video yet. Open it, and LVS makes them."


async def index(media_hash: str) -> Response:
    """WebVTT with a cue for each picture; its text is the place in the sheet (Media Fragments URI
    1.0, section 4.2.2).
    """
    key, is_named = await _key(media_hash)
    strip = await services().scenes.get(key)
    if strip is None or not strip.scenes:
        raise NotFound(NONE_YET)
    response = Response(webvtt(media_hash, strip), content_type="text/vtt; charset=utf-8")
    response.headers["Cache-Control"] = FOR_EVER if is_named else "no-cache"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


async def sheet(media_hash: str) -> Response:
    """All pictures in one WebP."""
    key, is_named = await _key(media_hash)
    content = await services().scenes.sheet(key)
    if content is None:
        raise NotFound(NONE_YET)
    response = Response(content, content_type="image/webp")
    response.headers["Cache-Control"] = FOR_EVER if is_named else "no-cache"
    return response


async def _key(media_hash: str) -> tuple[str, bool]:
    """The key of the strip, and True where the address names it: then it never changes.

    A person with limits could name the key of another video. Raises NotFound.
    """
    key = request.args.get("v", "")
    if _KEY.fullmatch(key) and viewer().limits is None:
        return key, True
    poster = (await services().videos.get(media_hash)).poster
    if not poster:
        raise NotFound(NONE_YET)
    return poster, poster == key


def webvtt(media_hash: str, strip: SceneStrip) -> str:
    """The strip as WebVTT."""
    scenes, size = strip.scenes, f"{strip.found.width},{strip.found.height}"
    ends = [scene.at_s for scene in scenes[1:]] + [scenes[-1].at_s + 10]
    cues = [
        f"{timestamp(round(scene.at_s * 1000))} --> {timestamp(round(end * 1000))}\n"
        f"{media_hash}.webp?v={strip.key}#xywh={scene.x},{scene.y},{size}\n"
        for scene, end in zip(scenes, ends, strict=True)
    ]
    return "WEBVTT\n\n" + "\n".join(cues)
