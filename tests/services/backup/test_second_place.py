"""Copies of the backups in a second place: made, examined, caught up with, and told of."""

import asyncio
import json
import shutil
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from support import processes
from support.disks import fill, small_disk
from support.home import Home
from support.replica import copied_an_hour_ago
from support.waiting import until

from lvs.db import backup
from lvs.services.backup import litestream, second_place
from lvs.services.backup.check import check_data
from lvs.services.backup.replication import Replication
from lvs.services.backup.second_place import MARK, SecondPlace

pytestmark = pytest.mark.usefixtures("counted")


@pytest_asyncio.fixture
async def rated(tmp_path: Path) -> AsyncIterator[Home]:
    """A household with a rated video, whose second place is a folder on another disk."""
    (tmp_path / "usb").mkdir()
    async with Home(tmp_path, backup_directory=str(tmp_path / "usb" / "lvs")) as home:
        home.add("one.mp4")
        await home.scan()
        media_hash = (await home.video("one.mp4")).media_hash
        await home.client.post(f"/api/ratings/{media_hash}", json={"value": 5})
        yield home


def place(home: Home) -> Path:
    return home.data.parent / "usb" / "lvs"


async def test_every_backup_is_copied_whole_and_examined(rated: Home) -> None:
    made = await rated.services.backups.make()
    assert made is not None
    await rated.services.second_place.catch_up()
    [copied] = backup.listed(place(rated))
    assert copied.path.name == made.path.name
    assert copied.counts == made.counts
    assert copied.path.read_bytes() == made.path.read_bytes()
    assert sorted(each.name for each in copied.snapshot.iterdir()) == sorted(
        each.name for each in made.snapshot.iterdir()
    )
    state = rated.services.second_place.state()
    assert state is not None
    assert (state.newest, state.waiting, state.away_since, state.failure) == (copied, 0, None, "")


async def test_the_tile_names_the_last_copy(rated: Home) -> None:
    before = await (await rated.client.get("/admin/tiles/database")).get_data(as_text=True)
    assert "Last copy elsewhere" in before
    assert "none yet" in before
    await rated.services.backups.make()
    await rated.services.second_place.catch_up()
    after = await (await rated.client.get("/admin/tiles/database")).get_data(as_text=True)
    assert ", rehearsed" in after


async def test_a_place_that_was_away_is_caught_up_with(rated: Home) -> None:
    service, away = rated.services.second_place, place(rated).with_name("unplugged")
    await rated.services.backups.make()
    await service.catch_up()
    place(rated).rename(away)
    await rated.services.backups.make()
    await service.catch_up()
    state = service.state()
    assert state is not None
    assert state.away_since is not None
    assert "is away" in state.failure
    assert state.newest is not None
    assert not place(rated).exists()  # nothing is written onto the wrong disk
    health = await (await rated.client.get("/admin/tiles/health")).get_data(as_text=True)
    assert "for copies of backups is away" in health

    place(rated).mkdir()  # the mount point of the drive that is not mounted
    await service.catch_up()
    assert list(place(rated).iterdir()) == []
    place(rated).rmdir()
    away.rename(place(rated))
    await service.catch_up()
    assert len(backup.listed(place(rated))) == 2
    assert service.state() is not None
    assert service.state().failure == ""


async def test_a_new_drive_in_the_place_of_a_dead_one_is_begun_anew(rated: Home) -> None:
    service, mount = rated.services.second_place, place(rated).parent
    await rated.services.backups.make()
    with small_disk(mount, 20_000):
        await service.catch_up()
        assert len(backup.listed(place(rated))) == 1
    await service.catch_up()
    assert "is away" in failure(rated)
    assert not place(rated).exists()  # the mount point lies on the wrong disk
    with small_disk(mount, 20_000):
        await service.catch_up()
        assert (failure(rated), len(backup.listed(place(rated)))) == ("", 1)


async def test_a_drive_that_comes_after_the_first_start_is_used_from_then_on(rated: Home) -> None:
    service, mount = rated.services.second_place, place(rated).parent
    await rated.services.backups.make()
    await service.catch_up()
    assert len(backup.listed(place(rated))) == 1
    await rated.services.backups.make()
    with small_disk(mount, 20_000):
        await service.catch_up()
        assert (failure(rated), len(backup.listed(place(rated)))) == ("", 2)
    await service.catch_up()
    assert "is away" in failure(rated)
    assert len(backup.listed(place(rated))) == 1


async def test_a_new_machine_knows_when_the_drive_of_the_old_one_is_away(
    rated: Home, tmp_path: Path
) -> None:
    await rated.services.backups.make()
    mount = place(rated).parent
    fresh = SecondPlace(tmp_path / "new" / "backups", place(rated))
    with small_disk(mount, 20_000):
        await rated.services.second_place.catch_up()
        await fresh.catch_up()
    await fresh.catch_up()
    state = fresh.state()
    assert state is not None
    assert "is away" in state.failure
    assert list(mount.iterdir()) == []


async def test_a_second_place_without_room_is_told_of_and_caught_up_with(rated: Home) -> None:
    service, mount = rated.services.second_place, place(rated).parent
    with small_disk(mount, 20_000):
        await service.catch_up()
        filler = fill(mount)
        await rated.services.backups.make()
        await service.catch_up()
        assert "No space left" in failure(rated)
        assert [each.name for each in place(rated).iterdir()] == [MARK]
        filler.unlink()
        await service.catch_up()
        assert (failure(rated), len(backup.listed(place(rated)))) == ("", 1)


def failure(home: Home) -> str:
    state = home.services.second_place.state()
    assert state is not None
    return state.failure


async def test_a_new_machine_uses_the_place_of_the_old_one(rated: Home, tmp_path: Path) -> None:
    await rated.services.backups.make()
    await rated.services.second_place.catch_up()
    fresh = SecondPlace(tmp_path / "new" / "backups", place(rated))
    await fresh.catch_up()
    assert len(backup.listed(place(rated))) == 1


async def test_a_copy_that_is_not_what_was_copied_is_none(rated: Home, tmp_path: Path) -> None:
    made = await rated.services.backups.make()
    assert made is not None
    damaged = made.path.read_bytes()
    made.path.write_bytes(damaged[:4096] + bytes(len(damaged) - 4096))
    await rated.services.second_place.catch_up()
    assert backup.listed(place(rated)) == []
    state = rated.services.second_place.state()
    assert state is not None
    assert state.failure != ""
    assert [each.name for each in place(rated).iterdir()] == [MARK]


async def test_copies_that_are_too_many_go_and_do_not_come_back(rated: Home) -> None:
    made = await rated.services.backups.make("nightly")
    assert made is not None
    folder = rated.services.backups.folder
    for day in range(1, 60):
        name = made.path.name.replace(
            made.path.name[4:19], f"{made.made_at - timedelta(days=day):%Y%m%dT%H%M%S}"
        )
        shutil.copy(made.path, folder / name)
        shutil.copy(made.result, (folder / name).with_suffix(".json"))
    for _ in range(4):
        await rated.services.second_place.catch_up()
    kept = backup.listed(place(rated))
    assert 8 <= len(kept) <= 12
    assert second_place.missing_copies(folder, place(rated)) == []


async def test_check_says_when_the_copies_are_old(rated: Home) -> None:
    database, backups = rated.services.config.metadata_db, rated.services.backups.folder
    await rated.services.backups.make()

    def kinds(now: datetime | None = None) -> set[str]:
        return {
            each.kind
            for each in check_data(database, backups, now, second_place=place(rated)).findings
        }

    assert "copy-away" in kinds()
    place(rated).mkdir()
    assert "no-copy" in kinds()
    await rated.services.second_place.catch_up()
    assert not kinds() & {"copy-away", "no-copy", "old-copy"}
    assert "old-copy" in kinds(datetime.now(UTC) + timedelta(days=4))


async def test_a_replica_brings_up_a_new_machine(rated: Home, tmp_path: Path) -> None:
    url = f"file://{tmp_path}/replica"
    database = rated.services.config.metadata_db
    replication = Replication(url, database, rated.data, confirm_s=0.3)
    running = asyncio.create_task(replication.run())
    await until(lambda: replication.state().behind_s is not None)
    await litestream.confirm(replication.files, database, 20)
    rated_then = copied_an_hour_ago(tmp_path / "replica")
    await rated.client.delete(f"/api/ratings/{(await rated.video('one.mp4')).media_hash}")
    await litestream.confirm(replication.files, database, 20)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    for name, moment, ratings in (
        ("newest", [], 0),
        ("then", ["--timestamp", rated_then.isoformat()], 1),
    ):
        new = tmp_path / name
        done = processes.run(
            "restore", url, *moment, "--yes", "--json", "--data", new, cwd=tmp_path
        )
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["then"]["ratings"] == ratings
        assert backup.counts_of(new / "lvs.db").ratings == ratings
        assert [each.name for each in new.iterdir() if each.name.startswith(".restore")] == []
    for wrong in (["--timestamp", "yesterday"], ["--timestamp", "2001-01-01"]):
        refused = processes.run("restore", url, *wrong, "--yes", "--data", new, cwd=tmp_path)
        assert refused.returncode == 2, wrong
        assert refused.stderr.startswith("lvs: ")


@pytest.mark.parametrize("address", ["ftp://nas/x", "sftp://me:secret@nas/x", "s3://"])
def test_an_address_that_is_none_is_refused(address: str, tmp_path: Path) -> None:
    done = processes.run("restore", address, "--data", tmp_path / "data", cwd=tmp_path)
    assert done.returncode == 2
    assert "must" in done.stderr
