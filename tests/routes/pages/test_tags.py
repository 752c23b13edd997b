"""The pages of tags, and the same as JSON."""

import asyncio
import html
import json
import re
from typing import Any

from quart import Response
from support.home import Home

from lvs.db.curation_rows import every_tag
from lvs.services.backup import snapshot_reader, snapshots
from lvs.services.backup.export import as_json
from lvs.services.backup.restore import restore_records
from lvs.services.curation.tag_management import TagEdit

ANNA = "192.168.1.5"


async def text(response: Response) -> str:
    return (await response.get_data()).decode()


async def films(home: Home, *names: str) -> list[str]:
    for name in names:
        home.add(name)
    await home.scan()
    return [(await home.video(name)).media_hash for name in names]


async def tag(home: Home, film: str, *names: str) -> None:
    for name in names:
        await home.services.tags.add(film, name, ANNA)


async def followed(home: Home, address: str, **form: str) -> str:
    """The page that a plain form leads to."""
    answer = await home.client.post(address, form=form)
    assert answer.status_code == 303, await text(answer)
    return await text(await home.client.get(answer.headers["Location"]))


async def test_a_merge_is_shown_first_then_done_then_undone(home: Home) -> None:
    one, both = await films(home, "a.mp4", "b.mp4")
    await tag(home, one, "hols")
    await tag(home, both, "hols", "holiday")
    page = await text(await home.client.get("/tags/merge?tag=hols&into=holiday"))
    assert "1 of them carry both" in page
    assert "Merge 2 videos" in page
    page = await followed(home, "/tags/merge", tag="hols", into="holiday", keep_name="1")
    assert "“hols” merged into “holiday”" in page
    assert "also <bdi>hols</bdi>" in page
    [change] = await home.services.tag_management.latest(2)
    journal = await text(await home.client.get("/admin/changes"))
    assert "“hols” merged into “holiday”" in journal
    page = await followed(home, f"/admin/changes/{change.id}/undo")
    assert "Undo: “hols” merged into “holiday”" in page
    assert await home.services.tags.get(both) == ("holiday", "hols")
    only = await text(await home.client.get("/admin/changes?what=tags"))
    assert "tag <bdi>" not in only
    assert only.count('class="change') >= 2


async def test_the_page_of_a_tag_changes_what_is_said_of_it(home: Home) -> None:
    [film] = await films(home, "film.mp4")
    await tag(home, film, "alps")
    form = {"tag": "alps", "name": "Alps", "aliases": "alpen, alpes", "parent": "mountains"}
    page = await followed(home, "/tags/edit", **form, description="High up.", colour="#3f7fd6")
    assert "also called “alpen”, “alpes”, put below “mountains”" in page
    assert 'fill="#3f7fd6"' in page
    page = await text(await home.client.get("/tags/edit?tag=alpen"))
    assert 'value="High up."' in page
    assert "1 video" in page
    page = await followed(home, "/tags/delete", tag="alps")
    assert "“Alps” deleted</bdi> · 1 video" in page
    assert await home.services.tags.get(film) == ()
    for address in ("/tags/edit?tag=nothing", "/tags/delete?tag=", "/tags/merge?tag=x&into=y"):
        assert (await home.client.get(address)).status_code == 404, address
    answer = await home.client.post("/tags/edit", form={"tag": "mountains", "colour": "red"})
    assert answer.status_code == 400
    assert "#rrggbb" in await text(answer)


async def test_a_name_with_a_comma_stays_one_name_where_names_are_listed(home: Home) -> None:
    [film] = await films(home, "film.mp4")
    await tag(home, film, "Paris, France", '"quoted"', "Paris")
    management = home.services.tag_management
    await management.merge("Paris, France", "Paris", ANNA)
    await management.merge('"quoted"', "Paris", ANNA)
    page = await text(await home.client.get("/tags/edit?tag=Paris"))
    [line] = re.findall(r'name="aliases" value="([^"]*)"', page)
    assert html.unescape(line) == '"""quoted""", "Paris, France"'
    form = {"tag": "Paris", "aliases": html.unescape(line), "colour": "#3f7fd6"}
    await followed(home, "/tags/edit", **form)
    assert (await management.get("Paris")).aliases == ('"quoted"', "Paris, France")
    await followed(home, "/tags/edit", tag="Paris", aliases=' "a, b" ,, c "d",')
    assert (await management.get("Paris")).aliases == ("a, b", 'c "d"')
    form = {"name": "Bo", "limited": "1", "tags": '"Rome, Italy", Paris', "folders": ""}
    await home.client.post("/people", form=form)
    [person] = home.services.people.every
    assert person.limits
    assert person.limits.tags == ("Rome, Italy", "Paris")
    page = html.unescape(await text(await home.client.get("/people")))
    assert 'value=""Rome, Italy", Paris"' in page


async def call(home: Home, method: str, address: str, **body: Any) -> tuple[int, Any]:
    client = getattr(home.client, method)
    answer = await (client(address, json=body) if body else client(address))
    return answer.status_code, await answer.get_json()


async def test_programs_change_tags_by_the_same_rules(home: Home) -> None:
    [film] = await films(home, "film.mp4")
    await tag(home, film, "alps", "hols")
    status, changed = await call(
        home, "post", "/api/tags/alps", alias="alpen", parent="mountains", colour="#abc"
    )
    assert status == 200
    assert changed["tag"] == {
        "name": "alps",
        "count": 1,
        "colour": "#aabbcc",
        "description": None,
        "parent": "mountains",
        "aliases": ["alpen"],
        "children": [],
    }
    assert (await call(home, "get", "/api/tags/mountains"))[1]["children"] == ["alps"]
    assert (await call(home, "post", "/api/tags/mountains", parent="alps"))[0] == 409
    assert (await call(home, "post", "/api/tags/hols", rename="Alpen"))[0] == 409
    status, merged = await call(home, "post", "/api/tags/hols/merge", into="alpen")
    assert (status, merged["changed"], merged["tag"]["aliases"]) == (200, 1, ["alpen", "hols"])
    assert (await call(home, "post", "/api/tags/alps", parent=None, colour=None))[0] == 200
    status, gone = await call(home, "delete", "/api/tags/alps")
    assert (status, gone["tag"], gone["changed"]) == (200, None, 1)
    assert (await call(home, "get", "/api/tags/alps"))[0] == 404
    assert (await call(home, "post", "/api/tags/alps", aliases="no list"))[0] == 400
    videos = (await call(home, "get", "/api/videos?tag=mountains"))[1]["videos"]
    assert videos == []


async def test_suggestions_are_what_films_like_this_one_carry(home: Home) -> None:
    names = ("a/1.mp4", "a/2.mp4", "a/3.mp4", "b/4.mp4", "b/5.mp4")
    one, two, three, four, five = await films(home, *names)
    await tag(home, two, "alps", "snow")
    await tag(home, three, "alps", "snow", "rope")
    await tag(home, four, "sea")
    await tag(home, one, "alps")
    await tag(home, four, "swim")  # given last, by a film unlike the first
    suggested = await home.services.tags.suggest(one, 12)
    assert suggested[:2] == ["snow", "rope"]
    assert set(suggested[2:]) == {"sea", "swim"}
    # without tags of its own, its folder says what it may be
    assert set((await home.services.tags.suggest(five, 12))[:2]) == {"sea", "swim"}
    page = await text(await home.client.get("/watch/a/1.mp4"))
    assert page.index('aria-label="Add tag snow"') < page.index('aria-label="Add tag sea"')


async def test_a_tag_is_suggested_by_what_it_begins_with_or_holds_and_by_its_aliases(
    home: Home,
) -> None:
    one, other = await films(home, "a.mp4", "b.mp4")
    await tag(home, one, "Holiday", "school holiday", "sea")
    await tag(home, other, "school holiday")

    async def suggested(typed: str, **headers: str) -> list[str]:
        answer = await home.client.get(
            "/tags/suggest", query_string={"tag": typed}, headers=headers
        )
        return re.findall(r'<option value="([^"]*)"', await text(answer))

    assert await suggested("hol") == ["Holiday", "school holiday"]
    assert await suggested("hols") == []
    edit = TagEdit(more_aliases=("hols", "Ferien"))
    await home.services.tag_management.edit("sea", edit, ANNA)
    assert await suggested("HOLS") == ["sea"]
    assert await suggested("erie") == ["sea"]
    assert await suggested("hol") == ["Holiday", "sea", "school holiday"]
    assert await suggested(" # ") == []
    await home.client.post(
        "/people", form={"name": "Bo", "limited": "1", "tags": "sea", "folders": ""}
    )
    bo = {"LVS-Person": "Bo"}
    assert await suggested("sea", **bo) == ["sea"]
    assert await suggested("hols", **bo) == []  # what others said is not for them to know


async def test_details_of_tags_are_backed_up_exported_and_restored(home: Home) -> None:
    [film] = await films(home, "film.mp4")
    await tag(home, film, "alps")
    edit = TagEdit(
        colour="#3f7fd6", description="High up.", parent="mountains", more_aliases=("alpen",)
    )
    await home.services.tag_management.edit("alps", edit, ANNA)
    before = await home.services.tag_management.every()
    exported = b"".join([piece async for piece in as_json(home.services.database)])
    assert json.loads(exported)["tags"] == [
        {
            "name": "alps",
            "colour": "#3f7fd6",
            "description": "High up.",
            "parent": "mountains",
            "aliases": ["alpen"],
        }
    ]
    kept = await asyncio.to_thread(list, every_tag(home.data / "lvs.db"))
    folder = home.data / "snapshot"
    folder.mkdir()
    await asyncio.to_thread(snapshots.write, home.data / "lvs.db", folder)
    (folder / "export.json").write_bytes(exported)
    for path in (folder, folder / "export.json"):
        await home.services.tag_management.delete("alps", ANNA)
        await home.services.tag_management.delete("mountains", ANNA)
        snapshot = await asyncio.to_thread(snapshot_reader.read, path)
        assert (snapshot.tags, snapshot.problems) == (kept, [])
        await restore_records(
            home.services.database, snapshot.kept.values(), lists=(), described=snapshot.tags
        )
        after = await home.services.tag_management.every()
        assert [(tag.name, tag.parent, tag.aliases, tag.films) for tag in after] == [
            (tag.name, tag.parent, tag.aliases, tag.films) for tag in before
        ]
        found = await home.client.get("/api/videos?q=alpen")
        assert len((await found.get_json())["videos"]) == 1
