"""Answers to errors: a page, a toast for htmx, or problem+json (RFC 9457)."""

import errno
import logging
from http import HTTPStatus
from json import dumps
from typing import Any

from quart import Quart, Response, request
from werkzeug.exceptions import HTTPException

from lvs.errors import (
    Conflict,
    DiskFull,
    Invalid,
    LvsError,
    NotFound,
    Refused,
    TimedOut,
    TooManyRequests,
    Unavailable,
)
from lvs.models import Card
from lvs.services import metrics
from lvs.services.metrics import record_error_message
from lvs.web import responses
from lvs.web.site_map import Errors, access

log = logging.getLogger(__name__)

STATUS: tuple[tuple[type[LvsError], int], ...] = (
    (NotFound, 404),
    (Refused, 403),
    (Conflict, 409),
    (TooManyRequests, 429),
    (TimedOut, 504),
    (Unavailable, 503),
    (DiskFull, 507),
    (Invalid, 400),
)
LOGGED_CHARACTERS = 200
INSTEAD = 3  # videos that a page offers which has nothing to show
TITLES = {
    400: "Invalid request",
    401: "Not signed in",
    403: "Not allowed",
    404: "Not found",
    405: "Method not allowed",
    409: "Conflict",
    413: "Request too large",
    415: "Unsupported content type",
    421: "Unknown host name",
    429: "Too many requests",
    500: "Something went wrong",
    503: "Not available",
    504: "That took too long",
    507: "The disk is full",
}
MESSAGES = {
    404: "There is nothing at this address.",
    405: "This address does not support this method.",
    413: "The request is larger than LVS accepts.",
    415: "LVS does not accept this content type here.",
    500: "LVS failed to answer. The log has details.",
}


def install(app: Quart) -> None:
    """Register the error handlers of the application."""
    app.register_error_handler(LvsError, _lvs_error)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(Exception, _mistake)


async def _lvs_error(error: LvsError) -> Response:
    status = next((status for kind, status in STATUS if isinstance(error, kind)), 400)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        log.warning(
            "%s %s: %s (request %s)",
            request.method,
            request.path,
            error.message,
            _request_id(),
            exc_info=error,
        )
    response = problem(status, error.message, instead=await _instead(status))
    if isinstance(error, TooManyRequests):
        response.headers["Retry-After"] = str(error.retry_after_s)
    return response


async def _http_error(error: HTTPException) -> Response:
    status = error.code or 500
    if status < HTTPStatus.BAD_REQUEST:
        return error.get_response()  # type: ignore[return-value]
    message = MESSAGES.get(status) or error.description or TITLES[400]
    response = problem(status, message, instead=await _instead(status))
    for name, value in error.get_headers():
        if name.lower() in ("allow", "retry-after"):
            response.headers[name] = value
    return response


async def _mistake(error: Exception) -> Response:
    if (
        isinstance(error, OSError) and error.errno == errno.ENAMETOOLONG
    ):  # no file can have that name, so none has it
        return problem(404, MESSAGES[404])
    log.error(
        "%s %s failed (request %s)", request.method, request.path, _request_id(), exc_info=error
    )
    return problem(500, MESSAGES[500])


async def _instead(status: int) -> tuple[Card, ...]:
    """Some videos for a page that has nothing to show."""
    if status != HTTPStatus.NOT_FOUND or wants_json() or responses.wants_partial():
        return ()
    if request.method not in ("GET", "HEAD") or request.endpoint == "static":
        return ()  # these answer before anybody signed in or said who watches
    try:
        return await responses.services().gallery.some_random(INSTEAD)
    except LvsError:  # the page about one error must not need that all else is well
        return ()


def problem(
    status: int,
    message: str,
    next_step: tuple[str, str] | None = None,
    instead: tuple[Card, ...] = (),
) -> Response:
    """The answer to an error; `next_step` is a label and an address, by default all videos, and
    `instead` are videos to offer.
    """
    record_error_message(message)
    if status < HTTPStatus.INTERNAL_SERVER_ERROR:
        path = request.path[:LOGGED_CHARACTERS]
        log.info("%s %s: %d %s (request %s)", request.method, path, status, message, _request_id())
    title = TITLES.get(status) or HTTPStatus(status).phrase
    if wants_json():
        return _json(status, title, message)
    template = "toast.html" if responses.wants_partial() else "error.html"
    values: dict[str, Any] = {
        "status": status,
        "title": title,
        "message": message,
        "unchanged": "" if request.method in ("GET", "HEAD") else "Nothing was changed.",
        "request_id": _request_id(),
        "instead": instead,
        "next_step": next_step
        or (("All videos", "/") if request.path != "/" or request.query_string else None),
    }
    return (
        responses.partial(template, status, **values)
        if responses.wants_partial()
        else responses.page(template, status, **values)
    )


def _json(status: int, title: str, message: str) -> Response:
    body: dict[str, Any] = {
        "title": title,
        "status": status,
        "detail": message,
        "request_id": _request_id(),
    }
    if access().errors is Errors.ORIGINAL:  # RFC 9457 section 3.2 has room for more members
        body |= {"success": False, "error": message}
    response = Response(dumps(body), status, content_type="application/problem+json")
    response.headers["Cache-Control"] = "no-cache"
    return response


def wants_json() -> bool:
    """True for a route of programs, and for a client that accepts JSON and no HTML."""
    if access().errors is not Errors.PAGE:
        return True
    accept = request.headers.get("Accept", "")
    return "json" in accept and "html" not in accept


def _request_id() -> str:
    return metrics.request_id()
