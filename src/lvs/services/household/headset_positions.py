"""Positions that headset players report, kept with those of all other players."""

from collections.abc import Sequence
from contextlib import suppress

from lvs.errors import Invalid, TooManyRequests
from lvs.models import Video
from lvs.services.household.progress import ProgressTracker


class HeadsetPositions:
    """The memory of positions as the headset interfaces use it."""

    def __init__(self, progress: ProgressTracker) -> None:
        self._progress = progress

    async def record(self, video: Video, seconds: float, client: str) -> None:
        """Note a position in a film. A position that cannot be is passed over: the player's event
        counts nevertheless.
        """
        duration_s = video.probe.duration_s if video.probe else None
        with suppress(Invalid, TooManyRequests):
            await self._progress.record(
                video.media_hash, min(seconds, duration_s or seconds), client
            )

    async def continued(self) -> Sequence[int]:
        """Ids of films that were begun and not ended, the latest first."""
        return [video.card.id for video in await self._progress.started()]
