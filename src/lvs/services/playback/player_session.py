"""A film that is played through segments: its worker, and how it has been asked of late."""

import asyncio
from collections import deque

from msgspec import Struct, field

from lvs.services.playback.planner import VideoFacts
from lvs.services.playback.player import PlayedVideo, Player

ACTIVE_S = 8.0
"""A film that was asked for a segment within so many seconds is being watched."""


class Conversion(Struct, frozen=True):
    """A film that is being converted, as the dashboard shows it.

    `speed` is film seconds made per second, 0 while unknown; `place` is the other machine that
    makes them, empty for this one.
    """

    title: str
    path: bytes
    client: str
    variant: str
    speed: float
    segments: int
    hits: int
    place: str = ""


class PlayerSession(Struct, eq=False):
    """A film with its worker, and how it has been asked of late.

    Times are of the monotonic clock.
    """

    video: PlayedVideo
    player: Player | None = None
    facts: VideoFacts | None = None
    asked_at: float = 0.0
    converted_at: float = float("-inf")
    busy: int = 0
    speeds: deque[float] = field(default_factory=lambda: deque(maxlen=8))
    segments: int = 0
    hits: int = 0
    variant: str = ""
    client: str = ""
    place: str = ""
    starting: asyncio.Lock = field(default_factory=asyncio.Lock)
    timer: asyncio.TimerHandle | None = None

    def is_converting(self, now: float) -> bool:
        """True if somebody watches it converted now."""
        return now - self.converted_at < ACTIVE_S

    def note_speed(self, speed: float, place: str = "") -> None:
        """Take in how quickly a piece was made, and by which other machine."""
        if place != self.place:
            self.place = place
            self.speeds.clear()
        if speed:
            self.speeds.append(speed)

    @property
    def speed(self) -> float:
        """Film seconds made per second of late, 0 while unknown."""
        return sum(self.speeds) / len(self.speeds) if self.speeds else 0.0
