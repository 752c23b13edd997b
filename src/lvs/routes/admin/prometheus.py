"""`/metrics`: what is measured, in Prometheus's text format.

The numbers are collected when they are asked for.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from prometheus_client import CollectorRegistry, Histogram, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, SummaryMetricFamily
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric
from quart import Quart, Response, current_app, request

from lvs.routes.admin import report
from lvs.services.bundle import Services
from lvs.services.metrics import RequestStats
from lvs.web.responses import pages, services

BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Exposition:
    """A histogram of requests, filled as they come; the other numbers are read on request."""

    def __init__(self, services: Services) -> None:
        self._families: list[Metric] = []
        self._children: dict[tuple[str, str], Histogram] = {}
        self.registry = CollectorRegistry(auto_describe=False)
        self._seconds = Histogram(
            "lvs_request_seconds",
            "Seconds until the answer to a request began",
            ["method", "route"],
            buckets=BUCKETS_S,
            registry=self.registry,
        )
        ProcessCollector(registry=self.registry)
        self.registry.register(self)
        services.metrics.listeners.append(self._observe)

    def _observe(self, measured: RequestStats) -> None:
        route = measured.route
        if route is None:
            return
        child = self._children.get((route.method, route.rule))
        if child is None:
            child = self._children[route.method, route.rule] = self._seconds.labels(
                route.method, route.rule
            )
        child.observe(measured.took_s)

    def collect(self) -> Iterable[Metric]:
        """The families of the report that is being written; for the registry."""
        return self._families

    def text(
        self, found: report.PerformanceReport, services: Services, accept: str
    ) -> tuple[bytes, str]:
        """The answer and its media type, in the version of the format that the client prefers."""
        services.metrics.count()
        encode, media_type = choose_encoder(accept)
        self._families = list(families(found, services))
        try:
            return encode(self.registry), media_type
        finally:
            self._families = []


def install(app: Quart, services: Services) -> None:
    """Count the requests of this application from now on."""
    app.extensions["lvs.exposition"] = Exposition(services)


async def metrics() -> Response:
    """All measurements, for Prometheus."""
    exposition: Exposition = current_app.extensions["lvs.exposition"]
    found = await report.build_report(services(), pages())
    content, media_type = exposition.text(found, services(), request.headers.get("Accept", ""))
    return Response(content, content_type=media_type)


def families(found: report.PerformanceReport, services: Services) -> Iterator[Metric]:
    """All metric families but the request times, with names that begin with `lvs_`."""
    yield _gauge("lvs_info", "The version that runs", {found.version: 1}, "version")
    yield _gauge("lvs_uptime_seconds", "Seconds since the start", found.uptime_seconds)
    levels = [issue.level for issue in found.troubles]
    yield _gauge(
        "lvs_troubles",
        "What is not well",
        {level: levels.count(level) for level in ("attention", "fault")},
        "level",
    )
    yield from _requests(services)
    yield from _database(found)
    yield from _caches(found)
    yield from _workers(found)
    yield from _library(found)
    yield from _machine(found)
    functions = SummaryMetricFamily(
        "lvs_function_seconds", "Seconds that functions took", labels=["function"]
    )
    for function in services.metrics.functions.values():
        functions.add_metric([function.name], function.latencies.count, function.latencies.total_s)
    yield functions


def _requests(services: Services) -> Iterator[Metric]:
    requests = CounterMetricFamily(
        "lvs_requests", "Requests answered", labels=["method", "route", "status"]
    )
    sent = CounterMetricFamily(
        "lvs_response_bytes", "Bytes of bodies sent", labels=["method", "route"]
    )
    queries = CounterMetricFamily(
        "lvs_request_queries", "Statements that requests caused", labels=["method", "route"]
    )
    seconds = CounterMetricFamily(
        "lvs_request_database_seconds",
        "Seconds that requests spent on the database",
        labels=["method", "route"],
    )
    for route in services.metrics.routes.values():
        for status, count in sorted(route.statuses.items()):
            requests.add_metric([route.method, route.rule, str(status)], count)
        for family, value in (
            (sent, route.bytes_sent),
            (queries, route.queries),
            (seconds, route.database_s),
        ):
            family.add_metric([route.method, route.rule], value)
    yield from (requests, sent, queries, seconds)


def _database(found: report.PerformanceReport) -> Iterator[Metric]:
    queries = found.db_queries
    yield _counter("lvs_database_queries", "Statements", queries.all_total)
    yield _counter("lvs_database_seconds", "Seconds that statements took", queries.seconds)
    yield _counter("lvs_database_commits", "Commits", queries.commits)
    yield _counter(
        "lvs_database_transactions",
        "Transactions, of which several may share a commit",
        queries.transactions,
    )
    yield _counter(
        "lvs_database_writer_wait_seconds",
        "Seconds that writers waited",
        queries.writer_wait_seconds,
    )


def _caches(found: report.PerformanceReport) -> Iterator[Metric]:
    caches = found.caches
    yield _counter(
        "lvs_cache_hits",
        "Values that a cache had",
        {cache.name: cache.hits for cache in caches},
        "cache",
    )
    yield _counter(
        "lvs_cache_misses",
        "Values that a cache had not",
        {cache.name: cache.misses for cache in caches},
        "cache",
    )
    evictions = {cache.name: cache.evictions for cache in caches}
    yield _counter(
        "lvs_cache_evictions",
        "Values dropped because the cache was full or they expired",
        evictions,
        "cache",
    )
    yield _gauge(
        "lvs_cache_entries",
        "Values in a cache",
        {cache.name: cache.size for cache in caches},
        "cache",
    )


def _workers(found: report.PerformanceReport) -> Iterator[Metric]:
    workers = found.workers
    yield _gauge("lvs_jobs_queued", "Jobs waiting for a worker", workers.queued_by_kind, "kind")
    yield _gauge("lvs_jobs_running", "Jobs being worked on", len(workers.running))
    yield _gauge("lvs_jobs_remaining", "Videos waiting to be analysed", workers.remaining)
    results = {"done": workers.done, "unreadable": workers.unreadable, "failed": workers.failed}
    yield _counter("lvs_jobs", "Jobs ended since the start", results, "result")
    yield _gauge("lvs_streams_running", "Running streams", len(found.streams))
    yield _gauge(
        "lvs_streams_bytes_per_second",
        "Bytes sent per second to all running streams",
        sum(stream.rate for stream in found.streams),
    )
    playback = found.playback
    yield _gauge("lvs_conversions_running", "Videos being converted", len(playback.conversions))
    yield from _conversions(playback.conversions)
    yield _gauge("lvs_player_workers", "Processes that make segments", playback.workers)
    yield _counter("lvs_segments_made", "Segments since the start", playback.segments_made)
    yield _counter("lvs_conversions_refused", "Conversions refused while busy", playback.refused)
    requests = {"hit": playback.cache_hits, "miss": playback.cache_misses}
    yield _counter("lvs_segment_cache", "Converted segments asked for", requests, "result")
    yield _gauge("lvs_segment_cache_bytes", "Converted segments kept", playback.cache_bytes)


def _conversions(running: Sequence[report.ConversionReport]) -> Iterator[Metric]:
    """Conversions that run, by film and client."""
    speed, hits = (
        GaugeMetricFamily(name, words, labels=["film", "client"])
        for name, words in (
            ("lvs_conversion_speed", "Seconds of video converted per second"),
            ("lvs_conversion_cache_hits", "Segments of it that came from the cache"),
        )
    )
    for (video, client), each in {(each.title, each.client): each for each in running}.items():
        speed.add_metric([video, client], each.speed)
        hits.add_metric([video, client], each.cache_hits)
    yield from (speed, hits)


def _library(found: report.PerformanceReport) -> Iterator[Metric]:
    library, storage = found.library, found.storage
    kinds = {
        name: getattr(library, name)
        for name in ("videos", "files", "missing", "duplicates", "unreadable")
    }
    yield _gauge("lvs_library", "What there is in the library", kinds, "kind")
    offline = {folder.name: int(folder.offline_since is not None) for folder in library.folders}
    yield _gauge(
        "lvs_library_folder_offline", "1 for a library folder that is away", offline, "folder"
    )
    sizes = {
        "library": storage.library_bytes,
        "thumbnails": storage.thumbnails_bytes,
        "database": storage.database_bytes,
        "wal": storage.wal_bytes,
        "backups": storage.backups_bytes,
        "log": storage.log_bytes,
    }
    known = {name: size for name, size in sizes.items() if size is not None}
    yield _gauge("lvs_storage_bytes", "Room taken", known, "what")
    if storage.data_disk is not None:
        yield _gauge(
            "lvs_data_disk_free_bytes", "Room left for what LVS keeps", storage.data_disk.free_bytes
        )


def _machine(found: report.PerformanceReport) -> Iterator[Metric]:
    system = found.system
    yield _gauge("lvs_cpu", "Processors that server and workers keep busy", system.cpu)
    memory = {"server": system.server_memory_bytes, "workers": system.workers_memory_bytes}
    yield _gauge("lvs_memory_bytes", "Memory held", memory, "part")
    yield _gauge(
        "lvs_loop_delay_seconds",
        "Longest wait for the server's loop of late",
        system.loop_delay_ms / 1000,
    )


def _gauge(name: str, words: str, values: Mapping[str, float] | float, label: str = "") -> Metric:
    return _filled(GaugeMetricFamily(name, words, labels=[label] if label else []), values)


def _counter(name: str, words: str, values: Mapping[str, float] | float, label: str = "") -> Metric:
    return _filled(CounterMetricFamily(name, words, labels=[label] if label else []), values)


def _filled(
    family: GaugeMetricFamily | CounterMetricFamily, values: Mapping[str, float] | float
) -> Metric:
    """The family with one value, or with one for each value of its label."""
    if isinstance(values, Mapping):
        for key, value in values.items():
            family.add_metric([key], value)
    else:
        family.add_metric([], values)
    return family
