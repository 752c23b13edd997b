"""All services of one running server, built around one database file.

There are no globals: two servers can run in one process.
"""

import asyncio
import logging
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

from msgspec import Struct

from lvs.config import Config
from lvs.db.database import Database
from lvs.db.query_stats import QueryStats
from lvs.errors import DatabaseDamaged, LvsError
from lvs.services.auth import Passwords
from lvs.services.background_tasks import BackgroundTasks
from lvs.services.backup.backups import Backups
from lvs.services.backup.export import SelectionExport
from lvs.services.backup.replication import Replication
from lvs.services.backup.second_place import SecondPlace
from lvs.services.cache import Cache
from lvs.services.curation.added_dates import AddedDates
from lvs.services.curation.bulk import BulkEdits
from lvs.services.curation.favorites import Favorites
from lvs.services.curation.handover import Handover
from lvs.services.curation.hidden import HiddenVideos
from lvs.services.curation.near_duplicates import NearDuplicates
from lvs.services.curation.notes import Notes
from lvs.services.curation.poster_choice import PosterChoice
from lvs.services.curation.projections import Projections
from lvs.services.curation.ratings import Ratings
from lvs.services.curation.recycle_bin import RecycleBin
from lvs.services.curation.saved_views import SavedViews
from lvs.services.curation.tag_management import TagManagement
from lvs.services.curation.tags import Tags
from lvs.services.curation.titles import VideoTitles
from lvs.services.curation.triage import Triage
from lvs.services.curation.undo import Journal
from lvs.services.curation.undo_all import UndoAll
from lvs.services.curation.views import Views
from lvs.services.events import Event, Events
from lvs.services.gallery.gallery import Gallery
from lvs.services.gallery.spelling import Spelling
from lvs.services.headset import headset
from lvs.services.household.headset_positions import HeadsetPositions
from lvs.services.household.history import History
from lvs.services.household.later import Later
from lvs.services.household.people import People
from lvs.services.household.play_order import PlayOrder
from lvs.services.household.playlists import Playlists
from lvs.services.household.preferences import Preferences
from lvs.services.household.progress import ProgressTracker
from lvs.services.household.up_next import UpNext
from lvs.services.legacy.importer import LegacyImport
from lvs.services.library.comparison import Comparison
from lvs.services.library.duplicates import Duplicates
from lvs.services.library.library import Library
from lvs.services.library.watcher import Watcher
from lvs.services.live_events import LiveEvents, jobs_state
from lvs.services.maintenance import Maintenance
from lvs.services.media.picture_comparison import PictureComparison
from lvs.services.media.poster_candidates import PosterCandidateStore
from lvs.services.media.poster_colours import PosterColours
from lvs.services.media.posters import PosterStore
from lvs.services.media.probe_pool import ProbePool
from lvs.services.media.probe_queue import ProbeQueue
from lvs.services.media.remote_pool import RemotePool
from lvs.services.media.scene_store import SceneStore
from lvs.services.media.scene_strips import SceneStrips
from lvs.services.media.subtitles import Subtitles
from lvs.services.media.worker_hosts import SharedProbes, WorkerHost
from lvs.services.metrics import Metrics, here
from lvs.services.monitoring.doctor import Doctor
from lvs.services.monitoring.folder_sizes import FolderSizes
from lvs.services.monitoring.health import Health
from lvs.services.monitoring.library_counts import LibraryCounter
from lvs.services.monitoring.storage import StorageMonitor
from lvs.services.monitoring.system import System
from lvs.services.monitoring.usage import Usage
from lvs.services.network.discovery import Discovery
from lvs.services.network.reachability import Reachability
from lvs.services.playback.encoder_trial import working_encoder
from lvs.services.playback.playback import Playback
from lvs.services.playback.player_pool import PlayerPool
from lvs.services.playback.remote_players import RemotePlayers
from lvs.services.playback.segment_cache import SegmentCache
from lvs.services.playback.speeds import ConversionSpeeds
from lvs.services.rate_limit import RateLimiter
from lvs.services.remote_link import RemoteLink
from lvs.services.streaming.streams import Streams
from lvs.services.supervisor import Step, Supervisor
from lvs.worker_address import LOCAL, parse_worker_address

log = logging.getLogger(__name__)


class Services(Struct, frozen=True):
    """The services that routes may call."""

    config: Config
    database: Database
    query_stats: QueryStats
    cache: Cache
    events: Events
    library: Library
    gallery: Gallery
    spelling: Spelling
    videos: VideoTitles
    ratings: Ratings
    ratings_limiter: RateLimiter
    writes_limiter: RateLimiter
    projections: Projections
    poster_choice: PosterChoice
    poster_candidates: PosterCandidateStore
    headset: headset.Headset
    favorites: Favorites
    tags: Tags
    tag_management: TagManagement
    saved_views: SavedViews
    triage: Triage
    views: Views
    hidden: HiddenVideos
    notes: Notes
    progress: ProgressTracker
    playlists: Playlists
    later: Later
    play_order: PlayOrder
    up_next: UpNext
    history: History
    preferences: Preferences
    people: People
    handover: Handover
    added_dates: AddedDates
    passwords: Passwords
    posters: PosterStore
    probe_pool: ProbePool
    probes: SharedProbes
    jobs: ProbeQueue
    scenes: SceneStrips
    poster_colours: PosterColours
    picture_comparison: PictureComparison
    streams: Streams
    subtitles: Subtitles
    playback: Playback
    watcher: Watcher
    backups: Backups
    selection_export: SelectionExport
    legacy: LegacyImport
    metrics: Metrics
    overviews: LibraryCounter
    storages: StorageMonitor
    usage: Usage
    folder_sizes: FolderSizes
    system: System
    health: Health
    discovery: Discovery
    reachability: Reachability
    second_place: SecondPlace
    replication: Replication
    doctor: Doctor
    journal: Journal
    undo_all: UndoAll
    bulk: BulkEdits
    recycle_bin: RecycleBin
    duplicates: Duplicates
    near_duplicates: NearDuplicates
    comparison: Comparison
    supervisor: Supervisor
    background_tasks: BackgroundTasks
    live_events: LiveEvents
    maintenance: Maintenance


def build(config: Config, database: Database | None = None) -> Services:
    """Build the services for this configuration around its database, which may be open already.
    Nothing else is opened or started yet.
    """
    database = database or Database.from_config(config)
    backup_folder = database.backup_folder
    cache = Cache(config.max_cache_size, config.cache_timeout)
    events = Events()
    library = Library(
        database,
        events,
        config.video_directory,
        config.supported_formats,
        config.settle_seconds,
        config.ignored_folders,
    )
    posters = PosterStore(config.thumbnail_directory, config.thumbnail_quality)
    shown_posters = posters if config.enable_thumbnails else None
    probe_pool = ProbePool(config.thumbnail_workers)
    probes = _shared_probes(config, library, probe_pool)
    metrics = Metrics()
    segments = SegmentCache(config.data_directory / "cache" / "hls", config.conversion_space << 20)
    speeds = ConversionSpeeds(config.data_directory / "cache" / "conversion-speeds.json")
    players = PlayerPool(segments, speeds=speeds, elsewhere=RemotePlayers(probes.hosts))
    playback = Playback(library, players, config.streams_per_client)
    jobs = ProbeQueue(
        database,
        library,
        events,
        probes,
        shown_posters,
        playback.pool.wait_quiet,
    )
    scene_store = (
        SceneStore(config.data_directory / "scenes", config.preview_space << 20)
        if config.preview_space and config.enable_thumbnails
        else None
    )
    poster_candidates = PosterCandidateStore(database, shown_posters)
    scenes = SceneStrips(database, library, events, probes, jobs, scene_store)
    watcher = Watcher(library, config.watch, config.poll_interval, config.scan_interval)
    backups = Backups(config.metadata_db, backup_folder)
    overviews = LibraryCounter(database, library, jobs, events)
    storages = StorageMonitor(config, library, posters, scene_store)
    system = System(probe_pool)
    gallery = Gallery(database, library, cache)
    journal = Journal(database, cache, events)
    added_dates = AddedDates(database, events)
    passwords = Passwords(config.data_directory, config.password.get_secret_value())
    background_tasks = BackgroundTasks()
    progress = ProgressTracker(database)
    preferences = Preferences(database)
    people = People(database)
    saved_views = SavedViews(database)
    tag_management = TagManagement(database, cache, events)
    undo_all = UndoAll(journal, tag_management, saved_views)
    videos, tags = VideoTitles(database, cache, events), Tags(database, cache, events)
    later = Later(database)
    discovery = Discovery(config.announce, config.host)
    reachability = Reachability(config.host, config.public_url, discovery, config.root_path)
    elsewhere = Path(config.backup_directory) if config.backup_directory else None
    second_place = SecondPlace(backup_folder, elsewhere)
    replication = Replication(config.replicate, config.metadata_db, config.data_directory)
    events.on(Event.CHANGED, lambda _: cache.invalidate())
    events.on(Event.CHANGED_EXTERNALLY, cache.forget)
    events.on(Event.CHANGED_EXTERNALLY, lambda *_: preferences.forget())
    events.on(Event.CHANGED_EXTERNALLY, lambda *_: people.forget())
    events.on(Event.CHANGED_EXTERNALLY, lambda *_: saved_views.forget())
    events.on(Event.REASSIGNED, cache.forget)
    events.on(Event.CURATED, cache.forget)
    return Services(
        config=config,
        database=database,
        query_stats=database.usage,
        cache=cache,
        events=events,
        library=library,
        gallery=gallery,
        spelling=Spelling(database, gallery),
        videos=videos,
        ratings=Ratings(database, cache, events),
        ratings_limiter=RateLimiter(config.ratings_limit),
        writes_limiter=RateLimiter(config.writes_limit),
        projections=Projections(database, cache, events),
        poster_choice=PosterChoice(
            database, cache, events, library, probes, jobs, shown_posters, poster_candidates
        ),
        poster_candidates=poster_candidates,
        headset=headset.build(
            config, database, cache, events, library, passwords, HeadsetPositions(progress)
        ),
        favorites=Favorites(database, cache, events),
        tags=tags,
        tag_management=tag_management,
        saved_views=saved_views,
        triage=Triage(gallery, videos, tags, later, journal),
        views=Views(database, cache, events),
        hidden=HiddenVideos(database, cache, events),
        notes=Notes(database, cache, events),
        progress=progress,
        playlists=Playlists(database),
        later=later,
        play_order=PlayOrder(database),
        up_next=UpNext(database, progress),
        history=History(database, progress),
        preferences=preferences,
        people=people,
        handover=Handover(database, cache, events),
        added_dates=added_dates,
        passwords=passwords,
        posters=posters,
        probe_pool=probe_pool,
        probes=probes,
        jobs=jobs,
        scenes=scenes,
        poster_colours=PosterColours(database, events, probe_pool, jobs, shown_posters),
        picture_comparison=PictureComparison(database, library, events, probes, jobs),
        streams=Streams(config.stall_seconds, per_client=config.streams_per_client),
        subtitles=Subtitles(library, config.supported_formats),
        playback=playback,
        watcher=watcher,
        backups=backups,
        selection_export=SelectionExport(database),
        legacy=LegacyImport(database, events),
        metrics=metrics,
        overviews=overviews,
        storages=storages,
        usage=Usage(database),
        folder_sizes=FolderSizes(database),
        system=system,
        health=Health(
            config,
            database,
            library,
            watcher,
            jobs,
            probe_pool,
            metrics,
            overviews,
            storages,
            system,
            backups,
            second_place,
            replication,
        ),
        discovery=discovery,
        reachability=reachability,
        second_place=second_place,
        replication=replication,
        doctor=Doctor(config, lambda: reachability.port or config.port),
        journal=journal,
        undo_all=undo_all,
        bulk=BulkEdits(database, cache, events, gallery, progress),
        recycle_bin=RecycleBin(database, cache, backups),
        duplicates=Duplicates(database, events),
        near_duplicates=NearDuplicates(database, cache, events, progress),
        comparison=Comparison(database, events, library.drives),
        supervisor=Supervisor(),
        background_tasks=background_tasks,
        live_events=LiveEvents(
            database, events, lambda: jobs_state(library, jobs, background_tasks)
        ),
        maintenance=Maintenance(
            background_tasks, library, backups, cache, jobs, gallery, undo_all, added_dates
        ),
    )


def _shared_probes(config: Config, library: Library, local: ProbePool) -> SharedProbes:
    configured = [Path(os.path.realpath(folder)) for folder in config.video_directory]

    def folders() -> list[Path]:
        return configured or [Path(os.fsdecode(root.path)) for root in library.active_roots]

    addresses = [parse_worker_address(each) for each in config.workers if each != LOCAL]
    links = [RemoteLink(address, folders) for address in addresses]
    hosts = [WorkerHost(link.address, RemotePool(link)) for link in links]
    return SharedProbes(local, hosts, LOCAL in config.workers)


@asynccontextmanager
async def running(services: Services) -> AsyncIterator[None]:
    """Open the database, register the library folders, and run workers and watcher until the block
    ends.
    """
    here.set(services.metrics)
    with services.metrics.log.listening():
        async with _open(services):
            yield


@asynccontextmanager
async def _open(services: Services) -> AsyncIterator[None]:
    try:
        await services.database.open()
    except DatabaseDamaged as error:
        raise await services.backups.quarantine(error) from error
    try:
        await _prepare_posters(services.posters)
        await _prepare_segments(services.playback.pool.cache)
        await _prepare_scenes(services.scenes.store)
        await asyncio.to_thread(services.playback.pool.speeds.load)
        await services.library.open()
        await services.preferences.languages()
        await services.preferences.start_page()
        await services.saved_views.every()
        await services.people.load()
        await _purge(services.people)
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(services.supervisor.run(*task)) for task in _background(services)
            ]
            if services.config.encoder == "auto":
                tasks.append(group.create_task(_find_encoder(services.playback.pool)))
            try:
                yield
            finally:
                services.streams.stop()
                for task in tasks:
                    task.cancel()
        await _write_positions(services.progress)
    finally:
        await services.playback.pool.close()
        await asyncio.to_thread(services.playback.pool.speeds.save)
        await services.probes.close()
        await services.database.close()


async def _purge(people: People) -> None:
    try:
        await people.purge()
    except LvsError as error:
        log.warning("people removed long ago could not be purged: %s", error.message)


async def _find_encoder(players: PlayerPool) -> None:
    try:
        players.encoder = await working_encoder()
    except OSError as error:
        log.info("no hardware encoder was tested: %s", error.strerror)


async def _write_positions(progress: ProgressTracker) -> None:
    try:
        await progress.flush()
    except LvsError as error:
        log.error("the last positions in films could not be written: %s", error.message)


async def _prepare_posters(posters: PosterStore) -> None:
    try:
        await asyncio.to_thread(posters.prepare)
    except OSError as error:
        log.error(
            "posters cannot be saved in %s: %s; pages are shown without them",
            posters.folder,
            error.strerror,
        )


async def _prepare_scenes(store: SceneStore | None) -> None:
    if store is None:
        return
    try:
        await asyncio.to_thread(store.prepare)
    except OSError as error:
        log.error("scenes cannot be saved in %s: %s", store.folder, error.strerror)


async def _prepare_segments(segments: SegmentCache) -> None:
    try:
        await asyncio.to_thread(segments.prepare)
    except OSError as error:
        log.error("converted segments cannot be saved in %s: %s", segments.folder, error.strerror)


def _background(services: Services) -> list[tuple[str, Step]]:
    """Every background task of a running server, by its name in the log."""
    watcher, jobs = services.watcher, services.jobs
    return [
        ("scans", watcher.scans),
        ("drives", watcher.drives),
        ("settling files", watcher.settling),
        ("other programs", watcher.others),
        *(
            (f"watcher of {root.name}", partial(watcher.watch, root))
            for root in services.library.active_roots
        ),
        ("backups", services.backups.nightly),
        ("copies of backups", services.second_place.run),
        ("replica", services.replication.run),
        ("write-ahead log", services.replication.bound_log),
        ("rehearsals of the replica", services.replication.rehearsals),
        ("announcement", services.discovery.run),
        ("comparison of copies", services.comparison.run),
        ("recycle bin", services.recycle_bin.nightly),
        ("maintenance", services.background_tasks.run),
        ("legacy import", partial(services.legacy.attaching, services.library)),
        ("probe queue", jobs.feed),
        ("scenes", services.scenes.run),
        ("colours of posters", services.poster_colours.run),
        *(
            [("pictures of films", services.picture_comparison.run)]
            if services.config.compare_pictures
            else []
        ),
        ("candidates of posters", services.poster_candidates.run),
        ("pages in memory", partial(services.gallery.fill, services.gallery.fill_delay_s)),
        ("positions in films", services.progress.run),
        ("system figures", services.system.sample),
        ("versions", services.health.check_versions),
        *((f"probes {number}", jobs.work) for number in range(1, services.probes.workers + 1)),
        *((f"workers on {host.address.name}", host.run) for host in services.probes.hosts),
    ]
