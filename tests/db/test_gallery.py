"""The rows that the gallery shows, brought up to date with the tables they are derived from."""

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from support.crowd import Crowd, crowd, draw

from lvs.db import files, gallery, roots
from lvs.db.connection import Transaction
from lvs.models import Fingerprint, FoundFile

AWAY = [b"", b"Trips", b"Trips/2024"]
NOT_COMPARED = "version"


async def rows(tx: Transaction) -> tuple[list[Any], list[Any]]:
    columns = [
        row["name"]
        for row in await tx.all("SELECT name FROM pragma_table_info('gallery')")
        if row["name"] != NOT_COMPARED
    ]
    shown = f"SELECT {', '.join(columns)} FROM gallery ORDER BY video_id"
    return await tx.tuples(shown), await tx.tuples("SELECT id, copy FROM files ORDER BY id")


async def copy_some(many: Crowd, chance: random.Random, root_ids: Sequence[int]) -> None:
    """Give some videos a second file, in this library folder or the other one."""
    async with many.database.transaction() as tx:
        for person in chance.sample(many.people, len(many.people) // 4):
            place = chance.choice(["Trips", "Trips/2024", "copies"])
            found = FoundFile(f"{place}/copy of {person.id}.mp4".encode(), person.size_bytes, 1)
            name = f"{person.id:016x}"
            await files.add(tx, person.id, chance.choice(root_ids), found, Fingerprint(name, name))
        await gallery.refresh(tx, [person.id for person in many.people])


@pytest.mark.parametrize("seed", range(4))
async def test_drives_that_go_and_come_back_leave_the_rows_that_a_whole_refresh_gives(
    tmp_path: Path, seed: int
) -> None:
    chance = random.Random(seed)
    async with crowd(tmp_path, draw(60, seed)) as many:
        async with many.database.read() as db:
            root_ids = [root.id for root in await roots.every(db)]
        await copy_some(many, chance, root_ids)
        for _ in range(12):
            root_id, folder = chance.choice(root_ids), chance.choice(AWAY)
            async with many.database.transaction() as tx:
                if folder:
                    await roots.set_away(tx, root_id, chance.choice([[folder], []]), 1)
                else:
                    await roots.set_offline(tx, root_id, chance.choice([None, 1]))
                for each in AWAY[1:] if folder else [b""]:
                    await gallery.refresh_offline(tx, root_id, each)
                found = await rows(tx)
                for each_id in root_ids:
                    await gallery.refresh_root(tx, each_id)
                assert found == await rows(tx)


async def test_a_drive_of_many_films_goes_in_as_few_statements_as_one_of_few(
    tmp_path: Path,
) -> None:
    statements = {}
    for count in (20, 1200):
        async with crowd(tmp_path / str(count), draw(count, 1)) as many:
            before = many.database.usage.queries
            async with many.database.transaction() as tx:
                for root in await roots.every(tx):
                    await roots.set_offline(tx, root.id, 1)
                    await gallery.refresh_offline(tx, root.id)
                assert await tx.value("SELECT count(*) FROM gallery WHERE offline") == count
                assert await tx.value("SELECT count(*) FROM gallery_changes") >= count
            statements[count] = many.database.usage.queries - before
    assert statements[20] == statements[1200]
