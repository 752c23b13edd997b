"""The history: written while films are played, read by day, removed for good."""

import re

from quart import Response
from support.home import Home
from support.household import a_film

from lvs.clock import now_ms

DAY_MS = 24 * 3_600_000


async def text(response: Response) -> str:
    return (await response.get_data()).decode()


async def played(home: Home, media_hash: str, days_ago: int = 0) -> None:
    at = now_ms() - days_ago * DAY_MS
    await home.services.progress.record(media_hash, 1 + days_ago / 10, "a", at_ms=at)
    await home.services.progress.flush()


async def listed(home: Home) -> list[tuple[str, str]]:
    """Title and day of each line."""
    found = await (await home.client.get("/api/history")).get_json()
    return [(line["title"], line["day"]) for line in found["lines"]]


async def test_a_film_stands_once_on_each_day_it_was_played(home: Home) -> None:
    one, two = await a_film(home, name="one.mp4"), await a_film(home, name="two.mp4")
    await played(home, one, days_ago=3)
    await played(home, two, days_ago=3)
    await played(home, one)
    await played(home, one)
    found = await listed(home)
    assert [title for title, _ in found] == ["one", "two", "one"]
    assert found[1][1] == found[2][1] != found[0][1]
    page = await text(await home.client.get("/history"))
    assert "Today" in page
    assert page.count('class="history-day"') == 2
    assert page.count("/watch/one.mp4") == 2
    assert 'href="/history"' in await text(await home.client.get("/playlists"))


async def test_lines_and_days_are_removed_and_gone(home: Home) -> None:
    one, two = await a_film(home, name="one.mp4"), await a_film(home, name="two.mp4")
    await played(home, one, days_ago=2)
    await played(home, two, days_ago=2)
    await played(home, one)
    page = await text(await home.client.get("/history"))
    line = re.findall(r'action="(/history/\d+/remove)"', page)[0]
    answer = await home.client.post(line)
    assert answer.headers["Location"] == "/history?removed=1"
    assert [title for title, _ in await listed(home)] == ["two", "one"]
    assert (await home.client.post(line)).status_code == 404
    day = (await listed(home))[0][1]
    answer = await home.client.post("/history/remove", form={"day": day})
    assert answer.headers["Location"] == "/history?removed=2"
    assert await listed(home) == []
    assert (await home.services.progress.get(one)).position_s > 0  # the place stays
    for form in ({"day": "x"}, {"day": "2026-1-1"}, {}):
        assert (await home.client.post("/history/remove", form=form)).status_code == 400


async def test_a_position_of_before_does_not_bring_a_removed_line_back(home: Home) -> None:
    one = await a_film(home, name="one.mp4")
    await played(home, one)
    for position_s in (2.0, 3.0):  # the last one waits to be written
        await home.services.progress.record(one, position_s, "a")
    found = await (await home.client.get("/api/history")).get_json()
    [line] = found["lines"]
    assert (await home.client.delete(f"/api/history/{line['id']}")).status_code == 200
    await home.services.progress.flush()
    assert await listed(home) == []
    assert await home.services.progress.position_s(one) == 3.0


async def test_hidden_films_are_left_out_unless_they_are_asked_for(home: Home) -> None:
    one, two = await a_film(home, name="one.mp4"), await a_film(home, name="two.mp4")
    for each, ago in ((one, 2), (two, 1), (one, 0)):
        await played(home, each, ago)
    await home.services.hidden.set(one, True, "a")
    assert [title for title, _ in await listed(home)] == ["two"]
    page = await text(await home.client.get("/history"))
    assert "2 lines of hidden videos left out" in page
    assert "/watch/one.mp4" not in page
    page = await text(await home.client.get("/history?hidden=1"))
    assert page.count("/watch/one.mp4") == 2
    assert "left out" not in page
    first = await (await home.client.get("/api/history?hidden=1&limit=2")).get_json()
    assert [line["title"] for line in first["lines"]] == ["one", "two"]
    address = f"/api/history?hidden=1&before={first['next']}"
    rest = await (await home.client.get(address)).get_json()
    assert [line["title"] for line in rest["lines"]] == ["one"]
    await home.services.hidden.set(one, False, "a")
    assert [title for title, _ in await listed(home)] == ["one", "two", "one"]


async def test_while_it_is_off_nothing_is_noted(home: Home) -> None:
    one = await a_film(home, name="one.mp4")
    await home.services.progress.record(one, 1.0, "a")  # waits to be written
    assert (await home.client.post("/history/switch", form={"value": "0"})).status_code == 303
    assert len(await listed(home)) == 1
    await home.client.post("/history/remove", form={"day": "all"})
    await played(home, one)
    assert await listed(home) == []
    assert "History is off" in await text(await home.client.get("/history"))
    assert (await home.client.put("/api/history", json={"on": True})).status_code == 200
    await played(home, one)
    assert len(await listed(home)) == 1


async def test_history_by_json_goes_on_where_it_stopped(home: Home) -> None:
    one, two = await a_film(home, name="one.mp4"), await a_film(home, name="two.mp4")
    for each, ago in ((one, 2), (two, 1), (one, 0)):
        await played(home, each, ago)
    first = await (await home.client.get("/api/history?limit=2")).get_json()
    assert [line["title"] for line in first["lines"]] == ["one", "two"]
    rest = await (await home.client.get(f"/api/history?before={first['next']}")).get_json()
    assert [line["media_hash"] for line in rest["lines"]] == [one]
    assert rest["next"] is None
    line = first["lines"][0]
    assert (await home.client.delete(f"/api/history/{line['id']}")).status_code == 200
    assert (await home.client.delete(f"/api/history/{line['id']}")).status_code == 404
    day = rest["lines"][0]["day"]
    assert (await home.client.delete(f"/api/history?day={day}")).status_code == 200
    assert [title for title, _ in await listed(home)] == ["two"]
    assert (await home.client.delete("/api/history")).status_code == 200
    assert await listed(home) == []
    for address in ("/api/history?limit=0", "/api/history?before=x", "/history?before=%ff"):
        assert (await home.client.get(address)).status_code == 400
    assert (await home.client.delete("/api/history?day=x")).status_code == 400
    assert (await home.client.put("/api/history", json={"on": 5})).status_code == 400
