"""Each video's stored projection, in step with its evidence, its name and a person's choice."""

import json
from dataclasses import asdict, replace
from typing import Any

from lvs.db import projections
from lvs.db.database import Transaction
from lvs.db.projections import StoredProjection
from lvs.errors import Invalid
from lvs.models import Projection, Stereo
from lvs.services.media.eye import eye_of
from lvs.services.media.projection import (
    DEFAULT,
    Container,
    Evidence,
    Likeness,
    by_person,
    offer,
    resolve,
)


async def settle(tx: Transaction, video_id: int) -> bool:
    """Work out a video's projection anew; True where its shape or stereo changed.

    To be called in the transaction that changed its evidence, its name or the choice. The gallery
    is left to the caller.
    """
    facts = await projections.facts_of(tx, video_id)
    stored = await projections.of_video(tx, video_id)
    if facts is None or stored is None:
        return False
    name = facts.path.rpartition(b"/")[2].decode("utf-8", "replace")
    found = chosen_of(stored.chosen) or resolve(
        evidence_of(stored.evidence, name, facts.width, facts.height)
    )
    if found != stored.projection or eye_of(found) != stored.eye:
        await projections.put(tx, video_id, replace(stored, projection=found, eye=eye_of(found)))
    before = stored.projection
    return (found.shape, found.stereo) != (before.shape, before.stereo)


async def found(
    tx: Transaction, video_id: int, container: Container | None, likeness: Likeness, eye: str
) -> None:
    """Keep what a look into the file found; `eye` is the part that its new poster shows."""
    stored = await projections.of_video(tx, video_id) or StoredProjection(DEFAULT)
    evidence = evidence_text(container, likeness)
    await projections.put(tx, video_id, replace(stored, evidence=evidence, drawn=eye))
    await settle(tx, video_id)


def offered(
    stored: StoredProjection | None, name: str, width: int, height: int
) -> Projection | None:
    """Stereo layout that the picture suggests, for a person to accept; None mostly."""
    if stored is None or stored.chosen is not None:
        return None
    return offer(evidence_of(stored.evidence, name, width, height), stored.projection)


def evidence_text(container: Container | None, likeness: Likeness) -> str:
    """What is kept of a file's evidence, as JSON."""
    members = {"container": asdict(container) if container else None, "likeness": asdict(likeness)}
    return json.dumps(members, separators=(",", ":"))


def evidence_of(text: str | None, name: str, width: int, height: int) -> Evidence:
    """The evidence that was kept, with the name and frame there are now."""
    if text is None:
        return Evidence(name, width, height)
    members = json.loads(text)
    likeness = Likeness(**members["likeness"])
    return Evidence(name, width, height, container_of(members["container"]), likeness)


def container_of(members: dict[str, Any] | None) -> Container | None:
    """A container's statement out of JSON."""
    if members is None:
        return None
    stereo = members["stereo"]
    return Container(**(members | {"stereo": Stereo(stereo) if stereo is not None else None}))


def chosen_of(text: str | None) -> Projection | None:
    """A person's choice out of JSON, None for as found or for what no version of LVS wrote."""
    if text is None:
        return None
    try:
        return by_person(**json.loads(text))
    except (Invalid, TypeError, ValueError):
        return None
