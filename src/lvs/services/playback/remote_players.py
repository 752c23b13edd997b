"""Player workers on other machines, each of which converts one film as those here do.

What one of them does not make in time is made here, in the same request.
"""

import asyncio
import contextlib
import logging
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from msgspec import Struct

from lvs.errors import LvsError, TimedOut, Unavailable, WorkerLost
from lvs.services.media.remote_pool import HELLO_S
from lvs.services.media.worker_hosts import Work, WorkerHost
from lvs.services.playback.film_seat import ACTIVE_S
from lvs.services.playback.planner import Delivery, FilmFacts, Variant, cut_list, load
from lvs.services.playback.player import MAX_LINE_BYTES, FilmFile, Made, Player
from lvs.services.playback.speeds import ConversionSpeeds
from lvs.services.remote_link import ElsewhereError
from lvs.worker_address import WorkerKind

log = logging.getLogger(__name__)

IDLE_S = 20.0
START_S = 3.0  # for which a piece waits for a worker that starts; the next one finds it started
PIECE_S = 5.0
AWAKE_S = 2.0
MOST_LOSSES = 2  # of one film in a row, before it is converted here
FILMS_KEPT = 200
CLOSING_S = 1.0
UNFIT = "It converts no films: its PyAV is of another version."
MAX_PIECE_BYTES = 32 << 20  # two seconds of 1080 lines take a tenth of it at most


class Pattern(Struct, frozen=True):
    """The cuts and the init segment that pieces of another machine have to fit."""

    facts: FilmFacts
    init: Callable[[], Awaitable[bytes]]


class RemotePiece(Struct, frozen=True):
    """A piece, the machine that made it, and the film seconds that it made per second."""

    made: Made
    host: str
    speed: float


@dataclass(slots=True, eq=False)
class _RemoteSeat:
    """A film with its worker on another machine."""

    film: FilmFile
    host: WorkerHost
    starting: "asyncio.Task[FilmFacts]" = field(init=False)
    player: Player | None = None
    ended: bool = False
    fits: set[Variant] = field(default_factory=set)
    busy: int = 0
    asked_at: float = 0.0
    timer: asyncio.TimerHandle | None = None

    @property
    def is_broken(self) -> bool:
        """True where its worker is gone, or could not be started."""
        return self.starting.done() and not (self.player and self.player.alive)


class RemotePlayers:
    """Conversions on other machines: at most as many films at once on each as it has processes."""

    def __init__(self, hosts: Sequence[WorkerHost] = (), idle_s: float = IDLE_S) -> None:
        self._hosts = hosts
        self._idle_s = idle_s
        self.start_s, self.piece_s = START_S, PIECE_S
        self._speeds = {host: ConversionSpeeds() for host in hosts}
        self._seats: dict[str, _RemoteSeat] = {}
        self._losses: OrderedDict[tuple[WorkerHost, str], int] = OrderedDict()
        self._ending: set[asyncio.Task[None]] = set()

    def host_of(self, key: str, path: bytes) -> WorkerHost | None:
        """The machine that converts this film, or would; None where it is this one."""
        seat = self._seats.get(key)
        hosts = self._hosts if seat is None else (seat.host,)
        return next((host for host in hosts if self._takes(host, key, path)), None)

    async def awake(self, film: FilmFile) -> None:
        """Give machines that nobody has asked yet two seconds to say that they are there."""
        await asyncio.gather(*(host.expect(film.path, AWAKE_S) for host in self._hosts))

    def open(self, film: FilmFile) -> None:
        """Begin to open the film on the machine that would convert it: somebody may press play."""
        host = self.host_of(film.key, film.path)
        if host is not None:
            self._leave(self._seat(film, host))

    def pace(self, host: WorkerHost, codec: str, bit_depth: int) -> float | None:
        """As `PlayerPool.pace`, of another machine."""
        return self._speeds[host].get(codec, bit_depth)

    async def piece(
        self, film: FilmFile, variant: Variant, number: int, pattern: Pattern
    ) -> RemotePiece | None:
        """A converted piece made by another machine; None where it is to be made here."""
        host = self.host_of(film.key, film.path)
        if host is None:
            return None
        seat = self._seat(film, host)
        try:
            await asyncio.wait([seat.starting], timeout=self.start_s)
            if not seat.starting.done():
                return None
            return await host.lend(
                film.path, Work.PIECE, lambda: self._make(seat, variant, number, pattern)
            )
        finally:
            self._leave(seat)

    async def close(self) -> None:
        """End every worker at once, and wait at most a second for their connections."""
        for seat in list(self._seats.values()):
            self._end(seat)
        if self._ending:
            await asyncio.wait(self._ending, timeout=CLOSING_S)

    # --- Work ---

    async def _make(
        self, seat: _RemoteSeat, variant: Variant, number: int, pattern: Pattern
    ) -> RemotePiece:
        begun = time.monotonic()
        try:
            async with asyncio.timeout(self.piece_s):
                player = await self._fitting(seat, variant, pattern)
                made = await player.make("segment", variant=str(variant), number=number)
        except (OSError, EOFError, ValueError) as error:
            log.info("a piece of %r was not made elsewhere: %r", seat.film.path, error)
            if isinstance(error, TimeoutError) and not seat.is_broken:
                self._count(seat, 1)  # it let go of the work: it is slow, and there
                raise TimedOut("It takes too long over there.") from None
            self._give_up(seat, 1)
            raise WorkerLost("It does not answer.") from None
        except (LvsError, ElsewhereError):
            self._give_up(seat, MOST_LOSSES)
            raise
        self._losses.pop((seat.host, seat.film.key), None)
        speed = made.film_s / max(0.001, time.monotonic() - begun)
        self._learn(seat.host, pattern.facts, variant, speed)
        return RemotePiece(made, seat.host.address.name, speed)

    def _learn(self, host: WorkerHost, facts: FilmFacts, variant: Variant, speed: float) -> None:
        if speed:
            rate = speed * load(facts)
            speeds = self._speeds[host]
            speeds.learn(facts.codec, facts.bit_depth, rate, variant.height, variant.thin)

    async def _fitting(self, seat: _RemoteSeat, variant: Variant, pattern: Pattern) -> Player:
        """The seat's player, whose pieces can stand among those of this machine.

        Raises Unavailable where another FFmpeg cuts or encodes in another way.
        """
        facts, player = seat.starting.result(), seat.player
        if player is None:
            raise EOFError("it was ended")
        if variant not in seat.fits:
            made = await player.make("init", variant=str(variant))
            same_cuts = cut_list(facts, Delivery.CONVERT) == cut_list(
                pattern.facts, Delivery.CONVERT
            )
            if not same_cuts or made.content != await pattern.init():
                seat.host.unfit = UNFIT
                raise Unavailable(UNFIT)
            seat.host.unfit = ""
            seat.fits.add(variant)
        return player

    async def _start(self, seat: _RemoteSeat) -> FilmFacts:
        """Start its worker and open the film."""
        link = seat.host.pool.link
        place = link.place(seat.film.path)
        if place is None:
            raise ElsewhereError("That machine has no such folder.")
        try:
            async with asyncio.timeout(HELLO_S):
                process = await link.start(WorkerKind.PLAYER, MAX_LINE_BYTES)
                seat.player = Player(process, MAX_PIECE_BYTES)
                if seat.ended:
                    seat.player.kill()
                return await seat.player.open_at(seat.film, *place)
        except BaseException:
            if seat.player is not None:
                seat.player.kill()
            raise

    # --- Seats ---

    def _takes(self, host: WorkerHost, key: str, path: bytes) -> bool:
        if self._losses.get((host, key), 0) >= MOST_LOSSES or not host.reaches(path):
            return False
        others = [seat for seat in self._seats.values() if seat.host is host]
        return (
            key in self._seats
            or len(others) < host.address.processes
            or any(map(self._is_left, others))
        )

    def _is_left(self, seat: _RemoteSeat) -> bool:
        return not seat.busy and time.monotonic() - seat.asked_at > ACTIVE_S

    def _seat(self, film: FilmFile, host: WorkerHost) -> _RemoteSeat:
        seat = self._seats.get(film.key)
        if seat is not None and seat.is_broken and not seat.busy:
            self._end(seat)
            seat = None
        if seat is None:
            others = [each for each in self._seats.values() if each.host is host]
            if len(others) >= host.address.processes:
                self._end(next(filter(self._is_left, others)))
            seat = self._seats[film.key] = _RemoteSeat(film, host)
            seat.starting = asyncio.create_task(self._start(seat))
            host.films.add(film.key)
        seat.busy += 1
        seat.asked_at = time.monotonic()
        if seat.timer is not None:
            seat.timer.cancel()
            seat.timer = None
        return seat

    def _leave(self, seat: _RemoteSeat) -> None:
        seat.busy -= 1
        if not seat.busy and not seat.ended:
            seat.timer = asyncio.get_running_loop().call_later(self._idle_s, self._end, seat)

    def _give_up(self, seat: _RemoteSeat, losses: int) -> None:
        """End a worker that failed, and count that against this film on that machine."""
        self._end(seat)
        self._count(seat, losses)

    def _count(self, seat: _RemoteSeat, losses: int) -> None:
        key = (seat.host, seat.film.key)
        self._losses[key] = self._losses.pop(key, 0) + losses
        while len(self._losses) > FILMS_KEPT:
            self._losses.popitem(last=False)

    def _end(self, seat: _RemoteSeat) -> None:
        if seat.ended:
            return
        seat.ended = True
        if self._seats.get(seat.film.key) is seat:
            del self._seats[seat.film.key]
            seat.host.films.discard(seat.film.key)
        if seat.timer is not None:
            seat.timer.cancel()
        if seat.player is not None:
            seat.player.kill()
        reaping = asyncio.create_task(self._reap(seat))
        self._ending.add(reaping)
        reaping.add_done_callback(self._ending.discard)

    async def _reap(self, seat: _RemoteSeat) -> None:
        """Wait for a worker that was ended while it started, or later."""
        with contextlib.suppress(OSError, EOFError, ValueError, LvsError, ElsewhereError):
            await seat.starting
        if seat.player is not None:
            seat.player.kill()
            await seat.player.wait()
