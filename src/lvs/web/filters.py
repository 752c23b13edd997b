"""The gallery's query as it stands in an address."""

from lvs.errors import Invalid
from lvs.models import Query, Sort
from lvs.web.request_args import Arguments, number, readable, text
from lvs.web.urls import starts_descending

MAX_TAGS = 20
MAX_TAG_LENGTH = 200
MAX_NUMBER = 1_000_000_000
SORTS = tuple(sort.value for sort in Sort)


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


def flag(args: Arguments, name: str) -> bool:
    value = text(args, name).strip().lower()
    if value not in ("", "0", "1", "true", "false", "on", "off"):
        raise Invalid(f"{name} is 1 or 0.")
    return value in ("1", "true", "on")


def printable(value: str) -> str:
    """A short form of foreign text that can stand in a sentence."""
    return value.encode("utf-8", "replace").decode()[:40]
