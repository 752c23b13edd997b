"""Suggestions below the search field while one types: films, tags and folders."""

from typing import NamedTuple

from quart import Response

from lvs.models import display_path
from lvs.text import folded, searchable
from lvs.viewer import viewer
from lvs.web.filters import parse_query
from lvs.web.request_args import arguments, text
from lvs.web.responses import partial, services
from lvs.web.urls import quoted

VIDEOS, TAGS, FOLDERS = 5, 3, 2
SHORTEST = 2


class FolderSuggestion(NamedTuple):
    """A folder at the top of the library: its name and the address of its page."""

    name: str
    url: str


async def show() -> Response:
    """The part of a page that lists what the words in the field lead to; empty for short ones."""
    words = text(arguments(), "q").strip()
    if len(words) < SHORTEST:
        return partial("search_suggestions.html", words="", cards=(), tags=(), folders=())
    query = parse_query({"q": [words]})
    found = await services().gallery.browse(query, limit=VIDEOS)
    return partial(
        "search_suggestions.html",
        words=words,
        cards=found.cards,
        tags=[tag.name for tag in (await services().gallery.tags_like(words))[:TAGS]],
        folders=await _folders(words),
    )


async def _folders(words: str) -> list[FolderSuggestion]:
    wanted, found = folded(words), []
    roots = services().library.active_roots if viewer().limits is None else []
    for root in roots:
        start = root.name.encode("utf-8", "surrogateescape") if len(roots) > 1 else b""
        for each in await services().gallery.subfolders(root.id, b""):
            if each.name and wanted in searchable(display_path(each.name)):
                path = b"/".join(filter(None, (start, each.name)))
                found.append(FolderSuggestion(display_path(each.name), f"/folder/{quoted(path)}"))
    return found[:FOLDERS]
