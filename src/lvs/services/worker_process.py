"""Worker processes of the server: started, spoken to in JSON lines, and ended in one way.

A worker shares nothing with the server but its pipes: no sockets, no open files, no pickled
objects. It opens strangers' files, so that nothing it says is taken on trust.
"""

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self, cast

SOURCE_FOLDER = str(Path(__file__).resolve().parents[2])
# `-P` keeps the folder the server was started in out of the import path: a stray `json.py` there is
# not ours.
# While a worker imports its modules it makes no garbage; the search for some takes a tenth of it.
START = (
    "import gc, sys; gc.disable(); sys.path.append(sys.argv[1]); from {} import main; "
    "gc.freeze(); gc.enable(); main()"
)


class WorkerProcess:
    """One worker process. It ends when `kill` is called or the server's end of its pipes closes."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._requests = cast("asyncio.StreamWriter", process.stdin)
        self._answers = cast("asyncio.StreamReader", process.stdout)

    @classmethod
    async def start(
        cls, module: str, *arguments: str, most_line_bytes: int, **environment: str
    ) -> Self:
        """A process that runs `main` of a module of LVS. Raises OSError.

        The arguments are the last of its `sys.argv`, `most_line_bytes` bounds a line it sends.
        """
        command = (sys.executable, "-P", "-c", START.format(module), SOURCE_FOLDER, *arguments)
        return await cls.run(command, most_line_bytes=most_line_bytes, environment=environment)

    @classmethod
    async def run(
        cls,
        command: Sequence[str],
        *,
        most_line_bytes: int,
        hears_errors: bool = False,
        environment: Mapping[str, str] | None = None,
    ) -> Self:
        """A process of another command that speaks the same way, such as one on another machine.

        `hears_errors` makes its standard error a pipe, which somebody has to read. Raises OSError.
        """
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE if hears_errors else asyncio.subprocess.DEVNULL,
            limit=most_line_bytes,
            start_new_session=True,  # Ctrl-C in the terminal is the server's to handle
            env={**os.environ, **(environment or {})},
        )
        return cls(process)

    @property
    def process_id(self) -> int:
        """The number of the process."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """True while the process runs."""
        return self._process.returncode is None

    def send(self, message: Mapping[str, Any]) -> None:
        """Write a line. That the process is gone is noticed when its answer is read."""
        with contextlib.suppress(ConnectionError, RuntimeError):
            self._requests.write(json.dumps(message).encode() + b"\n")

    async def receive(self) -> Any:
        """The next line, read as JSON.

        Raises EOFError or OSError where the process is gone, ValueError where it is no JSON or too
        long.
        """
        line = await self._answers.readline()
        if not line.endswith(b"\n"):
            raise EOFError("it ended before it answered")
        try:
            return json.loads(line)
        except RecursionError:
            raise ValueError("its answer is nested too deeply") from None

    async def receive_bytes(self, size_bytes: int) -> bytes:
        """Read this many bytes after a line.

        Raises EOFError or OSError where the process is gone.
        """
        return await self._answers.readexactly(size_bytes)

    async def receive_error(self, most_bytes: int) -> bytes:
        """The next of its standard error, where it is heard; empty at its end."""
        errors = self._process.stderr
        return await errors.read(most_bytes) if errors is not None else b""

    def kill(self) -> None:
        """End the process at once. One that hangs in the disk ends when the disk answers."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()

    async def wait(self) -> int:
        """Its exit code, once it is gone; negative where a signal ended it."""
        return await self._process.wait()
