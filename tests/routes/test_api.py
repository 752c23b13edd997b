"""The JSON API, as a program uses it."""

import asyncio
import hashlib
import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from quart import Response
from support.home import Home

from lvs.clock import iso_utc_clamped
from lvs.services.auth import AccessFile

pytestmark = pytest.mark.core

UNKNOWN = "0123456789abcdef"
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=30),
    lambda children: (
        st.lists(children, max_size=3)
        | st.dictionaries(st.sampled_from(["value", "tag", "x"]), children, max_size=3)
    ),
    max_leaves=8,
)
TOOLS = settings(
    max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


async def film(home: Home, name: str | bytes = "film.mp4") -> str:
    """The hash of a film that lies in the library from now on."""
    home.add(name)
    await home.scan()
    return (await home.video(name)).media_hash


async def problem(answer: Response, status: int) -> str:
    """The sentence of a problem, after looking at its form (RFC 9457)."""
    assert answer.status_code == status
    assert answer.mimetype == "application/problem+json"
    body = await answer.get_json()
    assert body["status"] == status
    assert body["title"]
    assert re.fullmatch(r".+[.!?}]", body["detail"])
    return str(body["detail"])


# --- Ratings ---


async def test_ratings_answer_as_the_contract_says(home: Home) -> None:
    address = f"/api/ratings/{await film(home)}"
    unrated = {"average": 0.0, "count": 0, "user": {"value": None}}
    steps: list[tuple[str, Any, int, dict[str, Any]]] = [
        ("GET", None, 200, unrated),
        ("POST", {"value": 4}, 201, {"average": 4.0, "count": 1, "user": {"value": 4}}),
        ("POST", {"value": 5}, 200, {"average": 5.0, "count": 1, "user": {"value": 5}}),
        ("POST", {"value": 5}, 200, {"average": 5.0, "count": 1, "user": {"value": 5}}),
        ("GET", None, 200, {"average": 5.0, "count": 1, "user": {"value": 5}}),
        ("POST", {"value": None}, 200, unrated),
        ("POST", {"value": None}, 200, unrated),
        (
            "POST",
            {"value": 1.0, "more": "is passed over"},
            201,
            {"average": 1.0, "count": 1, "user": {"value": 1}},
        ),
        ("DELETE", None, 200, unrated),
        ("DELETE", None, 200, unrated),
        ("GET", None, 200, unrated),
    ]
    for method, body, status, expected in steps:
        sent = {"json": body} if body is not None else {}
        answer = await home.client.open(address, method=method, **sent)
        assert (answer.status_code, await answer.get_json()) == (status, expected), (method, body)
        assert answer.mimetype == "application/json"
        assert answer.headers["Cache-Control"] == "no-cache"
    assert (await home.client.head(address)).status_code == 200


async def test_the_name_the_original_gave_a_video_works_in_place_of_the_hash(home: Home) -> None:
    media_hash = await film(home, "beach_day.mp4")
    alias = hashlib.sha256(b"beach_day.mp4").hexdigest()[:16]
    assert alias == "04ab6a848806d4a3"
    for name in (media_hash, alias):
        await home.client.get(f"/api/ratings/{name}")  # each may have it in the cache now
    assert (await home.client.post(f"/api/ratings/{alias}", json={"value": 3})).status_code == 201
    for name in (media_hash, alias):
        assert (await (await home.client.get(f"/api/ratings/{name}")).get_json())["user"] == {
            "value": 3
        }
    detail = await (await home.client.get(f"/api/videos/{alias}")).get_json()
    assert (detail["media_hash"], detail["rating"]) == (media_hash, 3)


BAD_VALUES = [0, 6, -1, 3.5, "4", "", True, False, [], [4], {}, {"value": 4}, 2**63, 10**400, 1e308]
BAD_BODIES = [
    b"",
    b"{",
    b"4",
    b"null",
    b"[]",
    b'"value"',
    b"{}",
    b'{"Value": 4}',
    b"value=4",
    b"\xff\xfe",
    b'{"value": NaN}',
    b'{"value": Infinity}',
    b'{"value": 4} trailing',
    b'{"value": ' + b"9" * 5000 + b"}",
    b"[" * 60_000,
    b'{"value": ' * 6000,
]


async def test_a_rating_that_is_none_is_refused_with_a_message_and_changes_nothing(
    home: Home,
) -> None:
    address = f"/api/ratings/{await film(home)}"
    await home.client.post(address, json={"value": 2})
    for body in [*(json.dumps({"value": value}).encode() for value in BAD_VALUES), *BAD_BODIES]:
        answer = await home.client.post(
            address, data=body, headers={"Content-Type": "application/json"}
        )
        assert '{"value": 1} to {"value": 5}' in await problem(answer, 400), body[:40]
        assert (await (await home.client.get(address)).get_json())["user"] == {"value": 2}


@pytest.mark.parametrize(
    "content_type",
    [
        None,
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
        "json",
        "a/b/c",
    ],
)
async def test_a_body_that_is_not_sent_as_json_is_a_415(
    home: Home, content_type: str | None
) -> None:
    address = f"/api/ratings/{await film(home)}"
    headers = {"Content-Type": content_type} if content_type else {}
    await problem(await home.client.post(address, data=b'{"value": 4}', headers=headers), 415)
    assert (await (await home.client.get(address)).get_json())["count"] == 0


@pytest.mark.parametrize(
    "content_type",
    ["application/json; charset=utf-8", "Application/JSON", "application/merge-patch+json"],
)
async def test_every_way_to_say_json_is_understood(home: Home, content_type: str) -> None:
    address = f"/api/ratings/{await film(home)}"
    answer = await home.client.post(
        address, data=b'{"value": 4}', headers={"Content-Type": content_type}
    )
    assert answer.status_code == 201


async def test_a_body_that_is_too_large_is_a_413(home: Home) -> None:
    address = f"/api/ratings/{await film(home)}"
    large = b'{"value": 4, "x": "' + b"x" * 70_000 + b'"}'
    await problem(
        await home.client.post(address, data=large, headers={"Content-Type": "application/json"}),
        413,
    )


async def test_two_who_rate_at_once_both_count(home: Home) -> None:
    address = f"/api/ratings/{await film(home)}"
    answers = await asyncio.gather(
        *(home.client.post(address, json={"value": value}) for value in (1, 2, 3, 4, 5) * 4)
    )
    statuses = sorted(answer.status_code for answer in answers)
    assert statuses == [200] * 19 + [201]


# --- Unknown videos and wrong methods ---

ADDRESSES = [
    ("GET", "/api/ratings/{}"),
    ("POST", "/api/ratings/{}"),
    ("DELETE", "/api/ratings/{}"),
    ("GET", "/api/videos/{}"),
    ("GET", "/api/videos/{}/tags"),
    ("POST", "/api/videos/{}/tags"),
    ("PUT", "/api/videos/{}/tags/alps"),
    ("DELETE", "/api/videos/{}/tags/alps"),
    ("GET", "/api/videos/{}/favorite"),
    ("PUT", "/api/videos/{}/favorite"),
    ("DELETE", "/api/videos/{}/favorite"),
    ("GET", "/api/videos/{}/views"),
    ("POST", "/api/videos/{}/views"),
    ("GET", "/api/videos/{}/subtitles"),
]


UNKNOWN_NAMES = [
    UNKNOWN,
    "unknown",
    "%00",
    "%FF",
    "..",
    "'",
    "x" * 3000,
    "%F0%9F%8E%AC",
    "%ED%A0%80",
    "-1",
]


@pytest.mark.parametrize(("method", "address"), ADDRESSES)
async def test_an_unknown_video_is_a_404(home: Home, method: str, address: str) -> None:
    with_body = method == "POST" and "views" not in address
    body: dict[str, Any] = {"json": {"value": 3, "tag": "alps"}} if with_body else {}
    for name in UNKNOWN_NAMES:
        await problem(await home.client.open(address.format(name), method=method, **body), 404)


async def test_a_wrong_method_is_a_405_that_names_the_right_ones(home: Home) -> None:
    answer = await home.client.put(f"/api/ratings/{UNKNOWN}")
    await problem(answer, 405)
    assert {"GET", "HEAD", "POST", "DELETE", "OPTIONS"} == set(answer.headers["Allow"].split(", "))


# --- Videos ---


async def test_a_video_is_described(home: Home) -> None:
    media_hash = await film(home, "Trips/Älps & more.mp4")
    await home.probed()
    base = f"/api/videos/{media_hash}"
    await home.client.post(f"/api/ratings/{media_hash}", json={"value": 4})
    await home.client.put(f"{base}/favorite")
    await home.client.put(f"{base}/tags/snow")
    await home.client.post(f"{base}/views")
    [listed] = (await (await home.client.get("/api/videos")).get_json())["videos"]
    detail = await (await home.client.get(base)).get_json()
    assert detail["path"] == "Trips/Älps & more.mp4"
    assert detail["title"] == "Älps & more"
    assert (detail["width"], detail["height"]) == (64, 36)
    assert detail["duration_s"] == pytest.approx(0.5, abs=0.1)
    assert detail["size_bytes"] == (home.library / "Trips/Älps & more.mp4").stat().st_size
    assert (detail["state"], detail["reason"], detail["missing_since"], detail["offline"]) == (
        "ready",
        None,
        None,
        False,
    )
    assert "mp4" in detail["container"]
    assert (detail["video_codec"], detail["audio_codec"]) == ("h264", None)
    assert (detail["rating"], detail["views"], detail["tags"], detail["favorite"]) == (
        4,
        1,
        ["snow"],
        True,
    )
    assert detail["url"] == "/watch/Trips/%C3%84lps%20%26%20more.mp4"
    for time in ("added_at", "favorited_at", "last_viewed_at", "rated_at"):
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", detail[time])
    for address in ("url", "stream_url", "thumbnail_url"):
        assert (await home.client.get(detail[address])).status_code == 200
    assert (await home.client.get(detail["thumbnail_url"])).mimetype == "image/jpeg"
    assert {name: detail[name] for name in listed} == listed


async def test_unknown_values_are_null(home: Home) -> None:
    home.add("junk.mp4", b"no video at all" * 20)
    await home.scan()
    await home.probed()
    video = await home.video("junk.mp4")
    detail = await (await home.client.get(f"/api/videos/{video.media_hash}")).get_json()
    assert detail["state"] == "unreadable"
    assert detail["reason"].endswith(".")
    unknown = (
        "duration_s",
        "width",
        "height",
        "container",
        "video_codec",
        "rating",
        "last_viewed_at",
        "favorited_at",
        "rated_at",
    )
    assert [detail[name] for name in unknown] == [None] * len(unknown)


async def test_names_that_are_not_utf8_are_shown_and_their_addresses_work(home: Home) -> None:
    media_hash = await film(home, b"bad\xff\xe4.mp4")
    detail = await (await home.client.get(f"/api/videos/{media_hash}")).get_json()
    assert detail["path"] == "bad\ufffd\ufffd.mp4"
    assert detail["stream_url"] == "/video/bad%FF%E4.mp4"
    # The test client decodes addresses before it sends them; a real one does not.
    streamed = await home.client.get(
        detail["stream_url"], scope_base={"raw_path": detail["stream_url"].encode()}
    )
    assert (
        await streamed.get_data() == (home.library / os.fsdecode(b"bad\xff\xe4.mp4")).read_bytes()
    )
    assert (await (await home.client.get("/api/videos")).get_json())["videos"][0][
        "stream_url"
    ] == detail["stream_url"]


async def test_with_several_folders_the_path_begins_with_the_folders_name(tmp_path: Path) -> None:
    async with Home(tmp_path, libraries=("Videos", "More films")) as home:
        home.add("a.mp4")
        home.add("b.mp4", library=1)
        await home.scan()
        found = (await (await home.client.get("/api/videos?sort=title")).get_json())["videos"]
        assert [(video["path"], video["stream_url"]) for video in found] == [
            ("Videos/a.mp4", "/video/Videos/a.mp4"),
            ("More films/b.mp4", "/video/More%20films/b.mp4"),
        ]
        for video in found:
            assert (await home.client.get(video["stream_url"])).status_code == 200


async def test_a_video_that_is_gone_is_still_described(home: Home) -> None:
    media_hash = await film(home)
    await home.client.post(f"/api/ratings/{media_hash}", json={"value": 4})
    (home.library / "film.mp4").unlink()
    home.add("other.mp4")
    await home.scan()
    detail = await (await home.client.get(f"/api/videos/{media_hash}")).get_json()
    assert detail["missing_since"] is not None
    assert detail["rating"] == 4
    assert [
        video["title"]
        for video in (await (await home.client.get("/api/videos")).get_json())["videos"]
    ] == ["other"]


@pytest.mark.newest_only
@pytest.mark.parametrize(
    "sort",
    ["added", "title", "rating", "views", "duration", "size", "viewed", "favorited", "random"],
)
@pytest.mark.parametrize("order", ["asc", "desc"])
async def test_page_by_page_every_video_comes_once(home: Home, sort: str, order: str) -> None:
    for number in range(7):
        home.add(f"film {number}.mp4")
    await home.scan()
    whole = await (
        await home.client.get(f"/api/videos?sort={sort}&order={order}&seed=99")
    ).get_json()
    assert whole["next"] is None
    seen, after = [], ""
    for _ in range(10):
        page = await (
            await home.client.get(
                f"/api/videos?sort={sort}&order={order}&seed=99&limit=3&after={after}"
            )
        ).get_json()
        seen += page["videos"]
        after = page["next"]
        if after is None:
            break
    assert seen == whole["videos"]
    assert len({video["media_hash"] for video in seen}) == 7


async def test_the_gallerys_filters_work(home: Home) -> None:
    hashes = {name: await film(home, f"{name}.mp4") for name in ("alps", "sub/beach", "city")}
    await home.client.post(f"/api/ratings/{hashes['alps']}", json={"value": 5})
    await home.client.put(f"/api/videos/{hashes['city']}/favorite")
    await home.client.put(f"/api/videos/{hashes['city']}/tags/night")
    await home.client.post(f"/api/videos/{hashes['sub/beach']}/views")
    for query, titles in {
        "q=alp": ["alps"],
        "tag=NIGHT": ["city"],
        "tag=%23night&favorite=1": ["city"],
        "tag=nothing": [],
        "min_rating=5": ["alps"],
        "unrated=1": ["beach", "city"],
        "favorite=1": ["city"],
        "folder=sub": ["beach"],
        "viewed=1": ["beach"],
        "unknown=passed-over": ["alps", "beach", "city"],
    }.items():
        found = await (await home.client.get(f"/api/videos?sort=title&{query}")).get_json()
        assert [video["title"] for video in found["videos"]] == titles, query


SENSELESS = [
    "limit=0",
    "limit=501",
    "limit=-1",
    "limit=1_0",
    "limit=%C2%B2",
    "limit=%D9%A1",
    "limit=1e2",
    "limit=" + "9" * 400,
    "limit=x",
    "after=nonsense",
    "after=%00",
    "after=W10",
    "after=WzEsMl0x",
    "after=WyJ4IiwxXQ",  # a text where the order has numbers
    "after=" + "A" * 5000,
    "after=W05hTiwxXQ",
    "after=WzFlNDAwLDFd",
    "sort=nonsense",
    "order=sideways",
    "min_rating=6",
    "min_rating=x",
    "favorite=maybe",
    "seed=" + "9" * 30,
    "q=" + "x" * 201,
    "q=%FF",
    "tag=%FF",
    "&".join(f"tag={number}" for number in range(30)),
    "state=nonsense",
    "state=unreadable&q=x",
    "state=unreadable&after=WyJ4IiwxXQ",
]


async def test_a_query_that_makes_no_sense_is_refused_with_a_message(home: Home) -> None:
    for query in SENSELESS:
        await problem(await home.client.get(f"/api/videos?{query}"), 400)


async def test_files_that_cannot_be_read_are_listed_on_request(home: Home) -> None:
    for number in range(5):
        home.add(f"junk {number}.mp4", b"junk" * (100 + number))
    home.add("film.mp4")
    await home.scan()
    await home.probed()
    assert [
        video["title"]
        for video in (await (await home.client.get("/api/videos")).get_json())["videos"]
    ] == ["film"]
    found: list[str] = []
    after: str | None = ""
    while after is not None:
        page = await (
            await home.client.get(f"/api/videos?state=unreadable&limit=2&after={after}")
        ).get_json()
        found += [video["path"] for video in page["videos"]]
        assert all(video["reason"].endswith(".") for video in page["videos"])
        after = page["next"]
    assert sorted(found) == [f"junk {number}.mp4" for number in range(5)]


# --- Tags, favorites, views ---


async def test_tags_are_put_on_and_taken_off(home: Home) -> None:
    address = f"/api/videos/{await film(home)}/tags"

    async def tags(method: str, path: str = "", **sent: Any) -> list[str]:
        answer = await home.client.open(address + path, method=method, **sent)
        assert answer.status_code == 200
        return list((await answer.get_json())["tags"])

    assert await tags("GET") == []
    assert await tags("POST", json={"tag": "#Snow"}) == ["Snow"]
    assert await tags("POST", json={"tag": "snow"}) == ["Snow"]
    assert await tags("PUT", "/two%20words") == ["Snow", "two words"]
    assert await tags("PUT", "/a%2Fb") == ["a/b", "Snow", "two words"]
    assert await tags("PUT", "/%23%F0%9F%8E%AC") == ["a/b", "Snow", "two words", "🎬"]
    assert await tags("DELETE", "/SNOW") == ["a/b", "two words", "🎬"]
    assert await tags("DELETE", "/nobody-has-it") == ["a/b", "two words", "🎬"]
    assert await tags("DELETE", "/a/b") == ["two words", "🎬"]
    assert await tags("GET") == ["two words", "🎬"]


async def test_a_tag_that_is_none_is_refused_with_a_message(home: Home) -> None:
    address = f"/api/videos/{await film(home)}/tags"
    for tag in (
        "",
        " ",
        "#",
        "x" * 65,
        "x" * 5000,
        "a\nb",
        "a\0b",
        "\u2028",
        None,
        5,
        True,
        ["x"],
        {"tag": "x"},
    ):
        await problem(await home.client.post(address, json={"tag": tag}), 400)
    assert (await (await home.client.get(address)).get_json()) == {"tags": []}


async def test_a_tag_in_the_address_that_is_none_is_refused(home: Home) -> None:
    address = f"/api/videos/{await film(home)}/tags"
    for path in ("%FF", "caf%E9", "%00", "%20", "%23", "x" * 65, "a%0Ab"):
        await problem(await home.client.put(f"{address}/{path}"), 400)
    assert (await (await home.client.get(address)).get_json()) == {"tags": []}


async def test_a_lone_surrogate_is_no_tag(home: Home) -> None:
    address = f"/api/videos/{await film(home)}/tags"
    answer = await home.client.post(
        address, data=b'{"tag": "\\ud800"}', headers={"Content-Type": "application/json"}
    )
    await problem(answer, 400)


async def test_the_heart_is_set_and_not_turned_over(home: Home) -> None:
    address = f"/api/videos/{await film(home)}/favorite"
    for method, favorite in (
        ("GET", False),
        ("PUT", True),
        ("PUT", True),
        ("GET", True),
        ("DELETE", False),
        ("DELETE", False),
    ):
        answer = await home.client.open(address, method=method)  # type: ignore[call-arg]
        assert (answer.status_code, await answer.get_json()) == (200, {"favorite": favorite})


async def test_views_are_counted_also_when_they_come_at_once(home: Home) -> None:
    address = f"/api/videos/{await film(home)}/views"
    answers = await asyncio.gather(*(home.client.post(address) for _ in range(10)))
    assert sorted([(await answer.get_json())["views"] for answer in answers]) == list(range(1, 11))
    assert await (await home.client.get(address)).get_json() == {"views": 10}


async def test_every_tag_is_listed_page_by_page(home: Home) -> None:
    first, second = await film(home, "1.mp4"), await film(home, "2.mp4")
    names = ["alps", "Beach", "city", "Ärger", "日本"]
    for name in names:
        await home.client.post(f"/api/videos/{first}/tags", json={"tag": name})
    await home.client.post(f"/api/videos/{second}/tags", json={"tag": "BEACH"})
    whole = await (await home.client.get("/api/tags")).get_json()
    assert {tag["name"]: tag["count"] for tag in whole["tags"]} == {
        name: 1 + (name == "Beach") for name in names
    }
    assert whole["next"] is None
    seen: list[dict[str, Any]] = []
    after: str | None = ""
    while after is not None:
        answer = await home.client.get("/api/tags", query_string={"limit": "2", "after": after})
        page = await answer.get_json()
        seen += page["tags"]
        after = page["next"]
    assert seen == whole["tags"]
    for query in ("limit=0", "limit=1001", "limit=x", "after=%FF"):
        await problem(await home.client.get(f"/api/tags?{query}"), 400)


# --- Whatever comes ---


@pytest_asyncio.fixture
async def fuzzed(home: Home) -> tuple[Home, str]:
    return home, await film(home)


@TOOLS
@given(
    JSON_VALUES, st.sampled_from(["/api/ratings/{}", "/api/videos/{}/tags", "/api/videos/{}/views"])
)
async def test_no_body_is_the_servers_fault(
    fuzzed: tuple[Home, str], value: Any, address: str
) -> None:
    home, media_hash = fuzzed
    answer = await home.client.post(
        address.format(media_hash),
        data=json.dumps(value),
        headers={"Content-Type": "application/json"},
    )
    assert answer.status_code in {200, 201, 400}


@TOOLS
@given(st.binary(max_size=80))
async def test_no_bytes_are_the_servers_fault(fuzzed: tuple[Home, str], body: bytes) -> None:
    home, media_hash = fuzzed
    answer = await home.client.post(
        f"/api/ratings/{media_hash}", data=body, headers={"Content-Type": "application/json"}
    )
    assert answer.status_code in {200, 201, 400}


QUERY_NAMES = [
    "limit",
    "after",
    "q",
    "tag",
    "min_rating",
    "favorite",
    "unrated",
    "viewed",
    "folder",
    "min_minutes",
    "max_minutes",
]
QUERY_NAMES += ["sort", "order", "seed", "state", "other"]
QUERY_VALUES = (
    st.text(max_size=20)
    | st.integers(-(2**70), 2**70).map(str)
    | st.sampled_from(["1", "title", "random", "asc", "unreadable"])
)


@TOOLS
@given(
    st.lists(st.tuples(st.sampled_from(QUERY_NAMES), QUERY_VALUES), max_size=5),
    st.sampled_from(["/api/videos", "/api/tags"]),
)
async def test_no_query_is_the_servers_fault(
    fuzzed: tuple[Home, str], pairs: list[tuple[str, str]], address: str
) -> None:
    home, _ = fuzzed
    query: dict[str, Any] = {
        name: value.encode("utf-8", "replace").decode() for name, value in pairs
    }
    assert (await home.client.get(address, query_string=query)).status_code in {200, 400}


@TOOLS
@given(
    st.binary(max_size=60).map(lambda raw: "".join(f"%{byte:02X}" for byte in raw)),
    st.sampled_from(ADDRESSES),
)
async def test_no_name_is_the_servers_fault(
    fuzzed: tuple[Home, str], name: str, address: tuple[str, str]
) -> None:
    home, _ = fuzzed
    answer = await home.client.open(address[1].format(name or "x"), method=address[0])  # type: ignore[call-arg]
    assert answer.status_code in {400, 404, 405, 415}


# --- The document ---


async def test_the_openapi_document_describes_every_json_address(home: Home) -> None:
    answer = await home.client.get("/api/openapi.json")
    assert answer.status_code == 200
    document = await answer.get_json()
    assert document["openapi"].startswith("3.1")
    described = {
        (path, method.upper())
        for path, operations in document["paths"].items()
        for method in operations
        if method != "parameters"
    }
    served = {
        (re.sub(r"<(?:[^:<>]*:)?([^<>]+)>", r"{\1}", rule.rule), method)
        for rule in home.app.url_map.iter_rules()
        if rule.endpoint.startswith("api/") and "openapi" not in rule.endpoint
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert served <= described
    assert len(served) >= 22
    ids = [
        operation["operationId"]
        for operations in document["paths"].values()
        for operation in operations.values()
    ]
    assert len(ids) == len(set(ids))


async def test_the_document_is_whole(home: Home) -> None:
    document = await (await home.client.get("/api/openapi.json")).get_json()
    text = json.dumps(document)
    schemas = document["components"]["schemas"]
    for name in re.findall(r'"#/components/schemas/([^"]+)"', text):
        assert name in schemas
    assert "://" not in text
    for path, operations in document["paths"].items():
        for operation in operations.values():
            named = {
                parameter["name"]
                for parameter in operation["parameters"]
                if parameter["in"] == "path"
            }
            assert named == set(re.findall(r"\{(\w+)\}", path))
            assert operation["summary"]
            for status, response in operation["responses"].items():
                assert response["description"]
                answered = "text/event-stream" if path == "/api/events" else "application/json"
                kind = answered if status.startswith("2") else "application/problem+json"
                assert set(response["content"]) == {kind}


@pytest.mark.parametrize(
    ("protect", "reads", "changes"),
    [
        ("none", [{}, {"token": []}, {"session": []}], [{}, {"token": []}, {"session": []}]),
        ("everything", [{"token": []}, {"session": []}], [{"token": []}, {"session": []}]),
        ("changes", [{}], [{"token": []}, {"session": []}]),
    ],
)
async def test_the_document_says_how_to_sign_in_and_where_it_is_needed(
    tmp_path: Path, protect: str, reads: list[object], changes: list[object]
) -> None:
    options: dict[str, Any] = {"protect": protect, "password": "a long password"}
    options = {} if protect == "none" else options
    async with Home(tmp_path, **options) as home:
        token = AccessFile(home.data).add_token("reader") if options else ""
        headers = {"Authorization": f"Bearer {token}"}
        answer = await home.client.get("/api/openapi.json", headers=headers)
        document = await answer.get_json()
        schemes = document["components"]["securitySchemes"]
        assert schemes["token"]["scheme"] == "bearer"
        assert (schemes["session"]["in"], schemes["session"]["name"]) == ("cookie", "lvs_session")
        for path, operations in document["paths"].items():
            for method, operation in operations.items():
                guests = method == "get" and not path.startswith(("/admin/", "/api/admin/"))
                needed = operation.get("security", document["security"])
                assert needed == (reads if guests else changes), (method, path)
        videos = document["paths"]["/api/videos"]["get"]
        status = (await home.client.get("/api/videos")).status_code
        assert (status == 200) == ({} in videos.get("security", document["security"]))
        assert "401" in document["paths"]["/api/ratings/{media_hash}"]["post"]["responses"]


async def test_no_page_loads_a_reader_for_the_document_from_elsewhere(home: Home) -> None:
    for address in ("/docs", "/redocs", "/scalar", "/openapi.json"):
        assert (await home.client.get(address)).status_code == 404


async def test_answers_are_as_the_document_says(home: Home) -> None:
    """Names and types of what is answered, compared with the document by a small reader of JSON
    Schema.
    """
    media_hash = await film(home)
    await home.probed()
    document = await (await home.client.get("/api/openapi.json")).get_json()
    for path, sent in {
        "/api/videos": {},
        "/api/videos/{media_hash}": {},
        "/api/ratings/{media_hash}": {},
        "/api/videos/{media_hash}/tags": {},
        "/api/videos/{media_hash}/views": {},
        "/api/videos/{media_hash}/favorite": {},
        "/api/videos/{media_hash}/subtitles": {},
        "/api/tags": {},
        "/get_views": {},
        "/api/tags/popular": {},
        "/api/tags/video": {"filename": "film.mp4"},
    }.items():
        answer = await home.client.get(path.format(media_hash=media_hash), query_string=sent)
        schema = document["paths"][path]["get"]["responses"]["200"]["content"]["application/json"][
            "schema"
        ]
        assert mismatch(await answer.get_json(), schema, document) is None, path
    answer = await home.client.get("/api/videos/unknown")
    schema = document["paths"]["/api/videos/{media_hash}"]["get"]["responses"]["404"]["content"][
        "application/problem+json"
    ]["schema"]
    assert mismatch(await answer.get_json(), schema, document) is None


JSON_TYPES: dict[str, Any] = {
    "object": dict,
    "array": list,
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "null": type(None),
}


def mismatch(value: Any, schema: Any, document: Any) -> str | None:
    """The place where the value breaks the schema; None if there is none."""
    if "$ref" in schema:
        return mismatch(
            value, document["components"]["schemas"][schema["$ref"].rpartition("/")[2]], document
        )
    if "anyOf" in schema:
        mismatches = [mismatch(value, choice, document) for choice in schema["anyOf"]]
        return None if None in mismatches else f"{value!r} is none of {schema['anyOf']}"
    if "const" in schema or "enum" in schema:
        return (
            None
            if value in schema.get("enum", [schema.get("const")])
            else f"{value!r} is not in {schema}"
        )
    kind = JSON_TYPES[schema["type"]]
    if not isinstance(value, kind) or (isinstance(value, bool) and schema["type"] != "boolean"):
        return f"{value!r} is no {schema['type']}"
    if isinstance(value, list):
        return next(
            (found for item in value if (found := mismatch(item, schema["items"], document))), None
        )
    if isinstance(value, dict) and "properties" in schema:
        if set(value) - set(schema["properties"]) or set(schema.get("required", ())) - set(value):
            return f"{sorted(value)} against {sorted(schema['properties'])}"
        items = schema["properties"].items()
        return next(
            (
                f"{name}: {found}"
                for name, inner in items
                if (found := mismatch(value.get(name), inner, document))
            ),
            None,
        )
    return None


@pytest.mark.parametrize(
    ("unix_ms", "text"),
    [
        (0, "1970-01-01T00:00:00.000Z"),
        (1_700_000_000_123, "2023-11-14T22:13:20.123Z"),
        (-1, "1969-12-31T23:59:59.999Z"),
        (10**18, "9999-12-31T23:59:59.999Z"),
        (-(10**18), "0001-01-01T00:00:00.000Z"),
    ],
)
def test_times_are_iso_8601_and_any_time_can_be_said(unix_ms: int, text: str) -> None:
    assert iso_utc_clamped(unix_ms) == text
