"""Videos stored more than once, and films that look the same, side by side."""

from typing import cast
from urllib.parse import urlencode

from msgspec import Struct
from quart import Response, redirect

from lvs.services.curation.near_duplicates import NearPair, NearVideo
from lvs.text import plural
from lvs.web.facts import codec_name
from lvs.web.request_args import MAX_ID, arguments, form_number, form_words, number, row_id, text
from lvs.web.responses import client, page, redirect_back, services
from lvs.web.templates import duration, size

HERE = "/admin/duplicates"
RARE = ("Favorite", "Playlists", "Notes")
DONE = {
    "kept": "Kept with all that both were given. The other one is hidden.",
    "parted": "Noted: these are two films.",
}


class Difference(Struct, frozen=True):
    """A detail of two films, in words, and whether they differ in it."""

    label: str
    values: tuple[str, str]

    @property
    def differs(self) -> bool:
        return self.values[0] != self.values[1]


async def duplicates() -> Response:
    """List films that look the same, and videos stored more than once."""
    args = arguments()
    after, near = number(args, "after", MAX_ID), number(args, "near", MAX_ID)
    near_videos = services().near_duplicates
    pairs, next_pair = ([], None) if after else await near_videos.page(near)
    found, following = ([], None) if near else await services().duplicates.page(after)
    return page(
        "admin_duplicates.html",
        pairs=[(pair, differences(pair)) for pair in pairs],
        pair_count=await near_videos.count() if pairs else 0,
        next_pairs_url=f"{HERE}?near={next_pair}" if next_pair else None,
        done=DONE.get(text(args, "done"), "Undone." if "undone" in args else ""),
        change=number(args, "change", MAX_ID),
        here=HERE,
        only_near=bool(near),
        videos=found,
        total=(await services().overviews.now()).duplicates,
        next_url=f"{HERE}?after={following}" if following else None,
        current="admin",
    )


async def prefer(video_id: str) -> Response:
    """Play a video from the selected copy from now on."""
    await services().duplicates.prefer(row_id(video_id), await form_number("file"))
    return redirect_back(HERE)


async def keep(pair_id: str) -> Response:
    """Keep one of two films that look the same, and hide the other."""
    wanted = await form_words("keep")
    change = await services().near_duplicates.keep(row_id(pair_id), wanted, client())
    return _done("kept", change)


async def part(pair_id: str) -> Response:
    """Say that two films are not the same."""
    return _done("parted", await services().near_duplicates.part(row_id(pair_id), client()))


def _done(what: str, change: int) -> Response:
    return cast("Response", redirect(f"{HERE}?{urlencode({'done': what, 'change': change})}", 303))


def differences(pair: NearPair) -> list[Difference]:
    """The details of two films side by side, without those that neither has."""
    one, other = map(_details, pair.films)
    found = [Difference(label, (one[label], other[label])) for label in one]
    return [each for each in found if each.label not in RARE or each.values != ("none", "none")]


def _details(video: NearVideo) -> dict[str, str]:
    card = video.card
    rate = f", {video.frame_rate:.3g} fps" if video.frame_rate >= 1 else ""
    return {
        "Length": duration(card.duration_s) or "unknown",
        "Picture": f"{card.width} × {card.height}",
        "Size": size(card.size_bytes),
        "Codec": codec_name(video.codec) + rate if video.codec else "unknown",
        "Stars": plural(card.rating, "star") if card.rating else "none",
        "Favorite": "yes" if card.favorite else "none",
        "Tags": ", ".join(sorted(card.tags, key=str.casefold)) or "none",
        "Playlists": str(video.playlists) if video.playlists else "none",
        "Notes": "yes" if video.has_notes else "none",
    }
