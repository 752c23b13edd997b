"""Playlists and Later: pages, forms and JSON."""

import re

import pytest
from quart import Response
from support.home import Home
from support.household import a_film

HTMX = {"HX-Request": "true", "HX-Request-Type": "partial"}


async def text(response: Response) -> str:
    return (await response.get_data(as_text=False)).decode()


async def films(home: Home, *names: str) -> list[str]:
    """The hashes of new films."""
    for name in names:
        home.add(f"{name}.mp4")
    await home.scan()
    return [(await home.video(f"{name}.mp4")).media_hash for name in names]


async def titles(home: Home, playlist_id: int) -> list[str]:
    return [item.title for item in await home.services.playlists.items(playlist_id)]


async def test_a_list_shows_posters_of_its_first_films(home: Home) -> None:
    hashes = await films(home, "one", "two", "three", "four", "five", "six")
    await home.probed()
    playlist_id = await home.services.playlists.create("Alps")
    await home.services.playlists.create("Empty")
    for each in (hashes[0], hashes[0], *hashes[1:]):
        await home.services.playlists.add(playlist_id, each)
    await home.services.hidden.set(hashes[1], True, "a")
    await home.services.later.set(hashes[5], True, "a")
    page = await text(await home.client.get("/playlists"))
    shown = [re.findall(r'src="/thumbnail/([0-9a-f]{16})', card) for card in page.split("<li")]
    assert [each for each in shown if each] == [[hashes[5]], [hashes[n] for n in (0, 2, 3, 4)]]


async def test_a_playlist_is_made_filled_renamed_and_described_by_plain_forms(home: Home) -> None:
    one, two = await films(home, "one", "two")
    choice = await text(await home.client.get(f"/videos/{one}/lists"))
    assert "Add “one”" in choice
    assert f'name="video" value="{one}"' in choice
    answer = await home.client.post("/playlists", form={"name": " Alps ", "video": one})
    assert answer.status_code == 303
    address = answer.headers["Location"]
    playlist_id = int(address.rpartition("/")[2])
    await home.client.post(f"{address}/add", form={"video": two})
    await home.client.post(f"{address}/add", form={"video": one})
    assert await titles(home, playlist_id) == ["one", "two", "one"]
    form = {"name": "Dolomites", "description": "All <summits>"}
    await home.client.post(address, form=form)
    shown = await text(await home.client.get(address))
    assert "Dolomites" in shown
    assert "All &lt;summits&gt;" in shown
    assert "3 videos" in shown
    assert "Dolomites" in await text(await home.client.get("/playlists"))
    assert f'href="/videos/{one}/lists"' in await text(await home.client.get("/"))
    assert f'href="/videos/{one}/lists"' in await text(await home.client.get("/watch/one.mp4"))


async def test_places_are_moved_removed_and_put_back_by_plain_forms(home: Home) -> None:
    hashes = await films(home, "a", "b", "c")
    playlist_id = await home.services.playlists.create("List")
    for each in hashes:
        await home.services.playlists.add(playlist_id, each)
    address = f"/playlist/{playlist_id}"
    page = await text(await home.client.get(address))
    assert page.count('aria-label="Move up') == page.count('aria-label="Move down') == 2
    await home.client.post(f"{address}/move", form={"position": "2", "up": "1"})
    assert await titles(home, playlist_id) == ["a", "c", "b"]
    await home.client.post(f"{address}/move", form={"position": "0", "up": "0"})
    assert await titles(home, playlist_id) == ["c", "a", "b"]
    await home.client.post(f"{address}/move", form={"position": "0", "up": "1"})
    assert await titles(home, playlist_id) == ["c", "a", "b"]
    answer = await home.client.post(f"{address}/remove", form={"position": "1"})
    assert await titles(home, playlist_id) == ["c", "b"]
    undo = await text(await home.client.get(answer.headers["Location"]))
    form = undo[undo.index('class="undo"') :].partition("</form>")[0]
    fields = dict(re.findall(r'name="(video|position)" value="(\w+)"', form))
    await home.client.post(f"{address}/add", form=fields)
    assert await titles(home, playlist_id) == ["c", "a", "b"]


async def test_a_deleted_playlist_is_brought_back_whole(home: Home) -> None:
    (one,) = await films(home, "one")
    playlist_id = await home.services.playlists.create("Alps", "high", one)
    answer = await home.client.post(f"/playlist/{playlist_id}/delete")
    assert answer.headers["Location"] == f"/playlists?deleted={playlist_id}"
    page = await text(await home.client.get(answer.headers["Location"]))
    assert f'action="/playlist/{playlist_id}/restore"' in page
    assert f'href="/playlist/{playlist_id}"' not in page
    assert (await home.client.get(f"/playlist/{playlist_id}")).status_code == 404
    await home.services.playlists.create("Alps")
    await home.client.post(f"/playlist/{playlist_id}/restore")
    found = await home.services.playlists.get(playlist_id)
    assert (found.playlist.name, found.playlist.description) == ("Alps (2)", "high")
    assert await titles(home, playlist_id) == ["one"]


async def test_missing_films_are_shown_and_kept(home: Home) -> None:
    one, two = await films(home, "one", "two")
    playlist_id = await home.services.playlists.create("List", video=one)
    await home.services.playlists.add(playlist_id, two)
    await home.services.later.set(one, True)
    (home.library / "one.mp4").unlink()
    await home.scan()
    page = await text(await home.client.get(f"/playlist/{playlist_id}"))
    assert "one</bdi>" in page
    assert "Missing" in page
    assert "Missing" in await text(await home.client.get("/later"))
    detail = await (await home.client.get(f"/api/playlists/{playlist_id}")).get_json()
    assert [item["missing"] for item in detail["items"]] == [True, False]


async def test_a_selection_is_added_in_its_order(home: Home) -> None:
    await films(home, "alps 1", "alps 2", "sea")
    playlist_id = await home.services.playlists.create("List")
    address = "/lists/selection?q=alps&sort=title"
    page = await text(await home.client.get(address))
    assert "Add 2 videos" in page
    action = re.search(r'action="(/playlist/\d+/add-selection[^"]*)"', page)
    assert action is not None
    answer = await home.client.post(action[1].replace("&amp;", "&"))
    assert answer.status_code == 303
    assert await titles(home, playlist_id) == ["alps 1", "alps 2"]
    assert "/lists/selection?q=alps" in await text(await home.client.get("/?q=alps"))


@pytest.mark.parametrize(
    ("address", "form", "status"),
    [
        ("/playlists", {"name": "  "}, 400),
        ("/playlists", {"name": "x" * 201}, 400),
        ("/playlists", {"name": "a\x07b"}, 400),
        ("/playlists", {"name": "taken"}, 409),
        ("/playlists", {"name": "new", "video": "0" * 16}, 404),
        ("/playlist/1", {"name": ""}, 400),
        ("/playlist/9", {"name": "x"}, 404),
        ("/playlist/x", {"name": "x"}, 400),
        ("/playlist/9/delete", {}, 404),
        ("/playlist/1/restore", {}, 404),
        ("/playlist/1/add", {"video": "0" * 16}, 404),
        ("/playlist/1/remove", {"position": "7"}, 404),
        ("/playlist/1/move", {"position": "0", "up": "x"}, 400),
        ("/playlist/9/add-selection", {}, 404),
        (f"/videos/{'0' * 16}/later", {"value": "1"}, 404),
    ],
)
async def test_refused_playlist_changes_show_a_message_and_change_nothing(
    home: Home, address: str, form: dict[str, str], status: int
) -> None:
    assert await home.services.playlists.create("taken") == 1
    answer = await home.client.post(address, form=form, headers=HTMX)
    assert answer.status_code == status
    assert "Nothing was changed" in await text(answer)
    assert [each.playlist.name for each in await home.services.playlists.every()] == ["taken"]


async def test_playlists_by_json(home: Home) -> None:
    one, two = await films(home, "one", "two")
    call = home.client
    answer = await call.post("/api/playlists", json={"name": "Alps", "description": "high"})
    made = await answer.get_json()
    assert (answer.status_code, made["name"], made["items"]) == (201, "Alps", [])
    assert (await call.post("/api/playlists", json={"name": "Alps"})).status_code == 409
    address = f"/api/playlists/{made['id']}"
    for each in (one, two, one):
        answer = await call.post(f"{address}/add", json={"media_hash": each})
    items = (await answer.get_json())["items"]
    assert [item["media_hash"] for item in items] == [one, two, one]
    answer = await call.delete(f"{address}/items/{one}")
    assert [item["title"] for item in (await answer.get_json())["items"]] == ["two"]
    assert (await call.delete(f"{address}/items/{one}")).status_code == 404
    answer = await call.post(f"{address}/add", json={"filename": "one.mp4"})
    assert [item["title"] for item in (await answer.get_json())["items"]] == ["two", "one"]
    assert (await call.delete(f"{address}/items/one.mp4")).status_code == 200
    for body, status in (({}, 400), ({"filename": "no.mp4"}, 404), ({"media_hash": 5}, 400)):
        assert (await call.post(f"{address}/add", json=body)).status_code == status
    for body in ({"media_hash": "\ud800"}, {"filename": "\ud800"}, {"filename": "\udcff"}):
        assert (await call.post(f"{address}/add", json=body)).status_code in (400, 404)
        assert (await call.post("/api/later", json=body)).status_code in (400, 404)
    for name in ("%ff", "a%00b", "..", "%ed%a0%80"):
        assert (await call.delete(f"{address}/items/{name}")).status_code in (400, 404)
    assert (await call.delete("/api/later/%ff")).status_code == 404
    for name in ("\ud800", "a\x00"):
        assert (await call.post("/api/playlists", json={"name": name})).status_code == 400
    for path in ("/playlist/99999999999999999999", "/playlist/-1", "/api/playlists/x"):
        assert (await call.get(path)).status_code == 400
    for path in (
        "/later?skip=9007199254740992",
        "/playlists?deleted=9007199254740992",
        "/later?removed=%ff",
        "/continue?dismissed=%ff",
        f"/continue?dismissed={one}",
    ):
        assert (await call.get(path)).status_code == 200
    page = await call.get(f"/playlist/{made['id']}?removed=%ff&position=3")
    assert page.status_code == 200
    listed = await (await call.get("/api/playlists")).get_json()
    assert [(each["name"], each["count"]) for each in listed["playlists"]] == [("Alps", 1)]
    assert (await call.delete(address)).status_code == 200
    assert (await call.get(address)).status_code == 404


async def test_later_is_one_tap_and_off_when_watched(home: Home) -> None:
    one = await a_film(home, name="one.mp4")
    two = await a_film(home, name="two.mp4")
    address = f"/videos/{one}/later"
    answer = await home.client.post(address, form={"value": "1"}, headers=HTMX)
    assert 'value="0" aria-pressed="true"' in await text(answer)
    answer = await home.client.post("/api/later", json={"media_hash": two})
    found = await answer.get_json()
    assert [video["title"] for video in found["videos"]] == ["two", "one"]
    answer = await home.client.post(address, form={"value": "0", "from": "later"})
    page = await text(await home.client.get(answer.headers["Location"]))
    assert "Removed from Later" in page
    assert "/watch/two.mp4" in page
    await home.client.post(address, form={"value": "1", "from": "later"})
    assert await home.services.later.count() == 2
    await home.services.progress.mark(one, watched=True)
    await home.services.progress.record(two, 3500, "a")
    await home.services.progress.flush()
    assert await home.services.later.count() == 0
    await home.services.later.set(two, True)  # to see it again
    await home.services.progress.record(two, 10, "a")
    await home.services.progress.flush()
    answer = await home.client.delete(f"/api/later/{two}")
    assert await answer.get_json() == {"videos": []}


async def test_watched_marks_and_later_are_undone_in_the_journal(home: Home) -> None:
    one = await a_film(home, name="one.mp4")
    await home.services.progress.record(one, 61.5, "a")
    await home.services.later.set(one, True, "a")
    await home.client.post(f"/videos/{one}/watched", form={"value": "1"})
    page = await text(await home.client.get("/admin/changes"))
    assert page.index("marked as watched") < page.index("added to Later")
    undo = re.findall(r'action="(/admin/changes/\d+/undo)"', page)
    await home.client.post(undo[0])
    state = await home.services.progress.get(one)
    assert (state.position_s, state.watched) == (61.5, False)
    assert await home.services.later.has(one)
    await home.client.post(undo[1])
    assert not await home.services.later.has(one)
    page = await text(await home.client.get("/admin/changes?what=later"))
    assert page.count("<b>Undo:</b>") == 1
    redo = re.findall(r'action="(/admin/changes/\d+/undo)"', page)
    await home.client.post(redo[0])
    assert await home.services.later.has(one)
    await home.client.post(f"/videos/{one}/watched", form={"value": "0"})  # changes nothing
    assert await text(await home.client.get("/admin/changes?what=watched")) != ""


async def test_a_place_is_moved_to_any_other(home: Home) -> None:
    hashes = await films(home, "a", "b", "c", "d")
    playlist_id = await home.services.playlists.create("List")
    for each in hashes:
        await home.services.playlists.add(playlist_id, each)
    await home.services.playlists.remove(playlist_id, 1)  # numbers may be left out
    address = f"/playlist/{playlist_id}/move"
    await home.client.post(address, form={"position": "3", "to": "0"})
    assert await titles(home, playlist_id) == ["d", "a", "c"]
    api = f"/api/playlists/{playlist_id}"
    moved = await home.client.post(f"{api}/move", json={"position": 0, "to": 3})
    assert [item["title"] for item in (await moved.get_json())["items"]] == ["a", "c", "d"]
    for body, status in (
        ({"position": 1, "to": 0}, 404),
        ({"position": -1, "to": 0}, 400),
        ({"position": 10**30, "to": 0}, 404),
        ({"to": 0}, 400),
    ):
        assert (await home.client.post(f"{api}/move", json=body)).status_code == status
    form = {"position": "0", "to": "1"}
    assert (await home.client.post(address, form=form)).status_code == 404
    assert await titles(home, playlist_id) == ["a", "c", "d"]
    changed = await (await home.client.put(api, json={"name": "Evening"})).get_json()
    assert (changed["name"], changed["description"]) == ("Evening", None)
    await home.services.playlists.create("Taken")
    assert (await home.client.put(api, json={"name": "Taken"})).status_code == 409


async def test_a_place_is_moved_past_hidden_videos_where_they_are_not_shown(home: Home) -> None:
    names = ("a", "b", "c", "d")
    for name in names:
        home.add(f"{name}.mp4")
    await home.scan()
    wanted = await home.services.playlists.create("Order")
    for name in names:
        await home.services.playlists.add(wanted, (await home.video(f"{name}.mp4")).media_hash)
    for name in ("b", "c"):
        await home.services.hidden.set((await home.video(f"{name}.mp4")).media_hash, True, "a")

    async def move(position: int, up: int, **more: str) -> list[str]:
        form = {"position": str(position), "up": str(up), **more}
        answer = await home.client.post(f"/playlist/{wanted}/move", form=form)
        assert answer.status_code == 303
        found = await home.services.playlists.items(wanted, hidden=True)
        return [item.title for item in found]

    assert await move(3, 1) == ["d", "a", "b", "c"]
    assert await move(0, 0) == ["a", "d", "b", "c"]
    assert await move(1, 0, hidden="1") == ["a", "b", "d", "c"]
    assert await move(2, 0) == ["a", "b", "d", "c"]  # nothing that is shown comes behind
    assert 'name="hidden" value="1"' in await text(
        await home.client.get(f"/playlist/{wanted}?hidden=1")
    )


async def test_a_new_playlist_takes_a_selection(home: Home) -> None:
    await films(home, "alps 1", "alps 2", "sea")
    page = await text(await home.client.get("/lists/selection?q=alps&sort=title"))
    action = re.search(r'<form class="new-list" method="post" action="([^"]+)"', page)
    assert action is not None
    form = {"name": "Alps", "selection": "1"}
    answer = await home.client.post(action[1].replace("&amp;", "&"), form=form)
    playlist_id = int(answer.headers["Location"].rpartition("/")[2])
    assert await titles(home, playlist_id) == ["alps 1", "alps 2"]
