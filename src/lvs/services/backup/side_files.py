"""A small file for each video that says what people gave it, for other programs: `.nfo` as Kodi and
Jellyfin read them, or JSON. Written into a folder of its own, never beside the videos.
"""

import asyncio
import contextlib
import json
import os
import secrets
from collections.abc import Callable, Collection, Sequence
from enum import StrEnum
from pathlib import Path

from msgspec import Struct, field

from lvs.db import export as rows
from lvs.db.database import Connection, Database
from lvs.db.export import ExportedVideo
from lvs.errors import Invalid
from lvs.services.backup.export import record_of
from lvs.services.backup.nfo import nfo_of

MOST_NAME_BYTES = 255


class SideFileKind(StrEnum):
    """Kinds of files beside videos; the value is the ending of their names."""

    NFO = "nfo"
    SIDECAR = "json"


class SideFilesReport(Struct):
    """Number of files written, and names of videos that got none, with the reason."""

    written: int = 0
    skipped: list[tuple[str, str]] = field(default_factory=list)


class SideFilesExport:
    """Writes files in folders below `folder` that are called as those of the library."""

    def __init__(
        self,
        database: Database,
        folder: Path,
        kind: SideFileKind,
        libraries: Collection[Path],
        data: Collection[Path] = (),
    ) -> None:
        self._database = database
        self._folder = folder
        self._kind = kind
        self._libraries = libraries
        self._data = data
        self._taken: set[bytes] = set()

    async def write(self, tell: Callable[[int], None]) -> SideFilesReport:
        """Write a file for every video that has a place. A file that is there is replaced.

        Raises Invalid where that would be in a library folder or in the data folder, OSError.
        """
        report = SideFilesReport()
        async with self._database.read() as db:
            await self._refuse_own_folders(db)
            named = await rows.active_roots(db) > 1
            last = 0
            while some := await rows.videos(db, last):
                await asyncio.to_thread(self._write_some, some, named, report)
                last = some[-1].id
                tell(report.written)
        return report

    async def _refuse_own_folders(self, db: Connection) -> None:
        """Refuse to write into a library folder or among LVS's own data, also not by way of
        a link.
        """
        for folder in self._data:
            refuse_data(self._folder, folder)
        known = [Path(os.fsdecode(path)) for path in await rows.root_paths(db)]
        for library in (*self._libraries, *known):
            refuse_library(self._folder, library)

    def _write_some(
        self, videos: Sequence[ExportedVideo], named: bool, report: SideFilesReport
    ) -> None:
        for video in videos:
            if video.path is None or video.root_name is None:
                continue
            place = (os.fsencode(video.root_name) + b"/" if named else b"") + video.path
            target = self._target(place)
            if target is None:
                report.skipped.append((os.fsdecode(place), "its name is too long or is taken"))
                continue
            text = nfo_of(video) if self._kind is SideFileKind.NFO else _json(video, named)
            self._put(target, text.encode("utf-8", "replace"))
            report.written += 1

    def _target(self, place: bytes) -> bytes | None:
        """The path of the file below the folder; a video whose name differs from another one's by
        the ending alone keeps its ending. None where no name fits.
        """
        ending = f".{self._kind}".encode()
        whole = place + ending
        short = os.path.splitext(place)[0] + ending
        for wanted in (short, whole) if self._kind is SideFileKind.NFO else (whole,):
            fits = len(os.path.basename(wanted)) <= MOST_NAME_BYTES
            if fits and wanted.lower() not in self._taken and b".." not in wanted.split(b"/"):
                self._taken.add(wanted.lower())
                return wanted
        return None

    def _put(self, target: bytes, content: bytes) -> None:
        folder = os.fsencode(self._folder)
        path = os.path.join(folder, target)
        parent = os.path.dirname(path)
        os.makedirs(parent, exist_ok=True)
        real, top = os.path.realpath(parent), os.path.realpath(folder)
        if real != top and not real.startswith(top.rstrip(b"/") + b"/"):
            raise Invalid(f"{os.fsdecode(parent)} leads elsewhere by a link. Remove it first.")
        partial = os.path.join(parent, f".{secrets.token_hex(8)}.partial".encode())
        try:
            with open(partial, "wb") as file:
                file.write(content)
            os.replace(partial, path)
        finally:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(partial)


def refuse_library(folder: Path, library: Path) -> None:
    """Raise Invalid if a folder lies in a library folder, or a library folder in it."""
    inside, real = folder.resolve(), library.resolve()
    if inside.is_relative_to(real):
        raise Invalid(
            f"{folder} lies in the library folder {library}, where LVS writes nothing. Choose a"
            " folder outside of it."
        )
    if real.is_relative_to(inside):
        raise Invalid(f"The library folder {library} lies in {folder}. Choose a folder of its own.")


def refuse_data(folder: Path, data: Path) -> None:
    """Raise Invalid if a folder lies in one of LVS's own folders, or is one."""
    if folder.resolve().is_relative_to(data.resolve()):
        raise Invalid(
            f"{folder} lies in {data}, where LVS keeps its own data. Choose a folder outside of it."
        )


def _json(video: ExportedVideo, named: bool) -> str:
    return json.dumps(record_of(video, named), indent=2) + "\n"
