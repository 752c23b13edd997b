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
from lvs.services.playback.planner import Delivery, Variant, VideoFacts, load
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
        self._seats: OrderedDict[str, PlayerSession] = OrderedDict()
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

    async def facts(self, film: PlayedVideo) -> VideoFacts:
        """Facts of the film, from memory where they are known.

        Raises Unreadable, Unavailable, NotFound.
        """
        known = self._facts.get(film.key)
        if known is not None:
            self._facts.move_to_end(film.key)
            return known
        return await self._shared.once(f"{film.key}/facts", lambda: self._open_facts(film))

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

    def check_room(self, film: PlayedVideo, client: str = "") -> None:
        """Raise Unavailable where this film cannot be converted beside those that are.

        Segments are never refused.
        """
        if self.elsewhere.host_of(film.key, film.path) is not None:
            return
        now = time.monotonic()
        # Whoever opens another film has left the one before.
        others = [
            seat
            for key, seat in self._seats.items()
            if key != film.key
            and seat.is_converting(now)
            and not seat.place
            and (not client or seat.client != client)
        ]
        known = self._seats.get(film.key)
        own = 1 / ((known.speed if known else 0.0) or ASSUMED_SPEED)
        load = sum(1 / (seat.speed or ASSUMED_SPEED) for seat in others)
        if others and load + own > self.turns * FULL_LOAD:
            self.refused += 1
            raise Unavailable(BUSY)

    async def init(self, film: PlayedVideo, variant: Variant, client: str = "") -> bytes:
        """The init segment of a variant."""
        return await self._shared.once(
            f"{film.key}/{variant}/init", lambda: self._make_init(film, variant, client)
        )

    async def segment(
        self, film: PlayedVideo, variant: Variant, number: int, client: str = ""
    ) -> bytes:
        """A segment, from the cache or made now. Raises Unreadable, Unavailable, NotFound."""
        address = f"{film.media_hash}/{film.key}/{variant}/{number}.m4s"
        if variant.way is Delivery.CONVERT:
            kept = await self.cache.get(address)
            if kept is not None:
                self._note_hit(film, variant, client)
                return kept
        return await self._shared.once(
            address, lambda: self._make_segment(film, variant, number, client, address)
        )

    async def subtitles(self, film: PlayedVideo, track: int) -> bytes:
        """A text track inside the film as WebVTT, from the cache or taken out now.

        A worker of its own does it: it may have to read the whole film, which somebody may watch.
        Raises Unreadable, Unavailable, NotFound.
        """
        address = f"{film.media_hash}/{film.key}/inside-{track}.vtt"
        kept = await self.cache.get(address)
        if kept is not None:
            return kept
        reader = replace(film, key=f"{film.key}-subtitles")
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
                seat.film.title,
                seat.film.path,
                seat.client,
                seat.variant,
                round(seat.speed, 2),
                seat.segments,
                seat.hits,
                seat.place,
            )
            for seat in self._seats.values()
            if seat.is_converting(now)
        ]

    @property
    def process_ids(self) -> tuple[int, ...]:
        """The worker processes there are."""
        return tuple(
            sorted(
                seat.player.process_id
                for seat in self._seats.values()
                if seat.player and seat.player.alive
            )
        )

    async def close(self) -> None:
        """End every worker at once, and wait at most a second for them to be gone."""
        self._closed = True
        self._shared.close()
        for key in list(self._seats):
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
            log.info("how quickly films are converted here was not tried: %s", error.strerror)

    async def _open_facts(self, film: PlayedVideo) -> VideoFacts:
        seat = self._seat(film)
        try:
            async with asyncio.timeout(OPEN_LIMIT_S):
                await self._player(seat)
        except TimeoutError:
            self._end(film.key)
            raise TimedOut("Opening this film took too long.") from None
        finally:
            self._leave(seat)
        facts = seat.facts
        if facts is None:
            raise Unavailable("The process that opened this film broke down.")
        self._facts[film.key] = facts
        while len(self._facts) > MOST_FACTS:
            self._facts.popitem(last=False)
        return facts

    async def _make_init(self, film: PlayedVideo, variant: Variant, client: str) -> bytes:
        with self._falling_back(variant):
            return (await self._make(film, variant, client, "init")).content

    async def _make_segment(
        self, film: PlayedVideo, variant: Variant, number: int, client: str, address: str
    ) -> bytes:
        if variant.way is not Delivery.CONVERT:
            return (await self._make(film, variant, client, "segment", number=number)).content
        made = await self._make_elsewhere(film, variant, number, client)
        if made is None:
            made = await self._make_here(film, variant, number, client)
        await self.cache.put(address, made.content)
        return made.content

    async def _make_elsewhere(
        self, film: PlayedVideo, variant: Variant, number: int, client: str
    ) -> PlayerAnswer | None:
        """A converted piece by another machine. The film stays open here meanwhile: whatever does
        not come is made here at once.
        """
        if variant.encoder or self.elsewhere.host_of(film.key, film.path) is None:
            return None
        facts = await self.facts(film)
        seat = self._seat(film)
        try:
            self._note(seat, variant, client)
            pattern = StreamLayout(facts, lambda: self.init(film, variant, client))
            piece = await self.elsewhere.piece(film, variant, number, pattern)
        finally:
            self._leave(seat)
        if piece is None:
            return None
        seat.note_speed(piece.speed, piece.host)
        seat.segments += 1
        self.made += 1
        return piece.made

    async def _make_here(
        self, film: PlayedVideo, variant: Variant, number: int, client: str
    ) -> PlayerAnswer:
        self._note_conversion()
        async with self._turn():
            begun = time.monotonic()
            with self._falling_back(variant):
                made = await self._make(film, variant, client, "segment", number=number)
        seat = self._seats.get(film.key)
        if seat is not None and made.film_s:
            speed = made.film_s / max(0.001, time.monotonic() - begun)
            seat.note_speed(speed)
            if seat.facts is not None:
                found = seat.facts
                rate = speed * load(found)
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
        self, film: PlayedVideo, variant: Variant | None, client: str, do: str, **request: Any
    ) -> PlayerAnswer:
        seat = self._seat(film)
        if variant is not None:
            self._note(seat, variant, client)
            request["variant"] = str(variant)
        try:
            async with asyncio.timeout(WORK_LIMIT_S):
                player = await self._player(seat)
                made = await player.make(do, **request)
        except TimeoutError:
            self._end(film.key)
            raise TimedOut(TOO_SLOW) from None
        except (OSError, EOFError, ValueError) as error:
            log.warning("the player worker of %r failed: %r", film.path, error)
            self._end(film.key)
            raise Unavailable("The process that plays this film broke down.") from None
        finally:
            self._leave(seat)
        seat.segments += do == "segment"
        self.made += do == "segment"
        return made

    async def _take_out(self, film: PlayedVideo, track: int, address: str) -> bytes:
        made = await self._make(film, None, "", "subtitles", track=track)
        await self.cache.put(address, made.content)
        return made.content

    # --- Workers ---

    def _seat(self, film: PlayedVideo) -> PlayerSession:
        if self._closed:
            raise Unavailable("LVS is stopping.")
        seat = self._seats.get(film.key)
        if seat is None or seat.film.version != film.version:
            self._end(film.key)
            self._make_room()
            seat = self._seats[film.key] = PlayerSession(film)
        self._seats.move_to_end(film.key)
        seat.asked_at = time.monotonic()
        seat.busy += 1
        if seat.timer is not None:
            seat.timer.cancel()
            seat.timer = None
        return seat

    def _make_room(self) -> None:
        while len(self._seats) >= MOST_PLAYERS:
            idle = [key for key, seat in self._seats.items() if not seat.busy]
            if not idle:
                raise Unavailable(
                    "More films are being played than LVS can serve. Try again in a moment."
                )
            self._end(idle[0])

    def _leave(self, seat: PlayerSession) -> None:
        seat.busy -= 1
        if not seat.busy and not self._closed and self._seats.get(seat.film.key) is seat:
            seat.timer = asyncio.get_running_loop().call_later(
                self._idle_s, self._end, seat.film.key
            )

    async def _player(self, seat: PlayerSession) -> Player:
        async with seat.starting:
            if seat.player is None or not seat.player.alive:
                seat.player = await start_player(self._memory_limit_bytes)
                seat.facts = None
            if seat.facts is None:
                try:
                    seat.facts = await seat.player.open(seat.film)
                except (OSError, EOFError, ValueError) as error:
                    seat.player.kill()
                    log.warning("the player worker of %r failed: %r", seat.film.path, error)
                    raise Unavailable("The process that plays this film broke down.") from None
                except BaseException:
                    seat.player.kill()
                    raise
            return seat.player

    def _end(self, key: str) -> None:
        seat = self._seats.pop(key, None)
        if seat is None:
            return
        if seat.timer is not None:
            seat.timer.cancel()
        if seat.player is not None:
            seat.player.kill()
            reaping = asyncio.create_task(seat.player.wait())
            self._ending.add(reaping)
            reaping.add_done_callback(self._ending.discard)

    # --- What the dashboard shows, and what posters wait for ---

    def _note(self, seat: PlayerSession, variant: Variant, client: str) -> None:
        seat.variant, seat.client = str(variant), client or seat.client
        if variant.way is Delivery.CONVERT:
            seat.converted_at = time.monotonic()

    def _note_hit(self, film: PlayedVideo, variant: Variant, client: str) -> None:
        seat = self._seats.get(film.key)
        if seat is not None:
            self._note(seat, variant, client)
            seat.hits += 1

    def _note_conversion(self) -> None:
        self._quiet.clear()
        if self._quiet_timer is not None:
            self._quiet_timer.cancel()
        self._quiet_timer = asyncio.get_running_loop().call_later(ACTIVE_S, self._quiet.set)
