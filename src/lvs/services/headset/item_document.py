"""One film as HereSphere and DeoVR ask for it."""

from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from lvs.models import Chapter, File, Video, display_path
from lvs.services.headset import words
from lvs.services.headset.write_back import AllowedWrites
from lvs.services.playback.planner import HEIGHTS

CODEC_NAMES = {"h264": "h264", "hevc": "h265", "av1": "av1", "vp9": "vp9", "vp8": "vp8"}


class NamedLink(Struct, frozen=True):
    """An absolute address with a name, and for subtitles a language."""

    name: str
    url: str
    language: str = ""


class MediaSource(Struct, frozen=True):
    """A file of a film with the absolute address of its bytes."""

    file: File
    url: str


class VideoItem(Struct, frozen=True):
    """The parts of an answer about one video; addresses are absolute."""

    video: Video
    poster_url: str
    sources: Sequence[MediaSource]
    subtitles: Sequence[NamedLink] = ()
    scripts: Sequence[NamedLink] = ()
    chapters: Sequence[Chapter] = ()
    converted_url: str = ""
    """The playlist of the film in segments, for one that not every player decodes."""


def heresphere(
    item: VideoItem, event_url: str, with_media: bool, allowed: AllowedWrites
) -> dict[str, Any]:
    """HereSphere's answer about one film."""
    video, probe = item.video, item.video.probe
    members: dict[str, Any] = {
        "access": 1,
        "title": video.title,
        "thumbnailImage": item.poster_url,
        "dateAdded": words.day(video.added_at),
        "duration": round(((probe.duration_s if probe else None) or 0) * 1000),
        "rating": video.rating,
        "isFavorite": video.favorite,
        "favorites": int(video.favorite),
        "comments": video.views,
        **words.heresphere_projection(item.video.projection),
        "tags": _tags(item),
        "eventServer": event_url,
        "writeFavorite": allowed.favorite,
        "writeRating": allowed.rating,
        "writeTags": allowed.tags,
    }
    if probe and probe.recorded_at:
        members["dateReleased"] = words.day(probe.recorded_at)
    if item.subtitles:
        members["subtitles"] = [
            {"name": each.name, "language": each.language or each.name, "url": each.url}
            for each in item.subtitles
        ]
    if item.scripts:
        members["scripts"] = [{"name": each.name, "url": each.url} for each in item.scripts]
    if with_media:
        members["media"] = _media(item)
    return members


def deovr(item: VideoItem) -> dict[str, Any]:
    """DeoVR's answer about one film."""
    video, probe = item.video, item.video.probe
    codec = CODEC_NAMES.get(probe.video_codec, "h264") if probe else "h264"
    members: dict[str, Any] = {
        "id": video.id,
        "authorized": 1,
        "title": video.title,
        "date": max(0, video.added_at // 1000),
        "videoLength": round((probe.duration_s if probe else None) or 0),
        **words.deovr_projection(item.video.projection),
        "thumbnailUrl": item.poster_url,
        "isFavorite": video.favorite,
        "fullVideoReady": True,
        "fullAccess": True,
        "categories": [words.category(name) for name in video.tags],
        "encodings": [
            {"name": codec, "videoSources": [_source(item, source) for source in item.sources]}
        ],
    }
    if item.converted_url:
        members["encodings"].append({"name": "h264", "videoSources": [_converted(item)]})
    if video.rating:
        members["rating_avg"] = float(video.rating)
    if item.subtitles:
        members["subtitles"] = [
            {"title": each.name, "language": each.language, "url": each.url}
            for each in item.subtitles
        ]
    if item.chapters:
        members["timeStamps"] = [
            {"ts": each.start_ms // 1000, "name": each.name} for each in item.chapters
        ]
    return members


def _tags(item: VideoItem) -> list[dict[str, Any]]:
    video = item.video
    folder = display_path(video.file.path).rpartition("/")[0]
    recorded = video.probe.recorded_at if video.probe else None
    year = words.day(recorded)[:4] if recorded else ""
    names = words.read_only_names(folder, year, video.views, video.rating)
    return [
        *words.tag_members(video.tags),
        *({"name": name} for name in names),
        *words.chapter_members(item.chapters),
    ]


def _media(item: VideoItem) -> list[dict[str, Any]]:
    """The file that is played, every further one under the name of its place, and the film as LVS
    converts it.
    """
    names = ["direct", *(display_path(source.file.path) for source in item.sources[1:])]
    media: list[dict[str, Any]] = [
        {"name": name, "sources": [_source(item, source)]}
        for name, source in zip(names, item.sources, strict=False)
    ]
    if item.converted_url:
        media.append({"name": "converted", "sources": [_converted(item)]})
    return media


def _source(item: VideoItem, source: MediaSource) -> dict[str, Any]:
    probe = item.video.probe
    return {
        "resolution": probe.height if probe else 0,
        "width": probe.width if probe else 0,
        "height": probe.height if probe else 0,
        "size": source.file.size_bytes,
        "url": source.url,
    }


def _converted(item: VideoItem) -> dict[str, Any]:
    """The film in segments; its size is chosen when it is played, and is this at the most."""
    probe = item.video.probe
    height = min(probe.height, HEIGHTS[0]) if probe else 0
    return {
        "resolution": height,
        "width": round(probe.width * height / max(1, probe.height)) if probe else 0,
        "height": height,
        "size": 0,
        "url": item.converted_url,
    }
