"""The queue of videos to be probed: another version of the probe tries again what failed before."""

from typing import Any

import pytest
from support.home import Home

from lvs.services.media.probe_pool import probe_version

pytestmark = pytest.mark.core


async def row(home: Home, columns: str) -> tuple[Any, ...]:
    async with home.services.database.read() as db:
        (found,) = await db.all(f"SELECT {columns} FROM videos")
    return tuple(found)


async def change(home: Home, assignment: str) -> None:
    async with home.services.database.transaction() as tx:
        await tx.run(f"UPDATE videos SET {assignment}")


async def restart(home: Home) -> None:
    await home.stop()
    await home.start()
    await home.probed()


@pytest.mark.parametrize(
    "fault",
    [
        "state = 'unreadable', attempts = 0, probe_version = NULL",
        "state = 'unreadable', attempts = 0, probe_version = '1 av 18.0.0'",
        "state = 'new', attempts = 3, looked_fingerprint = NULL, probe_version = '0 av 19.0.2'",
    ],
)
async def test_failures_of_another_version_are_probed_again_after_a_restart(
    home: Home, fault: str
) -> None:
    home.add("film.mp4")
    await home.scan()
    await home.probed()
    assert await row(home, "state, probe_version") == ("ready", probe_version())
    await change(home, f"{fault}, duration_s = NULL, poster = NULL, reason = 'it went wrong'")
    await restart(home)
    state, duration_s, poster, reason, version = await row(
        home, "state, duration_s, poster, reason, probe_version"
    )
    assert (state, reason, version) == ("ready", None, probe_version())
    assert duration_s > 0
    assert poster is not None


async def test_failures_of_this_version_are_not_probed_again(home: Home) -> None:
    home.add("film.mp4", b"no film at all" * 1000)
    await home.scan()
    await home.probed()
    assert await row(home, "state, probe_version") == ("unreadable", probe_version())
    await change(home, "looked_at = 1")
    await restart(home)
    assert await row(home, "state, looked_at") == ("unreadable", 1)
