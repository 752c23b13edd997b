"""Answers whose whole content is in memory, with the byte ranges of RFC 9110, section 14."""

from quart import Request, Response

from lvs.http.ranges import parse_range


def byte_response(
    request: Request, content: bytes, media_type: str, cache_control: str
) -> Response:
    """The answer to a GET or HEAD of `content`: whole, the part that `Range` asks for, or 416."""
    headers = {
        "Accept-Ranges": "bytes",
        "Cache-Control": cache_control,
        "X-Content-Type-Options": "nosniff",
    }
    spans = parse_range(request.headers.get("Range", ""), len(content))
    if spans is not None and not spans:
        headers["Content-Range"] = f"bytes */{len(content)}"
        message = "There are no bytes in that range.\n"
        return Response(message, 416, headers, content_type="text/plain; charset=utf-8")
    if spans is None or len(spans) > 1:  # section 14.2: a server may ignore the field
        return Response(content, 200, headers, content_type=media_type)
    span = spans[0]
    headers["Content-Range"] = f"bytes {span.start}-{span.stop - 1}/{len(content)}"
    return Response(content[span.start : span.stop], 206, headers, content_type=media_type)
