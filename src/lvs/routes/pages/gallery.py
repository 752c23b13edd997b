"""The gallery and its presets: search, popular, favorites, tags, random."""

import secrets
from collections.abc import Awaitable, Callable, Sequence
from functools import partial as partial_function
from itertools import islice
from typing import Any, NamedTuple, cast

from msgspec.structs import replace
from quart import Response, redirect, request

from lvs.clock import local_date
from lvs.errors import NotFound
from lvs.models import Card, Cursor, Page, Query, Sort, State, display_path, tag_key
from lvs.routes.pages.start_page import start_page
from lvs.routes.pages.up_next import following
from lvs.services.gallery.dates import date_of, months_of, start_of_year
from lvs.services.gallery.facets import facets_of
from lvs.services.gallery.gallery import GalleryPage, TopFolder
from lvs.text import plural
from lvs.viewer import viewer
from lvs.web.filters import Chip, chips, in_search_words, parse_query
from lvs.web.request_args import Arguments, arguments, cursor, number, text
from lvs.web.responses import (
    SIZES,
    THEMES,
    addresses,
    local_address,
    page,
    page_or_partial,
    partial,
    redirect_back,
    services,
    wants_partial,
)
from lvs.web.urls import gallery_url

TAG_OFFERS = 8
FEWEST_TO_FILTER = 3
SHORT_S = 600
PANEL_HEADER = "LVS-Panel"


class YearLink(NamedTuple):
    """A year of the rail, and the address where it begins."""

    year: int
    videos: int
    url: str
    current: bool


async def show() -> Response:
    args = arguments()
    if start := await _first_page(args):
        return cast("Response", redirect(start, 302))
    query = parse_query(args)
    return await listing(query, args, "All videos", "home")


async def _first_page(args: Arguments) -> str:
    """The page where the person who watches begins; empty for all videos, and for one who comes
    here from another page of LVS.
    """
    if args or wants_partial() or local_address(request.headers.get("Referer", "")):
        return ""
    return await start_page()


async def popular() -> Response:
    args = arguments()
    query = replace(parse_query(args), sort=Sort.VIEWS, descending=True, viewed=True)
    return await listing(query, args, "Popular", "popular")


async def favorites() -> Response:
    args = arguments()
    query = replace(parse_query(args), favorite=True)
    if not text(args, "sort") and not query.q:
        query = replace(query, sort=Sort.FAVORITED, descending=True)
    return await listing(query, args, "Favorites", "favorites")


async def tag(name: str) -> Response:
    known = await services().gallery.spelling(name)
    if known is None:
        raise NotFound(f"No video carries the tag #{name[:64]}.")
    args = arguments()
    return await listing(replace(parse_query(args), tags=(known,)), args, f"#{known}", "tags")


async def filters() -> Response:
    """The filters as a page of their own, for a browser without JavaScript."""
    query = parse_query(arguments())
    found = await services().gallery.find(query)
    panel = await filter_panel(query, found)
    return page("filters.html", query=query, total=found.total, panel=panel, search=query.q)


async def random() -> Response:
    card = await services().gallery.random()
    response = cast("Response", redirect(f"{addresses().watch(card)}?random=1", 302))
    response.headers["Cache-Control"] = "no-store"
    return response


async def status() -> Response:
    """The status line above an open gallery, and a signal when something changed."""
    seen = number(arguments(), "version", 2**53)
    remaining = services().jobs.remaining
    progress = services().library.progress(remaining)
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
    """Save the theme and the size of controls in this browser."""
    form = await request.form
    response = redirect_back("/")
    if target := local_address(form.get("back", "")):
        response.headers["Location"] = target
    for name, allowed in (("theme", THEMES), ("size", SIZES)):
        if form.get(name) in allowed:
            response.set_cookie(name, form[name], max_age=365 * 24 * 3600, samesite="Lax", path="/")
    return response


async def listing(
    query: Query,
    args: Arguments,
    heading: str,
    current: str,
    url: Callable[..., str] = gallery_url,
    around: Callable[[], Awaitable[dict[str, Any]]] | None = None,
    view: dict[str, Any] | None = None,
) -> Response:
    """The page of a list, or the run of cards that htmx asks for; `url` gives the address of the
    list that a query shows, `around` what else its page needs, and `view` what that of a saved view
    does, which has its name as heading.
    """
    if query.sort is Sort.RANDOM and not query.seed:
        query = replace(query, seed=secrets.randbelow(2**31 - 1) + 1)
    after, until = cursor(args, "after"), cursor(args, "until")
    if wants_partial() and after:  # the first run brings the count above it along
        return partial(
            "video_grid.html",
            **_run(
                query, await services().gallery.browse(query, after=after, until=until), until, url
            ),
        )
    found = await services().gallery.find(query, after, until)
    values = _run(query, found.page, until, url)
    values |= await _around(query, heading, current, found, url)
    values |= await around() if around else {}
    values |= view | {"heading": heading} if view else {}
    template = "folder.html" if around else "gallery.html"
    return page_or_partial(template, "video_grid.html", **values)


def _run(
    query: Query, found: Page, until: Cursor | None, url: Callable[..., str]
) -> dict[str, Any]:
    """The cards of a page, and the addresses of the next ones."""
    jobs = services().jobs
    jobs.visible(card.id for card in found.cards if card.state is State.NEW)
    if jobs.queued:  # posters that are made anew
        jobs.prefer(card.id for card in found.cards)
    return {
        "headings": months_of(query, found),
        "page": found,
        "query": query,
        "next_url": url(query, after=found.next) if found.next else None,
        "refresh_url": url(query, after=found.start, until=until or found.next),
    }


def _how_many(query: Query, total: int) -> str:
    """The number of videos, and their order where they are too many to be ranked."""
    ranked = query.sort is not Sort.MATCH or total <= services().gallery.limits.ranked_at_most
    return plural(total, "video") + ("" if ranked else ", the latest first")


async def _around(
    query: Query, heading: str, current: str, found: GalleryPage, url: Callable[..., str]
) -> dict[str, Any]:
    """The parts of a gallery page besides the cards."""
    progress = services().library.progress(services().jobs.remaining)
    used = chips(query, url, () if url is gallery_url else ("folder", "direct"))
    plain = current == "home" and not query.filtered and found.page.start is None
    shows_row = plain and not wants_partial()
    own = {"favorites": "favorite", "popular": "viewed"}.get(current)
    return {
        "started": await services().progress.started() if shows_row else None,
        "following": await following() if shows_row else [],
        "total": found.total,
        "heading": _heading(used, heading, own) if url is gallery_url else heading,
        "message": _how_many(query, found.total),
        "chips": [chip for chip in used if chip.name != own],
        "offers": _offers(query, found, url),
        "panel": await filter_panel(query, found) if panel_is_open() else None,
        "years": _years(query, found, url),
        "progress": progress,
        "status_url": _status_url(progress.version),
        "current": current,
        "search": query.q,
        **(await _instead(query, used, found.total) if not found.page.cards else {}),
    }


async def _instead(query: Query, used: Sequence[Chip], total: int) -> dict[str, Any]:
    """The values that a page without cards shows instead."""
    return {
        "roots": _roots(),
        "links": sum(passed.links for passed in services().library.passed_over.values()),
        "formats": services().config.supported_formats,
        "drop": await _removals(used) if not total and query.filtered else [],
        "meant": await _meant(query) if not total and query.q else [],
    }


def _roots() -> list[str]:
    """The library folders, for one who sees everything."""
    if viewer().limits is not None:
        return []
    return [display_path(root.path) for root in services().library.active_roots]


def _years(query: Query, found: GalleryPage, url: Callable[..., str]) -> list[YearLink]:
    """The years to jump to, in the list's order; none where there is but one."""
    if len(found.years) < 2:
        return []
    first = found.page.cards[0] if found.page.cards else None
    at = local_date(date_of(first, query.sort)).year if first else 0
    return [
        YearLink(year, count, url(query, after=start_of_year(year, query.descending)), year == at)
        for year, count in sorted(found.years, reverse=query.descending)
    ]


def _status_url(version: int) -> str:
    return f"/library/status?version={version}"


def _heading(used: Sequence[Chip], plain: str, own: str | None) -> str:
    """The heading says what is shown: the page's own name, or the first filter and how many more
    there are.
    """
    others = [chip for chip in used if chip.name != own]
    if own or not others:
        return plain
    first = next((chip.heading for chip in others if chip.name == "q"), others[0].heading)
    return f"{first} +{len(others) - 1}" if len(others) > 1 else first


def _offers(query: Query, found: GalleryPage, url: Callable[..., str]) -> list[tuple[str, str]]:
    """Filters that one press adds: label and address. Where all that is shown stands on this page
    only such as leave something, and not everything.
    """
    if found.total < FEWEST_TO_FILTER:
        return []
    offers: list[tuple[str, dict[str, Any], Callable[[Card], bool]]] = [
        ("Unrated", {"unrated": True}, lambda card: not card.rating),
        ("Favorites", {"favorite": True}, lambda card: card.favorite),
        ("4K", {"resolution": "4K"}, lambda card: card.resolution in ("4K", "8K")),
        ("Under 10 min", {"length": "short"}, lambda card: 0 < card.duration_s < SHORT_S),
    ]
    carried = {tag_key(name) for name in query.tags}
    others = (tag for tag in found.popular_tags if tag_key(tag.name) not in carried)
    for tag in islice(others, TAG_OFFERS):
        with_tag = {"tags": (*query.tags, tag.name)}
        offers.append((f"#{tag.name}", with_tag, partial_function(_carries, tag.name)))
    if found.page.next is None and found.page.start is None:
        cards = found.page.cards
        offers = [each for each in offers if 0 < sum(map(each[2], cards)) < len(cards)]
    return [(label, url(query, **added)) for label, added, _ in offers if not _has(query, added)]


def _has(query: Query, filters: dict[str, Any]) -> bool:
    return all(getattr(query, name) == value for name, value in filters.items())


def _carries(tag: str, card: Card) -> bool:
    return tag in card.tags


def panel_is_open() -> bool:
    """True where the browser shows the filters beside the cards, or is about to."""
    return request.cookies.get("filters") == "open" or PANEL_HEADER in request.headers


async def filter_panel(query: Query, found: GalleryPage) -> dict[str, Any]:
    """The filters with what each would leave."""
    ours = services().gallery
    folders = _folders(found.folders)
    named = [(value, label) for value, label, _ in folders]
    chosen = display_path(query.folder)
    if query.folder == _bytes(chosen) and (chosen, chosen) not in named:  # one below the others
        named += [(chosen, chosen)] * bool(chosen)
    wanted = [replace(query, folder=_bytes(value)) for value, _ in named]
    counts = await ours.counts(wanted)
    left = [
        (value, label, count)
        for (value, label), count in zip(named, counts, strict=True)
        if count or _bytes(value) == query.folder
    ]
    return {
        "facets": await facets_of(ours, query, found.popular_tags),
        "folders": left,
        "words": in_search_words(query),
    }


def _bytes(folder: str) -> bytes:
    return folder.encode("utf-8", "surrogateescape")


async def _removals(found: Sequence[Chip]) -> list[tuple[str, str]]:
    """Filters whose removal shows videos, each with their number."""
    counts = await services().gallery.counts([chip.without for chip in found])
    return [
        (f"{chip.label} ({count:,})", chip.url)
        for chip, count in zip(found, counts, strict=True)
        if count
    ]


async def _meant(query: Query) -> list[tuple[str, str]]:
    """Searches that may have been meant, each with its number of videos."""
    return [
        (f"{meant.query.q} ({meant.count:,})", gallery_url(meant.query))
        for meant in await services().spelling.suggest(query)
    ]


def _folders(folders: Sequence[TopFolder]) -> list[tuple[str, str, int]]:
    """The folders of the filter: value, label, number of videos."""
    several = len(services().library.active_roots) > 1
    found = []
    for folder in folders:
        name = services().library.roots[folder.root_id].name
        value = (f"{name}/".encode() if several else b"") + folder.path
        found.append((value.decode("utf-8", "surrogateescape"), display_path(value), folder.count))
    return [(value, label, count) for value, label, count in found if value == label]
