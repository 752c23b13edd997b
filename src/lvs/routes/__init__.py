"""The site map: every address, its method and its handler.

A new route is one line here. Its properties stand here, too, and nowhere else (`web/site_map.py`
explains each): `open` needs no sign-in, `admin` needs one also where guests may watch, `own_limit`
checks a rate limit of its own, `errors` is the shape of its errors, `group` the one its requests
are counted in. A property of a section holds for all of its routes.

`/static/<path>` is Quart's own.
"""

from typing import cast

from quart import Quart

from lvs.routes.admin import (
    added_dates,
    changes,
    charts,
    dashboard,
    doctor,
    duplicates,
    jobs,
    log,
    maintenance,
    missing,
    prometheus,
    storage,
    unreadable,
    usage,
)
from lvs.routes.api import openapi, original, ratings
from lvs.routes.api import playlists as api_playlists
from lvs.routes.api import progress as api_progress
from lvs.routes.api import tags as api_tags
from lvs.routes.api import videos as api_videos
from lvs.routes.headset import deovr, heresphere, player
from lvs.routes.media import export, hls, subtitles, thumbnails, videos
from lvs.routes.pages import (
    connect,
    curation,
    gallery,
    playlists,
    progress,
    projection,
    sign_in,
    watch,
)
from lvs.services.bundle import Services
from lvs.services.metrics import RouteGroup
from lvs.web.site_map import Errors, SiteMap, by_any, delete, get, moved, post, put, section
from lvs.web.templates import Templates

SITE_MAP = SiteMap([
    section(
        "Gallery",
        get("/", gallery.show),
        get("/search", gallery.show),
        get("/popular", gallery.popular),
        get("/favorites", gallery.favorites),
        get("/tag/<path:name>", gallery.tag),
        get("/filters", gallery.filters),
        get("/tags", gallery.tags),
        get("/tags/suggest", gallery.suggest),
        get("/random", gallery.random),
        get("/library/status", gallery.status),
        post("/settings", gallery.settings, open=True),
    ),
    section(
        "Watching",
        get("/watch/<path:place>", watch.watch),
        get("/v/<hash:media_hash>", watch.permanent),
        get("/continue", progress.show),
        post("/videos/<hash:media_hash>/handover", watch.hand_over),
    ),
    section(
        "Curation: forms of a video",
        post("/videos/<hash:media_hash>/rating", curation.rate,
             own_limit=True, group=RouteGroup.RATINGS),
        post("/videos/<hash:media_hash>/favorite", curation.favorite),
        post("/videos/<hash:media_hash>/tags", curation.add_tag),
        post("/videos/<hash:media_hash>/tags/remove", curation.remove_tag),
        get("/videos/<hash:media_hash>/title", curation.edit_title),
        post("/videos/<hash:media_hash>/title", curation.retitle),
        post("/videos/<hash:media_hash>/view", curation.view),
        post("/videos/<hash:media_hash>/projection", projection.choose),
        post("/videos/<hash:media_hash>/progress", progress.record, own_limit=True),
        post("/videos/<hash:media_hash>/watched", progress.mark),
        post("/videos/<hash:media_hash>/dismiss", progress.dismiss),
    ),
    section(
        "Playlists and Later",
        get("/playlists", playlists.every),
        post("/playlists", playlists.create),
        get("/playlist/<playlist_id>", playlists.show),
        post("/playlist/<playlist_id>", playlists.describe),
        post("/playlist/<playlist_id>/delete", playlists.delete),
        post("/playlist/<playlist_id>/restore", playlists.bring_back),
        post("/playlist/<playlist_id>/add", playlists.add),
        post("/playlist/<playlist_id>/add-selection", playlists.add_selection),
        post("/playlist/<playlist_id>/remove", playlists.take_out),
        post("/playlist/<playlist_id>/move", playlists.move),
        get("/lists/selection", playlists.choose_for_selection),
        get("/videos/<hash:media_hash>/lists", playlists.choose),
        post("/videos/<hash:media_hash>/later", playlists.set_later),
        get("/later", playlists.later),
    ),
    section(
        "Sign-in",
        get("/sign-in", sign_in.show),
        post("/sign-in", sign_in.sign_in, own_limit=True),
        post("/sign-out", sign_in.sign_out),
        open=True,
    ),
    section(
        "Other devices",
        get("/connect", connect.connect),
    ),
    section(
        "Files",
        get("/video/<path:place>", videos.video, keyed=True),
        get("/thumbnail/<hash:media_hash>.<any(jpg, webp):kind>", thumbnails.thumbnail,
            keyed=True),
        get("/subtitles/<hash:media_hash>/<key>.vtt", subtitles.subtitles, keyed=True),
        get("/scripts/<hash:media_hash>/<axis>.funscript", player.script, keyed=True),
        get("/hls/<hash:media_hash>/<key>/master.m3u8", hls.master),
        get("/hls/<hash:media_hash>/<key>/<variant>/index.m3u8", hls.playlist),
        get("/hls/<hash:media_hash>/<key>/<variant>/init.mp4", hls.init),
        get("/hls/<hash:media_hash>/<key>/<variant>/<number>.m4s", hls.segment),
        get("/export.json", export.as_json),
        get("/export.csv", export.as_csv),
    ),
    section(
        "JSON API",
        get("/api/openapi.json", openapi.document),
        get("/api/videos", api_videos.videos),
        get("/api/videos/<media_hash>", api_videos.video),
        get("/api/videos/<media_hash>/favorite", api_videos.favorite),
        put("/api/videos/<media_hash>/favorite", api_videos.add_favorite),
        delete("/api/videos/<media_hash>/favorite", api_videos.remove_favorite),
        put("/api/videos/<media_hash>/projection", api_videos.put_projection),
        get("/api/videos/<media_hash>/views", api_videos.views),
        post("/api/videos/<media_hash>/views", api_videos.count_view),
        put("/api/videos/<media_hash>/progress", api_progress.record, own_limit=True),
        put("/api/videos/<media_hash>/watched", api_progress.mark),
        get("/api/videos/<media_hash>/subtitles", api_videos.subtitles),
        get("/api/videos/<media_hash>/tags", api_tags.tags_of_video),
        post("/api/videos/<media_hash>/tags", api_tags.add_tag),
        put("/api/videos/<media_hash>/tags/<path:tag>", api_tags.put_tag),
        delete("/api/videos/<media_hash>/tags/<path:tag>", api_tags.remove_tag),
        get("/api/tags", api_tags.tags),
        get("/api/playlists", api_playlists.every),
        post("/api/playlists", api_playlists.create),
        get("/api/playlists/<playlist_id>", api_playlists.show),
        delete("/api/playlists/<playlist_id>", api_playlists.remove),
        post("/api/playlists/<playlist_id>/add", api_playlists.add),
        delete("/api/playlists/<playlist_id>/items/<path:name>", api_playlists.take_out),
        get("/api/later", api_playlists.later),
        post("/api/later", api_playlists.add_later),
        delete("/api/later/<media_hash>", api_playlists.remove_later),
        get("/api/ratings/<media_hash>", ratings.rating),
        post("/api/ratings/<media_hash>", ratings.rate,
             own_limit=True, group=RouteGroup.RATINGS),
        delete("/api/ratings/<media_hash>", ratings.unrate, own_limit=True),
        below="/api/",
        errors=Errors.JSON,
    ),
    section(
        "HereSphere: credentials come in the body, reads by POST are no writes",
        *by_any("/heresphere", heresphere.library),
        *by_any("/heresphere/scan", heresphere.scan),
        *by_any("/heresphere/auth", heresphere.auth),
        *by_any("/heresphere/events/<hash:media_hash>", heresphere.events),
        *by_any("/heresphere/<hash:media_hash>", heresphere.film),
        *by_any("/heresphere/as/<token>", heresphere.library),
        *by_any("/heresphere/as/<token>/scan", heresphere.scan),
        *by_any("/heresphere/as/<token>/auth", heresphere.auth),
        *by_any("/heresphere/as/<token>/events/<hash:media_hash>", heresphere.events),
        *by_any("/heresphere/as/<token>/<hash:media_hash>", heresphere.film),
        below="/heresphere/",
        errors=Errors.JSON,
        open=True,
        own_limit=True,
    ),
    section(
        "DeoVR: the same, and it only reads",
        *by_any("/deovr", deovr.library),
        *by_any("/deovr/<hash:media_hash>", deovr.film),
        *by_any("/deovr/as/<token>", deovr.library),
        *by_any("/deovr/as/<token>/<hash:media_hash>", deovr.film),
        below="/deovr/",
        errors=Errors.JSON,
        open=True,
        own_limit=True,
    ),
    section(
        "Calls of the original Local Video Server",
        post("/rate", original.rate, own_limit=True, group=RouteGroup.RATINGS),
        post("/favorite", original.favorite),
        post("/tag", original.tag),
        post("/delete_tag", original.delete_tag),
        post("/view", original.view),
        get("/get_views", original.get_views),
        get("/api/tags/popular", original.popular_tags),
        get("/api/tags/video", original.tags_of_named_video),
        get("/api/tags/video/<path:filename>", original.tags_of_video),
        errors=Errors.ORIGINAL,
    ),
    section(
        "Monitoring",
        get("/ping", maintenance.ping,
            open_without_query=True, admin=True, errors=Errors.JSON, group=RouteGroup.HEALTH_CHECK),
        get("/metrics", prometheus.metrics, admin=True, group=RouteGroup.DASHBOARD),
        get("/admin/performance", dashboard.dashboard, admin=True, group=RouteGroup.DASHBOARD),
        get("/admin/performance.json", dashboard.performance_json,
            admin=True, errors=Errors.JSON, group=RouteGroup.DASHBOARD),
        get("/admin/tiles/<name>", dashboard.tile, admin=True, group=RouteGroup.DASHBOARD),
    ),
    section(
        "Administration",
        get("/admin/jobs", jobs.show_jobs),
        post("/admin/jobs/<video_id>/<what>", jobs.change_job),
        get("/admin/errands/<name>", maintenance.task),
        post("/admin/errands/<name>", maintenance.begin),
        get("/admin/posters", maintenance.preview_posters),
        get("/admin/dates", added_dates.preview_dates),
        post("/admin/scan", maintenance.scan),
        get("/admin/cache/status", maintenance.cache_status),
        post("/admin/cache/refresh", maintenance.cache_refresh),
        post("/admin/look-again/<hash:media_hash>", maintenance.probe_again),
        get("/admin/changes", changes.changes),
        get("/admin/changes/undo", changes.preview_undo),
        post("/admin/changes/undo", changes.undo_all),
        post("/admin/changes/<change_id>/undo", changes.undo),
        get("/admin/duplicates", duplicates.duplicates),
        post("/admin/duplicates/<video_id>/play", duplicates.prefer),
        get("/admin/unreadable", unreadable.unreadable),
        post("/admin/unreadable/again", unreadable.probe_again),
        get("/admin/missing", missing.missing),
        get("/admin/missing/forget", missing.preview_forget),
        post("/admin/missing/forget", missing.forget),
        get("/admin/bin", missing.recycle_bin),
        post("/admin/bin/restore", missing.restore),
        get("/admin/usage", usage.usage),
        get("/admin/storage", storage.storage),
        get("/admin/log", log.log),
        get("/admin/doctor", doctor.show_doctor),
        below="/admin/",
        admin=True,
    ),
    section(
        "Former addresses",
        moved("/unreadable", "/admin/unreadable"),
        moved("/dashboard/admin/performance", "/admin/performance", admin=True),
        moved("/admin/performance/json", "/admin/performance.json",
              admin=True, group=RouteGroup.DASHBOARD),
    ),
])  # fmt: skip


def register(app: Quart) -> None:
    """Add every route to the application, and what the handlers need of it."""
    services = cast("Services", app.extensions["lvs"])
    templates = cast("Templates", app.extensions["lvs.pages"])
    services.metrics.groups = SITE_MAP.groups()
    templates.environment.filters.update(charts.FILTERS | changes.FILTERS)
    prometheus.install(app, services)
    SITE_MAP.install(app)
    heresphere.install(app)
    openapi.install(app)
