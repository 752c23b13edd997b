"""Health checks: what is wrong and what to do about it, in messages for the person who keeps the
server.
"""

import asyncio
import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import IntEnum

from msgspec import Struct

from lvs.clock import now_ms
from lvs.config import Config
from lvs.db import overview as rows
from lvs.db.database import Database
from lvs.errors import LvsError
from lvs.models import display_path
from lvs.services.backup.backups import Backups, BackupState
from lvs.services.backup.replication import Replication
from lvs.services.backup.second_place import SecondPlace
from lvs.services.latency import Window
from lvs.services.library.library import Library
from lvs.services.library.watch_worker import WatchFailure
from lvs.services.library.watcher import Watcher
from lvs.services.media.probe_pool import ProbePool
from lvs.services.media.probe_queue import ProbeQueue
from lvs.services.metrics import Metrics, RouteStats
from lvs.services.monitoring.library_counts import LibraryCounter
from lvs.services.monitoring.storage import Disk, Storage, StorageMonitor
from lvs.services.monitoring.system import System
from lvs.text import plural
from lvs.versions import message as untested_message
from lvs.versions import untested

log = logging.getLogger(__name__)

LATELY_S = 300  # what is over for so long is no issue any more
FAILED_PROBES_S = 3600
BROKEN_PROBES = 3  # so many in a row are no longer the fault of a film
STUCK_SHARE = 1.5
SLOW_PAGES_S = 1.0
SLOW_PAGES_LEAST = 20
HELD_UP_S = 1.0
WAL_BYTES = 256_000_000
FILES_SHARE = 0.8
MEMORY_SHARE = 0.03
CHECK_S = 2.0
BACKUPS_S = 10.0
BACKUP_DAYS = 3

_KEEP = (
    "and keep it with that line in a file below /etc/sysctl.d; "
    "LVS watches again within ten minutes."
)
_UNWATCHED = {
    WatchFailure.WATCHES: (
        "the system's limit on watched folders is used up",
        f"Raise it with `sudo sysctl fs.inotify.max_user_watches=1048576`, {_KEEP}",
    ),
    WatchFailure.INSTANCES: (
        "the system's limit on programs that watch is used up",
        f"Raise it with `sudo sysctl fs.inotify.max_user_instances=1024`, {_KEEP}",
    ),
    WatchFailure.BROKEN: (
        "the watch failed several times",
        "The log says more. LVS tries again every ten minutes.",
    ),
}


class Level(IntEnum):
    """Levels of health; the worse, the higher."""

    OK = 0
    BUSY = 1
    WARNING = 2
    ERROR = 3

    @property
    def word(self) -> str:
        """The level's name in JSON, metrics and style classes, which programs rely on."""
        return ("ok", "busy", "attention", "fault")[self]


class Issue(Struct, frozen=True):
    """A problem, and what to do about it.

    `part` is the tile it belongs to; `since` Unix milliseconds, where it is known; `page` the
    address of the page that repairs it, where there is one.
    """

    level: Level
    part: str
    message: str
    hint: str
    since: int | None = None
    page: str = ""


class HealthCheck(Struct, frozen=True):
    """One check of `/ping?deep=1`."""

    ok: bool
    detail: str


@dataclass(eq=False, slots=True)
class Health:
    """Judges figures that are measured anyway, and measures nothing itself except in `checks`."""

    config: Config
    database: Database
    library: Library
    watcher: Watcher
    jobs: ProbeQueue
    probe_pool: ProbePool
    metrics: Metrics
    overviews: LibraryCounter
    storages: StorageMonitor
    system: System
    made: Backups
    second_place: SecondPlace
    replication: Replication
    backups_s: float = field(default=BACKUPS_S, init=False)
    _backup_state: BackupState = field(default_factory=BackupState, init=False)
    _backups_asked_at: float = field(default=-BACKUPS_S, init=False)
    _untested: tuple[str, ...] = field(default=(), init=False)
    _writing: "asyncio.Task[None] | None" = field(default=None, init=False)

    async def issues(self) -> list[Issue]:
        """Present issues, worst first."""
        found = [
            *self._disks(await self.storages.now()),
            *self._drives(),
            *await self._dates(),
            *await self._checks(),
            *self._database_issues(),
            *self._backup_issues(await self.backups()),
            *self._second_place_issues(),
            *self._replication_issues(),
            *self._requests(),
            *self._machine(),
            *self._watching(),
            *self._versions(),
        ]
        return sorted(found, key=lambda issue: -issue.level)

    async def backups(self) -> BackupState:
        """State of the backups, at most some seconds old."""
        if time.monotonic() - self._backups_asked_at >= self.backups_s:
            self._backups_asked_at = time.monotonic()
            self._backup_state = await self.made.state()
        return self._backup_state

    async def check_versions(self) -> None:
        """Compare Python and the packages with the tested versions, once at the start."""
        self._untested = await asyncio.to_thread(untested)
        if self._untested:
            log.warning("%s", untested_message(self._untested))

    async def checks(self) -> dict[str, HealthCheck]:
        """The checks of the database, the library folders and the workers, by name.

        Takes a few seconds at most.
        """
        folders = [issue for issue in self._drives() if issue.level is Level.ERROR]
        workers = list(self._workers())
        return {
            "database": await self._check_database(),
            "library": HealthCheck(not folders, " ".join(issue.message for issue in folders)),
            "workers": HealthCheck(not workers, " ".join(issue.message for issue in workers)),
        }

    # --- One part after the other ---

    def _disks(self, storage: Storage) -> Iterator[Issue]:
        data, thumbnails = storage.data, storage.thumbnails_disk
        yield from _disk_issues(data, "data", "ratings, tags and views")
        if (
            thumbnails
            and data
            and (thumbnails.total_bytes, thumbnails.free_bytes)
            != (data.total_bytes, data.free_bytes)
        ):
            yield from _disk_issues(thumbnails, "thumbnails", "posters")
        if storage.wal_bytes > WAL_BYTES:
            yield Issue(
                Level.WARNING,
                "database",
                "The database's journal has grown large: something reads the database for very"
                " long.",
                "Close other programs that have lvs.db open; a restart of LVS empties the journal.",
            )

    def _drives(self) -> Iterator[Issue]:
        for root in self.library.active_roots:
            if root.offline_since is not None:
                yield Issue(
                    Level.ERROR,
                    "library",
                    f"The library folder “{root.name}” has been offline since"
                    f" {clock_text(root.offline_since)}.",
                    f"Connect its drive, or mount {display_path(root.path)} again; its videos"
                    " come back by themselves.",
                    root.offline_since,
                )
        for name in self.storages.hanging():
            yield Issue(
                Level.ERROR,
                "library",
                f"The drive of the library folder “{name}” does not answer.",
                "See that it, or the machine it belongs to, runs and can be reached.",
            )
        for away in self.library.drives.away:
            root = self.library.roots[away.root_id]
            if root.active and root.offline_since is None:
                yield Issue(
                    Level.WARNING,
                    "library",
                    f"The folder “{root.name}/{display_path(away.path)}” has been unreadable since"
                    f" {clock_text(away.since)}.",
                    "See that its disk is mounted, and that LVS may read it; its videos come back"
                    " by themselves.",
                    away.since,
                )
        yield from self._odd_times()
        errors = [error for error in self.library.progress().errors if error]
        if errors:
            more = f" The same goes for {len(errors) - 1} more." if len(errors) > 1 else ""
            yield Issue(Level.WARNING, "library", errors[0] + more, "See that LVS may read it.")

    def _odd_times(self) -> Iterator[Issue]:
        for root in self.library.active_roots:
            passed = self.library.passed_over.get(root.id)
            if passed is not None and passed.odd_times:
                more = passed.odd_times_count - 1
                others = f" The same goes for {plural(more, 'other file')}." if more else ""
                yield Issue(
                    Level.WARNING,
                    "library",
                    f"“{root.name}/{display_path(passed.odd_times[0])}” has an impossible"
                    f" modification time: before 1970, or in the future.{others}",
                    "Set it right with `touch` on the machine that holds the file, and see that the"
                    " clocks are right.",
                )

    async def _dates(self) -> list[Issue]:
        number = (await self.overviews.now()).odd_dates
        if not number:
            return []
        message = (
            f"{plural(number, 'film')} {'has a date' if number == 1 else 'have dates'} of addition"
            " that cannot be: the clock was wrong."
        )
        hint = "See that the clock is right, then repair them at /admin/dates."
        return [Issue(Level.WARNING, "library", message, hint, page="/admin/dates")]

    async def _checks(self) -> list[Issue]:
        found = list(self._workers())
        since = now_ms() - FAILED_PROBES_S * 1000
        failures = [failure for failure in self.jobs.failures.values() if failure.at >= since]
        if failures:
            last = failures[-1]
            titles = await self.overviews.titles([last.video_id])
            title = titles[last.video_id][1] if last.video_id in titles else "a video"
            number = (
                f"{len(failures)} videos could not be analysed, the last"
                if len(failures) > 1
                else "A worker failed on"
            )
            hint = (
                "It is listed with the files that cannot be read. Press “try again” once the cause"
                " is gone."
                if last.given_up
                else "It is tried again by itself. If that does not help, the log says more."
            )
            found.append(
                Issue(Level.WARNING, "workers", f"{number} “{title}”: {last.reason}", hint, last.at)
            )
        return found

    def _workers(self) -> Iterator[Issue]:
        if self.jobs.failed_in_a_row >= BROKEN_PROBES:
            yield Issue(
                Level.ERROR,
                "workers",
                f"The last {self.jobs.failed_in_a_row} videos could not be analysed: new films"
                " get no picture.",
                "See the reasons with the workers; if they are the same for all, read the log"
                " and restart LVS.",
            )
        stuck_s = self.probe_pool.time_limit_s * STUCK_SHARE
        stuck = [running for running in self.jobs.under_way() if running.seconds > stuck_s]
        if stuck:
            yield Issue(
                Level.ERROR,
                "workers",
                f"{len(stuck)} of {self.probe_pool.workers} workers hang: their drive does not"
                " answer.",
                "See that the drives of the library answer; the workers go on by themselves.",
            )

    def _database_issues(self) -> Iterator[Issue]:
        since = now_ms() - LATELY_S * 1000
        slow = [query for query in self.database.usage.slow if query.at >= since]
        if slow:
            worst = max(slow, key=lambda query: query.seconds)
            number = (
                f"{len(slow)} slow queries in the last five minutes, the slowest"
                if len(slow) > 1
                else "A slow query"
            )
            request = f" (request {worst.request_id})" if worst.request_id else ""
            yield Issue(
                Level.WARNING,
                "database",
                f"{number} took {worst.seconds:.1f} s at {clock_text(worst.at)}:"
                f" {_short(worst.sql)}{request}.",
                "See whether the disk or the processor is busy with something else.",
                worst.at,
            )

    def _backup_issues(self, state: BackupState) -> Iterator[Issue]:
        if state.failure is not None and state.failed_at is not None:
            yield Issue(
                Level.WARNING,
                "database",
                f"The backup of {clock_text(state.failed_at)} failed: {state.failure}",
                "It is tried again by itself; `lvs backup` makes one at once.",
                state.failed_at,
            )
        elif state.newest is not None and datetime.now(UTC) - state.newest.made_at > timedelta(
            days=BACKUP_DAYS
        ):
            yield Issue(
                Level.WARNING,
                "database",
                "The last good backup is of"
                f" {clock_text(int(state.newest.made_at.timestamp() * 1000))}.",
                "One is made each night while LVS runs; `lvs backup` makes one at once.",
            )

    def _second_place_issues(self) -> Iterator[Issue]:
        state = self.second_place.state()
        if state is None:
            return
        if state.failure:
            hint = "It is caught up with by itself; `lvs doctor` examines the place."
            yield Issue(Level.WARNING, "database", state.failure, hint, state.away_since)
        elif state.newest and datetime.now(UTC) - state.newest.made_at > timedelta(
            days=BACKUP_DAYS
        ):
            at = clock_text(int(state.newest.made_at.timestamp() * 1000))
            message = f"The last copy of a backup in {state.folder} is of {at}."
            yield Issue(Level.WARNING, "database", message, "See why no backup was made since.")

    def _replication_issues(self) -> Iterator[Issue]:
        state = self.replication.state()
        if state.failure:
            hint = "LVS tries again by itself, and catches up."
            yield Issue(Level.WARNING, "database", state.failure, hint)
        if state.rehearsal and state.rehearsal.problem:
            message = f"The copy at {state.url} failed its rehearsal: {state.rehearsal.problem}"
            hint = (
                "LVS copies the whole database anew every hour. Where that does not help, move that"
                " copy aside and restart LVS."
            )
            yield Issue(Level.ERROR, "database", message, hint, state.rehearsal.at)

    def _requests(self) -> Iterator[Issue]:
        failed = self.metrics.failed_lately(LATELY_S)
        if failed:
            last = failed[-1]
            number = (
                f"{len(failed)} requests failed in the last five minutes"
                if len(failed) > 1
                else "A request failed"
            )
            said = f" with “{last.message}”" if last.message else ""
            yield Issue(
                Level.WARNING,
                "errors",
                f"{number}: {last.method} {last.rule} at {clock_text(last.at)}{said} (request"
                f" {last.request_id}).",
                "The log says more under the request's id.",
                last.at,
            )
        times = self.metrics.page_times(Window.FIVE_MINUTES)
        if times.p95_s > SLOW_PAGES_S and times.count >= SLOW_PAGES_LEAST:
            slowest = self.slowest_routes()
            why = f", {slowest[0].name} most of all: {why_slow(slowest[0])}" if slowest else ""
            yield Issue(
                Level.WARNING,
                "requests",
                f"Pages are slow: one in twenty takes longer than {times.p95_s:.1f} s{why}.",
                "The slowest routes show where the time goes.",
            )

    def _machine(self) -> Iterator[Issue]:
        sample = self.system.latest
        if sample.delay_s > HELD_UP_S:
            yield Issue(
                Level.WARNING,
                "system",
                f"The server itself was held up for {sample.delay_s:.1f} s a moment ago.",
                "The machine is overloaded or was asleep; see what else runs on it.",
            )
        if sample.open_files_limit and sample.open_files > FILES_SHARE * sample.open_files_limit:
            yield Issue(
                Level.WARNING,
                "system",
                f"{sample.open_files} of {sample.open_files_limit} files and connections are open.",
                "Raise the limit (ulimit -n) before starting LVS, or close some of the viewers.",
            )
        if sample.memory_available_bytes < MEMORY_SHARE * sample.memory_total_bytes:
            yield Issue(
                Level.WARNING,
                "system",
                "The machine has hardly any memory left.",
                "Close what is not needed, or set fewer workers.",
            )

    def _watching(self) -> Iterator[Issue]:
        for root in self.library.active_roots:
            failure = self.watcher.failures.get(root.id)
            if failure in _UNWATCHED:
                reason, advice = _UNWATCHED[failure]
                interval = f"{self.config.poll_interval:g} s"
                yield Issue(
                    Level.WARNING,
                    "library",
                    f"“{root.name}” cannot be watched, for {reason}: "
                    f"changes in it are seen every {interval} only.",
                    advice,
                )

    def _versions(self) -> Iterator[Issue]:
        if self._untested:
            yield Issue(
                Level.WARNING,
                "system",
                untested_message(self._untested),
                "If something does not work, install the versions that uv.lock names, or a newer"
                " LVS.",
            )

    # --- What only `checks` does ---

    async def _check_database(self) -> HealthCheck:
        """Read something, and begin and end a transaction.

        One that hangs is not begun a second time.
        """
        if self._writing is None:
            self._writing = asyncio.create_task(self._write_nothing())
        await asyncio.wait([self._writing], timeout=CHECK_S)
        if not self._writing.done():
            return HealthCheck(False, f"The database did not answer within {CHECK_S:g} seconds.")
        task, self._writing = self._writing, None
        error = task.exception()
        if error is not None:
            return HealthCheck(
                False,
                (
                    error.message
                    if isinstance(error, LvsError)
                    else "The database does not answer as it should."
                ),
            )
        return HealthCheck(True, "")

    async def _write_nothing(self) -> None:
        async with self.database.read() as db:
            await rows.answers(db)
        async with self.database.transaction() as tx:
            await rows.answers(tx)

    # --- Why it is slow ---

    def slowest_routes(self, number: int = 8) -> list[RouteStats]:
        """Visitors' routes of the last hour, those with the longest 95th percentile first."""
        now = self.metrics.clock()
        used = [
            route
            for route in self.metrics.visited()
            if route.latencies.within(Window.HOUR, now).count
        ]
        return sorted(used, key=lambda route: -route.latencies.within(Window.HOUR, now).p95_s)[
            :number
        ]


def why_slow(route: RouteStats) -> str:
    """The main cost of a route, in words."""
    parts = {
        "waiting for the turn to write": route.writer_wait_s,
        "the database": route.database_s - route.writer_wait_s,
        "putting the page together": route.render_s,
    }
    parts["waiting for the disk, a worker or the processor"] = route.latencies.total_s - sum(
        parts.values()
    )
    return "mostly " + max(parts, key=lambda part: parts[part])


def clock_text(unix_ms: int) -> str:
    """The time of day where the server stands, with the date unless it is today's: `14:03`, `21 Nov
    14:03`.
    """
    moment = datetime.fromtimestamp(unix_ms / 1000, UTC).astimezone()
    today = datetime.now(UTC).astimezone().date()
    clock_time = moment.strftime("%H:%M")
    return clock_time if moment.date() == today else f"{moment.day} {moment:%b} {clock_time}"


def _disk_issues(disk: Disk | None, name: str, kept: str) -> Iterator[Issue]:
    if disk is None:
        yield Issue(
            Level.ERROR,
            "storage",
            f"The disk of the {name} folder cannot be reached.",
            "See that it is connected and mounted.",
        )
    elif disk.read_only:
        yield Issue(
            Level.ERROR,
            "storage",
            f"The {name} folder cannot be written to: its disk is read-only, and {kept} cannot be"
            " kept.",
            "A disk often turns read-only when it fails: see the system's log, then mount it for"
            " writing again.",
        )
    elif disk.full:
        yield Issue(
            Level.ERROR,
            "storage",
            f"The disk of the {name} folder is full: {_megabytes(disk.free_bytes)} are left for"
            f" {kept}.",
            "Free some space on it; LVS goes on by itself.",
        )
    elif disk.is_low:
        yield Issue(
            Level.WARNING,
            "storage",
            f"The disk of the {name} folder is nearly full: {_megabytes(disk.free_bytes)} are left"
            f" for {kept}.",
            "Free some space on it before it is full.",
        )


def _megabytes(size_bytes: int) -> str:
    return f"{size_bytes / 1e6:,.0f} MB" if size_bytes < 1e9 else f"{size_bytes / 1e9:.1f} GB"


def _short(sql: str) -> str:
    return sql if len(sql) <= 120 else sql[:119] + "…"
