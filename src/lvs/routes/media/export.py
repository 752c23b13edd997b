"""Export of a gallery's selection as JSON or CSV, streamed."""

import secrets
from collections.abc import AsyncIterator

from msgspec.structs import replace
from quart import Response

from lvs.models import Query, Sort
from lvs.web.filters import parse_query
from lvs.web.request_args import arguments
from lvs.web.responses import services

PIECE_BYTES = 64 * 1024


async def as_json() -> Response:
    query = _query()
    return stream(
        services().selection_export.as_json(services().gallery.ids(query)),
        "application/json",
        "json",
    )


async def as_csv() -> Response:
    query = _query()
    return stream(
        services().selection_export.as_csv(services().gallery.ids(query)),
        "text/csv; charset=utf-8",
        "csv",
    )


def _query() -> Query:
    query = parse_query(arguments())
    if query.sort is Sort.RANDOM and not query.seed:
        query = replace(query, seed=secrets.randbelow(2**31 - 1) + 1)
    return query


def stream(pieces: AsyncIterator[bytes], content_type: str, ending: str) -> Response:
    """An export as a download, in pieces."""
    response = Response(_in_blocks(pieces), content_type=content_type)
    response.timeout = None  # a large library over a slow line may take longer than a page
    response.headers["Content-Disposition"] = f'attachment; filename="lvs-export.{ending}"'
    response.headers["Cache-Control"] = "no-store"
    return response


async def _in_blocks(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    block = bytearray()
    async for piece in pieces:
        block += piece
        if len(block) >= PIECE_BYTES:
            yield bytes(block)
            block.clear()
    yield bytes(block)
