"""Server-sent events (HTML Living Standard, section 9.2): what happens in the library."""

import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing

from quart import Response, request

from lvs.routes.api import schemas
from lvs.routes.api.openapi import answers
from lvs.routes.hooks import auth, people
from lvs.services.live_events import LiveEvent
from lvs.web.responses import client, services

MEDIA_TYPE = "text/event-stream"
RETRY_MS = 5000
MAX_ID = 64


@answers(schemas.EventStream, problems=(429, 503), media_type=MEDIA_TYPE)
async def events() -> Response:
    """Events as they happen, until the client closes the connection."""
    live = services().live_events
    live.check_room(client())
    last_id = request.headers.get("Last-Event-ID", "")[:MAX_ID]
    signed_in, sees_everything = auth.lasting_check(), people.lasting_check()
    heard = live.listen(client(), last_id, lambda: signed_in() and sees_everything())
    body = b"" if request.method == "HEAD" else _lines(heard)
    response = Response(body, content_type=f"{MEDIA_TYPE}; charset=utf-8")
    response.timeout = None
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Accel-Buffering"] = "no"  # nginx hands events on as they come
    return response


async def _lines(heard: AsyncGenerator[LiveEvent, None]) -> AsyncIterator[bytes]:
    async with aclosing(heard):
        yield b"retry: %d\n\n" % RETRY_MS
        async for event in heard:
            yield _encoded(event)


def _encoded(event: LiveEvent) -> bytes:
    if not event.name:
        return b": still here\n\n"
    data = json.dumps(event.data, separators=(",", ":"))
    return f"id: {event.id}\nevent: {event.name}\ndata: {data}\n\n".encode()
