"""The gallery's query as it stands in an address."""

import re
from collections.abc import Mapping, Sequence
from urllib.parse import parse_qsl

from quart import request

from lvs.errors import Invalid
from lvs.models import Cursor, Query, Sort
from lvs.web.urls import decode_cursor, starts_descending

MAX_TAGS = 20
MAX_TAG_LENGTH = 200
MAX_NUMBER = 1_000_000_000
SORTS = tuple(sort.value for sort in Sort)
_NUMBER = re.compile(r"[0-9]{1,16}", re.ASCII)

Arguments = Mapping[str, Sequence[str]]


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
            max_num_fields=200,
        )
    except ValueError:
        raise Invalid("This address has too many parts.") from None
    for name, value in pairs:
        found.setdefault(name, []).append(value)
    return found


def parse_query(args: Arguments) -> Query:
    """Which videos the address asks for.

    Raises Invalid with what cannot be understood; unknown names are passed over.
    """
    sort_name = text(args, "sort") or Sort.ADDED.value
    if sort_name not in SORTS:
        raise Invalid(
            f"Videos cannot be sorted by “{printable(sort_name)}”. Choose one of {', '.join(SORTS)}."
        )
    order = text(args, "order")
    if order not in ("", "asc", "desc"):
        raise Invalid("The order is asc or desc.")
    tags = tuple(dict.fromkeys(readable(tag, "tag") for tag in args.get("tag", ()) if tag.strip()))
    if len(tags) > MAX_TAGS:
        raise Invalid(f"Choose at most {MAX_TAGS} tags.")
    if any(len(tag) > MAX_TAG_LENGTH for tag in tags):
        raise Invalid("There is no tag that long.")
    return Query(
        q=readable(text(args, "q"), "search"),
        tags=tags,
        min_rating=number(args, "min_rating", 5),
        favorite=flag(args, "favorite"),
        unrated=flag(args, "unrated"),
        folder=text(args, "folder").encode("utf-8", "surrogateescape"),
        min_minutes=number(args, "min_minutes", MAX_NUMBER),
        max_minutes=number(args, "max_minutes", MAX_NUMBER),
        viewed=flag(args, "viewed"),
        sort=Sort(sort_name),
        descending=order == "desc" if order else starts_descending(sort_name),
        seed=number(args, "seed", 2**31 - 1),
    )


def cursor(args: Arguments, name: str) -> Cursor | None:
    """The place in the list that the address names. Raises Invalid where it is damaged."""
    value = text(args, name)
    return decode_cursor(value) if value else None


def text(args: Arguments, name: str) -> str:
    values = args.get(name, ())
    return values[-1] if values else ""


def number(args: Arguments, name: str, largest: int) -> int:
    """A whole number from 0 to `largest`; 0 where there is none. Raises Invalid."""
    value = text(args, name).strip()
    if not value:
        return 0
    if not _NUMBER.fullmatch(value) or int(value) > largest:
        raise Invalid(f"{name} is a whole number from 0 to {largest}.")
    return int(value)


def flag(args: Arguments, name: str) -> bool:
    value = text(args, name).strip().lower()
    if value not in ("", "0", "1", "true", "false", "on", "off"):
        raise Invalid(f"{name} is 1 or 0.")
    return value in ("1", "true", "on")


def readable(value: str, what: str) -> str:
    """The value, unless it holds bytes that are no text. Raises Invalid."""
    if any("\ud800" <= character <= "\udfff" for character in value):
        raise Invalid(f"The {what} holds bytes that are not UTF-8 text.")
    return value


def printable(value: str) -> str:
    """A short form of foreign text that can stand in a sentence."""
    return value.encode("utf-8", "replace").decode()[:40]
