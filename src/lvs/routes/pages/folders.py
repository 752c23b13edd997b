"""The library by its folders."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote_from_bytes

from msgspec import Struct
from msgspec.structs import replace
from quart import Response

from lvs.errors import NotFound
from lvs.filters import whole_number
from lvs.models import Query, Root, display_path
from lvs.routes.pages.gallery import filter_panel, listing, panel_is_open
from lvs.services.gallery.gallery import FolderPoster, Subfolder
from lvs.text import plural
from lvs.web.filters import parse_query
from lvs.web.request_args import Arguments, arguments, text
from lvs.web.responses import page, raw_path, services
from lvs.web.templates import address_of_folder
from lvs.web.urls import folder_url, quoted

FOLDERS_PER_PAGE = 60
POSTERS_PER_FOLDER = 4


class FolderCard(Struct, frozen=True):
    """A folder as its card shows it."""

    name: str
    url: str
    videos: int
    duration_s: float
    posters: Sequence[FolderPoster]
    offline: bool


async def top() -> Response:
    """The top of the library: its only library folder, or a card for each."""
    roots = services().library.active_roots
    if len(roots) == 1:
        return await _show(roots[0].id, b"", b"")
    return page(
        "folders.html",
        folders=[await _root_card(root) for root in roots],
        current="folders",
    )


async def show(place: str) -> Response:
    path = raw_path("/folder/").strip(b"/")
    found = services().library.folder_place(path)
    if found is None:
        raise _nothing_at(path)
    return await _show(*found, path)


def _nothing_at(path: bytes) -> NotFound:
    name = display_path(path.rpartition(b"/")[2])[:64]
    return NotFound(f"There is no folder “{name}” with videos in it. See all folders at /folders.")


async def _show(root_id: int, folder: bytes, path: bytes) -> Response:
    """The page of a folder; `path` is the folder as addresses spell it."""
    args = arguments()
    query = _query(args, path)
    found = await services().gallery.subfolders(root_id, folder)
    if not found and path:
        raise _nothing_at(path)

    async def around() -> dict[str, Any]:
        return await _around(root_id, folder, query, found, args)

    names = path.rpartition(b"/")[2]
    heading = display_path(names) if path else "Folders"
    return await listing(query, args, heading, "folders", folder_url, around)


def _query(args: Arguments, path: bytes) -> Query:
    """The list that a folder's page shows. Words are looked for in the folders below, too."""
    query = parse_query({name: args[name] for name in args if name not in ("folder", "direct")})
    below = whole_number("below", text(args, "below"), 1)
    return replace(query, folder=path, direct=not (below or query.q))


async def _around(
    root_id: int, folder: bytes, query: Query, found: Sequence[Subfolder], args: Arguments
) -> dict[str, Any]:
    """The values of a folder's page besides those of a gallery."""
    below = [each for each in found if each.name is not None]
    bare = replace(query, direct=False, folder=b"")
    is_plain = not bare.filtered and not text(args, "after")
    cards, following = await _cards(root_id, folder, query, below, text(args, "folders"))
    videos = sum(each.videos for each in found)
    holds_folders_alone = len(below) == len(found) > 0
    counted = f"{plural(len(below), 'folder')} · {plural(videos, 'video')}"
    values = {
        "trail": _trail(query.folder),
        "subfolders": cards if is_plain else [],
        "more_folders": following if is_plain else "",
        "has_folders": bool(below),
        "below_total": videos,
        "search_action": folder_url(Query(folder=query.folder, direct=True)),
        "list_url": address_of_folder,
    }
    if query.folder:
        values |= {"search_label": "Search in this folder"}
    if is_plain and query.direct and holds_folders_alone:
        values |= {"message": counted} | await _filters_below(query)
    return values


async def _filters_below(query: Query) -> dict[str, Any]:
    """The filters of a folder without films of its own: they are for the films in its folders."""
    if not panel_is_open():
        return {"filters_below": True}
    wide = replace(query, direct=False)
    found = await services().gallery.find(wide)
    panel = await filter_panel(wide, found) | {"total": found.total}
    return {"filters_below": True, "panel": panel}


async def _cards(
    root_id: int, folder: bytes, query: Query, below: Sequence[Subfolder], after: str
) -> tuple[list[FolderCard], str]:
    """The cards of the folders behind the one named `after`, and the address of the next ones."""
    names = [each.name or b"" for each in below]
    wanted = after.encode("utf-8", "surrogateescape")
    start = names.index(wanted) + 1 if wanted in names else 0
    run = below[start : start + FOLDERS_PER_PAGE]
    start_of = folder + b"/" if folder else b""
    places = [start_of + (each.name or b"") for each in run]
    pictures = await services().gallery.folder_posters(root_id, places, POSTERS_PER_FOLDER)
    away = services().library.is_away
    cards = [
        FolderCard(
            display_path(each.name or b""),
            f"/folder/{quoted(b'/'.join(filter(None, (query.folder, each.name))))}",
            each.videos,
            each.duration_s,
            [picture for picture in pictures if picture.number == number],
            away(root_id, places[number] + b"/"),
        )
        for number, each in enumerate(run)
    ]
    if start + FOLDERS_PER_PAGE >= len(below):
        return cards, ""
    address = folder_url(query)
    last = quote_from_bytes(run[-1].name or b"", safe="")
    return cards, f"{address}{'&' if '?' in address else '?'}folders={last}"


async def _root_card(root: Root) -> FolderCard:
    """The card of a library folder."""
    found = await services().gallery.subfolders(root.id, b"")
    pictures = await services().gallery.folder_posters(root.id, [b""], POSTERS_PER_FOLDER)
    name = root.name.encode("utf-8", "surrogateescape")
    return FolderCard(
        display_path(name),
        f"/folder/{quoted(name)}",
        sum(each.videos for each in found),
        sum(each.duration_s for each in found),
        pictures,
        root.offline_since is not None,
    )


def _trail(path: bytes) -> list[tuple[str, str]]:
    """The folders that lead to this one, with their addresses."""
    parts = path.split(b"/") if path else []
    steps = [b"/".join(parts[:depth]) for depth in range(1, len(parts))]
    return [("Folders", "/folders")] * bool(path) + [
        (display_path(step.rpartition(b"/")[2]), f"/folder/{quoted(step)}") for step in steps
    ]
