"""Counts of database queries, for the whole server and for each request."""

from collections import deque
from contextvars import ContextVar
from dataclasses import dataclass, field

from lvs.clock import now_ms

SLOW_SECONDS = 1.0
SLOW_KEPT = 20
SLOW_CHARACTERS = 300


@dataclass(frozen=True, slots=True)
class SlowQuery:
    """A statement that took a second or longer; `at` is Unix milliseconds, `request_id` empty
    outside of requests.
    """

    at: int
    seconds: float
    sql: str
    request_id: str


@dataclass(slots=True)
class RequestQueries:
    """Counts and times of what somebody asked for.

    Seconds include waiting for the connection's thread.
    """

    request_id: str = ""
    queries: int = 0
    seconds: float = 0.0
    writer_wait_s: float = 0.0
    commit_s: float = 0.0


@dataclass(slots=True)
class QueryStats(RequestQueries):
    """The same for the whole server, with its commits and what was slow of late."""

    commits: int = 0
    transactions: int = 0
    slow_seconds: float = SLOW_SECONDS
    slow: deque[SlowQuery] = field(default_factory=lambda: deque(maxlen=SLOW_KEPT))

    def asked(self, sql: str, seconds: float) -> None:
        """Count a statement."""
        self.queries += 1
        self.seconds += seconds
        request = usage_of_request.get()
        if request is not None:
            request.queries += 1
            request.seconds += seconds
        if seconds >= self.slow_seconds:
            self._note_slow(sql, seconds, request)

    def waited(self, seconds: float) -> None:
        """Count the time that a writer waited for its turn, and for other programs."""
        self.writer_wait_s += seconds
        request = usage_of_request.get()
        if request is not None:
            request.writer_wait_s += seconds
        if seconds >= self.slow_seconds:
            self._note_slow("(waiting for the turn to write)", seconds, request)

    def committed(self, seconds: float) -> None:
        """Count the time until what a writer did was on disk."""
        self.commit_s += seconds
        request = usage_of_request.get()
        if request is not None:
            request.commit_s += seconds
        if seconds >= self.slow_seconds:
            self._note_slow("(bringing a change to disk)", seconds, request)

    def _note_slow(self, sql: str, seconds: float, request: RequestQueries | None) -> None:
        text = " ".join(sql.split())[:SLOW_CHARACTERS]
        self.slow.append(SlowQuery(now_ms(), seconds, text, request.request_id if request else ""))


usage_of_request: ContextVar[RequestQueries | None] = ContextVar("usage_of_request", default=None)
"""Where the request that runs counts what it asks for, besides the whole server's counts."""
