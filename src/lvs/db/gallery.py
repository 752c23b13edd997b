"""The `gallery` table: what the gallery shows, one row per listed video, derived from all the
others.
"""

import json
import sqlite3
import time
from collections.abc import Collection, Sequence
from typing import Any

from msgspec import Struct

from lvs import random_order, relevance
from lvs.db import best_match, projections
from lvs.db.database import Connection, Transaction
from lvs.filters import filter_bounds
from lvs.models import RESOLUTIONS, Card, Cursor, Query, Sort, State
from lvs.relevance import RankedWords
from lvs.text import natural_key, searchable

COLUMNS = """
    g.video_id, g.media_hash, g.version, g.root_id, g.path, g.title, g.added_at, g.duration_s,
    g.width, g.height, g.size_bytes, g.rating, g.views, g.last_viewed_at, g.favorited_at,
    g.projection, g.tags, g.state, g.poster, g.offline, g.progress, g.watched, g.recorded_at,
    g.hidden, g.colour
"""

SORT_COLUMNS = {
    Sort.ADDED: "added_at",
    Sort.TITLE: "title_key",
    Sort.RATING: "rating",
    Sort.VIEWS: "views",
    Sort.DURATION: "duration_s",
    Sort.SIZE: "size_bytes",
    Sort.VIEWED: "last_viewed_at",
    Sort.FAVORITED: "favorited_at",
    Sort.RECORDED: "recorded_at",
    Sort.RANDOM: "shuffle",
    Sort.MATCH: "added_at",  # where nothing is ranked
}


class Selection(Struct, frozen=True):
    """A query with its words resolved.

    `match` and `unmatch` are FTS5 expressions for what must and must not occur. Of each of `tags`,
    which are a tag with those below it, one must be carried.
    """

    query: Query
    match: str | None = None
    tags: tuple[tuple[int, ...], ...] = ()
    root_id: int | None = None
    folder: bytes = b""
    unmatch: str | None = None
    direct: bool = False
    """Only the folder itself, not those below."""
    whole: bool = False
    """Hidden videos are among the others."""
    ranked: RankedWords | None = None
    """The words by which what `match` finds is ranked; None for another order."""


Values = dict[str, int | float | str | bytes | None]

REFRESHED_AT_ONCE = 2000
WORDS_AT_ONCE = 500  # made by Python, while no page is

NUMBERS = (
    "video_id",
    "version",
    "root_id",
    "rating",
    "views",
    "last_viewed_at",
    "favorited_at",
    "added_at",
    "duration_s",
    "size_bytes",
    "shuffle",
    "projection",
    "recorded_at",
    "lines",
    "playback",
    "silent",
    "progress",
    "watched",
    "tagged",
    "subtitled",
    "hidden",
)


class GalleryChange(Struct, frozen=True):
    """One of the latest changes to what the gallery shows.

    `mark` is random: the same number in another history differs.
    """

    seq: int
    mark: int
    what: str
    video_id: int
    tag_id: int | None


NOTHING_YET = GalleryChange(0, 0, "", 0, None)


class CardRow(Struct, frozen=True):
    """A card and where it stands in the order it was asked for."""

    card: Card
    cursor: Cursor


def card_of(row: Sequence[Any]) -> Card:
    """The card in a row that begins with COLUMNS."""
    # By place and not by name, and almost all of it as it is: a page reads sixty of them.
    tags, state, poster, offline, progress, watched, recorded_at, hidden, colour = row[
        _BEFORE_TAGS : len(Card._fields)
    ]
    return Card._make(
        (
            *row[:_BEFORE_TAGS],
            names_of(tags),
            _STATES[state],
            poster,
            offline != 0,
            progress,
            watched != 0,
            recorded_at,
            hidden != 0,
            colour or "",
        )
    )


def names_of(tags: str) -> tuple[str, ...]:
    """The names in SQLite's JSON list of them."""
    if tags == "[]":
        return ()
    if "\\" in tags:
        return tuple(json.loads(tags))
    return tuple(tags[2:-2].split('","'))  # a name holds no quotation mark where nothing is escaped


WIDTH = len(Card._fields)  # of COLUMNS
_BEFORE_TAGS = Card._fields.index("tags")
_STATES = {state.value: state for state in State}


async def refresh(tx: Transaction, video_ids: Collection[int]) -> None:
    """Bring the rows of these videos, and their full text, up to date with the tables they are
    derived from.
    """
    if not video_ids:
        return
    values = {"ids": json.dumps(list(video_ids)), "version": time.time_ns()}
    await tx.run(_DROP_UNLISTED, values)
    await tx.run(_PUT, values)
    await tx.run(
        "DELETE FROM search WHERE rowid IN (SELECT value FROM json_each(:ids))",
        {"ids": values["ids"]},
    )
    await tx.run(_PUT_SEARCH, {"ids": values["ids"]})
    await tx.run(_MARK_COPIES, {"ids": values["ids"]})


async def refresh_card(tx: Transaction, video_id: int) -> None:
    """Do what `refresh` does for one video of which no text changed: the full-text index is
    left alone.
    """
    await tx.run(_PUT, {"ids": f"[{video_id}]", "version": time.time_ns()})


async def refresh_number(tx: Transaction, video_id: int, number: str) -> None:
    """Do what `refresh` does where only its `rating`, `views`, `favorite` or `hidden` changed: the
    other columns and their indexes stay untouched.
    """
    sql = f"""
        UPDATE gallery SET version = max(:version, version + 1), {_NUMBER[number]}
        WHERE video_id = :id
    """
    await tx.run(sql, {"id": video_id, "version": time.time_ns()})


async def refresh_progress(tx: Transaction, video_ids: Collection[int]) -> None:
    """Do what `refresh_number` does for how far these videos were watched.

    Most positions move no percent, and then nothing is written.
    """
    sql = f"""
        UPDATE gallery SET version = max(:version, version + 1), progress = now.progress,
            watched = now.watched
        FROM (
            SELECT v.id, {_PROGRESS} FROM json_each(:ids) wanted
                JOIN videos v ON v.id = wanted.value
                LEFT JOIN progress wp ON wp.person_id = 0 AND wp.video_id = v.id) AS now
        WHERE gallery.video_id = now.id
            AND (gallery.progress, gallery.watched) IS NOT (now.progress, now.watched)
    """
    await tx.run(sql, {"ids": json.dumps(list(video_ids)), "version": time.time_ns()})


async def refresh_given(
    tx: Transaction, video_ids: Collection[int], kinds: Collection[str]
) -> None:
    """Do what `refresh` does for many videos of which only what these kinds of changes set changed:
    `rating`, `favorite`, `hidden`, `tag`, `watched`.
    """
    values = {"ids": json.dumps(list(video_ids)), "version": time.time_ns()}
    if "watched" in kinds:
        await refresh_progress(tx, video_ids)
    columns = [_GIVEN[kind] for kind in _GIVEN if kind in kinds]
    if not columns:
        return
    sql = f"""
        UPDATE gallery SET version = max(:version, version + 1), {", ".join(columns)}
        WHERE video_id IN (SELECT value FROM json_each(:ids))
    """
    await tx.run(sql, values)
    if "tag" in kinds:
        ordered = sorted(video_ids)
        for start in range(0, len(ordered), WORDS_AT_ONCE):
            await _refresh_tag_words(tx, ordered[start : start + WORDS_AT_ONCE])


async def _refresh_tag_words(tx: Transaction, video_ids: Sequence[int]) -> None:
    """Bring the full text up to date where only tags of these videos changed, by rising id: the
    index writes its pages anew whenever a row's number is not above that of the one before.
    """
    # Read and handed over in one row each: Python waits for its turn beside other threads at every
    # row that it is given, and at every call of its functions from a statement.
    sql = f"""
        SELECT json_group_array(json_array(value, ({_TAG_WORDS.format(of="value")})))
        FROM json_each(?)
    """
    words = json.loads(await tx.value(sql, (json.dumps(video_ids),)))
    made = [(video_id, searchable(text)) for video_id, text in words]
    sql = """
        UPDATE search SET tags = made.value ->> 1 FROM json_each(?) made
        WHERE search.rowid = made.value ->> 0
    """
    await tx.run(sql, (json.dumps(made),))


async def refresh_tags(tx: Transaction, video_ids: Collection[int]) -> None:
    """Do what `refresh` does where only tags changed: the names of tags on cards, and the full
    text.
    """
    ids = list(video_ids)
    for start in range(0, len(ids), REFRESHED_AT_ONCE):
        await refresh_given(tx, ids[start : start + REFRESHED_AT_ONCE], ("tag",))


async def refresh_root(tx: Transaction, root_id: int) -> None:
    """Bring every row up to date whose video has a file in this library folder."""
    rows = await tx.all(
        "SELECT DISTINCT video_id FROM files WHERE root_id = ? AND missing_since IS NULL",
        (root_id,),
    )
    ids = [row[0] for row in rows]
    for start in range(0, len(ids), REFRESHED_AT_ONCE):
        await refresh(tx, ids[start : start + REFRESHED_AT_ONCE])


async def refresh_offline(tx: Transaction, root_id: int, folder: bytes = b"") -> None:
    """Do what `refresh_root` does where only a drive in it went away or came back.

    No text changes, and most videos lie at one place: what a drive of 100,000 videos costs is one
    statement, and no rating waits for long.
    """
    values = _folder_values(root_id, folder)
    # Of a video with several files another one may be shown now.
    sql = f"""
        SELECT DISTINCT f.video_id
        FROM files c INDEXED BY files_copies JOIN files f ON f.video_id = c.video_id
        WHERE c.copy = 1 AND {_lies_in(folder)}
    """
    ids = [row[0] for row in await tx.tuples(sql, values)]
    for start in range(0, len(ids), REFRESHED_AT_ONCE):
        await refresh(tx, ids[start : start + REFRESHED_AT_ONCE])
    below = "AND g.path >= :folder_start AND g.path < :folder_end" if folder else ""
    sql = f"""
        UPDATE gallery AS g SET version = max(:version, version + 1), offline = NOT offline
        WHERE g.root_id = :root_id {below} AND g.offline <> (
            SELECT r.offline_since IS NOT NULL OR {_AWAY.format(file="g")}
            FROM roots r WHERE r.id = g.root_id)
    """
    await tx.run(sql, values | {"version": time.time_ns()})


_NUMBER = {
    "rating": "rating = coalesce((SELECT value FROM ratings WHERE video_id = :id), 0)",
    "favorite": "favorited_at = coalesce((SELECT added_at FROM favorites WHERE video_id = :id), 0)",
    "hidden": "hidden = EXISTS (SELECT 1 FROM hidden WHERE video_id = :id)",
    "views": (
        """
        (views, last_viewed_at) = (
            coalesce((SELECT count FROM views WHERE video_id = :id), 0),
            coalesce((SELECT last_viewed_at FROM views WHERE video_id = :id), 0))
    """
    ),
}

_TAG_NAMES = """
    SELECT json_group_array(name)
    FROM (SELECT t.name FROM video_tags vt JOIN tags t ON t.id = vt.tag_id
          WHERE vt.video_id = {of} ORDER BY t.key)
"""
_TAG_WORDS = """
    SELECT coalesce(group_concat(words, ' '), '')
    FROM (SELECT t.name || ' ' || t.words AS words
          FROM video_tags vt JOIN tags t ON t.id = vt.tag_id
          WHERE vt.video_id = {of} ORDER BY t.key)
"""
_GIVEN = {
    kind: _NUMBER[kind].replace(":id", "gallery.video_id")
    for kind in ("rating", "favorite", "hidden")
} | {"tag": f"tags = ({_TAG_NAMES.format(of='gallery.video_id')})"}

# A file that may be source code or music by its name is not shown before it is known to be a video.
# Of a path (bytes).
SURE_BY_NAME = """
    lower(CAST(substr({path}, -3) AS TEXT)) <> '.ts'
    AND lower(CAST(substr({path}, -4) AS TEXT)) NOT IN ('.mts', '.ogg')
"""

# Whether a file `f` of a video `v` makes it a video to be shown.
SHOWS = f"""
    f.missing_since IS NULL
    AND (v.state = 'ready' OR v.state = 'new' AND {SURE_BY_NAME.format(path="f.path")})
"""

_DROP_UNLISTED = f"""
    DELETE FROM gallery
    WHERE video_id IN (SELECT value FROM json_each(:ids)) AND :version AND NOT EXISTS (
        SELECT 1
        FROM videos v JOIN files f ON f.video_id = v.id JOIN roots r ON r.id = f.root_id
        WHERE v.id = gallery.video_id AND {SHOWS} AND r.active)
"""

# True where a file lies in a part of its library folder that is away.
_AWAY = """
    EXISTS (
        SELECT 1 FROM away
        WHERE away.root_id = {file}.root_id AND {file}.path >= away.low
            AND {file}.path < away.high)
"""

# The file that is shown and played: a reachable one before an offline one, then the one somebody
# chose or that is known longest.
FIRST_FILE = f"""
    SELECT f.id
    FROM files f JOIN roots r ON r.id = f.root_id
    WHERE f.video_id = v.id AND f.missing_since IS NULL AND r.active
    ORDER BY (r.offline_since IS NOT NULL OR {_AWAY.format(file="f")}), NOT f.preferred, f.id
    LIMIT 1
"""

_LINES = "\n".join(
    f"WHEN min(v.width, v.height) >= {lines} OR max(v.width, v.height) >= {columns} THEN {lines}"
    for _, lines, columns in RESOLUTIONS
)

# The time of a file where it is one that a camera could have set, else 0; of the column `mtime_ns`.
RECORDED_BY_FILE = """
    CASE WHEN {mtime} BETWEEN 31536000000000000 AND 4133980800000000000
        THEN {mtime} / 1000000 ELSE 0 END
"""

# What filters ask of a file's content: recorded_at, lines, playback, silent, subtitled; 0 while
# unknown.
_FACTS = f"""
    coalesce(v.recorded_at, {RECORDED_BY_FILE.format(mtime="f.mtime_ns")}),
    CASE WHEN v.width IS NULL THEN 0
    {_LINES}
    ELSE min(v.width, v.height) END,
    CASE WHEN v.container IS NULL THEN 0 ELSE plays_code(
        v.container, v.video_codec, v.pixel_format, v.interlaced, v.audio_tracks, f.path) END,
    v.container IS NOT NULL AND coalesce(v.audio_tracks, '[]') = '[]',
    coalesce(v.subtitle_tracks, '[]') <> '[]'
"""

_PROGRESS = """
    CASE WHEN coalesce(wp.position_s, 0) = 0 THEN 0 ELSE
        max(1, min(99, CAST(100 * wp.position_s / coalesce(v.duration_s, 1e9) AS INTEGER))) END
        AS progress,
    coalesce(wp.watched, 0) AS watched
"""

_PUT = f"""
    INSERT INTO gallery (video_id, media_hash, version, root_id, path, title, title_key, added_at,
        duration_s, width, height, size_bytes, rating, views, last_viewed_at, favorited_at, shuffle,
        tags, state, poster, offline, recorded_at, lines, playback, silent, subtitled, projection,
        progress, watched, hidden, colour)
    SELECT v.id, v.media_hash, :version, f.root_id, f.path, v.title, natural_key(v.title),
        v.added_at,
        coalesce(v.duration_s, 0.0), coalesce(v.width, 0), coalesce(v.height, 0), f.size_bytes,
        coalesce(ra.value, 0), coalesce(vi.count, 0), coalesce(vi.last_viewed_at, 0),
        coalesce(fa.added_at, 0), v.shuffle,
        ({_TAG_NAMES.format(of="v.id")}),
        v.state, v.poster, r.offline_since IS NOT NULL OR {_AWAY.format(file="f")},
        {_FACTS}, {projections.CODE},
        {_PROGRESS}, EXISTS (SELECT 1 FROM hidden WHERE video_id = v.id),
        (SELECT colour FROM poster_colours WHERE poster = v.poster)
    FROM json_each(:ids) wanted
        JOIN videos v ON v.id = wanted.value
        JOIN files f ON f.id = ({FIRST_FILE})
        JOIN roots r ON r.id = f.root_id
        LEFT JOIN ratings ra ON ra.video_id = v.id
        LEFT JOIN views vi ON vi.video_id = v.id
        LEFT JOIN favorites fa ON fa.video_id = v.id
        LEFT JOIN progress wp ON wp.person_id = 0 AND wp.video_id = v.id
        LEFT JOIN projections pr ON pr.video_id = v.id
    WHERE EXISTS (
        SELECT 1 FROM files f JOIN roots r ON r.id = f.root_id WHERE f.video_id = v.id AND {SHOWS}
            AND r.active)
    ON CONFLICT (video_id) DO UPDATE SET
        version = max(excluded.version, version + 1), root_id = excluded.root_id,
        path = excluded.path, title = excluded.title, title_key = excluded.title_key,
        added_at = excluded.added_at, duration_s = excluded.duration_s,
        width = excluded.width, height = excluded.height,
        size_bytes = excluded.size_bytes, rating = excluded.rating, views = excluded.views,
        last_viewed_at = excluded.last_viewed_at, favorited_at = excluded.favorited_at,
        tags = excluded.tags,
        state = excluded.state, poster = excluded.poster, offline = excluded.offline,
        recorded_at = excluded.recorded_at, lines = excluded.lines,
        playback = excluded.playback, silent = excluded.silent, subtitled = excluded.subtitled,
        projection = excluded.projection,
        progress = excluded.progress, watched = excluded.watched, hidden = excluded.hidden,
        colour = excluded.colour
"""

_PUT_SEARCH = f"""
    INSERT INTO search (rowid, title, path, tags, notes)
    SELECT g.video_id, searchable(g.title),
        (SELECT group_concat(searchable(f.path), ' ')
         FROM (SELECT f.path FROM files f JOIN roots r ON r.id = f.root_id
               WHERE f.video_id = g.video_id AND f.missing_since IS NULL AND r.active
                   ORDER BY f.id) f),
        searchable(({_TAG_WORDS.format(of="g.video_id")})),
        searchable(coalesce((SELECT text FROM video_notes n WHERE n.video_id = g.video_id), ''))
    FROM gallery g
    WHERE g.video_id IN (SELECT value FROM json_each(:ids))
"""

_MARK_COPIES = """
    UPDATE files
    SET copy = NOT copy
    WHERE video_id IN (SELECT value FROM json_each(:ids)) AND copy <> (
        missing_since IS NULL AND NOT EXISTS (
            SELECT 1 FROM gallery g
            WHERE g.video_id = files.video_id AND g.root_id = files.root_id
                AND g.path = files.path))
"""


async def one(db: Connection, video_id: int) -> Card | None:
    row = await db.one(f"SELECT {COLUMNS} FROM gallery g WHERE g.video_id = ?", (video_id,))
    return card_of(row) if row else None


async def some(db: Connection, video_ids: Sequence[int]) -> dict[int, Card]:
    """The cards of those of these videos that are listed, by id."""
    sql = f"SELECT {COLUMNS} FROM gallery g WHERE g.video_id IN (SELECT value FROM json_each(?))"
    return {row[0]: card_of(row) for row in await db.tuples(sql, (json.dumps(video_ids),))}


async def totals(db: Connection) -> tuple[int, int]:
    """The number of videos listed without filters, and of hidden ones."""
    hidden = await db.value("SELECT count(*) FROM hidden JOIN gallery USING (video_id)")
    return await db.value("SELECT count(*) FROM gallery") - hidden, hidden


async def count(db: Connection, selection: Selection) -> int:
    """The number of videos in the selection."""
    conditions, values = _conditions(selection)
    return int(await db.value(f"SELECT count(*) FROM gallery g {_where(conditions)}", values))


async def random(db: Connection, start: int) -> Card | None:
    """The video with the next random number after `start`, from the front after the last; one that
    can be reached, unless every drive is away.
    """
    reachable = await db.value(
        "SELECT EXISTS (SELECT 1 FROM roots WHERE active AND offline_since IS NULL)"
    )
    sql = f"""
        SELECT {COLUMNS} FROM gallery g
        WHERE g.shuffle >= ? {"AND NOT g.offline" if reachable else ""} AND NOT g.hidden
        ORDER BY g.shuffle, g.video_id LIMIT 1
    """
    row = await db.one(sql, (start,)) or await db.one(sql, (0,))
    return card_of(row) if row else None


async def browse(
    db: Connection,
    selection: Selection,
    limit: int,
    after: Cursor | None = None,
    until: Cursor | None = None,
    backwards: bool = False,
) -> list[CardRow]:
    """Up to `limit` cards in order, behind `after` and up to and with `until`; `backwards` walks
    the other way.
    """
    rows = await _in_order(db, COLUMNS, selection, limit, after, until, backwards)
    return [CardRow(card_of(row), Cursor(row["sort_key"], row["video_id"])) for row in rows]


async def walk(
    db: Connection,
    query: Query,
    limit: int,
    after: Cursor | None = None,
    until: Cursor | None = None,
    backwards: bool = False,
) -> list[int]:
    """Browse as `browse` does, but give the ids of whatever stands there: the filters of the query
    are left to the caller.
    """
    plain = Query(sort=query.sort, descending=query.descending, seed=query.seed)
    unfiltered = Selection(plain, whole=True)
    return [
        row[0]
        for row in await _in_order(db, "g.video_id", unfiltered, limit, after, until, backwards)
    ]


async def _in_order(
    db: Connection,
    columns: str,
    selection: Selection,
    limit: int,
    after: Cursor | None,
    until: Cursor | None,
    backwards: bool,
) -> list[sqlite3.Row]:
    order, conditions, values = _ordered(selection)
    descending = selection.query.descending != backwards
    direction = "DESC" if descending else "ASC"
    runs = [
        f"""
        SELECT * FROM (
            SELECT {columns}, {order} AS sort_key
            FROM gallery g {_where([*conditions, *between])}
            ORDER BY sort_key {direction}, g.video_id {direction}
            LIMIT :limit)
        """
        for between in _between(order, after, until, descending)
    ]
    for name, place in (("after", after), ("until", until)):
        if place:
            values |= {f"{name}_key": place.key, f"{name}_id": place.video_id}
    return await db.all("UNION ALL".join(runs) + "LIMIT :limit", values | {"limit": limit})


async def count_behind(db: Connection, selection: Selection, after: Cursor) -> int:
    """The number of videos of a selection behind a place in its order."""
    order, conditions, values = _ordered(selection)
    stretches = _between(order, after, None, selection.query.descending)
    counts = [
        f"(SELECT count(*) FROM gallery g {_where([*conditions, *between])})"
        for between in stretches
    ]
    values |= {"after_key": after.key, "after_id": after.video_id}
    return int(await db.value(f"SELECT {' + '.join(counts)}", values))


def _ordered(selection: Selection) -> tuple[str, list[str], Values]:
    """The key of a selection's order, its conditions, and the values of both."""
    order = f"g.{SORT_COLUMNS[selection.query.sort]}"
    conditions, values = _conditions(selection)
    if selection.query.sort is Sort.RANDOM and selection.query.seed:
        order = f"permuted({order}, :first, :second)"
        values["first"], values["second"] = random_order.multipliers(selection.query.seed)
    if selection.ranked:
        order = best_match.PLACE
        values |= best_match.values_of(selection.ranked)
    return order, conditions, values


def _between(
    order: str, after: Cursor | None, until: Cursor | None, descending: bool
) -> list[list[str]]:
    """Conditions for the rows behind `after` and up to and with `until`, in successive stretches.

    One comparison of pairs would say the same, but SQLite looks for its first half only: where many
    share a key, and most videos have no stars, it would go through all of them.
    """
    more, less = ("<", ">") if descending else (">", "<")
    behind_id, up_to_id = f"g.video_id {more} :after_id", f"g.video_id {less}= :until_id"
    if after and until and after.key == until.key:
        return [[f"{order} = :after_key", behind_id, up_to_id]]
    if after and until and (after.key > until.key) is not descending:  # type: ignore[operator]
        return [["0"]]
    middle: list[str] = []
    stretches = [middle]
    if after:
        middle.append(f"{order} {more} :after_key")
        stretches.insert(0, [f"{order} = :after_key", behind_id])
    if until:
        middle.append(f"{order} {less} :until_key")
        stretches.append([f"{order} = :until_key", up_to_id])
    return stretches


def cursor_of(card: Card, number: int, sort: Sort) -> Cursor:
    """The place of this card in an order; `number` is its place in a random one, or its relevance
    in that of the best match (0 where nothing is ranked).
    """
    keys: dict[Sort, int | float | str] = {
        Sort.ADDED: card.added_at,
        Sort.TITLE: natural_key(card.title),
        Sort.RATING: card.rating,
        Sort.VIEWS: card.views,
        Sort.DURATION: card.duration_s,
        Sort.SIZE: card.size_bytes,
        Sort.VIEWED: card.last_viewed_at,
        Sort.FAVORITED: card.favorited_at,
        Sort.RECORDED: card.recorded_at,
        Sort.RANDOM: number,
        Sort.MATCH: relevance.place(number, card.added_at) if number else card.added_at,
    }
    return Cursor(keys[sort], card.id)


async def shuffle_of(db: Connection, video_id: int) -> int:
    return int(await db.value("SELECT shuffle FROM gallery WHERE video_id = ?", (video_id,)) or 0)


async def last_change(db: Connection) -> GalleryChange:
    """The latest change, or NOTHING_YET."""
    row = await db.one(
        "SELECT seq, mark, what, video_id, tag_id FROM gallery_changes ORDER BY seq DESC LIMIT 1"
    )
    return GalleryChange(*row) if row else NOTHING_YET


async def changes(db: Connection, since: int) -> list[GalleryChange]:
    """This change, if it is still known, and every later one, oldest first.

    At least the latest 30,000 are known.
    """
    sql = (
        "SELECT seq, mark, what, video_id, tag_id FROM gallery_changes WHERE seq >= ? ORDER BY seq"
    )
    return [GalleryChange(*row) for row in await db.all(sql, (since,))]


async def bounds(db: Connection) -> tuple[int, int]:
    """The number of listed videos, and the largest id among them."""
    row = await db.one("SELECT count(*), coalesce(max(video_id), 0) FROM gallery")
    return (row[0], row[1]) if row else (0, 0)


async def numbers(db: Connection, after_id: int, limit: int) -> list[sqlite3.Row]:
    """NUMBERS of the listed videos by id, behind `after_id`."""
    sql = f"SELECT {', '.join(NUMBERS)} FROM gallery WHERE video_id > ? ORDER BY video_id LIMIT ?"
    return await db.all(sql, (after_id, limit))


async def numbers_of(db: Connection, video_ids: Collection[int]) -> list[sqlite3.Row]:
    """NUMBERS of those of these videos that are listed."""
    sql = f"""
        SELECT {", ".join(NUMBERS)} FROM gallery
        WHERE video_id IN (SELECT value FROM json_each(?))
    """
    return await db.all(sql, (json.dumps(list(video_ids)),))


# The following answer with ids in one text, a comma between: a hundred thousand rows would take ten
# times as long to fetch.


async def matching(db: Connection, match: str) -> str:
    """The videos an FTS5 expression finds."""
    return str(
        await db.value("SELECT group_concat(rowid) FROM search WHERE search MATCH ?", (match,))
        or ""
    )


async def first_ids(db: Connection, selection: Selection, limit: int) -> list[int]:
    """The first videos of a selection in its order."""
    order, conditions, values = _ordered(selection)
    direction = "DESC" if selection.query.descending else "ASC"
    sql = f"""
        SELECT group_concat(video_id)
        FROM (SELECT g.video_id FROM gallery g {_where(conditions)}
              ORDER BY {order} {direction}, g.video_id {direction} LIMIT :limit)
    """
    found = await db.value(sql, values | {"limit": limit})
    return [int(each) for each in found.split(",")] if found else []


async def indexed_words(db: Connection, longest: int, limit: int) -> list[str]:
    """Words of the full-text index of at most so many letters, as it holds them."""
    sql = "SELECT term FROM search_words WHERE length(term) <= ? LIMIT ?"
    return [row[0] for row in await db.tuples(sql, (longest, limit))]


async def tagged(db: Connection, tag_id: int) -> str:
    """The videos that carry a tag."""
    return str(
        await db.value("SELECT group_concat(video_id) FROM video_tags WHERE tag_id = ?", (tag_id,))
        or ""
    )


async def in_folder(db: Connection, root_id: int, folder: bytes, direct: bool) -> str:
    """The videos with a place in a folder and, unless `direct`, all folders below it."""
    sql = f"SELECT group_concat(f.video_id) FROM files f WHERE {_lies_in(folder, direct)}"
    return str(await db.value(sql, _folder_values(root_id, folder)) or "")


async def copies_in_root(db: Connection, root_id: int) -> str:
    """The videos with a place in this library folder that is not the one their card shows."""
    sql = """
        SELECT group_concat(video_id) FROM files
        WHERE root_id = ? AND copy = 1 AND missing_since IS NULL
    """
    return str(await db.value(sql, (root_id,)) or "")


async def by_title(db: Connection) -> str:
    """Every listed video in the order of titles."""
    sql = """
        SELECT group_concat(video_id)
        FROM (SELECT video_id FROM gallery ORDER BY title_key, video_id)
    """
    return str(await db.value(sql) or "")


async def some_by_title(
    db: Connection,
    video_ids: Sequence[int],
    limit: int,
    after: Cursor | None,
    until: Cursor | None,
    descending: bool,
) -> list[int]:
    """The first `limit` of these videos in the order of titles, behind `after` and up to and with
    `until`.
    """
    direction, behind, up_to = ("DESC", "<", ">=") if descending else ("ASC", ">", "<=")
    conditions: list[str] = []
    values: dict[str, int | float | str] = {"ids": json.dumps(video_ids), "limit": limit}
    for name, place, compared in (("after", after, behind), ("until", until, up_to)):
        if place:
            conditions.append(f"(g.title_key, g.video_id) {compared} (:{name}_key, :{name}_id)")
            values |= {f"{name}_key": place.key, f"{name}_id": place.video_id}
    sql = f"""
        SELECT g.video_id
        FROM json_each(:ids) wanted CROSS JOIN gallery g ON g.video_id = wanted.value
        {_where(conditions)}
        ORDER BY g.title_key {direction}, g.video_id {direction}
        LIMIT :limit
    """
    return [row[0] for row in await db.all(sql, values)]


async def next_by_title(
    db: Connection, place: Cursor, descending: bool, inclusive: bool
) -> int | None:
    """The first listed video behind a place in the order of titles, or at it where `inclusive`."""
    direction, behind = ("DESC", "<") if descending else ("ASC", ">")
    sql = f"""
        SELECT video_id FROM gallery
        WHERE (title_key, video_id) {behind}{"=" if inclusive else ""} (?, ?)
        ORDER BY title_key {direction}, video_id {direction} LIMIT 1
    """
    value = await db.value(sql, (place.key, place.video_id))
    return int(value) if value is not None else None


async def top_folders(db: Connection) -> list[tuple[int, bytes, int]]:
    """The top folders of every library folder: library folder, name, how many listed videos lie in
    and below it.
    """
    counts = {
        (row[0], row[1]): row[2]
        for row in await db.all("SELECT root_id, folder, videos FROM folder_counts")
    }
    for root_id, folder, more in await db.tuples(_COPIES_ELSEWHERE):
        counts[root_id, folder] = counts.get((root_id, folder), 0) + more
    return [(*place, count) for place, count in sorted(counts.items()) if count > 0]


# Top folders in which a listed video has a copy, but not the place that its card shows. Copies are
# few, and left to itself SQLite reads every file that is present.
_COPIES_ELSEWHERE = """
    SELECT root_id, folder, count(DISTINCT video_id)
    FROM (
        SELECT f.video_id, f.root_id, substr(f.path, 1, instr(f.path, x'2f') - 1) AS folder,
            g.root_id AS shown_root, g.path AS shown_path
        FROM files f INDEXED BY files_copies JOIN gallery g ON g.video_id = f.video_id
        WHERE f.copy = 1 AND f.missing_since IS NULL AND instr(f.path, x'2f') > 0
            AND NOT g.hidden)
    WHERE NOT (root_id = shown_root AND instr(shown_path, x'2f') > 0
        AND folder = substr(shown_path, 1, instr(shown_path, x'2f') - 1))
    GROUP BY root_id, folder
"""


_OF_PERSON = {
    "started": "SELECT video_id FROM progress WHERE person_id = :person AND position_s > 0",
    "watched": "SELECT video_id FROM progress WHERE person_id = :person AND watched",
    "unwatched": "SELECT video_id FROM progress WHERE person_id = :person AND watched",
}


async def of_person(db: Connection, person_id: int, progress: str) -> str:
    """The videos that a person started or watched; those watched also for `unwatched`."""
    sql = f"SELECT group_concat(video_id) FROM ({_OF_PERSON[progress]})"
    return str(await db.value(sql, {"person": person_id}) or "")


async def allowed(
    db: Connection, tag_ids: Collection[int], folders: Collection[tuple[int, bytes]]
) -> frozenset[int]:
    """The listed videos with any of these tags or below any of these folders."""
    sql = """
        SELECT g.video_id FROM json_each(?) wanted JOIN video_tags vt ON vt.tag_id = wanted.value
            JOIN gallery g ON g.video_id = vt.video_id
    """
    found = {row[0] for row in await db.tuples(sql, (json.dumps(list(tag_ids)),))}
    for root_id, folder in folders:
        sql = f"""
            SELECT g.video_id FROM files f JOIN gallery g ON g.video_id = f.video_id
            WHERE {_lies_in(folder)}
        """
        found |= {row[0] for row in await db.tuples(sql, _folder_values(root_id, folder))}
    return frozenset(found)


def _lies_in(folder: bytes, direct: bool = False) -> str:
    """Condition for a file `f` that lies in a folder of a library folder now."""
    inside = " AND f.path >= :folder_start AND f.path < :folder_end" if folder else ""
    if direct:  # no further slash behind the folder's own
        rest = f"substr(f.path, {len(folder) + 2})" if folder else "f.path"
        inside += f" AND instr({rest}, x'2f') = 0"
    return f"f.root_id = :root_id{inside} AND f.missing_since IS NULL"


def _folder_values(root_id: int, folder: bytes) -> dict[str, int | bytes]:
    values: dict[str, int | bytes] = {"root_id": root_id}
    if folder:
        # 0 follows / in ASCII
        values |= {"folder_start": folder + b"/", "folder_end": folder + b"0"}
    return values


def _where(conditions: list[str]) -> str:
    return "WHERE " + "\n    AND ".join(conditions) if conditions else ""


def _conditions(selection: Selection) -> tuple[list[str], Values]:
    conditions: list[str] = []
    values: Values = {}
    if not selection.whole:
        conditions.append("g.hidden" if selection.query.hidden else "NOT g.hidden")
    if selection.match:
        conditions.append("g.video_id IN (SELECT rowid FROM search WHERE search MATCH :match)")
        values["match"] = selection.match
    if selection.unmatch:
        conditions.append(
            "g.video_id NOT IN (SELECT rowid FROM search WHERE search MATCH :unmatch)"
        )
        values["unmatch"] = selection.unmatch
    for number, tag_ids in enumerate(selection.tags):
        conditions.append(f"""
            EXISTS (
                SELECT 1 FROM video_tags WHERE video_id = g.video_id
                    AND tag_id IN (SELECT value FROM json_each(:tag{number})))
            """)
        values[f"tag{number}"] = json.dumps(tag_ids)
    for number, bound in enumerate(filter_bounds(selection.query)):
        conditions.append(f"g.{bound.column} {bound.compare} :bound{number}")
        values[f"bound{number}"] = bound.value
    who = selection.query.viewer
    if who.limits is not None:
        conditions.append("g.video_id IN (SELECT value FROM json_each(:allowed))")
        values["allowed"] = json.dumps(list(who.allowed))
    if who.person and selection.query.progress:
        negation = "NOT " if selection.query.progress == "unwatched" else ""
        chosen = _OF_PERSON[selection.query.progress]
        conditions.append(f"g.video_id {negation}IN ({chosen})")
        values["person"] = who.person
    if selection.root_id is not None:
        inside = f"f.video_id = g.video_id AND {_lies_in(selection.folder, selection.direct)}"
        conditions.append(f"EXISTS (SELECT 1 FROM files f WHERE {inside})")
        values |= _folder_values(selection.root_id, selection.folder)
    return conditions, values
