"""Compression of pages, styles and scripts (RFC 9110 section 8.4), and 304 for unchanged pages.

A page's ETag is made of its bytes, so it holds for whatever put them there, and whoever comes back
to an unchanged page gets 304. Our own styles and scripts are sent without comments and white space.
"""

import asyncio
import hashlib
import zlib
from concurrent.futures import ThreadPoolExecutor

from cachetools import LRUCache
from quart import Quart, Response

from lvs.http.internals import current_request

LEAST_BYTES = 800  # less fits into one packet as it is
KEPT_BYTES = 2 * 2**20
GZIP = 31  # what zlib calls the gzip format with the largest window
# A gallery page fits into the ten packets that a new connection may send before anything is
# acknowledged. Level 9 takes half as long again for a hundredth.
PAGE_LEVEL, STATIC_LEVEL = 6, 9
INLINE_BYTES = 16 * 1024  # so much is packed before a thread would have begun
PACKERS = 2
TEXT = ("text/css", "text/javascript", "application/javascript", "image/svg+xml")
TAG_DIGITS = 24
VENDORED = "/static/vendor/"


def install(app: Quart) -> None:
    """Compress answers of this application."""
    kept: LRUCache[str, bytes] = LRUCache(KEPT_BYTES, getsizeof=len)
    # Not the threads that read films: one of them may hang in a dead disk.
    packers = ThreadPoolExecutor(PACKERS, thread_name_prefix="lvs-packer")

    async def packed(body: bytes, level: int) -> bytes:
        if len(body) < INLINE_BYTES:
            return zlib.compress(body, level, GZIP)
        return await asyncio.get_running_loop().run_in_executor(
            packers, zlib.compress, body, level, GZIP
        )

    @app.after_request
    async def compress(response: Response) -> Response:
        asked, kind = current_request(), response.mimetype
        static = kind in TEXT and asked.path.startswith("/static/")
        if response.status_code != 200 or not (static or kind == "text/html"):
            return response
        response.headers["Vary"] = ", ".join(
            filter(None, (response.headers.get("Vary"), "Accept-Encoding"))
        )
        may_be_kept = asked.method in ("GET", "HEAD")
        packable = (
            asked.headers.get("Accept-Encoding", "identity") != "identity"
            and asked.accept_encodings.quality("gzip") > 0
        )
        if not may_be_kept and not packable:
            return response
        body = await response.get_data(as_text=False)
        if static and not asked.path.startswith(VENDORED):
            body = minified(body, kind)
            response.set_data(body)
        tag = hashlib.sha256(body).hexdigest()[:TAG_DIGITS]
        if may_be_kept:
            response.headers["ETag"] = f'W/"{tag}"'
            if asked.if_none_match.contains_weak(tag):
                return _not_modified(response)
        if packable and len(body) >= LEAST_BYTES:
            content = kept.get(tag)
            if content is None:
                content = await packed(body, STATIC_LEVEL if static else PAGE_LEVEL)
                if len(content) < KEPT_BYTES:
                    kept[tag] = content
            response.set_data(content)
            response.headers["Content-Encoding"] = "gzip"
        return response


def minified(body: bytes, kind: str | None) -> bytes:
    """A style or script of ours without comments and white space; its names stay readable."""
    if kind == "image/svg+xml":
        return body
    import rcssmin  # noqa: PLC0415  a start does without them
    import rjsmin  # noqa: PLC0415

    smaller: bytes = rcssmin.cssmin(body) if kind == "text/css" else rjsmin.jsmin(body)
    return smaller


def _not_modified(response: Response) -> Response:
    """RFC 9110 section 15.4.5: no body, and no header that describes one."""
    response.status_code = 304
    response.set_data(b"")
    for name in ("Content-Type", "Content-Length", "Content-Encoding"):
        response.headers.pop(name, None)
    return response
