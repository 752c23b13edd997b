"""A worker program, spoken to over its pipes as the server does, and left to end by itself."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self, cast

from support.processes import COUNTED

from lvs.services.worker_process import SOURCE_FOLDER, START

PATIENCE_S = 60


def program(module: str, *arguments: str) -> list[str]:
    """The command with which the server starts a worker module."""
    return [sys.executable, "-P", "-c", START.format(module), SOURCE_FOLDER, *arguments]


class WorkerProgram:
    """A running worker program. It ends when the context is left, as it does with its server."""

    def __init__(self, command: Sequence[str]) -> None:
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
            env={**os.environ, **COUNTED},
        )
        assert self._process.stdin
        assert self._process.stdout
        self._requests, self._answers = self._process.stdin, self._process.stdout
        self._number = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._requests.close()
        try:
            code = self._process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            raise
        finally:
            self._answers.close()
        # While lines are written down, the end of one thread overtakes the other's.
        assert error or code == 0 or COUNTED

    @property
    def process_id(self) -> int:
        """The number of the process."""
        return self._process.pid

    def send(self, **request: Any) -> None:
        """Write a request."""
        self._requests.write(json.dumps(request).encode() + b"\n")
        self._requests.flush()

    def line(self) -> dict[str, Any]:
        """The next line that it says."""
        return cast("dict[str, Any]", json.loads(self._answers.readline()))

    def ask(self, **request: Any) -> dict[str, Any]:
        """The answer to a request."""
        self.send(**request)
        return self.line()

    def make(self, do: str, **request: Any) -> tuple[dict[str, Any], bytes]:
        """The answer to a request with a number, and the bytes behind it."""
        self._number += 1
        answer = self.ask(do=do, id=self._number, **request)
        assert answer["id"] == self._number
        return answer, self._answers.read(answer["bytes"])
