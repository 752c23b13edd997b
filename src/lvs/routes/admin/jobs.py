"""The operator's pages: work under way, duplicates, unreadable files, usage, storage, log; and the
buttons on them.
"""

import asyncio
import hashlib
from collections.abc import Callable
from typing import Any, cast
from urllib.parse import quote_from_bytes, urlencode

from quart import Blueprint, Response, redirect, request

from lvs.errors import Conflict, Invalid, NotFound
from lvs.models import shown
from lvs.services.background_tasks import BackgroundTask
from lvs.services.monitoring import folder_sizes, log_tail
from lvs.services.monitoring.usage import statistics
from lvs.web.filters import arguments, number, parse_query, readable, text
from lvs.web.request_args import MAX_ID, form_number, form_text, row_id
from lvs.web.responses import back, page, partial, services, wants_partial
from lvs.web.urls import query_string

bp = Blueprint("admin_pages", __name__)

JOBS, UNREADABLE, LOG, STORAGE = "/admin/jobs", "/admin/unreadable", "/admin/log", "/admin/storage"
STATES = {
    "running": "Being looked into",
    "waiting": "Waiting",
    "failed": "Failed",
    "stopped": "Stopped by hand",
}
WAITING_SHOWN = 200
FAILED_SHOWN = 200
UNREADABLE_SHOWN = 100
QUICK_S = 0.8
TASKS = ("scan", "backup", "cache", "posters")

Context = dict[str, Any]


# --- Work ---


@bp.get(JOBS)
async def show_jobs() -> Response:
    """What the workers do, what waits, what failed and why; and the buttons that start work."""
    args = arguments()
    state, wanted = text(args, "state"), readable(text(args, "q"), "search").strip()
    if state and state not in STATES:
        raise Invalid(f"Jobs are {', '.join(STATES)}.")
    context = await _jobs(state, wanted.casefold())
    filters = {"state": state, "q": wanted}
    context |= {"state": state, "q": wanted, "states": STATES, "filters": f"?{urlencode(filters)}"}
    if wants_partial():
        return partial("admin_jobs.html", **context)
    tasks = [task for name in TASKS if (task := services().background_tasks.latest(name))]
    return page(
        "admin_jobs.html",
        **context,
        tasks=tasks,
        busy=any(task.running for task in tasks),
        current="admin",
    )


async def _jobs(state: str, wanted: str) -> Context:
    jobs = services().jobs
    in_line = jobs.in_line()
    failures = list(jobs.failures.values())[::-1]
    known = {failure.video_id for failure in failures}
    failing = [
        item for item in (await services().overviews.now()).failing if item.video_id not in known
    ]
    running, stopped = jobs.under_way(), jobs.stopped()
    ids = {item.video_id for item in running} | {item.video_id for item in failures}
    ids |= {video_id for video_id, _ in in_line} | set(stopped)
    titles = await services().overviews.titles(list(ids))

    def matches(video_id: int) -> bool:
        return video_id in titles and wanted in titles[video_id][1].casefold()

    waiting = [(video_id, first) for video_id, first in in_line if matches(video_id)]
    lists: dict[str, list[Any]] = {
        "running": [
            (item.video_id, *titles[item.video_id], item.seconds)
            for item in running
            if matches(item.video_id)
        ],
        "waiting": [
            (video_id, *titles[video_id], first) for video_id, first in waiting[:WAITING_SHOWN]
        ],
        "failed": [
            *(
                (item.video_id, *titles[item.video_id], item.at, item.reason, item.given_up)
                for item in failures
                if matches(item.video_id)
            ),
            *(
                (item.video_id, item.media_hash, item.title, item.at, item.reason, False)
                for item in failing
                if wanted in item.title.casefold()
            ),
        ][:FAILED_SHOWN],
        "stopped": [(video_id, *titles[video_id]) for video_id in stopped if matches(video_id)][
            :WAITING_SHOWN
        ],
    }
    return {
        "lists": {name: found for name, found in lists.items() if not state or name == state},
        "counts": {name: len(found) for name, found in lists.items()} | {"waiting": len(waiting)},
        "jobs": jobs,
        "limit_s": services().ffmpeg.time_limit_s,
        "workers": services().ffmpeg.workers,
    }


@bp.post(f"{JOBS}/<video_id>/<what>")
async def change_job(video_id: str, what: str) -> Response:
    """Look into a video before all others (`first`), again (`again`), or not (`stop`)."""
    wanted, jobs = row_id(video_id), services().jobs
    if wanted not in await services().overviews.titles([wanted]):
        raise NotFound("There is no such video.")
    if what == "stop":
        if not jobs.stop(wanted):
            raise Conflict("It is neither waiting nor being looked into any more.")
    elif what == "first":
        jobs.visible([wanted])
    elif what == "again":
        await jobs.look_again([wanted])
    else:
        raise NotFound("There is no such button.")
    return await show_jobs() if wants_partial() else back(JOBS)


@bp.get("/admin/errands/<name>")
async def task(name: str) -> Response:
    """How far some work is."""
    found = services().background_tasks.latest(name)
    if found is None:
        raise NotFound("No such work was begun since LVS was started.")
    if not wants_partial():
        return cast("Response", redirect(JOBS, 302))
    return partial("admin_task.html", trigger="" if found.running else "jobs:changed", task=found)


@bp.post("/admin/errands/<name>")
async def begin(name: str) -> Response:
    """Begin some work: scan, backup or cache; or posters, for the gallery's selection that `query`
    names.
    """
    maintenance = services().maintenance
    begin_it: dict[str, Callable[[], BackgroundTask]] = {
        "scan": maintenance.scan,
        "backup": maintenance.back_up,
        "cache": maintenance.refresh_cache,
        "posters": lambda: maintenance.look_again(parse_query(arguments())),
    }
    if name not in begin_it:
        raise NotFound("There is no such button.")
    begun = begin_it[name]()
    await services().background_tasks.settle(name, QUICK_S)
    if wants_partial():
        return partial("admin_task.html", task=begun)
    return cast("Response", redirect(JOBS, 303))


@bp.get("/admin/posters")
async def look_before_posters() -> Response:
    """How many videos a gallery's selection holds, before their posters are made again."""
    query = parse_query(arguments())
    address = query_string(query)
    return page(
        "admin_posters.html",
        total=await services().gallery.count(query),
        chosen=query.filtered,
        gallery=f"/{address}",
        action=f"/admin/errands/posters{address}",
        task=services().background_tasks.latest("posters"),
        current="admin",
    )


# --- Duplicates ---


@bp.get("/admin/duplicates")
async def duplicates() -> Response:
    """Videos that lie in several places, side by side."""
    found, following = await services().duplicates.page(number(arguments(), "after", MAX_ID))
    return page(
        "admin_duplicates.html",
        videos=found,
        total=(await services().overviews.now()).duplicates,
        next_url=f"/admin/duplicates?after={following}" if following else None,
        current="admin",
    )


@bp.post("/admin/duplicates/<video_id>/play")
async def prefer(video_id: str) -> Response:
    """Play a video from one of its places from now on."""
    await services().duplicates.prefer(row_id(video_id), await form_number("file"))
    return back("/admin/duplicates")


# --- Unreadable files ---


@bp.get("/unreadable")
async def former_unreadable() -> Response:
    return cast("Response", redirect(UNREADABLE, 301))


@bp.get(UNREADABLE)
async def unreadable() -> Response:
    """Files that cannot be read as video, and why."""
    args = arguments()
    reason = readable(text(args, "reason"), "reason") if "reason" in args else None
    found = await services().gallery.unreadable(
        UNREADABLE_SHOWN, number(args, "after", MAX_ID), reason
    )
    overview = await services().overviews.now()
    following = {"after": str(found[-1].file_id)} if len(found) == UNREADABLE_SHOWN else None
    return page(
        "admin_unreadable.html",
        files=[(file, services().library.roots[file.root_id].name) for file in found],
        reasons=[
            (why, count, f"{UNREADABLE}?{urlencode({'reason': why})}")
            for why, count in overview.reasons
        ],
        reason=reason,
        total=overview.unreadable,
        again=number(args, "again", MAX_ID),
        next_url=f"{UNREADABLE}?{urlencode(following | ({'reason': reason} if reason else {}))}"
        if following
        else None,
        current="admin",
    )


@bp.post(f"{UNREADABLE}/again")
async def look_again() -> Response:
    """Try again: one video, those of one reason, or all."""
    form = await request.form
    if form.get("id"):
        video_id = await form_number("id")
        if video_id not in await services().overviews.titles([video_id]):
            raise NotFound("There is no such video.")
        await services().jobs.look_again([video_id])
        tried = 1
    else:
        tried = await services().maintenance.look_again_at_unreadable(
            await form_text("reason") if "reason" in form else None
        )
    return cast("Response", redirect(f"{UNREADABLE}?again={tried}", 303))


# --- Usage, storage ---


@bp.get("/admin/usage")
async def usage() -> Response:
    """How the library is used."""
    return page("admin_usage.html", usage=await statistics(services().database), current="admin")


@bp.get(STORAGE)
async def storage() -> Response:
    """What the folders hold; `root` and `folder` lead into one of them."""
    args = arguments()
    root_id, folder = (
        number(args, "root", MAX_ID),
        text(args, "folder").encode("utf-8", "surrogateescape").strip(b"/"),
    )
    roots = {root.id: root for root in services().library.active_roots}
    if not root_id and len(roots) == 1:
        root_id = next(iter(roots))
    if root_id and root_id not in roots:
        raise NotFound("There is no such library folder.")
    overview = await services().overviews.now()
    if root_id:
        inside = await folder_sizes.within(services().database, root_id, folder)
        if folder and not inside:
            raise NotFound("There is no such folder, or no video in it.")
        entries = [
            (
                _inside(root_id, folder, each.name),
                shown(each.name or b""),
                each.files,
                each.size_bytes,
            )
            for each in inside
        ]
    else:
        counts = {each.root_id: each for each in overview.folders}
        entries = [
            (
                f"{STORAGE}?root={root.id}",
                root.name,
                counts[root.id].files,
                counts[root.id].size_bytes,
            )
            for root in roots.values()
            if root.id in counts
        ]
    return page(
        "admin_storage.html",
        entries=entries,
        trail=_trail(roots[root_id].name if root_id and len(roots) > 1 else "", root_id, folder),
        largest=await folder_sizes.largest(services().database),
        storage=await services().storages.now(),
        overview=overview,
        current="admin",
    )


def _inside(root_id: int, folder: bytes, name: bytes | None) -> str | None:
    if name is None:
        return None
    return f"{STORAGE}?root={root_id}&folder={quote_from_bytes(folder + b'/' + name if folder else name, safe='/')}"


def _trail(name: str, root_id: int, folder: bytes) -> list[tuple[str, str]]:
    """The folders that lead to this one, each with its address."""
    trail = [("All folders", STORAGE)]
    if name:
        trail.append((name, f"{STORAGE}?root={root_id}"))
    parts = folder.split(b"/") if folder else []
    for depth, part in enumerate(parts, 1):
        trail.append(
            (
                shown(part),
                f"{STORAGE}?root={root_id}&folder={quote_from_bytes(b'/'.join(parts[:depth]), safe='/')}",
            )
        )
    return trail


# --- Log ---


@bp.get(LOG)
async def log() -> Response:
    """The latest lines of the log, all or from one level on; followed by asking again and again."""
    args = arguments()
    level, follow = text(args, "level") or "info", text(args, "follow") == "1"
    if level not in log_tail.LEVELS:
        raise Invalid(f"The level is one of {', '.join(log_tail.LEVELS)}.")
    context: Context = {
        "level": level,
        "follow": follow,
        "levels": log_tail.LEVELS[:-1],
        "problem": "",
    }
    try:
        folder = services().config.data_directory / "logs"
        context["entries"] = await asyncio.to_thread(log_tail.latest, folder, level)
    except OSError as error:
        context |= {"entries": [], "problem": f"The log cannot be read: {error.strerror}."}
    seen = hashlib.blake2b(
        repr(context["entries"]).encode("utf-8", "replace"), digest_size=8
    ).hexdigest()
    if wants_partial() and text(args, "seen") == seen:
        return Response(status=204)
    context["refresh_url"] = (
        f"{LOG}?{urlencode({'level': level, 'follow': int(follow), 'seen': seen})}"
    )
    response = (
        partial("admin_log.html", **context)
        if wants_partial()
        else page("admin_log.html", **context, current="admin")
    )
    response.headers["Cache-Control"] = "no-store"
    return response
