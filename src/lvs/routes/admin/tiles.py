"""The tiles of the dashboard: the values that each one shows."""

import asyncio
import hashlib
import secrets
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

from lvs import __version__
from lvs.routes.admin import report
from lvs.services.latency import Window
from lvs.services.metrics import RouteStats
from lvs.services.monitoring.health import Level
from lvs.services.network.served import server_urls
from lvs.web.responses import pages, rendered, services

LEVEL_WORDS = {Level.OK: "OK", Level.BUSY: "Busy", Level.WARNING: "Attention", Level.ERROR: "Fault"}
ENTRIES = 12
ROUTES = 8
SEEN = secrets.token_hex(8)  # stands in a tile where its own fingerprint will
Context = dict[str, Any]


async def levels() -> dict[str, Level]:
    """The level of each part that has an issue."""
    levels: dict[str, Level] = {}
    for issue in await services().health.issues():
        for name in (issue.part, "health"):
            levels[name] = max(issue.level, levels.get(name, Level.OK))
    return levels


async def draw(name: str, levels: dict[str, Level]) -> tuple[str, str]:
    """A tile as HTML, and a fingerprint of its content."""
    context = await TILES[name]()
    level = max(levels.get(name, Level.OK), Level.BUSY if context.pop("busy", False) else Level.OK)
    drawn = rendered(
        f"partials/tile_{name}.html",
        seen=SEEN,
        level=level.word,
        word=LEVEL_WORDS[level],
        **context,
    )
    seen = hashlib.blake2b(drawn.encode("utf-8", "replace"), digest_size=8).hexdigest()
    return drawn.replace(SEEN, seen), seen


async def _health() -> Context:
    issues = await services().health.issues()
    progress = services().library.progress(services().jobs.remaining)
    overview = await services().overviews.now()
    return {
        "busy": bool(progress.scanning or progress.to_probe),
        "issues": [(issue, LEVEL_WORDS[issue.level]) for issue in issues],
        "progress": progress,
        "overview": overview,
        "streams": len(services().streams.running()),
        "thumbnails": services().config.enable_thumbnails,
        "has_password": services().passwords.required,
    }


async def _requests() -> Context:
    metrics = services().metrics
    visited = metrics.visited()
    five_minutes = metrics.page_times(Window.FIVE_MINUTES)
    return {
        "per_minute": five_minutes.count / 5,
        "windows": [
            ("5 minutes", five_minutes),
            ("1 hour", metrics.page_times(Window.HOUR)),
            ("since the start", metrics.page_times(Window.START)),
        ],
        "slots": metrics.sparkline(),
        "errors": sum(route.errors for route in visited),
        "refused": sum(route.refused for route in visited),
        "bytes_sent": sum(route.bytes_sent for route in visited),
    }


async def _routes() -> Context:
    now = services().metrics.clock()
    slowest = services().health.slowest_routes(ROUTES)
    return {
        "routes": [
            (route, route.latencies.within(Window.HOUR, now), _parts(route)) for route in slowest
        ]
    }


def _parts(route: RouteStats) -> list[float]:
    """The seconds a route spent: write wait, database, templates, all else."""
    known = [route.writer_wait_s, max(0.0, route.database_s - route.writer_wait_s), route.render_s]
    return [*known, max(0.0, route.latencies.total_s - sum(known))]


async def _ratings() -> Context:
    metrics = services().metrics
    now = metrics.clock()
    return {
        "start": metrics.ratings.within(Window.START, now),
        "hour": metrics.ratings.within(Window.HOUR, now),
        "slots": metrics.ratings.slots(10, now),
    }


async def _cache() -> Context:
    return {"caches": report.caches(services(), pages())}


async def _database() -> Context:
    storage = await services().storages.now()
    backups = await services().health.backups()
    queries, requests = services().metrics.queries()
    routes = services().metrics.visited()
    writes = sum(route.count for route in routes if route.method not in ("GET", "HEAD"))
    newest = backups.newest
    elsewhere = services().second_place.state()
    return {
        "busy": backups.running,
        "storage": storage,
        "queries": queries,
        "per_request": queries / requests if requests else 0.0,
        "mean_s": sum(route.database_s for route in routes) / queries if queries else 0.0,
        "writer_wait_s": sum(route.writer_wait_s for route in routes) / writes if writes else 0.0,
        "backups": backups,
        "backup_at": _unix_ms(newest.made_at) if newest else None,
        "elsewhere": elsewhere,
        "copied_at": _unix_ms(elsewhere.newest.made_at) if elsewhere and elsewhere.newest else None,
        "replica": services().replication.state(),
        "slow": list(services().query_stats.slow)[-5:][::-1],
    }


async def _workers() -> Context:
    jobs, probe_pool = services().jobs, services().probe_pool
    overview = await services().overviews.now()
    under_way = jobs.under_way()
    failures = list(jobs.failures.values())[::-1][:ENTRIES]
    titles = await services().overviews.titles(
        [*(item.video_id for item in under_way), *(item.video_id for item in failures)]
    )
    known = {failure.video_id for failure in failures}
    return {
        "busy": bool(jobs.remaining or jobs.queued or under_way),
        "jobs": jobs,
        "workers": services().probes.workers,
        "hosts": services().probes.states(),
        "limit_s": probe_pool.time_limit_s,
        "running": [
            (titles[item.video_id], int(item.seconds))
            for item in under_way
            if item.video_id in titles
        ],
        "failures": [
            (titles[failure.video_id], failure)
            for failure in failures
            if failure.video_id in titles
        ],
        "failing": [failing for failing in overview.failing if failing.video_id not in known],
    }


async def _library() -> Context:
    overview = await services().overviews.now()
    progress = services().library.progress(services().jobs.remaining)
    counts = {folder.root_id: folder for folder in overview.folders}
    folders = [
        (root, counts.get(root.id), services().watcher.state.get(root.id, ""))
        for root in services().library.active_roots
    ]
    scanned = [root.scanned_at for root, _, _ in folders if root.scanned_at is not None]
    return {
        "busy": progress.scanning,
        "overview": overview,
        "progress": progress,
        "folders": folders,
        "scanned_at": max(scanned) if scanned else None,
    }


async def _storage() -> Context:
    return {
        "storage": await services().storages.now(),
        "overview": await services().overviews.now(),
    }


async def _system() -> Context:
    system = services().system
    return {
        "sample": system.latest,
        "history": list(system.history),
        "processors": system.processors,
        "reachable": await asyncio.to_thread(server_urls, services().config),
        "uptime": services().metrics.uptime_s,
        "version": __version__,
        "functions": sorted(
            services().metrics.functions.values(), key=lambda function: -function.latencies.total_s
        )[:ROUTES],
    }


async def _streams() -> Context:
    running = services().streams.running()
    playback = report.playback_report(services().playback.pool)
    rate = sum(stream.rate for stream in running)
    return {"streams": running, "rate": rate, "playback": playback}


async def _errors() -> Context:
    metrics = services().metrics
    return {
        "entries": list(metrics.log.entries)[::-1][:ENTRIES],
        "failures": list(metrics.failures)[::-1][:ENTRIES],
        "lately": len(metrics.failed_lately()),
    }


def _unix_ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


TILES: dict[str, Callable[[], Awaitable[Context]]] = {
    "health": _health,
    "requests": _requests,
    "workers": _workers,
    "library": _library,
    "streams": _streams,
    "storage": _storage,
    "routes": _routes,
    "database": _database,
    "cache": _cache,
    "ratings": _ratings,
    "system": _system,
    "errors": _errors,
}


ORDER = {name: place for place, name in enumerate(TILES)}
