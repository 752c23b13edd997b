"""Checks that run before any other part of LVS sees a request, and the headers that every answer
carries.

This is ASGI middleware around the whole application, so that no page, stream, static file or error
bypasses it.
"""

import asyncio
import json
import logging
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, NamedTuple

from lvs.config import Config
from lvs.http.allowed_hosts import AllowedHosts
from lvs.http.asgi import Application, Receive, Scope, Send
from lvs.http.behind_proxy import HOST_NAMED_BY_PROXY
from lvs.http.client_address import address_of, is_public
from lvs.services.metrics import request_id

log = logging.getLogger(__name__)

MAX_QUERY_BYTES = 8 * 1024
MAX_PATH_BYTES = 8 * 1024
BODY_SECONDS = 20.0  # within which a whole body must have arrived
BODILESS = ("GET", "HEAD", "OPTIONS")  # methods whose bodies are not read
NO_BODY = {"type": "http.request", "body": b"", "more_body": False}
LOGGED_CHARACTERS = 200
MAX_HEADER_BYTES = (
    16 * 1024
)  # hypercorn's own limit does not count a head that arrives in one piece

# A script that plays segments hands them to the browser as a `blob:` (W3C Media Source Extensions).
CONTENT_SECURITY_POLICY = (
    "default-src 'self'; media-src 'self' blob:; object-src 'none'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'"
)
HEADERS: Mapping[bytes, bytes] = {
    b"content-security-policy": CONTENT_SECURITY_POLICY.encode(),
    b"x-content-type-options": b"nosniff",
    b"referrer-policy": b"same-origin",
    b"cross-origin-resource-policy": b"same-origin",
    b"cross-origin-opener-policy": b"same-origin",
    b"permissions-policy": (
        b"camera=(), geolocation=(), microphone=(), payment=(), usb=(), serial=(), hid=()"
    ),
}


class Refusal(NamedTuple):
    """The reason a request goes no further."""

    status: HTTPStatus
    message: str


class RequestGuard:
    """ASGI middleware that passes on only requests that are meant for this server and come from the
    home network.
    """

    def __init__(
        self,
        app: Application,
        config: Config,
        *,
        has_password: Callable[[], bool],
        answers_json: Callable[[str], bool],
        max_body_bytes: int,
        body_seconds: float = BODY_SECONDS,
    ) -> None:
        self._app = app
        self._body_seconds = body_seconds
        self._max_body_bytes = max_body_bytes
        self._pumps: set[asyncio.Task[None]] = set()
        self._config = config
        self._has_password = has_password
        self._answers_json = answers_json
        self._hosts = AllowedHosts((*config.allowed_hosts, config.host))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1000})
        elif scope["type"] != "http":
            await self._app(scope, receive, send)
        else:
            await self._http(scope, receive, _with_headers(send))

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        refusal = self._refusal(scope)
        if _has_body(scope):
            if not refusal and scope["method"] not in BODILESS:
                try:
                    receive = await self._with_whole_body(receive)
                except TimeoutError:
                    refusal = Refusal(
                        HTTPStatus.REQUEST_TIMEOUT,
                        "What was sent did not arrive in time. Nothing was changed.",
                    )
            if refusal or scope["method"] in BODILESS:
                # A handler that reads a body (a player may ask by GET or by POST) finds none.
                receive = _after(NO_BODY, self._emptied(receive))
        if refusal:
            await _send_refusal(refusal, self._answers_json(scope["path"]), scope, send)
        else:
            await self._app(scope, receive, send)

    async def _with_whole_body(self, receive: Receive) -> Receive:
        """`receive` that returns the body in one part once all of it has arrived, or a part that is
        too large.

        The application never waits for a body, so it needs no task and no timer for that. Raises
        TimeoutError.
        """
        body = bytearray()
        message: Any = {}
        async with asyncio.timeout(self._body_seconds):
            while len(body) <= self._max_body_bytes:
                message = await receive()
                body += message.get("body", b"")
                if not message.get("more_body", False):
                    break
        if len(body) > self._max_body_bytes:
            receive = self._emptied(receive)
        return _after({**message, "body": bytes(body), "more_body": False}, receive)

    def _emptied(self, receive: Receive) -> Receive:
        """`receive` without a body: the body is read off the connection and dropped.

        Hypercorn keeps a few parts for an application and then waits, even if the answer was sent
        already: such a connection would never end.
        """
        left: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

        async def pump() -> None:
            while (message := await receive())["type"] == "http.request":
                pass
            left.set_result(message)

        task = asyncio.create_task(pump())
        self._pumps.add(task)  # the loop itself would not keep it alive
        task.add_done_callback(self._pumps.discard)
        return lambda: asyncio.shield(left)

    def _refusal(self, scope: Scope) -> Refusal | None:
        """The reason the request is refused, or None.

        The first reason counts; a stranger is not told the others.
        """
        headers: list[tuple[bytes, bytes]] = scope["headers"]
        return (
            self._wrong_name(scope, headers) or self._stranger(scope, headers) or _unusable(scope)
        )

    def _wrong_name(self, scope: Scope, headers: list[tuple[bytes, bytes]]) -> Refusal | None:
        named = [value.decode("latin1").strip() for name, value in headers if name == b"host"]
        if len(named) == 1 and self._hosts.knows(named[0]):
            return None
        if not any(named):
            return Refusal(
                HTTPStatus.BAD_REQUEST,
                "The request does not say which server it is meant for: it has no Host.",
            )
        log.info("refused a request for the host name %r", named[0][:100])
        if scope.get(HOST_NAMED_BY_PROXY) and scope["method"] not in BODILESS:
            # the request reached the right server: what is wrong is the page that sent it
            return Refusal(
                HTTPStatus.FORBIDDEN,
                "Changes are accepted from LVS's own pages only, and the proxy names a host that"
                " LVS does not answer to. If it is yours, have whoever runs LVS add the name to"
                " allowed_hosts.",
            )
        return Refusal(
            HTTPStatus.MISDIRECTED_REQUEST,
            "LVS does not answer to this name. Open it by its address or its name in the home"
            " network, or have whoever runs it add the name to allowed_hosts.",
        )

    def _stranger(self, scope: Scope, headers: list[tuple[bytes, bytes]]) -> Refusal | None:
        if self._has_password():
            return None
        forwarded = [
            value.decode("latin1") for name, value in headers if name == b"x-forwarded-for"
        ]
        peer = (scope.get("client") or ("",))[0]
        # Whoever is named by a proxy nobody declared is not believed, but not ignored here either:
        # a proxy or tunnel that passes strangers on must not make neighbours of them.
        named = ",".join(forwarded).split(",") if forwarded else []
        client = address_of(peer, forwarded, self._config.trusted_proxies) if forwarded else peer
        if not is_public(client) and not any(map(is_public, named[-20:])):
            return None
        log.info("refused a request from outside the home network: %s", peer)
        return Refusal(
            HTTPStatus.FORBIDDEN,
            "This LVS has no password, so it answers in its home network only. Whoever runs it can"
            " set one: lvs password",
        )


def _after(first: dict[str, Any], receive: Receive) -> Receive:
    """`receive` that returns this message before all others."""
    parts = [first]

    async def receive_after() -> Any:
        return parts.pop() if parts else await receive()

    return receive_after


def _has_body(scope: Scope) -> bool:
    return any(
        name in (b"content-length", b"transfer-encoding") and value != b"0"
        for name, value in scope["headers"]
    )


def _unusable(scope: Scope) -> Refusal | None:
    """The refusal of a request that fits no address or protocol of LVS; None for all others."""
    if scope["http_version"] not in ("1.0", "1.1"):
        return Refusal(HTTPStatus.HTTP_VERSION_NOT_SUPPORTED, "LVS speaks HTTP/1.1.")
    raw_path: bytes = scope.get("raw_path") or scope["path"].encode("utf-8", "surrogateescape")
    if not raw_path.startswith(b"/"):
        return Refusal(HTTPStatus.BAD_REQUEST, "An address begins with a slash.")
    if len(raw_path) > MAX_PATH_BYTES or len(scope["query_string"]) > MAX_QUERY_BYTES:
        return Refusal(
            HTTPStatus.REQUEST_URI_TOO_LONG, "This address is longer than any that LVS has."
        )
    names = {name for name, _ in scope["headers"]}
    if (
        b"content-length" in names and b"transfer-encoding" in names
    ):  # a proxy may have counted otherwise (RFC 9112 section 11.2)
        return Refusal(HTTPStatus.BAD_REQUEST, "The request says in two ways how long it is.")
    if sum(len(name) + len(value) for name, value in scope["headers"]) > MAX_HEADER_BYTES:
        return Refusal(
            HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
            "The headers of this request are longer than LVS takes.",
        )
    return None


def _with_headers(send: Send) -> Send:
    """`send` that adds the headers an answer does not have yet."""

    async def sending(message: Any) -> None:
        if message["type"] == "http.response.start":
            present = {name.lower() for name, _ in message["headers"]}
            missing = [pair for pair in HEADERS.items() if pair[0] not in present]
            message = {**message, "headers": [*message["headers"], *missing]}
        await send(message)

    return sending


async def _send_refusal(refusal: Refusal, as_json: bool, scope: Scope, send: Send) -> None:
    status, message = refusal
    where = scope["path"][:LOGGED_CHARACTERS]
    log.info("%s %s: %d %s (request %s)", scope["method"], where, status, message, request_id())
    if as_json:
        media_type = b"application/problem+json"
        values = {"title": status.phrase, "status": int(status), "detail": message}
        content = json.dumps(values | {"request_id": request_id()}).encode()
    else:
        media_type = b"text/plain; charset=utf-8"
        content = f"{message}\nRequest {request_id()}\n".encode()
    headers = [
        (b"content-type", media_type),
        (b"content-length", str(len(content)).encode()),
        (b"cache-control", b"no-store"),
        (b"connection", b"close"),  # nothing of what may follow is read
    ]
    await send({"type": "http.response.start", "status": int(status), "headers": headers})
    await send(
        {
            "type": "http.response.body",
            "body": b"" if scope["method"] == "HEAD" else content,
            "more_body": False,
        }
    )
