"""The library for DeoVR, which only reads."""

from quart import Response

from lvs.routes.headset import player as players
from lvs.routes.headset.player import document_answer, json_answer, links, player
from lvs.services.headset import item_document
from lvs.web.responses import services

REFUSED = "-1"


async def library(token: str = "") -> Response:
    asking = await player("deovr", token)
    if not asking.admitted:
        scene = {"name": asking.message, "list": []}
        return json_answer({"authorized": REFUSED, "scenes": [scene]})
    continued = await services().headset.positions.continued()
    document = await services().headset.documents.deovr(
        links(asking), continued, await players.saved_views()
    )
    return document_answer(document)


async def video(media_hash: str, token: str = "") -> Response:
    asking = await player("deovr", token)
    if not asking.admitted:
        return json_answer({"authorized": REFUSED, "title": asking.message})
    return json_answer(item_document.deovr(await players.item(media_hash)))
