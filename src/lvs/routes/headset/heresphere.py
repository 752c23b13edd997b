"""The library for HereSphere, which reads and writes: lists, films, stars, heart, tags, events.

The player asks by HEAD, GET and POST alike, with or without a trailing slash, and does not follow
redirects. Reads are POSTs, too.
"""

import math
from typing import Any

from quart import Blueprint, Response, request

from lvs.models import Video
from lvs.routes.headset import player as players
from lvs.routes.headset.player import Player, document_answer, json_answer, links, player
from lvs.services.headset import item_document
from lvs.services.headset.positions import CLOSE
from lvs.services.headset.write_back import Shown, writes
from lvs.web.responses import client, services

bp = Blueprint("heresphere", __name__)

VERSION_HEADER = "HereSphere-JSON-Version"
METHODS = ["GET", "POST"]
REFUSED = -1
MAX_POSITION_MS = 1000 * 3600 * 1000


def _route(path: str, **options: Any) -> Any:
    """A decorator that registers a handler below `/heresphere`, and below it with a token."""

    def register(handler: Any) -> Any:
        for prefix in ("/heresphere", "/heresphere/as/<token>"):
            bp.add_url_rule(
                prefix + path,
                view_func=handler,
                methods=METHODS,
                strict_slashes=False,
                **options,
            )
        return handler

    return register


@bp.after_app_request
async def say_version(response: Response) -> Response:
    if request.path == "/heresphere" or request.path.startswith("/heresphere/"):
        response.headers[VERSION_HEADER] = "1"
    return response


@_route("/")
async def library(token: str = "") -> Response:
    asking = await player("heresphere", token)
    if not asking.admitted:
        section = {"name": asking.message, "list": []}
        return json_answer({"access": REFUSED, "library": [section]})
    continued = await services().positions.continued()
    document = await services().headset_documents.heresphere(links(asking), continued)
    return document_answer(document)


@_route("/scan/")
async def scan(token: str = "") -> Response:
    asking = await player("heresphere", token)
    if not asking.admitted:
        return json_answer({"access": REFUSED, "scanData": []})
    return document_answer(await services().headset_documents.scan(links(asking)))


@_route("/auth/")
async def auth(token: str = "") -> Response:
    """A session for the header `auth-token`, for a player that would rather not repeat itself."""
    asking = await player("heresphere", token)
    if not asking.admitted:
        return json_answer({"access": REFUSED, "auth-token": ""})
    session = services().passwords.new_session() if services().passwords.required else ""
    return json_answer({"access": 1, "auth-token": session})


@_route("/<hash:media_hash>/")
async def film(media_hash: str, token: str = "") -> Response:
    # What the player saw when it composed what it sends: asked for before anything is awaited.
    shown = services().write_back.shown(client(), media_hash)
    asking = await player("heresphere", token)
    if not asking.admitted and not _may_read(asking):
        return json_answer({"access": REFUSED, "title": asking.message})
    if request.method == "POST" and writes(asking.sent):
        video = await services().videos.get(media_hash)
        services().writes_limiter.check(client())
        await services().write_back.take(video, asking.sent, shown or Shown.of(video), client())
    found = await players.item(media_hash)
    services().write_back.show(client(), found.video)
    return json_answer(_answer(asking, found, found.video))


@_route("/events/<hash:media_hash>/")
async def events(media_hash: str, token: str = "") -> Response:
    asking = await player("heresphere", token)
    if asking.admitted:
        video = await services().videos.get(media_hash)
        event = _number(asking.sent.get("event"), CLOSE)
        time_ms = _number(asking.sent.get("time"), MAX_POSITION_MS)
        await services().positions.event(video, int(event), time_ms / 1000, client())
    return Response(b"", content_type="application/json")


def _answer(asking: Player, found: item_document.Item, video: Video) -> dict[str, Any]:
    with_media = asking.sent.get("needsMediaSource") is not False
    event_url = asking.item_url("events", video.media_hash)
    return item_document.heresphere(found, event_url, with_media, services().write_back.allowed)


def _may_read(asking: Player) -> bool:
    """True for a guest who reads, where the password protects changes only."""
    return services().config.protect == "changes" and not writes(asking.sent)


def _number(value: object, largest: float) -> float:
    """A number of the player, bounded; 0 for what is missing or is none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return 0.0
    return float(min(max(value, 0), largest)) if math.isfinite(value) else 0.0
