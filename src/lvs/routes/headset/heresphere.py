"""The library for HereSphere, which reads and writes: lists, films, stars, heart, tags, events.

The player asks by HEAD, GET and POST alike, with or without a trailing slash, and does not follow
redirects. Reads are POSTs, too.
"""

import math
from typing import Any

from quart import Response, request

from lvs.models import Video
from lvs.routes.headset import player as players
from lvs.routes.headset.player import HeadsetPlayer, document_answer, json_answer, links, player
from lvs.services.headset import item_document
from lvs.services.headset.positions import CLOSE
from lvs.services.headset.write_back import ShownTags, writes
from lvs.web.responses import client, services

HEADERS = (("HereSphere-JSON-Version", "1"),)
REFUSED = -1
MAX_POSITION_MS = 1000 * 3600 * 1000


async def library(token: str = "") -> Response:
    asking = await player("heresphere", token)
    if not asking.admitted:
        section = {"name": asking.message, "list": []}
        return json_answer({"access": REFUSED, "library": [section]})
    continued = await services().headset.positions.continued()
    document = await services().headset.documents.heresphere(
        links(asking), continued, await players.saved_views()
    )
    return document_answer(document)


async def scan(token: str = "") -> Response:
    asking = await player("heresphere", token)
    if not asking.admitted:
        return json_answer({"access": REFUSED, "scanData": []})
    return document_answer(await services().headset.documents.scan(links(asking)))


async def auth(token: str = "") -> Response:
    """A session for the header `auth-token`, for a player that would rather not repeat itself."""
    asking = await player("heresphere", token)
    if not asking.admitted:
        return json_answer({"access": REFUSED, "auth-token": ""})
    session = services().passwords.new_session() if services().passwords.required else ""
    return json_answer({"access": 1, "auth-token": session})


async def video(media_hash: str, token: str = "") -> Response:
    # What the player saw when it composed what it sends: asked for before anything is awaited.
    shown = services().headset.write_back.shown(client(), media_hash)
    asking = await player("heresphere", token)
    if not asking.admitted and not _may_read(asking):
        return json_answer({"access": REFUSED, "title": asking.message})
    if request.method == "POST" and writes(asking.sent):
        video = await services().videos.get(media_hash)
        services().writes_limiter.check(client())
        await services().headset.write_back.take(
            video, asking.sent, shown or ShownTags.from_video(video), client()
        )
    found = await players.item(media_hash)
    services().headset.write_back.show(client(), found.video)
    return json_answer(_answer(asking, found, found.video))


async def events(media_hash: str, token: str = "") -> Response:
    asking = await player("heresphere", token)
    if asking.admitted:
        video = await services().videos.get(media_hash)
        event = _number(asking.sent.get("event"), CLOSE)
        seconds = _seconds(asking.sent.get("time"))
        await services().headset.positions.event(video, int(event), seconds, client())
    return Response(b"{}", content_type="application/json")


def _answer(asking: HeadsetPlayer, found: item_document.VideoItem, video: Video) -> dict[str, Any]:
    with_media = asking.sent.get("needsMediaSource") is not False
    event_url = asking.item_url("events", video.media_hash)
    return item_document.heresphere(
        found, event_url, with_media, services().headset.write_back.allowed
    )


def _may_read(asking: HeadsetPlayer) -> bool:
    """True for a guest who reads, where the password protects changes only."""
    return services().config.protect == "changes" and not writes(asking.sent)


def _seconds(time_ms: object) -> float | None:
    """The player's milliseconds as seconds; None where it sent none, which is not the beginning."""
    if isinstance(time_ms, bool) or not isinstance(time_ms, int | float):
        return None
    return _number(time_ms, MAX_POSITION_MS) / 1000


def _number(value: object, largest: float) -> float:
    """A number of the player, bounded; 0 for what is missing or is none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return 0.0
    return float(min(max(value, 0), largest)) if math.isfinite(value) else 0.0
