"""A bulk insert leaves the rows that single inserts would have left."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from support.home import OLD_NS, Home, distinct_video
from support.odd_names import ODD_NAMES

from lvs.db import bulk_insert, files, gallery, videos
from lvs.db.bulk_insert import NewFile, new_file
from lvs.db.database import Database
from lvs.errors import LvsError
from lvs.models import Fingerprint, FoundFile
from lvs.titles import title_from_path

COUNT = 2 * bulk_insert.ROWS_AT_ONCE + 7
TABLES = (
    "videos",
    "files",
    "gallery",
    "search",
    "folder_counts",
    "gallery_changes",
    "fingerprints",
    "tags",
    "adding_many",
)
RANDOM = {"shuffle", "version", "mark"}


def film(number: int, path: bytes | None = None, fingerprint: str | None = None) -> NewFile:
    path = path if path is not None else b"shelf %d/Film %d.mp4" % (number % 3, number)
    found = FoundFile(path, 1000 + number, OLD_NS + number)
    hashed = Fingerprint(fingerprint or f"{number:016x}", f"{number:016x}" if number % 2 else "")
    return new_file(found, hashed, title_from_path(path), number)


async def one_by_one(database: Database, batch: list[NewFile]) -> None:
    """Add films one after the other, as those are that are not simply new."""
    async with database.transaction() as tx:
        for item in batch:
            video_id = await videos.add(tx, item.fingerprint, item.title, item.added_at, 1)
            await videos.remember_content(tx, video_id, item.fingerprint)
            await files.add(tx, video_id, 1, item.found, item.hashed)
            await gallery.refresh(tx, [video_id])


async def opened(file: Path) -> Database:
    database = Database(file)
    await database.open()
    async with database.transaction() as tx:
        await tx.run("INSERT INTO roots (path, name) VALUES (x'2f', 'Videos')")
    return database


def rows(path: Path) -> dict[str, list[tuple[object, ...]]]:
    """Everything in the tables that a new video touches, but for what is random, and every word of
    the index with its places.
    """
    with closing(sqlite3.connect(path)) as database:
        found = {}
        for table in TABLES:
            cursor = database.execute(f"SELECT * FROM {table} ORDER BY 1")
            kept = [
                index for index, column in enumerate(cursor.description) if column[0] not in RANDOM
            ]
            found[table] = [tuple(row[index] for index in kept) for row in cursor]
        database.execute("CREATE VIRTUAL TABLE temp.words USING fts5vocab(main, search, instance)")
        found["words"] = sorted(database.execute("SELECT * FROM temp.words").fetchall())
        assert database.execute("PRAGMA foreign_key_check").fetchall() == []
        return found


async def test_many_at_once_leave_the_same_rows_as_one_by_one(tmp_path: Path) -> None:
    odd = [film(COUNT + number, os.fsencode(name)) for number, name in enumerate(ODD_NAMES)]
    batch = [
        *(film(number) for number in range(COUNT)),
        *odd,
        film(9999, "Ünï/夏祭り_2.mkv".encode()),
    ]
    bulk, plain = await opened(tmp_path / "bulk.db"), await opened(tmp_path / "plain.db")
    for part in (batch[:COUNT], batch[COUNT:]):
        async with bulk.transaction() as tx:
            ids, others = await bulk_insert.add_new(tx, 1, part)
        assert (len(ids), others) == (len(part), [])
        await one_by_one(plain, part)
    await bulk.close()
    await plain.close()
    found = rows(tmp_path / "bulk.db")
    assert found == rows(tmp_path / "plain.db")
    assert len(found["gallery"]) == len(batch)
    assert found["folder_counts"][0] == (1, b"shelf 0", len(range(0, COUNT, 3)))


async def test_only_films_new_in_every_way_are_inserted_in_bulk(tmp_path: Path) -> None:
    database = await opened(tmp_path / "lvs.db")
    async with database.transaction() as tx:
        ids, others = await bulk_insert.add_new(tx, 1, [film(1), film(2)])
        await videos.remember_content(tx, ids[0], f"{77:016x}")
        await files.mark_missing(tx, 1, [film(2).path], 5)
    assert others == []
    known_place, left_place = film(11, film(1).path), film(12, film(2).path)
    known_content, once_known = film(13, fingerprint=film(1).fingerprint), film(77)
    twins = [film(20), film(21, fingerprint=film(20).fingerprint)]
    async with database.transaction() as tx:
        ids, others = await bulk_insert.add_new(
            tx, 1, [known_place, film(3), left_place, known_content, *twins, once_known, film(4)]
        )
    assert others == [known_place, left_place, known_content, twins[1], once_known]
    async with database.read() as db:
        new = await db.tuples(
            "SELECT id, media_hash FROM videos WHERE id >= ? ORDER BY id", (ids[0],)
        )
    assert new == list(
        zip(ids, [film(3).fingerprint, twins[0].fingerprint, film(4).fingerprint], strict=True)
    )
    await database.close()


async def test_a_failed_bulk_insert_leaves_no_rows_and_working_triggers(
    tmp_path: Path,
) -> None:
    database = await opened(tmp_path / "lvs.db")
    bad = film(1)._replace(title_key=None)  # type: ignore[arg-type]
    with pytest.raises(LvsError):
        async with database.transaction() as tx:
            await bulk_insert.add_new(tx, 1, [film(0), bad])
    before = rows(tmp_path / "lvs.db")
    assert not any(before.values())
    await one_by_one(database, [film(2)])
    await database.close()
    after = rows(tmp_path / "lvs.db")
    assert (len(after["gallery_changes"]), after["folder_counts"]) == (1, [(1, b"shelf 2", 1)])


async def test_a_folder_of_many_films_that_is_renamed_keeps_them_all(home: Home) -> None:
    for number in range(450):
        home.add(f"old/{number}.mp4", distinct_video())
    await home.scan()
    async with home.services.database.read() as db:
        before = await db.tuples("SELECT id, media_hash FROM videos ORDER BY id")
    (home.library / "old").rename(home.library / "new")
    home.add("new/one more.mp4")
    await home.scan()
    async with home.services.database.read() as db:
        after = await db.tuples("SELECT id, media_hash FROM videos ORDER BY id")
        counts = await gallery.top_folders(db)
        aliases = await db.value("SELECT count(DISTINCT video_id) FROM aliases")
    assert after[:-1] == before
    assert [(name, count) for _, name, count in counts] == [(b"new", 451)]
    assert aliases == 451
