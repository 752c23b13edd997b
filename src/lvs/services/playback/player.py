"""A running player worker as the server sees it: one film, one request at a time, killed when it
does not answer.
"""

import asyncio
import logging
import os
from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from lvs.errors import NotFound, Unavailable, Unreadable
from lvs.services.playback.planner import Sound, VideoFacts
from lvs.services.remote_link import RemoteFileError
from lvs.services.worker_process import WorkerProcess

log = logging.getLogger(__name__)

WORKER = "lvs.services.playback.player_start"
MAX_LINE_BYTES = 8 << 20
"""A film of a day with a keyframe every second is described in less."""
MAX_CONTENT_BYTES = 96 << 20
DROPPING_S = 2.0
MAX_KEYFRAMES, MAX_SOUNDS = 200_000, 100


class PlayedVideo(Struct, frozen=True):
    """A file to be played.

    `key` names its content, whose fingerprint is `content`; `version` is its size and time of
    change, as the library knows them.
    """

    media_hash: str
    key: str
    path: bytes
    version: tuple[int, int]
    title: str = ""
    duration_s: float | None = None
    content: str = ""


class PlayerAnswer(Struct, frozen=True):
    """An answer of a worker: its content, and the seconds of film and of processor time that it
    took.
    """

    content: bytes
    film_s: float = 0.0
    processor_s: float = 0.0


class Player:
    """One worker process with one open film."""

    def __init__(self, process: WorkerProcess, most_content_bytes: int = MAX_CONTENT_BYTES) -> None:
        self._process = process
        self._most_content_bytes = most_content_bytes
        self._lock = asyncio.Lock()
        self._number = 0
        self._killed = False

    @property
    def alive(self) -> bool:
        """True if the process still runs, and nobody ended it."""
        return self._process.alive and not self._killed

    @property
    def process_id(self) -> int:
        """The worker's process number."""
        return self._process.process_id

    async def open(self, video: PlayedVideo) -> VideoFacts:
        """Open the film. Raises Unreadable, Unavailable, NotFound where it was changed since."""
        where = {"path": video.path.hex(), "version": list(video.version)}
        return await self._open(video, where)

    async def open_at(self, video: PlayedVideo, root: bytes, below: bytes) -> VideoFacts:
        """Open the film on another machine, at this path below a folder there.

        Raises as `open` does, and RemoteFileError where it is not there.
        """
        where = {"root": root.hex(), "path": below.hex(), "content": video.content}
        return await self._open(video, where)

    async def _open(self, video: PlayedVideo, where: Mapping[str, Any]) -> VideoFacts:
        answer, _ = await self._ask({"do": "open", "duration_s": video.duration_s, **where})
        try:
            return _facts(answer["film"])
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"the answer is not valid: {error!r}") from None

    async def make(self, do: str, **request: Any) -> PlayerAnswer:
        """Have it make something.

        When this is cancelled, the work ends, too. Raises as `open` does.
        """
        answer, content = await self._ask({"do": do, **request})
        return PlayerAnswer(
            content, _seconds(answer.get("film_s", 0.0)), _seconds(answer.get("processor_s", 0.0))
        )

    async def _ask(self, request: Mapping[str, Any]) -> tuple[dict[str, Any], bytes]:
        async with self._lock:
            self._number += 1
            self._process.send({**request, "id": self._number})
            reading = asyncio.ensure_future(self._read(self._number))
            try:
                answer, content = await asyncio.shield(reading)
            except asyncio.CancelledError:
                await self._drop(reading)
                raise
        return _checked(answer), content

    async def _drop(self, reading: "asyncio.Future[Any]") -> None:
        """Wait for the worker to let go of what nobody waits for any more, and kill it where it
        does not.
        """
        self._process.send({"do": "drop", "id": self._number})
        try:
            async with asyncio.timeout(DROPPING_S):
                await reading
        except (TimeoutError, asyncio.CancelledError, OSError, EOFError, ValueError):
            self.kill()

    async def _read(self, number: int) -> tuple[dict[str, Any], bytes]:
        """The answer to this request.

        Raises EOFError or OSError when the worker is gone, ValueError when it is no answer.
        """
        answer = await self._process.receive()
        size_bytes = answer.get("bytes") if isinstance(answer, dict) else None
        if (
            not isinstance(answer, dict)
            or answer.get("id") != number
            or type(size_bytes) is not int
            or not 0 <= size_bytes <= self._most_content_bytes
        ):
            raise ValueError("the answer is not valid")
        return answer, await self._process.receive_bytes(size_bytes)

    def kill(self) -> None:
        """End the process at once."""
        self._killed = True
        self._process.kill()

    async def wait(self) -> None:
        """Wait until the process is gone."""
        await self._process.wait()


async def start_player(memory_limit_bytes: int) -> Player:
    """A new worker process. Raises OSError."""
    return Player(
        await WorkerProcess.start(WORKER, str(memory_limit_bytes), most_line_bytes=MAX_LINE_BYTES)
    )


# What follows reads answers of a process that read a stranger's file: nothing in them is taken on
# trust.


def _checked(answer: dict[str, Any]) -> dict[str, Any]:
    if "detail" in answer:
        log.warning("a player worker: %s", _text(answer["detail"], 10_000))
    if "unreadable" in answer:
        raise Unreadable(_text(answer["unreadable"]))
    if "unavailable" in answer:
        raise Unavailable(_text(answer["unavailable"]))
    if "missing" in answer or "changed" in answer:
        raise NotFound(_text(answer.get("missing") or answer.get("changed")))
    if "elsewhere" in answer:
        raise RemoteFileError(_text(answer["elsewhere"]))
    if "dropped" in answer:
        raise Unavailable("It is no longer needed.")
    return answer


def _facts(found: Mapping[str, Any]) -> VideoFacts:
    keyframes = found["keyframes"]
    if keyframes is not None and len(keyframes) > MAX_KEYFRAMES:
        keyframes = None
    return VideoFacts(
        container=_text(found["container"]),
        codec=_text(found["codec"]),
        string=_plain(found["string"]),
        duration_s=max(0.04, _seconds(found["duration_s"])),
        width=max(1, _whole(found["width"])),
        height=max(1, _whole(found["height"])),
        pixel_format=_text(found["pixel_format"]),
        bit_depth=_whole(found["bit_depth"]),
        interlaced=found["interlaced"] is True,
        transfer=_text(found["transfer"]),
        rotation=_whole(found["rotation"]) % 360,
        frame_rate=max(1.0, _seconds(found["frame_rate"])),
        bit_rate=_whole(found["bit_rate"]),
        sounds=tuple(_sound(sound) for sound in found["sounds"][:MAX_SOUNDS]),
        subtitles=tuple(_text(codec) for codec in found["subtitles"][:MAX_SOUNDS]),
        keyframes=None if keyframes is None else tuple(_seconds(moment) for moment in keyframes),
        timed=found["timed"] is True,
    )


def _sound(found: Mapping[str, Any]) -> Sound:
    language = found["language"]
    return Sound(
        codec=_text(found["codec"]),
        string=_plain(found["string"]),
        copied=found["copied"] is True,
        language=None if language is None else _text(language),
        default=found["default"] is True,
    )


def _text(found: Any, most_characters: int = 500) -> str:
    if type(found) is not str or len(found) > most_characters:
        raise TypeError("not a short text")
    return found


def _plain(found: Any) -> str:
    """Text that may stand in a playlist: letters, digits, points and such."""
    return "".join(
        letter
        for letter in _text(found)
        if letter.isascii() and (letter.isalnum() or letter in "._-")
    )


def _whole(found: Any) -> int:
    if type(found) is not int or not 0 <= found < 1 << 53:
        raise TypeError("not a whole number")
    return found


def _seconds(found: Any) -> float:
    if type(found) not in (int, float) or not 0 <= found < 1e9:
        raise TypeError("not a number of seconds")
    return float(found)


def absolute_path(root: bytes, path: bytes) -> bytes:
    """Absolute path of a file of the library."""
    return os.path.join(root, path)
