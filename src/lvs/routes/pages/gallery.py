"""The gallery and its presets: search, popular, favorites, tags, random."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

from quart import Response, redirect, request

from lvs.errors import NotFound
from lvs.models import Cursor, Page, Query, Sort, State, shown, tag_key
from lvs.services.gallery.gallery import GalleryPage, TopFolder, by_use
from lvs.web.filters import parse_query
from lvs.web.request_args import Arguments, arguments, cursor, number, text
from lvs.web.responses import (
    addresses,
    back,
    local_address,
    page_or_partial,
    partial,
    services,
    wants_partial,
)
from lvs.web.urls import gallery_url

SORT_LABELS = {
    Sort.ADDED: "Date added",
    Sort.TITLE: "Title",
    Sort.RATING: "Rating",
    Sort.VIEWS: "Views",
    Sort.DURATION: "Duration",
    Sort.SIZE: "Size",
    Sort.VIEWED: "Last viewed",
    Sort.FAVORITED: "Date favorited",
    Sort.RANDOM: "Random",
}
SUGGESTIONS = 10


@dataclass(frozen=True, slots=True)
class Chip:
    """A filter that can be taken off, and the address without it."""

    label: str
    url: str


async def show() -> Response:
    args = arguments()
    query = parse_query(args)
    return await _gallery(query, args, "Search" if query.q else "All videos", "home")


async def popular() -> Response:
    args = arguments()
    query = replace(parse_query(args), sort=Sort.VIEWS, descending=True, viewed=True)
    return await _gallery(query, args, "Popular", "popular")


async def favorites() -> Response:
    args = arguments()
    query = replace(parse_query(args), favorite=True)
    if not text(args, "sort"):
        query = replace(query, sort=Sort.FAVORITED, descending=True)
    return await _gallery(query, args, "Favorites", "favorites")


async def tag(name: str) -> Response:
    known = await services().gallery.spelling(name)
    if known is None:
        raise NotFound(f"No video carries the tag #{name[:64]}.")
    args = arguments()
    return await _gallery(replace(parse_query(args), tags=(known,)), args, f"#{known}", "tags")


async def random() -> Response:
    card = await services().gallery.random()
    response = cast("Response", redirect(addresses().watch(card), 302))
    response.headers["Cache-Control"] = "no-store"
    return response


async def tags() -> Response:
    args = arguments()
    wanted, order = text(args, "filter").strip(), text(args, "order")
    found = [tag for tag in await services().gallery.tags() if tag_key(wanted) in tag_key(tag.name)]
    if order != "name":
        order = "count"
        found.sort(key=lambda tag: -tag.count)
    return page_or_partial(
        "tags.html", "tag_list.html", tags=found, order=order, filter=wanted, current="tags"
    )


async def suggest() -> Response:
    wanted = tag_key(text(arguments(), "tag"))
    known = await services().gallery.tags()
    starts = [tag for tag in known if wanted and tag_key(tag.name).startswith(wanted)]
    holds = [tag for tag in known if wanted and wanted in tag_key(tag.name) and tag not in starts]
    found = sorted(starts, key=by_use) + sorted(holds, key=by_use)
    return partial("tag_suggestions.html", names=[tag.name for tag in found[:SUGGESTIONS]])


async def status() -> Response:
    """The line above an open gallery, and the sign that something changed since `version`."""
    seen = number(arguments(), "version", 2**53)
    looking = services().jobs.remaining
    progress = services().library.progress(looking)
    changed = progress.version != seen
    if not changed and wants_partial() and not progress.scanning:
        return Response(status=204)
    trigger = "library:changed" if changed and seen else ""
    return partial(
        "library_status.html",
        trigger=trigger,
        progress=progress,
        status_url=_status_url(progress.version),
    )


async def settings() -> Response:
    """Remember theme and size of controls in this browser."""
    form = await request.form
    response = back("/")
    if target := local_address(form.get("back", "")):
        response.headers["Location"] = target
    for name, allowed in (("theme", ("auto", "dark", "light")), ("size", ("normal", "large"))):
        if form.get(name) in allowed:
            response.set_cookie(name, form[name], max_age=365 * 24 * 3600, samesite="Lax", path="/")
    return response


async def _gallery(query: Query, args: Arguments, heading: str, current: str) -> Response:
    if query.sort is Sort.RANDOM and not query.seed:
        query = replace(query, seed=secrets.randbelow(2**31 - 1) + 1)
    after, until = cursor(args, "after"), cursor(args, "until")
    if wants_partial() and after:  # the first run brings the sentence above it along
        return partial(
            "video_grid.html",
            **_run(query, await services().gallery.browse(query, after=after, until=until), until),
        )
    found = await services().gallery.find(query, after, until)
    return page_or_partial(
        "gallery.html",
        "video_grid.html",
        **_run(query, found.page, until),
        **await _around(query, heading, current, found),
    )


def _run(query: Query, found: Page, until: Cursor | None) -> dict[str, Any]:
    """The cards, and where the next ones are."""
    services().jobs.visible(card.id for card in found.cards if card.state is State.NEW)
    return {
        "page": found,
        "query": query,
        "next_url": gallery_url(query, after=found.next) if found.next else None,
        "refresh_url": gallery_url(query, after=found.start, until=until or found.next),
    }


async def _around(query: Query, heading: str, current: str, found: GalleryPage) -> dict[str, Any]:
    """Everything on a gallery page besides the cards."""
    progress = services().library.progress(services().jobs.remaining)
    chips = _chips(query)
    return {
        "total": found.total,
        "heading": heading,
        "message": _message(found.total, chips, query),
        "chips": chips,
        "sorts": [(sort.value, label) for sort, label in SORT_LABELS.items()],
        "facets": found.popular_tags,
        "folders": _folders(found.folders),
        "progress": progress,
        "status_url": _status_url(progress.version),
        "roots": [shown(root.path) for root in services().library.active_roots],
        "formats": sorted(services().config.supported_formats),
        "drop": await _drop(query, chips) if not found.total and query.filtered else [],
        "current": current,
        "search": query.q,
    }


def _status_url(version: int) -> str:
    return f"/library/status?version={version}"


def _message(total: int, chips: list[Chip], query: Query) -> str:
    parts = [f"{total:,} video{'' if total == 1 else 's'}", *(chip.label for chip in chips)]
    return " · ".join([*parts, f"sorted by {SORT_LABELS[query.sort].lower()}"])


def _chips(query: Query) -> list[Chip]:
    """Every filter of the query with the address that is left without it."""
    chips = [Chip(f"“{query.q}”", gallery_url(query, q=""))] if query.q else []
    chips += [
        Chip(f"tagged {tag}", gallery_url(query, tags=tuple(t for t in query.tags if t != tag)))
        for tag in query.tags
    ]
    stars = f"{query.min_rating} star{'' if query.min_rating == 1 else 's'}" + (
        " or more" if query.min_rating < 5 else ""
    )
    for on, label, changes in (
        (query.min_rating, stars, {"min_rating": 0}),
        (query.unrated, "unrated", {"unrated": False}),
        (query.favorite, "favorites", {"favorite": False}),
        (query.viewed, "watched", {"viewed": False}),
        (query.min_minutes, f"at least {query.min_minutes} min", {"min_minutes": 0}),
        (query.max_minutes, f"under {query.max_minutes} min", {"max_minutes": 0}),
        (query.folder, f"in {shown(query.folder)}", {"folder": b""}),
    ):
        if on:
            chips.append(Chip(label, gallery_url(query, **changes)))
    return chips


async def _drop(query: Query, chips: list[Chip]) -> list[Chip]:
    """For a query without a match: which filter to take off, and how many videos that would show."""
    without = [replace(query, q="")] if query.q else []
    without += [replace(query, tags=tuple(t for t in query.tags if t != tag)) for tag in query.tags]
    changes: tuple[dict[str, object], ...] = (
        {"min_rating": 0},
        {"unrated": False},
        {"favorite": False},
        {"viewed": False},
        {"min_minutes": 0},
        {"max_minutes": 0},
        {"folder": b""},
    )
    without += [
        replace(query, **change)  # type: ignore[arg-type]
        for change in changes
        if getattr(query, next(iter(change)))
    ]
    counts = await services().gallery.counts(without)
    return [
        Chip(f"{chip.label} ({count:,})", chip.url)
        for chip, count in zip(chips, counts, strict=True)
        if count
    ]


def _folders(folders: Sequence[TopFolder]) -> list[tuple[str, str, int]]:
    """The folders one can choose among: the value of the filter, what is shown, how many videos."""
    several = len(services().library.active_roots) > 1
    found = []
    for folder in folders:
        name = services().library.roots[folder.root_id].name
        value = (f"{name}/".encode() if several else b"") + folder.path
        found.append((value.decode("utf-8", "surrogateescape"), shown(value), folder.count))
    return [(value, label, count) for value, label, count in found if value == label]
