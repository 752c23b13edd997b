"""Motion scripts (`.funscript`) beside the films, for the players that move devices by them."""

import asyncio
import os
import stat

from lvs.errors import NotFound
from lvs.models import Root, Video
from lvs.services.library.library import Library

SUFFIX = b".funscript"
AXES = ("", "surge", "sway", "suction", "twist", "roll", "pitch", "vib", "lube")
MAX_BYTES = 16 << 20
PATIENCE_S = 2.0


class Scripts:
    """Finds the scripts of a video: `name.funscript`, and `name.roll.funscript` for an axis."""

    def __init__(self, library: Library) -> None:
        self._library = library

    async def of_video(self, video: Video) -> list[str]:
        """Axes for which there is a script, the main one as an empty text; none where the drive
        does not answer.
        """
        root = self._library.roots[video.file.root_id]
        if video.missing or self._library.is_away(root.id, video.file.path):
            return []
        try:
            async with asyncio.timeout(PATIENCE_S):
                return await asyncio.to_thread(_present, root, video.file.path)
        except (OSError, TimeoutError):
            return []

    def path(self, video: Video, axis: str) -> tuple[Root, bytes]:
        """Library folder and path of the script for an axis. Raises NotFound for no such axis."""
        if axis not in AXES:
            raise NotFound("There is no such script beside this video.")
        return self._library.roots[video.file.root_id], _path(video.file.path, axis)


def _path(video: bytes, axis: str) -> bytes:
    stem = os.path.splitext(video)[0]
    return stem + (b"." + axis.encode() if axis else b"") + SUFFIX


def _present(root: Root, video: bytes) -> list[str]:
    return [axis for axis in AXES if _is_script(os.path.join(root.path, _path(video, axis)))]


def _is_script(path: bytes) -> bool:
    try:
        found = os.stat(path, follow_symlinks=False)
    except OSError:
        return False
    return stat.S_ISREG(found.st_mode) and 0 < found.st_size <= MAX_BYTES
