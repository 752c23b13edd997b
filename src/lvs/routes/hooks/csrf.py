"""Protection against cross-site requests, and the rate limit of changes.

Browsers send no `Sec-Fetch-Site` to plain-http addresses of a LAN, so `Origin` is compared with
`Host` as well.
"""

import re

from quart import Quart, Response, request

from lvs.routes.hooks import auth, cors, errors
from lvs.web.responses import client, services
from lvs.web.site_map import access

SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
STATIC_FOR_EVER = "public, max-age=31536000, immutable"
REVALIDATED = "no-cache"
"""For modules, which import each other without a version."""

LONGEST_SHOWN = 100  # characters of a name that was sent
_DEFAULT_PORTS = {"http": ":80", "https": ":443"}


def install(app: Quart) -> None:
    @app.before_request
    async def only_our_own_pages_write() -> Response | None:
        if request.method in SAFE_METHODS:
            return None
        if not _ours() and not _permitted():
            return errors.problem(403, _refusal())
        if not access().own_limit:
            services().writes_limiter.check(client())
        return None

    @app.after_request
    async def cache_static_files(response: Response) -> Response:
        if request.path.startswith("/static/") and response.status_code < 400:
            versioned = "v" in request.args
            response.headers["Cache-Control"] = STATIC_FOR_EVER if versioned else REVALIDATED
            response.headers.pop("Expires", None)
        return response


def _ours() -> bool:
    """True for a request from a page of this server, or from no browser at all."""
    sites = request.headers.getlist("Sec-Fetch-Site")
    if sites:
        return all(site in ("same-origin", "none") for site in sites)
    origins = request.headers.getlist("Origin")
    return not origins or (
        len(origins) == 1 and _is_origin_of(origins[0], request.headers.get("Host", ""))
    )


def _refusal() -> str:
    """The reason the change is refused; through a proxy also how that is to be set up."""
    message = "Changes are accepted from LVS's own pages only."
    origin, host = request.headers.get("Origin", ""), request.headers.get("Host", "")
    forwarded = any(name.lower().startswith("x-forwarded-") for name, _ in request.headers)
    if not forwarded and _name_of(origin.partition("://")[2]) != _name_of(host):
        return message
    return (
        f"{message} This page is of {origin[:LONGEST_SHOWN]}, and LVS was asked as"
        f" {host[:LONGEST_SHOWN]}. If a proxy stands between, it has to pass on the name and port"
        " that the browser asked for: in Host (nginx: proxy_set_header Host $http_host), or in"
        " X-Forwarded-Host where LVS has the proxy among its trusted_proxies."
    )


def _name_of(host: str) -> str:
    """A host without its port, in lower case."""
    return re.sub(r":[0-9]*$", "", host.strip().lower())


def _permitted() -> bool:
    """True for a request from another origin that may use the JSON API in its own right.

    To a browser, pages of another port of the same machine are of the same site (RFC 6265bis
    section 5.2), so that it sends the session along with what they ask for.
    """
    by_itself = not services().passwords.required or auth.has_token()
    return cors.allows(request) and (by_itself or cors.allows_credentials(request))


def _is_origin_of(origin: str, host: str) -> bool:
    """True where pages of this origin come from this host.

    The scheme may differ where a proxy in front of LVS speaks TLS.
    """
    scheme, separator, origin_host = origin.lower().partition("://")
    port = _DEFAULT_PORTS.get(scheme)
    if not separator or port is None or not origin_host:
        return False
    return origin_host.removesuffix(port) == host.lower().strip().removesuffix(port)
