"""Who may come in, where there is a password: a page to give it, and the check before everything
else.
"""

from typing import Any, cast
from urllib.parse import urlencode

from quart import Blueprint, Quart, Response, redirect, request

from lvs.config import Config
from lvs.errors import TooMany
from lvs.routes.hooks import errors
from lvs.services.auth import SESSION_SECONDS
from lvs.web import responses
from lvs.web.responses import client, local_address, page, services

bp = Blueprint("sign_in", __name__)

COOKIE = "lvs_session"
OPEN = frozenset(
    {"static", "sign_in.show", "sign_in.sign_in", "sign_in.sign_out", "gallery.settings"}
)
ADMIN = ("/admin", "/metrics", "/dashboard")
SAFE_METHODS = ("GET", "HEAD")
MAX_PASSWORD = 4096


@bp.get("/sign-in")
async def show() -> Response:
    return _page(200, request.args.get("next", ""))


@bp.post("/sign-in")
async def sign_in() -> Response:
    form = await request.form
    target, password = form.get("next", ""), form.get("password", "")
    if not services().passwords.required:
        return cast("Response", redirect("/", 303))
    try:
        right = await services().passwords.check(password[:MAX_PASSWORD], client())
    except TooMany as error:
        response = _page(429, target, error.message)
        response.headers["Retry-After"] = str(error.retry_after_s)
        return response
    if not right:
        return _page(401, target, "That is not the password.")
    response = cast("Response", redirect(local_address(target) or "/", 303))
    session = services().passwords.new_session()
    response.set_cookie(
        COOKIE,
        session,
        SESSION_SECONDS,
        httponly=True,
        samesite="Strict",
        secure=_secure(),
        path="/",
    )
    response.headers["Cache-Control"] = "no-store"
    return response


@bp.post("/sign-out")
async def sign_out() -> Response:
    response = cast("Response", redirect("/sign-in", 303))
    response.delete_cookie(COOKIE, httponly=True, samesite="Strict", secure=_secure(), path="/")
    response.headers["Clear-Site-Data"] = '"cache"'
    return response


def install(app: Quart, config: Config) -> None:
    """Have every request checked, and answers that not everybody may see kept out of shared caches."""

    @app.before_request
    async def only_who_may_come_in() -> Response | None:
        if (
            not services().passwords.required
            or _is_open(config.protect == "changes")
            or is_signed_in()
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
    """Whether the request shows that it may come in: by the session of its browser, or a program's
    token.
    """
    return has_token() or services().passwords.is_session(request.cookies.get(COOKIE, ""))


def has_token() -> bool:
    """Whether the request brings a program's token, which no browser adds by itself."""
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    return kind.lower() == "bearer" and services().passwords.is_token(token.strip())


def _is_open(guests_may_watch: bool) -> bool:
    """Whether the request needs no password.

    A preflight cannot carry one (Fetch standard, section 3.2.2).
    """
    if request.method == "OPTIONS" or request.endpoint in OPEN:
        return True
    if request.path == "/ping":
        return not request.query_string
    admin = any(
        request.path == place or request.path.startswith((f"{place}/", f"{place}."))
        for place in ADMIN
    )
    return guests_may_watch and request.method in SAFE_METHODS and not admin


def _refusal() -> Response:
    """A program gets 401; a person is led to the page where one signs in."""
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
    """The page on which somebody pressed what needs a password."""
    return (
        local_address(
            request.headers.get("HX-Current-URL", "") or request.headers.get("Referer", "")
        )
        or "/"
    )


def _address(target: str) -> str:
    return f"/sign-in?{urlencode({'next': target})}" if target not in ("", "/") else "/sign-in"


def _page(status: int, target: str, error: str = "") -> Response:
    values: dict[str, Any] = {
        "target": local_address(target),
        "error": error,
        "signed_in": status == 200 and is_signed_in(),
    }
    response = page("sign_in.html", status, **values, needed=services().passwords.required)
    response.headers["Cache-Control"] = "no-store"
    return response


def _secure() -> bool:
    return request.scheme == "https"
