"""Sign-in check before every request, where there is a password."""

from collections.abc import Callable
from typing import cast
from urllib.parse import urlencode

from quart import Quart, Response, redirect, request

from lvs.config import Config
from lvs.routes.hooks import errors
from lvs.web import responses
from lvs.web.responses import local_address, services
from lvs.web.site_map import access

COOKIE = "lvs_session"
SAFE_METHODS = ("GET", "HEAD")


def install(app: Quart, config: Config) -> None:
    """Check the sign-in of every request, and keep private answers out of shared caches."""

    @app.before_request
    async def only_who_may_come_in() -> Response | None:
        if (
            not services().passwords.required
            or _is_open(config.protect == "changes")
            or is_signed_in()
            or _opened_by_key()
        ):
            return None
        return _refusal()

    @app.after_request
    async def keep_private(response: Response) -> Response:
        cached = response.headers.get("Cache-Control", "")
        if (
            cached.startswith("public")
            and request.endpoint != "static"
            and services().passwords.required
        ):
            response.headers["Cache-Control"] = cached.replace("public", "private", 1)
        return response


def is_signed_in() -> bool:
    """True with the session cookie of a browser, or a program's token."""
    return has_token() or services().passwords.is_session(request.cookies.get(COOKIE, ""))


def has_token() -> bool:
    """True with a program's token, which no browser adds by itself."""
    return services().passwords.is_token(_token())


def _token() -> str:
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if kind.lower() == "bearer" else ""


def lasting_check() -> Callable[[], bool]:
    """A check for answers that last: True while the request would still be let in."""
    passwords, token = services().passwords, _token()
    session = request.cookies.get(COOKIE, "")
    is_open = _is_open(services().config.protect == "changes")

    def is_allowed() -> bool:
        if is_open or not passwords.required:
            return True
        return passwords.is_session(session) or passwords.is_token(token)

    return is_allowed


def _opened_by_key() -> bool:
    """True if the address carries a key to the one file that it names."""
    if request.method not in SAFE_METHODS or not access().keyed:
        return False
    path = (request.scope.get("raw_path") or request.path.encode()).partition(b"?")[0]
    return services().headset.access.opens(
        path.decode("ascii", "replace"), request.args.get("key", "")
    )


def _is_open(guests_may_watch: bool) -> bool:
    """True for a request that needs no password.

    A preflight cannot carry one (Fetch standard, section 3.2.2).
    """
    if request.method == "OPTIONS" or request.endpoint == "static":
        return True
    properties = access()
    if properties.open or (properties.open_without_query and not request.query_string):
        return True
    return guests_may_watch and request.method in SAFE_METHODS and not properties.admin


def _refusal() -> Response:
    """Answer a program with 401, and redirect a person to the sign-in page."""
    wanted = request.full_path.rstrip("?")
    wants_page = request.method in SAFE_METHODS and "text/html" in request.headers.get("Accept", "")
    if wants_page and not responses.wants_partial() and not errors.wants_json():
        response = cast("Response", redirect(_address(wanted), 303))
    else:
        response = errors.problem(401, "Sign in first.", ("Sign in", _address(_page_of_request())))
        response.headers["WWW-Authenticate"] = 'Bearer realm="LVS"'
    response.headers["Cache-Control"] = "no-store"
    return response


def _page_of_request() -> str:
    """The page on which a button was pressed that needs a password."""
    return (
        local_address(
            request.headers.get("HX-Current-URL", "") or request.headers.get("Referer", "")
        )
        or "/"
    )


def _address(target: str) -> str:
    return f"/sign-in?{urlencode({'next': target})}" if target not in ("", "/") else "/sign-in"
