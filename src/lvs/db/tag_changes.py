"""The journal of tags themselves: `tag_changes` and `tag_change_films`."""

import json
from typing import Any

from msgspec import Struct

from lvs.db import journal_lines
from lvs.db.connection import Connection, Transaction
from lvs.db.tag_details import States, from_json, to_json

FIRST_ID = 1 << 40
"""Lines of this journal have ids above this, those of videos below it: one id names one change."""


class TagJournalLine(Struct, frozen=True):
    """One line: `what` is edit, merge or delete. `name` is the tag it is about and `target` the one
    it was merged into. `renamed` holds the keys before and after where they differ.

    `undone_by` is the line that took this one back. That can be taken back itself, by a further
    line that does what this one did, and so on.
    """

    id: int
    at: int
    what: str
    name: str
    target: str | None
    renamed: tuple[str, str] | None
    before: States
    after: States
    films: int
    client: str
    undoes: int | None
    undone_by: int | None


_SELECT = """
    SELECT c.*, (SELECT max(u.id) FROM tag_changes u WHERE u.undoes = c.id) AS undone_by
    FROM tag_changes c
"""


def _change(row: Any) -> TagJournalLine:
    values = dict(row)
    renamed = json.loads(values["renamed"]) if values["renamed"] else None
    values |= {"before": from_json(values["before"]), "after": from_json(values["after"])}
    return TagJournalLine(**(values | {"renamed": tuple(renamed) if renamed else None}))


class NewTagJournalLine(Struct, frozen=True):
    """The first half of a line, as `TagJournalLine` has it."""

    at: int
    what: str
    name: str
    target: str | None
    renamed: tuple[str, str] | None
    before: States
    client: str
    undoes: int | None


async def begin(tx: Transaction, line: NewTagJournalLine) -> int:
    """Begin a line; its id. `finish` completes it in the same transaction."""
    sql = """
        INSERT INTO tag_changes
            (id, at, what, name, target, renamed, before, after, films, client, undoes)
        VALUES (1 + (SELECT coalesce(max(id), :first) FROM tag_changes), :at, :what,
            :name, :target, :renamed, :before, '[]', 0, :client, :undoes)
        RETURNING id
    """
    values = {name: getattr(line, name) for name in NewTagJournalLine.__struct_fields__}
    values |= {
        "first": FIRST_ID,
        "renamed": json.dumps(line.renamed) if line.renamed else None,
        "before": to_json(line.before),
    }
    return int(await tx.value(sql, values))


async def finish(tx: Transaction, change_id: int, after: States, films: int) -> None:
    """Complete a line with the tags as they became, and how many videos it concerns."""
    sql = "UPDATE tag_changes SET after = ?, films = ? WHERE id = ?"
    await tx.run(sql, (to_json(after), films, change_id))


async def drop(tx: Transaction, change_id: int) -> None:
    """Remove a line that was begun for nothing."""
    await tx.run("DELETE FROM tag_changes WHERE id = ?", (change_id,))


async def one(db: Connection, change_id: int) -> TagJournalLine | None:
    row = await db.one(f"{_SELECT} WHERE c.id = ?", (change_id,))
    return _change(row) if row else None


async def latest(
    db: Connection,
    limit: int,
    before_id: int | None = None,
    client: str | None = None,
    after_ms: int | None = None,
    until_ms: int | None = None,
) -> list[TagJournalLine]:
    """The latest lines, as `journal_lines.latest` finds them."""
    rows = await journal_lines.latest(db, _SELECT, limit, before_id, client, after_ms, until_ms)
    return [_change(row) for row in rows]


# --- Videos that get or lose a tag ---


async def remove_from_all(tx: Transaction, change_id: int, key: str) -> None:
    """Note every video that carries this tag as one that loses it, and take it off."""
    values = {"change": change_id, "key": key}
    await tx.run(
        """
        INSERT INTO tag_change_films (change_id, key, video_id, given, created_at)
        SELECT :change, :key, video_id, 0, created_at FROM video_tags
        WHERE tag_id = (SELECT id FROM tags WHERE key = :key)
        """,
        values,
    )
    await tx.run(
        "DELETE FROM video_tags WHERE tag_id = (SELECT id FROM tags WHERE key = :key)", values
    )


async def replace_tag(tx: Transaction, change_id: int, lost: str, given: str) -> None:
    """Give every video that lost a tag by this change another one, where it does not have that."""
    values = {"change": change_id, "lost": lost, "given": given}
    await tx.run(
        """
        INSERT INTO tag_change_films (change_id, key, video_id, given, created_at)
        SELECT :change, :given, f.video_id, 1, f.created_at FROM tag_change_films f
        WHERE f.change_id = :change AND f.key = :lost AND NOT EXISTS (
            SELECT 1 FROM video_tags vt WHERE vt.video_id = f.video_id
                AND vt.tag_id = (SELECT id FROM tags WHERE key = :given))
        """,
        values,
    )
    await tx.run(
        """
        INSERT INTO video_tags (video_id, tag_id, created_at)
        SELECT video_id, (SELECT id FROM tags WHERE key = :given), created_at
        FROM tag_change_films WHERE change_id = :change AND key = :given AND given = 1
        """,
        values,
    )


async def videos_of(db: Connection, change_id: int) -> set[int]:
    """The videos that got or lost a tag by this change."""
    sql = "SELECT DISTINCT video_id FROM tag_change_films WHERE change_id = ?"
    return {row[0] for row in await db.tuples(sql, (change_id,))}


async def revert_videos(
    tx: Transaction, change_id: int, undo_id: int, partners: dict[str, str]
) -> None:
    """Give videos back the tags that they lost by a change, take off those that they got, and note
    that under the line of the undo.

    With `partners` a video gets a tag back only where it still carries that tag's partner: somebody
    took both off since.
    """
    keys = await tx.all(
        "SELECT DISTINCT key, given FROM tag_change_films WHERE change_id = ? ORDER BY given, key",
        (change_id,),
    )
    for key, given in [(row[0], row[1]) for row in keys]:
        values = {"change": change_id, "undo": undo_id, "key": key, "given": given}
        values["partner"] = partners.get(key)
        await tx.run(_TAKE_BACK_GIVEN if given else _GIVE_BACK_LOST, values)
        # what the line says now is done
        await tx.run(_APPLY_GIVEN if given else _APPLY_LOST, values)


_CARRIED = """
    EXISTS (SELECT 1 FROM video_tags vt WHERE vt.video_id = f.video_id
        AND vt.tag_id = (SELECT id FROM tags WHERE key = {key}))
"""

_GIVE_BACK_LOST = f"""
    INSERT INTO tag_change_films (change_id, key, video_id, given, created_at)
    SELECT :undo, f.key, f.video_id, 1, f.created_at FROM tag_change_films f
    WHERE f.change_id = :change AND f.key = :key AND f.given = :given
        AND NOT {_CARRIED.format(key=":key")}
        AND (:partner IS NULL OR {_CARRIED.format(key=":partner")})
"""

_APPLY_LOST = """
    INSERT INTO video_tags (video_id, tag_id, created_at)
    SELECT video_id, (SELECT id FROM tags WHERE key = :key), created_at
    FROM tag_change_films WHERE change_id = :undo AND key = :key AND given = 1
"""

_TAKE_BACK_GIVEN = """
    INSERT INTO tag_change_films (change_id, key, video_id, given, created_at)
    SELECT :undo, f.key, f.video_id, 0, vt.created_at
    FROM tag_change_films f
        JOIN video_tags vt ON vt.video_id = f.video_id
            AND vt.tag_id = (SELECT id FROM tags WHERE key = :key)
    WHERE f.change_id = :change AND f.key = :key AND f.given = :given
"""

_APPLY_GIVEN = """
    DELETE FROM video_tags
    WHERE tag_id = (SELECT id FROM tags WHERE key = :key) AND video_id IN (
        SELECT video_id FROM tag_change_films
        WHERE change_id = :undo AND key = :key AND given = 0)
"""
