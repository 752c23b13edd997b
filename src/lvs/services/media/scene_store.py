"""Sheets of scenes on disk, by the key of their film's poster; the oldest unused go first."""

import contextlib
import json
import logging
import os
import re
import secrets
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from msgspec import Struct
from msgspec.structs import asdict

from lvs.services.media.scene_request import COLUMNS, SceneTimes

log = logging.getLogger(__name__)

USED_AGAIN_S = 3600.0  # so often at most it is noted that a sheet is in use
KEPT_SHARE = 0.9  # of the room, once there was too little
_KEY = re.compile(r"[0-9a-f]{16}", re.ASCII)


class Scene(NamedTuple):
    """A picture of a sheet: when it is shown (seconds), and its corner in the sheet."""

    at_s: float
    x: int
    y: int


class SceneStrip(Struct, frozen=True):
    """The scenes of one film. Without any, the film has none to show."""

    key: str
    found: SceneTimes

    @property
    def scenes(self) -> list[Scene]:
        """Every picture in order."""
        width, height = self.found.width, self.found.height
        return [
            Scene(at_s, number % COLUMNS * width, number // COLUMNS * height)
            for number, at_s in enumerate(self.found.times)
        ]

    @property
    def sheet_size(self) -> tuple[int, int]:
        """Width and height of the whole sheet."""
        count = len(self.found.times)
        return self.found.width * min(count, COLUMNS), self.found.height * -(-count // COLUMNS)


class SceneStore:
    """A folder of sheets that takes at most `limit_bytes`. Every method may block the disk."""

    def __init__(self, folder: Path, limit_bytes: int) -> None:
        self.folder = folder
        self.limit_bytes = limit_bytes
        self.size_bytes = 0
        self._partials = folder / "partial"

    def prepare(self) -> None:
        """Make the folder, clear what an interrupted write left, and measure it. Raises OSError."""
        self._partials.mkdir(parents=True, exist_ok=True)
        for leftover in self._partials.iterdir():
            leftover.unlink(missing_ok=True)
        self.size_bytes = sum(size for _, size, _ in self._files())

    @property
    def has_room(self) -> bool:
        """True while there is room for sheets that nobody asked for."""
        return self.size_bytes < KEPT_SHARE * self.limit_bytes

    def paths(self, key: str) -> tuple[Path, Path]:
        """The path of a sheet, and a name of its own to write it under. Raises ValueError."""
        return self._path(key, "webp"), self._partials / f"{secrets.token_hex(8)}.webp"

    def get(self, key: str) -> SceneStrip | None:
        """The scenes kept under this key; None where nobody has looked for them yet."""
        try:
            kept = json.loads(self._path(key, "json").read_bytes())
            times = tuple(map(float, kept["times"]))
            strip = SceneStrip(key, SceneTimes(times, int(kept["width"]), int(kept["height"])))
            is_whole = not times or self._path(key, "webp").stat().st_size
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return strip if is_whole else None

    def sheet(self, key: str) -> bytes | None:
        """The sheet of this key as WebP, which counts as in use then."""
        try:
            path = self._path(key, "webp")
            content = path.read_bytes() or None
            if time.time() - path.stat().st_mtime > USED_AGAIN_S:
                os.utime(path)
        except (OSError, ValueError):
            return None
        return content

    def put(self, key: str, found: SceneTimes) -> None:
        """Keep what a worker says of the sheet it wrote, and make room for it. Raises OSError."""
        path = self._path(key, "json")
        partial = self._partials / f"{secrets.token_hex(8)}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_text(json.dumps(asdict(found)))
        partial.replace(path)
        for kind in ("webp", "json"):
            with contextlib.suppress(OSError):
                self.size_bytes += self._path(key, kind).stat().st_size
        if self.size_bytes > self.limit_bytes:
            self._make_room(key)

    def _make_room(self, kept: str) -> None:
        """Remove the sheets that were not used for longest, all but this one."""
        found = sorted(self._files())
        self.size_bytes = sum(size for _, size, _ in found)
        for _, _, path in found:
            if self.size_bytes <= KEPT_SHARE * self.limit_bytes:
                return
            if path.suffix == ".webp" and path.stem != kept:
                for each in (path, path.with_suffix(".json")):
                    with contextlib.suppress(OSError):
                        self.size_bytes -= each.stat().st_size
                        each.unlink()

    def _files(self) -> Iterator[tuple[float, int, Path]]:
        """Each file's time of last use, its size and its path."""
        for path in self.folder.glob("??/*.*"):
            with contextlib.suppress(OSError):
                state = path.stat()
                yield state.st_mtime, state.st_size, path

    def _path(self, key: str, kind: str) -> Path:
        if not _KEY.fullmatch(key):
            raise ValueError("no sheet has that key")
        return self.folder / key[:2] / f"{key}.{kind}"
