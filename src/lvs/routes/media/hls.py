"""Films in segments (HTTP Live Streaming, RFC 8216), for browsers that do not play the file."""

import re

from quart import Response, request

from lvs.errors import NotFound, TimedOut, Unavailable
from lvs.http.byte_response import byte_response
from lvs.services.playback.planner import HEIGHTS
from lvs.services.playback.player import PlayedVideo
from lvs.web.responses import client, services

PLAYLIST, PIECE = "application/vnd.apple.mpegurl", "video/mp4"
# What an address of a segment answers never changes: its key changes with the file.
KEPT = "private, max-age=86400, immutable"
KEY = re.compile(r"[0-9]{1,12}\.[0-9a-f]{32}", re.ASCII)
ADDRESS = re.compile(r'^[^#\n]+$|(?<=URI=")[^"]+', re.MULTILINE)
NUMBER = re.compile(r"[0-9]{1,6}", re.ASCII)


async def master(media_hash: str, key: str) -> Response:
    text = await services().playback.master(
        await _played(media_hash, key),
        client(),
        audio=_number("audio") or 0,
        converted=request.args.get("play") == "converted",
        height=_height(),
        burn=_number("burn"),
    )
    return _answer(text)


async def playlist(media_hash: str, key: str, variant: str) -> Response:
    text = await services().playback.playlist(await _played(media_hash, key), variant, client())
    return _answer(text)


async def init(media_hash: str, key: str, variant: str) -> Response:
    content = await services().playback.init(await _played(media_hash, key), variant, client())
    return byte_response(request, content, PIECE, KEPT)


async def segment(media_hash: str, key: str, variant: str, number: str) -> Response:
    if not NUMBER.fullmatch(number):
        raise NotFound("The film has no such segment.")
    played = await _played(media_hash, key)
    try:
        content = await services().playback.segment(played, variant, int(number), client())
    except Unavailable as error:
        # Some players do not ask again after 503, and leave a hole in the film.
        raise TimedOut(error.message) from error
    return byte_response(request, content, PIECE, KEPT)


def _answer(text: str) -> Response:
    """A playlist, whose addresses carry the key that its own carries."""
    key = request.args.get("key", "")
    keyed = with_key(text, key) if KEY.fullmatch(key) else text
    return byte_response(request, keyed.encode(), PLAYLIST, "no-cache")


def with_key(playlist: str, key: str) -> str:
    """The playlist with a key in all of its addresses."""
    return ADDRESS.sub(rf"\g<0>?key={key}", playlist)


async def _played(media_hash: str, key: str) -> PlayedVideo:
    return services().playback.played(await services().videos.get(media_hash), key)


def _number(name: str) -> int | None:
    """A small number of the address, None where there is none."""
    text = request.args.get(name, "")
    return int(text) if re.fullmatch(r"[0-9]{1,2}", text, re.ASCII) else None


def _height() -> int:
    text = request.args.get("quality", "")
    return next((height for height in HEIGHTS if text == str(height)), 0)
