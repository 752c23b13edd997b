"""Requests of the players: body, credentials, addresses; shared by HereSphere and DeoVR."""

import asyncio
import json
import os
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from msgspec import Struct
from msgspec.structs import replace
from quart import Response, request

from lvs.clock import local_date, now_ms
from lvs.errors import NotFound, TooManyRequests
from lvs.http.file_response import file_response
from lvs.models import Sort, State, Video, display_path
from lvs.playability import Playability, plays
from lvs.routes.hooks.auth import is_signed_in
from lvs.routes.media.subtitles import subtitles_of
from lvs.services.headset.item_document import MediaSource, NamedLink, VideoItem
from lvs.services.headset.library_document import (
    SECTION_SIZE,
    HeadsetVideo,
    LibraryDocument,
    SavedViewVideos,
    VideoLinks,
)
from lvs.services.streaming.open_file import open_below
from lvs.web.filters import parse_stored
from lvs.web.responses import addresses, client, services

MAX_PASSWORD = 4096
MAX_TOKEN = 200
JSON_TYPE = "application/json"


class HeadsetPlayer(Struct, frozen=True):
    """One request of a player: what it sent, and the prefix of all addresses it is given.

    `admitted` is False where a password is needed and was not given; `message` says so.
    """

    sent: dict[str, Any]
    base: str
    admitted: bool
    message: str = "Login failed"

    def item_url(self, kind: str, media_hash: str) -> str:
        """The address of one film, by which the player knows it for ever."""
        return f"{self.base}/{media_hash}" if not kind else f"{self.base}/{kind}/{media_hash}"


async def player(name: str, token: str = "") -> HeadsetPlayer:
    """The player that asks. `token` is a program's token out of the address path."""
    body: Any = await request.get_data(as_text=False)
    sent = _sent(body)
    base = f"{origin()}/{name}" + (f"/as/{token}" if token else "")
    try:
        return HeadsetPlayer(sent, base, await _admitted(sent, token))
    except TooManyRequests as error:
        return HeadsetPlayer(sent, base, False, f"Login failed. {error.message}")


def origin() -> str:
    """Scheme and host as the player spelled them, so that it reaches us again."""
    return f"{request.scheme}://{request.host}"


def links(asking: HeadsetPlayer) -> VideoLinks:
    """Addresses in a list for this player."""
    keys = services().passwords.required
    begin = origin()

    def poster(video: HeadsetVideo) -> str:
        path = f"/thumbnail/{video.media_hash}.jpg"
        return begin + with_key(path, f"v={video.poster or video.state}&w=640")

    day = services().headset.access.today if keys else 0
    return VideoLinks(lambda media_hash: f"{asking.base}/{media_hash}", poster, (asking.base, day))


def with_key(path: str, query: str = "") -> str:
    """An address path with its query, and a key to it where there is a password."""
    if services().passwords.required:
        key = services().headset.access.key(path)
        query = f"{query}&key={key}" if query else f"key={key}"
    return f"{path}?{query}" if query else path


async def saved_views() -> list[SavedViewVideos]:
    """The saved views as lists. One in random order has another one each day."""
    ours, found = services(), []
    for view in await ours.saved_views.every():
        query, _ = parse_stored(view.query)
        if query.sort is Sort.RANDOM and not query.seed:
            query = replace(query, seed=local_date(now_ms()).toordinal())
        ids = await ours.gallery.all_ids(query, SECTION_SIZE + 1)
        more = f" (first {SECTION_SIZE:,})" if len(ids) > SECTION_SIZE else ""
        found.append(SavedViewVideos(view.name + more, tuple(ids[:SECTION_SIZE])))
    return found


async def item(media_hash: str) -> VideoItem:
    """A film with all its absolute addresses.

    Raises NotFound for one that there is not, or that is gone.
    """
    video = await services().videos.get(media_hash)
    root = services().library.roots[video.file.root_id]
    if video.missing or not root.active:
        raise NotFound("This video is gone from the library folders.")
    chapters, subtitles, scripts = await asyncio.gather(
        services().projections.chapters(video),
        subtitles_of(video),
        services().headset.scripts.of_video(video),
    )
    begin = origin()
    return VideoItem(
        video,
        begin + with_key(*addresses().poster(video, 640, "jpg").split("?", 1)),
        [
            MediaSource(file, begin + with_key(addresses().video(file)))
            for file in video.files
            if file.missing_since is None and services().library.roots[file.root_id].active
        ],
        [NamedLink(label, begin + with_key(url), language) for url, label, language in subtitles],
        [
            NamedLink(axis or "main", begin + with_key(_script_path(video, axis)))
            for axis in scripts
        ],
        chapters,
        begin + with_key(services().playback.address(video)) if _is_converted(video) else "",
    )


def _is_converted(video: Video) -> bool:
    if video.probe is None or video.state is State.UNREADABLE:
        return False
    extension = display_path(video.file.path).rpartition(".")[2]
    return plays(video.probe, extension)[0] is Playability.CONVERTED


def json_answer(members: dict[str, Any]) -> Response:
    """An answer that no cache keeps."""
    body = json.dumps(members, separators=(",", ":"), ensure_ascii=False)
    response = Response(body.encode("utf-8", "replace"), content_type=JSON_TYPE)
    response.headers["Cache-Control"] = "no-store"
    return response


def document_answer(document: LibraryDocument) -> Response:
    """A list, or 304 where the player has it as it is."""
    if request.method != "POST" and request.if_none_match.contains_weak(document.etag):
        response = Response(status=304)
    else:
        response = Response(document.body, content_type=JSON_TYPE)
    response.set_etag(document.etag)
    response.headers["Cache-Control"] = "private, no-cache"
    return response


async def script(media_hash: str, axis: str) -> Response:
    """The motion script beside a film; the main one is called `main`."""
    video = await services().videos.get(media_hash)
    root, path = services().headset.scripts.path(video, "" if axis == "main" else axis)
    opened = await open_below(Path(os.fsdecode(root.path)), path)
    return await file_response(
        request,
        opened,
        JSON_TYPE,
        None,
        streams=services().streams,
        title=video.title,
        client=client(),
    )


def _script_path(video: Video, axis: str) -> str:
    return f"/scripts/{video.media_hash}/{axis or 'main'}.funscript"


async def _admitted(sent: dict[str, Any], token: str) -> bool:
    passwords = services().passwords
    if not passwords.required or is_signed_in():
        return True
    if token and len(token) <= MAX_TOKEN and passwords.is_token(token):
        return True
    if passwords.is_session(request.headers.get("auth-token", "")):
        return True
    password = sent.get("password")
    if not isinstance(password, str):
        return False
    return await services().headset.access.accepts(password[:MAX_PASSWORD], client())


def _sent(body: bytes) -> dict[str, Any]:
    """Members of a JSON object, or of a form; none where the body is neither."""
    try:
        found = json.loads(body) if body.strip() else {}
    except (ValueError, RecursionError):
        try:
            return dict(parse_qsl(body.decode(), max_num_fields=20))
        except ValueError:
            return {}
    return found if isinstance(found, dict) else {}
