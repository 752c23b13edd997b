"""Jobs: videos being probed, queued, failed and stopped, with the buttons that start work."""

from typing import Any
from urllib.parse import urlencode

from quart import Response

from lvs.errors import Conflict, Invalid, NotFound
from lvs.filters import readable
from lvs.web.request_args import arguments, row_id, text
from lvs.web.responses import page, partial, redirect_back, services, wants_partial

STATES = {
    "running": "Running",
    "waiting": "Queued",
    "failed": "Failed",
    "stopped": "Stopped",
}
WAITING_SHOWN = 200
FAILED_SHOWN = 200
TASKS = ("scan", "backup", "cache", "posters", "dates")
Context = dict[str, Any]
JOBS = "/admin/jobs"


async def show_jobs() -> Response:
    """List running, queued, failed and stopped jobs."""
    args = arguments()
    state, wanted = text(args, "state"), readable(text(args, "q"), "search").strip()
    if state and state not in STATES:
        raise Invalid(f"The state of a job is one of {', '.join(STATES)}.")
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
        "limit_s": services().probe_pool.time_limit_s,
        "workers": services().probes.workers,
    }


async def change_job(video_id: str, what: str) -> Response:
    """Move a job to the front (`first`), retry it (`again`) or skip it (`stop`)."""
    wanted, jobs = row_id(video_id), services().jobs
    if wanted not in await services().overviews.titles([wanted]):
        raise NotFound("There is no such video.")
    if what == "stop":
        if not jobs.stop(wanted):
            raise Conflict("This job is no longer queued or running.")
    elif what == "first":
        jobs.visible([wanted])
    elif what == "again":
        await jobs.reprobe([wanted])
    else:
        raise NotFound("Unknown action.")
    return await show_jobs() if wants_partial() else redirect_back(JOBS)
