"""The watch page, and the permanent link that leads to it."""

import os
import re
from typing import cast

from quart import Response, redirect, request

from lvs.errors import Invalid, NotFound
from lvs.models import Card, Query, State, Surroundings, Video, display_path
from lvs.routes.media import subtitles
from lvs.routes.pages import projection, video_scenes
from lvs.routes.pages.player import player_choice, player_view, preferred_sound, spoken_in
from lvs.services.gallery.dates import recorded_of
from lvs.services.household.play_order import ListPlace
from lvs.viewer import viewer
from lvs.web.facts import container_name, moment, picture_facts, track_facts
from lvs.web.filters import parse_query
from lvs.web.list_places import Neighbour, in_gallery, in_list, list_place, list_string
from lvs.web.named_video import video_at
from lvs.web.request_args import arguments, form_text, text
from lvs.web.responses import addresses, client, page, secure_url, services
from lvs.web.templates import duration, size
from lvs.web.urls import folder_url, gallery_url

SUGGESTIONS = 12
_SECONDS = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?", re.ASCII)
RECORDED_BY = {"container": "stored in the film", "file": "date of the file"}


async def watch(place: str) -> Response:
    query = parse_query(arguments())
    found = await video_at("/watch/")
    if found is None:
        raise NotFound("There is no video at this address, and there never was one.")
    video, file, card = found
    if file.missing_since is not None and not video.missing:
        rest = list_string(list_place(arguments()), query)
        return cast("Response", redirect(addresses().watch(video.file) + rest, 302))
    return await _page(video, card, query)


async def permanent(media_hash: str) -> Response:
    video = await services().videos.get(media_hash)
    if not _is_listed(video):  # another video may lie where it lay
        return await _gone(video)
    return cast("Response", redirect(addresses().watch(video.file), 302))


async def use_player(media_hash: str) -> Response:
    """Keep the language of the sound that the player's form chose, and play as it says."""
    video = await services().videos.get(media_hash)
    choice = player_choice(await request.form)
    if language := spoken_in(video, choice):
        await services().preferences.choose_language("sound", language, client())
    return cast("Response", redirect(addresses().watch(video.file) + choice.page_query, 303))


async def _page(video: Video, card: Card | None, query: Query) -> Response:
    if not _is_listed(video):
        return await _gone(video)
    place = list_place(arguments())
    here = None if place else card
    around = await services().gallery.surroundings(query, video, here, SUGGESTIONS)
    previous, following = await _neighbours(video, query, place, around)
    progress = services().progress.of_video(video)
    languages = await services().preferences.languages()
    choice = preferred_sound(video, player_choice(request.args), languages.sound)
    player = await player_view(video, choice, _start(video, progress.position_s))
    listed = list_string(place, query)
    if video.poster is None and video.state is State.NEW:
        services().jobs.visible([video.id])
    watch_path = addresses().watch(video.file)
    return page(
        "watch.html",
        video=video,
        card=card,
        query=query,
        related=[
            each
            for each in around.related
            if following is None or each.card.id != following.card.id
        ],
        previous=previous,
        next=following,
        player=player,
        watched=progress.watched,
        later=around.later,
        start_over_url=_start_over(video, listed) if player.start_s else "",
        subtitles=await subtitles.subtitles_of(video),
        chosen_subtitles=languages.subtitles,
        suggestions=around.suggestions,
        facts=_facts(video, player.fact),
        back_url=_back(video, query, place),
        by_chance=text(arguments(), "random") == "1",
        unreadable=video.state is State.UNREADABLE,
        folder=_folder(video),
        recorded=recorded_of(video),
        **await video_scenes.strip_of(video, card, listed),
        chapters=video_scenes.chapter_links(video, around.chapters, listed),
        offline=services().library.is_away(video.file.root_id, video.file.path),
        secure_url=secure_url(watch_path) if video.projection.immersive else "",
        **await projection.values_of(video),
        copies=_copies(video),
        former=await _former(video),
    )


def _start(video: Video, position_s: float) -> float:
    """The start of the player, in seconds: at the place that the address names, else where one
    stopped. Raises Invalid.
    """
    value = text(arguments(), "start")
    if value == "over":
        return 0.0
    if not value:
        return position_s
    if not _SECONDS.fullmatch(value):
        raise Invalid("start is a number of seconds such as 61.5, or over.")
    length_s = video.probe.duration_s if video.probe else None
    return float(value) if length_s is None or float(value) < length_s else 0.0


async def _neighbours(
    video: Video, query: Query, place: ListPlace | None, around: Surroundings
) -> tuple[Neighbour | None, Neighbour | None]:
    """The films before and behind this one in the list from which it was opened."""
    if place is None:
        before = in_gallery(addresses(), around.before, query)
        return before, in_gallery(addresses(), around.behind, query)
    listed = await services().play_order.neighbours(place, video.id)
    return in_list(addresses(), listed[0], place), in_list(addresses(), listed[1], place)


def _back(video: Video, query: Query, place: ListPlace | None) -> str:
    """The list from which a film was opened."""
    if place is None:
        return (folder_url if query.folder else gallery_url)(query) + f"#video-card-{video.id}"
    return f"/playlist/{place.playlist_id}#item-{place.at}" if place.playlist_id else "/later"


async def _former(video: Video) -> Video | None:
    """The video for which this one was taken at first; nobody with limits may see it."""
    return await services().handover.former(video) if viewer().limits is None else None


def _start_over(video: Video, listed: str) -> str:
    """The same page with the player at the beginning."""
    address = addresses().watch(video.file) + listed
    return f"{address}{'&' if '?' in address else '?'}start=over"


def _folder(video: Video) -> tuple[str, str]:
    """Name and address of the folder a video lies in."""
    address = addresses().folder(video.file)
    if not address:
        return "Folders", "/folders"
    path = video.file.path.rpartition(b"/")[0]
    root = services().library.roots[video.file.root_id]
    name = display_path(path.rpartition(b"/")[2]) or display_path(os.fsencode(root.name))
    return name, f"/folder/{address}"


def _copies(video: Video) -> int:
    """The number of places of a video in the library folders that are configured now."""
    roots = services().library.roots
    return sum(file.missing_since is None and roots[file.root_id].active for file in video.files)


def _is_listed(video: Video) -> bool:
    return not video.missing and services().library.roots[video.file.root_id].active


async def _gone(video: Video) -> Response:
    """The page of a video that is gone: with the films that may be it now, if there are any."""
    candidates = await services().handover.candidates(video)
    if not candidates:
        raise NotFound(
            f"“{video.title}” is no longer in the library folders."
            " Its rating and tags are kept until it returns."
        )
    offered = [
        {
            "title": candidate.title,
            "place": display_path(candidate.path),
            "address": addresses().watch(candidate),
            "duration": duration(candidate.duration_s),
            "media_hash": candidate.media_hash,
        }
        for candidate in candidates
    ]
    return page("gone.html", 404, video=video, candidates=offered)


async def hand_over(media_hash: str) -> Response:
    """Give what a video was given that is gone to the one that it is now."""
    video = await services().handover.hand_over(media_hash, await form_text("to"), client())
    return cast("Response", redirect(addresses().watch(video.file), 303))


def _facts(video: Video, playback: str) -> list[tuple[str, str]]:
    """Details of the file, in plain words."""
    path = _shown_path(video)
    facts = [("File", path), ("Size", size(video.file.size_bytes))]
    if video.state is State.UNREADABLE:
        facts.append(("Problem", video.reason or ""))
    else:
        facts.append(("Playback", playback))
    probe = video.probe
    if probe:
        sound = "; ".join(track_facts(track) for track in probe.audio_tracks)
        facts += [
            ("Length", duration(probe.duration_s) or "unknown"),
            ("Picture", picture_facts(probe)),
            ("Sound", sound or "none"),
            ("Container", container_name(probe, path.rpartition(".")[2])),
        ]
        if probe.rotation:
            facts.append(("Rotation", f"{probe.rotation}°"))
        if probe.subtitle_tracks:
            inside = "; ".join(track_facts(track) for track in probe.subtitle_tracks)
            facts.append(("Subtitles inside", inside))
    if recorded := recorded_of(video):
        facts.append(("Recorded", f"{moment(recorded.at)} ({RECORDED_BY[recorded.by]})"))
    if video.projection.immersive or video.projection.source != "default":
        facts.append(("Projection", projection.fact_of(video.projection)))
    if video.last_viewed_at:
        facts.append(("Last viewed", moment(video.last_viewed_at)))
    roots = services().library.roots
    copies = [
        file
        for file in video.files[1:]
        if file.missing_since is None and roots[file.root_id].active
    ]
    facts += [("Also at", display_path(file.path)) for file in copies]
    facts.append(("Media hash", video.media_hash))
    return facts


def _shown_path(video: Video) -> str:
    root = services().library.roots[video.file.root_id]
    several = len(services().library.active_roots) > 1
    return (f"{root.name}/" if several else "") + display_path(video.file.path)
