"""Changes to many videos in a few statements.

Whatever is changed, the lines of the journal are written first: for each video whose value differs
from the one that is wanted, the value it has and the one it gets. Then these lines are carried out.
An undo does the same with the lines turned round, for each video that still has the value which the
line gave it. So nothing is changed that the journal does not know of.
"""

import json
from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from lvs.db import changes, gallery, playlists, tags
from lvs.db.database import Connection, Transaction
from lvs.models import HOUSEHOLD, tag_key
from lvs.titles import title_from_path


class ChangeOrigin(Struct, frozen=True):
    """The origin of lines: the change to many that they belong to (None: to none), by which
    client, when (Unix ms), for which person.
    """

    bulk: int | None
    client: str
    at: int
    person: int = HOUSEHOLD


Values = dict[str, Any]

_LATER_AT = "(SELECT added_at FROM later WHERE person_id = :person AND video_id = v.id)"
_PROGRESS = "SELECT position_s FROM progress WHERE person_id = :person AND video_id = v.id"

# The value that a video `v` has, as the journal spells it.
_STATES = {
    "rating": "(SELECT CAST(value AS TEXT) FROM ratings WHERE video_id = v.id)",
    "favorite": ("CAST(EXISTS (SELECT 1 FROM favorites WHERE video_id = v.id) AS TEXT)"),
    "hidden": "CAST(EXISTS (SELECT 1 FROM hidden WHERE video_id = v.id) AS TEXT)",
    # What is personal is JSON that names the person.
    "later": f"json_object('person', :person, 'later_at', {_LATER_AT})",
    "watched": f"""json_object('person', :person,
        'watched', json(CASE WHEN EXISTS ({_PROGRESS} AND watched) THEN 'true' ELSE 'false' END),
        'position_s', coalesce(({_PROGRESS}), 0.0), 'later_at', {_LATER_AT})""",
    "title": "CASE WHEN v.title_edited THEN v.title END",
    "notes": "(SELECT text FROM video_notes WHERE video_id = v.id)",
    # Of these a line names the one it is about, as its new value or as its old one.
    "tag": """(SELECT :name WHERE EXISTS (
        SELECT 1 FROM video_tags WHERE video_id = v.id AND tag_id = :target))""",
    "playlist": """(SELECT :name WHERE EXISTS (
        SELECT 1 FROM playlist_items WHERE video_id = v.id AND playlist_id = :target))""",
}

# A value is still the one that a line gave it, also where more than that changed.
_SAME = {
    "later": """
        (json_extract({state}, '$.later_at') IS NULL) = (json_extract(c.new, '$.later_at') IS NULL)
    """,
    "watched": "json_extract({state}, '$.watched') = json_extract(c.new, '$.watched')",
}
_PERSON = "json_extract(c.new, '$.person')"
_SINCE = "json_extract(c.new, '$.later_at')"

_LINES = """
    INSERT INTO changes (id, at, video_id, what, old, new, client, bulk)
    SELECT max(coalesce((SELECT max(id) FROM changes), 0), coalesce(:bulk, 0))
            + row_number() OVER (ORDER BY key),
        :at, id, :what, old, new, :client, :bulk
    FROM (
        SELECT wanted.key, v.id, {state} AS old, {new} AS new
        FROM json_each(:ids) wanted JOIN videos v ON v.id = wanted.value
        WHERE {condition})
    WHERE old IS NOT new
"""

_REVERSED = """
    INSERT INTO changes (id, at, video_id, what, old, new, client, bulk, undoes)
    SELECT max(coalesce((SELECT max(id) FROM changes), 0), coalesce(:bulk, 0))
            + row_number() OVER (ORDER BY c.id DESC),
        :at, c.video_id, c.what, c.new, c.old, :client, :bulk, c.id
    FROM json_each(:lines) wanted JOIN changes c ON c.id = wanted.value
        JOIN videos v ON v.id = c.video_id
    WHERE c.what = :what AND {same} {condition}
"""

# A tag goes by another name than the line has, after a merge or as an alias: then the video may
# carry it for another reason. It lost a tag and got none for it, or was given this one since.
_BY_THIS_LINE = """
    AND NOT EXISTS (
        SELECT 1 FROM tag_change_films lost JOIN tag_changes t ON t.id = lost.change_id
        WHERE lost.video_id = c.video_id AND NOT lost.given AND t.at >= c.at AND NOT EXISTS (
            SELECT 1 FROM tag_change_films got WHERE got.change_id = lost.change_id
                AND got.video_id = lost.video_id AND got.given))
    AND NOT EXISTS (
        SELECT 1 FROM changes later
        WHERE later.video_id = c.video_id AND later.what = 'tag' AND later.id > c.id
            AND coalesce(later.new, later.old) = :own COLLATE NOCASE)
"""

_OURS = "FROM changes c WHERE c.id > :from_id AND c.what = :what"

_LATER_CARRIED_OUT = (
    f"""
    DELETE FROM later WHERE (person_id, video_id) IN (
        SELECT {_PERSON}, c.video_id {_OURS} AND {_SINCE} IS NULL)
    """,
    f"""
    INSERT OR IGNORE INTO later (person_id, video_id, added_at)
    SELECT {_PERSON}, c.video_id, {_SINCE} {_OURS} AND {_SINCE} IS NOT NULL
    """,
)

# How lines that were just written are carried out.
_CARRIED_OUT = {
    "rating": (
        f"DELETE FROM ratings WHERE video_id IN (SELECT c.video_id {_OURS} AND c.new IS NULL)",
        f"""
        INSERT INTO ratings (video_id, value, created_at, updated_at)
        SELECT c.video_id, CAST(c.new AS INTEGER), :at, :at {_OURS} AND c.new IS NOT NULL
        ON CONFLICT (video_id) DO UPDATE SET value = excluded.value,
            updated_at = excluded.updated_at
        """,
    ),
    "favorite": (
        f"DELETE FROM favorites WHERE video_id IN (SELECT c.video_id {_OURS} AND c.new = '0')",
        # What is a favorite again is one since it was before.
        f"""
        INSERT OR IGNORE INTO favorites (video_id, added_at)
        SELECT c.video_id, coalesce((
            SELECT max(f.at) FROM changes f
            WHERE c.undoes IS NOT NULL AND f.video_id = c.video_id AND f.what = 'favorite'
                AND f.new = '1' AND f.id < c.undoes AND f.undoes IS NULL), :at)
        {_OURS} AND c.new = '1'
        """,
    ),
    "hidden": (
        f"DELETE FROM hidden WHERE video_id IN (SELECT c.video_id {_OURS} AND c.new = '0')",
        f"""
        INSERT OR IGNORE INTO hidden (video_id, hidden_at)
        SELECT c.video_id, :at {_OURS} AND c.new = '1'
        """,
    ),
    "notes": (
        f"DELETE FROM video_notes WHERE video_id IN (SELECT c.video_id {_OURS} AND c.new IS NULL)",
        f"""
        INSERT OR REPLACE INTO video_notes (video_id, text, updated_at)
        SELECT c.video_id, c.new, :at {_OURS} AND c.new IS NOT NULL
        """,
    ),
    "later": _LATER_CARRIED_OUT,
    "watched": (
        f"""
        INSERT INTO progress (person_id, video_id, position_s, watched, updated_at)
        SELECT {_PERSON}, c.video_id, json_extract(c.new, '$.position_s'),
            json_extract(c.new, '$.watched'), :at
        {_OURS}
        ON CONFLICT (person_id, video_id) DO UPDATE SET position_s = excluded.position_s,
            watched = excluded.watched, updated_at = max(updated_at, excluded.updated_at)
        """,
        *_LATER_CARRIED_OUT,
    ),
    "tag": (
        f"""
        DELETE FROM video_tags
        WHERE tag_id = :target
            AND video_id IN (SELECT c.video_id {_OURS} AND c.new IS NULL AND c.old = :name)
        """,
        f"""
        INSERT OR IGNORE INTO video_tags (video_id, tag_id, created_at)
        SELECT c.video_id, :target, :at {_OURS} AND c.new = :name
        """,
    ),
    "playlist": (
        f"""
        DELETE FROM playlist_items
        WHERE playlist_id = :target AND (video_id, position) IN (
            SELECT i.video_id, max(i.position) FROM playlist_items i
            WHERE i.playlist_id = :target
                AND i.video_id IN (SELECT c.video_id {_OURS} AND c.new IS NULL AND c.old = :name)
            GROUP BY i.video_id)
        """,
        f"""
        INSERT INTO playlist_items (playlist_id, position, video_id)
        SELECT :target, (
                SELECT coalesce(max(position), -1) FROM (
                    SELECT position FROM playlist_items WHERE playlist_id = :target
                    UNION ALL
                    SELECT position FROM legacy_playlist_items WHERE playlist_id = :target))
                + row_number() OVER (ORDER BY c.id),
            c.video_id
        {_OURS} AND c.new = :name
        """,
    ),
}


async def set_value(
    tx: Transaction, origin: ChangeOrigin, video_ids: Sequence[int], what: str, value: str | None
) -> int:
    """Set stars, heart or hidden of these videos; how many that changed."""
    return await _change(tx, origin, video_ids, what, ":new", {"new": value})


async def set_from(
    tx: Transaction,
    origin: ChangeOrigin,
    video_ids: Sequence[int],
    what: str,
    new: str,
    values: Values,
) -> int:
    """Set a value of these videos to what an expression over each `v` gives, spelled as the journal
    does; how many that changed.
    """
    return await _change(tx, origin, video_ids, what, new, values)


async def set_later(
    tx: Transaction, origin: ChangeOrigin, video_ids: Sequence[int], wanted: bool
) -> int:
    """Put these videos on the list of those to watch later, or take them off; how many changed."""
    added_at = f"coalesce({_LATER_AT}, :at)" if wanted else "NULL"
    new = f"json_object('person', :person, 'later_at', {added_at})"
    return await _change(tx, origin, video_ids, "later", new, {})


async def set_watched(
    tx: Transaction, origin: ChangeOrigin, video_ids: Sequence[int], watched: bool
) -> int:
    """Mark these videos as watched, which forgets their positions and takes them out of Later, or
    as not watched; how many changed.
    """
    new = f"json_set({_STATES['watched']}, '$.watched', json('false'))"
    if watched:
        new = """json_object('person', :person, 'watched', json('true'), 'position_s', 0.0,
            'later_at', NULL)"""
    return await _change(tx, origin, video_ids, "watched", new, {})


async def add_tag(
    tx: Transaction, origin: ChangeOrigin, video_ids: Sequence[int], tag: str, most: int
) -> int:
    """Put a tag on these videos, unless one carries `most` already; how many got it."""
    tag_id, name = await tags.named(tx, tag, tag_key(tag), origin.at)
    values = {"target": tag_id, "name": name, "most": most}
    room = "(SELECT count(*) FROM video_tags WHERE video_id = v.id) < :most"
    return await _change(tx, origin, video_ids, "tag", ":name", values, room)


async def remove_tag(
    tx: Transaction, origin: ChangeOrigin, video_ids: Sequence[int], tag: str
) -> int:
    """Take a tag off these videos; how many had it. A tag that nobody uses stays for the caller."""
    known = await tags.find(tx, tag_key(tag))
    if known is None:
        return 0
    values = {"target": known[0], "name": known[1]}
    return await _change(tx, origin, video_ids, "tag", "NULL", values)


async def add_to_playlist(
    tx: Transaction, origin: ChangeOrigin, video_ids: Sequence[int], playlist_id: int
) -> int:
    """Append those of these videos to a playlist that it does not hold; how many."""
    values = {"target": playlist_id, "name": str(playlist_id)}
    return await _change(tx, origin, video_ids, "playlist", ":name", values)


async def set_titles(
    tx: Transaction, origin: ChangeOrigin, titles: Sequence[tuple[int, str | None]]
) -> int:
    """Give each of these videos its title, or with None that of its file; how many changed."""
    ids = json.dumps([video_id for video_id, _ in titles])
    wanted = json.dumps([title for _, title in titles], ensure_ascii=False)
    new = "json_extract(:titles, '$[' || wanted.key || ']')"
    return await _lines(tx, origin, ids, "title", new, {"titles": wanted})


async def drop_unused_tags(tx: Transaction) -> None:
    """Remove tags that no video carries, and that nobody said anything about."""
    await tx.run(f"DELETE FROM tags AS t WHERE {tags.UNUSED}")


async def titles_of(db: Connection, video_ids: Sequence[int]) -> dict[int, tuple[str, bytes, int]]:
    """The parts of titles, by video: title, path, and time recorded (Unix ms, or 0)."""
    sql = """
        SELECT v.id, v.title, f.path, coalesce(v.recorded_at, 0)
        FROM json_each(?) wanted JOIN videos v ON v.id = wanted.value
            LEFT JOIN files f ON f.id = (
                SELECT id FROM files WHERE video_id = v.id
                ORDER BY missing_since IS NOT NULL, missing_since DESC, id LIMIT 1)
    """
    rows = await db.tuples(sql, (json.dumps(list(video_ids)),))
    return {row[0]: (row[1], row[2] or b"", row[3]) for row in rows}


async def revert(tx: Transaction, origin: ChangeOrigin, lines: Sequence[changes.Change]) -> int:
    """Take back these lines, of one kind, where the value is still the one that they gave; how
    many that were.
    """
    what = lines[0].what
    by_name: dict[tuple[str, bool], list[int]] = {}
    for line in lines:
        named = what in ("tag", "playlist")
        about = (line.new or line.old or "", line.new is not None) if named else ("", False)
        by_name.setdefault(about, []).append(line.id)
    taken = 0
    for (name, given), ids in by_name.items():
        values, condition = await _target(tx, origin, what, name, given)
        if values is not None:
            taken += await _reverse(tx, origin, what, ids, values, condition)
    return taken


async def refresh(tx: Transaction, video_ids: Sequence[int], kinds: frozenset[str]) -> None:
    """Bring the gallery up to date with what was changed of these videos."""
    if "title" in kinds or "notes" in kinds:
        await gallery.refresh(tx, video_ids)
    else:
        await gallery.refresh_given(tx, video_ids, kinds)


async def _target(
    tx: Transaction, origin: ChangeOrigin, what: str, name: str, given: bool
) -> tuple[dict[str, Any] | None, str]:
    """The tag or playlist that lines are about, and a further condition; None where it is gone.
    `given` of lines that put a tag on, and so are to take it off.
    """
    if what == "tag":
        key = tag_key(name)
        known = await tags.find(tx, key)
        if given and known is None:
            return None, ""
        tag_id, own = known or await tags.named(tx, name, key, origin.at)
        condition = _BY_THIS_LINE if given and tag_key(own) != key else ""
        values = {"target": tag_id, "name": name, "own": own}
        return values, f"AND coalesce(c.new, c.old) = :name {condition}"
    if what == "playlist":
        playlist_id = int(name)
        if not await playlists.exists(tx, playlist_id):
            return None, ""
        return {"target": playlist_id, "name": name}, ""
    return {}, ""


async def _reverse(
    tx: Transaction,
    origin: ChangeOrigin,
    what: str,
    line_ids: Sequence[int],
    values: dict[str, Any],
    condition: str,
) -> int:
    from_id = await _last_id(tx)
    shared = values | _values(origin, what) | {"lines": json.dumps(list(line_ids))}
    state = _STATES[what].replace(":person", _PERSON)
    same = _SAME.get(what, "{state} IS c.new").format(state=state)
    sql = _REVERSED.format(same=same, condition=condition)
    count = await tx.run(sql, shared)
    if count:
        await _carry_out(tx, origin, what, from_id, values)
    return count


async def _change(
    tx: Transaction,
    origin: ChangeOrigin,
    video_ids: Sequence[int],
    what: str,
    new: str,
    values: dict[str, Any],
    condition: str = "1",
) -> int:
    ids = json.dumps(list(video_ids))
    return await _lines(tx, origin, ids, what, new, values, condition)


async def _lines(
    tx: Transaction,
    origin: ChangeOrigin,
    ids: str,
    what: str,
    new: str,
    values: dict[str, Any],
    condition: str = "1",
) -> int:
    """Write the lines and carry them out; how many there are."""
    from_id = await _last_id(tx)
    sql = _LINES.format(state=_STATES[what], new=new, condition=condition)
    count = await tx.run(sql, values | _values(origin, what) | {"ids": ids})
    if count:
        await _carry_out(tx, origin, what, from_id, values)
    return count


async def _carry_out(
    tx: Transaction, origin: ChangeOrigin, what: str, from_id: int, values: dict[str, Any]
) -> None:
    if what == "title":
        await _carry_out_titles(tx, from_id)
        return
    shared = values | _values(origin, what) | {"from_id": from_id}
    for sql in _CARRIED_OUT[what]:
        await tx.run(sql, shared)


async def _carry_out_titles(tx: Transaction, from_id: int) -> None:
    sql = "SELECT video_id, new FROM changes WHERE id > ? AND what = 'title'"
    wanted = dict(await tx.tuples(sql, (from_id,)))
    known = await titles_of(tx, list(wanted))
    await tx.run_many(
        "UPDATE videos SET title = ?, title_edited = ? WHERE id = ?",
        [
            (title or title_from_path(known[video_id][1]), int(title is not None), video_id)
            for video_id, title in wanted.items()
        ],
    )


async def _last_id(tx: Transaction) -> int:
    return int(await tx.value("SELECT coalesce(max(id), 0) FROM changes"))


def _values(origin: ChangeOrigin, what: str) -> dict[str, Any]:
    return {
        "bulk": origin.bulk,
        "client": origin.client,
        "at": origin.at,
        "person": origin.person,
        "what": what,
    }
