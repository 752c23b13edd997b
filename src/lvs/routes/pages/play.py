"""“Play all” and “Shuffle”: to the first film of a list, which goes on to the others."""

import secrets
from typing import cast

from msgspec.structs import replace
from quart import Response, redirect

from lvs.errors import NotFound
from lvs.models import Sort
from lvs.web.filters import MAX_SEED, parse_query
from lvs.web.list_places import in_list, list_place
from lvs.web.request_args import Arguments, arguments, text
from lvs.web.responses import addresses, services


async def play() -> Response:
    """Redirect to the first film of the list that the address names, in an order of its own with
    `shuffle=1`.
    """
    args = arguments()
    response = cast("Response", redirect(await _first(args), 302))
    response.headers["Cache-Control"] = "no-store"
    return response


async def _first(args: Arguments) -> str:
    shuffled = text(args, "shuffle") == "1"
    seed = secrets.randbelow(MAX_SEED - 2) + 2
    if place := list_place(args):
        place = replace(place, at=None, seed=seed if shuffled else 0)
        found = in_list(addresses(), await services().play_order.first(place), place)
        return found.url if found else "/"
    query = parse_query(args)
    if shuffled:
        query = replace(query, sort=Sort.RANDOM, descending=False, seed=seed)
    page = await services().gallery.browse(query, 1)
    if not page.cards:
        raise NotFound("No video matches, so there is nothing to play.")
    return addresses().watch(page.cards[0], query)
