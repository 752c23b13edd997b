"""Ways into a film on its page: a strip of scenes, and its chapters."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from quart import Response

from lvs.models import Card, Chapter, Video
from lvs.services.media.scene_store import SceneStrip
from lvs.web.filters import parse_query
from lvs.web.list_places import list_place, list_string
from lvs.web.request_args import arguments, number
from lvs.web.responses import addresses, partial, services
from lvs.web.templates import duration

MOST_TRIES = 12
LONGEST_WAIT_S = 32
UNNAMED = "Chapter"
MARKS = 1000  # units of the line under the player


class SceneLink(NamedTuple):
    """A picture of the strip: its corner in the sheet, its time, and the address that seeks."""

    x: int
    y: int
    at_s: float
    label: str
    url: str


class ChapterLink(NamedTuple):
    """A chapter of the list; `mark` is its place on the line under the player."""

    name: str
    at_s: float
    label: str
    url: str
    mark: int


async def show(media_hash: str) -> Response:
    """The strip of a film as a part of its page, once it is made."""
    args = arguments()
    video = await services().videos.get(media_hash)
    card = await services().gallery.card(video.id)
    tried = number(args, "tried", MOST_TRIES)
    listed = list_string(list_place(args), parse_query(args))
    return partial("scenes.html", **await strip_of(video, card, listed, tried + 1))


async def strip_of(video: Video, card: Card | None, listed: str, tried: int = 0) -> dict[str, Any]:
    """The strip of a film, or the address to ask for it again: it is being made then.

    `listed` is the list from which it was opened, as its address says it.
    """
    strip = await services().scenes.of_card(card)
    waits = strip is None and card is not None and tried < MOST_TRIES
    if waits and card is not None and services().scenes.request(card):
        start = f"/videos/{video.media_hash}/scenes{listed}"
        address = f"{start}{'&' if listed else '?'}tried={tried}"
        return {"strip": None, "scenes": [], "scenes_url": address, "wait_s": wait_s(tried)}
    return {
        "strip": strip,
        "scenes": _scene_links(video, strip, listed) if strip else [],
        "sheet_url": f"/scenes/{video.media_hash}.webp?v={strip.key}" if strip else "",
        "index_url": f"/scenes/{video.media_hash}.vtt?v={strip.key}" if strip else "",
        "scenes_url": "",
    }


def wait_s(tried: int) -> int:
    """Seconds before a page asks again for a strip."""
    return min(LONGEST_WAIT_S, 1 << max(1, tried))


def _scene_links(video: Video, strip: SceneStrip, listed: str) -> list[SceneLink]:
    address = start_address(video, listed)
    return [
        SceneLink(x, y, at_s, duration(at_s) or "0:00", f"{address}{at_s:g}")
        for at_s, x, y in strip.scenes
    ]


def chapter_links(video: Video, chapters: Sequence[Chapter], listed: str) -> list[ChapterLink]:
    """The chapters of a film as its page lists them."""
    address = start_address(video, listed)
    length_s = (video.probe.duration_s if video.probe else None) or 0.0
    found = []
    for place, each in enumerate(chapters, 1):
        at_s = each.start_ms / 1000
        name = f"{UNNAMED} {place}" if each.name == UNNAMED else each.name
        mark = round(MARKS * at_s / length_s) if length_s else 0
        label = duration(at_s) or "0:00"
        found.append(ChapterLink(name, at_s, label, f"{address}{at_s:g}", min(mark, MARKS)))
    return found


def start_address(video: Video, listed: str) -> str:
    """The page of a film in its list, up to the seconds at which its player is to begin."""
    address = addresses().watch(video.file) + listed
    return f"{address}{'&' if '?' in address else '?'}start="
