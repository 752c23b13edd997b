"""All services of one running server, built around one database file. No globals: two servers can live in one process."""

import asyncio
import logging
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from lvs.config import Config
from lvs.db.database import Database
from lvs.services.cache import Cache
from lvs.services.curation import Favorites, Ratings, Tags, Videos, Views
from lvs.services.events import Event, Events
from lvs.services.ffmpeg import FFmpeg
from lvs.services.gallery import Gallery
from lvs.services.jobs import Jobs
from lvs.services.library import Library
from lvs.services.limiter import Limiter
from lvs.services.posters import PosterStore
from lvs.services.streaming import Streams
from lvs.services.subtitles import Subtitles
from lvs.services.watcher import Watcher

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Services:
    """What routes may call."""

    config: Config
    database: Database
    cache: Cache
    events: Events
    library: Library
    gallery: Gallery
    videos: Videos
    ratings: Ratings
    ratings_limiter: Limiter
    favorites: Favorites
    tags: Tags
    views: Views
    posters: PosterStore
    ffmpeg: FFmpeg
    jobs: Jobs
    streams: Streams
    subtitles: Subtitles
    watcher: Watcher


def build(config: Config) -> Services:
    """Services for this configuration. Nothing is opened or started yet."""
    database = Database(config.metadata_db)
    cache = Cache(config.max_cache_size, config.cache_timeout)
    events = Events()
    library = Library(database, events, config.video_directory, config.supported_formats, config.settle_seconds)
    posters = PosterStore(config.thumbnail_directory)
    ffmpeg = FFmpeg(config.thumbnail_workers)
    events.on(Event.BATCH_DONE, lambda _: cache.age())
    return Services(
        config=config,
        database=database,
        cache=cache,
        events=events,
        library=library,
        gallery=Gallery(database, library, cache),
        videos=Videos(database, cache),
        ratings=Ratings(database, cache),
        ratings_limiter=Limiter(config.ratings_limit),
        favorites=Favorites(database, cache),
        tags=Tags(database, cache),
        views=Views(database, cache),
        posters=posters,
        ffmpeg=ffmpeg,
        jobs=Jobs(database, library, events, ffmpeg, posters if config.enable_thumbnails else None),
        streams=Streams(config.stall_seconds),
        subtitles=Subtitles(library, config.supported_formats),
        watcher=Watcher(library, config.watch, config.poll_interval, config.scan_interval),
    )


@asynccontextmanager
async def running(services: Services) -> AsyncIterator[None]:
    """Open the database, make the library folders known, and run workers and watcher until the block ends."""
    await services.database.open()
    try:
        await _prepare_posters(services.posters)
        await services.library.open()
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(step) for step in _long_lived(services)]
            try:
                yield
            finally:
                services.streams.stop()
                for task in tasks:
                    task.cancel()
    finally:
        await services.ffmpeg.close()
        await services.database.close()


async def _prepare_posters(posters: PosterStore) -> None:
    try:
        await asyncio.to_thread(posters.prepare)
    except OSError as error:
        log.error("posters cannot be kept in %s: %s; pages go on without", posters.folder, error.strerror)


def _long_lived(services: Services) -> list[Coroutine[Any, Any, None]]:
    watcher, jobs = services.watcher, services.jobs
    return [
        watcher.scans(),
        watcher.drives(),
        watcher.settling(),
        *(watcher.watch(root) for root in services.library.active_roots),
        jobs.feed(),
        *(jobs.work() for _ in range(services.ffmpeg.workers)),
    ]
