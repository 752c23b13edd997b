"""Conversion speeds of this machine, by codec and bit depth, kept across restarts.

A speed is in megapixels of the film that are decoded, made smaller to 720 lines and encoded per
second. Other sizes are reckoned from it, since decoding takes most of the time. A kind that was
never converted is reckoned from those that were, and the first of all from a trial.
"""

import asyncio
import json
import logging
import os
import time
from pathlib import Path
from statistics import median

from lvs.services.playback.planner import GAINS, THIN_GAIN

log = logging.getLogger(__name__)

MEMORY = 0.8  # of what was known before, in the mean of what is known now
MOST_KINDS = 100
SAVE_EVERY_S = 30.0
MAX_FILE_BYTES = 64 << 10
COSTS = {
    "h264 8": 1.0,
    "h264 10": 1.2,
    "hevc 8": 1.15,
    "hevc 10": 1.25,
    "vp9 8": 1.3,
    "vp8 8": 1.3,
    "av1 8": 0.9,
    "av1 10": 1.0,
    "mpeg4 8": 0.9,
    "mpeg2video 8": 0.85,
    "mjpeg 8": 1.3,
    "prores 10": 2.0,
}
"""Processor time for as many pixels of each kind of film, as a multiple of H.264's; measured by
`benchmarks/conversion_costs.py`.
"""


class ConversionSpeeds:
    """Speeds by kind of film, such as `hevc 10`. They count for a machine with as many cores."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._speeds: dict[str, float] = {}
        self._of_trial: float | None = None
        self._saved_at = float("-inf")

    def needs_trial(self) -> bool:
        """True where no film was converted yet that says something of others, nor a trial made."""
        return not self._as_h264() and self._of_trial is None

    def learn_trial(self, megapixels_per_s: float) -> None:
        """Take in the speed of a trial, as of H.264; 0 where it failed. It counts until a film is
        converted.
        """
        self._of_trial = megapixels_per_s

    def get(self, codec: str, bit_depth: int) -> float | None:
        """Megapixels per second to 720 lines; None where neither such a film nor one to reckon it
        from was converted yet, and no trial told.
        """
        kind = f"{codec} {bit_depth}"
        cost = COSTS.get(kind)
        if kind in self._speeds or cost is None:
            return self._speeds.get(kind)
        known = self._as_h264()
        pace = median(known) if known else self._of_trial
        return pace / cost if pace else None

    def _as_h264(self) -> list[float]:
        """The speeds of H.264 that follow from what is known."""
        return [speed * COSTS[kind] for kind, speed in self._speeds.items() if kind in COSTS]

    def learn(
        self, codec: str, bit_depth: int, megapixels_per_s: float, height: int, thin: bool = False
    ) -> None:
        """Take in how quickly a piece of a film was converted to so many lines."""
        kind = f"{codec} {bit_depth}"
        found = megapixels_per_s / GAINS.get(height, 1.0) / (THIN_GAIN if thin else 1.0)
        if kind in self._speeds or len(self._speeds) < MOST_KINDS:
            self._speeds[kind] = found + MEMORY * (self._speeds.get(kind, found) - found)

    def load(self) -> None:
        """Read what was kept. A file that is damaged or of another machine counts as none."""
        if self._path is None:
            return
        try:
            with self._path.open("rb") as file:
                kept = json.loads(file.read(MAX_FILE_BYTES))
            if kept["cores"] == os.cpu_count():
                self._speeds = {
                    str(kind): float(speed)
                    for kind, speed in list(kept["speeds"].items())[:MOST_KINDS]
                    if 0 < float(speed) < 1e6
                }
        except FileNotFoundError:
            return
        except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            log.info("the saved conversion speeds cannot be used: %s", error)

    async def save_now_and_then(self) -> None:
        """Keep them, where that was not done of late."""
        if time.monotonic() - self._saved_at >= SAVE_EVERY_S:
            self._saved_at = time.monotonic()
            await asyncio.to_thread(self.save)

    def save(self) -> None:
        """Keep them. A disk that refuses that costs nothing but learning them again."""
        if self._path is None or not self._speeds:
            return
        content = json.dumps({"cores": os.cpu_count(), "speeds": self._speeds}, indent=1)
        partial = self._path.with_suffix(".new")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            partial.write_text(content, encoding="utf-8")
            partial.replace(self._path)
        except OSError as error:
            log.info("the conversion speeds could not be saved: %s", error.strerror)
