"""Real `lvs` processes for tests: started, read, and ended by their own pid."""

import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Self

from support.data_folder import begin
from support.forked import ForkedProcess

PATIENCE_SECONDS = (
    60  # a process that says nothing for so long is broken; nothing is measured by it
)


COUNTED: dict[str, str] = {}
"""Variables that have a process count the lines that it runs; empty unless the fixture `counted` is
in use.
"""

LVS = [sys.executable, "-m", "lvs"]
SERVE = [*LVS, "serve", "--host", "127.0.0.1", "--port", "0"]


def environment(home: Path, **more: str) -> dict[str, str]:
    """The environment of a user whose home is `home` and who has set nothing for LVS but `more`."""
    kept = {
        name: value
        for name, value in os.environ.items()
        # a shell's idea of its window stands above the terminal's own size
        if not name.upper().startswith("LVS_") and name not in ("COLUMNS", "LINES")
    }
    return {
        **kept,
        "HOME": str(home),
        "XDG_DATA_HOME": str(home / "share"),
        "PYTHONUNBUFFERED": "1",
        "LVS_ANNOUNCE": "off",  # tests tell the network nothing
        **COUNTED,
        **more,
    }


def run(*arguments: str | Path, cwd: Path, **more: str) -> subprocess.CompletedProcess[str]:
    """Run `lvs` with these arguments and capture its output and exit code."""
    return run_command([*LVS, *arguments], cwd, **more)


def run_command(
    command: Sequence[object], cwd: Path, patience_seconds: int = PATIENCE_SECONDS, /, **more: str
) -> subprocess.CompletedProcess[str]:
    """Run a command and capture its output and exit code."""
    words = list(map(str, command))
    if may_fork(words, more):
        return _run_forked(words, cwd, patience_seconds, environment(cwd, **more))
    return subprocess.run(
        words,
        cwd=cwd,
        env=environment(cwd, **more),
        capture_output=True,
        text=True,
        timeout=patience_seconds,
        check=False,
    )


def may_fork(words: Sequence[str], more: Collection[str]) -> bool:
    """True for a command of `lvs` alone whose Python has to be told nothing before it starts."""
    told = any(name.startswith(("PYTHON", "LC_", "LANG", "LD_")) for name in more)
    return list(words[: len(LVS)]) == LVS and not told


def _run_forked(
    words: Sequence[str], cwd: Path, patience_seconds: int, given: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    with TemporaryDirectory() as place:
        errors = Path(place) / "errors"
        process = ForkedProcess(words[len(LVS) :], cwd, given, errors)
        limit = threading.Timer(patience_seconds, process.kill)
        limit.start()
        with process.stdout:
            output = process.stdout.read()
        code = process.wait(patience_seconds)
        limit.cancel()
        return subprocess.CompletedProcess(words, code, output, errors.read_text("utf-8"))


class Server:
    """A running server; `address` is the first it names, `secure_address` the first of HTTPS.

    Leaving the context kills it, if `stop` has not ended it before.
    """

    def __init__(self, command: Sequence[object], cwd: Path, **more: str) -> None:
        self._errors = (cwd / "stderr.txt").open("w+", encoding="utf-8")
        words, given = list(map(str, command)), environment(cwd, **more)
        self._process: ForkedProcess | subprocess.Popen[str]
        if may_fork(words, more):
            errors = Path(self._errors.name)
            self._process = ForkedProcess(words[len(LVS) :], cwd, given, errors)
        else:
            self._process = subprocess.Popen(
                words,
                cwd=cwd,
                env=given,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=self._errors,
                text=True,
            )
        self.pid = self._process.pid
        self.lines = self.read_until("Stop it")
        found = re.search(r"https?://\S+", "\n".join(self.lines))
        assert found, f"no address in {self.lines}; stderr: {self.errors}"
        self.address = found[0]
        self.port = int(self.address.rpartition(":")[2])
        secure = re.search(r"https://\S+", "\n".join(self.lines))
        self.secure_address = secure[0] if secure else ""

    def read_until(self, beginning: str) -> list[str]:
        """The lines it prints, up to the one that begins so."""
        assert self._process.stdout
        limit = threading.Timer(PATIENCE_SECONDS, self._process.kill)
        limit.start()
        lines = []
        for line in self._process.stdout:
            lines.append(line.rstrip("\n"))
            if line.startswith(beginning):
                break
        limit.cancel()
        return lines

    @property
    def errors(self) -> str:
        """The text it has written to stderr."""
        self._errors.seek(0)
        return self._errors.read()

    def send(self, number: signal.Signals) -> None:
        """Give it the signal."""
        self._process.send_signal(number)

    def wait(self) -> int:
        """Its exit code, once it has ended."""
        return self._process.wait(PATIENCE_SECONDS)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Its exit code after the signal."""
        self.send(number)
        return self.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if COUNTED and self._process.poll() is None:
            self._process.terminate()  # what was counted is written at the end
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(PATIENCE_SECONDS)
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait(PATIENCE_SECONDS)
        if self._process.stdout:
            self._process.stdout.close()
        self._errors.close()


def serving(library: Path, folder: Path, *flags: str | Path) -> Server:
    """Start a server of this library on a free port, with its data in `folder / "data"`."""
    begin(folder / "data")
    return Server([*SERVE, library, "--data", folder / "data", "--tls-port", "0", *flags], folder)


def free_port() -> int:
    """A port of loopback that nobody has right now."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def until(true: Callable[[], bool]) -> None:
    """Come back once something is true. It never being so is a failure."""
    end = time.monotonic() + PATIENCE_SECONDS
    while not true():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.05)
