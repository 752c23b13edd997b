"""How a request goes through Quart: its own way, without the tasks that only a long answer needs."""

import asyncio
from typing import Any

from quart.asgi import ASGIHTTPConnection
from quart.utils import cancel_tasks, encode_headers
from quart.wrappers.response import DataBody

from lvs.http.request_guard import BODILESS, Receive, Send


class Exchange(ASGIHTTPConnection):
    """One request and its answer.

    Quart has a task that listens for the client's leaving beside each handler, and ends the handler
    then. Here handlers go on to their end, which is near, and only an answer that is sent in many
    parts has the task.
    """

    async def __call__(self, receive: Receive, send: Send) -> None:
        """Answer the request. Its body, if it may have one, comes in one part."""
        self._receive = receive
        request = self._create_request_from_scope(send)
        if self.scope["method"] not in BODILESS:
            message = await receive()
            if message["type"] == "http.disconnect":  # the client left before it had said all
                return
            request.body.append(message.get("body", b""))
        request.body.set_complete()
        await self.handle_request(request, send)

    async def _send_response(self, send: Send, response: Any) -> None:
        body = response.response
        if isinstance(body, DataBody):
            headers = encode_headers(response.headers)
            await send(
                {"type": "http.response.start", "status": response.status_code, "headers": headers}
            )
            await send(
                {
                    "type": "http.response.body",
                    "body": body.data[body.begin : body.end],
                    "more_body": False,
                }
            )
            return
        sending = asyncio.ensure_future(super()._send_response(send, response))
        leaving = asyncio.ensure_future(self._until_the_client_leaves())
        try:
            await asyncio.wait([sending, leaving], return_when=asyncio.FIRST_COMPLETED)
        finally:  # also where the end of the server cuts it short
            await cancel_tasks({sending, leaving})

    async def _until_the_client_leaves(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
