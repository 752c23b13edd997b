"""The answer of `/admin/performance.json` as pydantic models, the source of the OpenAPI document.

A model reads its values from a service's own by their names (`_read`); a name, a unit or a spelling
that differs is told by the field's type.
"""

from collections.abc import Callable
from functools import partial
from typing import Annotated, Any, TypeVar

from msgspec import Struct
from pydantic import ConfigDict, Field

from lvs import __version__
from lvs.clock import iso_utc_clamped
from lvs.models import display_path
from lvs.services.bundle import Services
from lvs.services.latency import Latencies, Quantiles, Window
from lvs.services.media import posters
from lvs.services.metrics import RouteStats
from lvs.services.playback.player_pool import PlayerPool
from lvs.web.card_templates import CARDS_KEPT
from lvs.web.schema import Schema
from lvs.web.templates import Templates

Model = TypeVar("Model", bound="FigureModel")


class Converted(Struct, frozen=True):
    """The conversion of a service's value to the report's."""

    convert: Callable[[Any], Any]


def _moment(value: Any) -> Any:
    return iso_utc_clamped(value) if isinstance(value, int) else value


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 3)


def _rounded(digits: int) -> Converted:
    return Converted(partial(round, ndigits=digits))


Moment = Annotated[str, Converted(_moment)]
"""ISO 8601, from Unix milliseconds."""

MomentOrNone = Annotated[str | None, Converted(_moment)]

Milliseconds = Annotated[float, Converted(_ms)]
"""Milliseconds, from seconds."""

Share = Annotated[float, _rounded(4)]
Seconds = Annotated[float, _rounded(6)]


class FigureModel(Schema):
    """Numbers read from a service."""

    model_config = ConfigDict(from_attributes=True, populate_by_name=True)


def _read(model: type[Model], source: object, **more: Any) -> Model:
    """The model with the values of `source` that have its fields' names, and with these."""
    values: dict[str, Any] = {}
    for name, field in model.model_fields.items():
        attribute = field.validation_alias if isinstance(field.validation_alias, str) else name
        if name in more:
            value = more[name]
        elif hasattr(source, attribute):
            value = getattr(source, attribute)
        else:
            continue
        for each in field.metadata:
            if isinstance(each, Converted) and value is not None:
                value = each.convert(value)
        values[name] = value
    return model.model_validate(values)


class Times(FigureModel):
    """Times to first byte, in milliseconds."""

    count: int
    mean_ms: Annotated[Milliseconds, Field(validation_alias="mean_s")]
    p50_ms: Annotated[Milliseconds, Field(validation_alias="p50_s")]
    p95_ms: Annotated[Milliseconds, Field(validation_alias="p95_s")]
    p99_ms: Annotated[Milliseconds, Field(validation_alias="p99_s")]


class Windows(Schema):
    """The times of the last five minutes, the last hour, and since the start."""

    model_config = ConfigDict(serialize_by_alias=True)

    five_minutes: Annotated[Times, Field(alias="5m")]
    hour: Annotated[Times, Field(alias="1h")]
    start: Times


class Endpoint(FigureModel):
    """One route since the start; `errors` are answers of 500 and above, `refused` those of 4xx."""

    method: str
    route: Annotated[str, Field(validation_alias="rule")]
    count: int
    errors: int
    refused: int
    bytes_sent: int
    queries_per_request: Annotated[float, _rounded(2)]
    database_ms: Annotated[
        Milliseconds, Field(description="Per request: statements, write wait, commit.")
    ]
    writer_wait_ms: Milliseconds
    render_ms: Milliseconds
    cache_hits: int
    cache_misses: int
    times: Windows


class CacheReport(FigureModel):
    """One cache since the start."""

    name: str
    hits: int
    misses: int
    evictions: int
    size: int
    max_size: int
    hit_rate: float


class RouteQueries(FigureModel):
    """Database use of one route since the start."""

    total: Annotated[int, Field(validation_alias="queries")]
    per_request: Annotated[float, _rounded(2)]
    seconds: Annotated[Seconds, Field(validation_alias="database_s")]


class SlowQueryReport(FigureModel):
    """A statement, a commit or a wait that took longer than a second."""

    at: Moment
    seconds: Annotated[float, _rounded(3)]
    sql: str
    request_id: str


class Queries(FigureModel):
    """Database use by requests (`total`, `per_request`, `by_route`) and by the whole server."""

    total: int
    per_request: Annotated[float, _rounded(2)]
    by_route: dict[str, RouteQueries]
    all_total: Annotated[
        int,
        Field(
            validation_alias="queries",
            description="With those of scans, workers and the dashboard.",
        ),
    ]
    seconds: Seconds
    commits: int
    transactions: int
    writer_wait_seconds: Annotated[Seconds, Field(validation_alias="writer_wait_s")]
    slow: list[SlowQueryReport]


class RatingsPost(Schema):
    """The calls that rate videos, all of them together, since the start."""

    count: int
    avg_ms: float
    p95_ms: float
    times: Windows


class RunningReport(FigureModel):
    """A video that is being probed."""

    video_id: int
    seconds: Annotated[float, _rounded(2)]


class Failed(FigureModel):
    """A video whose probe failed for a passing reason."""

    video_id: int
    at: Moment
    reason: str
    given_up: bool


class HostReport(FigureModel):
    """Another machine that lends workers; `done` counts probes, `films` those converted now."""

    name: str
    processes: int
    ready: bool
    running: int
    done: int
    strips: int
    signatures: int
    pieces: int
    films: int
    unfit: str
    lost: int
    failure: str


class Workers(FigureModel):
    """The probe workers; `queued_by_kind` separates videos on screen from the rest."""

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
    hosts: list[HostReport]


class FolderReport(FigureModel):
    """One library folder."""

    name: str
    path: Annotated[str, Converted(display_path)]
    files: int
    size_bytes: int
    offline_since: MomentOrNone
    scanned_at: MomentOrNone
    watcher: str


class LibraryReport(FigureModel):
    """The library folders in numbers."""

    videos: int
    hidden: int
    files: int
    missing: int
    duplicates: int
    unreadable: int
    unreadable_reasons: Annotated[
        dict[str, int], Converted(dict), Field(validation_alias="reasons")
    ]
    size_bytes: int
    scanning: bool
    files_seen: int
    folders: list[FolderReport]


class DiskSpace(FigureModel):
    """The disk under a folder."""

    total_bytes: int
    free_bytes: int
    read_only: bool


class StorageReport(FigureModel):
    """Used and free space, in bytes; null while unknown."""

    library_bytes: int
    thumbnails_bytes: int | None
    database_bytes: int
    wal_bytes: int
    backups_bytes: int | None
    log_bytes: int | None
    data_disk: Annotated[DiskSpace | None, Field(validation_alias="data")]
    library_disks: dict[str, DiskSpace | None]


class BackupsReport(FigureModel):
    """The newest good backup, and the failure of the last try."""

    newest_at: MomentOrNone
    newest_good: bool
    kept: int
    failure: str | None


class SystemReport(FigureModel):
    """Server and workers; `cpu` 1.0 is one whole processor."""

    cpu: Share
    machine_cpu: Share
    processors: int
    server_memory_bytes: int
    workers_memory_bytes: int
    memory_available_bytes: int
    open_files: int
    open_files_limit: int | None
    threads: int
    loop_delay_ms: Annotated[Milliseconds, Field(validation_alias="delay_s")]


class StreamReport(FigureModel):
    """A running stream; `rate` is recent bytes per second."""

    title: str
    client: str
    started_at: Moment
    bytes_sent: int
    bytes_total: int
    rate: float


class ConversionReport(FigureModel):
    """A film that is converted for a viewer; `speed` is seconds of film made per second, `place`
    the other machine that makes them.
    """

    title: str
    client: str
    variant: str
    speed: float
    segments: int
    cache_hits: int
    place: str


class PlaybackReport(FigureModel):
    """Films that are copied or converted into segments."""

    conversions: list[ConversionReport]
    workers: int
    segments_made: int
    refused: int
    cache_hits: int
    cache_misses: int
    cache_bytes: int
    cache_limit_bytes: int


class FunctionTimes(FigureModel):
    """A timed function; memory is the process's, before and after its last run."""

    errors: int
    times: Times
    memory_before_bytes: int | None
    memory_after_bytes: int | None


class IssueReport(FigureModel):
    """A health issue, and a hint."""

    level: str
    part: str
    sentence: Annotated[str, Field(validation_alias="message")]
    advice: Annotated[str, Field(validation_alias="hint")]


class RecentError(FigureModel):
    """A failed request."""

    at: Moment
    method: str
    route: Annotated[str, Field(validation_alias="rule")]
    status: int
    sentence: Annotated[str, Field(validation_alias="message")]
    request_id: str


class PerformanceReport(Schema):
    """All numbers of the dashboard."""

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
    playback: PlaybackReport
    functions: dict[str, FunctionTimes]
    errors: list[RecentError]


def playback_report(pool: PlayerPool) -> PlaybackReport:
    """Films that are copied or converted now, and what was made since the start."""
    return PlaybackReport(
        conversions=[
            ConversionReport(
                title=each.title,
                client=each.client,
                variant=each.variant,
                speed=each.speed,
                segments=each.segments,
                cache_hits=each.hits,
                place=each.place,
            )
            for each in pool.conversions()
        ],
        workers=len(pool.process_ids),
        segments_made=pool.made,
        refused=pool.refused,
        cache_hits=pool.cache.hits,
        cache_misses=pool.cache.misses,
        cache_bytes=pool.cache.size_bytes,
        cache_limit_bytes=pool.cache.limit_bytes,
    )


async def build_report(services: Services, pages: Templates) -> PerformanceReport:
    """Read the present numbers."""
    metrics = services.metrics
    now = metrics.clock()
    issues = await services.health.issues()
    routes = sorted(metrics.routes.values(), key=lambda route: -route.count)
    return PerformanceReport(
        status=issues[0].level.word if issues else "ok",
        version=__version__,
        uptime_seconds=round(metrics.uptime_s, 1),
        started_at=iso_utc_clamped(metrics.started_at),
        troubles=[_read(IssueReport, each, level=each.level.word) for each in issues],
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
        streams=[_read(StreamReport, stream) for stream in services.streams.running()],
        playback=playback_report(services.playback.pool),
        functions={
            each.name: _read(
                FunctionTimes, each, times=_times(each.latencies.within(Window.START, now))
            )
            for each in metrics.functions.values()
        },
        errors=[_read(RecentError, failure) for failure in metrics.failures],
    )


def caches(services: Services, pages: Templates) -> list[CacheReport]:
    """Numbers of every cache."""
    drawn = posters.placeholder.cache_info()
    cards = pages.cards
    return [
        CacheReport(name="library", **services.cache.status()),
        _cache("cards", cards.hits, cards.misses, len(cards), CARDS_KEPT),
        _cache("drawn pictures", drawn.hits, drawn.misses, drawn.currsize, drawn.maxsize or 0),
    ]


def _cache(name: str, hits: int, misses: int, size: int, max_size: int) -> CacheReport:
    """A cache that evicts one entry for each miss once it is full."""
    return CacheReport(
        name=name,
        hits=hits,
        misses=misses,
        evictions=max(0, misses - size),
        size=size,
        max_size=max_size,
        hit_rate=hits / (hits + misses) if hits + misses else 0.0,
    )


def _times(quantiles: Quantiles) -> Times:
    return _read(Times, quantiles)


def _windows(latencies: Latencies, now: float) -> Windows:
    return Windows.model_validate(
        {str(window): _times(latencies.within(window, now)) for window in Window}
    )


def _endpoint(route: RouteStats, now: float) -> Endpoint:
    count = route.count or 1
    return _read(
        Endpoint,
        route,
        queries_per_request=route.queries / count,
        database_ms=route.database_s / count,
        writer_wait_ms=route.writer_wait_s / count,
        render_ms=route.render_s / count,
        times=_windows(route.latencies, now),
    )


def _queries(services: Services) -> Queries:
    usage = services.query_stats
    total, requests = services.metrics.queries()
    return _read(
        Queries,
        usage,
        total=total,
        per_request=total / requests if requests else 0.0,
        by_route={
            route.name: _read(RouteQueries, route, per_request=route.queries / (route.count or 1))
            for route in services.metrics.routes.values()
        },
        slow=[_read(SlowQueryReport, query) for query in usage.slow],
    )


def _ratings(services: Services) -> RatingsPost:
    metrics = services.metrics
    windows = _windows(metrics.ratings, metrics.clock())
    start = windows.start
    return RatingsPost(count=start.count, avg_ms=start.mean_ms, p95_ms=start.p95_ms, times=windows)


def _workers(services: Services) -> Workers:
    jobs, pool = services.jobs, services.probe_pool
    return _read(
        Workers,
        jobs,
        workers=services.probes.workers,
        processes=len(pool.process_ids),
        queued_by_kind={"visible": jobs.urgent, "waiting": jobs.queued - jobs.urgent},
        running=[_read(RunningReport, item) for item in jobs.under_way()],
        done=jobs.tally.done,
        unreadable=jobs.tally.unreadable,
        failed=jobs.tally.failed,
        failures=[_read(Failed, failure) for failure in jobs.failures.values()],
        hosts=[_read(HostReport, host) for host in services.probes.states()],
    )


async def _library(services: Services) -> LibraryReport:
    overview = await services.overviews.now()
    progress = services.library.progress()
    counts = {folder.root_id: folder for folder in overview.folders}
    folders = [
        _read(
            FolderReport,
            root,
            files=counts[root.id].files if root.id in counts else 0,
            size_bytes=counts[root.id].size_bytes if root.id in counts else 0,
            watcher=services.watcher.state.get(root.id, ""),
        )
        for root in services.library.active_roots
    ]
    return _read(
        LibraryReport,
        overview,
        scanning=progress.scanning,
        files_seen=progress.files_seen,
        folders=folders,
    )


async def _storage(services: Services) -> StorageReport:
    storage = await services.storages.now()
    return _read(
        StorageReport,
        storage,
        library_bytes=(await services.overviews.now()).size_bytes,
        library_disks={library.name: library.disk for library in storage.libraries},
    )


async def _backups(services: Services) -> BackupsReport:
    state = await services.health.backups()
    newest = state.newest
    return _read(
        BackupsReport,
        state,
        newest_at=int(newest.made_at.timestamp() * 1000) if newest else None,
        newest_good=newest is not None and newest.good,
    )


def _system(services: Services) -> SystemReport:
    sample = services.system.latest
    return _read(
        SystemReport,
        sample,
        processors=services.system.processors,
        server_memory_bytes=sample.server.memory_bytes,
        workers_memory_bytes=sum(worker.memory_bytes for worker in sample.workers),
        threads=sample.server.threads,
    )
