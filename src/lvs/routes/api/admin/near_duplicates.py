"""The operator's calls about films that look the same."""

from quart import Response

from lvs.errors import Invalid
from lvs.filters import readable
from lvs.routes.api import schemas as api
from lvs.routes.api.admin import runs, schemas
from lvs.routes.api.openapi import answers
from lvs.services.curation.near_duplicates import NearPair, NearVideo
from lvs.web.json_body import json_body
from lvs.web.request_args import arguments, row_id
from lvs.web.responses import client, json_response, services

DECISION_MESSAGE = 'Send {"keep": "0123456789abcdef"}, the hash of one, or {"different": true}.'


@answers(schemas.AdminNearDuplicates, query=schemas.AdminRun, problems=(400,))
async def near_duplicates() -> Response:
    """Pairs of films that look the same and are not decided yet."""
    args = arguments()
    near = services().near_duplicates
    found, following = await near.page(runs.row_place(args), runs.limit(args))
    return json_response(
        schemas.AdminNearDuplicates(
            total=await near.count(),
            pairs=[_pair(pair) for pair in found],
            next=runs.following_row(following),
        )
    )


@answers(api.BulkDone, body=schemas.NearDecision, problems=(400, 404, 415, 429))
async def decide(pair_id: str) -> Response:
    """Keep one film of a pair and hide the other, or say that they are not the same.

    The kept film gets what both were given.
    """
    wanted = await json_body(schemas.NearDecision, DECISION_MESSAGE)
    if (wanted.keep is None) == (not wanted.different):
        raise Invalid("Name the film to keep, or say that they are different.")
    near, pair = services().near_duplicates, row_id(pair_id)
    if wanted.keep is None:
        change_id = await near.part(pair, client())
    else:
        change_id = await near.keep(pair, readable(wanted.keep, "hash"), client())
    return json_response(api.BulkDone(changed=2, change_id=change_id))


def _pair(pair: NearPair) -> schemas.AdminNearPair:
    return schemas.AdminNearPair(
        pair_id=pair.id, pictures=pair.pictures, films=[_video(video) for video in pair.films]
    )


def _video(video: NearVideo) -> schemas.AdminNearFilm:
    card = video.card
    return schemas.AdminNearFilm(
        media_hash=card.media_hash,
        title=card.title,
        path=api.shown_path(services().library.roots, card.root_id, card.path),
        size_bytes=card.size_bytes,
        duration_s=card.duration_s,
        width=card.width,
        height=card.height,
        codec=video.codec,
        rating=card.rating or None,
        favorite=card.favorite,
        tags=list(card.tags),
        playlists=video.playlists,
        has_notes=video.has_notes,
    )
