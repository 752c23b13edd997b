"""The addresses LVS answers under, built in one place.

A path in an address is the file system's bytes, percent-encoded (RFC 3986 section 2.1), so names
that are not UTF-8 survive.
"""

import base64
import binascii
import json
import re
import string
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Protocol
from urllib.parse import quote, quote_from_bytes

from lvs.errors import Invalid
from lvs.models import Cursor, Query, Root, State

PATH_SAFE = "/!$'()*+,:@-._~"
PLAIN_BYTES = (string.ascii_letters + string.digits + PATH_SAFE).encode()
NOT_PLAIN = re.compile(b"[^" + re.escape(PLAIN_BYTES) + b"]+")
MAX_CURSOR = 2048


class HasPlace(Protocol):
    """Anything that lies somewhere in a library folder."""

    @property
    def root_id(self) -> int: ...
    @property
    def path(self) -> bytes: ...


class Pictured(Protocol):
    """Anything that has a poster, or may come to have one."""

    @property
    def media_hash(self) -> str: ...
    @property
    def poster(self) -> str | None: ...
    @property
    def state(self) -> State: ...


class Urls:
    """Builds addresses; with several library folders the first path segment is the folder's name."""

    def __init__(self, roots: Callable[[], Mapping[int, Root]]) -> None:
        self._roots = roots

    def beginnings(self) -> tuple[tuple[int, str], ...]:
        """What decides how addresses begin: while it stays the same, so does the address of a
        place.
        """
        return tuple((root.id, root.name) for root in self._roots().values() if root.active)

    def path(self, place: HasPlace) -> str:
        """Address path of a place, percent-encoded, without a leading slash."""
        roots = self._roots()
        encoded = quoted(place.path)
        if sum(root.active for root in roots.values()) < 2:
            return encoded
        return f"{quote(roots[place.root_id].name, safe=PATH_SAFE, errors='surrogateescape')}/{encoded}"

    def watch(self, place: HasPlace, query: Query | None = None) -> str:
        """The watch page; `query` is the list one comes from, so that next and previous follow it."""
        return f"/watch/{self.path(place)}" + (query_string(query) if query else "")

    def video(self, place: HasPlace) -> str:
        return f"/video/{self.path(place)}"

    def poster(self, video: Pictured, width: int = 320, kind: str = "webp") -> str:
        """Versioned address of a poster: what it answers never changes, so it may be cached for
        ever.
        """
        return f"/thumbnail/{video.media_hash}.{kind}?v={video.poster or video.state}&w={width}"

    def folder(self, place: HasPlace) -> str:
        """The folder a place lies in, as the `folder` filter spells it (percent-encoded); empty at
        the top.
        """
        return self.path(place).rpartition("/")[0]


def quoted(path: bytes) -> str:
    """The path, percent-encoded: what `quote_from_bytes` answers, in half its time or less."""
    if path.translate(None, PLAIN_BYTES):
        path = NOT_PLAIN.sub(lambda found: b"%" + found[0].hex("%").upper().encode(), path)
    return path.decode()


def gallery_url(
    query: Query, after: Cursor | None = None, until: Cursor | None = None, **changes: Any
) -> str:
    """Address of the gallery that shows `query` with `changes`, e.g.

    `gallery_url(query, favorite=True)`.
    """
    return "/" + query_string(replace(query, **changes), after, until)


def query_string(query: Query, after: Cursor | None = None, until: Cursor | None = None) -> str:
    """`?…` with what differs from the plain gallery, or nothing."""
    default = Query()
    parts: list[tuple[str, str]] = [("q", query.q)] if query.q else []
    parts += [("tag", tag) for tag in query.tags]
    numbers = {
        "min_rating": query.min_rating,
        "min_minutes": query.min_minutes,
        "max_minutes": query.max_minutes,
    }
    parts += [(name, str(number)) for name, number in numbers.items() if number]
    flags = {"favorite": query.favorite, "unrated": query.unrated, "viewed": query.viewed}
    parts += [(name, "1") for name, on in flags.items() if on]
    pairs = [f"{name}={quote(text, safe='')}" for name, text in parts]
    if query.folder:
        pairs.append(f"folder={quote_from_bytes(query.folder, safe='/')}")
    if query.sort != default.sort:
        pairs.append(f"sort={query.sort.value}")
    if query.descending != starts_descending(query.sort.value):
        pairs.append("order=" + ("desc" if query.descending else "asc"))
    if query.seed:
        pairs.append(f"seed={query.seed}")
    if after:
        pairs.append(f"after={encode_cursor(after)}")
    if until:
        pairs.append(f"until={encode_cursor(until)}")
    return "?" + "&".join(pairs) if pairs else ""


def starts_descending(sort: str) -> bool:
    """Titles and random begin at the front; everything else shows the most first."""
    return sort not in ("title", "random")


def encode_cursor(cursor: Cursor) -> str:
    """Opaque text for a cursor, safe in an address."""
    packed = json.dumps([cursor.key, cursor.video_id], separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(packed).rstrip(b"=").decode()


def decode_cursor(text: str) -> Cursor:
    """The cursor again. Raises Invalid where the text is none of ours."""
    problem = Invalid("This page address is damaged. Start again from the first page.")
    if len(text) > MAX_CURSOR or not text.isascii():
        raise problem
    try:
        value = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (ValueError, binascii.Error, RecursionError):
        raise problem from None
    match value:
        case [int() | float() | str() as key, int() as video_id] if (
            not isinstance(key, bool) and abs(video_id) < 2**63
        ):
            if isinstance(key, str) or abs(key) < 2**63:  # also refuses NaN and infinity
                return Cursor(key, video_id)
    raise problem
