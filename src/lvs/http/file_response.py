"""The answer to a GET or HEAD of a file: preconditions (RFC 9110 section 13), ranges (section 14)
and the headers around them.
"""

import asyncio
import enum
import re
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import formatdate
from hashlib import blake2b
from os import stat_result
from typing import cast
from urllib.parse import quote

from quart import Request, Response
from werkzeug.datastructures import Headers

from lvs.http.media_types import MEDIA_TYPES, UNKNOWN
from lvs.http.transport import SCOPE_KEY, ClientConnection
from lvs.services.streaming.open_file import OpenFile
from lvs.services.streaming.streams import Streams

# Section 8.8.2.2: a date is a strong validator only when the file cannot change again within the
# second it names. One second more, because file systems stamp with a clock that may run behind
# ours.
SETTLED_SECONDS = 2

ENTITY_TAG = r'(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"'
ENTITY_TAGS = re.compile(rf"[ \t,]*(?:{ENTITY_TAG}[ \t]*(?:,[ \t,]*|\Z))+")
ENTITY_TAG_ALONE = re.compile(ENTITY_TAG)

RANGE_SPEC = r"(?:[0-9]+-[0-9]*|-[0-9]+)"
RANGES = re.compile(
    rf"bytes=(?:[ \t]*,[ \t,]*)?{RANGE_SPEC}(?:[ \t]*,[ \t,]*(?:{RANGE_SPEC}|\Z))*",
    re.ASCII | re.IGNORECASE,
)
RANGE_SPEC_ALONE = re.compile(r"([0-9]*)-([0-9]*)")

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MONTH = f"(?P<month>{'|'.join(MONTHS)})"
_CLOCK = "(?P<hour>[0-9]{2}):(?P<minute>[0-9]{2}):(?P<second>[0-9]{2})"
_DAY = "Mon|Tue|Wed|Thu|Fri|Sat|Sun"
_LONG_DAY = "Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday"
DATE_FORMS = (
    re.compile(rf"(?:{_DAY}), (?P<day>[0-9]{{2}}) {_MONTH} (?P<year>[0-9]{{4}}) {_CLOCK} GMT"),
    re.compile(rf"(?:{_LONG_DAY}), (?P<day>[0-9]{{2}})-{_MONTH}-(?P<year>[0-9]{{2}}) {_CLOCK} GMT"),
    re.compile(rf"(?:{_DAY}) {_MONTH} (?P<day>[0-9]{{2}}| [0-9]) {_CLOCK} (?P<year>[0-9]{{4}})"),
)


@dataclass(frozen=True, slots=True)
class Validators:
    """Validators of a file's version: a strong entity tag and the time of change in
    whole Unix seconds.
    """

    etag: str
    modified_seconds: int


@dataclass(frozen=True, slots=True)
class Conditions:
    """The request's fields that decide the answer, each as one combined value, or None where it was
    not sent.
    """

    if_match: str | None = None
    if_unmodified_since: str | None = None
    if_none_match: str | None = None
    if_modified_since: str | None = None
    if_range: str | None = None
    range: str | None = None

    @classmethod
    def from_headers(cls, headers: Headers) -> "Conditions":
        """Several fields of one name count as one list (RFC 9110 section 5.3)."""

        def combined(name: str) -> str | None:
            values = headers.getlist(name)
            return ", ".join(value.strip(" \t") for value in values) if values else None

        return cls(
            if_match=combined("If-Match"),
            if_unmodified_since=combined("If-Unmodified-Since"),
            if_none_match=combined("If-None-Match"),
            if_modified_since=combined("If-Modified-Since"),
            if_range=combined("If-Range"),
            range=combined("Range"),
        )


@dataclass(frozen=True, slots=True)
class Span:
    """The bytes from `start` up to and without `stop`."""

    start: int
    stop: int

    @property
    def size_bytes(self) -> int:
        return self.stop - self.start


class Verdict(enum.IntEnum):
    """The five answers to a GET of a file that is there, by their status."""

    WHOLE = 200
    PART = 206
    NOT_MODIFIED = 304
    PRECONDITION_FAILED = 412
    UNSATISFIABLE = 416


@dataclass(frozen=True, slots=True)
class Decision:
    """A verdict and the bytes that go with it; `span` is empty where there is no file body."""

    verdict: Verdict
    span: Span = Span(0, 0)


def validators(status: stat_result, now_seconds: float) -> Validators:
    """Validators of the file with this `fstat`; the entity tag changes with size, time, inode and
    any change of the inode.
    """
    identity = f"{status.st_size} {status.st_mtime_ns} {status.st_ino} {status.st_ctime_ns}"
    # Hashed, so that it names the version without telling how the disk is laid out.
    tag = blake2b(identity.encode(), digest_size=12).hexdigest()
    # Section 8.8.2.1: never later than the answer itself. Before 1970 some clients read nonsense.
    modified_seconds = max(0, min(status.st_mtime_ns // 1_000_000_000, int(now_seconds)))
    return Validators(f'"{tag}"', modified_seconds)


def decide(
    method: str, conditions: Conditions, current: Validators, size_bytes: int, now_seconds: float
) -> Decision:
    """The answer to a GET or HEAD, in the order of RFC 9110 section 13.2.2."""
    if conditions.if_match is not None:
        if not _matches(conditions.if_match, current.etag, weak=False):
            return Decision(Verdict.PRECONDITION_FAILED)
    elif conditions.if_unmodified_since is not None:
        date = parse_date(conditions.if_unmodified_since, now_seconds)
        if date is not None and current.modified_seconds > date:
            return Decision(Verdict.PRECONDITION_FAILED)

    if conditions.if_none_match is not None:
        if _matches(conditions.if_none_match, current.etag, weak=True):
            return Decision(Verdict.NOT_MODIFIED)
    elif conditions.if_modified_since is not None:
        date = parse_date(conditions.if_modified_since, now_seconds)
        if date is not None and current.modified_seconds <= date:
            return Decision(Verdict.NOT_MODIFIED)

    whole = Decision(Verdict.WHOLE, Span(0, size_bytes))
    # Section 14.2: a range means something for GET only, and an empty file may be given whole.
    if method != "GET" or conditions.range is None or size_bytes == 0:
        return whole
    if conditions.if_range is not None and not _is_same_version(
        conditions.if_range, current, now_seconds
    ):
        return whole
    spans = parse_range(conditions.range, size_bytes)
    if spans is None:
        return whole
    if not spans:
        return Decision(Verdict.UNSATISFIABLE)
    # Several ranges that touch are one range; several apart are answered with the whole file, never
    # with multipart (section 14.2: a server may ignore the field; section 15.3.7.2: it may
    # coalesce).
    return Decision(Verdict.PART, spans[0]) if len(spans) == 1 else whole


def parse_range(field: str, size_bytes: int) -> list[Span] | None:
    """The satisfiable spans a `Range` field asks for, in order and coalesced; None where the field
    is to be ignored.

    Ignored are unknown units and malformed or backward ranges (RFC 9110 section 14.2); an empty
    list means 416.
    """
    if not RANGES.fullmatch(field):
        return None
    spans = []
    for first, last in RANGE_SPEC_ALONE.findall(field):
        if not first:
            span = Span(max(0, size_bytes - _number(last)), size_bytes)
        elif last and _magnitude(last) < _magnitude(first):
            return None
        else:
            span = Span(_number(first), min(size_bytes, _number(last) + 1) if last else size_bytes)
        if span.start < span.stop:
            spans.append(span)
    return _coalesced(spans)


def parse_date(field: str, now_seconds: float) -> int | None:
    """Unix seconds of an HTTP-date in any of its three forms (RFC 9110 section 5.6.7), None where
    it is none.
    """
    match = next(filter(None, (form.fullmatch(field) for form in DATE_FORMS)), None)
    if match is None:
        return None
    year = int(match["year"])
    if len(match["year"]) == 2:
        # A year that seems more than 50 years ahead is the last one past with these digits.
        this_year = datetime.fromtimestamp(now_seconds, UTC).year
        year += this_year - this_year % 100
        if year > this_year + 50:
            year -= 100
    second = int(match["second"])
    try:
        moment = datetime(
            year,
            MONTHS.index(match["month"]) + 1,
            int(match["day"]),
            int(match["hour"]),
            int(match["minute"]),
            min(second, 59),
            tzinfo=UTC,
        )
    except ValueError:
        return None
    if second > 60:  # 60 is a leap second
        return None
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(seconds=1) + (second == 60)


def _matches(field: str, etag: str, *, weak: bool) -> bool:
    """True if a list of entity tags, or `*`, names our strong `etag` (RFC 9110 section 8.8.3.2)."""
    if field == "*":
        return True
    if not ENTITY_TAGS.fullmatch(field):
        return False
    tags = ENTITY_TAG_ALONE.findall(field)
    return etag in tags or (weak and f"W/{etag}" in tags)


def _is_same_version(if_range: str, current: Validators, now_seconds: float) -> bool:
    """True if `If-Range` names the file as it is now, by strong comparison (RFC 9110 section
    13.1.5).
    """
    if if_range == current.etag:
        return True
    settled = current.modified_seconds + SETTLED_SECONDS <= now_seconds
    return settled and parse_date(if_range, now_seconds) == current.modified_seconds


def _magnitude(digits: str) -> tuple[int, str]:
    """Orders numbers of any length; `int` refuses more than some thousand digits."""
    significant = digits.lstrip("0")
    return len(significant), significant


def _number(digits: str) -> int:
    """The number, or 2^64 where it is longer than any position in a file can be."""
    length, significant = _magnitude(digits)
    return 2**64 if length > 19 else int(significant or "0")


def _coalesced(spans: list[Span]) -> list[Span]:
    merged: list[Span] = []
    for span in sorted(spans, key=lambda span: span.start):
        if merged and span.start <= merged[-1].stop:
            merged[-1] = Span(merged[-1].start, max(merged[-1].stop, span.stop))
        else:
            merged.append(span)
    return merged


async def file_response(
    request: Request,
    opened: OpenFile,
    media_type: str,
    download_name: str | None = None,
    *,
    streams: Streams,
    title: str = "",
    client: str | None = None,
) -> Response:
    """The complete answer to a GET or HEAD of `opened`, which it takes over and closes whatever
    happens.

    `download_name` asks for a download under that name. `title` and `client` (default: the peer's
    address) are what `streams.running()` shows while the bytes flow.
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
