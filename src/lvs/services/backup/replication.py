"""A copy of the database elsewhere, seconds behind: runs Litestream beside the server and knows how
far it is.

Litestream may die and comes back; LVS goes on without it. Once a week the copy is restored into a
temporary file and examined like a backup; so it is soon after a server that was killed. A copy that
cannot be restored is made whole again.
"""

import asyncio
import contextlib
import json
import logging
import os
import shutil
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import psutil
from msgspec import Struct

from lvs import clock
from lvs.db import backup, wal
from lvs.errors import LvsError, Unavailable
from lvs.services.backup import litestream, replica_restore
from lvs.services.backup.litestream import LitestreamFiles

log = logging.getLogger(__name__)

CONFIRM_S = 5.0
# After its start Litestream looks at the database once by itself: the read lock that it takes then
# stays, and that of a question does not.
FIRST_CONFIRM_S = 1.5
FIRST_WORDS = 3  # times the time between two questions
FIRST_RESTART_S = 1.0
LONGEST_RESTART_S = 60.0
STEADY_S = 60.0  # after which a Litestream counts as healthy again
STOP_S = 1.0
REHEARSAL_S = 7 * 86400.0
REHEARSAL_RETRY_S = 3600.0
FIRST_REHEARSAL_S = 120.0  # after the start: the first snapshot needs its time
LAG_S = 60.0  # more is worth a warning
WHOLE_COPY_S = 3600.0
WHOLE_COPY_POLL_S = 2.0
# Litestream moves the write-ahead log into the database from 4 MB on
LOG_LIMIT_BYTES = 64 << 20
LOG_CHECK_S = 10.0
MAX_OUTPUT_BYTES = 16 * 1024


class Rehearsal(Struct, frozen=True):
    """A restore that was tried. `at` is in Unix milliseconds; `problem` is empty where it
    succeeded.
    """

    at: int
    videos: int = 0
    ratings: int = 0
    problem: str = ""


class ReplicationState(Struct, frozen=True):
    """State of the copy. `behind_s` is None as long as nothing has been confirmed."""

    url: str
    running: bool
    behind_s: float | None
    restarts: int
    failure: str
    rehearsal: Rehearsal | None

    @property
    def lagging(self) -> bool:
        return self.behind_s is None or self.behind_s > LAG_S


@dataclass(slots=True, eq=False)
class Replication:
    """Supervises one Litestream. `url` is empty where nothing is to be copied."""

    url: str
    database: Path
    data_directory: Path
    confirm_s: float = CONFIRM_S
    first_rehearsal_s: float = FIRST_REHEARSAL_S
    log_limit_bytes: int = LOG_LIMIT_BYTES
    log_check_s: float = LOG_CHECK_S
    now_ms: Callable[[], int] = clock.now_ms
    restarts: int = field(default=0, init=False)
    _failure: str = field(default="", init=False)
    _process: asyncio.subprocess.Process | None = field(default=None, init=False)
    _confirmed_at: float | None = field(default=None, init=False)
    _behind_s: float | None = field(default=None, init=False)
    _rehearsal: Rehearsal | None = field(default=None, init=False)
    _rehearsing: asyncio.Lock = field(default_factory=asyncio.Lock, init=False)
    _killed: bool = field(default=False, init=False)
    _whole_copy: bool = field(default=False, init=False)
    _ending: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        self._rehearsal = self._remembered()

    @property
    def files(self) -> LitestreamFiles:
        return LitestreamFiles(self.data_directory / "replication")

    @property
    def process_id(self) -> int | None:
        """The process of Litestream, while it runs."""
        return self._process.pid if self._process and self._process.returncode is None else None

    def state(self) -> ReplicationState:
        """The present state of the copy."""
        behind = self._behind_s
        if self._confirmed_at is not None:
            unconfirmed_s = time.monotonic() - self._confirmed_at
            if self._failure or unconfirmed_s > 2 * self.confirm_s:  # the question hangs
                behind = unconfirmed_s
        where = litestream.without_query(self.url)
        return ReplicationState(
            where,
            self.process_id is not None,
            behind,
            self.restarts,
            self._failure,
            self._rehearsal,
        )

    async def run(self) -> None:
        """Keep Litestream running for as long as the server does."""
        if not self.url:
            return
        if sys.platform == "win32":
            self._failed("Litestream is not run on Windows; set backup_directory instead.")
            return
        delay_s = FIRST_RESTART_S
        while True:
            started = time.monotonic()
            try:
                await self._run_once()
            except (LvsError, OSError) as error:
                self._failed(str(error))
            if time.monotonic() - started > STEADY_S:
                delay_s = FIRST_RESTART_S
            await asyncio.sleep(delay_s)
            delay_s = min(2 * delay_s, LONGEST_RESTART_S)
            self.restarts += 1

    async def rehearsals(self) -> None:
        """Restore the copy into a temporary file once a week, for as long as the server runs."""
        if not self.url or sys.platform == "win32":
            return
        await asyncio.sleep(self.first_rehearsal_s)
        while True:
            if self._rehearsal_due() and self._confirmed_at is not None:
                rehearsal = await self.rehearse()
                if rehearsal.problem and not self._failure:
                    await self._make_whole()
            await asyncio.sleep(min(REHEARSAL_RETRY_S, max(1.0, self.first_rehearsal_s)))

    async def bound_log(self) -> None:
        """Begin anew with a Litestream that does not look after the write-ahead log, as one that
        never reached its place, for as long as the server runs.
        """
        while self.url and sys.platform != "win32":
            await asyncio.sleep(self.log_check_s)
            if self.state().lagging and wal.size(self.database) > self.log_limit_bytes:
                await self._begin_anew(self._whole_copy)

    async def rehearse(self) -> Rehearsal:
        """Restore the copy into a temporary file, examine it, and remember how that went."""
        async with self._rehearsing:
            self._killed = False
            try:
                counts = await asyncio.to_thread(_rehearsed, self.url, self.files.folder)
                self._rehearsal = Rehearsal(self.now_ms(), counts.videos, counts.ratings)
                log.info(
                    "trial restore of the copy at %s: it holds %d videos",
                    self.state().url,
                    counts.videos,
                )
            except (LvsError, OSError) as error:
                self._rehearsal = Rehearsal(self.now_ms(), problem=str(error))
                log.error("the copy at %s cannot be restored: %s", self.state().url, error)
            with contextlib.suppress(OSError):
                await asyncio.to_thread(self._remember, self._rehearsal)
            return self._rehearsal

    async def _make_whole(self) -> None:
        """Have the whole database copied anew, and rehearse that: what is restored begins there,
        whatever is wrong with what was copied before.
        """
        log.warning("copying the whole database to %s again", self.state().url)
        try:
            async with asyncio.timeout(WHOLE_COPY_S):
                before = await asyncio.to_thread(litestream.whole_copies, self.url)
                await self._begin_anew(whole_copy=True)
                while True:
                    await asyncio.sleep(WHOLE_COPY_POLL_S)
                    if await asyncio.to_thread(litestream.whole_copies, self.url) - before:
                        break
            await self.rehearse()
        except (LvsError, OSError, TimeoutError) as error:
            log.warning("the whole database was not copied: %s", error)
        finally:
            if self._whole_copy:
                await self._begin_anew(whole_copy=False)

    async def _begin_anew(self, whole_copy: bool) -> None:
        """Have Litestream started again with another configuration."""
        self._whole_copy = whole_copy
        if self._process and self._process.returncode is None:
            self._ending = True
            await _end(self._process)

    # --- One run of Litestream ---

    async def _run_once(self) -> None:
        await asyncio.to_thread(self._prepare)
        program = litestream.program()
        process = await asyncio.create_subprocess_exec(
            *(str(program), "replicate", "-no-expand-env", "-config", str(self.files.config)),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            env=litestream.environment(),
            start_new_session=True,  # Ctrl-C in the terminal is the server's to handle
        )
        self._process = process
        confirming = asyncio.create_task(self._confirm_again_and_again())
        try:
            self.files.pid.write_text(f"{process.pid}\n")
            output = await _last_output(process)
            await process.wait()
            if self._ending:
                return
            reason = litestream.last_line(output) or f"exit code {process.returncode}"
            raise Unavailable(f"Litestream ended: {reason}.")
        finally:
            self._ending = False
            confirming.cancel()
            await _end(process)
            with contextlib.suppress(OSError):
                self.files.pid.unlink(missing_ok=True)

    def _prepare(self) -> None:
        if not self.database.is_file():
            raise Unavailable(f"There is no database {self.database} yet.")
        self._killed |= _end_orphan(self.files)
        self._empty_large_log()
        litestream.write_config(self.files, self.database, self.url, self._whole_copy)

    def _empty_large_log(self) -> None:
        """Empty a write-ahead log that has become larger than it does beside a Litestream. None may
        run meanwhile: it would not notice what it misses.
        """
        if wal.size(self.database) > self.log_limit_bytes:
            try:
                wal.empty(self.database)
            except LvsError as error:
                log.warning("%s", error)

    async def _confirm_again_and_again(self) -> None:
        """Measure how far the copy is behind, by asking that everything written so far be there."""
        pause_s = min(FIRST_CONFIRM_S, self.confirm_s)
        begun = time.monotonic()
        while True:
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, self.confirm_s)
            started = time.monotonic()
            try:
                await litestream.confirm(self.files, self.database, 2 * self.confirm_s)
            except LvsError as error:
                # One that has just begun is given some time; one that never gets there is told of.
                late = time.monotonic() - begun > FIRST_WORDS * self.confirm_s
                if self.process_id is not None and (late or self._confirmed_at is not None):
                    self._failed(f"The copy is behind: {error}")
                continue
            pause_s = self.confirm_s
            self._confirmed_at, self._behind_s = started, time.monotonic() - started
            if self._failure:
                log.info("the copy at %s is up to date again", self.state().url)
            self._failure = ""

    def _failed(self, message: str) -> None:
        if message != self._failure:
            log.warning("copying to %s failed: %s", litestream.without_query(self.url), message)
        self._failure = message

    # --- Rehearsals ---

    def _rehearsal_due(self) -> bool:
        last = self._rehearsal
        if last is None or self._killed:
            return True
        age_s = (self.now_ms() - last.at) / 1000
        return age_s < 0 or age_s >= (REHEARSAL_RETRY_S if last.problem else REHEARSAL_S)

    def _remember(self, rehearsal: Rehearsal) -> None:
        self._rehearsal_file.write_text(
            json.dumps({"url": self.url, **_as_dict(rehearsal)}), encoding="utf-8"
        )

    def _remembered(self) -> Rehearsal | None:
        """The last rehearsal of this replica, from before the server started."""
        try:
            found = json.loads(self._rehearsal_file.read_text(encoding="utf-8"))
            if found.pop("url") != self.url:
                return None
            return Rehearsal(
                int(found["at"]), int(found["videos"]), int(found["ratings"]), str(found["problem"])
            )
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None

    @property
    def _rehearsal_file(self) -> Path:
        return self.files.folder / "rehearsal.json"


def _as_dict(rehearsal: Rehearsal) -> dict[str, int | str]:
    return {
        "at": rehearsal.at,
        "videos": rehearsal.videos,
        "ratings": rehearsal.ratings,
        "problem": rehearsal.problem,
    }


def _rehearsed(url: str, folder: Path) -> backup.BackupCounts:
    """Counts of the replica's content.

    Raises LvsError where it cannot be restored or is not sound.
    """
    trial = folder / "rehearsal"
    shutil.rmtree(trial, ignore_errors=True)
    trial.mkdir(parents=True)
    try:
        return replica_restore.trial_restore(url, trial / "lvs.db").counts
    finally:
        shutil.rmtree(trial, ignore_errors=True)


async def _last_output(process: asyncio.subprocess.Process) -> str:
    """The end of what it writes to its standard error, until it ends."""
    assert process.stderr is not None  # noqa: S101  it was started with a pipe
    kept = b""
    while part := await process.stderr.read(4096):
        kept = (kept + part)[-MAX_OUTPUT_BYTES:]
    return kept.decode("utf-8", "replace")


async def _end(process: asyncio.subprocess.Process) -> None:
    """End it; it copies the last changes first, if that is quick."""
    if process.returncode is not None:
        return
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    try:
        async with asyncio.timeout(STOP_S):
            await process.wait()
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


def _end_orphan(files: LitestreamFiles) -> bool:
    """End the Litestream of a killed server: two of them must not copy the same database. True if
    there was one, or one was killed.
    """
    killed = files.pid.exists()
    try:
        process = psutil.Process(int(files.pid.read_text()))
        if str(files.config) in process.cmdline() and process.pid != os.getpid():
            process.terminate()
            process.wait(5)
    except psutil.TimeoutExpired:
        process.kill()
    except (OSError, ValueError, psutil.Error):
        pass
    files.socket.unlink(missing_ok=True)
    return killed
