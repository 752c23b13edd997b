"""The `videos` table: identity, title, and what a probe of the file found."""

import json
import sqlite3
from collections.abc import Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import asdict

from lvs.clock import now_ms
from lvs.db import files, gallery, projections
from lvs.db.database import Connection, Transaction
from lvs.models import Card, File, MediaHash, Probe, State, Track, Video, WatchState
from lvs.viewer import viewer

SHUFFLE_END = 2**31  # random numbers of videos are below


async def id_of(db: Connection, media_hash: str) -> int | None:
    """The video of this name.

    An alias counts where no video has it as its name; where several share one, the oldest wins.
    """
    sql = """
        SELECT id FROM videos WHERE media_hash = :name
        UNION ALL
        SELECT video_id FROM (SELECT video_id FROM aliases WHERE alias = :name ORDER BY video_id
            LIMIT 1)
        LIMIT 1
    """
    value = await db.value(sql, {"name": media_hash})
    return int(value) if value is not None else None


async def by_fingerprint(db: Connection, fingerprint: str) -> int | None:
    """The video that has, or once had, this content."""
    sql = """
        SELECT id FROM videos WHERE media_hash = :fingerprint
        UNION ALL SELECT video_id FROM fingerprints WHERE fingerprint = :fingerprint
        LIMIT 1
    """
    value = await db.value(sql, {"fingerprint": fingerprint})
    return int(value) if value is not None else None


async def add(tx: Transaction, media_hash: str, title: str, added_at: int, shuffle: int) -> int:
    """A new video; its id."""
    sql = """
        INSERT INTO videos (media_hash, title, added_at, shuffle)
        VALUES (:media_hash, :title, :added_at, :shuffle)
        RETURNING id
    """
    values = {"media_hash": media_hash, "title": title, "added_at": added_at, "shuffle": shuffle}
    return int(await tx.value(sql, values))


async def remember_content(
    tx: Transaction, video_id: int, fingerprint: str, since: int = 0, assumed: bool = False
) -> None:
    """This content is this video from now on, wherever it turns up; `since` (Unix ms) it took the
    place of another content of the video; `assumed` where only its name says so.
    """
    sql = """
        INSERT INTO fingerprints (fingerprint, video_id, since, assumed)
        SELECT :fingerprint, :video_id, :since, :assumed
        WHERE NOT EXISTS (SELECT 1 FROM videos WHERE media_hash = :fingerprint)
        ON CONFLICT (fingerprint) DO NOTHING
    """
    values = {"fingerprint": fingerprint, "video_id": video_id, "since": since, "assumed": assumed}
    await tx.run(sql, values)


async def add_alias(tx: Transaction, video_id: int, alias: str) -> None:
    await tx.run(
        "INSERT INTO aliases (alias, video_id) VALUES (?, ?) ON CONFLICT DO NOTHING",
        (alias, video_id),
    )


async def set_title(tx: Transaction, video_id: int, title: str, edited: bool) -> None:
    await tx.run(
        "UPDATE videos SET title = ?, title_edited = ? WHERE id = ?", (title, edited, video_id)
    )


async def title_from_name(tx: Transaction, video_id: int, title: str) -> None:
    """Set the title that a file name gives, unless someone wrote a better one."""
    await tx.run("UPDATE videos SET title = ? WHERE id = ? AND NOT title_edited", (title, video_id))


async def set_added(tx: Transaction, video_id: int, added_at: int) -> None:
    """Set its date of addition (Unix ms)."""
    await tx.run("UPDATE videos SET added_at = ? WHERE id = ?", (added_at, video_id))


async def state_of(db: Connection, video_id: int) -> State:
    return State(await db.value("SELECT state FROM videos WHERE id = ?", (video_id,)))


async def has_curation(db: Connection, video_id: int) -> bool:
    """True if anybody ever did something with this video."""
    sql = """
        SELECT EXISTS (SELECT 1 FROM ratings WHERE video_id = :id)
            OR EXISTS (SELECT 1 FROM views WHERE video_id = :id)
            OR EXISTS (SELECT 1 FROM favorites WHERE video_id = :id)
            OR EXISTS (SELECT 1 FROM video_tags WHERE video_id = :id)
            OR EXISTS (SELECT 1 FROM playlist_items WHERE video_id = :id)
            OR EXISTS (SELECT 1 FROM progress WHERE video_id = :id)
            OR EXISTS (SELECT 1 FROM later WHERE video_id = :id)
            OR EXISTS (SELECT 1 FROM hidden WHERE video_id = :id)
            OR EXISTS (SELECT 1 FROM video_notes WHERE video_id = :id)
            OR EXISTS (SELECT 1 FROM markers WHERE video_id = :id)
            OR EXISTS (SELECT 1 FROM changes WHERE video_id = :id)
            OR (SELECT title_edited FROM videos WHERE id = :id)
    """
    return bool(await db.value(sql, {"id": video_id}))


async def merge_uncurated(tx: Transaction, video_id: int, other_id: int, at: int) -> None:
    """Make another, uncurated video part of this one: its content, places and names lead here from
    now (`at`, Unix ms) on.
    """
    other_hash = await tx.value("SELECT media_hash FROM videos WHERE id = ?", (other_id,))
    await files.move_to_video(tx, other_id, video_id)
    for sql in (
        "UPDATE fingerprints SET video_id = :to WHERE video_id = :from",
        "UPDATE extended_fingerprints SET video_id = :to WHERE video_id = :from",
        "UPDATE OR IGNORE aliases SET video_id = :to WHERE video_id = :from",
        "UPDATE playlist_items SET video_id = :to WHERE video_id = :from",
        "UPDATE legacy_names SET video_id = :to WHERE video_id = :from",
        "UPDATE videos SET looked_fingerprint = NULL, attempts = 0 WHERE id = :to",
        "DELETE FROM search WHERE rowid = :from",
        "DELETE FROM videos WHERE id = :from",
    ):
        await tx.run(sql, {"to": video_id, "from": other_id})
    await add_alias(tx, video_id, other_hash)
    await remember_content(tx, video_id, other_hash, at)


# One row for each place of a video, the best first; the columns of its card come last.
_OF_HOUSEHOLD = "wp.person_id = 0"
_WHOLE = f"""
    SELECT v.*, ra.value AS rating, ra.updated_at AS rated_at, vi.count AS views, vi.last_viewed_at,
        fa.added_at AS favorited_at, wp.position_s AS progress_s, wp.watched AS progress_watched,
        wp.updated_at AS progress_at, no.text AS notes,
        EXISTS (SELECT 1 FROM hidden WHERE video_id = v.id) AS is_hidden,
        (SELECT json_group_array(name) FROM (
            SELECT t.name
            FROM video_tags vt JOIN tags t ON t.id = vt.tag_id
            WHERE vt.video_id = v.id ORDER BY t.key)) AS tag_names,
        f.id AS file_id, f.root_id, f.path, f.size_bytes, f.mtime_ns, f.fingerprint, f.oshash,
        f.missing_since, {projections.NAMED_COLUMNS},
        pr.evidence AS projection_evidence, g.version AS card_version, {gallery.COLUMNS}
    FROM videos v
        JOIN files f ON f.video_id = v.id
        JOIN roots r ON r.id = f.root_id
        LEFT JOIN ratings ra ON ra.video_id = v.id
        LEFT JOIN views vi ON vi.video_id = v.id
        LEFT JOIN favorites fa ON fa.video_id = v.id
        LEFT JOIN progress wp ON {_OF_HOUSEHOLD} AND wp.video_id = v.id
        LEFT JOIN video_notes no ON no.video_id = v.id
        LEFT JOIN gallery g ON g.video_id = v.id
        LEFT JOIN projections pr ON pr.video_id = v.id
"""


def _whole() -> str:
    """The query of whole videos, with the progress of the person who watches."""
    return _WHOLE.replace(_OF_HOUSEHOLD, f"wp.person_id = {viewer().person}")


async def one(db: Connection, video_id: int) -> Video | None:
    """A video with all that is known of it, in one query."""
    sql = f"{_whole()} WHERE v.id = ? ORDER BY {files.BEST_FIRST}"
    return _video(await db.all(sql, (video_id,)))


async def at(
    db: Connection, places: Sequence[tuple[int, bytes]]
) -> tuple[Video, File, Card | None] | None:
    """The video that lies at the first of these places where there is one, or else one that lay
    there, with its file of that place and its card where it is listed; in one query.
    """
    first, values = files.first_of(places)
    is_here = "f.id = (SELECT id FROM here) AS is_here, f.id AS file_id"
    sql = f"""
        WITH here AS MATERIALIZED (SELECT id, video_id FROM files WHERE id = ({first}))
        {_whole().replace("f.id AS file_id", is_here)}
        WHERE v.id = (SELECT video_id FROM here) ORDER BY {files.BEST_FIRST}
    """
    rows = await db.all(sql, values)
    video = _video(rows)
    if video is None:
        return None
    here = next(_file(row) for row in rows if row["is_here"])
    return (
        video,
        here,
        gallery.card_of(rows[0][-gallery.WIDTH :]) if rows[0]["card_version"] else None,
    )


def _file(row: sqlite3.Row) -> File:
    return File(
        row["file_id"],
        row["id"],
        row["root_id"],
        row["path"],
        row["size_bytes"],
        row["mtime_ns"],
        row["fingerprint"],
        row["oshash"],
        row["missing_since"],
    )


def _video(rows: Sequence[sqlite3.Row]) -> Video | None:
    if not rows:
        return None
    row = rows[0]
    return Video(
        id=row["id"],
        media_hash=MediaHash(row["media_hash"]),
        title=row["title"],
        title_edited=bool(row["title_edited"]),
        added_at=row["added_at"],
        state=State(row["state"]),
        reason=row["reason"],
        probe=_probe(row),
        rating=row["rating"] or 0,
        rated_at=row["rated_at"] or 0,
        views=row["views"] or 0,
        last_viewed_at=row["last_viewed_at"] or 0,
        favorited_at=row["favorited_at"] or 0,
        tags=tuple(json.loads(row["tag_names"])),
        files=tuple(map(_file, rows)),
        poster=row["poster"],
        version=row["card_version"] or 0,
        parted_from=row["parted_from"],
        projection=projections.named_projection(row),
        projection_evidence=row["projection_evidence"],
        watch_state=WatchState(
            row["progress_s"] or 0.0, bool(row["progress_watched"]), row["progress_at"] or 0
        ),
        hidden=bool(row["is_hidden"]),
        notes=row["notes"] or "",
    )


def _probe(row: sqlite3.Row) -> Probe | None:
    if row["container"] is None:
        return None
    return Probe(
        container=row["container"],
        video_codec=row["video_codec"],
        duration_s=row["duration_s"],
        width=row["width"],
        height=row["height"],
        coded_width=row["coded_width"],
        coded_height=row["coded_height"],
        rotation=row["rotation"],
        frame_rate=row["frame_rate"],
        bit_depth=row["bit_depth"],
        pixel_format=row["pixel_format"],
        audio_tracks=_tracks(row["audio_tracks"]),
        subtitle_tracks=_tracks(row["subtitle_tracks"]),
        recorded_at=row["recorded_at"],
        codec_string=row["codec_string"],
        interlaced=bool(row["interlaced"]),
        transfer=row["transfer"],
    )


def _tracks(text: str) -> tuple[Track, ...]:
    return tuple(Track(**track) for track in json.loads(text))


class WaitingVideo(Struct, frozen=True):
    """A video waiting to be probed, and its file."""

    video_id: int
    root_id: int
    path: bytes
    fingerprint: str
    attempts: int
    chosen: str | None  # the projection that a person chose, as it is stored
    place: int | None = None  # of the poster that a person chose


_WAITING = """
    SELECT v.id, f.root_id, f.path, f.fingerprint, v.attempts, pr.chosen, pr.poster_place
    FROM videos v
        LEFT JOIN projections pr ON pr.video_id = v.id
        JOIN files f ON f.id = (
            SELECT f.id FROM files f JOIN roots r ON r.id = f.root_id
            WHERE f.video_id = v.id AND f.missing_since IS NULL AND r.active
                AND r.offline_since IS NULL
            ORDER BY f.id LIMIT 1)
"""

# Not probed yet, or before LVS knew projections, or the poster shows another eye than it is to.
# A failed probe is repeated after a minute, from the sixth on after two, four, … minutes.
_DUE = """
    (v.looked_fingerprint IS NOT f.fingerprint
        OR (:posters AND v.state = 'ready' AND v.poster IS NULL)
        OR (v.state = 'ready' AND (pr.evidence IS NULL OR pr.eye IS NOT pr.drawn)))
    AND (v.attempts = 0 OR coalesce(v.looked_at, 0) > :now
        OR coalesce(v.looked_at, 0)
            + min(3600000, 55000 << max(0, min(v.attempts, 12) - 5)) <= :now)
"""


async def waiting(db: Connection, limit: int, after_id: int, posters: bool) -> list[WaitingVideo]:
    """Videos whose content is to be probed now, by id behind `after_id`; with `posters` also
    those that have no poster yet.
    """
    sql = f"{_WAITING} WHERE v.id > :after AND {_DUE} ORDER BY v.id LIMIT :limit"
    values = {"after": after_id, "limit": limit, "posters": posters, "now": now_ms()}
    return [WaitingVideo(*row) for row in await db.all(sql, values)]


async def waiting_one(db: Connection, video_id: int) -> WaitingVideo | None:
    """The same for one video, whether or not it was probed before."""
    row = await db.one(f"{_WAITING} WHERE v.id = ?", (video_id,))
    return WaitingVideo(*row) if row else None


async def put_probe(
    tx: Transaction,
    video_id: int,
    fingerprint: str,
    probe: Probe,
    poster: str | None,
    at: int,
    lacks_poster: bool = False,
) -> None:
    """Keep the result of a probe. A poster that could not be written (`lacks_poster`) is tried
    again later.
    """
    values = asdict(probe) | {
        "audio_tracks": json.dumps([asdict(track) for track in probe.audio_tracks]),
        "subtitle_tracks": json.dumps([asdict(track) for track in probe.subtitle_tracks]),
        "id": video_id,
        "fingerprint": fingerprint,
        "poster": poster,
        "at": at,
        "lacks_poster": lacks_poster,
    }
    sql = """
        UPDATE videos
        SET state = 'ready', reason = iif(:lacks_poster, 'Its poster could not be written.', NULL),
            attempts = iif(:lacks_poster, attempts + 1, 0),
            looked_at = :at, looked_fingerprint = :fingerprint, poster = :poster,
            container = :container, video_codec = :video_codec, duration_s = :duration_s,
                width = :width, height = :height,
            coded_width = :coded_width, coded_height = :coded_height, rotation = :rotation,
                frame_rate = :frame_rate,
            bit_depth = :bit_depth, pixel_format = :pixel_format, audio_tracks = :audio_tracks,
            subtitle_tracks = :subtitle_tracks, recorded_at = :recorded_at,
                codec_string = :codec_string,
            interlaced = :interlaced, transfer = :transfer
        WHERE id = :id
    """
    await tx.run(sql, values)


async def unreadable(
    tx: Transaction, video_id: int, fingerprint: str, reason: str, at: int
) -> None:
    """This content cannot be read as video; it is not tried again until the content changes or
    somebody asks.
    """
    sql = """
        UPDATE videos
        SET state = 'unreadable', reason = :reason, looked_at = :at,
            looked_fingerprint = :fingerprint, attempts = 0,
            poster = NULL
        WHERE id = :id
    """
    await tx.run(sql, {"id": video_id, "fingerprint": fingerprint, "reason": reason, "at": at})


async def probe_failed(tx: Transaction, video_id: int, reason: str, at: int) -> int:
    """Count a probe that failed for a passing reason; gives how many did in a row."""
    sql = (
        "UPDATE videos SET attempts = attempts + 1, reason = :reason, looked_at = :at WHERE id ="
        " :id RETURNING attempts"
    )
    return int(await tx.value(sql, {"id": video_id, "reason": reason, "at": at}) or 0)


async def reprobe(tx: Transaction, video_ids: Sequence[int]) -> None:
    """Have these probed again as if they were new."""
    await tx.run_many(
        "UPDATE videos SET looked_fingerprint = NULL, attempts = 0 WHERE id = ?",
        [(i,) for i in video_ids],
    )


async def may_have_been_unready(tx: Transaction, video_id: int, since: int) -> bool:
    """True if a video is unreadable, or was probed only since then (Unix milliseconds)."""
    sql = "SELECT state = 'unreadable' OR coalesce(looked_at, 0) >= ? FROM videos WHERE id = ?"
    return bool(await tx.value(sql, (since, video_id)))


async def probed_by(tx: Transaction, video_id: int, probe_version: str) -> None:
    """Note the version of the probe that probed this video last, whatever came of it."""
    await tx.run("UPDATE videos SET probe_version = ? WHERE id = ?", (probe_version, video_id))


_FAILED_BEFORE = "(state = 'unreadable' OR attempts > 0) AND probe_version IS NOT ?"


async def count_failed_before(db: Connection, probe_version: str) -> int:
    """Videos that another version of the probe could not read."""
    sql = f"SELECT count(*) FROM videos WHERE {_FAILED_BEFORE}"
    return int(await db.value(sql, (probe_version,)))


# Reasons in the words of this version, and of those before.
_PASSING = """
    state = 'unreadable' AND (
        reason IN ('The process that analysed it stopped unexpectedly.', 'The analysis failed.',
            'The analysis needs more memory than it may have.',
            'The process that looked into it broke down.', 'Looking into it went wrong.',
            'Looking into it takes more memory than it may have.')
        OR reason LIKE 'It could not be read: %'
        OR reason LIKE 'The analysis took longer than %'
        OR reason LIKE 'Looking into it took longer than %')
"""


async def retry_failed(tx: Transaction) -> None:
    """Probe again soon what failed without being a verdict on the file."""
    await tx.run("UPDATE videos SET attempts = 0 WHERE attempts > 0")


async def retry_verdicts(tx: Transaction) -> None:
    """Probe again what is called unreadable for a reason that may have passed."""
    await tx.run(f"UPDATE videos SET looked_fingerprint = NULL, attempts = 0 WHERE {_PASSING}")


async def retry_failed_before(tx: Transaction, probe_version: str) -> None:
    """Probe again what another version of the probe could not read."""
    sql = f"UPDATE videos SET looked_fingerprint = NULL, attempts = 0 WHERE {_FAILED_BEFORE}"
    await tx.run(sql, (probe_version,))


async def count_waiting(db: Connection, posters: bool) -> int:
    """The number of videos `waiting` gives."""
    sql = f"SELECT count(*) FROM ({_WAITING} WHERE {_DUE})"
    return int(await db.value(sql, {"posters": posters, "now": now_ms()}))


class UnreadableFile(Struct, frozen=True):
    """A file that is no readable video, and why."""

    file_id: int
    video_id: int
    media_hash: str
    title: str
    root_id: int
    path: bytes
    size_bytes: int
    reason: str


async def list_unreadable(
    db: Connection, limit: int, after_id: int = 0, reason: str | None = None
) -> list[UnreadableFile]:
    """Files that cannot be read as video, by id behind `after_id`; all, or those of one reason."""
    sql = """
        SELECT f.id, v.id, v.media_hash, v.title, f.root_id, f.path, f.size_bytes, v.reason
        FROM videos v JOIN files f ON f.video_id = v.id JOIN roots r ON r.id = f.root_id
        WHERE v.state = 'unreadable' AND f.missing_since IS NULL AND r.active AND f.id > :after
            AND (:reason IS NULL OR coalesce(v.reason, '') = :reason)
        ORDER BY f.id LIMIT :limit
    """
    rows: list[Any] = await db.all(sql, {"after": after_id, "limit": limit, "reason": reason})
    return [UnreadableFile(*row) for row in rows]


async def names(db: Connection, video_id: int) -> list[str]:
    """Everything a video answers to: its hash and its aliases."""
    sql = """
        SELECT media_hash FROM videos WHERE id = :id
        UNION ALL SELECT alias FROM aliases WHERE video_id = :id
    """
    return [row[0] for row in await db.all(sql, {"id": video_id})]
