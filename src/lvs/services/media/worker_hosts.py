"""Probing shared between this machine and others.

A machine that sleeps, does not answer or cannot be used is left alone for a minute. A film that was
under way there is looked into here in the same turn, so that nothing is counted against it.
"""

import asyncio
import logging
import socket
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from lvs.errors import LvsError, WorkerLost
from lvs.services.media.posters import PosterTarget
from lvs.services.media.probe_pool import ProbePool, ProbeResult
from lvs.services.media.remote_pool import ElsewhereError, RemotePool
from lvs.worker_address import WorkerAddress

log = logging.getLogger(__name__)

LEFT_S = 60.0
DECLINED_IN_A_ROW = 5  # films: where so many are not there, the folder is another
FILMS_KEPT = 1000
WAKE_PORT = 9


@dataclass(frozen=True, slots=True)
class HostState:
    """A machine as the dashboard shows it. `away_s` is for how long it is still left alone."""

    name: str
    processes: int
    ready: bool
    running: int
    done: int
    lost: int
    failure: str
    away_s: float


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
        self._ready = False
        self._left_until = float("-inf")
        self._declined = 0
        self._running = self._done = self._lost = 0
        self._failure = ""
        self._not_here: OrderedDict[bytes, None] = OrderedDict()

    def state(self) -> HostState:
        """The present state."""
        away_s = max(0.0, self._left_until - self._clock())
        return HostState(
            self.address.name,
            self.pool.workers,
            self._ready,
            self._running,
            self._done,
            self._lost,
            self._failure,
            away_s,
        )

    def takes(self, path: bytes) -> bool:
        """True where a film can be looked into there now. Where it could be if the machine
        answered, it is asked in the background.
        """
        if path in self._not_here or self.pool.place(path) is None:
            return False
        if not self._ready and self._clock() >= self._left_until:
            self._wanted.set()
        return self._ready and self._running < self.pool.workers

    async def probe(
        self, path: bytes, posters: PosterTarget, name: str, chosen: str | None, content: str
    ) -> ProbeResult | None:
        """As `ProbePool.probe`; None where the film is to be looked into here instead."""
        self._running += 1
        try:
            found = await self.pool.probe(path, posters, name, chosen, content)
        except WorkerLost as error:
            self._lost += 1
            self._leave_alone(self.pool.last_words or error.message)
        except ElsewhereError as error:
            self._declined += 1
            if self._declined >= DECLINED_IN_A_ROW:
                self._declined = 0
                self._leave_alone(f"Films are not found there. See root= in workers. {error}")
            return None  # it may be there another time
        except LvsError as error:  # what the film is called is decided here alone
            log.info("%s could not analyse %r: %s", self.address.name, path, error.message)
        else:
            self._done += 1
            self._declined = 0
            return found
        finally:
            self._running -= 1
        self._not_here[path] = None
        while len(self._not_here) > FILMS_KEPT:
            self._not_here.popitem(last=False)
        return None

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
                log.info("%s analyses films", self.address.name)
                self._ready, self._failure = True, ""

    def _leave_alone(self, reason: str) -> None:
        if reason != self._failure:
            log.warning(
                "%s is left alone for %g s, its films are analysed here: %s",
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
    """Looks into films here and on other machines; what they leave is done here."""

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
        """As `ProbePool.probe`, on the first machine that has a process free."""
        for host in self.hosts:
            if host.takes(path):
                found = await host.probe(path, posters or (), name, chosen, content)
                if found is not None:
                    return found
                break
        return await self._local.probe(path, posters, name, chosen, content)

    def states(self) -> list[HostState]:
        """The state of each other machine."""
        return [host.state() for host in self.hosts]

    async def close(self) -> None:
        """End the workers on all machines."""
        await asyncio.gather(*(host.pool.close() for host in self.hosts), self._local.close())


def wake(hardware_address: bytes, target: str = "255.255.255.255", port: int = WAKE_PORT) -> None:
    """Send wake-on-LAN's packet: six bytes of ones, sixteen times the address (AMD 20213)."""
    packet = b"\xff" * 6 + hardware_address * 16
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        sender.sendto(packet, (target, port))
