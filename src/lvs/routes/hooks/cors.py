"""Cross-origin use of the JSON API (the CORS protocol of the Fetch standard, section 3.2).

Only pages from the household's own network, and those that `allowed_origins` names, and only the
routes that the site map calls `cross_origin`. With credentials only where there is a password and
the origin is named: otherwise a page could act with those of a proxy in front of LVS.
"""

import ipaddress
import re
from typing import cast

from quart import Quart, Request, Response, current_app, request

from lvs.config import Config
from lvs.http.client_address import HOME_NETWORKS
from lvs.services.bundle import Services
from lvs.web.site_map import access

ALLOWED_HEADERS = "Content-Type, Authorization, X-Requested-With, LVS-Person"
EXPOSED_HEADERS = "Retry-After"
REMEMBER_SECONDS = 3600
MAX_ORIGIN = 300

_PORTS = {"http": "80", "https": "443"}
_ORIGIN = re.compile(
    r"(https?)://(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::([0-9]{1,5}))?", re.ASCII | re.IGNORECASE
)


def install(app: Quart) -> None:
    """Answer preflights, and mark answers that pages of permitted origins may read."""

    @app.before_request
    async def answer_preflight() -> Response | None:
        # An address or method that is not there keeps its 404 or 405.
        if (
            request.method != "OPTIONS"
            or not access().cross_origin
            or request.routing_exception is not None
        ):
            return None
        adapter = current_app.create_url_adapter(request)
        methods = sorted(adapter.allowed_methods()) if adapter else []
        answer = Response(status=204, headers={"Allow": ", ".join(methods)})
        # There is no content (RFC 9110 sections 8.6 and 15.3.5).
        for name in ("Content-Type", "Content-Length"):
            answer.headers.pop(name, None)
        if "Access-Control-Request-Method" in request.headers and allows(request):
            answer.headers["Access-Control-Allow-Methods"] = answer.headers["Allow"]
            answer.headers["Access-Control-Allow-Headers"] = ALLOWED_HEADERS
            answer.headers["Access-Control-Max-Age"] = str(REMEMBER_SECONDS)
            # Private Network Access: the browser asks whether this server means to be reached from
            # a less private network.
            if request.headers.get("Access-Control-Request-Private-Network") == "true":
                answer.headers["Access-Control-Allow-Private-Network"] = "true"
        return answer

    @app.after_request
    async def mark(response: Response) -> Response:
        if access().cross_origin and _config().enable_cors:
            response.vary.add("Origin")
            if allows(request):
                response.headers["Access-Control-Allow-Origin"] = request.headers["Origin"]
                response.headers["Access-Control-Expose-Headers"] = EXPOSED_HEADERS
                if _services().passwords.required and allows_credentials(request):
                    response.headers["Access-Control-Allow-Credentials"] = "true"
        return response


def allows(request: Request) -> bool:
    """True for a request to the JSON API from a page whose origin may use it."""
    config = _config()
    if not config.enable_cors or not access().cross_origin:
        return False
    origins = request.headers.getlist("Origin")
    return len(origins) == 1 and permitted(origins[0], config.allowed_origins)


def allows_credentials(request: Request) -> bool:
    """True where such a page may also use its browser's session: `allowed_origins` names it."""
    return allows(request) and _is_named(request.headers["Origin"], _config().allowed_origins)


def permitted(origin: str, allowed_origins: tuple[str, ...] = ()) -> bool:
    """True for an `Origin` of the home network or one of `allowed_origins` (`*`: any)."""
    if "*" in allowed_origins or _is_named(origin, allowed_origins):
        return True
    found = _parsed(origin)
    return found is not None and is_home(found[2].lower())


def _is_named(origin: str, allowed_origins: tuple[str, ...]) -> bool:
    """True for an origin that `allowed_origins` names itself."""
    found = _parsed(origin)
    if found is None:
        return False
    scheme, host, port = found[1].lower(), found[2].lower(), found[3]
    suffix = "" if port in {None, _PORTS[scheme]} else f":{int(port)}"
    return f"{scheme}://{_canonical(host)}{suffix}" in allowed_origins


def _parsed(origin: str) -> re.Match[str] | None:
    return _ORIGIN.fullmatch(origin) if len(origin) <= MAX_ORIGIN else None


def is_home(host: str) -> bool:
    """True for a private, loopback or link-local address, `localhost` or a `.local` name."""
    try:
        address = ipaddress.ip_address(host.removeprefix("[").removesuffix("]"))
    except ValueError:
        return (
            host in {"localhost", "localhost."}
            or re.fullmatch(r"([a-z0-9_-]+\.)+(local|localhost)\.?", host) is not None
        )
    if (address.version == 6) != host.startswith("["):
        return False
    address = getattr(address, "ipv4_mapped", None) or address
    return any(address in network for network in HOME_NETWORKS)


def _canonical(host: str) -> str:
    """The host in the spelling of `allowed_origins`."""
    if host.startswith("["):
        try:
            return f"[{ipaddress.ip_address(host[1:-1])}]"
        except ValueError:
            return host
    return host.removesuffix(".")


def _config() -> Config:
    return _services().config


def _services() -> Services:
    return cast("Services", current_app.extensions["lvs"])
