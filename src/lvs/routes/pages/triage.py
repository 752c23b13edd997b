"""One film after the other: a page with what a selection has left to decide.

All of its state stands in the address: the query, the place, how many were decided, and the film
that was decided last, to which Undo returns.
"""

import secrets
from typing import Any, cast
from urllib.parse import urlencode

from msgspec import Struct
from msgspec.structs import replace
from quart import Response, redirect

from lvs.errors import Invalid
from lvs.models import Cursor, Query, Sort
from lvs.routes.pages.player import PlayerChoice, player_view
from lvs.routes.pages.video_scenes import strip_of
from lvs.services.curation.triage import LEFT, TriageStep, TriageVideo, left_of
from lvs.web.filters import MAX_SEED, chips, parse_query
from lvs.web.request_args import (
    MAX_ID,
    Arguments,
    arguments,
    cursor,
    digit,
    form_number,
    form_words,
    number,
    text,
    video_hash,
)
from lvs.web.responses import client, page, partial, services, wants_partial
from lvs.web.urls import decode_cursor, encode_cursor, query_string

START_SHARE = 0.1  # of a film: its beginning is often black
TAG_KEYS = "qweryuiopadf"
DID = {"rated": "rating", "hidden": "hidden", "passed": ""}
"""Ways to decide a film, each with the kind of the change that Undo takes back."""


class TriagePlace(Struct, frozen=True):
    """The state in the address. `done` films were decided in this sitting; `prev` is the film
    decided last, and `did` how.
    """

    query: Query
    left: str = LEFT[0]
    after: Cursor | None = None
    end: bool = False
    done: int = 0
    film: str = ""
    prev: str = ""
    did: str = "passed"

    @property
    def wanted(self) -> Query:
        """The query for what is left to decide."""
        return left_of(self.query, self.left)

    @property
    def address(self) -> str:
        """The address of this place."""
        query = query_string(self.query)
        values: dict[str, Any] = {
            "left": self.left if self.left != LEFT[0] else "",
            "after": encode_cursor(self.after) if self.after else "",
            "end": int(self.end),
            "done": self.done,
            "film": self.film,
            "prev": self.prev,
            "did": self.did if self.prev else "",
        }
        given = urlencode({name: value for name, value in values.items() if value})
        joint = "&" if query and given else "?" if given else ""
        return f"/triage{query}{joint}{given}"

    @property
    def beginning(self) -> "TriagePlace":
        """The same selection from the beginning."""
        return TriagePlace(self.query, self.left)

    def behind(self, video: TriageVideo) -> "TriagePlace":
        """The place behind a video, without what happened before."""
        place = TriagePlace(self.query, self.left, video.behind)
        return place if video.behind else replace(place, end=True)

    def going_on(self, media_hash: str, did: str, behind: Cursor | None) -> "TriagePlace":
        """The place behind a video that was decided just now."""
        return replace(
            self,
            after=behind,
            end=behind is None,
            done=self.done + 1,
            film="",
            prev=media_hash,
            did=did,
        )


async def show() -> Response:
    """The film to decide on; the script of the page asks for the next one ahead as a part."""
    place = _place(arguments())
    step = await _step(place)
    values: dict[str, Any] = {"here": place, "left": step.left, "film": step.video}
    if step.video is not None:
        values |= await _video_values(place, step.video)
    else:
        values["total"] = await services().gallery.count(place.query)
    if wants_partial():
        return partial("triage_film.html", **values)
    return page(
        "triage.html",
        described=" · ".join(chip.label for chip in chips(place.query)),
        selection=query_string(place.query),
        current="triage",
        **values,
    )


async def decide() -> Response:
    """Give the film stars, hide it or pass it, and go on with the next one."""
    place = _place(arguments())
    media_hash, what = await form_words("video"), await form_words("do")
    behind = await form_words("behind")
    following = decode_cursor(behind) if behind else None
    await services().triage.seen(media_hash)
    services().ratings_limiter.check(client())
    if stars := await form_words("rating"):
        did = await _rate(media_hash, digit(stars, "1 to 5 stars", 5))
    elif what == "hide":
        await services().hidden.set(media_hash, True, client())
        did = "hidden"
    elif what == "skip":
        did = "passed"
    else:
        raise Invalid("Give stars, hide the video or skip it.")
    return cast("Response", redirect(place.going_on(media_hash, did, following).address, 303))


async def _rate(media_hash: str, stars: int) -> str:
    """Stars that a film had when it was shown leave nothing to take back. Others do also where the
    form was sent before: a hand that shakes presses twice.
    """
    await services().ratings.rate(media_hash, stars, client())
    return "passed" if await form_number("was", 5) == stars else "rated"


async def undo() -> Response:
    """Take back what was decided last, and return to that film."""
    place = _place(arguments())
    media_hash, did = await form_words("video"), await form_words("did")
    if did not in DID:
        raise Invalid(f"did is one of {', '.join(DID)}.")
    await services().triage.seen(media_hash)
    if what := DID[did]:
        await services().triage.revert(media_hash, what, client())
    if wants_partial():
        return Response(status=204)
    target = replace(place, film=media_hash, prev="", done=max(0, place.done - 1))
    return cast("Response", redirect(target.address, 303))


def _place(args: Arguments) -> TriagePlace:
    query = parse_query(args)
    if query.sort is Sort.RANDOM and not query.seed:
        query = replace(query, seed=secrets.randbelow(MAX_SEED) + 1)
    did = text(args, "did")
    place = TriagePlace(
        query,
        left=text(args, "left") or LEFT[0],
        after=cursor(args, "after"),
        end=text(args, "end") == "1",
        done=number(args, "done", MAX_ID),
        film=video_hash(args, "film"),
        prev=video_hash(args, "prev"),
        did=did if did in DID else "passed",
    )
    left_of(query, place.left)  # refuses what is none
    return place


async def _step(place: TriagePlace) -> TriageStep:
    triage = services().triage
    if place.film:
        return await triage.again(place.wanted, place.film, place.after, place.end)
    if place.end:
        return await triage.left(place.wanted)
    return await triage.next(place.wanted, place.after)


async def _video_values(place: TriagePlace, shown: TriageVideo) -> dict[str, Any]:
    duration_s = (shown.video.probe.duration_s if shown.video.probe else None) or 0.0
    strip = await strip_of(shown.video, shown.card, query_string(place.query))
    letters = [*TAG_KEYS, *[""] * len(shown.tags)]
    return {
        "player": await player_view(shown.video, PlayerChoice(), duration_s * START_SHARE),
        "offline": services().library.is_away(shown.card.root_id, shown.card.path),
        "tags": list(zip(shown.tags, letters, strict=False)),
        "behind_url": place.behind(shown).address,
        "behind": encode_cursor(shown.behind) if shown.behind else "",
        **strip,
    }
