"""Preconditions (RFC 9110, section 13) and ranges (section 14) as pure functions."""

import enum
import re
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from os import stat_result

from msgspec import Struct
from werkzeug.datastructures import Headers

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


class Validators(Struct, frozen=True):
    """Validators of a file's version: a strong entity tag and the time of change in
    whole Unix seconds.
    """

    etag: str
    modified_seconds: int


class Conditions(Struct, frozen=True):
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


class Span(Struct, frozen=True):
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


class Decision(Struct, frozen=True):
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
    """A key that orders numbers of any length; `int` refuses more than some thousand digits."""
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
