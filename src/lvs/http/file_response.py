"""The answer to a GET or HEAD of a file, with its headers."""

import asyncio
import os
import re
import time
from collections.abc import AsyncIterable
from email.utils import formatdate
from typing import Protocol, TypeVar, cast
from urllib.parse import quote

from quart import Request, Response
from werkzeug.datastructures import Headers

from lvs.http.media_types import MEDIA_TYPES, UNKNOWN
from lvs.http.ranges import (
    Conditions,
    Verdict,
    decide,
    validators,
)
from lvs.http.transport import SCOPE_KEY, ClientConnection


class HeldFile(Protocol):
    """An open file that stays the same while its bytes are sent."""

    @property
    def status(self) -> os.stat_result:
        """Its `fstat`."""

    def close(self) -> None:
        """Close it, or leave that to whoever is still reading it."""


File = TypeVar("File", bound=HeldFile)
File_contra = TypeVar("File_contra", bound=HeldFile, contravariant=True)


class Bodies(Protocol[File_contra]):
    """Makes the bodies of answers, and counts and limits them."""

    def body(
        self,
        opened: File_contra,
        offset: int,
        size_bytes: int,
        *,
        title: str,
        client: str,
        connection: ClientConnection | None,
    ) -> AsyncIterable[bytes]:
        """A body of `size_bytes` bytes from `offset`; closes `opened` at its end."""


async def file_response(
    request: Request,
    opened: File,
    media_type: str,
    download_name: str | None = None,
    *,
    streams: Bodies[File],
    title: str = "",
    client: str | None = None,
) -> Response:
    """The complete answer to a GET or HEAD of `opened`, which is closed in any case.

    `download_name` makes it a download under that name. `title` and `client` (default: the peer's
    address) are shown on the dashboard while the bytes are being sent.
    """
    # The request's task also sends the body, so the file closes even when the client leaves before
    # the first byte of it.
    cast("asyncio.Task[object]", asyncio.current_task()).add_done_callback(lambda _: opened.close())

    now_seconds = time.time()
    size_bytes = opened.status.st_size
    current = validators(opened.status, now_seconds)
    decision = decide(
        request.method, Conditions.from_headers(request.headers), current, size_bytes, now_seconds
    )
    headers = Headers({"Cache-Control": "private, no-cache", "X-Content-Type-Options": "nosniff"})
    if decision.verdict is Verdict.UNSATISFIABLE:
        headers["Accept-Ranges"] = "bytes"
        headers["Content-Range"] = f"bytes */{size_bytes}"
        return _message(decision.verdict, "The file has no bytes in that range.", headers)
    if decision.verdict is Verdict.PRECONDITION_FAILED:
        return _message(
            decision.verdict, "The file is not the version that was asked for.", headers
        )

    headers["ETag"] = current.etag
    headers["Last-Modified"] = formatdate(current.modified_seconds, usegmt=True)
    if decision.verdict is Verdict.NOT_MODIFIED:
        return _without_body(decision.verdict, headers)

    headers["Accept-Ranges"] = "bytes"
    headers["Content-Type"] = media_type if media_type in MEDIA_TYPES else UNKNOWN
    headers["Content-Length"] = str(decision.span.size_bytes)
    if download_name is not None:
        headers["Content-Disposition"] = attachment(download_name)
    if decision.verdict is Verdict.PART:
        headers["Content-Range"] = (
            f"bytes {decision.span.start}-{decision.span.stop - 1}/{size_bytes}"
        )
    if request.method == "HEAD":
        return _without_body(decision.verdict, headers)

    body = streams.body(
        opened,
        decision.span.start,
        decision.span.size_bytes,
        title=title,
        client=client if client is not None else request.remote_addr or "",
        connection=cast("ClientConnection | None", request.scope.get(SCOPE_KEY)),
    )
    response = Response(body, int(decision.verdict), headers)
    response.timeout = (
        None  # Quart's limit covers the body and would cut playback short; `streams` has its own
    )
    return response


def attachment(name: str) -> str:
    """`Content-Disposition` for a download as `name`, in ASCII and UTF-8 (RFC 6266, RFC 8187)."""
    # Lone surrogates stand for bytes of a file name that are not UTF-8; a header can only say that
    # something was there.
    text = name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    text = re.sub(r"[\x00-\x1f\x7f-\x9f/\\]", "_", text).strip(". ") or "video"
    # Some clients decode %41 in the plain form, so it carries no percent sign.
    plain = re.sub(r'[^\x20-\x7e]|["%]', "_", text)
    encoded = quote(text, safe="!#$&+-.^_`|~")
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{encoded}"


def _message(status: int, message: str, headers: Headers) -> Response:
    return Response(message + "\n", int(status), headers, content_type="text/plain; charset=utf-8")


def _without_body(status: int, headers: Headers) -> Response:
    response = Response(None, int(status), headers)
    if "Content-Length" not in headers:
        del response.headers["Content-Type"]  # a 304 describes nothing new
    return response
