"""What keeps strangers' pages out: writes only from our own pages, and headers that say what a page of ours may do.

Browsers send no `Sec-Fetch-Site` to plain-http addresses of a LAN, so `Origin` against `Host` is compared as well.
"""

from quart import Quart, Response, request

from lvs.routes import cors, errors

SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
POLICY = (
    "default-src 'self'; img-src 'self' data:; media-src 'self'; object-src 'none'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
STATIC_FOR_EVER = "public, max-age=31536000, immutable"


def install(app: Quart) -> None:
    @app.before_request
    async def only_our_own_pages_write() -> Response | None:
        if request.method in SAFE_METHODS or _ours() or cors.allows(request):
            return None
        return errors.problem(403, "Changes are only taken from LVS's own pages.")

    @app.after_request
    async def headers(response: Response) -> Response:
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        if request.path.startswith("/static/") and "v" in request.args:
            response.headers["Cache-Control"] = STATIC_FOR_EVER
        return response


def _ours() -> bool:
    """Whether a page of this server, or no browser at all, sent the request."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = request.headers.get("Origin")
    return origin is None or origin.partition("://")[2] == request.host
