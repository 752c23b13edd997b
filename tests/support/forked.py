"""`lvs` processes that are forked from one that has imported LVS: a start takes a tenth of a second
of the processor and not one and a half.

What they run is `lvs.cli.main`, as `python -m lvs` does.
"""

import multiprocessing
import os
import pkgutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import IO

import lvs.commands
from lvs.cli import main

COMMANDS = [f"lvs.commands.{found.name}" for found in pkgutil.iter_modules(lvs.commands.__path__)]

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(["__main__", "lvs.cli", "lvs.app", "lvs.server", *COMMANDS])


class ForkedProcess:
    """A running process, with what tests need of `subprocess.Popen`."""

    def __init__(
        self, arguments: Sequence[str], folder: Path, environment: Mapping[str, str], errors: Path
    ) -> None:
        reading, writing = _context.Pipe(duplex=False)
        self._process = _context.Process(
            target=_run, args=(arguments, str(folder), dict(environment), writing, str(errors))
        )
        self._process.start()
        writing.close()
        self.stdout: IO[str] = os.fdopen(os.dup(reading.fileno()), encoding="utf-8")
        reading.close()
        assert self._process.pid
        self.pid: int = self._process.pid

    def poll(self) -> int | None:
        """Its exit code, negative where a signal ended it; None while it runs."""
        return self._process.exitcode

    def wait(self, timeout: float) -> int:
        """Its exit code, once it has ended. Raises subprocess.TimeoutExpired."""
        self._process.join(timeout)
        code = self.poll()
        if code is None:
            raise subprocess.TimeoutExpired("lvs", timeout)
        return code

    def send_signal(self, number: int) -> None:
        """Give it the signal, where it still runs."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it at once."""
        self.send_signal(signal.SIGKILL)


def _run(
    arguments: Sequence[str],
    folder: str,
    environment: Mapping[str, str],
    output: Connection,
    errors: str,
) -> None:
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    time.tzset()
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(output.fileno(), 1)
    output.close()
    os.dup2(os.open(errors, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), 2)
    sys.stdin = open(0, encoding="utf-8")  # noqa: SIM115  they stay open
    sys.stdout = open(1, "w", buffering=1, encoding="utf-8")  # noqa: SIM115
    sys.stderr = open(2, "w", buffering=1, encoding="utf-8")  # noqa: SIM115
    sys.argv = ["lvs", *arguments]
    if "COVERAGE_PROCESS_START" in environment:
        import coverage

        coverage.process_startup()
    sys.exit(main())
