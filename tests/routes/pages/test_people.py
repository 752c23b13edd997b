"""People: chosen on a device, with what is theirs, and limited where they are."""

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest
from quart import Response
from quart.typing import TestClientProtocol
from support.home import Home
from support.media import make_video

from lvs.db.database import Transaction
from lvs.db.handover import set_former
from lvs.models import Query
from lvs.services.household.people import People
from lvs.viewer import NOBODY, Limits, Viewer, set_viewer

COOKIE = "lvs_person"


async def text(response: Response) -> str:
    return (await response.get_data()).decode()


async def make(home: Home, name: str, **more: Any) -> int:
    answer = await home.client.post("/api/people", json={"name": name, **more})
    assert answer.status_code == 201, await text(answer)
    return int((await answer.get_json())["id"])


async def device(home: Home, name: str | None, pin: str = "", **more: Any) -> TestClientProtocol:
    """A device on which a person was chosen."""
    client = home.app.test_client()
    body = {"name": name, "pin": pin, **more}
    answer = await client.put("/api/people/chosen", json=body)
    assert answer.status_code == 200, await text(answer)
    return client


async def chosen(client: TestClientProtocol, **headers: str) -> str | None:
    answer = await (await client.get("/api/people", headers=headers)).get_json()
    return answer["chosen"]


async def films(home: Home, *names: str) -> list[str]:
    for name in names:
        home.add(f"{name}.mp4")
    await home.scan()
    return [(await home.video(f"{name}.mp4")).media_hash for name in names]


async def test_nothing_is_seen_of_people_until_there_are_two(home: Home) -> None:
    await films(home, "a")
    for name in (None, "Anna"):
        if name:
            await make(home, name)
        page = await text(await home.client.get("/"))
        assert 'href="/people"' not in page
    await make(home, "Ben")
    assert 'class="icon-button who"' in await text(await home.client.get("/"))
    anna = await device(home, "Anna")
    assert "Those of “Everyone” are" in await text(await anna.get("/people"))
    page = await text(await anna.get("/"))
    assert 'aria-label="Anna watches. Choose who is watching"' in page
    assert "<span>A</span>" in page


async def test_personal_values_belong_to_one_person(home: Home) -> None:
    one, two = await films(home, "one", "two")
    for name in ("Anna", "Ben"):
        await make(home, name)
    anna, ben = await device(home, "Anna"), await device(home, "Ben")
    await anna.post(f"/videos/{one}/progress", form={"position_s": "0.25"})
    await anna.post(f"/videos/{two}/watched", form={"value": "1"})
    await ben.post(f"/videos/{two}/later", form={"value": "1"})
    await home.services.progress.flush()
    for client, started, watched, later, lines in (
        (anna, ["one"], ["two"], [], ["one"]),
        (ben, [], [], ["two"], []),
        (home.client, [], [], [], []),
    ):
        for progress, expected in (("started", started), ("watched", watched)):
            found = await (await client.get(f"/api/videos?progress={progress}")).get_json()
            assert [video["title"] for video in found["videos"]] == expected
        unwatched = await (await client.get("/api/videos?progress=unwatched")).get_json()
        assert len(unwatched["videos"]) == 2 - len(watched)
        assert [
            video["title"]
            for video in (await (await client.get("/api/later")).get_json())["videos"]
        ] == later
        history = await (await client.get("/api/history")).get_json()
        assert [line["title"] for line in history["lines"]] == lines
        detail = await (await client.get(f"/api/videos/{one}")).get_json()
        assert detail["position_s"] == (0.25 if started else None)
        page = await text(await client.get("/"))
        assert ("<progress" in page) is bool(started)
        assert ('class="badge seen"' in page) is bool(watched)
        row = page[page.index('id="continue-watching"') : page.index("</section>")]
        assert ("/watch/one.mp4" in row) is bool(started)
        assert ("#t=0.25" in await text(await client.get("/watch/one.mp4"))) is bool(started)
    await anna.post(f"/videos/{one}/favorite", form={"value": "1"})  # the household's
    assert (await (await ben.get(f"/api/videos/{one}/favorite")).get_json())["favorite"]


async def test_a_forged_or_stale_cookie_is_nobody(home: Home) -> None:
    anna_id = await make(home, "Anna")
    ben_id = await make(home, "Ben", pin="1234")
    person = home.services.people.get(ben_id)
    good = home.services.people.cookie(person, False)
    for cookie in (
        good.replace(f"{ben_id}.", f"{anna_id}.", 1),
        good.replace(".0.", ".1."),
        good[:-1] + ("0" if good[-1] != "0" else "1"),
        "99.0." + "0" * 64,
        "x",
        "",
        good + "0",
    ):
        assert await chosen(home.app.test_client(), Cookie=f"{COOKIE}={cookie}") is None
    headers = {"Cookie": f"{COOKIE}={good}"}
    assert await chosen(home.app.test_client(), **headers) == "Ben"
    await home.client.put(
        f"/api/people/{ben_id}", json={"name": "Ben", "pin": "4321", "old_pin": "1234"}
    )
    assert await chosen(home.app.test_client(), **headers) is None


async def test_programs_choose_by_header(home: Home) -> None:
    nobody = await home.client.get("/api/people", headers={"LVS-Person": "Ben"})
    assert nobody.status_code == 400  # as after the last one was removed: not the household's then
    await make(home, "Änne")
    await make(home, "Ben", pin="1234")
    await make(home, "Kid", limits={"tags": ["kids"]})
    named = {"LVS-Person": "änne"}
    assert await chosen(home.client, **named) == "Änne"
    assert (await home.client.get("/api/people", headers={"LVS-Person": "x"})).status_code == 400
    assert (await home.client.get("/api/people", headers={"LVS-Person": "Ben"})).status_code == 403
    kid = await device(home, "Kid")
    assert await chosen(kid, **named) == "Kid"
    bound = await device(home, "Änne", bound=True)
    assert await chosen(bound, **{"LVS-Person": "Kid"}) == "Änne"


async def test_a_pin_is_asked_for_and_guessing_takes_longer(home: Home) -> None:
    ben_id = await make(home, "Ben", pin="1234")
    await make(home, "Anna")
    client = home.app.test_client()
    page = await text(await client.get("/people"))
    assert 'name="pin"' in page
    for _ in range(5):
        answer = await client.post("/people/choose", form={"person": str(ben_id), "pin": "0000"})
        assert answer.status_code == 403
        assert "That is not the PIN of Ben" in await text(answer)
    answer = await client.post("/people/choose", form={"person": str(ben_id), "pin": "1234"})
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) > 0
    assert await chosen(client) is None
    for body in ({"name": "x", "pin": "12"}, {"name": "x", "pin": "abcd"}, {"name": ""}, {}):
        assert (await client.post("/api/people", json=body)).status_code == 400
    assert (await client.post("/api/people", json={"name": "BEN"})).status_code == 409


async def test_a_bound_device_stays_until_somebody_lets_it_go(home: Home) -> None:
    await make(home, "Mum", pin="1234")
    await make(home, "Kid", limits={"tags": ["kids"]})
    kid = await device(home, "Kid", bound=True)
    assert (await (await kid.get("/api/people")).get_json())["bound"]
    for body in ({"name": None}, {"name": "Kid", "bound": False}, {"name": "Mum", "pin": "0"}):
        assert (await kid.put("/api/people/chosen", json=body)).status_code == 403
    for address in ("/people", "/people/1", "/people/1/remove", "/people/1/restore"):
        assert (await kid.post(address, form={"name": "x"})).status_code == 403
    answer = await kid.put("/api/people/chosen", json={"name": None, "pin": "1234"})
    assert answer.status_code == 200
    assert await chosen(kid) is None


async def test_removal_asks_and_can_be_undone(home: Home) -> None:
    (one,) = await films(home, "one")
    anna_id = await make(home, "Anna")
    await make(home, "Ben")
    anna = await device(home, "Anna")
    await anna.post(f"/videos/{one}/later", form={"value": "1"})
    page = await text(await home.client.get(f"/people/{anna_id}/remove"))
    assert "Remove <bdi>Anna</bdi>?" in page
    answer = await home.client.post(f"/people/{anna_id}/remove")
    assert answer.headers["Location"] == f"/people?removed={anna_id}"
    assert await chosen(anna) is None
    assert f'action="/people/{anna_id}/restore"' in await text(await home.client.get("/people"))
    await make(home, "Anna")
    await home.client.post(f"/people/{anna_id}/restore")
    assert await chosen(anna) == "Anna (2)"
    later = await (await anna.get("/api/later")).get_json()
    assert [video["title"] for video in later["videos"]] == ["one"]
    assert (await home.client.post("/people/99/restore")).status_code == 404
    assert (await home.client.get("/people/99/remove")).status_code == 404


async def test_people_removed_long_ago_are_gone_after_a_start(home: Home) -> None:
    (one,) = await films(home, "one")
    for name in ("Anna", "Ben"):
        person_id = await make(home, name)
        await home.services.later.set(one, True, person=person_id)
        await home.services.people.remove(person_id)

    async def age(tx: Transaction) -> None:
        day_ms = 24 * 3_600_000
        sql = "UPDATE people SET removed_at = removed_at - ? WHERE name = ?"
        for name, days in (("Anna", 31), ("Ben", 29)):
            await tx.run(sql, (days * day_ms, name))

    await home.services.database.write(age)
    await home.stop()
    await home.start()
    assert [person.name for person in home.services.people.removed] == ["Ben"]
    async with home.services.database.read() as db:
        assert await db.value("SELECT group_concat(name) FROM people") == "Ben"
        assert await db.value("SELECT count(*) FROM later") == 1


async def test_a_person_begins_with_their_page(home: Home) -> None:
    await films(home, "one")
    await make(home, "Anna", start_page="/later")
    anna = await device(home, "Anna")
    answer = await anna.get("/")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/later")
    inside = {"Referer": "http://localhost/later"}
    assert (await anna.get("/", headers=inside)).status_code == 200
    assert (await anna.get("/?q=one")).status_code == 200
    bad = {"name": "x", "start_page": "https://elsewhere"}
    assert (await home.client.post("/api/people", json=bad)).status_code == 400


@pytest.mark.parametrize("by", ["cookie", "header"])
async def test_a_childs_limits_hold_by_every_address(home: Home, by: str) -> None:
    home.add("Kids/cartoon.mp4")
    home.add("tagged.mp4")
    home.add("secret thing.mp4")
    home.add("Secrets/hidden.mp4")
    (home.library / "secret thing.srt").write_text("1\n00:00:00,000 --> 00:00:01,000\nwords\n")
    await home.scan()
    await home.probed()
    secret = (await home.video("secret thing.mp4")).media_hash
    open_ = (await home.video("Kids/cartoon.mp4")).media_hash
    tagged = (await home.video("tagged.mp4")).media_hash
    await home.services.tags.add(tagged, "kids", "a")
    await home.services.tags.add(secret, "adult", "a")
    await home.services.videos.retitle(secret, "Forbidden", "a")
    hidden = (await home.video("Secrets/hidden.mp4")).media_hash
    await home.services.videos.retitle(hidden, "Forbidden, too", "a")
    lists = [await home.services.playlists.create(name) for name in ("Mixed", "Forbidden list")]
    for each in (secret, open_):
        await home.services.playlists.add(lists[0], each)
    await home.services.playlists.add(lists[1], secret)
    view = await home.services.saved_views.create("Forbidden nights", "tag=adult", "a")
    await home.services.saved_views.create("Everything", "", "a")
    change = (await home.services.saved_views.latest(2))[1].id
    kid_id = await make(home, "Kid", limits={"tags": ["Kids"], "folders": ["Kids"]})
    await make(home, "Mum")
    if by == "cookie":
        kid = await device(home, "Kid")
        headers: dict[str, str] = {}
    else:
        kid, headers = home.app.test_client(), {"LVS-Person": "kid"}
    video = await home.services.videos.get(secret)
    await home.services.later.set(secret, True, person=kid_id)  # before the limits, say
    await home.services.progress.record(secret, 0.2, "a", person=kid_id)
    await home.services.progress.mark(open_, True, person=kid_id)
    await home.services.progress.flush()
    await home.services.people.choose_start_page(kid_id, f"/view/{view.view_id}")
    hls = home.services.playback.address(video)
    for address in (
        "/watch/secret%20thing.mp4",
        f"/watch/secret%20thing.mp4?playlist={lists[0]}&position=0",
        f"/v/{secret}",
        "/video/secret%20thing.mp4",
        "/video/./secret%20thing.mp4",
        f"/thumbnail/{secret}.webp",
        f"/thumbnail/{secret}.jpg?w=640",
        f"/subtitles/{secret}/secret.vtt",
        f"/scripts/{secret}/main.funscript",
        f"/scenes/{secret}.vtt",
        f"/scenes/{secret}.webp?v={video.poster}",
        f"/scenes/{open_}.webp?v={video.poster}",
        f"/videos/{secret}/scenes",
        "/folder/Secrets",
        "/folder/Secrets?below=1",
        hls,
        hls.replace("master.m3u8", "video/index.m3u8"),
        hls.replace("master.m3u8", "video/0.m4s"),
        f"/api/videos/{secret}",
        f"/api/videos/{secret}/tags",
        f"/api/videos/{secret}/subtitles",
        f"/api/videos/{secret}/views",
        f"/api/ratings/{secret}",
        f"/heresphere/{secret}",
        f"/deovr/{secret}",
        f"/videos/{secret}/title",
        f"/playlist/{lists[1]}",
        f"/api/playlists/{lists[1]}",
        "/tag/adult",
        f"/view/{view.view_id}",
        f"/videos/{secret}/poster",
        f"/triage?film={secret}",
        f"/continue?dismissed={secret}",
        "/nothing-is-here",
        "/static/nothing.css",
    ):
        answer = await kid.get(address, headers=headers)
        assert answer.status_code == 404, address
        assert not re.search("Forbidden|Secrets/", await text(answer)), address
    for address in ("/export.json", "/export.csv", "/admin/performance", "/admin/changes",
                    "/admin/unreadable", "/get_views?filename=secret%20thing.mp4",
                    "/api/tags/video/secret%20thing.mp4", "/lists/selection",
                    f"/videos/{secret}/lists", "/metrics"):  # fmt: skip
        answer = await kid.get(address, headers=headers)
        assert answer.status_code == 403, address
        assert "Forbidden" not in await text(answer), address
    for address, form in (
        (f"/videos/{secret}/rating", {"value": "5"}),
        (f"/videos/{secret}/progress", {"position_s": "1"}),
        (f"/videos/{secret}/later", {"value": "1"}),
        (f"/videos/{secret}/view", {}),
        (f"/videos/{secret}/poster", {"place": "1"}),
        (f"/videos/{secret}/player", {"audio": "1"}),
        (f"/views/{view.view_id}/start", {"value": "1"}),
        ("/triage", {"video": secret, "rating": "3"}),
        ("/triage/undo", {"video": secret, "did": "rated"}),
    ):
        answer = await kid.post(address, form=form, headers=headers)
        assert answer.status_code == 404, address
    for body in ({"media_hash": secret}, {"filename": "secret thing.mp4"}):
        answer = await kid.post("/api/later", json=body, headers=headers)
        assert answer.status_code == 404
        answer = await kid.post(f"/api/playlists/{lists[0]}/add", json=body, headers=headers)
        assert answer.status_code == 403
    for address in ("/", "/?q=forbidden", "/?sort=title", "/?tag=adult", "/popular", "/favorites",
                    "/tags", "/tags/suggest?tag=ad", "/continue", "/up-next", "/later", "/history",
                    "/playlists", f"/playlist/{lists[0]}", "/watch/Kids/cartoon.mp4", "/people",
                    f"/watch/Kids/cartoon.mp4?playlist={lists[0]}&position=1", "/library/status",
                    "/api/videos", "/api/videos?q=forbidden", "/api/videos?state=unreadable",
                    "/api/tags", "/api/later", "/api/history", "/api/playlists",
                    f"/api/playlists/{lists[0]}", "/heresphere", "/heresphere/scan", "/deovr",
                    "/views", f"/views?changed={change}", "/api/views", "/triage", "/filters",
                    "/search/suggestions?q=forbidden", "/search/suggestions?q=secret",
                    "/connect", "/folders", "/folders?below=1", "/folder/Kids",
                    "/?sort=recorded"):  # fmt: skip
        answer = await kid.get(address, headers=headers)
        assert answer.status_code == 200, address
        found = await text(answer)
        for word in ("Forbidden", secret, hidden, "adult", "secret", "Secrets"):
            asked = (word == "secret" and word in address) or (word == "adult" and "ad" in address)
            assert asked or word not in found, (address, word)
    for _ in range(5):
        answer = await kid.get("/random", headers=headers)
        assert "secret" not in answer.headers["Location"]
    answer = await kid.get("/play?shuffle=1&q=forbidden", headers=headers)
    assert answer.status_code == 404
    named = await (await kid.get("/api/views", headers=headers)).get_json()
    assert [(each["name"], each["count"]) for each in named["views"]] == [("Everything", 2)]
    found = await (await kid.get("/api/videos", headers=headers)).get_json()
    assert sorted(each["title"] for each in found["videos"]) == ["cartoon", "tagged"]
    for address in ("/video/Kids/cartoon.mp4", f"/thumbnail/{open_}.webp", f"/v/{tagged}"):
        assert (await kid.get(address, headers=headers)).status_code in (200, 302), address
    assert len((await (await home.client.get("/api/videos")).get_json())["videos"]) == 4
    page = await text(await kid.get("/folders?below=1", headers=headers))
    assert '<span class="meta">1 video · ' in page
    assert "With all folders below (2)" in page


async def test_limits_follow_tags_and_folders_at_once(home: Home) -> None:
    (one,) = await films(home, "one")
    await make(home, "Kid", limits={"tags": ["kids"]})
    kid = await device(home, "Kid")
    assert (await kid.get("/watch/one.mp4")).status_code == 404
    assert re.search("No videos yet|Scanning", await text(await kid.get("/")))
    await home.services.tags.add(one, "Kids", "a")
    assert (await kid.get("/watch/one.mp4")).status_code == 200
    await home.services.tags.remove(one, "kids", "a")
    assert (await kid.get("/watch/one.mp4")).status_code == 404


async def test_a_child_gets_the_next_film_that_it_may_see(home: Home) -> None:
    hashes = await films(home, "Part 1", "Part 2", "Part 3")
    for each in (hashes[0], hashes[2]):
        await home.services.tags.add(each, "kids", "a")
    kid_id = await make(home, "Kid", limits={"tags": ["kids"]})
    kid = await device(home, "Kid")
    await kid.post(f"/videos/{hashes[0]}/watched", form={"value": "1"})
    row = await text(await kid.get("/up-next"))
    assert "Part 3" in row
    assert "Part 2" not in row
    none = {"name": "Kid", "limits": {"tags": ["other"]}}
    assert (await home.client.put(f"/api/people/{kid_id}", json=none)).status_code == 200
    assert "Part" not in await text(await kid.get("/up-next"))


async def test_a_child_is_given_no_picture_of_another_film(home: Home, tmp_path: Path) -> None:
    for seed, name in enumerate(("Kids/cartoon.mp4", "secret.mp4")):
        made = make_video(tmp_path / f"{seed}.mp4", size=(128, 72), seed=seed)
        home.add(name, made.read_bytes())
    await home.scan()
    await home.probed()
    secret, cartoon = await home.video("secret.mp4"), await home.video("Kids/cartoon.mp4")
    await make(home, "Kid", limits={"folders": ["Kids"]})
    kid = await device(home, "Kid")
    for kind in ("jpg?", "webp?w=640&"):
        answers = []
        for client, film, key in (
            (home.client, secret, secret),
            (kid, cartoon, secret),
            (kid, cartoon, cartoon),
        ):
            address = f"/thumbnail/{film.media_hash}.{kind}v={key.poster}"
            answer = await client.get(address)
            assert answer.status_code == 200
            answers.append((await answer.get_data(as_text=False), answer.headers["Cache-Control"]))
        other, asked, own = answers
        assert asked[0] == own[0] != other[0]
        assert "immutable" in own[1]
        assert "immutable" not in asked[1]


async def test_a_child_is_not_told_what_lay_in_the_place_of_a_film(home: Home) -> None:
    home.add("Kids/cartoon.mp4")
    gone = home.add("gone.mp4")
    await home.scan()
    former, cartoon = await home.video("gone.mp4"), await home.video("Kids/cartoon.mp4")
    await home.services.videos.retitle(former.media_hash, "Forbidden", "a")
    gone.unlink()
    await home.scan()
    await home.services.database.write(lambda tx: set_former(tx, cartoon.id, former.id))
    await make(home, "Kid", limits={"folders": ["Kids"]})
    kid = await device(home, "Kid")
    assert "Forbidden" in await text(await home.client.get("/watch/Kids/cartoon.mp4"))
    assert "Forbidden" not in await text(await kid.get("/watch/Kids/cartoon.mp4"))


async def test_limits_follow_copies_that_come_and_go(home: Home) -> None:
    film = home.add("one.mp4")
    await home.scan()
    await make(home, "Kid", limits={"folders": ["Kids"]})
    kid = await device(home, "Kid")
    assert (await kid.get("/watch/one.mp4")).status_code == 404
    copy = home.add("Kids/copy.mp4", film.read_bytes())
    await home.scan()
    assert (await kid.get("/watch/Kids/copy.mp4")).status_code == 200
    assert "one" in await text(await kid.get("/"))
    copy.unlink()
    await home.scan()
    assert (await kid.get("/watch/one.mp4")).status_code == 404
    assert "one.mp4" not in await text(await kid.get("/"))


async def test_a_gallery_page_asks_few_things_whoever_watches(home: Home) -> None:
    hashes = await films(home, *(f"Film {number}" for number in range(6)))
    for each in hashes[:3]:
        await home.services.tags.add(each, "kids", "a")
    await home.probed()  # what is found out later changes the lists
    await home.services.gallery.fill()
    for name, limits in (("Anna", None), ("Ben", None), ("Kid", {"tags": ["kids"]})):
        await make(home, name, limits=limits)
    for client in (home.client, await device(home, "Anna"), await device(home, "Kid")):
        await client.post(f"/videos/{hashes[0]}/progress", form={"position_s": "0.1"})
        await client.post(f"/videos/{hashes[1]}/watched", form={"value": "1"})
        await home.services.progress.flush()
        await client.get("/")  # lists that are kept are made
        for address in ("/", "/?sort=title", "/?sort=recorded", "/?q=film", "/?progress=unwatched"):
            before = home.queries
            assert "Film 2" in await text(await client.get(address))
            assert home.queries - before <= 4, address


async def test_a_watch_page_asks_six_things_at_most_whoever_watches_from_wherever(
    home: Home,
) -> None:
    hashes = await films(home, *(f"Film {number}" for number in range(6)))
    for each in hashes[:4]:
        await home.services.tags.add(each, "kids", "a")
    await home.services.hidden.set(hashes[3], True, "a")
    await home.services.saved_views.create("For kids", "tag=kids", "a")
    playlist_id = await home.services.playlists.create("Evening")
    for each in hashes[:4]:
        await home.services.playlists.add(playlist_id, each)
        await home.services.later.set(each, True)
    await home.probed()
    for name, limits in (("Anna", None), ("Ben", None), ("Kid", {"tags": ["kids"]})):
        await make(home, name, limits=limits)
    kid = await device(home, "Kid")
    for client in (home.client, await device(home, "Anna"), kid):
        await client.post(f"/videos/{hashes[0]}/progress", form={"position_s": "0.1"})
        await home.services.progress.flush()
        await client.get("/")
        for name in ("Film 1", "Film 1", "Film 3"):
            for query in ("", "?sort=title", "?tag=kids", "?later=1", f"?playlist={playlist_id}"):
                before = home.queries
                answer = await client.get(f"/watch/{name}.mp4{query}")
                assert answer.status_code == 200
                assert home.queries - before <= 6, (name, query)
            before = home.queries
            answer = await client.get(f"/video/{name}.mp4", headers={"Range": "bytes=0-9"})
            assert answer.status_code == 206
            limits_looked_up = client is kid
            assert home.queries - before == 1 + limits_looked_up


async def test_no_list_is_that_of_earlier_limits(home: Home) -> None:
    (one,) = await films(home, "one")
    video = await home.services.videos.get(one)
    limits = Limits(("kids",))
    try:
        for allowed in (frozenset({video.id}), frozenset[int]()):
            set_viewer(Viewer(1, limits, allowed))
            page = await home.services.gallery.find(Query())
            assert [card.id for card in page.page.cards] == list(allowed)
    finally:
        set_viewer(NOBODY)


async def test_nobody_is_answered_before_people_are_known(home: Home) -> None:
    await make(home, "Kid", limits={"tags": ["kids"]})

    async def names(people: People) -> list[str]:
        await people.load()
        return [person.name for person in people.every]

    people = People(home.services.database)
    assert await asyncio.gather(*(names(people) for _ in range(5))) == [["Kid"]] * 5
    for turns in range(8):  # requests that end while they read
        people = People(home.services.database)
        reading = asyncio.create_task(people.load())
        for _ in range(turns):
            await asyncio.sleep(0)
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        assert await names(people) == ["Kid"], turns
