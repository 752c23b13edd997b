"""Dates of addition that a wrong clock gave, and their correction."""

import os
import time
from pathlib import Path

import pytest
from support.home import OLD_NS, Home

from lvs.clock import now_ms
from lvs.db.added_dates import AddedDateRange
from lvs.db.changes import ChangeFilter
from lvs.errors import Conflict

OLD_MS = OLD_NS // 1_000_000
DAY_MS = 24 * 3600 * 1000
ORIGIN = {"Origin": "http://localhost"}


async def _add(home: Home, **dates: int) -> None:
    """Films with these dates of addition, as a wrong clock left them."""
    for name in dates:
        home.add(f"{name}.mp4")
    await home.scan()
    async with home.services.database.transaction() as tx:
        for name, at in dates.items():
            await tx.run("UPDATE videos SET added_at = ? WHERE title = ?", (at, name))
            sql = "UPDATE gallery SET added_at = ? WHERE title = ?"
            await tx.run(sql, (at, name))


async def _dates(home: Home) -> dict[str, int]:
    async with home.services.database.read() as db:
        rows = await db.all("SELECT title, added_at FROM gallery")
    return {row[0]: row[1] for row in rows}


async def test_dates_that_cannot_be_are_told_looked_at_repaired_and_taken_back(home: Home) -> None:
    tomorrow = now_ms() + 2 * DAY_MS
    odd = {"epoch": 5_000, "bios": 315_532_800_000, "ahead": tomorrow, "negative": -1}
    right = {"long ago": 1_000_000_000_000, "now": now_ms()}
    await _add(home, **odd, **right)
    dashboard = await (await home.client.get("/admin/performance")).get_data(as_text=True)
    assert "4 films have dates of addition that cannot be" in dashboard
    assert 'href="/admin/dates"' in dashboard
    page = await (await home.client.get("/admin/dates")).get_data(as_text=True)
    assert "Repair 4 dates" in page
    assert "added 1980-01-0" in page
    assert (await _dates(home)) == odd | right  # a look changes nothing

    answer = await home.client.post("/admin/errands/dates", headers=ORIGIN)
    assert answer.status_code == 303
    jobs = await (await home.client.get("/admin/jobs")).get_data(as_text=True)
    assert "4 dates repaired." in jobs
    assert await _dates(home) == dict.fromkeys(odd, OLD_MS) | right
    page = await (await home.client.get("/admin/dates")).get_data(as_text=True)
    assert "Every date of addition is possible" in page

    journal = home.services.journal
    entries, _ = await journal.page(ChangeFilter(what="added"))
    assert len(entries) == 4
    client = entries[0].change.client
    listed = await home.client.get("/admin/changes?what=added")
    assert "date added 2023-11-1" in await listed.get_data(as_text=True)
    for entry in entries:
        assert (await journal.undo(entry.change.id, client)).reason == ""
    assert await _dates(home) == odd | right


async def test_a_date_becomes_the_earliest_time_at_which_the_film_is_known(home: Home) -> None:
    await _add(home, given=0, future=0, neither=0)
    title = "given"
    await home.services.ratings.rate((await home.video(f"{title}.mp4")).media_hash, 4, "test")
    async with home.services.database.transaction() as tx:
        await tx.run("UPDATE changes SET at = ?", (OLD_MS - DAY_MS,))
        sql = "UPDATE files SET mtime_ns = ? WHERE path <> ?"
        await tx.run(sql, (9_000_000_000_000_000_000, b"given.mp4"))
    before = now_ms()
    assert (
        await home.services.added_dates.repair(AddedDateRange(), "test", lambda done, total: None)
        == 3
    )
    dates = await _dates(home)
    assert dates["given"] == OLD_MS - DAY_MS
    assert before <= dates["future"] <= now_ms()
    assert dates["neither"] == dates["future"]


async def test_the_days_of_a_wrong_clock_can_be_chosen(home: Home) -> None:
    in_2016 = 1_455_000_000_000
    await _add(home, one=in_2016, other=in_2016 + 5 * DAY_MS, third=in_2016 - 5 * DAY_MS)
    assert (await home.services.added_dates.preview(AddedDateRange())).total == 0
    for days, count in (("from=2016-02-09&to=2016-02-09", 1), ("from=2016-02-09", 2)):
        page = await (await home.client.get(f"/admin/dates?{days}")).get_data(as_text=True)
        assert f"Repair {count} date" in page
    await home.client.post("/admin/errands/dates?from=2016-02-09&to=2016-02-09", headers=ORIGIN)
    dates = await _dates(home)
    assert dates["one"] == OLD_MS
    assert dates["other"] == in_2016 + 5 * DAY_MS
    for wrong in ("from=yesterday", "to=2016-13-01", "from=0001-01-01", "to=9999-12-31"):
        assert (await home.client.get(f"/admin/dates?{wrong}")).status_code == 400


async def test_a_film_that_somebody_dated_long_ago_is_believed(home: Home) -> None:
    path = home.add("tape of 1985.mp4")
    await home.scan()
    at = 490_000_000
    os.utime(path, (at, at))
    await home.scan()
    async with home.services.database.transaction() as tx:
        await tx.run("UPDATE videos SET added_at = ?", (at * 1000,))
    assert (await home.services.added_dates.preview(AddedDateRange())).total == 0


@pytest.mark.parametrize("first_scan", [True, False])
async def test_a_clock_of_1970_gives_no_date(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, first_scan: bool
) -> None:
    began = time.monotonic_ns()
    async with Home(tmp_path) as home:
        if not first_scan:
            home.add("before.mp4")
            await home.scan()
        else:
            await home.stop()
        with monkeypatch.context() as patched:
            patched.setattr(time, "time_ns", lambda: time.monotonic_ns() - began + 10**10)
            home.add("film.mp4")
            await (home.start() if first_scan else home.scan())
            assert (await home.video("film.mp4")).added_at == OLD_MS
            with pytest.raises(Conflict):
                await home.services.added_dates.preview(AddedDateRange())
            answer = await home.client.get("/admin/dates")
            assert answer.status_code == 409
        assert (await home.services.added_dates.preview(AddedDateRange())).total == 0
