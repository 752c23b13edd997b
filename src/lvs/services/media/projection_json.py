"""A film's evidence and a person's choice as the JSON texts that are kept of them."""

import json
from typing import Any

from msgspec.structs import asdict

from lvs.errors import Invalid
from lvs.models import Projection, Stereo
from lvs.services.media.projection import Container, Evidence, Likeness, by_person


def evidence_text(container: Container | None, likeness: Likeness) -> str:
    """The stored evidence of a file, as JSON."""
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


def chosen_text(projection: Projection | None) -> str | None:
    """A person's choice as the journal and the row store it: the same text for the same choice."""
    if projection is None:
        return None
    members = {
        "shape": projection.shape,
        "stereo": projection.stereo,
        "swapped": projection.swapped,
        "fov": projection.fov,
        "lens": projection.lens,
    }
    return json.dumps(members, separators=(",", ":"))


def chosen_of(text: str | None) -> Projection | None:
    """A person's choice out of JSON, None for as found or for what no version of LVS wrote."""
    if text is None:
        return None
    try:
        return by_person(**json.loads(text))
    except (Invalid, TypeError, ValueError):
        return None
