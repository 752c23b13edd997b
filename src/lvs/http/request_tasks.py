"""Ends the tasks of a request together with the request."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from quart import Request
from quart.asgi import ASGIHTTPConnection

from lvs.http.asgi import Receive, Send


class CancellingConnection(ASGIHTTPConnection):
    """Quart's connection, which also cancels its two tasks when it is cancelled itself.

    Quart waits for the handler and the receiver; if that wait is cancelled because the server
    stops, it leaves both running. A handler that sends an answer in parts would then hold its file
    or its database connection for ever.
    """

    async def __call__(self, receive: Receive, send: Send) -> None:
        self._tasks: list[asyncio.Task[Any]] = []
        try:
            await super().__call__(receive, send)
        except asyncio.CancelledError:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            raise

    async def handle_messages(self, request: Request, receive: Receive, *more: Any) -> None:
        """Receive the request's messages in a task that can be cancelled.

        From Quart 0.23 on there is `more`: the handler's task.
        """
        self._note_task()
        await super().handle_messages(request, receive, *more)

    async def handle_request(
        self, request: Request, send: Callable[[Any], Awaitable[None]]
    ) -> None:
        """Answer the request in a task that can be cancelled."""
        self._note_task()
        await super().handle_request(request, send)

    def _note_task(self) -> None:
        if (task := asyncio.current_task()) is not None:
            self._tasks.append(task)
