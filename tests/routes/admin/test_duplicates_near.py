"""The page and the calls about films that look the same."""

import re
from itertools import pairwise

from support.home import Home

from lvs.db import picture_signatures as rows


async def pairs(home: Home, *names: str) -> list[str]:
    """Films each of which looks like the one before; their hashes."""
    for name in names:
        home.add(name)
    await home.scan()
    await home.probed()
    videos = [await home.video(name) for name in names]
    couples = list(pairwise(videos))
    async with home.services.database.transaction() as tx:
        await rows.put_pairs(tx, [], [(one.id, other.id, 9) for one, other in couples])
    return [video.media_hash for video in videos]


async def test_a_pair_is_shown_decided_and_opened_again_without_a_script(home: Home) -> None:
    small, large = await pairs(home, "small.mp4", "large.mp4")
    await home.services.ratings.rate(small, 4, "tester")
    page = await (await home.client.get("/admin/duplicates")).get_data(as_text=True)
    assert "1 pair of the same pictures" in page
    stars = re.search(r'<tr class="differs">\s*<th scope="row">Stars</th>((?s:.*?))</tr>', page)
    assert stars
    assert sorted(re.findall(r">([^<]+)</td>", stars[1])) == ["4 stars", "none"]
    assert re.search(r'<tr>\s*<th scope="row">Length</th>', page)
    action = re.search(r'action="(/admin/duplicates/near/\d+/keep)"', page)
    assert action
    answer = await home.client.post(action[1], form={"keep": "0" * 16})
    assert answer.status_code == 400
    answer = await home.client.post(action[1], form={"keep": large})
    assert answer.status_code == 303
    page = await (await home.client.get(answer.headers["Location"])).get_data(as_text=True)
    assert "The other one is hidden." in page
    assert "/near/" not in page
    assert (await home.services.videos.get(large)).rating == 4
    assert (await home.client.post(action[1], form={"keep": large})).status_code == 404
    undo = re.search(r'action="(/changes/\d+/undo)"', page)
    assert undo
    answer = await home.client.post(undo[1], form={"back": "/admin/duplicates"})
    page = await (await home.client.get(answer.headers["Location"])).get_data(as_text=True)
    assert "Undone." in page
    answer = await home.client.post(action[1].replace("keep", "part"))
    page = await (await home.client.get(answer.headers["Location"])).get_data(as_text=True)
    assert "these are two films" in page
    undo = re.search(r'action="(/changes/\d+/undo)"', page)
    assert undo
    assert (await home.client.post(undo[1], form={"back": "/"})).status_code == 303
    journal = await (await home.client.get("/admin/changes")).get_data(as_text=True)
    assert "not the same as another film" in journal
    assert "kept instead of" in journal


async def test_pairs_come_in_runs_as_json_and_are_decided(home: Home) -> None:
    names = ("a.mp4", "b.mp4", "c.mp4")
    first, second, third = await pairs(home, *names)
    address = "/api/admin/duplicates/near"
    run = await (await home.client.get(f"{address}?limit=1")).get_json()
    assert (run["total"], len(run["pairs"])) == (2, 1)
    assert {film["media_hash"] for film in run["pairs"][0]["films"]} == {first, second}
    assert run["pairs"][0]["films"][0]["codec"] == "h264"
    run = await (await home.client.get(f"{address}?limit=1&after={run['next']}")).get_json()
    assert {film["media_hash"] for film in run["pairs"][0]["films"]} == {second, third}
    assert run["next"] is None
    pair = f"{address}/{run['pairs'][0]['pair_id']}"
    for body in ({}, {"keep": second, "different": True}, {"keep": first}, {"keep": 5}):
        assert (await home.client.post(pair, json=body)).status_code == 400, body
    answer = await home.client.post(pair, json={"keep": second})
    assert answer.status_code == 200
    change = (await answer.get_json())["change_id"]
    assert (await home.client.post(pair, json={"keep": second})).status_code == 404
    assert (await home.services.videos.get(third)).hidden
    answer = await home.client.post(f"/api/changes/{change}/undo")
    assert answer.status_code == 200
    assert not (await home.services.videos.get(third)).hidden
    answer = await home.client.post(pair, json={"different": True})
    assert (await answer.get_json())["changed"] == 2
    assert (await (await home.client.get(address)).get_json())["total"] == 1
