"""The path that LVS stands under behind a proxy, put on every address of an answer.

Templates, services and JSON know addresses that begin at `/`. Here, in one place and only where
there is a prefix, it is written in front of those in headers, HTML, JSON, playlists and cookies.
Text of people cannot be taken for an address: quotes in it are escaped in HTML as in JSON.
"""

import re
from typing import cast

from quart import Quart, Response, request
from quart.wrappers.response import DataBody

from lvs.http.behind_proxy import SCOPE_KEY

ADDRESS_HEADERS = (
    *("Location", "Content-Location", "HX-Redirect", "HX-Location"),
    *("HX-Push-Url", "HX-Replace-Url"),
)
HTML, PLAYLISTS = ("text/html",), ("application/vnd.apple.mpegurl", "application/x-mpegurl")
_ATTRIBUTE = re.compile(
    rb"(?<=\s)((?:href|src|action|formaction|poster|hx-(?:get|post|put|patch|delete|push-url|"
    rb"replace-url)|data-(?:[a-z]+-)*(?:url|src|href|poster|address|script|module|worker|image|api|"
    rb'scrub|move|behind))=")/(?!/)'
)
_SOURCE_SET = re.compile(rb'(?<=\ssrcset=")[^"]*')
_OF_SOURCE_SET = re.compile(rb"(^|,\s*)/(?!/)")
_JSON_ADDRESS = re.compile(
    rb'("(?:[A-Za-z]+_)?(?:url|href|src|link|poster|thumbnail|instance|scope|page)"\s*:\s*")/(?!/)',
    re.IGNORECASE,
)
_PLAYLIST_ADDRESS = re.compile(rb'(^|URI=")/(?!/)', re.MULTILINE)
_COOKIE_PATH = re.compile(r"(?i)(;\s*path=)/(?=;|$)")
_SAFE_HOST = re.compile(r"[A-Za-z0-9.:\[\]_-]{1,270}")


def install(app: Quart) -> None:
    """Write the prefix into answers. To be installed last: this hook then sees an answer first."""

    @app.after_request
    async def put_the_prefix_on(response: Response) -> Response:
        prefix = root_path()
        if prefix:
            _rewrite_headers(response, prefix)
            if isinstance(response.response, DataBody):  # a stream holds no page of ours
                await _rewrite_body(response, prefix)
        return response


def root_path() -> str:
    """The prefix of this request's addresses; empty where there is none."""
    return cast("str", request.scope.get(SCOPE_KEY, ""))


def _rewrite_headers(response: Response, prefix: str) -> None:
    for name in ADDRESS_HEADERS:
        value = response.headers.get(name, "")
        if value.startswith("/") and not value.startswith("//"):
            response.headers[name] = prefix + value
    cookies = response.headers.getlist("Set-Cookie")
    if cookies:
        response.headers.setlist(
            "Set-Cookie", [_COOKIE_PATH.sub(rf"\g<1>{prefix}", cookie) for cookie in cookies]
        )


async def _rewrite_body(response: Response, prefix: str) -> None:
    kind, before = response.mimetype or "", prefix.encode()
    if kind in HTML:
        body = await response.get_data(as_text=False)
        response.set_data(_own_origin(html_with_prefix(body, before), before))
    elif kind.endswith("json"):
        body = await response.get_data(as_text=False)
        response.set_data(_own_origin(_JSON_ADDRESS.sub(rb"\g<1>" + before + b"/", body), before))
    elif kind in PLAYLISTS:
        body = await response.get_data(as_text=False)
        response.set_data(_PLAYLIST_ADDRESS.sub(rb"\g<1>" + before + b"/", body))


def html_with_prefix(body: bytes, prefix: bytes) -> bytes:
    """The page with the prefix on the addresses in its attributes, and `data-root` for scripts."""
    body = body.replace(b"<html ", b'<html data-root="' + prefix + b'" ', 1)
    body = _ATTRIBUTE.sub(rb"\g<1>" + prefix + b"/", body)
    return _SOURCE_SET.sub(
        lambda found: _OF_SOURCE_SET.sub(rb"\g<1>" + prefix + b"/", found[0]), body
    )


def _own_origin(body: bytes, prefix: bytes) -> bytes:
    """The text with the prefix on whole addresses of this server, as headsets get them."""
    if not _SAFE_HOST.fullmatch(request.host):
        return body
    host = re.escape(request.host.encode())
    inside = re.escape(prefix[1:])
    own = re.compile(rb"(https?://" + host + rb")/(?!" + inside + rb'(?:[/?#"\s<]|$))')
    return own.sub(rb"\g<1>" + prefix + b"/", body)
