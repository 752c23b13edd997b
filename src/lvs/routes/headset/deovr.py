"""The library for DeoVR, which only reads."""

from quart import Blueprint, Response

from lvs.routes.headset import player as players
from lvs.routes.headset.player import document_answer, json_answer, links, player
from lvs.services.headset import item_document
from lvs.web.responses import services

bp = Blueprint("deovr", __name__)

METHODS = ["GET", "POST"]
REFUSED = "-1"


@bp.route("/deovr/", methods=METHODS, strict_slashes=False)
@bp.route("/deovr/as/<token>/", methods=METHODS, strict_slashes=False)
async def library(token: str = "") -> Response:
    asking = await player("deovr", token)
    if not asking.admitted:
        scene = {"name": asking.message, "list": []}
        return json_answer({"authorized": REFUSED, "scenes": [scene]})
    continued = await services().positions.continued()
    document = await services().headset_documents.deovr(links(asking), continued)
    return document_answer(document)


@bp.route("/deovr/<hash:media_hash>/", methods=METHODS, strict_slashes=False)
@bp.route("/deovr/as/<token>/<hash:media_hash>/", methods=METHODS, strict_slashes=False)
async def film(media_hash: str, token: str = "") -> Response:
    asking = await player("deovr", token)
    if not asking.admitted:
        return json_answer({"authorized": REFUSED, "title": asking.message})
    return json_answer(item_document.deovr(await players.item(media_hash)))
