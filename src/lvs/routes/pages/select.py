"""Many videos at once: the gallery's cards as choices, and the form that changes what is chosen."""

from collections.abc import Sequence
from typing import Any, cast
from urllib.parse import urlencode

from msgspec import Struct
from quart import Response, redirect, request

from lvs.errors import Conflict, Invalid
from lvs.models import Query
from lvs.routes.media.export import stream
from lvs.services.background_tasks import BackgroundTask
from lvs.services.curation.bulk import (
    PLACEHOLDERS,
    BulkEdit,
    BulkResult,
    checked,
    in_batches,
)
from lvs.services.gallery.gallery import sorted_by_use
from lvs.text import in_list, plural, split_at_commas
from lvs.viewer import viewer
from lvs.web.filters import chips, parse_query
from lvs.web.request_args import (
    MAX_ID,
    arguments,
    cursor,
    digit,
    form_number,
    form_words,
    number,
    row_id,
    text,
    video_hash,
)
from lvs.web.responses import (
    client,
    local_address,
    page,
    partial,
    services,
    wants_partial,
)
from lvs.web.urls import query_string

PAGE_SIZE = 120
MAX_NAMED = 3000
QUICK_S = 4.0
SLOTS = tuple(f"bulk-{number}" for number in range(1, 5))
"""The names of changes that take longer than that; more of them at once are refused."""
SUGGESTED_TAGS = 12
RUNNING = "Four changes to many videos run already. Wait until one has ended."


async def show() -> Response:
    """The videos of a query as choices; `chosen` is ticked at once."""
    args = arguments()
    query, after = parse_query(args), cursor(args, "after")
    if wants_partial() and text(args, "count") == "1":
        return partial("choice_count.html", counted_anew=True, **await _counted(query))
    found = await services().gallery.browse(query, PAGE_SIZE, after)
    address = query_string(query)
    values: dict[str, Any] = {
        "page": found,
        "query": query,
        "chosen": video_hash(args, "chosen"),
        "next_url": f"/select{query_string(query, after=found.next)}" if found.next else None,
        "refresh_url": f"/select{query_string(query, after=found.start, until=found.next)}",
    }
    if wants_partial():
        return partial("choices.html", **values)
    described = " · ".join(chip.label for chip in chips(query))
    tags = sorted(await services().gallery.tags(), key=sorted_by_use)
    return page(
        "select.html",
        **values,
        address=address,
        **await _counted(query),
        described=described,
        tags=[in_list(tag.name) for tag in tags[:SUGGESTED_TAGS]],
        playlists=await services().playlists.every(),
        placeholders=PLACEHOLDERS,
        said=_said(args),
        task=services().background_tasks.latest(text(args, "task")),
        current="home",
    )


async def _counted(query: Query) -> dict[str, Any]:
    """A selection counted: its number of videos, and the largest id that there is now."""
    seen_id = await services().gallery.last_id()
    return {
        "total": await services().gallery.count(query),
        "seen_id": seen_id,
        "count_url": _address(query, {"count": 1}),
    }


def _said(args: Any) -> "SelectionResult | None":
    """The result of the change that led to this page; None if there was none."""
    if "changed" not in args:
        return None
    return SelectionResult(
        number(args, "changed", MAX_ID),
        number(args, "meant", MAX_ID),
        number(args, "counted", MAX_ID),
        number(args, "change", MAX_ID),
        undone="undone" in args,
        posters="posters" in args,
    )


class SelectionResult(Struct, frozen=True):
    """Result of a change: how many videos were changed of how many that were meant, how many the
    person saw counted (0: the person named each), and the change in the journal. With `posters`
    theirs are made again.
    """

    changed: int
    meant: int
    counted: int
    change_id: int
    undone: bool = False
    posters: bool = False

    @property
    def message(self) -> str:
        """The result in words."""
        videos = plural(self.changed, "video")
        if self.undone:
            return f"Undone for {videos}."
        words = f"Posters of {videos} are made again" if self.posters else f"{videos} changed"
        if self.meant > self.changed:
            words += f", {self.meant - self.changed:,} had it already"
        if self.counted and self.counted != self.meant:
            words += f"; {self.counted:,} were counted before, {self.meant:,} there now"
        return f"{words}."


async def change() -> Response:
    """Change what is chosen: the ticked videos, or with `all` every one of the query in the
    address. Or export it, or make its posters again.
    """
    query = parse_query(arguments())
    ids, counted = await _meant(query)
    what = await form_words("do")
    if what in ("export-json", "export-csv"):
        return _exported(ids, what)
    if what == "posters":
        await services().jobs.reprobe(ids, urgent=False)
        return _to(query, SelectionResult(len(ids), len(ids), counted, 0, posters=True))
    edit = checked(await _edit())
    result = await _run(ids, edit, counted)
    if isinstance(result, BackgroundTask):
        return cast("Response", redirect(_address(query, {"task": result.name}), 303))
    said = SelectionResult(result.changed, result.meant, counted, result.change_id or 0)
    return _to(query, said)


async def undo(change_id: str) -> Response:
    """Take back a change to many videos from the page it was made on."""
    undone = await services().journal.undo(row_id(change_id), client())
    if undone.reason:
        raise Conflict(undone.reason)
    said = SelectionResult(undone.videos, undone.videos, 0, 0, undone=True)
    if wants_partial():
        return partial("bulk_said.html", trigger="library:changed", said=said, address="")
    target = local_address(await form_words("back")) or "/"
    joint = "&" if "?" in target else "?"
    values = urlencode({"changed": said.changed, "undone": 1})
    return cast("Response", redirect(f"{target}{joint}{values}", 303))


async def _meant(query: Query) -> tuple[list[int], int]:
    """The ids of what is chosen, and how many the person saw counted (0: each was named)."""
    form = await request.form
    if form.get("all") == "1":
        seen_id, counted = await form_number("seen_id"), await form_number("counted")
        return await services().bulk.selected(query, seen_id), counted
    names = form.getlist("video")
    if not names:
        raise Invalid("Select at least one video, or all of the selection.")
    if len(names) > MAX_NAMED:
        raise Invalid(f"Select at most {MAX_NAMED:,} videos one by one, or all of a selection.")
    return await services().bulk.named(names), 0


async def _edit() -> BulkEdit:
    stars, list_id = await form_words("rating"), await form_words("playlist")
    title = await form_words("title")
    return BulkEdit(
        rating=digit(stars, "0 to 5 stars", 5) if stars else None,
        favorite=await _flag("favorite"),
        tags_add=split_at_commas(await form_words("tags_add")),
        tags_remove=split_at_commas(await form_words("tags_remove")),
        hidden=await _flag("hidden"),
        watched=await _flag("watched"),
        later=await _flag("later"),
        playlist=row_id(list_id) if list_id else None,
        title="" if await form_words("do") == "reset-titles" else title or None,
    )


async def _flag(name: str) -> bool | None:
    value = await form_words(name)
    return digit(value, "1 or 0", 1) == 1 if value else None


async def _run(ids: Sequence[int], edit: BulkEdit, counted: int) -> BulkResult | BackgroundTask:
    """Make the change; what takes longer than a moment goes on in the background."""
    visitor, person, results = client(), viewer().person, list[BulkResult]()

    async def work(task: BackgroundTask) -> str:
        result = await services_.bulk.apply(ids, edit, visitor, task.reached, person)
        results.append(result)
        said = SelectionResult(result.changed, result.meant, counted, result.change_id or 0)
        return f"{said.message} Changes has the undo."

    services_ = services()
    tasks = services_.background_tasks
    for name in SLOTS:
        known = tasks.latest(name)
        if known is None or not known.running:
            break
    else:
        raise Conflict(RUNNING)
    task = tasks.start(name, f"Change {plural(len(ids), 'video')}", work)
    await tasks.wait_briefly(name, QUICK_S)
    if task.failed:
        raise Conflict(task.message)
    return results[0] if results else task


def _exported(ids: Sequence[int], what: str) -> Response:
    selection = services().selection_export
    if what == "export-json":
        return stream(selection.as_json(in_batches(ids)), "application/json", "json")
    return stream(selection.as_csv(in_batches(ids)), "text/csv; charset=utf-8", "csv")


def _to(query: Query, said: SelectionResult) -> Response:
    if wants_partial():
        return partial(
            "bulk_said.html", trigger="library:changed", said=said, address=_address(query, {})
        )
    values = {
        "changed": said.changed,
        "meant": said.meant,
        "counted": said.counted,
        "change": said.change_id,
    } | ({"posters": 1} if said.posters else {})
    return cast("Response", redirect(_address(query, values), 303))


def _address(query: Query, more: dict[str, Any]) -> str:
    address = f"/select{query_string(query)}"
    if not more:
        return address
    return f"{address}{'&' if '?' in address else '?'}{urlencode(more)}"
