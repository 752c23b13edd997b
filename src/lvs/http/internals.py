"""Private parts of hypercorn, Quart, Werkzeug and Quart-Schema that LVS depends on, checked before
they are used. If one is not as expected, LVS goes on without the feature that needs it, and logs
that once.

`hypercorn_connection` overrides what is checked here, `direct_send` tests h11 itself, and
`transport` treats what it does not recognise as an unknown server. What is private of aiosqlite is
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
from quart.routing import QuartRule
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
        if not is_coroutine_taking(getattr(owner, name, None), parameters)
    ]
    if unknown:
        log.warning(
            "connections are hypercorn's own, without the extensions of LVS: %s is not as expected",
            ", ".join(unknown),
        )
    return not unknown


def is_coroutine_taking(method: object, parameters: tuple[str, ...]) -> bool:
    """True where this is a coroutine method with these parameters."""
    return inspect.iscoroutinefunction(method) and _takes(method, parameters)


def _takes(method: object, parameters: tuple[str, ...]) -> bool:
    return callable(method) and tuple(inspect.signature(method).parameters)[1:] == parameters


class MatchingRule(QuartRule):
    """A rule that only matches addresses and never builds them: `web/urls.py` does that.

    Werkzeug compiles two functions for `url_for` with each rule, which takes half as long as the
    rest of a start.
    """

    def _compile_builder(self, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:
        return _build_nothing


def _build_nothing(*_: object, **__: object) -> tuple[str, str]:
    raise NotImplementedError("addresses are built by lvs.web.urls")


def rule_class() -> type[QuartRule]:
    """The class of the application's rules: `MatchingRule`, or Quart's own if Werkzeug compiles
    rules in another way than expected.
    """
    if _takes(getattr(QuartRule, "_compile_builder", None), ("append_unknown",)):
        return MatchingRule
    log.warning("starts take longer: Werkzeug compiles its rules in another way than expected")
    return QuartRule


def put_server_class(server: type[TCPServer]) -> None:
    """Have hypercorn create `server` for each connection. It has no setting for that."""
    if not hasattr(hypercorn.asyncio.run, "TCPServer"):
        log.warning(
            "connections are not counted by client: this version of hypercorn makes them elsewhere"
        )
    vars(hypercorn.asyncio.run)["TCPServer"] = server


def current_request() -> Request:
    """The current request itself: each access through Quart's proxy looks it up in the context."""
    proxy: Any = request
    whole: Callable[[], Request] | None = getattr(proxy, "_get_current_object", None)
    return whole() if whole is not None else request


def has_response_schema(view: object) -> bool:
    """True if Quart-Schema's `validate_response` is applied to a view."""
    mark = getattr(validation, "QUART_SCHEMA_RESPONSE_ATTRIBUTE", None)
    return mark is not None and hasattr(view, mark)
