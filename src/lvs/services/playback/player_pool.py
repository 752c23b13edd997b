"""Player workers: one for each film that is watched through segments, within a bound on processes
and on processor time.

What is asked twice is made once; what nobody waits for any more is not made; a worker that nobody
asks ends.
"""

import asyncio
import contextlib
import logging
import os
import time
from collections import OrderedDict
from collections.abc import Iterator
from typing import Any, TypeVar

from msgspec.structs import replace

from lvs.errors import TimedOut, Unavailable
from lvs.services.playback.encoder_trial import conversion_pace
from lvs.services.playback.planner import Delivery, Variant, VideoFacts, decoding_load
from lvs.services.playback.player import PlayedVideo, Player, PlayerAnswer, start_player
from lvs.services.playback.player_session import ACTIVE_S, Conversion, PlayerSession
from lvs.services.playback.remote_players import RemotePlayers, StreamLayout
from lvs.services.playback.segment_cache import SegmentCache
from lvs.services.playback.shared_work import SharedWork
from lvs.services.playback.speeds import ConversionSpeeds

log = logging.getLogger(__name__)

IDLE_S = 20.0
WORK_LIMIT_S = 30.0
OPEN_LIMIT_S = 30.0
MOST_PLAYERS = 12
MOST_FACTS = 24
QUIET_LIMIT_S = 30.0
ASSUMED_SPEED = 2.0
FULL_LOAD = 0.95
CLOSING_S = 1.0
BUSY = (
    "This machine is already converting as many films as it can. "
    "Try again when one of them has ended, or download the film."
)
TOO_SLOW = "Making this piece of the film took too long."

Value = TypeVar("Value")


class PlayerPool:
    """Facts, init segments and segments of films. Close it when the server stops."""

    def __init__(
        self,
        cache: SegmentCache,
        turns: int = 0,
        memory_limit_bytes: int = 2 << 30,
        idle_s: float = IDLE_S,
        speeds: ConversionSpeeds | None = None,
        elsewhere: RemotePlayers | None = None,
    ) -> None:
        self.turns = turns or max(1, (os.cpu_count() or 1) // 2)
        self.cache = cache
        self._memory_limit_bytes = memory_limit_bytes
        self._idle_s = idle_s
        self._converting = asyncio.Semaphore(self.turns)
        self._sessions: OrderedDict[str, PlayerSession] = OrderedDict()
        self._facts: OrderedDict[str, VideoFacts] = OrderedDict()
        self._shared = SharedWork()
        self._ending: set[asyncio.Task[None]] = set()
        self._quiet = asyncio.Event()
        self._quiet.set()
        self._quiet_timer: asyncio.TimerHandle | None = None
        self._closed = False
        self.speeds = speeds or ConversionSpeeds()
        self.elsewhere = elsewhere or RemotePlayers()
        self.encoder = ""
        """The hardware encoder that films are converted by; empty while it is software."""
        self.made = self.refused = 0

    async def facts(self, video: PlayedVideo) -> VideoFacts:
        """Facts of the film, from memory where they are known.

        Raises Unreadable, Unavailable, NotFound.
        """
        known = self._facts.get(video.key)
        if known is not None:
            self._facts.move_to_end(video.key)
            return known
        return await self._shared.once(f"{video.key}/facts", lambda: self._open_facts(video))

    async def pace(self, key: str, path: bytes, codec: str, bit_depth: int) -> float | None:
        """Megapixels of such films converted to 720 lines per second, None while unknown, by the
        machine that converts this one.

        The first question of all waits for a trial.
        """
        host = self.elsewhere.host_of(key, path)
        if host is not None:
            return self.elsewhere.pace(host, codec, bit_depth)
        if self.speeds.needs_trial():
            await self._shared.once("pace", self._try_pace)
        return self.speeds.get(codec, bit_depth)

    def check_room(self, video: PlayedVideo, client: str = "") -> None:
        """Raise Unavailable where this film cannot be converted beside those that are.

        Segments are never refused.
        """
        if self.elsewhere.host_of(video.key, video.path) is not None:
            return
        now = time.monotonic()
        # Whoever opens another film has left the one before.
        others = [
            session
            for key, session in self._sessions.items()
            if key != video.key
            and session.is_converting(now)
            and not session.place
            and (not client or session.client != client)
        ]
        known = self._sessions.get(video.key)
        own = 1 / ((known.speed if known else 0.0) or ASSUMED_SPEED)
        total = sum(1 / (session.speed or ASSUMED_SPEED) for session in others)
        if others and total + own > self.turns * FULL_LOAD:
            self.refused += 1
            raise Unavailable(BUSY)

    async def init(self, video: PlayedVideo, variant: Variant, client: str = "") -> bytes:
        """The init segment of a variant."""
        return await self._shared.once(
            f"{video.key}/{variant}/init", lambda: self._make_init(video, variant, client)
        )

    async def segment(
        self, video: PlayedVideo, variant: Variant, number: int, client: str = ""
    ) -> bytes:
        """A segment, from the cache or made now. Raises Unreadable, Unavailable, NotFound."""
        address = f"{video.media_hash}/{video.key}/{variant}/{number}.m4s"
        if variant.way is Delivery.CONVERT:
            kept = await self.cache.get(address)
            if kept is not None:
                self._note_hit(video, variant, client)
                return kept
        return await self._shared.once(
            address, lambda: self._make_segment(video, variant, number, client, address)
        )

    async def subtitles(self, video: PlayedVideo, track: int) -> bytes:
        """A text track inside the film as WebVTT, from the cache or taken out now.

        A worker of its own does it: it may have to read the whole film, which somebody may watch.
        Raises Unreadable, Unavailable, NotFound.
        """
        address = f"{video.media_hash}/{video.key}/inside-{track}.vtt"
        kept = await self.cache.get(address)
        if kept is not None:
            return kept
        reader = replace(video, key=f"{video.key}-subtitles")
        return await self._shared.once(address, lambda: self._take_out(reader, track, address))

    async def wait_quiet(self) -> None:
        """Wait until nobody watches a film that is being converted, or for QUIET_LIMIT_S.

        Posters are late then, but they come.
        """
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(QUIET_LIMIT_S):
                await self._quiet.wait()

    def conversions(self) -> list[Conversion]:
        """The films that are being converted now."""
        now = time.monotonic()
        return [
            Conversion(
                session.video.title,
                session.video.path,
                session.client,
                session.variant,
                round(session.speed, 2),
                session.segments,
                session.hits,
                session.place,
            )
            for session in self._sessions.values()
            if session.is_converting(now)
        ]

    @property
    def process_ids(self) -> tuple[int, ...]:
        """The worker processes there are."""
        return tuple(
            sorted(
                session.player.process_id
                for session in self._sessions.values()
                if session.player and session.player.alive
            )
        )

    async def close(self) -> None:
        """End every worker at once, and wait at most a second for them to be gone."""
        self._closed = True
        self._shared.close()
        for key in list(self._sessions):
            self._end(key)
        await self.elsewhere.close()
        if self._quiet_timer is not None:
            self._quiet_timer.cancel()
        if self._ending:
            await asyncio.wait(self._ending, timeout=CLOSING_S)

    # --- Work ---

    async def _try_pace(self) -> None:
        try:
            self.speeds.learn_trial(await conversion_pace(self._memory_limit_bytes))
        except OSError as error:  # no process could be started
            self.speeds.learn_trial(0.0)
            log.info("the conversion speed of this machine was not measured: %s", error.strerror)

    async def _open_facts(self, video: PlayedVideo) -> VideoFacts:
        session = self._session(video)
        try:
            async with asyncio.timeout(OPEN_LIMIT_S):
                await self._player(session)
        except TimeoutError:
            self._end(video.key)
            raise TimedOut("Opening this film took too long.") from None
        finally:
            self._leave(session)
        facts = session.facts
        if facts is None:
            raise Unavailable("The process that opened this film broke down.")
        self._facts[video.key] = facts
        while len(self._facts) > MOST_FACTS:
            self._facts.popitem(last=False)
        return facts

    async def _make_init(self, video: PlayedVideo, variant: Variant, client: str) -> bytes:
        with self._falling_back(variant):
            return (await self._make(video, variant, client, "init")).content

    async def _make_segment(
        self, video: PlayedVideo, variant: Variant, number: int, client: str, address: str
    ) -> bytes:
        if variant.way is not Delivery.CONVERT:
            return (await self._make(video, variant, client, "segment", number=number)).content
        made = await self._make_elsewhere(video, variant, number, client)
        if made is None:
            made = await self._make_here(video, variant, number, client)
        await self.cache.put(address, made.content)
        return made.content

    async def _make_elsewhere(
        self, video: PlayedVideo, variant: Variant, number: int, client: str
    ) -> PlayerAnswer | None:
        """A converted piece by another machine. The film stays open here meanwhile: whatever does
        not come is made here at once.
        """
        if variant.encoder or self.elsewhere.host_of(video.key, video.path) is None:
            return None
        facts = await self.facts(video)
        session = self._session(video)
        try:
            self._note(session, variant, client)
            layout = StreamLayout(facts, lambda: self.init(video, variant, client))
            piece = await self.elsewhere.piece(video, variant, number, layout)
        finally:
            self._leave(session)
        if piece is None:
            return None
        session.note_speed(piece.speed, piece.host)
        session.segments += 1
        self.made += 1
        return piece.made

    async def _make_here(
        self, video: PlayedVideo, variant: Variant, number: int, client: str
    ) -> PlayerAnswer:
        self._note_conversion()
        async with self._turn():
            begun = time.monotonic()
            with self._falling_back(variant):
                made = await self._make(video, variant, client, "segment", number=number)
        session = self._sessions.get(video.key)
        if session is not None and made.film_s:
            speed = made.film_s / max(0.001, time.monotonic() - begun)
            session.note_speed(speed)
            if session.facts is not None:
                found = session.facts
                rate = speed * decoding_load(found)
                self.speeds.learn(found.codec, found.bit_depth, rate, variant.height, variant.thin)
                await self.speeds.save_now_and_then()
        return made

    @contextlib.contextmanager
    def _falling_back(self, variant: Variant) -> Iterator[None]:
        """Convert in software from now on where a chip is busy or broken: pages load that variant
        when they find that the chip's is gone.
        """
        try:
            yield
        except (Unavailable, TimedOut):
            if variant.encoder:
                self.encoder = ""
            raise

    @contextlib.asynccontextmanager
    async def _turn(self) -> Any:
        try:
            async with asyncio.timeout(WORK_LIMIT_S):
                await self._converting.acquire()
        except TimeoutError:
            raise TimedOut(BUSY) from None
        try:
            yield
        finally:
            self._converting.release()

    async def _make(
        self, video: PlayedVideo, variant: Variant | None, client: str, do: str, **request: Any
    ) -> PlayerAnswer:
        session = self._session(video)
        if variant is not None:
            self._note(session, variant, client)
            request["variant"] = str(variant)
        try:
            async with asyncio.timeout(WORK_LIMIT_S):
                player = await self._player(session)
                made = await player.make(do, **request)
        except TimeoutError:
            self._end(video.key)
            raise TimedOut(TOO_SLOW) from None
        except (OSError, EOFError, ValueError) as error:
            log.warning("the player worker of %r failed: %r", video.path, error)
            self._end(video.key)
            raise Unavailable("The process that plays this film broke down.") from None
        finally:
            self._leave(session)
        session.segments += do == "segment"
        self.made += do == "segment"
        return made

    async def _take_out(self, video: PlayedVideo, track: int, address: str) -> bytes:
        made = await self._make(video, None, "", "subtitles", track=track)
        await self.cache.put(address, made.content)
        return made.content

    # --- Workers ---

    def _session(self, video: PlayedVideo) -> PlayerSession:
        if self._closed:
            raise Unavailable("LVS is stopping.")
        session = self._sessions.get(video.key)
        if session is None or session.video.version != video.version:
            self._end(video.key)
            self._make_room()
            session = self._sessions[video.key] = PlayerSession(video)
        self._sessions.move_to_end(video.key)
        session.asked_at = time.monotonic()
        session.busy += 1
        if session.timer is not None:
            session.timer.cancel()
            session.timer = None
        return session

    def _make_room(self) -> None:
        while len(self._sessions) >= MOST_PLAYERS:
            idle = [key for key, session in self._sessions.items() if not session.busy]
            if not idle:
                raise Unavailable(
                    "More films are being played than LVS can serve. Try again in a moment."
                )
            self._end(idle[0])

    def _leave(self, session: PlayerSession) -> None:
        session.busy -= 1
        if (
            not session.busy
            and not self._closed
            and self._sessions.get(session.video.key) is session
        ):
            session.timer = asyncio.get_running_loop().call_later(
                self._idle_s, self._end, session.video.key
            )

    async def _player(self, session: PlayerSession) -> Player:
        async with session.starting:
            if session.player is None or not session.player.alive:
                session.player = await start_player(self._memory_limit_bytes)
                session.facts = None
            if session.facts is None:
                try:
                    session.facts = await session.player.open(session.video)
                except (OSError, EOFError, ValueError) as error:
                    session.player.kill()
                    log.warning("the player worker of %r failed: %r", session.video.path, error)
                    raise Unavailable("The process that plays this film broke down.") from None
                except BaseException:
                    session.player.kill()
                    raise
            return session.player

    def _end(self, key: str) -> None:
        session = self._sessions.pop(key, None)
        if session is None:
            return
        if session.timer is not None:
            session.timer.cancel()
        if session.player is not None:
            session.player.kill()
            reaping = asyncio.create_task(session.player.wait())
            self._ending.add(reaping)
            reaping.add_done_callback(self._ending.discard)

    # --- What the dashboard shows, and what posters wait for ---

    def _note(self, session: PlayerSession, variant: Variant, client: str) -> None:
        session.variant, session.client = str(variant), client or session.client
        if variant.way is Delivery.CONVERT:
            session.converted_at = time.monotonic()

    def _note_hit(self, video: PlayedVideo, variant: Variant, client: str) -> None:
        session = self._sessions.get(video.key)
        if session is not None:
            self._note(session, variant, client)
            session.hits += 1

    def _note_conversion(self) -> None:
        self._quiet.clear()
        if self._quiet_timer is not None:
            self._quiet_timer.cancel()
        self._quiet_timer = asyncio.get_running_loop().call_later(ACTIVE_S, self._quiet.set)
