"""A household for tests: a library folder with real videos, a data folder, and a real server around
them.
"""

import asyncio
import itertools
import os
import struct
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Any, Self

from quart.testing import TestApp
from quart.typing import TestClientProtocol
from support.data_folder import begin
from support.media import make_video

from lvs.app import create_app
from lvs.config import Config
from lvs.models import Query, Sort, Video
from lvs.services.bundle import Services

PATIENCE_S = 30
OLD_NS = (
    1_700_000_000_000_000_000  # long ago, so that nobody takes the file for one still being written
)
_numbers = itertools.count(1)


@cache
def seed_video(kind: str = ".mp4") -> bytes:
    """The bytes of one small film."""
    with TemporaryDirectory() as folder:
        return make_video(Path(folder) / f"seed{kind}", size=(64, 36), seconds=0.5).read_bytes()


def distinct_video(number: int | None = None) -> bytes:
    """A playable film that has no equal: the seed with a `free` box (ISO/IEC 14496-12 section
    8.1.2) of its own behind it.
    """
    number = next(_numbers) if number is None else number
    mark = number.to_bytes(16, "big") * (1 + number % 7)
    return seed_video() + struct.pack(">I4s", 8 + len(mark), b"free") + mark


class Home:
    """The household.

    `async with` starts the server; `stop` and `start` end and begin it again on the same data.
    Films are probed from the first time on that a test waits for something: a process for that
    takes a quarter of a second to start, and most tests end before.
    """

    def __init__(
        self, folder: Path, libraries: tuple[str, ...] = ("Videos",), **options: Any
    ) -> None:
        self.libraries = [folder / name for name in libraries]
        for library in self.libraries:
            library.mkdir(parents=True, exist_ok=True)
        self.data = folder / "data"
        self.options = {
            "settle_seconds": 0.2,
            "thumbnail_workers": 1,
            "ratings_limit": "0",
            "writes_limit": "0",
            "watch": "off",
        } | options
        self.client: TestClientProtocol
        self._stack = AsyncExitStack()
        self._probes_wait = False

    @property
    def library(self) -> Path:
        return self.libraries[0]

    @property
    def services(self) -> Services:
        services: Services = self.app.extensions["lvs"]
        return services

    def add(self, name: str | bytes, content: bytes | None = None, library: int = 0) -> Path:
        """Put a film of its own (or these bytes) into a library folder, as a file that has lain
        there for long.
        """
        path = self.libraries[library] / os.fsdecode(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(distinct_video() if content is None else content)
        os.utime(path, ns=(OLD_NS, OLD_NS))
        return path

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        """Start the server and wait for its first scan."""
        begin(self.data)
        options: dict[str, Any] = self.options
        config = Config(video_directory=self.libraries, data_directory=self.data, **options)
        self.app = create_app(config)
        self.services.gallery.fill_delay_s = 0.0  # a test ends sooner than the delay
        self._stack = AsyncExitStack()
        await self._stack.enter_async_context(TestApp(self.app, PATIENCE_S, PATIENCE_S))  # type: ignore[arg-type]
        self.client = self.app.test_client()
        self.services.playback.pool._quiet.clear()  # as while somebody watches
        self._probes_wait = True
        await self._until(lambda: self.services.watcher.scans_done > 0)

    async def stop(self) -> None:
        await self._stack.aclose()

    async def scan(self) -> None:
        """Look at every file again, as the button does."""
        await self.services.library.scan()

    @property
    def queries(self) -> int:
        """The number of queries that requests have made, without those of background tasks."""
        return sum(route.queries for route in self.services.metrics.routes.values())

    async def probed(self) -> None:
        """Wait until every video has been probed."""

        def done() -> bool:
            jobs = self.services.jobs
            return not (jobs.remaining or jobs.queued or jobs.running) and jobs.sweeps_done > 0

        await self.until(done)

    async def until(self, true: Callable[[], bool | Awaitable[bool]]) -> None:
        """Wait until something is true. It never being so is a failure."""
        if self._probes_wait:
            self._probes_wait = False
            self.services.playback.pool._quiet.set()
        await self._until(true)

    async def _until(self, true: Callable[[], bool | Awaitable[bool]]) -> None:
        end = time.monotonic() + PATIENCE_S
        while True:
            value = true()
            if await value if isinstance(value, Awaitable) else value:
                return
            assert time.monotonic() < end, "waited too long"
            await asyncio.sleep(0.02)

    async def titles(self, query: Query | None = None) -> list[str]:
        """The titles the gallery shows, in alphabetical order."""
        page = await self.services.gallery.browse(
            query or Query(sort=Sort.TITLE, descending=False), limit=500
        )
        return [card.title for card in page.cards]

    async def video(self, name: str | bytes, library: int = 0) -> Video:
        """The video that lies, or lay last, at this path."""
        roots = {root.path: root.id for root in self.services.library.roots.values()}
        root_id = roots[os.fsencode(self.libraries[library].resolve())]
        found = await self.services.videos.at([(root_id, os.fsencode(name))])
        assert found is not None, f"no video was ever at {name!r}"
        return found[0]
