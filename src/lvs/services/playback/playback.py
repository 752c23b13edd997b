"""Playback of videos that a browser does not play as they are: playlists and segments of HLS."""

import os

from lvs.errors import NotFound, Unavailable
from lvs.models import Probe, State, Track, Video
from lvs.services.library.library import Library
from lvs.services.playback import planner
from lvs.services.playback.planner import Delivery, Variant, VideoFacts
from lvs.services.playback.player import PlayedVideo
from lvs.services.playback.player_pool import PlayerPool
from lvs.services.rate_limit import ConcurrencyLimiter

AT_ONCE_PER_CLIENT = 80
RETRY_SECONDS = 2
MOST_TRACKS = 100
TOO_MANY_PIECES = "This device requests too many segments at once."
TOO_MANY_TEXTS = "This device asks for too many subtitles at a time."


class Playback:
    """Playlists, init segments and segments by video, and the bound on what one client may ask."""

    def __init__(
        self, library: Library, pool: PlayerPool, at_once_per_client: int = AT_ONCE_PER_CLIENT
    ) -> None:
        self._library = library
        self.pool = pool
        self._pieces = ConcurrencyLimiter(at_once_per_client, TOO_MANY_PIECES, RETRY_SECONDS)
        self.subtitle_room = ConcurrencyLimiter(at_once_per_client, TOO_MANY_TEXTS, RETRY_SECONDS)
        """The bound on subtitles, those inside films and those beside them."""

    def address(self, video: Video) -> str:
        """Path of the video's master playlist."""
        return f"/hls/{video.media_hash}/{planner.stream_key(video.file.fingerprint)}/master.m3u8"

    def played(self, video: Video, key: str) -> PlayedVideo:
        """The file behind a key. Raises NotFound for a key it does not have, or no longer;
        Unavailable where its drive is away.
        """
        file = video.file
        if key != planner.stream_key(file.fingerprint):
            raise NotFound("This address belongs to another version of the video.")
        root = self._library.roots[file.root_id]
        if video.missing or not root.active or video.state is State.UNREADABLE:
            raise NotFound("This video cannot be played.")
        if self._library.is_away(root.id, file.path):
            raise Unavailable(f"The folder “{root.name}” is offline right now.")
        return PlayedVideo(
            video.media_hash,
            key,
            os.path.join(root.path, file.path),
            (file.size_bytes, file.mtime_ns),
            video.title,
            video.probe.duration_s if video.probe else None,
            file.fingerprint,
        )

    async def least_speed(
        self, video: Video, probe: Probe, converted: bool = False
    ) -> float | None:
        """Film seconds per second of this film's conversion to the smallest size.

        None where it need not be converted, unless that is asked for, or the speed is not known.
        """
        codec, depth = probe.video_codec, probe.bit_depth or 8
        copied = codec == "h264" and probe.pixel_format in planner.COPIED_PIXELS and not converted
        if copied and not probe.interlaced and probe.container in planner.COPIED_CONTAINERS:
            return None
        megapixels = probe.coded_width * probe.coded_height * (probe.frame_rate or 25) / 1e6
        root = self._library.roots[video.file.root_id]
        path = os.path.join(root.path, video.file.path)
        key = planner.stream_key(video.file.fingerprint)
        pace = await self.pool.pace(key, path, codec, depth)
        return planner.least_speed(codec, megapixels, pace)

    async def master(
        self,
        played: PlayedVideo,
        client: str,
        *,
        audio: int,
        converted: bool,
        height: int,
        burn: int | None = None,
    ) -> str:
        """The master playlist.

        Raises Unavailable where the machine converts all it can, TooManyRequests.
        """
        facts = await self._facts(played, client)
        if Delivery.CONVERT in planner.deliveries(
            facts, converted or height > 0 or burn is not None
        ):
            await self.pool.elsewhere.wait_until_awake(played)
        pace = await self.pool.pace(played.key, played.path, facts.codec, facts.bit_depth)
        goes_away = self.pool.elsewhere.host_of(played.key, played.path) is not None
        offered = planner.variants(
            facts,
            audio=audio,
            converted=converted or height > 0,
            height=height or planner.fitting_height(facts, pace),
            thin=not height and planner.needs_thinning(facts, pace),
            burn=burn,
            encoder="" if goes_away else self.pool.encoder,
        )
        offered = self._with_room(played, offered, client)
        if all(variant.way is Delivery.CONVERT for variant in offered):
            self.pool.elsewhere.open(played)
        return planner.master_playlist(facts, offered)

    def _with_room(self, played: PlayedVideo, offered: list[Variant], client: str) -> list[Variant]:
        """The variants without those that the machine has no room to convert; a browser that plays
        none of the others asks for the conversion alone. Raises Unavailable where none is left.
        """
        copied = [variant for variant in offered if variant.way is not Delivery.CONVERT]
        if len(copied) == len(offered):
            return offered
        try:
            self.pool.check_room(played, client)
        except Unavailable:
            if not copied:
                raise
            return copied
        return offered

    async def playlist(self, played: PlayedVideo, name: str, client: str) -> str:
        """The playlist of the variant of that name. Raises NotFound, TooManyRequests."""
        facts = await self._facts(played, client)
        return planner.media_playlist(facts, self._variant(facts, name))

    async def init(self, played: PlayedVideo, name: str, client: str) -> bytes:
        """The init segment of the variant of that name. Raises NotFound, TooManyRequests."""
        with self._pieces.one_more(client):
            facts = await self.pool.facts(played)
            return await self.pool.init(played, self._variant(facts, name), client)

    async def segment(self, played: PlayedVideo, name: str, number: int, client: str) -> bytes:
        """A segment of the variant of that name. Raises NotFound where there is none,
        TooManyRequests.
        """
        with self._pieces.one_more(client):
            facts = await self.pool.facts(played)
            variant = self._variant(facts, name)
            if number >= len(planner.cut_list(facts, variant.way)):
                raise NotFound("The film has no such segment.")
            return await self.pool.segment(played, variant, number, client)

    def subtitle_tracks(self, video: Video) -> list[tuple[int, Track]]:
        """The text tracks inside a video, each with its number among all of its subtitles."""
        tracks = video.probe.subtitle_tracks if video.probe else ()
        return [pair for pair in enumerate(tracks) if pair[1].codec in planner.TEXT_SUBTITLES]

    async def subtitles(self, video: Video, track: int) -> bytes:
        """A text track inside a video as WebVTT. Raises NotFound, Unreadable, Unavailable."""
        played = self.played(video, planner.stream_key(video.file.fingerprint))
        if track not in dict(self.subtitle_tracks(video)):
            raise NotFound("There are no such subtitles in this video.")
        return await self.pool.subtitles(played, track)

    async def _facts(self, played: PlayedVideo, client: str) -> VideoFacts:
        with self._pieces.one_more(client):
            return await self.pool.facts(played)

    def _variant(self, facts: VideoFacts, name: str) -> Variant:
        variant = planner.parse_variant(name)
        if (
            variant is None
            or variant.encoder not in ("", self.pool.encoder)
            or not planner.is_possible(facts, variant)
        ):
            raise NotFound("The video has no such variant.")
        return variant
