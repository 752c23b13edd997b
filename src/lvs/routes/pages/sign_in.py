"""The sign-in page."""

from typing import Any, cast

from quart import Response, redirect, request

from lvs.errors import TooManyRequests
from lvs.routes.hooks import auth
from lvs.services.auth import SESSION_SECONDS
from lvs.web.responses import client, local_address, page, services

MAX_PASSWORD = 4096


async def show() -> Response:
    return _page(200, request.args.get("next", ""))


async def sign_in() -> Response:
    form = await request.form
    target, password = form.get("next", ""), form.get("password", "")
    if not services().passwords.required:
        return cast("Response", redirect("/", 303))
    try:
        right = await services().passwords.check(password[:MAX_PASSWORD], client())
    except TooManyRequests as error:
        response = _page(429, target, error.message)
        response.headers["Retry-After"] = str(error.retry_after_s)
        return response
    if not right:
        return _page(401, target, "Wrong password. Try again.")
    response = cast("Response", redirect(local_address(target) or "/", 303))
    session = services().passwords.new_session()
    response.set_cookie(
        auth.COOKIE,
        session,
        SESSION_SECONDS,
        httponly=True,
        samesite="Strict",
        secure=_secure(),
        path="/",
    )
    response.headers["Cache-Control"] = "no-store"
    return response


async def sign_out() -> Response:
    services().live_events.let_go(client())
    response = cast("Response", redirect("/sign-in", 303))
    response.delete_cookie(
        auth.COOKIE, httponly=True, samesite="Strict", secure=_secure(), path="/"
    )
    response.headers["Clear-Site-Data"] = '"cache"'
    return response


def _page(status: int, target: str, error: str = "") -> Response:
    values: dict[str, Any] = {
        "target": local_address(target),
        "error": error,
        "signed_in": status == 200 and auth.is_signed_in(),
    }
    response = page("sign_in.html", status, **values, needed=services().passwords.required)
    response.headers["Cache-Control"] = "no-store"
    return response


def _secure() -> bool:
    return request.scheme == "https"
