"""Places in the operator's lists: how `limit` and `after` are read, and `next` is written."""

from collections.abc import Sequence
from typing import TypeVar

from lvs.errors import Invalid
from lvs.models import Cursor
from lvs.web import request_args
from lvs.web.request_args import Arguments, cursor
from lvs.web.urls import encode_cursor

DEFAULT, LARGEST = 100, 500

T = TypeVar("T")


def limit(args: Arguments) -> int:
    """The number of entries wanted. Raises Invalid."""
    return request_args.limit(args, DEFAULT, LARGEST)


def place(args: Arguments) -> tuple[int, int] | None:
    """The two numbers in `after`; None without one. Raises Invalid."""
    found = cursor(args, "after")
    if found is None:
        return None
    if not isinstance(found.key, int) or found.key < 0 or found.video_id < 0:
        raise Invalid("This link is broken. Go back to the first page.")
    return found.key, found.video_id


def row_place(args: Arguments) -> int:
    """The id in `after`; 0 without one. Raises Invalid."""
    found = place(args)
    return found[1] if found else 0


def following(key: int | str, row_id: int) -> str:
    """`next` for a place."""
    return encode_cursor(Cursor(key, row_id))


def following_row(row_id: int | None) -> str | None:
    """`next` for the id of a row; None at the end."""
    return following(0, row_id) if row_id else None


def cut(entries: Sequence[T], args: Arguments) -> tuple[Sequence[T], str | None]:
    """A run of a short list that is whole in memory, and `next`."""
    start, size = row_place(args), limit(args)
    return entries[start : start + size], following_row(
        start + size if len(entries) > start + size else None
    )
