"""Pages, style and script travel compressed (RFC 9110 section 8.4), and not at all where the browser has them already.

A page's ETag is made of its bytes, so it holds for whatever put them there, and whoever comes back to an unchanged page gets 304.
"""

import hashlib
import zlib

from cachetools import LRUCache
from quart import Quart, Response, request

try:  # ten times as quick, where it can be had
    from isal.isal_zlib import compress as quickly
except ImportError:
    from zlib import compress as quickly

LEAST_BYTES = 800  # less fits into one packet as it is
KEPT_BYTES = 4 * 2**20
GZIP = 31  # what zlib calls the gzip format with the largest window
TEXT = ("text/css", "text/javascript", "application/javascript", "image/svg+xml")
TAG_DIGITS = 24


def install(app: Quart) -> None:
    """Compress answers of this application."""
    kept: LRUCache[str, bytes] = LRUCache(KEPT_BYTES, getsizeof=len)

    @app.after_request
    async def compress(response: Response) -> Response:
        static = request.path.startswith("/static/") and response.mimetype in TEXT
        if response.status_code != 200 or not (static or response.mimetype == "text/html"):
            return response
        body = await response.get_data(as_text=False)
        response.vary.add("Accept-Encoding")
        tag = hashlib.sha256(body).hexdigest()[:TAG_DIGITS]
        if request.method in ("GET", "HEAD"):
            response.headers["ETag"] = f'W/"{tag}"'
            if request.if_none_match.contains_weak(tag):
                return _not_modified(response)
        if len(body) >= LEAST_BYTES and request.accept_encodings.quality("gzip") > 0:
            packed = kept.get(tag)
            if packed is None:
                # Static files are asked for once by each browser, and kept here: they are worth the effort.
                packed = zlib.compress(body, 9, GZIP) if static else quickly(body, 2, GZIP)
                if len(packed) < KEPT_BYTES:
                    kept[tag] = packed
            response.set_data(packed)
            response.headers["Content-Encoding"] = "gzip"
        return response


def _not_modified(response: Response) -> Response:
    """RFC 9110 section 15.4.5: no body, and no header that describes one."""
    response.status_code = 304
    response.set_data(b"")
    for name in ("Content-Type", "Content-Length", "Content-Encoding"):
        response.headers.pop(name, None)
    return response
