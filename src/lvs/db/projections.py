"""The `projections` table: the shape of each film, the evidence for it, and what a person chose."""

import json
import sqlite3
from dataclasses import dataclass
from typing import Any

from lvs.db.database import Connection, Transaction
from lvs.models import Projection, Shape, Stereo

SHAPES, STEREOS = tuple(Shape), tuple(Stereo)

_SHAPE_NUMBERS = " ".join(f"WHEN '{shape}' THEN {at}" for at, shape in enumerate(SHAPES))
_STEREO_NUMBERS = " ".join(f"WHEN '{stereo}' THEN {at}" for at, stereo in enumerate(STEREOS))
CODE = f"""
    {len(STEREOS)} * CASE pr.shape {_SHAPE_NUMBERS} ELSE 0 END
        + CASE pr.stereo {_STEREO_NUMBERS} ELSE 0 END
"""
"""SQL for the number by which the gallery knows shape and stereo of a row `pr`."""


@dataclass(frozen=True, slots=True)
class StoredProjection:
    """One row. `evidence` and `chosen` are JSON texts, None where there is none."""

    projection: Projection
    evidence: str | None = None
    chosen: str | None = None
    eye: str = ""
    drawn: str | None = None


def code_of(shape: Shape, stereo: Stereo) -> int:
    """The number by which the gallery knows shape and stereo; 0 is flat, for one eye."""
    return len(STEREOS) * SHAPES.index(shape) + STEREOS.index(stereo)


def of_code(code: int) -> tuple[Shape, Stereo]:
    """Shape and stereo of such a number."""
    shape, stereo = divmod(code, len(STEREOS))
    return SHAPES[shape % len(SHAPES)], STEREOS[stereo]


async def of_video(db: Connection, video_id: int) -> StoredProjection | None:
    """The row of a video; None before its file was looked into."""
    row = await db.one("SELECT * FROM projections WHERE video_id = ?", (video_id,))
    return _stored(row) if row else None


async def put(tx: Transaction, video_id: int, stored: StoredProjection) -> None:
    """Keep this row in place of the one that was there."""
    sql = """
        INSERT OR REPLACE INTO projections (video_id, shape, stereo, swapped, fov, lens, source,
            sure, reason, evidence, chosen, eye, drawn)
        VALUES (:video_id, :shape, :stereo, :swapped, :fov, :lens, :source, :sure, :reason,
            :evidence, :chosen, :eye, :drawn)
    """
    found = stored.projection
    values: dict[str, Any] = {
        "video_id": video_id,
        "shape": found.shape.value,
        "stereo": found.stereo.value,
        "swapped": int(found.swapped),
        "fov": found.fov,
        "lens": found.lens,
        "source": found.source,
        "sure": int(found.sure),
        "reason": found.reason,
        "evidence": stored.evidence,
        "chosen": stored.chosen,
        "eye": stored.eye,
        "drawn": stored.drawn,
    }
    await tx.run(sql, values)


async def choose(tx: Transaction, video_id: int, chosen: str | None) -> None:
    """Keep what a person chose (JSON), or None for as found; the rest is the caller's to renew."""
    sql = """
        INSERT INTO projections (video_id, shape, stereo, swapped, source, sure, reason, chosen)
        VALUES (:id, 'flat', 'mono', 0, 'default', 0, '', :chosen)
        ON CONFLICT (video_id) DO UPDATE SET chosen = excluded.chosen
    """
    await tx.run(sql, {"id": video_id, "chosen": chosen})


async def drawn(tx: Transaction, video_id: int, eye: str) -> None:
    """Note the part of the picture that the poster shows now."""
    await tx.run("UPDATE projections SET drawn = ? WHERE video_id = ?", (eye, video_id))


@dataclass(frozen=True, slots=True)
class Facts:
    """What the ladder needs of a video besides its evidence."""

    path: bytes
    width: int
    height: int


async def facts_of(db: Connection, video_id: int) -> Facts | None:
    """Path and frame of a video; None where there is no such video."""
    sql = """
        SELECT coalesce((
            SELECT f.path FROM files f WHERE f.video_id = v.id
            ORDER BY f.missing_since IS NOT NULL, f.missing_since DESC, NOT f.preferred, f.id
            LIMIT 1), x'') AS path, coalesce(v.width, 0) AS width, coalesce(v.height, 0) AS height
        FROM videos v WHERE v.id = ?
    """
    row = await db.one(sql, (video_id,))
    return Facts(row["path"], row["width"], row["height"]) if row else None


def _stored(row: sqlite3.Row) -> StoredProjection:
    return StoredProjection(
        projection_of(row), row["evidence"], row["chosen"], row["eye"], row["drawn"]
    )


def projection_of(row: sqlite3.Row) -> Projection:
    """The projection in a row that holds its columns."""
    return Projection(
        Shape(row["shape"]),
        Stereo(row["stereo"]),
        bool(row["swapped"]),
        row["fov"],
        row["lens"],
        row["source"],
        bool(row["sure"]),
        row["reason"],
    )


def chosen_text(projection: Projection | None) -> str | None:
    """What the journal and the row hold of a person's choice; the same for the same choice."""
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
