"""The operator's calls: each with content, as the document says, in runs, and for whom."""

import os
from pathlib import Path
from typing import Any

import pytest
from support.home import Home, distinct_video
from support.wire import Wire

from lvs.routes import SITE_MAP
from lvs.services.auth import AccessFile
from lvs.services.monitoring import log_tail
from lvs.services.monitoring.log_tail import LogPlace

from ..test_api import mismatch

CALLS = sorted(
    route.address
    for route in SITE_MAP.routes()
    if route.address.startswith("/api/admin/") and route.method == "GET"
)


async def get(home: Home, address: str, **query: Any) -> Any:
    answer = await home.client.get(f"/api/admin/{address}", query_string=query)
    assert answer.status_code == 200, await answer.get_data(as_text=True)
    return await answer.get_json()


async def every(home: Home, address: str, name: str, **query: Any) -> list[Any]:
    """All entries of a list, asked for one by one."""
    found: list[Any] = []
    after = None
    for _ in range(1000):
        run = await get(home, address, limit=1, **({"after": after} if after else {}), **query)
        assert len(run[name]) <= 1
        found += run[name]
        after = run["next"]
        if after is None:
            return found
    raise AssertionError("the list has no end")


async def full_house(home: Home) -> None:
    """A library with something for each list."""
    content = distinct_video()
    for name in ("copies/a.mp4", "copies/b.mp4", "copies/c.mp4", "copies/d.mp4"):
        home.add(name, content if name < "copies/c" else b"2" + content)
    for number in range(3):
        home.add(f"film {number}.mp4")
        home.add(f"broken {number}.mp4", b"no film %d" % number)
    home.add(b"latin \xe9.mp4")
    await home.scan()
    await home.probed()
    for number in range(3):
        media_hash = (await home.video(f"film {number}.mp4")).media_hash
        await home.services.ratings.rate(media_hash, 1 + number, "tester")
        await home.services.tags.add(media_hash, f"tag {number}", "tester")
        await home.services.tags.add(media_hash, "snow", "tester")
        await home.services.views.count(media_hash, "tester")
    for gone in (b"film 1.mp4", b"film 2.mp4", b"latin \xe9.mp4"):
        (home.library / os.fsdecode(gone)).unlink()
    await home.scan()


async def test_every_list_in_runs_of_one_is_the_list_at_once(home: Home) -> None:
    await full_house(home)
    missing = await home.services.recycle_bin.page()
    await home.services.recycle_bin.forget([missing[0][0].id], 2**53, "tester")
    (home.data / "logs").mkdir()
    (home.data / "logs" / log_tail.FILE_NAME).write_text(
        "2026-11-29 12:00:00 info lvs.x: one\n2026-11-29 12:00:00 warning lvs.x: two\n"
    )
    document = await (await home.client.get("/api/openapi.json")).get_json()
    for address, name, least in (
        ("jobs", "jobs", 0),
        ("changes", "changes", 6),
        ("missing", "videos", 2),
        ("bin", "videos", 1),
        ("duplicates", "videos", 1),
        ("unreadable", "files", 3),
        ("storage", "folders", 1),
        ("health", "issues", 0),
        ("log", "entries", 2),
        ("usage", "tags", 2),
    ):
        whole = await get(home, address)
        assert await every(home, address, name) == whole[name], address
        assert len(whole[name]) >= least, address
        assert whole["next"] is None
        schema = document["paths"][f"/api/admin/{address}"]["get"]["responses"]["200"]["content"]
        assert mismatch(whole, schema["application/json"]["schema"], document) is None, address
    folders = await every(
        home, "storage", "folders", root=home.services.library.active_roots[0].id, folder="copies"
    )
    assert [(each["name"], each["files"]) for each in folders] == [(None, 4)]
    views = await every(home, "changes", "changes", what="view")
    assert [each["what"] for each in views] == ["view"] * 3
    assert (await get(home, "missing"))["total"] == 2


async def test_a_change_that_is_listed_is_undone_by_its_id(home: Home) -> None:
    home.add("film.mp4")
    await home.scan()
    media_hash = (await home.video("film.mp4")).media_hash
    await home.services.ratings.rate(media_hash, 4, "tester")
    [change] = (await get(home, "changes", client="tester"))["changes"]
    assert (change["media_hash"], change["new"], change["undoable"]) == (media_hash, "4", True)
    answer = await home.client.post(f"/api/changes/{change['id']}/undo")
    assert answer.status_code == 200
    assert (await home.services.ratings.get(media_hash)).value is None
    undo_id = (await answer.get_json())["change_id"]
    newest, before = (await get(home, "changes", video=media_hash, limit=2))["changes"]
    assert newest["id"] == undo_id
    assert (newest["undoes"], before["undoable"]) == (change["id"], False)
    await home.services.tags.add(media_hash, "alps", "tester")
    answer = await home.client.post("/api/tags/alps", json={"rename": "mountains"})
    [line] = (await get(home, "changes", what="tags"))["changes"]
    assert line["id"] == (await answer.get_json())["change_id"]
    assert "mountains" in line["title"]


async def test_jobs_are_those_of_their_state(home: Home) -> None:
    jobs, turns = home.services.jobs, home.services.probe_pool._turns
    await turns.acquire()  # the only worker is taken: everything waits
    for number in range(4):
        home.add(f"film {number}.mp4")
    await home.scan()
    await home.until(lambda: jobs.running == 1 and jobs.queued == 3)
    jobs.stop(jobs.in_line()[-1][0])
    found = await get(home, "jobs")
    assert found["counts"] == {"running": 1, "waiting": 2, "failed": 0, "stopped": 1}
    assert [each["state"] for each in found["jobs"]] == ["running", *["waiting"] * 2, "stopped"]
    waiting = await every(home, "jobs", "jobs", state="waiting")
    assert [each["video_id"] for each in waiting] == [video_id for video_id, _ in jobs.in_line()]
    assert (await get(home, "jobs", q="no such film"))["jobs"] == []
    turns.release()


@pytest.mark.parametrize(
    ("address", "status", "message"),
    [
        ("jobs?state=lazy", 400, "The state of a job is one of"),
        ("jobs?limit=0", 400, "limit is a whole number from 1 to 500"),
        ("changes?what=nothing", 400, "The kind of a change is one of"),
        ("changes?video=0000000000000000", 404, ""),
        ("changes?video=%FF", 400, "UTF-8"),
        ("missing?after=broken", 400, "This link is broken"),
        ("duplicates?after=WyJ4IiwxXQ", 400, "This link is broken"),
        ("storage?root=999", 404, "There is no such library folder"),
        ("storage?folder=x", 400, "Name the library folder"),
        ("log?level=loud", 400, "The level is one of"),
        ("nothing", 404, ""),
    ],
)
async def test_refused_requests_get_a_problem(
    home: Home, address: str, status: int, message: str
) -> None:
    answer = await home.client.get(f"/api/admin/{address}")
    assert answer.status_code == status
    assert answer.mimetype == "application/problem+json"
    assert message in (await answer.get_json())["detail"]


@pytest.mark.parametrize("protect", ["everything", "changes"])
async def test_only_signed_in_programs_are_answered(tmp_path: Path, protect: str) -> None:
    async with Home(tmp_path, password="a long password", protect=protect) as home:
        token = AccessFile(home.data).add_token("reader")
        for address in CALLS:
            answer = await home.client.get(address)
            assert answer.status_code == 401, address
            assert answer.mimetype == "application/problem+json"
            answer = await home.client.get(address, headers={"Authorization": f"Bearer {token}"})
            assert answer.status_code == 200, address


async def test_no_page_of_another_origin_reads_them(home: Home) -> None:
    async with Wire(home.app) as wire:
        for address, shared in (("/api/admin/log", False), ("/api/videos", True)):
            for method in ("GET", "OPTIONS"):
                answer = await wire.ask(
                    address,
                    ["Origin: http://nas.local", f"Access-Control-Request-Method: {method}"],
                    method,
                )
                assert ("access-control-allow-origin" in answer.headers) == shared


def test_runs_of_the_log_go_on_where_the_last_one_ended(tmp_path: Path) -> None:
    """Also while lines are added, and where many have the same second."""
    lines = [f"2026-11-29 12:00:{number // 7:02} info lvs.x: line {number}" for number in range(40)]
    path = tmp_path / log_tail.FILE_NAME
    path.write_text("\n".join(lines) + "\n")
    found: list[str] = []
    place: LogPlace | None = None
    while True:
        run, place = log_tail.run(tmp_path, "info", 3, place)
        found += [entry.text for entry in run]
        with path.open("a") as file:
            file.write("2026-11-29 12:00:59 info lvs.x: new\n")
        if place is None:
            break
    assert found == [f"line {number}" for number in range(39, -1, -1)]
