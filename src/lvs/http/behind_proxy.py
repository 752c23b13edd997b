"""Support for reverse proxies: the path prefix that LVS is served under, and the scheme and host
that the browser used.

Inside LVS every address begins at `/`. This middleware removes the prefix from requests; the hook
`routes/hooks/root_path.py` adds it to answers. Nothing in between knows of it.
"""

from collections.abc import Collection
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from lvs.http.asgi import Application, Receive, Scope, Send
from lvs.http.client_address import parse_address, within
from lvs.option_values import ROOT_PATH, Network

Headers = list[tuple[bytes, bytes]]

SCOPE_KEY = "lvs.root_path"
HOST_NAMED_BY_PROXY = "lvs.host_named_by_proxy"
# Addresses of our own pages that browsers send along.
_PAGE_HEADERS = (b"referer", b"hx-current-url")


class BehindProxy:
    """ASGI middleware that believes `X-Forwarded-Prefix`, `-Proto` and `-Host` of trusted proxies.

    `root_path` is the prefix where no proxy names one.
    """

    def __init__(
        self,
        app: Application,
        root_path: str,
        trusted_proxies: Collection[Network],
    ) -> None:
        self._app = app
        self._root_path = root_path
        self._trusted_proxies = trusted_proxies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and (self._root_path or self._trusted_proxies):
            scope = self._seen_from_outside(scope)
        await self._app(scope, receive, send)

    def _seen_from_outside(self, scope: Scope) -> Scope:
        prefix = self._root_path
        changed: dict[str, Any] = {}
        if self._is_trusted(scope):
            headers: Headers = scope["headers"]
            prefix = _prefix(_last(headers, b"x-forwarded-prefix")) or prefix
            scheme, host = (
                _last(headers, b"x-forwarded-proto"),
                _last(headers, b"x-forwarded-host"),
            )
            if scheme in ("http", "https"):
                changed["scheme"] = scheme
            if host:
                changed["headers"] = _with_host(headers, host)
                changed[HOST_NAMED_BY_PROXY] = True
        if not (prefix or changed):
            return scope
        return {**scope, **changed, **_without_prefix({**scope, **changed}, prefix)}

    def _is_trusted(self, scope: Scope) -> bool:
        peer = parse_address((scope.get("client") or ("",))[0])
        return peer is not None and within(peer, self._trusted_proxies)


def _without_prefix(scope: Scope, prefix: str) -> dict[str, Any]:
    """The values of the scope that change when the prefix is removed.

    The proxy may have removed it from the path already.
    """
    if not prefix:
        return {}
    raw: bytes = scope.get("raw_path") or scope["path"].encode("utf-8", "surrogateescape")
    return {
        SCOPE_KEY: prefix,
        "path": _shortened(scope["path"], prefix),
        "raw_path": _shortened(raw.decode("latin1"), prefix).encode("latin1"),
        "headers": [
            (name, _page_without_prefix(value, prefix) if name in _PAGE_HEADERS else value)
            for name, value in scope["headers"]
        ],
    }


def _shortened(path: str, prefix: str) -> str:
    if path == prefix or path.startswith(f"{prefix}?"):
        return "/" + path[len(prefix) :]
    return path.removeprefix(prefix) if path.startswith(f"{prefix}/") else path


def _page_without_prefix(address: bytes, prefix: str) -> bytes:
    """The address of one of our pages as LVS knows it."""
    try:
        parts = urlsplit(address.decode("latin1"))
    except ValueError:
        return address
    return urlunsplit(parts._replace(path=_shortened(parts.path, prefix))).encode("latin1")


def _with_host(headers: Headers, host: str) -> Headers:
    others = [(name, value) for name, value in headers if name != b"host"]
    return [*others, (b"host", host.encode("latin1"))]


def _last(headers: Headers, name: bytes) -> str:
    """The last value of a header: the one that the nearest proxy wrote."""
    values = [value.decode("latin1") for found, value in headers if found == name]
    return values[-1].rpartition(",")[2].strip() if values else ""


def _prefix(text: str) -> str:
    """The prefix without a trailing slash; empty where it is none that LVS can stand under."""
    text = text.rstrip("/")
    return text if ROOT_PATH.fullmatch(text) and ".." not in text else ""
