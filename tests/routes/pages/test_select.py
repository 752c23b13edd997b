"""Many at once by plain forms, by htmx and by JSON."""

import html
import json
import re
from typing import Any
from urllib.parse import urlencode

import pytest
from quart import Response
from support.home import Home

from lvs.db.changes import ChangeFilter
from lvs.models import Query

HTMX = {"HX-Request": "true", "HX-Request-Type": "partial"}


async def text(response: Response) -> str:
    return (await response.get_data()).decode()


async def films(home: Home, count: int) -> list[str]:
    for number in range(count):
        home.add(f"film{number}.mp4")
    await home.scan()
    return [(await home.video(f"film{number}.mp4")).media_hash for number in range(count)]


async def send(home: Home, address: str, form: dict[str, Any]) -> Response:
    """Send a form in which a name may stand more than once."""
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    return await home.client.post(address, data=urlencode(form, doseq=True), headers=headers)


async def tags_of(home: Home, hashes: list[str]) -> list[tuple[str, ...]]:
    return [(await home.services.videos.get(each)).tags for each in hashes]


async def test_ticked_films_are_changed_and_taken_back_by_plain_forms(home: Home) -> None:
    hashes = await films(home, 3)
    page = await text(await home.client.get(f"/select?q=film&chosen={hashes[1]}"))
    assert page.count('type="checkbox" name="video"') == 3
    assert f'value="{hashes[1]}" form="bulk" checked' in page
    assert 'All 3<span class="of-these"> of this selection</span>' in page
    form = {"video": hashes[:2], "tags_add": "alps, Snow", "rating": "4"}
    answer = await send(home, "/select?q=film", form)
    assert answer.status_code == 303
    address = answer.headers["Location"]
    page = await text(await home.client.get(address))
    assert "2 videos changed." in page
    assert await tags_of(home, hashes) == [("alps", "Snow"), ("alps", "Snow"), ()]
    [line] = (await home.services.journal.page(ChangeFilter()))[0]
    shown = await text(await home.client.get("/admin/changes"))
    assert "2 videos" in shown
    assert "4 stars, tag “alps” added, tag “Snow” added" in shown
    undo = f"/changes/{line.change.id}/undo"
    assert f'action="{undo}"' in page
    answer = await home.client.post(undo, form={"back": "/select?q=film"})
    assert "Undone for 2 videos." in await text(await home.client.get(answer.headers["Location"]))
    assert await tags_of(home, hashes) == [(), (), ()]
    assert (await home.client.post(undo)).status_code == 409


async def test_a_tag_with_a_comma_is_written_in_quotation_marks(home: Home) -> None:
    hashes = await films(home, 2)
    form = {"video": hashes, "tags_add": '"Paris, France", snow', "tags_remove": ""}
    assert (await send(home, "/select", form)).status_code == 303
    assert await tags_of(home, hashes) == [("Paris, France", "snow")] * 2
    page = await text(await home.client.get("/select"))
    assert '<option value="&#34;Paris, France&#34;">' in page
    form = {"video": hashes, "tags_remove": '"paris, france"'}
    assert (await send(home, "/select", form)).status_code == 303
    assert await tags_of(home, hashes) == [("snow",)] * 2


async def test_all_of_a_selection_are_those_that_were_counted(home: Home) -> None:
    await films(home, 3)
    seen_id = await home.services.gallery.last_id()
    home.add("film9.mp4")
    await home.scan()
    form = {"all": "1", "seen_id": str(seen_id), "counted": "3", "favorite": "1"}
    said = await text(await home.client.post("/select?unrated=1", form=form, headers=HTMX))
    assert "3 videos changed." in said
    assert await home.services.gallery.count(Query(favorite=True)) == 3
    said = await text(await home.client.post("/select", form=form | {"counted": "4"}, headers=HTMX))
    assert "0 videos changed, 3 had it already; 4 were counted before, 3 there now." in said


async def test_the_number_of_a_selection_follows_what_was_changed(home: Home) -> None:
    hashes = await films(home, 3)
    page = await text(await home.client.get("/select?unrated=1"))
    [url] = re.findall(r'id="selection-count" hx-get="([^"]*)"', page)
    await home.services.ratings.rate(hashes[0], 3, "a")
    home.add("film9.mp4")
    home.add("film10.mp4")
    await home.scan()
    part = await text(await home.client.get(html.unescape(url), headers=HTMX))
    assert part.startswith('<span id="selection-count"')
    assert 'name="counted" value="4"' in part
    assert f'name="seen_id" value="{await home.services.gallery.last_id()}"' in part
    assert "4 videos</hx-partial>" in part


async def test_a_selection_is_exported_and_gets_posters_again(home: Home) -> None:
    hashes = await films(home, 3)
    form: dict[str, Any] = {"video": [hashes[2], hashes[0]], "do": "export-json"}
    answer = await send(home, "/select", form)
    found = json.loads(await answer.get_data())
    assert [video["media_hash"] for video in found["videos"]] == [hashes[2], hashes[0]]
    answer = await send(home, "/select", form | {"do": "export-csv"})
    assert (await text(answer)).count("\r\n") == 3
    await home.probed()
    keys = [(await home.services.videos.get(each)).poster or "" for each in hashes]
    posters = [home.services.posters.path(key, 320, "jpg") for key in keys]
    for poster in posters:
        poster.unlink()
    answer = await send(home, "/select", form | {"do": "posters"})
    assert answer.status_code == 303
    page = await text(await home.client.get(answer.headers["Location"]))
    assert "Posters of 2 videos are made again." in page
    await home.until(lambda: posters[0].exists() and posters[2].exists())
    assert not posters[1].exists()


async def test_the_api_changes_many_at_once(home: Home) -> None:
    hashes = await films(home, 3)
    answer = await home.client.post(
        "/api/bulk", json={"where": {"q": "film"}, "set": {"rating": 3, "tags_add": ["alps"]}}
    )
    done = await answer.get_json()
    assert done["changed"] == 3
    wanted = {"media_hashes": hashes[:1], "set": {"rating": None, "tags_remove": ["ALPS"]}}
    assert (await (await home.client.post("/api/bulk", json=wanted)).get_json())["changed"] == 1
    assert await tags_of(home, hashes) == [(), ("alps",), ("alps",)]
    nothing = await (await home.client.post("/api/bulk", json=wanted)).get_json()
    assert nothing == {"changed": 0, "change_id": None}
    address = f"/api/changes/{done['change_id']}/undo"
    undone = await (await home.client.post(address)).get_json()
    assert (undone["changed"], undone["skipped"]) == (2, 2)
    assert (await home.client.post(address)).status_code == 409
    again = await home.client.post(f"/api/changes/{undone['change_id']}/undo")
    assert (await again.get_json())["changed"] == 2


async def listed(home: Home, address: str, *names: str) -> int:
    """The length of a list that an address of the API answers."""
    answer = await home.client.get(address)
    found: Any = await answer.get_json()
    for name in names:
        found = found[name]
    return len(found)


ACTIONS: list[tuple[dict[str, str], dict[str, Any], str, tuple[int, int]]] = [
    ({"rating": "5"}, {"rating": 5}, "/api/videos?min_rating=5", (0, 2)),
    ({"rating": "0"}, {"rating": None}, "/api/videos?unrated=1", (1, 3)),
    ({"favorite": "1"}, {"favorite": True}, "/api/videos?favorite=1", (2, 3)),
    ({"favorite": "0"}, {"favorite": False}, "/api/videos?favorite=1", (2, 1)),
    ({"tags_add": "new, x y"}, {"tags_add": ["new", "x y"]}, "/api/videos?tag=new&tag=x+y", (0, 2)),
    ({"tags_remove": "Old"}, {"tags_remove": ["OLD"]}, "/api/videos?tag=old", (2, 1)),
    ({"hidden": "1"}, {"hidden": True}, "/api/videos?hidden=1", (0, 2)),
    ({"hidden": "0"}, {"hidden": False}, "/api/videos?hidden=1", (0, 0)),
    ({"watched": "1"}, {"watched": True}, "/api/videos?progress=watched", (1, 2)),
    ({"watched": "0"}, {"watched": False}, "/api/videos?progress=watched", (1, 0)),
    ({"later": "1"}, {"later": True}, "/api/later", (1, 2)),
    ({"later": "0"}, {"later": False}, "/api/later", (1, 0)),
    ({"playlist": "1"}, {"playlist": 1}, "/api/playlists/1", (1, 3)),
    ({"title": "Trip {n}"}, {"title": "Trip {n}"}, "/api/videos?q=trip", (0, 2)),
    ({"do": "reset-titles"}, {"title": ""}, "/api/videos?q=mine", (1, 0)),
]


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: " ".join(action[0]))
async def test_every_action_by_a_form_and_by_json_with_one_undo(
    home: Home, action: tuple[dict[str, str], dict[str, Any], str, tuple[int, int]]
) -> None:
    form, wanted, address, (before, after) = action
    hashes = await films(home, 3)
    ours = home.services
    await ours.playlists.create("Friday", "", hashes[2])
    await ours.later.set(hashes[1], True)
    await ours.videos.retitle(hashes[0], "Mine", "a")
    for each in hashes[:2]:
        await ours.tags.add(each, "old", "a")
        await ours.ratings.rate(each, 3, "a")
    for each in hashes[1:]:
        await ours.favorites.set(each, True, "a")
    await ours.progress.mark(hashes[0], True)
    await ours.tags.add(hashes[2], "old", "a")
    await ours.tags.remove(hashes[1], "old", "a")
    chosen = [hashes[0], hashes[1]]
    parts = address.partition("?")[0].split("/")[2:]
    name = "items" if parts[0] == "playlists" else "videos"
    assert await listed(home, address, name) == before
    answer = await send(home, "/select", {"video": chosen} | form)
    assert answer.status_code == 303
    assert await listed(home, address, name) == after
    lines, _ = await ours.journal.page(ChangeFilter(what="bulk"))
    assert len(lines) == (form != {"hidden": "0"})  # nothing was hidden
    for line in lines:
        await home.client.post(f"/changes/{line.change.id}/undo")
    assert await listed(home, address, name) == before
    answer = await home.client.post("/api/bulk", json={"media_hashes": chosen, "set": wanted})
    done = await answer.get_json()
    assert await listed(home, address, name) == after
    if done["change_id"]:
        undone = await home.client.post(f"/api/changes/{done['change_id']}/undo")
        assert (await undone.get_json())["changed"] == done["changed"]
    assert await listed(home, address, name) == before


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"where": {}}, 400),
        ({"set": {"rating": 3}}, 400),
        ({"where": {}, "media_hashes": [], "set": {"rating": 3}}, 400),
        ({"where": {"tags": "alps"}, "set": {"rating": 3}}, 400),
        ({"where": {"min_rating": "x"}, "set": {"rating": 3}}, 400),
        ({"where": {}, "set": {}}, 400),
        ({"where": {}, "set": {"rating": 7}}, 400),
        ({"where": {}, "set": {"stars": 3}}, 400),
        ({"where": {}, "set": {"tags_add": ["\ud800"]}}, 400),
        ({"where": {}, "set": {"playlist": 77}}, 404),
        ({"media_hashes": ["0" * 16], "set": {"rating": 3}}, 404),
        ([], 400),
    ],
)
async def test_nonsense_gets_a_message_and_changes_nothing(
    home: Home, body: Any, status: int
) -> None:
    answer = await home.client.post("/api/bulk", json=body)
    assert answer.status_code == status
    assert (await answer.get_json())["detail"].endswith(".")
    assert (await home.client.post("/api/changes/7/undo")).status_code == 404
    assert (await home.client.post("/api/changes/x/undo")).status_code == 404
    assert (await home.client.post("/select", form={"rating": "3"})).status_code == 400
    assert (await home.client.post("/select", form={"all": "1"})).status_code == 400
