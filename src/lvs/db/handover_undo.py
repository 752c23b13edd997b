"""Taking a handover back: the video that was gone and the listed one become two again.

What each had before is kept with the handover. What the joined video was given since goes with the
listed one, whose film it was that people saw.
"""

import json
from collections.abc import Collection
from typing import Any

from msgspec import Struct

from lvs.db import gallery, tags, videos
from lvs.db.database import Connection, Transaction
from lvs.models import tag_key
from lvs.titles import title_from_path

Row = dict[str, Any]
_TABLES = (
    *("ratings", "views", "favorites", "video_tags", "progress", "later", "projections"),
    *(
        "hidden",
        "video_notes",
        "chapters",
        "markers",
        "fingerprints",
        "extended_fingerprints",
        "aliases",
        "playlist_items",
    ),
)
_REPLACED = _TABLES[:11]  # rows that are about the video alone
_STAYING = ("id", "media_hash", "forgotten_at", "nights_forgotten")


class HandoverState(Struct, frozen=True):
    """The two videos before a handover. `line` is the line of the journal that joined them, at that
    time (Unix ms).
    """

    line: int
    at: int
    gone: Row
    listed: Row


async def snapshot(db: Connection, video_id: int) -> Row:
    """Everything the tables say of a video, as JSON."""
    found: Row = {table: await _rows(db, table, video_id) for table in _TABLES}
    found["videos"] = dict((await db.all("SELECT * FROM videos WHERE id = ?", (video_id,)))[0])
    for name, sql in (
        ("files", "SELECT id FROM files WHERE video_id = ?"),
        ("changes", "SELECT id FROM changes WHERE video_id = ?"),
        ("legacy_names", "SELECT hex(name) FROM legacy_names WHERE video_id = ?"),
    ):
        found[name] = [row[0] for row in await db.all(sql, (video_id,))]
    return found


async def keep(tx: Transaction, change_id: int, video_id: int, kept: HandoverState) -> None:
    """Keep it for the line of the journal that is to be taken back."""
    sql = "INSERT OR REPLACE INTO handovers (change_id, video_id, kept) VALUES (?, ?, ?)"
    values = {"line": kept.line, "at": kept.at, "gone": kept.gone, "listed": kept.listed}
    await tx.run(sql, (change_id, video_id, json.dumps(values)))


async def get(db: Connection, change_id: int) -> HandoverState | None:
    text = await db.value("SELECT kept FROM handovers WHERE change_id = ?", (change_id,))
    return HandoverState(**json.loads(text)) if text else None


async def split_joined(tx: Transaction, gone_id: int, kept: HandoverState) -> int | None:
    """Make two videos of the joined one; the id of the listed one. None where they are two already:
    the content of the one that was gone turned up again.
    """
    listed_hash = kept.listed["videos"]["media_hash"]
    sql = "SELECT EXISTS (SELECT 1 FROM videos WHERE media_hash = ?)"
    if await tx.value(sql, (listed_hash,)):
        return None
    joined = await snapshot(tx, gone_id)
    since = await _since(tx, gone_id, kept)
    listed_id = await _recreate(tx, kept.listed["videos"])
    await _move_the_rest(tx, gone_id, listed_id, kept)
    for table in _REPLACED:
        await _replace(tx, table, gone_id, kept.gone.get(table, ()))
        await _replace(tx, table, listed_id, kept.listed.get(table, ()))
    await _restore_row(tx, gone_id, kept.gone["videos"])
    await _give_what_came_since(tx, listed_id, joined, kept, since)
    await _move_playlist_items(tx, gone_id, listed_id, kept)
    for video_id in (gone_id, listed_id):
        sql = "SELECT path FROM files WHERE video_id = ? ORDER BY missing_since IS NOT NULL, id"
        if path := await tx.value(f"{sql} LIMIT 1", (video_id,)):
            await videos.title_from_name(tx, video_id, title_from_path(path))
    await gallery.refresh(tx, [gone_id, listed_id])
    return listed_id


async def _rows(db: Connection, table: str, video_id: int) -> list[Row]:
    sql = f"SELECT * FROM {table} WHERE video_id = ?"
    if table == "video_tags":  # a tag that nothing carries any more loses its number
        sql = (
            "SELECT v.*, t.name FROM video_tags v JOIN tags t ON t.id = v.tag_id WHERE video_id = ?"
        )
    return [dict(row) for row in await db.all(sql, (video_id,))]


async def _since(db: Connection, video_id: int, kept: HandoverState) -> list[tuple[str, str]]:
    """Changes since the handover, each with the tag that it is about."""
    sql = "SELECT what, coalesce(new, old, '') FROM changes WHERE video_id = ? AND id > ?"
    rows = await db.all(sql, (video_id, kept.line))
    return [(row[0], tag_key(row[1]) if row[0] == "tag" else "") for row in rows]


async def _recreate(tx: Transaction, row: Row) -> int:
    """The listed video again, under its number where that is free."""
    taken = await tx.value("SELECT EXISTS (SELECT 1 FROM videos WHERE id = ?)", (row["id"],))
    wanted = {name: value for name, value in row.items() if name != "id" or not taken}
    await _insert(tx, "videos", wanted | {"forgotten_at": None, "nights_forgotten": 0})
    found = await tx.value("SELECT id FROM videos WHERE media_hash = ?", (row["media_hash"],))
    return int(found)


async def _insert(tx: Transaction, table: str, row: Row) -> None:
    columns = {r[0] for r in await tx.all("SELECT name FROM pragma_table_info(?)", (table,))}
    names = [name for name in row if name in columns]
    places = ", ".join(f":{name}" for name in names)
    await tx.run(f"INSERT OR IGNORE INTO {table} ({', '.join(names)}) VALUES ({places})", row)


async def _replace(tx: Transaction, table: str, video_id: int, rows: Collection[Row]) -> None:
    await tx.run(f"DELETE FROM {table} WHERE video_id = ?", (video_id,))
    for row in rows:
        if table == "video_tags":
            await tags.add(tx, video_id, row["name"], tag_key(row["name"]), row["created_at"])
        else:
            await _insert(tx, table, row | {"video_id": video_id})


async def _restore_row(tx: Transaction, video_id: int, row: Row) -> None:
    """Put back what was known of the video before; it stays out of the recycle bin."""
    columns = {r[0] for r in await tx.all("SELECT name FROM pragma_table_info('videos')")}
    names = [name for name in row if name in columns and name not in _STAYING]
    assigned = ", ".join(f"{name} = :{name}" for name in names)
    await tx.run(f"UPDATE videos SET {assigned} WHERE id = :id", row | {"id": video_id})


async def _move_the_rest(
    tx: Transaction, gone_id: int, listed_id: int, kept: HandoverState
) -> None:
    """Give the listed video all places, contents, names and lines that the one that was gone did
    not have before.
    """
    values = {
        "gone": gone_id,
        "listed": listed_id,
        "hash": kept.listed["videos"]["media_hash"],
        "line": kept.line,
        "files": json.dumps(kept.gone["files"]),
        "lines": json.dumps(kept.listed["changes"]),
        "legacy": json.dumps(kept.listed["legacy_names"]),
        "contents": json.dumps([row["fingerprint"] for row in kept.gone["fingerprints"]]),
        "extended": json.dumps([row["extended"] for row in kept.gone["extended_fingerprints"]]),
        "aliases": json.dumps([row["alias"] for row in kept.gone["aliases"]]),
    }
    await tx.run(_FORGET, values)
    for sql in _MOVES:
        await tx.run(sql, values)
    for row in kept.listed["aliases"]:
        await _insert(tx, "aliases", row | {"video_id": listed_id})
    await tx.run("DELETE FROM aliases WHERE alias = :hash", values)
    await tx.run("DELETE FROM fingerprints WHERE fingerprint = :hash", values)


# The joined video may lie in the recycle bin; then it is the listed one that was forgotten.
_FORGET = """
    UPDATE videos SET (forgotten_at, nights_forgotten) =
        (SELECT forgotten_at, nights_forgotten FROM videos WHERE id = :gone)
    WHERE id = :listed
"""
_MOVES = (
    "UPDATE videos SET forgotten_at = NULL, nights_forgotten = 0 WHERE id = :gone",
    """
    UPDATE files SET video_id = :listed
    WHERE video_id = :gone AND id NOT IN (SELECT value FROM json_each(:files))
    """,
    """
    UPDATE fingerprints SET video_id = :listed
    WHERE video_id = :gone AND fingerprint NOT IN (SELECT value FROM json_each(:contents))
    """,
    """
    UPDATE extended_fingerprints SET video_id = :listed
    WHERE video_id = :gone AND extended NOT IN (SELECT value FROM json_each(:extended))
    """,
    """
    UPDATE OR REPLACE aliases SET video_id = :listed
    WHERE video_id = :gone AND alias NOT IN (SELECT value FROM json_each(:aliases))
    """,
    """
    UPDATE legacy_names SET video_id = :listed
    WHERE video_id = :gone AND hex(name) IN (SELECT value FROM json_each(:legacy))
    """,
    """
    UPDATE changes SET video_id = :listed
    WHERE video_id = :gone AND what <> 'handover'
        AND (id > :line OR id IN (SELECT value FROM json_each(:lines)))
    """,
)


async def _give_what_came_since(
    tx: Transaction, listed_id: int, joined: Row, kept: HandoverState, since: list[tuple[str, str]]
) -> None:
    changed = {what for what, _ in since}
    for what, table in (
        *(("rating", "ratings"), ("favorite", "favorites")),
        *(("hidden", "hidden"), ("notes", "video_notes"), ("markers", "markers")),
    ):
        if what in changed:
            await _replace(tx, table, listed_id, joined.get(table, ()))
    if "title" in changed:
        row = joined["videos"]
        await videos.set_title(tx, listed_id, row["title"], edited=bool(row["title_edited"]))
    if changed & {"projection", "poster"}:
        await _replace(tx, "projections", listed_id, joined["projections"])
    await _give_tags(tx, listed_id, joined["video_tags"], {key for what, key in since if key})
    await _give_views(tx, listed_id, joined["views"], kept)
    # Not from what was kept: a line of the history that was removed stays gone.
    sql = "UPDATE OR REPLACE history SET video_id = ? WHERE video_id = ? AND at > ?"
    await tx.run(sql, (listed_id, joined["videos"]["id"], kept.at))
    for table, column in (("progress", "updated_at"), ("later", "added_at")):
        for row in joined[table]:
            if row[column] > kept.at:
                sql = f"DELETE FROM {table} WHERE video_id = ? AND person_id = ?"
                await tx.run(sql, (listed_id, row["person_id"]))
                await _insert(tx, table, row | {"video_id": listed_id})


async def _give_tags(tx: Transaction, video_id: int, joined: list[Row], keys: set[str]) -> None:
    carried = {tag_key(row["name"]): row for row in joined}
    for key in keys:
        if key in carried:
            await tags.add(tx, video_id, carried[key]["name"], key, carried[key]["created_at"])
        else:
            await tags.remove(tx, video_id, key)


async def _give_views(
    tx: Transaction, video_id: int, joined: list[Row], kept: HandoverState
) -> None:
    counts = [sum(row["count"] for row in one["views"]) for one in (kept.gone, kept.listed)]
    now = sum(row["count"] for row in joined)
    if now == sum(counts):
        return
    row = {**joined[0], "count": max(0, now - counts[0])} if joined else {}
    await _replace(tx, "views", video_id, [row] if row.get("count") else [])


async def _move_playlist_items(
    tx: Transaction, gone_id: int, listed_id: int, kept: HandoverState
) -> None:
    """Leave the one that was gone as many items of each list as it had, those at their places
    first.
    """
    items = await tx.all(
        "SELECT playlist_id, position FROM playlist_items WHERE video_id = ?", (gone_id,)
    )
    own = [(row["playlist_id"], row["position"]) for row in kept.gone["playlist_items"]]
    others = {(row["playlist_id"], row["position"]) for row in kept.listed["playlist_items"]}
    left = [playlist_id for playlist_id, _ in own]
    for playlist_id, position in sorted(
        map(tuple, items), key=lambda item: (item not in own, item in others, item)
    ):
        if playlist_id in left:
            left.remove(playlist_id)
            continue
        sql = "UPDATE playlist_items SET video_id = ? WHERE playlist_id = ? AND position = ?"
        await tx.run(sql, (listed_id, playlist_id, position))
