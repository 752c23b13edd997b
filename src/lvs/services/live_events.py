"""Events of the library, sent to those who listen as they happen, each with bounded memory.

A listener has no queue of events, but notes of what is new since it was told last: a hundred
changes of one film are one. One that is too far behind is told to ask for everything anew.
"""

import asyncio
import secrets
import time
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Collection
from typing import Any

from msgspec import Struct, field

from lvs.client_key import client_key
from lvs.db import live
from lvs.db.database import Database
from lvs.errors import TooManyRequests, Unavailable
from lvs.services.background_tasks import BackgroundTasks
from lvs.services.events import Event, Events
from lvs.services.library.library import Library
from lvs.services.media.probe_queue import ProbeQueue

MOST = 32
MOST_OF_CLIENT = 6
RETRY_AFTER_S = 30
MOST_VIDEOS = 500  # that a listener may be behind, and that stand in one event
GATHER_S = 0.2
JOBS_S = 1.0
HEARTBEAT_S = 15.0
ENDED = "Somebody signed out or chose another person. Ask again."
LIFE_S = 3600.0  # then the listener comes again, and shows again that it may listen


class JobsState(Struct, frozen=True):
    """The work of the server in numbers."""

    running: int
    waiting: int
    remaining: int
    scanning: bool
    tasks: tuple[str, ...]
    """Labels of work that buttons started and that is under way."""


def jobs_state(library: Library, jobs: ProbeQueue, tasks: BackgroundTasks) -> JobsState:
    """The work under way now."""
    return JobsState(
        running=jobs.running,
        waiting=jobs.queued,
        remaining=jobs.remaining,
        scanning=bool(library.progress().scanning),
        tasks=tuple(task.label for task in tasks.running()),
    )


class LiveEvent(Struct, frozen=True):
    """One event; `name` is library, ratings, jobs, resync, end, or empty for a heartbeat."""

    name: str
    data: dict[str, Any]
    id: str


class Listener(Struct, eq=False):
    """Notes for one connection. Sets of ids of videos; `resync` where they are not enough."""

    client: str
    may: Callable[[], bool]
    """False once whoever listens would be refused."""
    over: bool = False  # another person is at the device, or nobody is signed in there any more
    news: asyncio.Event = field(default_factory=asyncio.Event)
    library: set[int] = field(default_factory=set)
    rated: set[int] = field(default_factory=set)
    anything: bool = False  # the library changed in a way that is about no single video
    resync: bool = False

    def note(self, which: set[int], video_ids: Collection[int]) -> None:
        """Remember these videos, up to a bound."""
        if not self.resync:
            which.update(video_ids)
            if len(which) > MOST_VIDEOS:
                self.request_resync()
        self.news.set()

    def request_resync(self) -> None:
        """Forget what is new, and say so."""
        self.library.clear()
        self.rated.clear()
        self.anything, self.resync = False, True
        self.news.set()


class LiveEvents:
    """Hands events to connections, which are bounded in number."""

    def __init__(
        self,
        database: Database,
        events: Events,
        jobs: Callable[[], JobsState],
        most: int = MOST,
        most_of_client: int = MOST_OF_CLIENT,
        heartbeat_s: float = HEARTBEAT_S,
    ) -> None:
        self._database = database
        self._jobs = jobs
        self._most, self._most_of_client = most, most_of_client
        self._heartbeat_s = heartbeat_s
        self._listeners: set[Listener] = set()
        self._clients: Counter[str] = Counter()
        self._ending = asyncio.Event()
        self._boot = secrets.token_hex(4)
        self._number = 0
        events.on(Event.CHANGED, self._changed)
        events.on(Event.EDITED, self._changed)
        events.on(Event.RATED, self._rated)
        events.on(Event.CHANGED_EXTERNALLY, self._lost)

    @property
    def count(self) -> int:
        """The number of connections that listen."""
        return len(self._listeners)

    def end(self) -> None:
        """Tell every listener goodbye: the server ends."""
        self._ending.set()
        for listener in self._listeners:
            listener.news.set()

    def let_go(self, client: str) -> None:
        """Have all who listen at a client's device come again, and show again that they may."""
        for listener in self._listeners:
            if client_key(listener.client) == client_key(client):
                listener.over = True
                listener.news.set()

    def check_room(self, client: str) -> None:
        """Raise TooManyRequests if this client listens too often, Unavailable if all places are
        taken or the server is stopping.
        """
        if self._ending.is_set():
            raise Unavailable("LVS is stopping. Try again when it runs.")
        if self._clients[client_key(client)] >= self._most_of_client:
            raise TooManyRequests(
                f"This device has {self._most_of_client} event streams open. Close some pages.",
                RETRY_AFTER_S,
            )
        if len(self._listeners) >= self._most:
            raise Unavailable(f"All {self._most} event streams are in use. Try again in a minute.")

    # --- What the rest of the server says ---

    def _changed(self, video_ids: Collection[int]) -> None:
        self._number += 1
        for listener in self._listeners:
            listener.anything = listener.anything or not (video_ids or listener.resync)
            listener.note(listener.library, video_ids)

    def _rated(self, video_ids: Collection[int]) -> None:
        self._number += 1
        for listener in self._listeners:
            listener.note(listener.rated, video_ids)

    def _lost(self, _: Collection[int]) -> None:
        self._number += 1
        for listener in self._listeners:
            listener.request_resync()

    # --- What a listener hears ---

    async def listen(
        self, client: str, last_id: str = "", may: Callable[[], bool] = lambda: True
    ) -> AsyncGenerator[LiveEvent, None]:
        """Events until the server ends, the listener's time is over, or it is let go or `may` no
        longer; a heartbeat when nothing happens. `last_id` is the id of the last event that a
        listener heard who comes again.
        """
        try:
            self.check_room(client)  # others may have come since the answer began
        except (TooManyRequests, Unavailable) as full:
            yield LiveEvent("end", {"reason": full.message}, self._id)
            return
        listener, key = Listener(client, may), client_key(client)
        if last_id and last_id != self._id:
            listener.request_resync()
        self._listeners.add(listener)
        self._clients[key] += 1
        try:
            async for event in self._heard_by(listener):
                yield event
        finally:
            self._listeners.discard(listener)
            self._clients[key] -= 1
            self._clients += Counter()  # without those that are zero

    @property
    def _id(self) -> str:
        return f"{self._boot}-{self._number}"

    async def _heard_by(self, listener: Listener) -> AsyncIterator[LiveEvent]:
        known: JobsState | None = None
        started = said_at = time.monotonic()
        while True:
            if self._ending.is_set():
                yield LiveEvent("end", {"reason": "LVS is stopping."}, self._id)
                return
            if time.monotonic() - started > LIFE_S:
                return
            if listener.over or not listener.may():
                yield LiveEvent("end", {"reason": ENDED}, self._id)
                return
            if (now := self._jobs()) != known:
                known = now
                said_at = time.monotonic()
                yield LiveEvent("jobs", _as_json(now), self._id)
            for event in await self._news_of(listener):
                said_at = time.monotonic()
                yield event
            if time.monotonic() - said_at >= self._heartbeat_s:
                said_at = time.monotonic()
                yield LiveEvent("", {}, self._id)
            await self._next_news(listener)

    async def _next_news(self, listener: Listener) -> None:
        """Wait until something is new, and a moment longer for what comes along with it."""
        try:
            async with asyncio.timeout(JOBS_S):
                await listener.news.wait()
                async with asyncio.timeout(GATHER_S):
                    await self._ending.wait()
        except TimeoutError:
            pass

    async def _news_of(self, listener: Listener) -> list[LiveEvent]:
        """News that a listener has not heard yet; its notes are empty afterwards."""
        here = self._id
        library, rated = sorted(listener.library), sorted(listener.rated)
        anything, resync = listener.anything, listener.resync
        listener.library.clear()
        listener.rated.clear()
        listener.anything = listener.resync = False
        listener.news.clear()
        if resync:
            return [LiveEvent("resync", {}, here)]
        found: list[LiveEvent] = []
        if not (library or rated or anything):
            return found
        async with self._database.read() as db:
            if library or anything:
                names = await live.hashes(db, library)
                found.append(LiveEvent("library", {"media_hashes": names}, here))
            if rated:
                stars = [
                    {"media_hash": name, "rating": value}
                    for name, value in await live.ratings(db, rated)
                ]
                found.append(LiveEvent("ratings", {"ratings": stars}, here))
        return found


def _as_json(state: JobsState) -> dict[str, Any]:
    return {
        "running": state.running,
        "waiting": state.waiting,
        "remaining": state.remaining,
        "scanning": state.scanning,
        "tasks": list(state.tasks),
    }
