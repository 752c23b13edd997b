"""Worker processes on another machine, started through the system's OpenSSH."""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path

from lvs.services.worker_process import WorkerProcess
from lvs.worker_address import WorkerAddress, WorkerKind

CLOSING_S = 1.0
MAX_ERROR_BYTES = 2000
REMOTE_MEMORY_BYTES = 2 << 30


class RemoteFileError(Exception):
    """The file is not there on that machine, or it is another one."""


class RemoteLink:
    """The way to one machine. `folders` gives the library folders here, in their order."""

    def __init__(self, address: WorkerAddress, folders: Callable[[], Sequence[Path]]) -> None:
        self.address = address
        self._folders = folders
        self._listening: set[asyncio.Task[None]] = set()
        self._latest: asyncio.Task[None] | None = None
        self.last_words = ""  # what ssh said at last

    def place(self, path: bytes) -> tuple[bytes, bytes] | None:
        """The root over there and the path below it; None where the file is not there."""
        return self.address.place(self._folders(), path)

    async def start(self, kind: WorkerKind, most_line_bytes: int) -> WorkerProcess:
        """A worker over there, which answers in lines of at most so many bytes.

        Raises OSError where there is no ssh. It ends when it is killed, or the connection does.
        """
        process = await WorkerProcess.run(
            self.address.ssh(REMOTE_MEMORY_BYTES, kind),
            most_line_bytes=most_line_bytes,
            hears_errors=True,
        )
        self._latest = asyncio.create_task(self._listen(process))
        self._listening.add(self._latest)
        self._latest.add_done_callback(self._listening.discard)
        return process

    async def heard(self) -> str:
        """The last words of ssh; the one that was started last is given a second to end."""
        if self._latest is not None:
            await asyncio.wait([self._latest], timeout=CLOSING_S)
        return self.last_words

    async def close(self) -> None:
        """Wait at most a second for what every ssh says, once all of them were ended."""
        if self._listening:
            await asyncio.wait(set(self._listening), timeout=CLOSING_S)

    async def _listen(self, process: WorkerProcess) -> None:
        """Remember the last line that ssh writes to its standard error."""
        while part := await process.receive_error(MAX_ERROR_BYTES):
            lines = part.decode("utf-8", "replace").strip().splitlines()
            if lines:
                self.last_words = "".join(c for c in lines[-1] if c.isprintable())[:300]
