"""The properties of a route, and the rows and sections that the site map is made of.

`routes/__init__.py` holds the map itself. The hooks ask here for the properties of a request.
"""

from collections.abc import Awaitable, Callable, Iterable, Iterator
from enum import Enum
from typing import Any, cast

from msgspec import Struct
from msgspec.structs import replace
from quart import Quart, Response, current_app, redirect

from lvs.http.internals import current_request
from lvs.services.metrics import RouteGroup

Handler = Callable[..., Awaitable[Response]]

EXTENSION = "lvs.site_map"
HANDLERS = "lvs.routes."
MOVED = "moved"


class Errors(Enum):
    """The shape of a route's errors."""

    PAGE = "page"  # a page, or a toast for htmx; JSON where the client accepts nothing else
    JSON = "json"  # problem+json (RFC 9457)
    ORIGINAL = "original"  # problem+json with the members that the original server sends


class RouteAccess(Struct, frozen=True):
    """The properties of a route besides its address."""

    open: bool = False  # answers without a sign-in
    open_without_query: bool = False  # open, where the address has no query string
    admin: bool = False  # needs a sign-in also where guests may watch
    keyed: bool = False  # a key in the address opens it as well
    own_limit: bool = False  # checks a rate limit of its own instead of `writes_limit`
    limited: bool = False  # also for a person who is limited to a selection
    cross_origin: bool = False  # pages of permitted other origins may read the answers (CORS)
    errors: Errors = Errors.PAGE
    headers: tuple[tuple[str, str], ...] = ()  # every answer carries them
    group: RouteGroup = RouteGroup.VISITORS


class SiteRoute(Struct, frozen=True):
    """One address with one method and its handler."""

    method: str
    address: str
    handler: Handler
    access: RouteAccess = RouteAccess()
    endpoint: str = ""


class Section(Struct, frozen=True):
    """Routes under one heading, which share properties.

    Addresses below `below` that match no route have them as well, so that an unknown address of
    the API answers like the API.
    """

    heading: str
    routes: tuple[SiteRoute, ...]
    access: RouteAccess
    below: str = ""


def section(heading: str, *routes: SiteRoute, below: str = "", **shared: Any) -> Section:
    """Routes under a heading; `shared` are properties that all of them have."""
    given = tuple(
        replace(route, access=replace(route.access, **shared)) if shared else route
        for route in routes
    )
    return Section(heading, given, RouteAccess(**shared), below)


def get(address: str, handler: Handler, **access: Any) -> SiteRoute:
    """A page or another answer that changes nothing."""
    return _route("GET", address, handler, access)


def post(address: str, handler: Handler, **access: Any) -> SiteRoute:
    """A form or a call that changes something."""
    return _route("POST", address, handler, access)


def by_any(address: str, handler: Handler, **access: Any) -> tuple[SiteRoute, ...]:
    """GET and POST alike, with and without a slash at the end, for players that read by POST and
    follow no redirect.
    """
    return tuple(
        _route(method, f"{address}{slash}", handler, access)
        for method in ("GET", "POST")
        for slash in ("", "/")
    )


def put(address: str, handler: Handler, **access: Any) -> SiteRoute:
    """A call that sets something."""
    return _route("PUT", address, handler, access)


def delete(address: str, handler: Handler, **access: Any) -> SiteRoute:
    """A call that removes something."""
    return _route("DELETE", address, handler, access)


def moved(address: str, target: str, **access: Any) -> SiteRoute:
    """A former address, or one that people guess, which redirects permanently (301)."""

    async def redirect_to_target() -> Response:
        return cast("Response", redirect(target, 301))

    route = _route("GET", address, redirect_to_target, access)
    return replace(route, endpoint=f"{MOVED}:{address}".replace(".", "_"))


def _route(method: str, address: str, handler: Handler, access: dict[str, Any]) -> SiteRoute:
    room = handler.__module__.removeprefix(HANDLERS).replace(".", "/")
    # No dot: Quart would take what stands before it for a blueprint's name.
    return SiteRoute(method, address, handler, RouteAccess(**access), f"{room}:{handler.__name__}")


class SiteMap:
    """The routes of an application, and the properties of a request."""

    def __init__(self, sections: Iterable[Section]) -> None:
        self.sections = tuple(sections)
        self._by_endpoint = {
            (route.endpoint, route.method): route.access for route in self.routes()
        }
        self._by_address = {route.address: route.access for route in self.routes()}
        self._below = [(each.below, each.access) for each in self.sections if each.below]

    def routes(self) -> Iterator[SiteRoute]:
        """Iterate over the routes in the order of the map."""
        for each in self.sections:
            yield from each.routes

    def install(self, app: Quart) -> None:
        """Add every route to the application."""
        app.extensions[EXTENSION] = self
        app.after_request(_add_headers)
        for route in self.routes():
            app.add_url_rule(
                route.address, route.endpoint, cast("Any", route.handler), methods=[route.method]
            )

    def groups(self) -> dict[tuple[str, str], RouteGroup]:
        """The group of each route that is not an ordinary one, by method and address."""
        groups: dict[tuple[str, str], RouteGroup] = {
            (route.method, route.address): route.access.group
            for route in self.routes()
            if route.access.group is not RouteGroup.VISITORS
        }
        heads = {("HEAD", address): group for (method, address), group in groups.items()
                 if method == "GET"}  # fmt: skip
        return groups | heads

    def access(self, endpoint: str | None, method: str, path: str) -> RouteAccess:
        """The properties of a request; where it matched no route, those of its address."""
        if endpoint is not None:
            asked = "GET" if method == "HEAD" else method
            found = self._by_endpoint.get((endpoint, asked))
            if found is not None:
                return found
        if path in self._by_address:
            return self._by_address[path]
        return next((access for below, access in self._below if path.startswith(below)), _ORDINARY)

    def answers_json(self, path: str) -> bool:
        """True where errors are JSON at this path, before it is known which route it is."""
        return self.access(None, "", path).errors is not Errors.PAGE


_ORDINARY = RouteAccess()


def access() -> RouteAccess:
    """The properties of the route that the current request takes."""
    asked = current_request()
    return site_map().access(asked.endpoint, asked.method, asked.path)


def site_map() -> SiteMap:
    """The site map of the current application."""
    return cast("SiteMap", current_app.extensions[EXTENSION])


async def _add_headers(response: Response) -> Response:
    if headers := access().headers:
        response.headers.update(headers)
    return response
