"""Probe workers on another machine, started through the system's OpenSSH."""

import asyncio
import base64
import binascii
import contextlib
import logging
import os
from pathlib import Path
from typing import Any

from lvs import __version__
from lvs.errors import Unavailable, WorkerLost
from lvs.services.media.eye import eye_path
from lvs.services.media.posters import PosterFile, PosterTarget
from lvs.services.media.probe_answer import FilePath, ProbeResult, read_answer, read_scenes
from lvs.services.media.probe_pool import ProbePool, Worker
from lvs.services.media.scene_request import SceneRequest, SceneTimes
from lvs.services.remote_link import REMOTE_MEMORY_BYTES, RemoteFileError, RemoteLink
from lvs.worker_address import CONNECT_S, WorkerKind

log = logging.getLogger(__name__)

HELLO_S = CONNECT_S + 20.0  # it may have to read Python from a sleeping disk
MAX_ANSWER_BYTES = 8 << 20
MAX_PICTURE_BYTES = 1 << 20
MAX_SHEET_BYTES = 4 << 20


class RemotePool(ProbePool):
    """Workers of one machine."""

    def __init__(self, link: RemoteLink) -> None:
        super().__init__(link.address.processes, memory_limit_bytes=REMOTE_MEMORY_BYTES)
        self.link = link

    async def greet(self) -> None:
        """Start a worker, and see that it is of this version of LVS.

        Raises WorkerLost where the machine does not answer, Unavailable where it cannot be used.
        """
        self.link.last_words = ""
        worker: Worker | None = None
        in_order = False
        await self._turns.acquire()
        try:
            async with asyncio.timeout(HELLO_S):
                worker = await self._take()
                answer = await worker.ask({"hello": True})
            version = answer.get("lvs") if isinstance(answer, dict) else None
            in_order = version == __version__
        except ValueError:
            raise Unavailable(
                "It did not answer as LVS does. A shell that is entered without a terminal must"
                " print nothing."
            ) from None
        except (TimeoutError, OSError, EOFError):
            raise WorkerLost(await self.link.heard() or "It does not answer.") from None
        finally:
            self._leave(worker, in_order)
        if not in_order:
            raise Unavailable(
                f"It has another version of LVS ({str(version)[:40]!r}); install {__version__}."
            )

    async def _start(self) -> Worker:
        return Worker(await self.link.start(WorkerKind.PROBE, MAX_ANSWER_BYTES))

    def _ended_by_itself(self, process_id: int, exit_code: int) -> None:
        """Say nothing of it here: what ssh said is told with the state of the machine."""
        log.debug("ssh %d to %s ended with %d", process_id, self.link.address.name, exit_code)

    def _request(self, path: FilePath, posters: PosterTarget) -> dict[str, Any]:
        place = self.link.place(os.fsencode(path))
        if place is None:
            raise Unavailable("That machine has no such folder.")
        root, below = place
        wanted = [
            {
                "width": poster.width,
                "format": poster.format,
                "place": poster.place,
                "quality": poster.quality,
            }
            for poster in posters
        ]
        return {
            "root": root.hex(),
            "path": below.hex(),
            "time_limit_s": self._time_limit_s,
            "posters": wanted,
        }

    async def _found(self, answer: Any, path: FilePath, posters: PosterTarget) -> ProbeResult:
        found = read_answer(answer, path)
        if not (found.has_poster and posters):
            return ProbeResult(found.probe, False, found.evidence)
        pictures = _pictures(answer.get("pictures"), posters)
        try:
            await asyncio.to_thread(_write, pictures, posters, found.evidence.eye)
        except OSError as error:
            log.warning("posters of %r cannot be saved: %s", os.fsencode(path), error.strerror)
            return ProbeResult(found.probe, False, found.evidence)
        return found

    def _sheet_request(self, wanted: SceneRequest) -> dict[str, Any]:
        return wanted.as_json()  # it writes nothing

    async def _drawn(self, answer: Any, path: FilePath, wanted: SceneRequest) -> SceneTimes:
        found = read_scenes(answer, path)
        if found.times:
            sheet = _decoded(answer.get("sheet"), MAX_SHEET_BYTES)
            if not _is_webp(sheet):
                raise ValueError("its answer has a sheet of another format")
            try:
                await asyncio.to_thread(_put, sheet, wanted.partial, wanted.path)
            except OSError as error:
                raise Unavailable(f"Scenes cannot be saved: {error.strerror}.") from None
        return found

    def _check_place(self, answer: Any) -> None:
        if isinstance(answer, dict) and "elsewhere" in answer:
            raise RemoteFileError(str(answer["elsewhere"])[:200])


def _pictures(found: Any, posters: PosterTarget) -> list[bytes]:
    """The pictures of an answer. Raises ValueError where they are not what was asked for."""
    if not isinstance(found, list) or len(found) != len(posters):
        raise ValueError("its answer has other pictures")
    return [_picture(text, poster) for text, poster in zip(found, posters, strict=True)]


def _picture(text: Any, poster: PosterFile) -> bytes:
    content = _decoded(text, MAX_PICTURE_BYTES)
    is_jpeg = content[:3] == b"\xff\xd8\xff"
    if not (is_jpeg if poster.format == "jpg" else _is_webp(content)):
        raise ValueError("its answer has a picture of another format")
    return content


def _is_webp(content: bytes) -> bool:
    return content[:4] == b"RIFF" and content[8:12] == b"WEBP"


def _decoded(text: Any, most_bytes: int) -> bytes:
    if not isinstance(text, str) or len(text) > most_bytes * 4 // 3 + 4:
        raise ValueError("its answer has no picture")
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        raise ValueError("its answer has no picture") from None


def _write(pictures: list[bytes], posters: PosterTarget, eye: str) -> None:
    try:
        for content, poster in zip(pictures, posters, strict=True):
            _put(content, poster.partial, eye_path(poster.path, eye))
    finally:
        for poster in posters:
            with contextlib.suppress(OSError):
                poster.partial.unlink(missing_ok=True)


def _put(content: bytes, partial: Path, path: Path) -> None:
    """Write a picture beside its place first: one that is there is whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with partial.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)
