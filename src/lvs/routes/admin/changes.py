"""The journal: a list of changes, and their undo."""

from collections.abc import Sequence
from typing import Any, cast
from urllib.parse import urlencode

from quart import Response, redirect, request

from lvs.clock import now_ms
from lvs.errors import Conflict, Invalid
from lvs.filters import readable
from lvs.routes.pages.saved_views import in_words as views_in_words
from lvs.routes.pages.tags import in_words as tags_in_words
from lvs.services.curation.saved_views import ViewJournalLine
from lvs.services.curation.tag_management import TagJournalLine
from lvs.services.curation.undo import KINDS, PAGE_SIZE, ChangeFilter, JournalEntry
from lvs.services.household import personal_values
from lvs.services.media.projection import in_words
from lvs.services.media.projection_json import chosen_of
from lvs.web.request_args import (
    MAX_ID,
    MAX_TIME,
    arguments,
    form_number,
    form_text,
    number,
    row_id,
    text,
)
from lvs.web.responses import client, page, partial, redirect_back, services, wants_partial

LABELS = {
    "rating": "Stars",
    "favorite": "Favorites",
    "tag": "Tags",
    "title": "Titles",
    "view": "Views",
    "projection": "Projections",
    "poster": "Posters",
    "hidden": "Hidden",
    "notes": "Notes",
    "markers": "Markers",
    "different": "Not the same",
    "later": "Later",
    "watched": "Watched",
    "playlist": "Playlists",
    "bulk": "Many at once",
    "forgotten": "Forgotten",
    "handover": "Handed over",
    "added": "Dates added",
}
WITHIN = ((15, "15 minutes"), (60, "hour"), (24 * 60, "day"), (7 * 24 * 60, "week"))
QUICK_S = 1.0
EVERYTHING = "all"  # as a kind: views, too
TAGS = "tags"
VIEWS = "views"  # saved ones; "view" is a playback


def projection(text: str | None) -> str:
    """A choice of the journal in words: `180, side by side`, or `as found`."""
    chosen = chosen_of(text)
    return in_words(chosen) if chosen else "as found"


def is_set(text: str | None) -> bool:
    """True where a change of what is personal set it: marked as watched, added to Later."""
    return personal_values.is_set(text)


FILTERS = {"projection": projection, "is_set": is_set}


async def changes() -> Response:
    """List the latest changes, filtered by client, kind or video."""
    args = arguments()
    who, what, media_hash = (
        readable(text(args, "client"), "client"),
        text(args, "what"),
        readable(text(args, "video"), "video"),
    )
    if what and what not in (*KINDS, TAGS, VIEWS, EVERYTHING):
        raise Invalid(f"The kind of a change is one of {', '.join((*KINDS, TAGS, VIEWS))}.")
    video = await services().videos.get(media_hash) if media_hash else None
    chosen = ChangeFilter(
        client=who or None,
        what="" if what == EVERYTHING else what,
        video_id=video.id if video else None,
        views=what in ("view", EVERYTHING),
    )
    before = number(args, "before", MAX_ID) or None
    entries: Sequence[Line]
    if what in (TAGS, VIEWS):
        entries, following = await _of_one_journal(what, who or None, before)
    else:
        entries, following = await services().journal.page(chosen, before)
        if not chosen.what and video is None:
            entries = await _with_others(entries, following, who or None, before)
    filters = {"client": who, "what": what, "video": video.media_hash if video else ""}
    now = now_ms()
    return page(
        "admin_changes.html",
        entries=_folded(entries),
        clients=await services().journal.clients(),
        client=who,
        what=what,
        kinds=[
            (EVERYTHING, "All kinds and views"),
            *((kind, LABELS[kind]) for kind in KINDS),
            (TAGS, "Tags themselves"),
            (VIEWS, "Saved views"),
        ],
        tags_in_words=tags_in_words,
        views_in_words=views_in_words,
        video=video,
        ranges=[(_undo_url(who, now - minutes * 60_000), label) for minutes, label in WITHIN]
        if who
        else [],
        undo_url=_undo_url,
        without=lambda name: _url(filters | {name: ""}),
        next_url=_url(filters | {"before": str(following)}) if following else None,
        task=services().background_tasks.latest("undo"),
        current="admin",
    )


OtherLine = TagJournalLine | ViewJournalLine
Line = JournalEntry | OtherLine


def _folded(entries: Sequence[Line]) -> list[tuple[Line, Line]]:
    """The newest and the oldest line of each run of views of one video by one client; every other
    line is a run of its own.
    """
    runs: list[tuple[Line, Line]] = []
    for entry in entries:
        if runs and _goes_on(runs[-1][1], entry):
            runs[-1] = (runs[-1][0], entry)
        else:
            runs.append((entry, entry))
    return runs


def _goes_on(later: Line, entry: Line) -> bool:
    if isinstance(later, OtherLine) or isinstance(entry, OtherLine):
        return False
    one, other = later.change, entry.change
    return (
        one.what == other.what == "view"
        and (one.video_id, one.client, one.undoes) == (other.video_id, other.client, other.undoes)
        and later.status == entry.status
    )


async def _of_one_journal(
    what: str, who: str | None, before_id: int | None
) -> tuple[Sequence[OtherLine], int | None]:
    """Changes of tags themselves or of saved views, latest first, and the id to go on with."""
    journal = services().tag_management if what == TAGS else services().saved_views
    found: Sequence[OtherLine] = await journal.latest(PAGE_SIZE + 1, before_id, who)
    return found[:PAGE_SIZE], found[PAGE_SIZE - 1].id if len(found) > PAGE_SIZE else None


async def _with_others(
    entries: Sequence[JournalEntry], following: int | None, who: str | None, before_id: int | None
) -> list[Line]:
    """A page of the journal with the changes of tags and views that were made in its time."""
    ours = services()
    since = entries[-1].change.at - 1 if following and entries else None
    last_before = await ours.journal.moment(before_id) if before_id else None
    until = None if last_before is None else last_before - 1  # what the page before left out
    all_lines: list[Line] = [
        *await ours.tag_management.between(who, since, until, PAGE_SIZE),
        *await ours.saved_views.between(who, since, until, PAGE_SIZE),
        *entries,
    ]
    return sorted(all_lines, key=_moment_of, reverse=True)


def _moment_of(entry: Line) -> int:
    return entry.at if isinstance(entry, OtherLine) else entry.change.at


async def undo(change_id: str) -> Response:
    """Undo one change, of a video, of a tag itself or of a saved view."""
    if services().saved_views.made(row_id(change_id)):
        await services().saved_views.undo(row_id(change_id), client())
        return redirect_back("/admin/changes")
    if services().tag_management.made(row_id(change_id)):
        await services().tag_management.undo(row_id(change_id), client())
        return redirect_back("/admin/changes")
    undone = await services().journal.undo(row_id(change_id), client())
    if wants_partial():
        values: dict[str, Any] = {
            "entry": undone.entry,
            "reason": undone.reason,
            "undo_url": _undo_url,
        }
        return partial(
            "admin_change.html", trigger="" if undone.reason else "library:changed", **values
        )
    if undone.reason:
        raise Conflict(undone.reason)
    return redirect_back("/admin/changes")


async def preview_undo() -> Response:
    """Preview the undo of all changes by a client since a time."""
    args = arguments()
    who, since = readable(text(args, "client"), "client"), number(args, "since", MAX_TIME)
    if "client" not in args:
        raise Invalid("Name the client whose changes to undo.")
    until = now_ms()
    whole = await services().undo_all.preview(who, since, until)
    preview = whole.of_videos
    kinds = [(LABELS[kind], preview.kinds[kind]) for kind in KINDS if preview.kinds[kind]]
    others = (("Tags themselves", whole.tags), ("Saved views", whole.views))
    kinds += [(label, number) for label, number in others if number]
    values: dict[str, Any] = {
        "client": who,
        "since": since,
        "until": until,
        "total": whole.changes,
        "preview": preview,
        "kinds": kinds,
        "undo_url": _undo_url,
    }
    return page("admin_undo.html", **values, current="admin")


async def undo_all() -> Response:
    """Undo the changes that the preview showed."""
    who, since, until, up_to_id = (
        await form_text("client"),
        await form_number("since", MAX_TIME),
        await form_number("until", MAX_TIME),
        await form_number("up_to"),
    )
    if "client" not in await request.form or not (up_to_id or until):
        raise Invalid("Name the client whose changes to undo, and the last change.")
    services().maintenance.undo_all(who, since, until, up_to_id, client())
    await services().background_tasks.wait_briefly("undo", QUICK_S)
    return cast("Response", redirect(_url({"client": who}), 303))


def _url(filters: dict[str, str]) -> str:
    used = {name: value for name, value in filters.items() if value}
    return "/admin/changes" + (f"?{urlencode(used)}" if used else "")


def _undo_url(who: str, since: int) -> str:
    return "/admin/changes/undo?" + urlencode({"client": who, "since": max(0, since)})
