"""Subtitles beside a video and inside it, as WebVTT."""

import re

from quart import Response, request

from lvs.models import Track, Video
from lvs.services.media.languages import language_of
from lvs.services.media.subtitles import labelled_apart
from lvs.services.media.webvtt import delayed
from lvs.web.responses import client, services

DELAY = re.compile(r"[+-]?[0-9]{1,3}(?:\.[0-9]{1,3})?", re.ASCII)
WRITTEN_AS = "1"  # goes up whenever the same file is turned into other WebVTT than before
INSIDE = re.compile(r"inside-([0-9]{1,2})", re.ASCII)


async def subtitles(media_hash: str, key: str) -> Response:
    with services().playback.subtitle_room.one_more(client()):
        return await _subtitles(media_hash, key)


async def _subtitles(media_hash: str, key: str) -> Response:
    if inside := INSIDE.fullmatch(key):
        return await _inside(media_hash, int(inside[1]))
    delay_s = delay(request.args.get("delay", ""))
    found = await services().subtitles.get(await services().videos.get(media_hash), key)
    etag = f"{await services().subtitles.version(found)}-{WRITTEN_AS}{delay_s or ''}"
    if request.if_none_match.contains_weak(etag):
        response = Response(status=304)
    else:
        response = _webvtt(await services().subtitles.webvtt(found), delay_s)
    response.set_etag(etag)
    response.headers["Cache-Control"] = "no-cache"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


async def _inside(media_hash: str, track: int) -> Response:
    """A text track inside the film. Its address does not change with the file, so it is asked for
    again.
    """
    video = await services().videos.get(media_hash)
    delay_s = delay(request.args.get("delay", ""))
    etag = f"{video.file.fingerprint}-{track}-{WRITTEN_AS}{delay_s or ''}"
    if request.if_none_match.contains_weak(etag):
        response = Response(status=304)
    else:
        content = await services().playback.subtitles(video, track)
        response = _webvtt(content.decode("utf-8", "replace"), delay_s)
    response.set_etag(etag)
    response.headers["Cache-Control"] = "no-cache"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


def delay(text: str) -> float:
    """Seconds by which subtitles come later, 0 where the text is none that anybody needs."""
    return float(text) if DELAY.fullmatch(text) else 0.0


def _webvtt(content: str, delay_s: float) -> Response:
    moved = delayed(content, round(delay_s * 1000))
    return Response(moved, content_type="text/vtt; charset=utf-8")


async def subtitles_of(video: Video) -> list[tuple[str, str, str]]:
    """Address, label and language tag (or nothing) of each of a video's subtitles: those beside it,
    and the text tracks inside.
    """
    beside = [
        (f"/subtitles/{video.media_hash}/{subtitle.key}.vtt", subtitle.label, subtitle.language)
        for subtitle in await services().subtitles.of_video(video)
    ]
    inside = [
        (f"/subtitles/{video.media_hash}/inside-{number}.vtt", *named_track(track, number))
        for number, track in services().playback.subtitle_tracks(video)
    ]
    found = beside + inside
    labels = labelled_apart(label for _, label, _ in found)
    return [
        (address, label, language)
        for (address, _, language), label in zip(found, labels, strict=True)
    ]


def named_track(track: Track, number: int) -> tuple[str, str]:
    """Label and language tag (or nothing) of a track of subtitles inside a film."""
    known = language_of(track.language or "")
    name = known[1] if known else track.language
    label = " · ".join(part for part in (name, track.title) if part) or f"Track {number + 1}"
    if track.mark and track.mark not in label.lower():
        label = f"{label} ({track.mark})"
    return label, known[0] if known else ""
