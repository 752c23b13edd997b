"""Readers for query strings and forms, which refuse what does not fit."""

import re
from collections.abc import Mapping, Sequence
from urllib.parse import parse_qsl

from quart import request

from lvs.errors import Invalid
from lvs.filters import readable, whole_number
from lvs.models import Cursor
from lvs.web.urls import decode_cursor

MAX_ID = 2**53
MAX_TIME = 2**53
MAX_CHOSEN = 1000
MAX_TEXT = 1000
MAX_ARGUMENTS = 200

_NUMBER = re.compile(r"[0-9]{1,16}", re.ASCII)
_HASH = re.compile(r"[0-9a-f]{16}", re.ASCII)
_SECONDS = re.compile(r"[0-9]{1,16}(\.[0-9]{1,16})?", re.ASCII)

Arguments = Mapping[str, Sequence[str]]


# --- Query strings ---


def arguments() -> Arguments:
    """The request's query string, each name with its values.

    Bytes that are not UTF-8 stay as lone surrogates.
    """
    raw: bytes = request.query_string
    found: dict[str, list[str]] = {}
    try:
        pairs = parse_qsl(
            raw.decode("ascii", "replace"),
            keep_blank_values=True,
            errors="surrogateescape",
            max_num_fields=MAX_ARGUMENTS,
        )
    except ValueError:
        raise Invalid("This address has too many parameters.") from None
    for name, value in pairs:
        found.setdefault(name, []).append(value)
    return found


def text(args: Arguments, name: str) -> str:
    """The last value of this name; empty without one."""
    values = args.get(name, ())
    return values[-1] if values else ""


def number(args: Arguments, name: str, largest: int) -> int:
    """A whole number from 0 to `largest`; 0 without one. Raises Invalid."""
    return whole_number(name, text(args, name), largest)


def limit(args: Arguments, default: int, largest: int) -> int:
    """The number of entries in one answer, 1 to `largest`. Raises Invalid."""
    value = text(args, "limit").strip()
    if not value:
        return default
    if not _NUMBER.fullmatch(value) or not 1 <= int(value) <= largest:
        raise Invalid(f"limit is a whole number from 1 to {largest}.")
    return int(value)


def video_hash(args: Arguments, name: str) -> str:
    """The hash of a video; empty where the value is none."""
    value = text(args, name)
    return value if _HASH.fullmatch(value) else ""


def cursor(args: Arguments, name: str) -> Cursor | None:
    """The place in a list that the address names. Raises Invalid where it is broken."""
    value = text(args, name)
    return decode_cursor(value) if value else None


def row_id(value: str) -> int:
    """The id of a row in an address. Raises Invalid where it is no number."""
    return number({"The address": [value]}, "The address", MAX_ID)


# --- Forms ---


async def form_text(name: str) -> str:
    """A field of the form; empty where it was not sent. Raises Invalid."""
    value = (await request.form).get(name, "")
    if len(value) > MAX_TEXT:
        raise Invalid(f"The field {name} is too long.")
    return readable(value, name)


async def form_words(name: str) -> str:
    """A field that is kept as people wrote it. Raises Invalid also for undecodable bytes."""
    value = await form_text(name)
    if "\ufffd" in value:  # a form's bytes become this where they are no UTF-8
        raise Invalid(f"The {name} contains bytes that are not UTF-8 text.")
    return value


async def form_long(name: str, longest: int) -> str:
    """A field of several lines, kept as people wrote it. Raises Invalid."""
    value: str = (await request.form).get(name, "")
    if len(value) > longest:
        raise Invalid(f"The field {name} is too long.")
    if "\ufffd" in readable(value, name):
        raise Invalid(f"The {name} contains bytes that are not UTF-8 text.")
    return value


async def form_number(name: str, largest: int = MAX_ID) -> int:
    """A field that is a whole number; 0 where it was not sent. Raises Invalid."""
    return number({name: [await form_text(name)]}, name, largest)


async def form_seconds(name: str) -> float:
    """A field that is a time in seconds. Raises Invalid."""
    value = (await form_text(name)).strip()
    if not _SECONDS.fullmatch(value):
        raise Invalid(f"{name} is a number of seconds such as 61.5.")
    return float(value)


async def form_ids(name: str = "id") -> list[int]:
    """The ids of every ticked box. Raises Invalid."""
    return chosen_ids((await request.form).getlist(name), name)


def chosen_ids(values: list[str], name: str = "id") -> list[int]:
    """Ids as numbers, each once. Raises Invalid where one is no number, or for too many."""
    if len(values) > MAX_CHOSEN:
        raise Invalid(f"Choose at most {MAX_CHOSEN:,} at once.")
    return list(dict.fromkeys(number({name: [value]}, name, MAX_ID) for value in values))


def digit(value: str, allowed: str, largest: int) -> int:
    """A single digit up to `largest`. Raises Invalid, which names the values that are `allowed`."""
    if len(value) != 1 or value not in "0123456789" or int(value) > largest:
        raise Invalid(f"The value must be {allowed}.")
    return int(value)
