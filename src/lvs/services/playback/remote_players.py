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
from lvs.services.media.worker_hosts import RemoteWork, WorkerHost
from lvs.services.playback.planner import Delivery, Variant, VideoFacts, cut_list, decoding_load
from lvs.services.playback.player import MAX_LINE_BYTES, PlayedVideo, Player, PlayerAnswer
from lvs.services.playback.player_session import ACTIVE_S
from lvs.services.playback.speeds import ConversionSpeeds
from lvs.services.remote_link import RemoteFileError
from lvs.worker_address import WorkerKind

log = logging.getLogger(__name__)

IDLE_S = 20.0
START_S = 3.0  # for which a piece waits for a worker that starts; the next one finds it started
PIECE_S = 5.0
AWAKE_S = 2.0
MOST_LOSSES = 2  # of one film in a row, before it is converted here
VIDEOS_KEPT = 200
CLOSING_S = 1.0
UNFIT = "It converts no films: its PyAV is of another version."
MAX_PIECE_BYTES = 32 << 20  # two seconds of 1080 lines take a tenth of it at most


class StreamLayout(Struct, frozen=True):
    """The cuts and the init segment that pieces of another machine have to fit."""

    facts: VideoFacts
    init: Callable[[], Awaitable[bytes]]


class RemotePiece(Struct, frozen=True):
    """A piece, the machine that made it, and the film seconds that it made per second."""

    made: PlayerAnswer
    host: str
    speed: float


@dataclass(slots=True, eq=False)
class _RemoteSession:
    """A film with its worker on another machine."""

    video: PlayedVideo
    host: WorkerHost
    starting: "asyncio.Task[VideoFacts]" = field(init=False)
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
        self._sessions: dict[str, _RemoteSession] = {}
        self._losses: OrderedDict[tuple[WorkerHost, str], int] = OrderedDict()
        self._ending: set[asyncio.Task[None]] = set()

    def host_of(self, key: str, path: bytes) -> WorkerHost | None:
        """The machine that converts this film, or would; None where it is this one."""
        session = self._sessions.get(key)
        hosts = self._hosts if session is None else (session.host,)
        return next((host for host in hosts if self._takes(host, key, path)), None)

    async def wait_until_awake(self, video: PlayedVideo) -> None:
        """Give machines that nobody has asked yet two seconds to say that they are there."""
        await asyncio.gather(*(host.expect(video.path, AWAKE_S) for host in self._hosts))

    def open(self, video: PlayedVideo) -> None:
        """Begin to open the film on the machine that would convert it: somebody may press play."""
        host = self.host_of(video.key, video.path)
        if host is not None:
            self._leave(self._session(video, host))

    def pace(self, host: WorkerHost, codec: str, bit_depth: int) -> float | None:
        """The pace of another machine, as `PlayerPool.pace` gives it."""
        return self._speeds[host].get(codec, bit_depth)

    async def piece(
        self, video: PlayedVideo, variant: Variant, number: int, layout: StreamLayout
    ) -> RemotePiece | None:
        """A converted piece made by another machine; None where it is to be made here."""
        host = self.host_of(video.key, video.path)
        if host is None:
            return None
        session = self._session(video, host)
        try:
            await asyncio.wait([session.starting], timeout=self.start_s)
            if not session.starting.done():
                return None
            return await host.delegate(
                video.path, RemoteWork.PIECE, lambda: self._make(session, variant, number, layout)
            )
        finally:
            self._leave(session)

    async def close(self) -> None:
        """End every worker at once, and wait at most a second for their connections."""
        for session in list(self._sessions.values()):
            self._end(session)
        if self._ending:
            await asyncio.wait(self._ending, timeout=CLOSING_S)

    # --- Work ---

    async def _make(
        self, session: _RemoteSession, variant: Variant, number: int, layout: StreamLayout
    ) -> RemotePiece:
        begun = time.monotonic()
        try:
            async with asyncio.timeout(self.piece_s):
                player = await self._fitting(session, variant, layout)
                made = await player.make("segment", variant=str(variant), number=number)
        except (OSError, EOFError, ValueError) as error:
            log.info(
                "a segment of %r could not be converted on another machine: %r",
                session.video.path,
                error,
            )
            if isinstance(error, TimeoutError) and not session.is_broken:
                self._count(session, 1)  # it let go of the work: it is slow, and there
                raise TimedOut("The other machine took too long.") from None
            self._give_up(session, 1)
            raise WorkerLost("It does not answer.") from None
        except (LvsError, RemoteFileError):
            self._give_up(session, MOST_LOSSES)
            raise
        self._losses.pop((session.host, session.video.key), None)
        speed = made.film_s / max(0.001, time.monotonic() - begun)
        self._learn(session.host, layout.facts, variant, speed)
        return RemotePiece(made, session.host.address.name, speed)

    def _learn(self, host: WorkerHost, facts: VideoFacts, variant: Variant, speed: float) -> None:
        if speed:
            rate = speed * decoding_load(facts)
            speeds = self._speeds[host]
            speeds.learn(facts.codec, facts.bit_depth, rate, variant.height, variant.thin)

    async def _fitting(
        self, session: _RemoteSession, variant: Variant, layout: StreamLayout
    ) -> Player:
        """The session's player, whose pieces can stand among those of this machine.

        Raises Unavailable where another FFmpeg cuts or encodes in another way.
        """
        facts, player = session.starting.result(), session.player
        if player is None:
            raise EOFError("it was ended")
        if variant not in session.fits:
            made = await player.make("init", variant=str(variant))
            same_cuts = cut_list(facts, Delivery.CONVERT) == cut_list(
                layout.facts, Delivery.CONVERT
            )
            if not same_cuts or made.content != await layout.init():
                session.host.unfit = UNFIT
                raise Unavailable(UNFIT)
            session.host.unfit = ""
            session.fits.add(variant)
        return player

    async def _start(self, session: _RemoteSession) -> VideoFacts:
        """Start its worker and open the film."""
        link = session.host.pool.link
        place = link.place(session.video.path)
        if place is None:
            raise RemoteFileError("That machine has no such folder.")
        try:
            async with asyncio.timeout(HELLO_S):
                process = await link.start(WorkerKind.PLAYER, MAX_LINE_BYTES)
                session.player = Player(process, MAX_PIECE_BYTES)
                if session.ended:
                    session.player.kill()
                return await session.player.open_at(session.video, *place)
        except BaseException:
            if session.player is not None:
                session.player.kill()
            raise

    # --- Sessions ---

    def _takes(self, host: WorkerHost, key: str, path: bytes) -> bool:
        if self._losses.get((host, key), 0) >= MOST_LOSSES or not host.reaches(path):
            return False
        others = [session for session in self._sessions.values() if session.host is host]
        return (
            key in self._sessions
            or len(others) < host.address.processes
            or any(map(self._is_left, others))
        )

    def _is_left(self, session: _RemoteSession) -> bool:
        return not session.busy and time.monotonic() - session.asked_at > ACTIVE_S

    def _session(self, video: PlayedVideo, host: WorkerHost) -> _RemoteSession:
        session = self._sessions.get(video.key)
        if session is not None and session.is_broken and not session.busy:
            self._end(session)
            session = None
        if session is None:
            others = [each for each in self._sessions.values() if each.host is host]
            if len(others) >= host.address.processes:
                self._end(next(filter(self._is_left, others)))
            session = self._sessions[video.key] = _RemoteSession(video, host)
            session.starting = asyncio.create_task(self._start(session))
            host.films.add(video.key)
        session.busy += 1
        session.asked_at = time.monotonic()
        if session.timer is not None:
            session.timer.cancel()
            session.timer = None
        return session

    def _leave(self, session: _RemoteSession) -> None:
        session.busy -= 1
        if not session.busy and not session.ended:
            session.timer = asyncio.get_running_loop().call_later(self._idle_s, self._end, session)

    def _give_up(self, session: _RemoteSession, losses: int) -> None:
        """End a worker that failed, and count that against this film on that machine."""
        self._end(session)
        self._count(session, losses)

    def _count(self, session: _RemoteSession, losses: int) -> None:
        key = (session.host, session.video.key)
        self._losses[key] = self._losses.pop(key, 0) + losses
        while len(self._losses) > VIDEOS_KEPT:
            self._losses.popitem(last=False)

    def _end(self, session: _RemoteSession) -> None:
        if session.ended:
            return
        session.ended = True
        if self._sessions.get(session.video.key) is session:
            del self._sessions[session.video.key]
            session.host.films.discard(session.video.key)
        if session.timer is not None:
            session.timer.cancel()
        if session.player is not None:
            session.player.kill()
        reaping = asyncio.create_task(self._reap(session))
        self._ending.add(reaping)
        reaping.add_done_callback(self._ending.discard)

    async def _reap(self, session: _RemoteSession) -> None:
        """Wait for a worker that was ended while it started, or later."""
        with contextlib.suppress(OSError, EOFError, ValueError, LvsError, RemoteFileError):
            await session.starting
        if session.player is not None:
            session.player.kill()
            await session.player.wait()
