"""A worker process that makes the segments of one film: reads requests line by line, answers with a
line and bytes.

Started by `player_pool.py`, which kills it when it takes too long or nobody watches any more. A
request is one JSON line: `open`, `init`, `segment`, `subtitles`, `try` for an encoder, `pace` for
how quickly software encodes, or `drop` for one whose answer nobody waits for any more. An answer is
one JSON line, followed by as many bytes as it says under `bytes`.
"""

import gc
import importlib
import json
import os
import queue
import stat
import sys
import threading
import time
from contextlib import suppress
from typing import IO, TYPE_CHECKING, Any

from lvs.errors import NotFound, Unreadable
from lvs.services.media.worker_limits import (
    limit_process,
    limit_processor,
    open_without_links,
    traceback_text,
)

if TYPE_CHECKING:
    from lvs.services.playback.segments import SegmentMaker
    from lvs.services.playback.video_source import VideoSource

PROCESSOR_LIMIT_S = 40.0
NICE = 5  # somebody waits for it, other than for posters
CHANGED = "The file was changed."


class DroppedError(Exception):
    """Nobody waits for this piece of work any more."""


class ChangedError(Exception):
    """The file is not what it was when it was opened."""


def main() -> None:
    """Answer requests until standard input ends."""
    serve(OpenVideo(), int(sys.argv[-1]))


def serve(video: "OpenVideo", memory_limit_bytes: int) -> None:
    """Limit this process and answer requests about the film until standard input ends."""
    # What a library prints must not get between the answers.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    # What is imported until the first segment is made stays, and makes no garbage meanwhile.
    gc.disable()
    limit_process(memory_limit_bytes, NICE)
    requests = RequestQueue(sys.stdin.buffer)
    while (request := requests.next()) is not None:
        answer, content = video.answer(request, requests)
        answers.write(
            json.dumps({**answer, "id": request["id"], "bytes": len(content)}).encode() + b"\n"
        )
        answers.write(content)
        answers.flush()
        video.prepare()


class RequestQueue:
    """Takes requests while another is worked on, so that the work can see that it is no longer
    wanted.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._waiting: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        self._dropped: set[int] = set()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        for line in self._file:
            request = json.loads(line)
            if request["do"] == "drop":
                self._dropped.add(request["id"])
            else:
                self._waiting.put(request)
        self._waiting.put(None)
        os._exit(0)  # the server is gone; whatever is being made is for nobody

    def next(self) -> dict[str, Any] | None:
        """The next request, None when there will be no more."""
        self._dropped.clear()  # the pool sends a request only when the last one is answered
        return self._waiting.get()

    def is_dropped(self, number: int) -> bool:
        """True if the request of this number is no longer wanted."""
        return number in self._dropped


class OpenVideo:
    """The opened film and what is being made of it."""

    def __init__(self) -> None:
        self._file: IO[bytes] | None = None
        self._version: tuple[int, int] | None = None
        self._source: VideoSource | None = None
        self._maker: SegmentMaker | None = None
        self._preparing: threading.Thread | None = None

    def answer(
        self, request: dict[str, Any], requests: RequestQueue
    ) -> tuple[dict[str, Any], bytes]:
        """A line and bytes.

        `unreadable`, `unavailable`, `missing` and `changed` hold a message, `detail` is for the
        log.
        """
        limit_processor(PROCESSOR_LIMIT_S)
        begun_s = time.process_time()
        try:
            answer, content = self._do(request, requests)
        except DroppedError:
            self._maker = None  # it stopped anywhere
            return {"dropped": True}, b""
        except ChangedError:
            return {"changed": CHANGED}, b""
        except NotFound as error:
            return {"missing": str(error)}, b""
        except Unreadable as error:
            return {"unreadable": error.message}, b""
        except MemoryError:
            return {"unavailable": "Playing it takes more memory than it may have."}, b""
        except OSError as error:
            return {
                "unavailable": f"It could not be read: {os.strerror(error.errno or 0)}.",
                "detail": traceback_text(),
            }, b""
        except Exception:  # noqa: BLE001  one strange film must not end the worker
            self._maker = None
            return {"unavailable": "Playing it went wrong.", "detail": traceback_text()}, b""
        return {**answer, "processor_s": time.process_time() - begun_s}, content

    def prepare(self) -> None:
        """Wait for what segments are made with, in the time before the first is asked for."""
        if self._preparing is not None:
            self._preparing.join()
            self._preparing = None
            gc.freeze()
            gc.enable()

    def _do(self, request: dict[str, Any], requests: RequestQueue) -> tuple[dict[str, Any], bytes]:
        if request["do"] == "try":
            from lvs.services.playback.encoders import try_encoder  # noqa: PLC0415

            return {}, try_encoder(str(request["encoder"]))
        if request["do"] == "pace":
            from lvs.services.playback.encoders import encoding_pace  # noqa: PLC0415

            return {}, str(encoding_pace()).encode()
        if request["do"] == "open":
            return {"film": self._open(request).facts.record()}, b""
        self._check_unchanged()
        source = self._opened_source()
        source.allow()

        def checkpoint() -> None:
            if requests.is_dropped(request["id"]):
                raise DroppedError

        if request["do"] == "subtitles":
            from lvs.services.playback.embedded_subtitles import embedded_webvtt  # noqa: PLC0415

            return {}, embedded_webvtt(source, int(request["track"]), checkpoint).encode()
        maker = self._maker_of(str(request["variant"]), source)
        if request["do"] == "init":
            return {}, maker.init()
        number = int(request["number"])
        content = maker.segment(number, checkpoint)
        self._check_unchanged()
        return {"film_s": maker.end_s(number) - maker.cuts[number]}, content

    def _open(self, request: dict[str, Any]) -> "VideoSource":
        # Here and not above: a broken installation becomes an answer, where an import at the top
        # would only end the process.
        from lvs.services.playback.video_source import VideoSource  # noqa: PLC0415

        descriptor = open_without_links(os.fsdecode(bytes.fromhex(request["path"])))
        # It stays open as long as the process lives.
        self._file = open(descriptor, "rb", buffering=0)  # noqa: SIM115
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise Unreadable("It is not a regular file.")
        self._version = status.st_size, status.st_mtime_ns
        if list(self._version) != request["version"]:
            raise ChangedError
        # Reading and decoding take none of Python's time.
        self._preparing = threading.Thread(target=_import_makers)
        self._preparing.start()
        self._source = VideoSource(self._file, request.get("duration_s"))
        return self._source

    def _check_unchanged(self) -> None:
        if self._file is not None:
            status = os.fstat(self._file.fileno())
            if (status.st_size, status.st_mtime_ns) != self._version:
                raise ChangedError

    def _opened_source(self) -> "VideoSource":
        if self._source is None:
            raise Unreadable("The video is not open.")
        return self._source

    def _maker_of(self, name: str, source: "VideoSource") -> "SegmentMaker":
        from lvs.services.playback.planner import parse_variant  # noqa: PLC0415
        from lvs.services.playback.segments import SegmentMaker  # noqa: PLC0415

        variant = parse_variant(name)
        if variant is None:
            raise NotFound("The film has no such variant.")
        if (
            self._maker is None or self._maker.variant != variant
        ):  # makers share the place in the file: only one can go on
            self._maker = SegmentMaker(source, variant)
        return self._maker


def _import_makers() -> None:
    with suppress(ImportError):  # the segment that is asked for says so
        importlib.import_module("lvs.services.playback.segments")


if __name__ == "__main__":
    main()
