"""The `projections` table: the shape of each film, the evidence for it, and what a person chose."""

import sqlite3
from typing import Any

from msgspec import Struct

from lvs.db.database import Connection, Transaction
from lvs.models import SHAPES, STEREOS, Projection, Shape, Stereo, display_path

_SHAPE_NUMBERS = " ".join(f"WHEN '{shape}' THEN {at}" for at, shape in enumerate(SHAPES))
_STEREO_NUMBERS = " ".join(f"WHEN '{stereo}' THEN {at}" for at, stereo in enumerate(STEREOS))
CODE = f"""
    {len(STEREOS)} * CASE pr.shape {_SHAPE_NUMBERS} ELSE 0 END
        + CASE pr.stereo {_STEREO_NUMBERS} ELSE 0 END
"""
"""SQL for the number by which the gallery knows shape and stereo of a row `pr`."""


class StoredProjection(Struct, frozen=True):
    """One row. `evidence` and `chosen` are JSON texts, None where there is none."""

    projection: Projection
    evidence: str | None = None
    chosen: str | None = None
    eye: str = ""
    drawn: str | None = None
    place: int | None = None


async def of_video(db: Connection, video_id: int) -> StoredProjection | None:
    """The row of a video; None before its file was probed."""
    row = await db.one("SELECT * FROM projections WHERE video_id = ?", (video_id,))
    return _stored(row) if row else None


async def put(tx: Transaction, video_id: int, stored: StoredProjection) -> None:
    """Keep this row in place of the one that was there."""
    sql = """
        INSERT OR REPLACE INTO projections (video_id, shape, stereo, swapped, fov, lens, source,
            sure, reason, evidence, chosen, eye, drawn, poster_place)
        VALUES (:video_id, :shape, :stereo, :swapped, :fov, :lens, :source, :sure, :reason,
            :evidence, :chosen, :eye, :drawn, :place)
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
        "place": stored.place,
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


async def choose_place(tx: Transaction, video_id: int, place: int | None) -> None:
    """Keep the place in the film whose picture a person chose for the poster; None for the best."""
    sql = """
        INSERT INTO projections (video_id, shape, stereo, swapped, source, sure, reason,
            poster_place)
        VALUES (:id, 'flat', 'mono', 0, 'default', 0, '', :place)
        ON CONFLICT (video_id) DO UPDATE SET poster_place = excluded.poster_place
    """
    await tx.run(sql, {"id": video_id, "place": place})


async def posters_in_use(
    db: Connection, video_id: int, fingerprint: str
) -> tuple[set[str], set[int]]:
    """The posters that a video, and the one to which this content belongs now, show; and the places
    that people chose for theirs.
    """
    sql = """
        SELECT v.poster, pr.poster_place
        FROM videos v LEFT JOIN projections pr ON pr.video_id = v.id
        WHERE v.id IN (:id, (SELECT video_id FROM fingerprints WHERE fingerprint = :fingerprint))
    """
    rows = await db.tuples(sql, {"id": video_id, "fingerprint": fingerprint})
    return {row[0] for row in rows if row[0]}, {row[1] for row in rows if row[1] is not None}


async def show_drawn(tx: Transaction, video_id: int, poster: str) -> None:
    """Have a video show this poster, which is drawn already in the way that is wanted."""
    await tx.run("UPDATE videos SET poster = ? WHERE id = ?", (poster, video_id))
    await tx.run("UPDATE projections SET drawn = eye WHERE video_id = ?", (video_id,))


async def drawn(tx: Transaction, video_id: int) -> None:
    """Note that no poster is to be drawn for the sake of this projection."""
    await tx.run("UPDATE projections SET drawn = eye WHERE video_id = ?", (video_id,))


class ProjectionFacts(Struct, frozen=True):
    """Facts about a video that the ladder needs besides its evidence."""

    path: bytes
    width: int
    height: int

    @property
    def name(self) -> str:
        """The file's name as text."""
        return display_path(self.path.rpartition(b"/")[2])


async def facts_of(db: Connection, video_id: int) -> ProjectionFacts | None:
    """Path and frame of a video; None where there is no such video."""
    sql = """
        SELECT coalesce((
            SELECT f.path FROM files f WHERE f.video_id = v.id
            ORDER BY f.missing_since IS NOT NULL, f.missing_since DESC, NOT f.preferred, f.id
            LIMIT 1), x'') AS path, coalesce(v.width, 0) AS width, coalesce(v.height, 0) AS height
        FROM videos v WHERE v.id = ?
    """
    row = await db.one(sql, (video_id,))
    return ProjectionFacts(row["path"], row["width"], row["height"]) if row else None


def _stored(row: sqlite3.Row) -> StoredProjection:
    return StoredProjection(
        projection_of(row),
        row["evidence"],
        row["chosen"],
        row["eye"],
        row["drawn"],
        row["poster_place"],
    )


def projection_of(row: sqlite3.Row, prefix: str = "") -> Projection:
    """The projection in a row that holds its columns, under their names with a prefix."""
    return Projection(
        Shape(row[f"{prefix}shape"]),
        Stereo(row[f"{prefix}stereo"]),
        bool(row[f"{prefix}swapped"]),
        row[f"{prefix}fov"],
        row[f"{prefix}lens"],
        row[f"{prefix}source"],
        bool(row[f"{prefix}sure"]),
        row[f"{prefix}reason"],
    )


NAMED_COLUMNS = ", ".join(
    f"pr.{name} AS projection_{name}" for name in Projection.__struct_fields__
)
"""Columns of a row `pr`, for `named_projection`."""


def named_projection(row: sqlite3.Row) -> Projection:
    """The projection among the columns of another row; flat where there is none."""
    return Projection() if row["projection_shape"] is None else projection_of(row, "projection_")
