"""Meaning of the values in the original's files: pure functions, each raising ValueError with what
is wrong.
"""

import os
import re
import unicodedata
from datetime import UTC, datetime, timedelta

from lvs.errors import Invalid
from lvs.services.curation.tags import LONGEST_TAG, clean_tag
from lvs.services.legacy.lenient_json import Unparsed

MOST_VIEWS = 2**53 - 1
LONGEST_NAME_BYTES = 4096
LONGEST_LINE = 10_000

_WHOLE = re.compile(r"\+?([0-9]{1,30})(\.0{1,30})?")
_MOMENT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}([T"
    r" ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.,][0-9]{1,9})?)?)?(Z|[+-][0-9]{2}:?[0-9]{2})?"
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAST_SECOND = 253_402_300_799  # the end of the year 9999


def file_name(value: object) -> bytes:
    """A video's path below the original's video folder, as the file system's bytes."""
    text = _text(value, "a file name")
    try:
        name = os.fsencode(text)
    except UnicodeEncodeError:
        raise ValueError("no file can have this name") from None
    while name.startswith(b"./"):
        name = name[2:].lstrip(b"/")
    if not name.strip(b"/") or b"\0" in name:
        raise ValueError("no file can have this name")
    if len(name) > LONGEST_NAME_BYTES:
        raise ValueError("the file name is too long")
    return name


def stars(value: object) -> int | None:
    """One to five stars, None for none."""
    if value is None:
        return None
    number = _whole(value, "a rating")
    if not 1 <= number <= 5:
        raise ValueError(f"a rating is 1 to 5 stars, not {shortened(value)}")
    return number


def views(value: object) -> int | None:
    """The number of plays; None where nothing is said."""
    if value is None:
        return None
    number = _whole(value, "a view count")
    if not 0 <= number <= MOST_VIEWS:
        raise ValueError(f"a video cannot have been played {shortened(value)} times")
    return number


def tag(value: object) -> str:
    """A tag as LVS keeps it, without `#`."""
    try:
        return clean_tag(" ".join(_text(value, "a tag").split()), LONGEST_TAG)
    except Invalid as error:
        raise ValueError(f"{shortened(value)} is not a tag: {error.message}") from None


def moment(value: object) -> int | None:
    """A time in Unix milliseconds: UTC text as SQLite writes it, ISO 8601, or Unix seconds.

    None where nothing is said.
    """
    if value is None or value == "":
        return None
    if isinstance(value, int | float) and not isinstance(value, bool):
        if 0 < value <= _LAST_SECOND:
            return int(value * 1000)
    elif isinstance(value, str) and _MOMENT.fullmatch(value.strip()):
        try:
            found = datetime.fromisoformat(value.strip())
            milliseconds = (
                (found if found.tzinfo else found.replace(tzinfo=UTC)) - _EPOCH
            ) // timedelta(milliseconds=1)
        except (ValueError, OverflowError):
            milliseconds = 0
        if milliseconds > 0:
            return milliseconds
    raise ValueError(f"{shortened(value)} is not a time")


def line(value: object, what: str) -> str:
    """A name or a description."""
    text = unicodedata.normalize("NFC", _text(value, what))
    if len(text) > LONGEST_LINE:
        raise ValueError(f"{what} is too long")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError(f"{what} is not text") from None
    return text


def shortened(value: object) -> str:
    """The value as it stands in the file, short."""
    if isinstance(value, Unparsed):
        return value.value
    text = (
        str(value).lower()
        if isinstance(value, bool)
        else ascii_bytes(value)
        if isinstance(value, bytes)
        else str(value)
    )
    text = f"“{text}”" if isinstance(value, str) else text
    return text if len(text) <= 60 else f"{text[:57]}…"


def ascii_bytes(value: bytes) -> str:
    """Bytes that are no text, as they can be shown."""
    return value[:100].decode("ascii", "backslashreplace")


def _whole(value: object, what: str) -> int:
    if isinstance(value, Unparsed):
        raise ValueError(f"{what} is missing: {value.value}")
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, float) and value.is_integer():
        return int(value)
    match = _WHOLE.fullmatch(value.strip()) if isinstance(value, str) else None
    if not match:
        raise ValueError(f"{what} is a whole number, not {shortened(value)}")
    return int(match[1])


def _text(value: object, what: str) -> str:
    if isinstance(value, Unparsed):
        raise ValueError(f"{what} is missing: {value.value}")
    if not isinstance(value, str):
        raise ValueError(f"{what} is text, not {shortened(value)}")
    return value
