"""Pages of other origins that may use the JSON API."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.home import Home

from lvs.routes.hooks.cors import permitted

pytestmark = pytest.mark.core

HOME_ORIGINS = [
    "http://localhost",
    "http://localhost:5173",
    "https://app.localhost",
    "http://127.0.0.1:8080",
    "http://127.8.9.10",
    "http://10.0.0.1",
    "http://172.16.0.1",
    "https://172.31.255.254:8443",
    "http://192.168.1.10:5000",
    "http://169.254.3.4",
    "http://[::1]:3000",
    "http://[fe80::1]",
    "http://[fd12:3456:789a::1]:80",
    "http://[::ffff:192.168.1.1]",
    "http://nas.local",
    "http://NAS.local:8080",
    "http://deep.nas.local.",
]
FOREIGN_ORIGINS = [
    "",
    "null",
    "*",
    "http://example.com",
    "https://192.168.1.10.example.com",
    "http://10.example.com",
    "http://172.15.0.1",
    "http://172.32.0.1",
    "http://192.169.1.1",
    "http://11.0.0.1",
    "http://0.0.0.0",
    "http://100.64.0.1",
    "http://8.8.8.8",
    "http://203.0.113.5",
    "http://[2001:db8::1]",
    "http://[::ffff:8.8.8.8]",
    "http://[fe80::1%25eth0]",
    "http://local",
    "http://evil.local.example.com",
    "http://evillocal",
    "http://localhost.example.com",
    "http://192.168.1.10/",
    "http://192.168.1.10/path",
    "http://user@192.168.1.10",
    "http://example.com@192.168.1.10",
    "http://192.168.1.10:",
    "http://192.168.1.10:999999",
    "http://192.168.1",
    "http://3232235786",
    "http://0x7f.0.0.1",
    "http://127.1",
    "http://[127.0.0.1]",
    "http://::1",
    "http://[::1",
    "ftp://192.168.1.10",
    "file://",
    "chrome-extension://abcdefgh",
    "http://192.168.1.10 http://example.com",
    "http://192.168.1.10,http://example.com",
    "http://١٩٢.168.1.10",
    "http://.local",
    "http://a..local",
    "http://" + "a" * 5000 + ".local",
]


@pytest.mark.parametrize("origin", HOME_ORIGINS)
def test_origins_of_the_home_network_are_permitted(origin: str) -> None:
    assert permitted(origin)


@pytest.mark.parametrize("origin", FOREIGN_ORIGINS)
def test_other_origins_are_not(origin: str) -> None:
    assert not permitted(origin)


@given(
    st.text(max_size=60)
    | st.from_regex(r"https?://[0-9a-f.:\[\]a-z]{0,40}(:[0-9]{0,7})?", fullmatch=True)
)
def test_any_text_is_judged_without_failing(origin: str) -> None:
    assert permitted(origin) in {True, False}


@pytest.mark.parametrize(
    ("origin", "allowed", "expected"),
    [
        ("https://videos.example.com", ("https://videos.example.com",), True),
        ("https://VIDEOS.example.com:443", ("https://videos.example.com",), True),
        ("http://videos.example.com", ("https://videos.example.com",), False),
        ("https://videos.example.com:8443", ("https://videos.example.com",), False),
        ("http://8.8.8.8:8080", ("http://8.8.8.8:8080",), True),
        ("http://[2001:DB8::0:1]", ("http://[2001:db8::1]",), True),
        ("https://example.com", ("*",), True),
        ("null", ("*",), True),
    ],
)
def test_allowed_origins_are_permitted_too(
    origin: str, allowed: tuple[str, ...], expected: bool
) -> None:
    assert permitted(origin, allowed) is expected


@pytest.mark.parametrize("origin", ["http://192.168.1.10:5000", "http://nas.local"])
async def test_an_answer_names_the_permitted_origin_exactly_and_never_credentials(
    home: Home, origin: str
) -> None:
    for address, status in (
        ("/api/videos", 200),
        ("/api/videos/unknown", 404),
        ("/api/nothing", 404),
        ("/api/videos?limit=x", 400),
    ):
        answer = await home.client.get(address, headers={"Origin": origin})
        assert answer.status_code == status
        assert answer.headers["Access-Control-Allow-Origin"] == origin
        assert "Origin" in answer.vary
        assert "Access-Control-Allow-Credentials" not in answer.headers


@pytest.mark.parametrize("headers", [{}, {"Origin": "http://example.com"}, {"Origin": "null"}])
async def test_other_origins_get_no_permission_and_caches_are_told(
    home: Home, headers: dict[str, str]
) -> None:
    answer = await home.client.get("/api/videos", headers=headers)
    assert answer.status_code == 200
    assert "Access-Control-Allow-Origin" not in answer.headers
    assert "Origin" in answer.vary


async def test_nothing_outside_the_api_is_opened(home: Home) -> None:
    home.add("film.mp4")
    await home.scan()
    for address in ("/", "/get_views", "/ping", "/video/film.mp4", "/watch/film.mp4"):
        answer = await home.client.get(address, headers={"Origin": "http://192.168.1.10"})
        assert "Access-Control-Allow-Origin" not in answer.headers, address


async def test_a_preflight_says_what_is_allowed(home: Home) -> None:
    answer = await home.client.options(
        "/api/ratings/0123456789abcdef",
        headers={
            "Origin": "http://192.168.1.10:5000",
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "content-type",
        },
    )
    assert answer.status_code == 204
    assert await answer.get_data() == b""
    assert answer.headers["Access-Control-Allow-Origin"] == "http://192.168.1.10:5000"
    assert set(answer.headers["Access-Control-Allow-Methods"].split(", ")) == {
        "DELETE",
        "GET",
        "HEAD",
        "OPTIONS",
        "POST",
    }
    allowed = answer.headers["Access-Control-Allow-Headers"].lower().split(", ")
    assert {"content-type", "lvs-person"} <= set(allowed)
    assert "Access-Control-Allow-Credentials" not in answer.headers
    assert "Access-Control-Allow-Private-Network" not in answer.headers
    assert "Origin" in answer.vary


async def test_a_preflight_for_private_network_access_is_granted_to_permitted_origins_only(
    home: Home,
) -> None:
    asked = {
        "Access-Control-Request-Method": "GET",
        "Access-Control-Request-Private-Network": "true",
    }
    granted = await home.client.options(
        "/api/videos", headers={"Origin": "http://nas.local", **asked}
    )
    refused = await home.client.options(
        "/api/videos", headers={"Origin": "https://example.com", **asked}
    )
    assert granted.headers["Access-Control-Allow-Private-Network"] == "true"
    assert refused.status_code == 204
    assert not [name for name, _ in refused.headers if name.lower().startswith("access-control")]


async def test_a_preflight_for_an_address_that_is_not_there_is_a_404(home: Home) -> None:
    headers = {"Origin": "http://nas.local", "Access-Control-Request-Method": "GET"}
    assert (await home.client.options("/api/nothing", headers=headers)).status_code == 404


async def test_writes_from_foreign_pages_are_refused_and_from_permitted_ones_taken(
    home: Home,
) -> None:
    home.add("film.mp4")
    await home.scan()
    video = await home.video("film.mp4")
    views = (
        f"/api/videos/{video.media_hash}/views"  # a request that browsers send without asking first
    )
    for origin in ("https://example.com", "null", "http://[", "http://192.168.1.10.example.com"):
        refused = await home.client.post(
            views, headers={"Origin": origin, "Sec-Fetch-Site": "cross-site"}
        )
        assert refused.status_code == 403
        refused = await home.client.post(views, headers={"Origin": origin})
        assert refused.status_code == 403
        assert refused.mimetype == "application/problem+json"
    assert await (await home.client.get(views)).get_json() == {"views": 0}
    for headers in (
        {"Origin": "http://192.168.1.10"},
        {"Origin": "http://nas.local", "Sec-Fetch-Site": "cross-site"},
        {},
    ):
        assert (await home.client.post(views, headers=headers)).status_code == 200
    assert await (await home.client.get(views)).get_json() == {"views": 3}


async def test_the_original_json_calls_are_not_open_to_other_origins(home: Home) -> None:
    home.add("film.mp4")
    await home.scan()
    refused = await home.client.post(
        "/view", json={"filename": "film.mp4"}, headers={"Origin": "http://192.168.1.10"}
    )
    assert refused.status_code == 403


async def test_enable_cors_false_closes_the_api_to_other_origins(tmp_path: Path) -> None:
    async with Home(tmp_path, enable_cors=False, allowed_origins=["http://nas.local"]) as home:
        answer = await home.client.get("/api/videos", headers={"Origin": "http://nas.local"})
        assert answer.status_code == 200
        assert "Access-Control-Allow-Origin" not in answer.headers
        preflight = await home.client.options(
            "/api/videos",
            headers={"Origin": "http://nas.local", "Access-Control-Request-Method": "GET"},
        )
        assert not [
            name for name, _ in preflight.headers if name.lower().startswith("access-control")
        ]


async def test_allowed_origins_opens_the_api_to_them(tmp_path: Path) -> None:
    async with Home(tmp_path, allowed_origins=["https://videos.example.com"]) as home:
        for origin, expected in (
            ("https://videos.example.com", "https://videos.example.com"),
            ("https://example.com", None),
        ):
            answer = await home.client.get("/api/videos", headers={"Origin": origin})
            assert answer.headers.get("Access-Control-Allow-Origin") == expected
