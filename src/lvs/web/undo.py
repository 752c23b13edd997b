"""The one Undo: what a removal took away, and the form that restores it.

htmx gets it as a toast together with the answer. A plain form is answered with a redirect, and the
page after it shows the same toast: a cookie carries it there, once.
"""

from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import quote, unquote

from quart import Response, request

from lvs.text import plural

COOKIE = "undo"
MAX_COOKIE_LENGTH = 3000
SECONDS = 60


class Undo(NamedTuple):
    """An offer to undo a change: its kind, the video, and the value before."""

    kind: str
    media_hash: str
    value: str

    @property
    def message(self) -> str:
        """The removal in words, such as `4 stars removed`."""
        return _KINDS[self.kind].message(self.value)

    @property
    def url(self) -> str:
        """The address that the form is sent to."""
        return f"/videos/{self.media_hash}/{_KINDS[self.kind].path}"

    @property
    def fields(self) -> dict[str, str]:
        """The fields of the form."""
        kind = _KINDS[self.kind]
        return {kind.field: kind.sends or self.value}

    @property
    def target(self) -> str:
        """The selector of the part that the answer replaces."""
        return f"#{_KINDS[self.kind].part}-{self.media_hash}"


class _UndoKind(NamedTuple):
    path: str
    field: str
    part: str
    message: Callable[[str], str]
    sends: str = ""  # the value before, where it is not always the same


_KINDS = {
    "rating": _UndoKind(
        "rating", "value", "rating", lambda value: f"{plural(int(value), 'star')} removed"
    ),
    "favorite": _UndoKind("favorite", "value", "favorite", lambda _: "Removed from favorites", "1"),
    "tag": _UndoKind("tags", "tag", "tags", lambda value: f"Tag “{value}” removed"),
    "poster": _UndoKind("poster", "place", "poster", lambda _: "Poster changed"),
    "title": _UndoKind("title", "title", "title", lambda _: "Title changed"),
    "first-title": _UndoKind("title", "reset", "title", lambda _: "Title changed", "1"),
}


def remember(response: Response, undo: Undo) -> Response:
    """Have the next page offer the undo."""
    value = "|".join(quote(part, safe="") for part in undo)
    if len(value) <= MAX_COOKIE_LENGTH:
        response.set_cookie(COOKIE, value, max_age=SECONDS, samesite="Lax", httponly=True, path="/")
    return response


def offered() -> Undo | None:
    """The Undo that the previous page left for this one."""
    parts = [unquote(part) for part in request.cookies.get(COOKIE, "").split("|")]
    if len(parts) != len(Undo._fields):
        return None
    undo = Undo(*parts)
    known = undo.kind in _KINDS and undo.media_hash.isalnum()
    stars = undo.kind != "rating" or undo.value in {"1", "2", "3", "4", "5"}
    return undo if known and stars else None
