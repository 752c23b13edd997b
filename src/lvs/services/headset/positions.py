"""Plays and positions that a player reports."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Protocol

from cachetools import LRUCache

from lvs.errors import TooManyRequests
from lvs.models import Video
from lvs.option_values import RateLimit
from lvs.services.curation.views import Views
from lvs.services.rate_limit import RateLimiter

OPEN, PLAY, PAUSE, CLOSE = range(4)
OPEN_VIDEOS = 2_000
PLAYS = RateLimit(60, 10)  # of one client that are counted: each is a write


class HeadsetProgress(Protocol):
    """The household's memory of how far each film was watched."""

    async def record(self, video: Video, seconds: float, client: str) -> None:
        """Note a position in a film."""

    async def continued(self) -> Sequence[int]:
        """Ids of films that were begun and not ended, the latest first."""


class Positions:
    """Counts one view for each time that a film is opened and played, and passes positions on."""

    def __init__(
        self, views: Views, progress: HeadsetProgress | None = None, plays: RateLimit = PLAYS
    ) -> None:
        self._views = views
        self._progress = progress
        self._limiter = RateLimiter(plays)
        self._counted: LRUCache[tuple[str, int], bool] = LRUCache(OPEN_VIDEOS)

    async def event(self, video: Video, event: int, seconds: float | None, client: str) -> None:
        """Take an event of a player: opened, playing, paused or closed, at so many seconds where it
        says that.
        """
        played_video = (client, video.id)
        if event in (OPEN, CLOSE):
            self._counted.pop(played_video, None)
        elif event == PLAY and played_video not in self._counted:
            self._counted[played_video] = (
                True  # before anything is awaited: the event may come twice
            )
            with suppress(TooManyRequests):
                self._limiter.check(client)
                await self._views.count(video.media_hash, client)
        if event != OPEN and seconds is not None and self._progress is not None:
            await self._progress.record(video, seconds, client)

    async def continued(self) -> Sequence[int]:
        """Ids of films to go on with; none where nobody keeps them."""
        return await self._progress.continued() if self._progress is not None else ()
