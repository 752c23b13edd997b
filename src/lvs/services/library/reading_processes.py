"""Processes that read files for a scan: hashing then waits for no interpreter that is busy with the
database, and pages neither.

They are plain processes that speak JSON lines (`reading_worker.py`), started as those that look
into films are, and they share nothing with the server. Whatever becomes of them, the files are
read.
"""

import json
import logging
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from queue import Empty, SimpleQueue

from lvs.services.library import fingerprint
from lvs.services.library.fingerprint import Failure, Print
from lvs.services.media.probe_pool import SOURCE_FOLDER

log = logging.getLogger(__name__)

START = "import sys; sys.path.append(sys.argv[1]); from lvs.services.library.reading_worker import main; main()"


class Processes:
    """At most so many processes that read, each for one thread at a time.

    They start when needed and stay until `close`.
    """

    def __init__(self, count: int) -> None:
        self._free: SimpleQueue[_Seat] = SimpleQueue()
        for _ in range(count):
            self._free.put(_Seat())
        self._closed = False

    def fingerprints(self, paths: Sequence[bytes]) -> list[Print | Failure]:
        """As `content.fingerprints`, and the same right here where no process is free, or the one
        that was is no more.
        """
        try:
            seat = self._free.get_nowait()
        except Empty:
            return fingerprint.fingerprints(paths)
        try:
            return seat.fingerprints(paths)
        finally:
            self._free.put(seat)
            if self._closed:
                self._clear()

    def close(self) -> None:
        """End the processes; one that is at work ends when it has answered."""
        self._closed = True
        self._clear()

    def _clear(self) -> None:
        with suppress(Empty):
            while True:
                self._free.get_nowait().clear()


class _Seat:
    """Where one process works.

    If it breaks down, none takes its place: what ended it may end the next.
    """

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._broken = False

    def fingerprints(self, paths: Sequence[bytes]) -> list[Print | Failure]:
        if not self._broken:
            try:
                return self._ask(paths)
            except (OSError, ValueError) as error:
                log.warning(
                    "A process that read files broke down, and the server reads in its place: %r",
                    error,
                )
                self._broken = True
                self.clear()
        return fingerprint.fingerprints(paths)

    def _ask(self, paths: Sequence[bytes]) -> list[Print | Failure]:
        process = self._process = self._process or _start()
        if process.stdin is None or process.stdout is None:
            raise ValueError("it has no pipes")
        process.stdin.write(json.dumps([path.hex() for path in paths]).encode() + b"\n")
        process.stdin.flush()
        answers: list[Print | Failure] = [
            tuple(answer) for answer in json.loads(process.stdout.readline())
        ]
        if len(answers) != len(paths):
            raise ValueError("it did not answer for each file")
        return answers

    def clear(self) -> None:
        """End the process, which is not at work."""
        if self._process is not None:
            self._process.kill()
            with suppress(OSError):  # what it was not told any more
                self._process.communicate()
            self._process = None


def _start() -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-P", "-c", START, SOURCE_FOLDER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # Ctrl-C in the terminal is the server's to handle
    )
