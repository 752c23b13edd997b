"""What `/admin/performance.json` answers, as pydantic models; the OpenAPI document is made from
them.
"""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from lvs import __version__
from lvs.routes.api.schemas import iso
from lvs.services.bundle import Services
from lvs.services.latency import Latencies, Quantiles, Window
from lvs.services.media import posters
from lvs.services.metrics import Route
from lvs.services.monitoring.storage import Disk
from lvs.web.card_templates import CARDS_KEPT
from lvs.web.templates import Templates


class Times(BaseModel):
    """How long answers took to begin, in milliseconds."""

    count: int
    mean_ms: float
    p50_ms: float
    p95_ms: float
    p99_ms: float


class Windows(BaseModel):
    """The same over the last five minutes, the last hour, and since the start."""

    model_config = ConfigDict(serialize_by_alias=True)

    five_minutes: Annotated[Times, Field(alias="5m")]
    hour: Annotated[Times, Field(alias="1h")]
    start: Times


class Endpoint(BaseModel):
    """One route since the start; `errors` are answers of 500 and above, `refused` those from 400
    on.
    """

    method: str
    route: str
    count: int
    errors: int
    refused: int
    bytes_sent: int
    queries_per_request: float
    database_ms: Annotated[
        float, Field(description="Per request: statements, waiting for the writer's turn, commit.")
    ]
    writer_wait_ms: float
    render_ms: float
    cache_hits: int
    cache_misses: int
    times: Windows


class CacheReport(BaseModel):
    """One cache since the start."""

    name: str
    hits: int
    misses: int
    evictions: int
    size: int
    max_size: int
    hit_rate: float


class RouteQueries(BaseModel):
    """What one route asked of the database since the start."""

    total: int
    per_request: float
    seconds: float


class SlowQueryReport(BaseModel):
    """A statement, a commit or a wait that took longer than a second."""

    at: str
    seconds: float
    sql: str
    request_id: str


class Queries(BaseModel):
    """What the database was asked for by requests (`total`, `per_request`, `by_route`) and by the
    whole server.
    """

    total: int
    per_request: float
    by_route: dict[str, RouteQueries]
    all_total: Annotated[int, Field(description="With those of scans, workers and the dashboard.")]
    seconds: float
    commits: int
    transactions: int
    writer_wait_seconds: float
    slow: list[SlowQueryReport]


class RatingsPost(BaseModel):
    """The calls that give stars, all of them together, since the start."""

    count: int
    avg_ms: float
    p95_ms: float
    times: Windows


class RunningReport(BaseModel):
    """A video that is being looked into."""

    video_id: int
    seconds: float


class Failed(BaseModel):
    """A video that could not be looked into for a passing reason."""

    video_id: int
    at: str
    reason: str
    given_up: bool


class Workers(BaseModel):
    """The workers that look into videos; `queued_by_kind` tells what somebody is looking at from
    the rest.
    """

    workers: int
    processes: int
    remaining: int
    queued: int
    queued_by_kind: dict[str, int]
    running: list[RunningReport]
    done: int
    unreadable: int
    failed: int
    failures: list[Failed]


class FolderReport(BaseModel):
    """One library folder."""

    name: str
    path: str
    files: int
    size_bytes: int
    offline_since: str | None
    scanned_at: str | None
    watcher: str


class LibraryReport(BaseModel):
    """What there is in the library folders."""

    videos: int
    files: int
    missing: int
    duplicates: int
    unreadable: int
    unreadable_reasons: dict[str, int]
    size_bytes: int
    scanning: bool
    files_seen: int
    folders: list[FolderReport]


class DiskSpace(BaseModel):
    """The disk under a folder."""

    total_bytes: int
    free_bytes: int
    read_only: bool


class StorageReport(BaseModel):
    """Room taken and room left, in bytes; null while it is not known."""

    library_bytes: int
    thumbnails_bytes: int | None
    database_bytes: int
    wal_bytes: int
    backups_bytes: int | None
    log_bytes: int | None
    data_disk: DiskSpace | None
    library_disks: dict[str, DiskSpace | None]


class BackupsReport(BaseModel):
    """The newest good backup, and what went wrong with the last try."""

    newest_at: str | None
    newest_good: bool
    kept: int
    failure: str | None


class SystemReport(BaseModel):
    """Server and workers; `cpu` 1.0 is one whole processor."""

    cpu: float
    machine_cpu: float
    processors: int
    server_memory_bytes: int
    workers_memory_bytes: int
    memory_available_bytes: int
    open_files: int
    open_files_limit: int | None
    threads: int
    loop_delay_ms: float


class StreamReport(BaseModel):
    """A film on its way to a viewer; `rate` is bytes per second of late."""

    title: str
    client: str
    started_at: str
    bytes_sent: int
    bytes_total: int
    rate: float


class FunctionTimes(BaseModel):
    """A function that is timed; memory is the process's, before and after its last run."""

    errors: int
    times: Times
    memory_before_bytes: int | None
    memory_after_bytes: int | None


class IssueReport(BaseModel):
    """Something that is not well, and what to do."""

    level: str
    part: str
    message: str
    hint: str


class RecentError(BaseModel):
    """A request that failed."""

    at: str
    method: str
    route: str
    status: int
    message: str
    request_id: str


class PerformanceReport(BaseModel):
    """Everything the dashboard shows."""

    status: Annotated[str, Field(description="ok, attention or fault.")]
    version: str
    uptime_seconds: float
    started_at: str
    troubles: list[IssueReport]
    cache_hit_rate: float
    caches: list[CacheReport]
    requests: Windows
    db_queries: Queries
    ratings_post: RatingsPost
    endpoints: dict[str, Endpoint]
    workers: Workers
    library: LibraryReport
    storage: StorageReport
    backups: BackupsReport
    system: SystemReport
    streams: list[StreamReport]
    functions: dict[str, FunctionTimes]
    errors: list[RecentError]


async def of(services: Services, pages: Templates) -> PerformanceReport:
    """How it all stands now."""
    metrics = services.metrics
    now = metrics.clock()
    troubles = await services.health.troubles()
    routes = sorted(metrics.routes.values(), key=lambda route: -route.count)
    return PerformanceReport(
        status=troubles[0].level.name.lower() if troubles else "ok",
        version=__version__,
        uptime_seconds=round(metrics.uptime_s, 1),
        started_at=iso(metrics.started_at),
        troubles=[
            IssueReport(
                level=each.level.name.lower(), part=each.part, message=each.message, hint=each.hint
            )
            for each in troubles
        ],
        cache_hit_rate=services.cache.status()["hit_rate"],
        caches=caches(services, pages),
        requests=_windows(metrics.pages, now),
        db_queries=_queries(services),
        ratings_post=_ratings(services),
        endpoints={route.name: _endpoint(route, now) for route in routes},
        workers=_workers(services),
        library=await _library(services),
        storage=await _storage(services),
        backups=await _backups(services),
        system=_system(services),
        streams=[
            StreamReport(
                title=stream.title,
                client=stream.client,
                started_at=iso(stream.started_at),
                bytes_sent=stream.bytes_sent,
                bytes_total=stream.bytes_total,
                rate=stream.rate,
            )
            for stream in services.streams.running()
        ],
        functions={
            function.name: FunctionTimes(
                errors=function.errors,
                times=_times(function.latencies.within(Window.START, now)),
                memory_before_bytes=function.memory_before_bytes,
                memory_after_bytes=function.memory_after_bytes,
            )
            for function in metrics.functions.values()
        },
        errors=[
            RecentError(
                at=iso(failure.at),
                method=failure.method,
                route=failure.rule,
                status=failure.status,
                message=failure.message,
                request_id=failure.request_id,
            )
            for failure in metrics.failures
        ],
    )


def caches(services: Services, pages: Templates) -> list[CacheReport]:
    """Every cache the server has."""
    library = services.cache.status()
    drawn = posters.placeholder.cache_info()
    cards = (
        pages.cards.hits,
        pages.cards.misses,
        max(0, pages.cards.misses - len(pages.cards)),
        len(pages.cards),
        CARDS_KEPT,
    )
    found = {
        "library": tuple(
            int(library[name]) for name in ("hits", "misses", "evictions", "size", "max_size")
        ),
        "cards": cards,
        "drawn pictures": (
            drawn.hits,
            drawn.misses,
            drawn.misses - drawn.currsize,
            drawn.currsize,
            drawn.maxsize or 0,
        ),
    }
    return [
        CacheReport(
            name=name,
            hits=hits,
            misses=misses,
            evictions=evictions,
            size=size,
            max_size=max_size,
            hit_rate=hits / (hits + misses) if hits + misses else 0.0,
        )
        for name, (hits, misses, evictions, size, max_size) in found.items()
    ]


def _times(quantiles: Quantiles) -> Times:
    return Times(
        count=quantiles.count,
        mean_ms=_ms(quantiles.mean_s),
        p50_ms=_ms(quantiles.p50_s),
        p95_ms=_ms(quantiles.p95_s),
        p99_ms=_ms(quantiles.p99_s),
    )


def _windows(latencies: Latencies, now: float) -> Windows:
    return Windows.model_validate(
        {str(window): _times(latencies.within(window, now)) for window in Window}
    )


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 3)


def _endpoint(route: Route, now: float) -> Endpoint:
    count = route.count or 1
    return Endpoint(
        method=route.method,
        route=route.rule,
        count=route.count,
        errors=route.errors,
        refused=route.refused,
        bytes_sent=route.bytes_sent,
        queries_per_request=round(route.queries / count, 2),
        database_ms=_ms(route.database_s / count),
        writer_wait_ms=_ms(route.writer_wait_s / count),
        render_ms=_ms(route.render_s / count),
        cache_hits=route.cache_hits,
        cache_misses=route.cache_misses,
        times=_windows(route.latencies, now),
    )


def _queries(services: Services) -> Queries:
    usage = services.database.usage
    total, requests = services.metrics.queries()
    return Queries(
        total=total,
        per_request=round(total / requests, 2) if requests else 0.0,
        by_route={
            route.name: RouteQueries(
                total=route.queries,
                per_request=round(route.queries / route.count, 2) if route.count else 0.0,
                seconds=round(route.database_s, 6),
            )
            for route in services.metrics.routes.values()
        },
        all_total=usage.queries,
        seconds=round(usage.seconds, 6),
        commits=usage.commits,
        transactions=usage.transactions,
        writer_wait_seconds=round(usage.writer_wait_s, 6),
        slow=[
            SlowQueryReport(
                at=iso(query.at),
                seconds=round(query.seconds, 3),
                sql=query.sql,
                request_id=query.request_id,
            )
            for query in usage.slow
        ],
    )


def _ratings(services: Services) -> RatingsPost:
    metrics = services.metrics
    now = metrics.clock()
    start = metrics.ratings.within(Window.START, now)
    return RatingsPost(
        count=start.count,
        avg_ms=_ms(start.mean_s),
        p95_ms=_ms(start.p95_s),
        times=_windows(metrics.ratings, now),
    )


def _workers(services: Services) -> Workers:
    jobs = services.jobs
    return Workers(
        workers=services.ffmpeg.workers,
        processes=len(services.ffmpeg.process_ids),
        remaining=jobs.remaining,
        queued=jobs.queued,
        queued_by_kind={"visible": jobs.urgent, "waiting": jobs.queued - jobs.urgent},
        running=[
            RunningReport(video_id=item.video_id, seconds=round(item.seconds, 2))
            for item in jobs.under_way()
        ],
        done=jobs.tally.done,
        unreadable=jobs.tally.unreadable,
        failed=jobs.tally.failed,
        failures=[
            Failed(
                video_id=failure.video_id,
                at=iso(failure.at),
                reason=failure.reason,
                given_up=failure.given_up,
            )
            for failure in jobs.failures.values()
        ],
    )


async def _library(services: Services) -> LibraryReport:
    overview = await services.overviews.now()
    progress = services.library.progress()
    counts = {folder.root_id: folder for folder in overview.folders}
    return LibraryReport(
        videos=overview.videos,
        files=overview.files,
        missing=overview.missing,
        duplicates=overview.duplicates,
        unreadable=overview.unreadable,
        unreadable_reasons=dict(overview.reasons),
        size_bytes=overview.size_bytes,
        scanning=progress.scanning,
        files_seen=progress.files_seen,
        folders=[
            FolderReport(
                name=root.name,
                path=root.path.decode("utf-8", "replace"),
                files=counts[root.id].files if root.id in counts else 0,
                size_bytes=counts[root.id].size_bytes if root.id in counts else 0,
                offline_since=_iso_or_none(root.offline_since),
                scanned_at=_iso_or_none(root.scanned_at),
                watcher=services.watcher.state.get(root.id, ""),
            )
            for root in services.library.active_roots
        ],
    )


async def _storage(services: Services) -> StorageReport:
    storage = await services.storages.now()
    overview = await services.overviews.now()
    return StorageReport(
        library_bytes=overview.size_bytes,
        thumbnails_bytes=storage.thumbnails_bytes,
        database_bytes=storage.database_bytes,
        wal_bytes=storage.wal_bytes,
        backups_bytes=storage.backups_bytes,
        log_bytes=storage.log_bytes,
        data_disk=_disk(storage.data),
        library_disks={library.name: _disk(library.disk) for library in storage.libraries},
    )


def _disk(disk: Disk | None) -> DiskSpace | None:
    return (
        DiskSpace(
            total_bytes=disk.total_bytes, free_bytes=disk.free_bytes, read_only=disk.read_only
        )
        if disk
        else None
    )


async def _backups(services: Services) -> BackupsReport:
    state = await services.health.backups()
    return BackupsReport(
        newest_at=iso(int(state.newest.made_at.timestamp() * 1000)) if state.newest else None,
        newest_good=state.newest is not None and state.newest.good,
        kept=state.kept,
        failure=state.failure,
    )


def _system(services: Services) -> SystemReport:
    sample = services.system.latest
    return SystemReport(
        cpu=round(sample.cpu, 4),
        machine_cpu=round(sample.machine_cpu, 4),
        processors=services.system.processors,
        server_memory_bytes=sample.server.memory_bytes,
        workers_memory_bytes=sum(worker.memory_bytes for worker in sample.workers),
        memory_available_bytes=sample.memory_available_bytes,
        open_files=sample.open_files,
        open_files_limit=sample.open_files_limit,
        threads=sample.server.threads,
        loop_delay_ms=_ms(sample.delay_s),
    )


def _iso_or_none(unix_ms: int | None) -> str | None:
    return iso(unix_ms) if unix_ms is not None else None
