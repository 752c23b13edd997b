"""Access to the running server, and the building of answers."""

import re
from typing import Any, cast
from urllib.parse import unquote_to_bytes, urlsplit, urlunsplit

from pydantic import BaseModel
from quart import Response, current_app, g, redirect, request
from werkzeug.routing import BaseConverter

from lvs.errors import NotFound
from lvs.services.bundle import Services
from lvs.services.metrics import rendering
from lvs.viewer import viewer
from lvs.web import undo as undoing
from lvs.web.templates import Templates
from lvs.web.urls import Urls

MIN_PEOPLE = 2
THEMES = ("auto", "dark", "light")
SIZES = ("normal", "large", "tv")
_HASH = re.compile(r"[0-9a-f]{16}", re.ASCII)


class PathConverter(BaseConverter):
    """A path with any characters in its names.

    Its bytes come from `raw_path`, because decoding may lose some.
    """

    regex = "(?s:.+)"
    part_isolating = False
    weight = 200


class HashConverter(BaseConverter):
    """16 hexadecimal digits."""

    regex = "[0-9a-f]{16}"


def services() -> Services:
    return cast("Services", current_app.extensions["lvs"])


def addresses() -> Urls:
    return cast("Urls", current_app.extensions["lvs.addresses"])


def secure_url(path: str) -> str:
    """This server's address over HTTPS with this path and the query of the request; empty where
    HTTPS is spoken already, or never.
    """
    config = services().config
    if request.scheme == "https" or not config.speaks_tls:
        return ""
    host = request.host.rpartition(":")[0] if _has_port(request.host) else request.host
    query = request.query_string.decode("ascii", "replace")
    return f"https://{host}:{config.tls_port}{path}" + (f"?{query}" if query else "")


def _has_port(host: str) -> bool:
    return ":" in host.rpartition("]")[2]


def pages() -> Templates:
    return cast("Templates", current_app.extensions["lvs.pages"])


def raw_path(prefix: str) -> bytes:
    """The bytes of the path behind `prefix`, percent-decoded once.

    Raises NotFound where they can be no path.
    """
    raw: bytes = request.scope.get("raw_path") or request.path.encode()
    path = unquote_to_bytes(raw.partition(b"?")[0].removeprefix(prefix.encode()))
    if b"\0" in path:
        raise NotFound("There is nothing at this address.")  # no file's name holds a null character
    return path


def wants_partial() -> bool:
    """True where htmx asks for a part of a page."""
    return request.headers.get("HX-Request-Type") == "partial"


def page_context() -> dict[str, Any]:
    """The values that the frame of each page needs."""
    theme, size = request.cookies.get("theme"), request.cookies.get("size")
    return {
        "current": "",
        "search": "",
        "theme": theme if theme in THEMES else THEMES[0],
        "size": size if size in SIZES else SIZES[0],
        "filters_open": request.cookies.get("filters") == "open",
        "previews": services().config.feature_previews,
        "scrubs": services().scenes.enabled and not services().config.feature_previews,
        "page_url": request.full_path.rstrip("?"),
        "watching": _person_in_bar(),
        "saved_views": getattr(g, "saved_views", ()),  # unset where nobody may see them
        "view_counts": services().saved_views.known_counts(viewer()),
    }


def _person_in_bar() -> tuple[str, str] | None:
    """Initial and name of the person who watches, empty for nobody; None while there are not two
    people to choose among.
    """
    people = services().people.every
    if len(people) < MIN_PEOPLE:
        return None
    chosen = next((each for each in people if each.id == viewer().person), None)
    return (chosen.initial, chosen.name) if chosen else ("", "")


def page(template: str, code: int = 200, **context: Any) -> Response:
    """A whole page. It shows the Undo that the previous page left."""
    undo = undoing.offered()
    response = html(_encoded(template, **(page_context() | {"undo": undo} | context)), code)
    if undoing.COOKIE in request.cookies:
        response.delete_cookie(undoing.COOKIE, path="/")
    return response


def leave_undo(response: Response, undo: "undoing.Undo | None") -> Response:
    """Have the page that follows this answer offer to undo the change."""
    return undoing.remember(response, undo) if undo else response


def partial(template: str, code: int = 200, trigger: str = "", **context: Any) -> Response:
    """A part of a page for htmx; `trigger` names the event other parts of the page listen for."""
    return _triggering(trigger, html(_encoded(f"partials/{template}", **context), code))


def partial_of_video(
    template: str,
    trigger: str,
    media_hash: str,
    undo: "undoing.Undo | None" = None,
    **values: Any,
) -> Response:
    """A partial whose only variable value besides these is the video's hash, and the toast that
    undoes the change.
    """
    with rendering():
        text = pages().render_of_video(f"partials/{template}", media_hash, **values)
        if undo:
            text += pages().render("partials/undo_part.html", undo=undo)
    return _triggering(trigger, html(text))


def _triggering(event: str, response: Response) -> Response:
    if event:
        response.headers["HX-Trigger"] = event
    return response


def page_or_partial(template: str, partial_template: str, **context: Any) -> Response:
    """The same address as a page or as the part of it that htmx swaps."""
    return partial(partial_template, **context) if wants_partial() else page(template, **context)


def rendered(template: str, **context: Any) -> str:
    """The template as HTML; its time is counted in the metrics."""
    with rendering():
        return pages().render(template, **context)


def _encoded(template: str, **context: Any) -> bytes:
    with rendering():
        return pages().encoded(template, **context)


def html(text: str | bytes, status: int = 200) -> Response:
    headers = {"Vary": "HX-Request-Type", "Cache-Control": "no-cache"}
    return Response(text, status, headers, content_type="text/html; charset=utf-8")


def json_response(model: BaseModel, status: int = 200) -> Response:
    """The model as JSON."""
    headers = {"Cache-Control": "no-cache"}
    return Response(model.model_dump_json(), status, headers, content_type="application/json")


def redirect_back(default: str) -> Response:
    """Redirect a plain form (303) to the page it was on, or to `default`."""
    return cast(
        "Response", redirect(local_address(request.headers.get("Referer", "")) or default, 303)
    )


def local_address(address: str) -> str:
    """The path, query and fragment of an address on this server; empty for any other."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return ""
    if (
        (parts.netloc and parts.netloc != request.host)
        or not parts.path.startswith("/")
        or parts.path.startswith(("//", "/\\"))
    ):
        return ""
    return urlunsplit(("", "", *parts[2:]))


def client() -> str:
    """The address the visitor comes from."""
    return cast("str", getattr(g, "client", None) or request.remote_addr or "")
