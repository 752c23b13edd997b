"""The original's JSON calls, as a client that was made for it uses them."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from quart import Response
from support.home import Home

CALLS = ["/rate", "/favorite", "/tag", "/delete_tag", "/view"]


async def library(home: Home, *names: str) -> None:
    for name in names:
        home.add(name)
    await home.scan()


async def answered(home: Home, address: str, status: int = 200, **body: Any) -> dict[str, Any]:
    answer = await home.client.post(address, json=body)
    assert answer.status_code == status, await answer.get_data()
    return dict(await answer.get_json())


async def refused(answer: Response, status: int) -> None:
    """A problem that clients of the original understand as well."""
    assert answer.status_code == status
    assert answer.mimetype == "application/problem+json"
    body = await answer.get_json()
    assert body["success"] is False
    assert body["error"] == body["detail"]
    assert body["error"].strip()


async def test_rate(home: Home) -> None:
    await library(home, "beach day.mp4", "trips/Älps.mp4")
    assert await answered(home, "/rate", filename="beach day.mp4", rating=4) == {
        "success": True,
        "rating": 4,
    }
    assert await answered(home, "/rate", filename="trips/Älps.mp4", rating="5") == {
        "success": True,
        "rating": 5,
    }
    assert await answered(home, "/rate", filename=" beach day.mp4 ", rating=2.0) == {
        "success": True,
        "rating": 2,
    }
    assert [(await home.video(name)).rating for name in ("beach day.mp4", "trips/Älps.mp4")] == [
        2,
        5,
    ]


async def test_favorite_turns_the_heart_over_and_lists_the_latest_first(home: Home) -> None:
    await library(home, "a.mp4", "b.mp4")
    assert await answered(home, "/favorite", filename="a.mp4") == {
        "success": True,
        "favorites": ["a.mp4"],
        "is_favorite": True,
    }
    both = await answered(home, "/favorite", filename="b.mp4")
    assert sorted(both["favorites"]) == ["a.mp4", "b.mp4"]
    assert await answered(home, "/favorite", filename="a.mp4") == {
        "success": True,
        "favorites": ["b.mp4"],
        "is_favorite": False,
    }


async def test_tag_and_delete_tag(home: Home) -> None:
    await library(home, "a.mp4")
    assert await answered(home, "/tag", filename="a.mp4", tag="#travel") == {
        "success": True,
        "tags": ["#travel"],
    }
    assert await answered(home, "/tag", filename="a.mp4", tag="two words") == {
        "success": True,
        "tags": ["#travel", "#two words"],
    }
    assert await answered(home, "/tag", filename="a.mp4", tag="TRAVEL") == {
        "success": True,
        "tags": ["#travel", "#two words"],
    }
    assert await answered(home, "/delete_tag", filename="a.mp4", tag="#Travel") == {
        "success": True,
        "tags": ["#two words"],
    }
    assert await answered(home, "/delete_tag", filename="a.mp4", tag="nobody has it") == {
        "success": True,
        "tags": ["#two words"],
    }


async def test_view_and_get_views(home: Home) -> None:
    await library(home, "a.mp4", "b.mp4", "c.mp4")
    assert await answered(home, "/view", filename="a.mp4") == {"success": True, "views": 1}
    assert await answered(home, "/view", filename="a.mp4") == {"success": True, "views": 2}
    assert await answered(home, "/view", filename="b.mp4") == {"success": True, "views": 1}
    assert await (await home.client.get("/get_views")).get_json() == {"a.mp4": 2, "b.mp4": 1}
    assert await (await home.client.get("/get_views?filename=a.mp4")).get_json() == {"views": 2}
    assert await (await home.client.get("/get_views?filename=c.mp4")).get_json() == {"views": 0}
    await refused(await home.client.get("/get_views?filename=d.mp4"), 404)


async def test_popular_tags(home: Home) -> None:
    await library(home, "a.mp4", "b.mp4")
    for name, tag in (("a.mp4", "rare"), ("a.mp4", "often"), ("b.mp4", "often")):
        await answered(home, "/tag", filename=name, tag=tag)
    both: dict[str, Any] = {
        "success": True,
        "tags": [{"tag": "#often", "count": 2}, {"tag": "#rare", "count": 1}],
    }
    assert await (await home.client.get("/api/tags/popular")).get_json() == both
    for limit in ("1", "0", "-5"):
        answer = await (await home.client.get(f"/api/tags/popular?limit={limit}")).get_json()
        assert answer["tags"] == both["tags"][:1]
    assert await (await home.client.get("/api/tags/popular?limit=100000")).get_json() == both
    await refused(await home.client.get("/api/tags/popular?limit=many"), 400)


async def test_tags_of_a_video(home: Home) -> None:
    await library(home, "trips/Älps & more.mp4")
    await answered(home, "/tag", filename="trips/Älps & more.mp4", tag="snow")
    expected = {"success": True, "filename": "trips/Älps & more.mp4", "tags": ["#snow"]}
    by_query = await home.client.get(
        "/api/tags/video", query_string={"filename": "trips/Älps & more.mp4"}
    )
    assert await by_query.get_json() == expected
    assert (
        await (await home.client.get("/api/tags/video/trips/%C3%84lps%20%26%20more.mp4")).get_json()
        == expected
    )
    await refused(await home.client.get("/api/tags/video"), 400)
    await refused(await home.client.get("/api/tags/video?filename=nothing.mp4"), 404)
    await refused(await home.client.get("/api/tags/video/nothing.mp4"), 404)


async def test_a_film_that_was_moved_is_found_by_its_old_name(home: Home) -> None:
    await library(home, "old.mp4", "other.mp4")
    await answered(home, "/rate", filename="old.mp4", rating=3)
    (home.library / "old.mp4").rename(home.library / "new.mp4")
    await home.scan()
    await answered(home, "/rate", filename="old.mp4", rating=5)
    assert (await home.video("new.mp4")).rating == 5


async def test_with_several_folders_a_name_is_looked_for_in_each(tmp_path: Path) -> None:
    async with Home(tmp_path, libraries=("Videos", "More")) as home:
        home.add("a.mp4")
        home.add("b.mp4", library=1)
        await home.scan()
        for name in ("a.mp4", "Videos/a.mp4", "b.mp4", "More/b.mp4"):
            await answered(home, "/view", filename=name)
        assert await (await home.client.get("/get_views")).get_json() == {
            "Videos/a.mp4": 2,
            "More/b.mp4": 2,
        }


@pytest.mark.parametrize("address", CALLS)
async def test_an_unknown_name_is_a_404(home: Home, address: str) -> None:
    await library(home, "a.mp4")
    for name in (
        "nothing.mp4",
        "../a.mp4",
        "/a.mp4",
        "a.mp4/",
        "x" * 4000,
        "a\0.mp4",
        "\ufffd.mp4",
        ".",
        "A.mp4",
    ):
        await refused(
            await home.client.post(address, json={"filename": name, "rating": 3, "tag": "x"}), 404
        )


@pytest.mark.parametrize("address", CALLS)
async def test_a_name_that_is_none_is_a_400(home: Home, address: str) -> None:
    await library(home, "a.mp4")
    for name in (None, "", "  ", 5, True, ["a.mp4"], {"filename": "a.mp4"}, "x" * 5000, "\ud800"):
        await refused(
            await home.client.post(address, json={"filename": name, "rating": 3, "tag": "x"}), 400
        )


async def test_a_rating_that_is_none_is_a_400_and_changes_nothing(home: Home) -> None:
    await library(home, "a.mp4")
    await answered(home, "/rate", filename="a.mp4", rating=2)
    ratings: list[Any] = [None, 0, 6, 3.5, "six", "", "²", "1_0", True, [], {}, 2**70]
    for rating in ratings:
        await refused(
            await home.client.post("/rate", json={"filename": "a.mp4", "rating": rating}), 400
        )
    assert (await home.video("a.mp4")).rating == 2


@pytest.mark.parametrize("address", ["/tag", "/delete_tag"])
async def test_a_tag_that_is_none_changes_nothing(home: Home, address: str) -> None:
    await library(home, "a.mp4")
    await answered(home, "/tag", filename="a.mp4", tag="kept")
    for tag in (None, "", " ", 5, "x" * 2000):
        await refused(await home.client.post(address, json={"filename": "a.mp4", "tag": tag}), 400)
    for tag in ("#", "a\nb"):
        await home.client.post(address, json={"filename": "a.mp4", "tag": tag})
    assert (await home.video("a.mp4")).tags == ("kept",)


@pytest.mark.parametrize("address", CALLS)
async def test_bodies_other_than_json_are_refused(home: Home, address: str) -> None:
    await library(home, "a.mp4")
    await refused(
        await home.client.post(address, form={"filename": "a.mp4", "rating": "3", "tag": "x"}), 415
    )
    await refused(
        await home.client.post(
            address, data=b"[" * 60_000, headers={"Content-Type": "application/json"}
        ),
        400,
    )
    await refused(
        await home.client.post(
            address, data=b" " * 70_000, headers={"Content-Type": "application/json"}
        ),
        413,
    )


VALUES = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.text(max_size=20)
    | st.just("a.mp4")
)


@settings(
    max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.dictionaries(st.sampled_from(["filename", "rating", "tag"]), VALUES), st.sampled_from(CALLS)
)
async def test_no_body_is_the_servers_fault(home: Home, body: dict[str, Any], address: str) -> None:
    if not await home.titles():
        await library(home, "a.mp4")
    answer = await home.client.post(
        address, data=json.dumps(body), headers={"Content-Type": "application/json"}
    )
    assert answer.status_code in {200, 400, 404}
