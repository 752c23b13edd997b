"""Converted segments on disk: the least recently used go first, and none is kept where the disk is
nearly full.
"""

import asyncio
import contextlib
import logging
import secrets
import shutil
from collections import OrderedDict
from pathlib import Path

log = logging.getLogger(__name__)

LEAST_FREE_BYTES = 1 << 30


class SegmentCache:
    """Segments in a folder of their own, by an address such as `hash/key/variant/3.m4s`.

    Every method may block the disk.
    """

    def __init__(
        self, folder: Path, limit_bytes: int, least_free_bytes: int = LEAST_FREE_BYTES
    ) -> None:
        self.folder = folder
        self.limit_bytes = limit_bytes
        self._least_free_bytes = least_free_bytes
        self._sizes: OrderedDict[str, int] = OrderedDict()
        self._writing: set[asyncio.Task[None]] = set()
        self._coming_bytes = 0
        self.size_bytes = self.hits = self.misses = 0

    def prepare(self) -> None:
        """Empty the folder: what an earlier run left is of no use, for nobody watches it any more.

        Raises OSError.
        """
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True, exist_ok=True)

    async def get(self, address: str) -> bytes | None:
        """The segment of this address, None where it is not kept."""
        if address in self._sizes:
            content = await asyncio.to_thread(self._read, address)
            if content is not None:
                self.hits += 1
                if address in self._sizes:
                    self._sizes.move_to_end(address)
                return content
            self._forget(address)
        self.misses += 1
        return None

    async def put(self, address: str, content: bytes) -> None:
        """Keep a segment, if there is room.

        A disk that refuses it costs the segment nothing but being made again.
        """
        if len(content) > self.limit_bytes // 4 or address in self._sizes:
            return
        removed = self._make_room(len(content))
        if self.size_bytes + self._coming_bytes + len(content) > self.limit_bytes:
            return
        self._coming_bytes += len(content)
        # A thread writes to its end, also when nobody waits for it any more.
        writing = asyncio.create_task(self._keep(address, content, removed))
        self._writing.add(writing)
        writing.add_done_callback(self._writing.discard)
        await asyncio.shield(writing)

    async def _keep(self, address: str, content: bytes, removed: list[str]) -> None:
        try:
            written = await asyncio.to_thread(self._write, address, content, removed)
        finally:
            self._coming_bytes -= len(content)
        if written and address not in self._sizes:
            self._sizes[address] = len(content)
            self.size_bytes += len(content)

    def _make_room(self, size_bytes: int) -> list[str]:
        removed = []
        coming_bytes = self._coming_bytes + size_bytes
        while self._sizes and self.size_bytes + coming_bytes > self.limit_bytes:
            address, size = self._sizes.popitem(last=False)
            self.size_bytes -= size
            removed.append(address)
        return removed

    def _forget(self, address: str) -> None:
        self.size_bytes -= self._sizes.pop(address, 0)

    def _read(self, address: str) -> bytes | None:
        try:
            return (self.folder / address).read_bytes() or None
        except OSError:
            return None

    def _write(self, address: str, content: bytes, removed: list[str]) -> bool:
        for old in removed:
            with contextlib.suppress(OSError):
                (self.folder / old).unlink()
        path = self.folder / address
        partial = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
        try:
            if shutil.disk_usage(self.folder).free - len(content) < self._least_free_bytes:
                return False
            path.parent.mkdir(parents=True, exist_ok=True)
            partial.write_bytes(content)
            partial.replace(path)
        except OSError as error:
            log.info("a converted segment could not be cached: %s", error.strerror)
            with contextlib.suppress(OSError):
                partial.unlink(missing_ok=True)
            return False
        return True
