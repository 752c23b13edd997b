"""Probe workers on another machine, started through the system's OpenSSH."""

import asyncio
import base64
import binascii
import contextlib
import logging
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from lvs import __version__
from lvs.errors import Unavailable, WorkerLost
from lvs.services.media.eye import eye_path
from lvs.services.media.posters import PosterFile, PosterTarget
from lvs.services.media.probe_pool import (
    CLOSING_S,
    FilePath,
    ProbePool,
    ProbeResult,
    Worker,
    read_answer,
)
from lvs.services.worker_process import WorkerProcess
from lvs.worker_address import CONNECT_S, WorkerAddress

log = logging.getLogger(__name__)

HELLO_S = CONNECT_S + 20.0  # it may have to read Python from a sleeping disk
MAX_ANSWER_BYTES = 8 << 20
MAX_PICTURE_BYTES = 1 << 20
MAX_ERROR_BYTES = 2000
REMOTE_MEMORY_BYTES = 2 << 30


class ElsewhereError(Exception):
    """The file is not there on that machine, or it is another one."""


class RemotePool(ProbePool):
    """Workers of one machine. `folders` gives the library folders here, in their order."""

    def __init__(self, address: WorkerAddress, folders: Callable[[], Sequence[Path]]) -> None:
        super().__init__(address.processes, memory_limit_bytes=REMOTE_MEMORY_BYTES)
        self._address = address
        self._folders = folders
        self._listening: asyncio.Task[None] | None = None
        self.last_words = ""  # what ssh said at last

    def place(self, path: FilePath) -> tuple[bytes, bytes] | None:
        """The root over there and the path below it; None where the file is not there."""
        return self._address.place(self._folders(), os.fsencode(path))

    async def greet(self) -> None:
        """Start a worker, and see that it is of this version of LVS.

        Raises WorkerLost where the machine does not answer, Unavailable where it cannot be used.
        """
        self.last_words = ""
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
                "It says something else than LVS does. A shell that is entered without a terminal"
                " must print nothing."
            ) from None
        except (TimeoutError, OSError, EOFError):
            if self._listening is not None:
                await asyncio.wait([self._listening], timeout=CLOSING_S)
            raise WorkerLost(self.last_words or "It does not answer.") from None
        finally:
            self._leave(worker, in_order)
        if not in_order:
            raise Unavailable(
                f"It has another version of LVS ({str(version)[:40]!r}); install {__version__}."
            )

    async def _start(self) -> Worker:
        process = await WorkerProcess.run(
            self._address.ssh(self._memory_limit_bytes),
            most_line_bytes=MAX_ANSWER_BYTES,
            hears_errors=True,
        )
        self._listening = asyncio.create_task(self._listen(process))
        self._ending.add(self._listening)
        self._listening.add_done_callback(self._ending.discard)
        return Worker(process)

    async def _listen(self, process: WorkerProcess) -> None:
        """Remember the last line that ssh writes to its standard error."""
        while part := await process.receive_error(MAX_ERROR_BYTES):
            lines = part.decode("utf-8", "replace").strip().splitlines()
            if lines:
                self.last_words = "".join(c for c in lines[-1] if c.isprintable())[:300]

    def _ended_by_itself(self, process_id: int, exit_code: int) -> None:
        """Return what ssh said is told with the machine's state."""
        log.debug("ssh %d to %s ended with %d", process_id, self._address.name, exit_code)

    def _request(self, path: FilePath, posters: PosterTarget) -> dict[str, Any]:
        place = self.place(path)
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
        if isinstance(answer, dict) and "elsewhere" in answer:
            raise ElsewhereError(str(answer["elsewhere"])[:200])
        found = read_answer(answer, path)
        if not (found.has_poster and posters):
            return ProbeResult(found.probe, False, found.evidence)
        pictures = _pictures(answer.get("pictures"), posters)
        try:
            await asyncio.to_thread(_write, pictures, posters, found.evidence.eye)
        except OSError as error:
            log.warning("posters of %r cannot be kept: %s", os.fsencode(path), error.strerror)
            return ProbeResult(found.probe, False, found.evidence)
        return found


def _pictures(found: Any, posters: PosterTarget) -> list[bytes]:
    """The pictures of an answer. Raises ValueError where they are not what was asked for."""
    if not isinstance(found, list) or len(found) != len(posters):
        raise ValueError("its answer has other pictures")
    return [_picture(text, poster) for text, poster in zip(found, posters, strict=True)]


def _picture(text: Any, poster: PosterFile) -> bytes:
    if not isinstance(text, str) or len(text) > MAX_PICTURE_BYTES * 4 // 3 + 4:
        raise ValueError("its answer has no picture")
    try:
        content = base64.b64decode(text, validate=True)
    except binascii.Error:
        raise ValueError("its answer has no picture") from None
    is_jpeg, is_webp = content[:3] == b"\xff\xd8\xff", content[8:12] == b"WEBP"
    if not (is_jpeg if poster.format == "jpg" else is_webp):
        raise ValueError("its answer has a picture of another format")
    return content


def _write(pictures: list[bytes], posters: PosterTarget, eye: str) -> None:
    """Write every poster beside its place first: a poster that is there is whole."""
    try:
        for content, poster in zip(pictures, posters, strict=True):
            path = eye_path(poster.path, eye)
            path.parent.mkdir(parents=True, exist_ok=True)
            with poster.partial.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            poster.partial.replace(path)
    finally:
        for poster in posters:
            with contextlib.suppress(OSError):
                poster.partial.unlink(missing_ok=True)
