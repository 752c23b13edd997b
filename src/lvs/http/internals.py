"""Private parts of hypercorn, Quart and Quart-Schema that LVS leans on: looked for before they are
used. Where one is not as expected, LVS goes on without what it is for, and the log says so once.

`hypercorn_connection` overrides what is checked here, `direct_send` tries h11 by itself, and
`transport` takes what it does not recognise for an unknown server. What is private of aiosqlite is
in `db/connection.py`.
"""

import inspect
import logging
from collections.abc import Callable
from functools import cache
from typing import Any

import hypercorn.asyncio.run
from hypercorn.asyncio.tcp_server import TCPServer
from hypercorn.protocol.h11 import H11Protocol
from quart import Request, request
from quart_schema import validation

log = logging.getLogger(__name__)

# Methods that are overridden or wrapped, each with its parameters.
METHODS: tuple[tuple[type, str, tuple[str, ...]], ...] = (
    (TCPServer, "run", ()),
    (TCPServer, "protocol_send", ("event",)),
    (TCPServer, "_read_data", ()),
    (TCPServer, "_close", ()),
    (TCPServer, "_initiate_server_close", ()),
    (H11Protocol, "_check_protocol", ("event",)),
    (H11Protocol, "_create_stream", ("request",)),
    (H11Protocol, "_send_h11_event", ("event",)),
)


@cache
def hypercorn_connection_is_known() -> bool:
    """True where hypercorn's connection has the methods that LVS overrides or wraps."""
    unknown = [
        f"{owner.__name__}.{name}"
        for owner, name, parameters in METHODS
        if not has_parameters(getattr(owner, name, None), parameters)
    ]
    if unknown:
        log.warning(
            "connections are hypercorn's own, without the extensions of LVS: %s is not as expected",
            ", ".join(unknown),
        )
    return not unknown


def has_parameters(method: object, parameters: tuple[str, ...]) -> bool:
    """True for a coroutine method with these parameters."""
    if not inspect.iscoroutinefunction(method):
        return False
    return tuple(inspect.signature(method).parameters)[1:] == parameters


def put_server_class(server: type[TCPServer]) -> None:
    """Have hypercorn make `server` for each connection. There is no setting for it."""
    if not hasattr(hypercorn.asyncio.run, "TCPServer"):
        log.warning(
            "connections are not counted by client: this version of hypercorn makes them elsewhere"
        )
    vars(hypercorn.asyncio.run)["TCPServer"] = server


def current_request() -> Request:
    """The request under way itself: each look through Quart's proxy costs one into the context."""
    proxy: Any = request
    whole: Callable[[], Request] | None = getattr(proxy, "_get_current_object", None)
    return whole() if whole is not None else request


def has_response_schema(view: object) -> bool:
    """True where Quart-Schema's `validate_response` stands on a view."""
    mark = getattr(validation, "QUART_SCHEMA_RESPONSE_ATTRIBUTE", None)
    return mark is not None and hasattr(view, mark)
