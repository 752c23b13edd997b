"""The operator's calls about the server: jobs, health, usage, storage, log."""

import asyncio
import os
from typing import Any

from quart import Response

from lvs.clock import iso_utc_clamped
from lvs.errors import Invalid, NotFound, Unavailable
from lvs.filters import readable
from lvs.models import display_path
from lvs.routes.api import schemas as api
from lvs.routes.api.admin import runs, schemas
from lvs.routes.api.openapi import answers
from lvs.services.background_tasks import BackgroundTask
from lvs.services.monitoring import log_tail
from lvs.services.monitoring.log_tail import LogPlace
from lvs.web.request_args import MAX_ID, arguments, cursor, number, text
from lvs.web.responses import json_response, services

STATES = ("running", "waiting", "failed", "stopped")
TASKS = ("scan", "backup", "cache", "posters", "dates", "undo")


@answers(schemas.AdminJobs, query=schemas.AdminJobsQuery, problems=(400,))
async def jobs() -> Response:
    """Videos that are analysed, wait for it, failed or were stopped."""
    args = arguments()
    state, wanted = text(args, "state"), readable(text(args, "q"), "search").strip().casefold()
    if state and state not in STATES:
        raise Invalid(f"The state of a job is one of {', '.join(STATES)}.")
    every = [each for each in await _every_job() if wanted in each.title.casefold()]
    chosen = [each for each in every if not state or each.state == state]
    found, following = runs.cut(chosen, args)
    tasks = [task for name in TASKS if (task := services().background_tasks.latest(name))]
    return json_response(
        schemas.AdminJobs(
            counts={name: sum(each.state == name for each in every) for name in STATES},
            workers=services().probes.workers,
            time_limit_s=services().probe_pool.time_limit_s,
            tasks=[_task(task) for task in tasks],
            jobs=list(found),
            next=following,
        )
    )


async def _every_job() -> list[schemas.AdminJob]:
    jobs = services().jobs
    described: list[tuple[str, int, dict[str, Any]]] = [
        *(("running", each.video_id, {"running_s": each.seconds}) for each in jobs.under_way()),
        *(("waiting", video_id, {"first": first}) for video_id, first in jobs.in_line()),
        *(
            ("failed", each.video_id, _failure(each.at, each.reason, each.given_up))
            for each in list(jobs.failures.values())[::-1]
        ),
        *(
            ("failed", each.video_id, _failure(each.at, each.reason, False))
            for each in (await services().overviews.now()).failing
            if each.video_id not in jobs.failures
        ),
        *(("stopped", video_id, {}) for video_id in jobs.stopped()),
    ]
    titles = await services().overviews.titles([video_id for _, video_id, _ in described])
    return [
        schemas.AdminJob.model_validate(
            {
                "state": state,
                "video_id": video_id,
                "media_hash": titles[video_id][0],
                "title": titles[video_id][1],
            }
            | more
        )
        for state, video_id, more in described
        if video_id in titles
    ]


def _failure(at: int, reason: str, given_up: bool) -> dict[str, Any]:
    return {"failed_at": iso_utc_clamped(at), "reason": reason, "given_up": given_up}


def _task(task: BackgroundTask) -> schemas.AdminTask:
    return schemas.AdminTask(
        name=task.name,
        label=task.label,
        running=task.running,
        done=task.done,
        total=task.total,
        started_at=iso_utc_clamped(task.started_at),
        ended_at=iso_utc_clamped(task.ended_at) if task.ended_at is not None else None,
        failed=task.failed,
        message=task.message,
    )


@answers(schemas.AdminHealth, query=schemas.AdminRun, problems=(400,))
async def health() -> Response:
    """The state of the server, and what is not well, worst first."""
    issues = [
        schemas.AdminIssue.model_validate(
            {
                "level": each.level.word,
                "part": each.part,
                "message": each.message,
                "hint": each.hint,
                "since": iso_utc_clamped(each.since) if each.since is not None else None,
                "page": each.page or None,
            }
        )
        for each in await services().health.issues()
    ]
    found, following = runs.cut(issues, arguments())
    return json_response(
        schemas.AdminHealth(
            status=issues[0].level if issues else "ok",
            total=len(issues),
            issues=list(found),
            next=following,
        )
    )


@answers(schemas.AdminUsage, query=schemas.AdminRun, problems=(400,))
async def usage() -> Response:
    """Views by day, stars, and the videos and tags used most."""
    args = arguments()
    size, skip = runs.limit(args), runs.row_place(args)
    found = await services().usage.statistics(size + 1, skip)
    more = len(found.most_viewed) > size or len(found.tags) > size
    return json_response(
        schemas.AdminUsage(
            days=[schemas.AdminDay(day=day.isoformat(), views=count) for day, count in found.days],
            total_views=found.total_views,
            ratings={str(stars): count for stars, count in found.ratings},
            tag_count=found.tag_count,
            most_viewed=[
                schemas.AdminViewed(media_hash=media_hash, title=title, views=views)
                for media_hash, title, views in found.most_viewed[:size]
            ],
            tags=[schemas.AdminTagUse(name=tag.name, count=tag.count) for tag in found.tags[:size]],
            next=runs.following_row(skip + size if more else None),
        )
    )


@answers(schemas.AdminStorage, query=schemas.AdminStorageQuery, problems=(400, 404))
async def storage() -> Response:
    """Sizes of folders (of one with `root` and `folder`), the largest files, and the disks."""
    args = arguments()
    root_id, folder = number(args, "root", MAX_ID), text(args, "folder")
    entries, following = runs.cut(await _folders(root_id, folder), args)
    roots, state = services().library.roots, await services().storages.now()
    names = {root.name: root.id for root in roots.values()}
    return json_response(
        schemas.AdminStorage(
            folders=list(entries),
            largest=[
                schemas.AdminLargeFile(
                    media_hash=each.media_hash,
                    title=each.title,
                    path=api.shown_path(roots, names[each.root_name], each.path),
                    size_bytes=each.size_bytes,
                )
                for each in await services().folder_sizes.largest()
            ],
            disks=[
                schemas.AdminDisk(
                    root=each.root_id,
                    name=display_path(os.fsencode(each.name)),
                    offline_since=iso_utc_clamped(each.offline_since)
                    if each.offline_since
                    else None,
                    total_bytes=each.disk.total_bytes if each.disk else None,
                    free_bytes=each.disk.free_bytes if each.disk else None,
                )
                for each in state.libraries
            ],
            library_bytes=(await services().overviews.now()).size_bytes,
            database_bytes=state.database_bytes + state.wal_bytes,
            thumbnails_bytes=state.thumbnails_bytes,
            scenes_bytes=state.scenes_bytes,
            backups_bytes=state.backups_bytes,
            log_bytes=state.log_bytes,
            next=following,
        )
    )


async def _folders(root_id: int, folder: str) -> list[schemas.AdminFolder]:
    """The folders right in a folder, or the library folders. Raises NotFound."""
    roots = {root.id: root for root in services().library.active_roots}
    if not root_id:
        if folder:
            raise Invalid("Name the library folder, too: root and folder.")
        return [
            schemas.AdminFolder(
                root=each.root_id,
                folder="",
                name=display_path(os.fsencode(roots[each.root_id].name)),
                files=each.files,
                size_bytes=each.size_bytes,
            )
            for each in (await services().overviews.now()).folders
            if each.root_id in roots
        ]
    if root_id not in roots:
        raise NotFound("There is no such library folder.")
    path = folder.encode("utf-8", "surrogateescape").strip(b"/")
    inside = await services().folder_sizes.within(root_id, path)
    if path and not inside:
        raise NotFound("There is no such folder, or it contains no videos.")
    above = f"{display_path(path)}/" if path else ""
    return [
        schemas.AdminFolder(
            root=root_id,
            folder=None if each.name is None else above + display_path(each.name),
            name=None if each.name is None else display_path(each.name),
            files=each.files,
            size_bytes=each.size_bytes,
        )
        for each in inside
    ]


@answers(schemas.AdminLog, query=schemas.AdminLogQuery, problems=(400,))
async def log() -> Response:
    """The latest records of the log from one level on."""
    args = arguments()
    level, size, after = text(args, "level") or "info", runs.limit(args), cursor(args, "after")
    if level not in log_tail.LEVELS:
        raise Invalid(f"The level is one of {', '.join(log_tail.LEVELS)}.")
    before = LogPlace(str(after.key), after.video_id) if after else None
    folder = services().config.data_directory / "logs"
    try:
        found, place = await asyncio.to_thread(log_tail.run, folder, level, size, before)
    except OSError as error:
        raise Unavailable(f"The log cannot be read: {error.strerror}.") from None
    response = json_response(
        schemas.AdminLog(
            entries=[
                schemas.AdminLogEntry(
                    at=each.moment,
                    level=each.level,
                    source=each.source,
                    text=each.text,
                    trace=list(each.trace),
                )
                for each in found
            ],
            next=runs.following(place.moment, place.number) if place else None,
        )
    )
    response.headers["Cache-Control"] = "no-store"
    return response
