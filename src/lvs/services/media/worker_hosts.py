"""Work on films shared between this machine and others.

A machine that sleeps, does not answer or cannot be used is left alone for a minute. What was under
way there is made here in the same turn, so that nothing is counted against a film.
"""

import asyncio
import logging
import socket
import time
from collections import Counter, OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from enum import Enum
from typing import TypeVar

from msgspec import Struct

from lvs.errors import LvsError, WorkerLost
from lvs.services.media.picture_signature import PictureSignature
from lvs.services.media.posters import PosterTarget
from lvs.services.media.probe_answer import ProbeResult
from lvs.services.media.probe_pool import ProbePool
from lvs.services.media.remote_pool import RemotePool
from lvs.services.media.scene_request import SceneRequest, SceneTimes
from lvs.services.remote_link import RemoteFileError
from lvs.worker_address import WorkerAddress

log = logging.getLogger(__name__)

LEFT_S = 60.0
DECLINED_IN_A_ROW = 5  # films: where so many are not there, the folder is another
VIDEOS_KEPT = 1000
WAKE_PORT = 9

Value = TypeVar("Value")


class RemoteWork(Enum):
    """Kinds of work that another machine does."""

    PROBE = "probe"
    STRIP = "strip of scenes"
    SIGNATURE = "picture signature"
    PIECE = "converted piece"


class HostState(Struct, frozen=True):
    """A machine as the dashboard shows it. `away_s` is for how long it is still left alone.

    `done` counts probes, `running` all that its probe workers are at; `films` are converted there
    now, in `pieces` so far; `unfit` says why none of them is.
    """

    name: str
    processes: int
    ready: bool
    running: int
    done: int
    lost: int
    failure: str
    away_s: float
    strips: int = 0
    signatures: int = 0
    pieces: int = 0
    films: int = 0
    unfit: str = ""


class WorkerHost:
    """One other machine: whether it may be asked, and what became of it."""

    def __init__(
        self,
        address: WorkerAddress,
        pool: RemotePool,
        left_s: float = LEFT_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.address = address
        self.pool = pool
        self._left_s = left_s
        self._clock = clock
        self._wanted = asyncio.Event()
        self._greeted = asyncio.Event()
        self._ready = False
        self._left_until = float("-inf")
        self._declined = self._lost = 0
        self._running: Counter[RemoteWork] = Counter()
        self._done: Counter[RemoteWork] = Counter()
        self._failure = ""
        self._not_here: OrderedDict[bytes, None] = OrderedDict()
        self.films: set[str] = set()  # by their keys: those that are converted there now
        self.unfit = ""  # why what it converts could not be used

    def state(self) -> HostState:
        """The present state."""
        return HostState(
            name=self.address.name,
            processes=self.pool.workers,
            ready=self._ready,
            running=self._probing,
            done=self._done[RemoteWork.PROBE],
            lost=self._lost,
            failure=self._failure,
            away_s=max(0.0, self._left_until - self._clock()),
            strips=self._done[RemoteWork.STRIP],
            signatures=self._done[RemoteWork.SIGNATURE],
            pieces=self._done[RemoteWork.PIECE],
            films=len(self.films),
            unfit=self.unfit,
        )

    @property
    def _probing(self) -> int:
        return self._running.total() - self._running[RemoteWork.PIECE]

    def reaches(self, path: bytes) -> bool:
        """True where a film can be worked on there now. Where it could be if the machine
        answered, it is asked in the background.
        """
        if path in self._not_here or self.pool.link.place(path) is None:
            return False
        if not self._ready and self._clock() >= self._left_until:
            self._wanted.set()
        return self._ready

    async def expect(self, path: bytes, seconds: float) -> bool:
        """The same as `reaches`, after up to `seconds` for a machine that is being asked."""
        if not self.reaches(path) and self._wanted.is_set():
            self._greeted.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._greeted.wait(), seconds)
        return self.reaches(path)

    def takes(self, path: bytes) -> bool:
        """True where a film can be probed there now, and a process is free for it."""
        return self.reaches(path) and self._probing < self.pool.workers

    async def delegate(
        self, path: bytes, work: RemoteWork, ask: Callable[[], Awaitable[Value]]
    ) -> Value | None:
        """The result of work on a film over there; None where it is to be done here instead.

        `ask` raises WorkerLost where the machine went away, RemoteFileError where the film is not
        there.
        """
        self._running[work] += 1
        try:
            found = await ask()
        except WorkerLost as error:
            self._lost += 1
            self._leave_alone(self.pool.link.last_words or error.message)
        except RemoteFileError as error:
            self._declined += 1
            if self._declined >= DECLINED_IN_A_ROW:
                self._declined = 0
                self._leave_alone(f"Films are not found there. See root= in workers. {error}")
            return None  # it may be there another time
        except LvsError as error:  # what the film is called is decided here alone
            log.info(
                "%s could not make a %s of %r: %s",
                self.address.name,
                work.value,
                path,
                error.message,
            )
        else:
            self._done[work] += 1
            self._declined = 0
            return found
        finally:
            self._running[work] -= 1
        if (
            work is not RemoteWork.PIECE
        ):  # whoever has films converted remembers those that were not
            self._pass_over(path)
        return None

    def _pass_over(self, path: bytes) -> None:
        """Probe this film here from now on."""
        self._not_here[path] = None
        while len(self._not_here) > VIDEOS_KEPT:
            self._not_here.popitem(last=False)

    async def run(self) -> None:
        """Ask the machine whenever there is work for it, for as long as the server runs."""
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            try:
                await self.pool.greet()
            except (LvsError, OSError) as error:
                self._leave_alone(str(error))
                await self._wake()
            else:
                log.info("%s is ready for work", self.address.name)
                self._ready, self._failure = True, ""
            self._greeted.set()

    async def close(self) -> None:
        """End its probe workers, and hear what every ssh says at last."""
        await self.pool.close()
        await self.pool.link.close()

    def _leave_alone(self, reason: str) -> None:
        if reason != self._failure:
            log.warning(
                "%s is not used for %g s, its work is done here: %s",
                self.address.name,
                self._left_s,
                reason,
            )
        self._ready, self._failure = False, reason
        self._left_until = self._clock() + self._left_s

    async def _wake(self) -> None:
        if self.address.wake:
            with suppress(OSError):
                await asyncio.to_thread(wake, self.address.wake)


class SharedProbes:
    """Probes films here and on other machines; what they leave is done here."""

    def __init__(self, local: ProbePool, hosts: Sequence[WorkerHost], works_here: bool) -> None:
        self._local = local
        self.hosts = hosts
        own = local.workers if works_here or not hosts else 0
        self.workers = own + sum(host.pool.workers for host in hosts)

    @property
    def time_limit_s(self) -> float:
        """Time limit of one probe, in seconds."""
        return self._local.time_limit_s

    async def probe(
        self,
        path: bytes,
        posters: PosterTarget | None = None,
        name: str = "",
        chosen: str | None = None,
        content: str = "",
    ) -> ProbeResult:
        """Probe as `ProbePool.probe` does, on the first machine that has a process free."""
        return await self._shared(
            path,
            RemoteWork.PROBE,
            lambda pool: pool.probe(path, posters or (), name, chosen, content),
        )

    async def scenes(self, path: bytes, wanted: SceneRequest, content: str) -> SceneTimes:
        """Draw scenes as `ProbePool.scenes` does, on the first machine that has a process free."""
        return await self._shared(
            path, RemoteWork.STRIP, lambda pool: pool.scenes(path, wanted, content)
        )

    async def signature(self, path: bytes, content: str) -> PictureSignature:
        """Make a signature as `ProbePool.signature` does, on the first machine that has a
        process free.
        """
        return await self._shared(
            path, RemoteWork.SIGNATURE, lambda pool: pool.signature(path, content)
        )

    async def _shared(
        self, path: bytes, work: RemoteWork, ask: Callable[[ProbePool], Awaitable[Value]]
    ) -> Value:
        host = next((host for host in self.hosts if host.takes(path)), None)
        if host is not None:
            found = await host.delegate(path, work, lambda: ask(host.pool))
            if found is not None:
                return found
        return await ask(self._local)

    def states(self) -> list[HostState]:
        """The state of each other machine."""
        return [host.state() for host in self.hosts]

    async def close(self) -> None:
        """End the workers on all machines."""
        await asyncio.gather(*(host.close() for host in self.hosts), self._local.close())


def wake(hardware_address: bytes, target: str = "255.255.255.255", port: int = WAKE_PORT) -> None:
    """Send wake-on-LAN's packet: six bytes of ones, sixteen times the address (AMD 20213)."""
    packet = b"\xff" * 6 + hardware_address * 16
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        sender.sendto(packet, (target, port))
