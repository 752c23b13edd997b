"""Saved views: forms, the bar's menu, JSON, headset players, the journal, export and restore."""

import asyncio
import json
import re
import sys
from pathlib import Path
from typing import Any

from quart import Response
from support.home import Home

from lvs.services.backup import export, snapshots

PAGE = {"Accept": "text/html"}


async def text(response: Response) -> str:
    return (await response.get_data()).decode()


async def get(home: Home, address: str, **headers: str) -> str:
    answer = await home.client.get(address, headers=PAGE | headers)
    assert answer.status_code == 200, address
    return await text(answer)


async def films(home: Home, *names: str) -> list[str]:
    for name in names:
        home.add(f"{name}.mp4")
    await home.scan()
    await home.services.gallery.fill()
    return [(await home.video(f"{name}.mp4")).media_hash for name in names]


async def save(home: Home, name: str, query: str) -> str:
    """The address of a new view."""
    answer = await home.client.post(f"/views?{query}", form={"name": name})
    assert answer.status_code == 303, await text(answer)
    return answer.headers["Location"]


def menu(page: str) -> list[tuple[str, str]]:
    """Names and numbers in the bar's menu."""
    panel = page[page.index('id="views"') :].partition("</nav>")[0]
    return re.findall(r"<bdi>(.*?)</bdi><span class=\"number\">([\d,]+)</span>", panel)


def heading(page: str) -> str:
    return re.findall(r"<h1[^>]*>(.*?)</h1>", page)[0]


async def views(home: Home) -> list[dict[str, Any]]:
    answer = await home.client.get("/api/views")
    assert answer.status_code == 200
    return json.loads(await answer.get_data())["views"]


async def test_a_selection_is_named_and_stands_in_the_menu_with_its_number(home: Home) -> None:
    one, *_ = await films(home, "alps", "berlin", "coast")
    await home.probed()  # a poster that comes is a new edition, which is counted anew
    await home.client.post(f"/videos/{one}/rating", form={"value": "5"})
    offer = await get(home, "/?unrated=1&sort=title")
    assert 'href="/views?unrated=1&amp;sort=title&amp;save=1"' in offer
    form = await get(home, "/views?unrated=1&sort=title&save=1")
    assert 'action="/views?unrated=1&amp;sort=title"' in form
    assert 'value="Unrated"' in form
    assert "Unrated, by title" in form
    assert "2 videos" in form
    address = await save(home, "To do", "unrated=1&sort=title")
    shown = await get(home, address)
    assert heading(shown) == "To do"
    assert shown.count('class="video-card') == 2
    assert menu(shown) == [("To do", "2")]
    before = home.queries
    assert menu(await get(home, "/")) == [("To do", "2")]
    assert home.queries - before <= 3  # as many as without a view
    two = (await home.video("berlin.mp4")).media_hash
    await home.client.post(f"/videos/{two}/rating", form={"value": "3"})
    assert menu(await get(home, "/history")) == [("To do", "1")]  # on the very next page
    taken = await home.client.post("/views?q=x", form={"name": " TO  do"})
    assert taken.status_code == 409
    assert "There is a view “TO do” already" in await text(taken)
    assert (await home.client.post("/views", form={"name": " "})).status_code == 400


async def test_views_are_ordered_renamed_deleted_and_each_step_has_one_undo(home: Home) -> None:
    await films(home, "a")
    addresses = [await save(home, name, f"q={name}") for name in ("One", "Two", "Three")]
    one, two, three = (address.removeprefix("/view/") for address in addresses)
    names = lambda page: re.findall(r'<b dir="auto">(\w+)</b>', page)  # noqa: E731
    await home.client.post(f"/views/{three}/move", form={"up": "1"})
    assert names(await get(home, "/views")) == ["One", "Three", "Two"]
    await home.client.post(f"/views/{one}/move", form={"to": "2"})
    assert names(await get(home, "/views")) == ["Three", "Two", "One"]
    await home.client.post(f"/views/{three}/move", form={"up": "1"})  # is the first: nothing
    await home.client.post(f"/views/{two}", form={"name": "Zwei"})
    answer = await home.client.post(f"/views/{three}/delete")
    page = await get(home, answer.headers["Location"])
    assert names(page) == ["Zwei", "One"]
    assert (await home.client.get(f"/view/{three}")).status_code == 404
    undo = re.findall(r'action="(/views/changes/\d+/undo)"', page)[0]
    await home.client.post(undo)
    assert names(await get(home, "/views")) == ["Three", "Zwei", "One"]
    assert (await home.client.post(undo)).status_code == 409
    journal = await get(home, "/admin/changes?what=views")
    assert "View “Two” renamed to “Zwei”" in journal
    renaming = re.findall(r'id="change-(\d+)"', journal.partition("renamed to")[0])[-1]
    assert "View “Two” renamed" in await get(home, "/admin/changes")
    answer = await home.client.post(f"/api/changes/{renaming}/undo")
    assert answer.status_code == 200
    assert names(await get(home, "/views")) == ["Three", "Two", "One"]
    for address in ("/views/none/delete", "/views/none/move", "/views/none/start", "/views/none"):
        assert (await home.client.post(address, form={"name": "x", "up": "1"})).status_code == 404
    assert (await home.client.post("/views/changes/1/undo")).status_code == 404


async def test_a_saved_view_drops_what_it_cannot_read_with_a_message(
    home: Home,
) -> None:
    await films(home, "a", "b")
    broken = (
        "resolution=9K&sort=colour&order=up&seed=-1&min_rating=many&recorded_from=2026-02-31"
        "&nothing=1&tag=%FF&folder=%FFno&progress=x&unrated=1&title%5B%5D=%00"
    )
    view = await home.services.saved_views.create("Odd", broken, "test")
    page = await get(home, f"/view/{view.view_id}")
    assert "that LVS does not know or cannot read" in page
    assert "resolution, sort, order, seed, min_rating, recorded_from, nothing, tag" in page
    assert "Left out, because" in await get(home, "/views")
    assert menu(await get(home, "/")) == [("Odd", "0")]  # there is no such folder
    [entry] = await views(home)
    assert entry["query"] == "unrated=1&folder=%FFno"
    assert "resolution" in entry["dropped"]
    assert (await home.client.post("/heresphere")).status_code == 200


async def test_the_api_makes_changes_and_deletes_views(home: Home) -> None:
    await films(home, "a", "b")
    answer = await home.client.post("/api/views", json={"name": "All", "where": {}})
    assert answer.status_code == 201
    made = json.loads(await answer.get_data())
    assert (made["name"], made["query"], made["count"], made["position"]) == ("All", "", 2, 0)
    wanted = {"name": "Alps", "where": {"tag": ["alps"], "min_rating": 4}}
    second = json.loads(await (await home.client.post("/api/views", json=wanted)).get_data())
    assert second["query"] == "tag=alps&min_rating=4"
    change = {"position": 0, "where": {"unrated": True}, "start_page": True}
    answer = await home.client.put(f"/api/views/{second['id']}", json=change)
    changed = json.loads(await answer.get_data())
    assert (changed["position"], changed["query"], changed["count"]) == (0, "unrated=1", 2)
    assert changed["start_page"]
    await home.client.put(f"/api/views/{made['id']}", json={"start_page": False})
    assert [each["start_page"] for each in await views(home)] == [True, False]  # was not its own
    assert [each["name"] for each in await views(home)] == ["Alps", "All"]
    for body in ({"name": "x"}, {"name": "x", "where": {"colour": 1}}, {"name": "", "where": {}}):
        assert (await home.client.post("/api/views", json=body)).status_code == 400
    assert (await home.client.post("/api/views", json=wanted)).status_code == 409
    answer = await home.client.delete(f"/api/views/{made['id']}")
    change_id = json.loads(await answer.get_data())["change_id"]
    assert [each["name"] for each in await views(home)] == ["Alps"]
    assert (await home.client.delete(f"/api/views/{made['id']}")).status_code == 404
    await home.client.post(f"/api/changes/{change_id}/undo")
    assert [each["name"] for each in await views(home)] == ["Alps", "All"]


async def test_each_person_begins_with_a_view_of_their_own(home: Home) -> None:
    await films(home, "a")
    address = await save(home, "Mine", "unrated=1")
    view_id = address.removeprefix("/view/")
    await home.client.post(f"/views/{view_id}/start", form={"value": "1"})
    answer = await home.client.get("/")
    assert (answer.status_code, answer.headers["Location"]) == (302, address)
    inside = {"Referer": "http://localhost/views"}
    assert (await home.client.get("/", headers=inside)).status_code == 200  # Home, from within
    await home.client.post("/people", form={"name": "Ada"})
    ada = {"LVS-Person": "Ada"}
    assert (await home.client.get("/", headers=ada)).status_code == 200
    other = (await save(home, "Hers", "favorite=1")).removeprefix("/view/")
    await home.client.post(f"/views/{other}/start", form={"value": "1"}, headers=ada)
    assert (await home.client.get("/", headers=ada)).headers["Location"] == f"/view/{other}"
    assert (await home.client.get("/")).headers["Location"] == address
    assert f'value="/view/{other}" selected' in await get(home, "/people")
    await home.client.post(f"/views/{other}/delete")
    assert (await home.client.get("/", headers=ada)).status_code == 200
    await home.client.post(f"/views/{view_id}/start", form={"value": "0"})
    assert (await home.client.get("/")).status_code == 200


async def test_somebody_limited_sees_their_own_numbers_and_changes_nothing(home: Home) -> None:
    one, *_ = await films(home, "a", "b")
    await home.client.post(f"/videos/{one}/tags", form={"tag": "kids"})
    address = await save(home, "All of it", "sort=title")
    await home.client.post(
        "/people", form={"name": "Bo", "limited": "1", "tags": "kids", "folders": ""}
    )
    bo = {"LVS-Person": "Bo"}
    page = await get(home, "/views", **bo)
    assert menu(page) == [("All of it", "1")]
    assert "Delete:" not in page
    assert menu(await get(home, "/views")) == [("All of it", "2")]
    assert (await get(home, address, **bo)).count('class="video-card') == 1
    view_id = address.removeprefix("/view/")
    for step in ("delete", "move"):
        answer = await home.client.post(f"/views/{view_id}/{step}", headers=bo)
        assert answer.status_code == 403


async def test_views_are_sections_for_headset_players(home: Home) -> None:
    one, two = await films(home, "a", "b")
    await save(home, "By title", "sort=title")
    await save(home, "Nothing", "favorite=1")
    answer = await home.client.post("/heresphere")
    library = json.loads(await answer.get_data())["library"]
    [section] = [each for each in library if each["name"] == "By title"]
    assert [url.rpartition("/")[2] for url in section["list"]] == [one, two]
    assert "Nothing" not in [each["name"] for each in library]
    again = await home.client.get("/heresphere", headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304
    scenes = json.loads(await (await home.client.post("/deovr")).get_data())["scenes"]
    assert "By title" in [each["name"] for each in scenes]
    await home.client.put(f"/api/views/{(await views(home))[0]['id']}", json={"name": "Titles"})
    library = json.loads(await (await home.client.post("/heresphere")).get_data())["library"]
    assert "Titles" in [each["name"] for each in library]


async def test_a_backup_and_an_export_bring_views_back(home: Home, tmp_path: Path) -> None:
    await films(home, "a")
    await save(home, "Zoo", "tag=zoo%20animals&sort=title")
    address = await save(home, "Alps ☃", "q=alps")
    gone = await save(home, "Gone", "q=gone")
    await home.client.post(f"/views/{gone.removeprefix('/view/')}/delete")
    await home.client.post("/people", form={"name": "Ada", "start": address})
    exported = b"".join([piece async for piece in export.as_json(home.services.database)])
    folder = tmp_path / "snapshot"
    folder.mkdir()
    snapshots.write(home.data / "lvs.db", folder)
    (tmp_path / "export.json").write_bytes(exported)
    for source in (folder, tmp_path / "export.json"):
        house = tmp_path / f"house-{source.stem}"
        (house / "data").mkdir(parents=True)
        command = [sys.executable, "-m", "lvs", "restore", str(source), "--yes"]
        for _ in range(2):  # the second time changes nothing
            done = await asyncio.create_subprocess_exec(*command, "--data", str(house / "data"))
            assert await done.wait() == 0
        async with Home(house) as other:
            found = await other.services.saved_views.every()
            wanted = [("Zoo", "tag=zoo%20animals&sort=title"), ("Alps ☃", "q=alps")]
            assert [(view.name, view.query) for view in found] == wanted
            answer = await other.client.get("/", headers={"LVS-Person": "Ada"})
            assert answer.headers["Location"] == address
