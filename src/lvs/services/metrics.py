"""Metrics of the server, measured once: requests by route, functions by name, and what went wrong
lately.

Everything here is bounded: routes are counted by their rule and never by an address, and times go
into sketches. Nothing waits and nothing is written; who wants to know, asks.
"""

import functools
import logging
import random
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from enum import Enum, auto
from types import TracebackType
from typing import ParamSpec, Self, TypeVar

import psutil
from msgspec import Struct, field
from msgspec.structs import replace

from lvs.clock import now_ms
from lvs.db.query_stats import RequestQueries, usage_of_request
from lvs.logs import one_line
from lvs.services.latency import Latencies, Quantiles, Slot, Window

P = ParamSpec("P")
R = TypeVar("R")

NO_RULE = "(no such address)"
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
OTHER_METHOD = "OTHER"
SPARKLINE_SLOTS = 40  # twenty minutes
ENTRIES_KEPT = 50
MOST_ROUTES = 500
MOST_NOTED = 64
MOST_CHARACTERS = 400
LATELY_S = 300

SERVER_ERROR = 500
CLIENT_ERROR = 400


class RouteGroup(Enum):
    """The group under which a route's requests are counted."""

    VISITORS = auto()
    RATINGS = auto()  # of visitors, too
    DASHBOARD = auto()  # the dashboard itself, and programs that watch the server
    HEALTH_CHECK = auto()  # the same, and its errors repeat what the dashboard shows


MONITORING = frozenset({RouteGroup.DASHBOARD, RouteGroup.HEALTH_CHECK})


class RequestStats(RequestQueries):
    """One request while it is answered, and what it asked of the database.

    `rule` is the route's; `took_s` how many seconds it took until its answer began; `message` is
    that of an error. As a context it counts what runs in its block, and in the tasks begun
    there.
    """

    __slots__ = (
        "_token",
        "bytes_sent",
        "cache_hits",
        "cache_misses",
        "client",
        "message",
        "method",
        "metrics",
        "render_s",
        "route",
        "rule",
        "started",
        "status",
        "took_s",
    )

    def __init__(self, method: str, metrics: "Metrics") -> None:
        super().__init__(f"{random.getrandbits(48):012x}")
        self.method = method if method in METHODS else OTHER_METHOD
        self.metrics = metrics
        self.rule = NO_RULE
        self.client = self.message = ""
        self.status = self.cache_hits = self.cache_misses = self.bytes_sent = 0
        self.took_s = self.render_s = 0.0
        self.route: RouteStats | None = None
        self.started = time.perf_counter()

    @property
    def database_s(self) -> float:
        """Seconds it spent on the database: statements, waiting for the writer's turn, and the
        commit.
        """
        return self.seconds + self.writer_wait_s + self.commit_s

    def __enter__(self) -> Self:
        self._token = usage_of_request.set(self)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        usage_of_request.reset(self._token)


class RouteStats(Struct, eq=False):
    """Figures of one route since the start.

    `errors` are answers of 500 and above, `refused` those from 400 on.
    """

    method: str
    rule: str
    latencies: Latencies = field(default_factory=Latencies)
    statuses: dict[int, int] = field(default_factory=dict)
    bytes_sent: int = 0
    queries: int = 0
    database_s: float = 0.0
    writer_wait_s: float = 0.0
    render_s: float = 0.0
    cache_hits: int = 0
    cache_misses: int = 0

    @property
    def name(self) -> str:
        return f"{self.method} {self.rule}"

    @property
    def count(self) -> int:
        return self.latencies.count

    @property
    def errors(self) -> int:
        return sum(count for status, count in self.statuses.items() if status >= SERVER_ERROR)

    @property
    def refused(self) -> int:
        return sum(
            count
            for status, count in self.statuses.items()
            if CLIENT_ERROR <= status < SERVER_ERROR
        )


class FailedRequest(Struct, frozen=True):
    """A request that was answered with 500 or above; `at` is Unix milliseconds."""

    at: int
    method: str
    rule: str
    status: int
    message: str
    request_id: str


class LogLine(Struct, frozen=True):
    """A warning or an error from the log; `times` how often it came in a row, `at` the last time,
    in Unix milliseconds.
    """

    at: int
    level: str
    source: str
    message: str
    request_id: str
    times: int = 1


class FunctionStats(Struct, eq=False):
    """Figures of a function marked with `timed`.

    Memory is that of the process, before and after its last run.
    """

    name: str
    latencies: Latencies = field(default_factory=Latencies)
    errors: int = 0
    memory_before_bytes: int | None = None
    memory_after_bytes: int | None = None


class Metrics:
    """The counts and times of one running server.

    A request is only noted down when it is answered, and counted with some dozens of others, or
    when somebody wants to know: what is done in a row costs a fraction of what it costs in between
    everything else.
    """

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self.clock = clock
        self.started = clock()
        self.started_at = now_ms()
        self.functions: dict[str, FunctionStats] = {}
        self.failures: deque[FailedRequest] = deque(maxlen=ENTRIES_KEPT)
        self.log = RecentLog()
        self.groups: Mapping[tuple[str, str], RouteGroup] = {}  # by method and rule
        self.listeners: list[
            Callable[[RequestStats], None]
        ] = []  # told of each request when it is counted
        self._routes: dict[tuple[str, str], RouteStats] = {}
        self._pages = Latencies(SPARKLINE_SLOTS)
        self._ratings = Latencies()
        self._noted: list[RequestStats] = []

    @property
    def uptime_s(self) -> float:
        return self.clock() - self.started

    @property
    def routes(self) -> dict[tuple[str, str], RouteStats]:
        """Every route that was asked for, by method and rule."""
        self.count()
        return self._routes

    @property
    def pages(self) -> Latencies:
        """The times of all requests but the dashboard's own."""
        self.count()
        return self._pages

    @property
    def ratings(self) -> Latencies:
        """The times of the calls that give stars."""
        self.count()
        return self._ratings

    # --- Requests ---

    def answered(self, request: RequestStats, status: int) -> None:
        """The answer to a request begins. Its bytes are still to come: `sent` counts them."""
        request.status, request.took_s = status, self.clock() - request.started
        self._noted.append(request)
        if (
            status >= SERVER_ERROR
            and self._group(request.method, request.rule) is not RouteGroup.HEALTH_CHECK
        ):
            failure = FailedRequest(
                now_ms(), request.method, request.rule, status, request.message, request.request_id
            )
            self.failures.append(failure)
        if len(self._noted) >= MOST_NOTED:
            self.count()

    def sent(self, request: RequestStats, size_bytes: int) -> None:
        """Count bytes of the answer's body."""
        request.bytes_sent += size_bytes
        if request.route is not None:
            request.route.bytes_sent += size_bytes

    def count(self) -> None:
        """Count the requests that were noted down."""
        noted, self._noted = self._noted, []
        for request in noted:
            self._count(request)
            for listener in self.listeners:
                listener(request)

    def _count(self, request: RequestStats) -> None:
        at = request.started + request.took_s
        route = request.route = self._route(request)
        route.latencies.add(request.took_s, at)
        route.statuses[request.status] = route.statuses.get(request.status, 0) + 1
        route.bytes_sent += request.bytes_sent
        route.queries += request.queries
        route.database_s += request.database_s
        route.writer_wait_s += request.writer_wait_s
        route.render_s += request.render_s
        route.cache_hits += request.cache_hits
        route.cache_misses += request.cache_misses
        group = self._group(request.method, request.rule)
        if group not in MONITORING:
            self._pages.add(request.took_s, at)
        if group is RouteGroup.RATINGS:
            self._ratings.add(request.took_s, at)

    def _group(self, method: str, rule: str) -> RouteGroup:
        return self.groups.get((method, rule), RouteGroup.VISITORS)

    def _route(self, request: RequestStats) -> RouteStats:
        key = (request.method, request.rule)
        route = self._routes.get(key)
        if route is None:
            if (
                len(self._routes) >= MOST_ROUTES
            ):  # rules are few; this is for what nobody thought of
                key = (OTHER_METHOD, NO_RULE)
            route = self._routes.setdefault(key, RouteStats(*key))
        return route

    def own(self, route: RouteStats) -> bool:
        """True if the route serves the dashboard itself, and programs that watch the server."""
        return self._group(route.method, route.rule) in MONITORING

    def visited(self) -> list[RouteStats]:
        """The routes that were asked for by visitors, and not by the dashboard itself."""
        return [route for route in self.routes.values() if not self.own(route)]

    def queries(self) -> tuple[int, int]:
        """Counts of statements caused by visitors' requests, and of those requests."""
        routes = self.visited()
        return sum(route.queries for route in routes), sum(route.count for route in routes)

    def page_times(self, window: Window) -> Quantiles:
        """Times to first byte of visitors' requests."""
        return self.pages.within(window, self.clock())

    def sparkline(self) -> list[Slot]:
        """The last twenty minutes of visitors' requests by half minutes."""
        return self.pages.slots(SPARKLINE_SLOTS, self.clock())

    def failed_lately(self, seconds: float = LATELY_S) -> list[FailedRequest]:
        """Requests that failed within the last seconds, oldest first."""
        since = now_ms() - seconds * 1000
        return [failure for failure in self.failures if failure.at >= since]

    # --- Functions ---

    def function(self, name: str) -> FunctionStats:
        """The record of a function that is timed."""
        found = self.functions.get(name)
        if found is None:
            found = self.functions[name] = FunctionStats(name)
        return found


here: ContextVar[Metrics | None] = ContextVar("metrics_here", default=None)
"""The metrics of the server that runs this task, for functions that are timed."""


def under_way() -> RequestStats | None:
    """The request that runs in this task."""
    found = usage_of_request.get()
    return found if isinstance(found, RequestStats) else None


def timed(
    name: str, memory: bool = False
) -> Callable[[Callable[P, Awaitable[R]]], Callable[P, Awaitable[R]]]:
    """Time an async function under `name`, and with `memory` note the process's memory before and
    after each run.
    """

    def mark(function: Callable[P, Awaitable[R]]) -> Callable[P, Awaitable[R]]:
        @functools.wraps(function)
        async def run(*arguments: P.args, **named: P.kwargs) -> R:
            request = under_way()
            metrics = request.metrics if request else here.get()
            if metrics is None:
                return await function(*arguments, **named)
            record = metrics.function(name)
            before_bytes = resident_bytes() if memory else None
            started = time.perf_counter()
            try:
                return await function(*arguments, **named)
            except Exception:
                record.errors += 1
                raise
            finally:
                record.latencies.add(time.perf_counter() - started, metrics.clock())
                if memory:
                    record.memory_before_bytes, record.memory_after_bytes = (
                        before_bytes,
                        resident_bytes(),
                    )

        return run

    return mark


@contextmanager
def rendering() -> Iterator[None]:
    """Count the block as time in which a page or a part of it was rendered."""
    request = under_way()
    started = time.perf_counter()
    try:
        yield
    finally:
        if request is not None:
            request.render_s += time.perf_counter() - started


def record_error_message(message: str) -> None:
    """Note what the visitor is told of an error in the request under way."""
    request = under_way()
    if request is not None:
        request.message = message


def request_id() -> str:
    """The id of the request under way, as the log and the error pages name it; empty outside."""
    request = under_way()
    return request.request_id if request is not None else ""


def cache_asked(hit: bool) -> None:
    """Note for the request under way that a cache had, or had not, what was wanted."""
    request = under_way()
    if request is not None:
        request.cache_hits += hit
        request.cache_misses += not hit


def resident_bytes() -> int:
    """Memory the process holds now."""
    return int(psutil.Process().memory_info().rss)


class RecentLog(logging.Handler):
    """Keeps the last warnings and errors of the log, each with the id of the request during which
    it came.
    """

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.entries: deque[LogLine] = deque(maxlen=ENTRIES_KEPT)

    def emit(self, record: logging.LogRecord) -> None:
        try:
            message = one_line(record.getMessage())
        except (TypeError, ValueError):  # whoever logged gave values that do not fit the words
            message = str(record.msg)
        error = record.exc_info[1] if record.exc_info else None
        if error is not None:
            message = one_line(f"{message} ({type(error).__name__}: {error})")
        request = under_way()
        entry = LogLine(
            int(record.created * 1000),
            record.levelname.lower(),
            record.name,
            message[:MOST_CHARACTERS],
            request.request_id if request else "",
        )
        last = self.entries[-1] if self.entries else None
        if last is not None and (last.level, last.source, last.message) == (
            entry.level,
            entry.source,
            entry.message,
        ):
            self.entries[-1] = replace(entry, times=last.times + 1)
        else:
            self.entries.append(entry)

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Take in what is logged while the block runs."""
        root = logging.getLogger()
        root.addHandler(self)
        try:
            yield
        finally:
            root.removeHandler(self)
