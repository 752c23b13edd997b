"""Each video's stored projection, in step with its evidence, its name and a person's choice."""

from msgspec.structs import replace

from lvs.db import projections
from lvs.db.database import Transaction
from lvs.db.projections import StoredProjection
from lvs.models import Projection, Video
from lvs.services.media.eye import drawing_of
from lvs.services.media.projection import DEFAULT, Container, Likeness, resolve, suggested_stereo
from lvs.services.media.projection_json import chosen_of, evidence_of, evidence_text


async def apply_projection(tx: Transaction, video_id: int) -> bool:
    """Work out a video's projection anew; True where its shape or stereo changed.

    To be called in the transaction that changed its evidence, its name or the choice. The gallery
    is left to the caller.
    """
    facts = await projections.facts_of(tx, video_id)
    stored = await projections.of_video(tx, video_id)
    if facts is None or stored is None:
        return False
    found = chosen_of(stored.chosen) or resolve(
        evidence_of(stored.evidence, facts.name, facts.width, facts.height)
    )
    wanted = drawing_of(found, stored.place)
    if found != stored.projection or wanted != stored.eye:
        await projections.put(tx, video_id, replace(stored, projection=found, eye=wanted))
    before = stored.projection
    return (found.shape, found.stereo) != (before.shape, before.stereo)


async def found(
    tx: Transaction,
    video_id: int,
    container: Container | None,
    likeness: Likeness,
    drawn: str | None,
) -> None:
    """Keep what a probe found; `drawn` names the way its new poster is drawn, None without one."""
    stored = await projections.of_video(tx, video_id) or StoredProjection(DEFAULT)
    evidence = evidence_text(container, likeness)
    await projections.put(tx, video_id, replace(stored, evidence=evidence, drawn=drawn))
    await apply_projection(tx, video_id)
    if drawn is None:
        await projections.drawn(tx, video_id)


def offered(video: Video, name: str, width: int, height: int) -> Projection | None:
    """Stereo layout that the picture suggests, for a person to accept; None mostly."""
    evidence = evidence_of(video.projection_evidence, name, width, height)
    return suggested_stereo(evidence, video.projection)
