"""Dividing a video whose contents lie side by side: each becomes a video of its own, with what it
was given while it was the content of the one video. The journal says when that was.
"""

import secrets

from lvs.db import hidden, markers, notes, projections, tags, videos
from lvs.db.database import Connection, Transaction
from lvs.models import tag_key
from lvs.titles import title_from_path

FOREVER = 1 << 62
LENGTH_TOLERANCE_S, LENGTH_TOLERANCE = (
    2.0,
    0.05,
)  # seconds, and share, that another encode may differ

Era = tuple[int, int]
"""From when to when (Unix ms) a content was the video's."""


async def owned_since(db: Connection, video_id: int) -> dict[str, Era]:
    """The time since when each content was the video's, for contents of which it is known."""
    sql = """
        SELECT media_hash, 0 FROM videos WHERE id = :id
        UNION ALL SELECT fingerprint, since FROM fingerprints WHERE video_id = :id AND since > 0
        ORDER BY 2
    """
    rows = [(row[0], row[1]) for row in await db.all(sql, {"id": video_id})]
    ends = [since for _, since in rows[1:]] + [FOREVER]
    return {content: (since, end) for (content, since), end in zip(rows, ends, strict=True)}


async def divide(tx: Transaction, video_id: int, content: str, era: Era | None, at: int) -> int:
    """Make a content of a video one of its own; its id. `era` is when it was the video's, None
    where nobody knows: it is given nothing then.
    """
    new_id = await _video_of(tx, video_id, content, at)
    values: dict[str, int | str] = {"from": video_id, "to": new_id, "content": content, "at": at}
    for sql in (
        "DELETE FROM fingerprints WHERE fingerprint = :content AND video_id = :from",
        "UPDATE files SET video_id = :to WHERE video_id = :from AND fingerprint = :content",
        # the other content lay there before, and its video answers to that place where it has none
        """
        INSERT INTO files
            (video_id, root_id, path, size_bytes, mtime_ns, fingerprint, oshash, missing_since)
        SELECT v.id, f.root_id, f.path, f.size_bytes, f.mtime_ns, v.media_hash, '', :at
        FROM videos v JOIN files f ON f.video_id = :to AND f.fingerprint = :content
        WHERE v.id = :from AND NOT EXISTS (SELECT 1 FROM files WHERE video_id = :from)
        ORDER BY f.missing_since IS NOT NULL, f.id LIMIT 1
        """,
        """
        UPDATE extended_fingerprints SET video_id = :to
        WHERE video_id = :from
            AND :content IN (fingerprint, extended, replace(extended, 'whole:', ''))
        """,
    ):
        await tx.run(sql, values)
    if era is not None:
        await _divide_given(tx, video_id, new_id, era)
    return new_id


async def split_assumed(
    tx: Transaction, video_id: int, content: str, duration_s: float | None, at: int
) -> int | None:
    """Part a content from the video that it was taken for by its name, where its length says that
    it is another film; the id of its own video then.
    """
    sql = """
        SELECT v.duration_s FROM fingerprints p JOIN videos v ON v.id = p.video_id
        WHERE p.fingerprint = ? AND p.video_id = ? AND p.assumed
    """
    before = await tx.value(sql, (content, video_id))
    await tx.run("UPDATE fingerprints SET assumed = 0 WHERE fingerprint = ?", (content,))
    if not _differ(before, duration_s) or not await videos.has_curation(tx, video_id):
        return None
    new_id = await divide(tx, video_id, content, (await owned_since(tx, video_id)).get(content), at)
    await tx.run("UPDATE videos SET parted_from = ? WHERE id = ?", (video_id, new_id))
    return new_id


async def differ_in_length(db: Connection, one_id: int, other_id: int) -> bool:
    """True if two films cannot be the same, by their lengths; False while one is not known."""
    sql = "SELECT duration_s FROM videos WHERE id = ?"
    return _differ(await db.value(sql, (one_id,)), await db.value(sql, (other_id,)))


def _differ(one_s: float | None, other_s: float | None) -> bool:
    if not one_s or not other_s:
        return False
    return abs(one_s - other_s) > max(LENGTH_TOLERANCE_S, LENGTH_TOLERANCE * one_s)


async def _video_of(tx: Transaction, video_id: int, content: str, at: int) -> int:
    known = await tx.value("SELECT id FROM videos WHERE media_hash = ?", (content,))
    if known is not None:
        return int(known)
    sql = """
        SELECT path FROM files WHERE video_id = ? AND fingerprint = ?
        ORDER BY missing_since IS NOT NULL, id LIMIT 1
    """
    path = await tx.value(sql, (video_id, content))
    shuffle = secrets.randbelow(videos.SHUFFLE_END)
    return await videos.add(tx, content, title_from_path(path), at, shuffle)


# What stands in no journal says itself when it was given.
_MOVED_BY_TIME = (
    """
    UPDATE OR REPLACE progress SET video_id = :to
    WHERE video_id = :from AND updated_at >= :start AND updated_at < :end
    """,
    """
    UPDATE OR REPLACE later SET video_id = :to
    WHERE video_id = :from AND added_at >= :start AND added_at < :end
    """,
    """
    UPDATE OR REPLACE history SET video_id = :to
    WHERE video_id = :from AND at >= :start AND at < :end
    """,
)


async def _divide_given(tx: Transaction, from_id: int, to_id: int, era: Era) -> None:
    """Move the lines of the journal of that time, and set for both what their lines say."""
    sql = "SELECT id, at, what, old, new FROM changes WHERE video_id = ? ORDER BY id"
    lines = [tuple(row) for row in await tx.all(sql, (from_id,))]
    moved = [line for line in lines if era[0] <= line[1] < era[1]]
    for sql in _MOVED_BY_TIME:
        await tx.run(sql, {"from": from_id, "to": to_id, "start": era[0], "end": era[1]})
    if not moved:
        return
    stayed = [line for line in lines if not era[0] <= line[1] < era[1]]
    await tx.run_many(
        "UPDATE changes SET video_id = ? WHERE id = ?", [(to_id, line[0]) for line in moved]
    )
    await _set_single(tx, from_id, to_id, "rating", stayed, moved)
    await _set_single(tx, from_id, to_id, "favorite", stayed, moved)
    await _set_title(tx, from_id, to_id, stayed, moved)
    await _set_projection(tx, from_id, to_id, stayed, moved)
    await _set_poster(tx, from_id, to_id, stayed, moved)
    await _set_hidden(tx, from_id, to_id, stayed, moved)
    await _set_notes(tx, from_id, to_id, stayed, moved)
    await _set_markers(tx, from_id, to_id, stayed, moved)
    await _set_tags(tx, from_id, to_id, stayed, moved)
    await _set_views(tx, from_id, to_id, moved)


Line = tuple[int, int, str, str | None, str | None]


def _last(lines: list[Line], what: str) -> Line | None:
    return next((line for line in reversed(lines) if line[2] == what), None)


def _first(lines: list[Line], what: str) -> Line | None:
    return next((line for line in lines if line[2] == what), None)


async def _set_single(
    tx: Transaction, from_id: int, to_id: int, what: str, stayed: list[Line], moved: list[Line]
) -> None:
    """Stars or heart: each video has what was said of it last."""
    last, first = _last(moved, what), _first(moved, what)
    if last is None or first is None:
        return
    before = _last(stayed, what)
    # without a line of its own it has what was there before the first line that is moved
    kept = (before[4], before[1]) if before else (first[3], first[1])
    for video_id, (value, at) in ((from_id, kept), (to_id, (last[4], last[1]))):
        number = int(value or 0)
        if what == "rating":
            await tx.run("DELETE FROM ratings WHERE video_id = ?", (video_id,))
            if number:
                sql = (
                    "INSERT INTO ratings (video_id, value, created_at, updated_at) VALUES (?, ?,"
                    " ?, ?)"
                )
                await tx.run(sql, (video_id, number, at, at))
        else:
            await tx.run("DELETE FROM favorites WHERE video_id = ?", (video_id,))
            if number:
                await tx.run(
                    "INSERT INTO favorites (video_id, added_at) VALUES (?, ?)", (video_id, at)
                )


async def _set_title(
    tx: Transaction, from_id: int, to_id: int, stayed: list[Line], moved: list[Line]
) -> None:
    last, first = _last(moved, "title"), _first(moved, "title")
    if last is None or first is None:
        return
    before = _last(stayed, "title")
    for video_id, title in ((from_id, before[4] if before else first[3]), (to_id, last[4])):
        if title:
            await videos.set_title(tx, video_id, title, edited=True)
        else:  # the name of its file follows
            await tx.run("UPDATE videos SET title_edited = 0 WHERE id = ?", (video_id,))


async def _set_projection(
    tx: Transaction, from_id: int, to_id: int, stayed: list[Line], moved: list[Line]
) -> None:
    last, first = _last(moved, "projection"), _first(moved, "projection")
    if last is None or first is None:
        return
    before = _last(stayed, "projection")
    await projections.choose(tx, from_id, before[4] if before else first[3])
    await projections.choose(tx, to_id, last[4])


async def _set_poster(
    tx: Transaction, from_id: int, to_id: int, stayed: list[Line], moved: list[Line]
) -> None:
    last, first = _last(moved, "poster"), _first(moved, "poster")
    if last is None or first is None:
        return
    before = _last(stayed, "poster")
    for video_id, place in ((from_id, before[4] if before else first[3]), (to_id, last[4])):
        await projections.choose_place(tx, video_id, None if place is None else int(place))


async def _set_hidden(
    tx: Transaction, from_id: int, to_id: int, stayed: list[Line], moved: list[Line]
) -> None:
    last, first = _last(moved, "hidden"), _first(moved, "hidden")
    if last is None or first is None:
        return
    before = _last(stayed, "hidden")
    for video_id, value in ((from_id, before[4] if before else first[3]), (to_id, last[4])):
        await hidden.remove(tx, video_id)
        if value == "1":
            await hidden.put(tx, video_id, last[1])


async def _set_notes(
    tx: Transaction, from_id: int, to_id: int, stayed: list[Line], moved: list[Line]
) -> None:
    last, first = _last(moved, "notes"), _first(moved, "notes")
    if last is None or first is None:
        return
    before = _last(stayed, "notes")
    await notes.put(tx, from_id, (before[4] if before else first[3]) or "", last[1])
    await notes.put(tx, to_id, last[4] or "", last[1])


async def _set_markers(
    tx: Transaction, from_id: int, to_id: int, stayed: list[Line], moved: list[Line]
) -> None:
    last, first = _last(moved, "markers"), _first(moved, "markers")
    if last is None or first is None:
        return
    before = _last(stayed, "markers")
    await markers.put(tx, from_id, (before[4] if before else first[3]) or "")
    await markers.put(tx, to_id, last[4] or "")


async def _set_tags(
    tx: Transaction, from_id: int, to_id: int, stayed: list[Line], moved: list[Line]
) -> None:
    names = {tag_key(name): name for line in moved if (name := _tag_of(line))}
    for key, name in names.items():
        mine = [line for line in moved if tag_key(_tag_of(line)) == key]
        theirs = [line for line in stayed if tag_key(_tag_of(line)) == key]
        carried = theirs[-1][4] is not None if theirs else mine[0][3] is not None
        for video_id, carries, at in (
            (from_id, carried, (theirs or mine)[-1][1]),
            (to_id, mine[-1][4] is not None, mine[-1][1]),
        ):
            if carries:
                await tags.add(tx, video_id, name, key, at)
            else:
                await tags.remove(tx, video_id, key)


def _tag_of(line: Line) -> str:
    """The tag that a line of the journal is about; empty for a line about anything else."""
    return (line[4] or line[3] or "") if line[2] == "tag" else ""


async def _set_views(tx: Transaction, from_id: int, to_id: int, moved: list[Line]) -> None:
    views = [line for line in moved if line[2] == "view"]
    count = sum(int(line[4] or 0) - int(line[3] or 0) for line in views)
    if not views or count <= 0:
        return
    sql = """
        INSERT INTO views (video_id, count, last_viewed_at) VALUES (:to, :count, :at)
        ON CONFLICT (video_id) DO UPDATE SET count = count + :count,
            last_viewed_at = max(:at, last_viewed_at)
    """
    await tx.run(sql, {"to": to_id, "count": count, "at": views[-1][1]})
    await tx.run("UPDATE views SET count = max(0, count - ?) WHERE video_id = ?", (count, from_id))
    latest = "SELECT max(at) FROM changes WHERE video_id = :id AND what = 'view'"
    await tx.run(
        f"UPDATE views SET last_viewed_at = coalesce(({latest}), last_viewed_at) WHERE video_id"
        " = :id",
        {"id": from_id},
    )
    await tx.run("DELETE FROM views WHERE video_id = ? AND count = 0", (from_id,))
