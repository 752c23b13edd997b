"""LVS under a path of its own: every address of every answer has the prefix, once."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from support.home import Home

from lvs.db import gallery
from lvs.db.database import Transaction
from lvs.paths import static_folder
from lvs.routes.hooks.root_path import html_with_prefix

PAGES = (
    *("/", "/favorites", "/tags", "/popular", "/search?q=a", "/connect", "/sign-in", "/nothing"),
    *("/views?save=1", "/triage", "/people"),
    *("/admin/performance", "/admin/jobs", "/admin/changes", "/admin/missing", "/admin/usage"),
    *(
        "/admin/storage",
        "/admin/dates",
        "/admin/log",
        "/admin/duplicates",
        "/admin/unreadable",
        "/admin/bin",
    ),
)
ADDRESS = re.compile(r'\s(?!value=|data-root=)([\w:-]+)="(/[^"]*)"')
OUTSIDE = {"X-Forwarded-Prefix": "/lvs", "X-Forwarded-For": "192.168.1.9"}
LOCAL = {"client": ("127.0.0.1", 4000)}


@pytest_asyncio.fixture
async def below(tmp_path: Path) -> AsyncIterator[Home]:
    """A household whose server stands under /lvs."""
    async with Home(tmp_path, root_path="/lvs") as home:
        home.add("films/one.mp4")
        home.add("two.mp4")
        await home.scan()
        yield home


@pytest.mark.parametrize("page", PAGES)
async def test_every_address_of_a_page_has_the_prefix(below: Home, page: str) -> None:
    answer = await below.client.get(f"/lvs{page}")
    text = await answer.get_data(as_text=True)
    found = [address for _, address in ADDRESS.findall(text)]
    assert len(found) > 5
    assert [each for each in found if not each.startswith("/lvs/")] == []
    assert [each for each in found if each.startswith("/lvs/lvs")] == []
    assert '<html data-root="/lvs" ' in text


async def test_the_addresses_lead_to_answers(below: Home) -> None:
    text = await (await below.client.get("/lvs/")).get_data(as_text=True)
    addresses = {
        address.replace("&amp;", "&")
        for name, address in ADDRESS.findall(text)
        if name in ("href", "src")
    }
    assert any("/lvs/watch/" in address for address in addresses)
    for address in addresses:
        answer = await below.client.get(address.partition("#")[0])  # as a browser asks for it
        assert answer.status_code < 400, address


async def test_a_watch_page_names_its_film_below_the_prefix(below: Home) -> None:
    text = await (await below.client.get("/lvs/watch/films/one.mp4")).get_data(as_text=True)
    for name, address in re.findall(r'\s([\w:-]+)="(/[^"]*)"', text):
        assert address.startswith("/lvs/") or name in ("value", "data-root"), f"{name}={address}"
    assert re.search(r'<(video|source)[^>]* src="/lvs/video/films/one\.mp4', text)
    film = await below.client.get("/lvs/video/films/one.mp4", headers={"Range": "bytes=0-9"})
    assert (film.status_code, len(await film.get_data(as_text=False))) == (206, 10)


async def test_addresses_that_scripts_send_to_have_the_prefix(below: Home) -> None:
    playlist = await below.services.playlists.create("Alps")
    for name in ("films/one.mp4", "two.mp4"):
        await below.services.playlists.add(playlist, (await below.video(name)).media_hash)
    page = await (await below.client.get(f"/lvs/playlist/{playlist}")).get_data(as_text=True)
    assert f'data-move="/lvs/playlist/{playlist}/move"' in page
    page = await (await below.client.get("/lvs/triage")).get_data(as_text=True)
    assert 'data-behind="/lvs/triage?' in page


def test_scripts_put_the_prefix_before_addresses_of_their_own() -> None:
    scripts = [path for path in static_folder().rglob("*.js") if "vendor" not in path.parts]
    assert len(scripts) > 20
    absolute = r"""`/\w.*|(?:fetch|sendBeacon|import)\(["']/.*|(?:href|src|action)="/.*"""
    found = {path.name: re.findall(absolute, path.read_text()) for path in scripts}
    assert {name: lines for name, lines in found.items() if lines} == {}


async def test_json_names_addresses_below_the_prefix(below: Home) -> None:
    listed = await (await below.client.get("/lvs/api/videos")).get_json()
    assert len(listed["videos"]) == 2
    for video in listed["videos"]:
        for name in ("url", "stream_url", "thumbnail_url"):
            assert video[name].startswith("/lvs/")
            assert not video[name].startswith("/lvs/lvs")


async def test_json_of_health_names_its_pages_below_the_prefix(below: Home) -> None:
    async def change(tx: Transaction) -> None:  # a clock that was wrong
        await tx.run("UPDATE videos SET added_at = 1")
        await gallery.refresh(tx, [video.id])

    video = await below.video("two.mp4")
    await below.services.database.write(change)
    below.services.cache.invalidate()
    issues = (await (await below.client.get("/lvs/api/admin/health")).get_json())["issues"]
    assert [each["page"] for each in issues if each["page"]] == ["/lvs/admin/dates"]


async def test_forms_lead_back_to_the_page_they_stood_on(below: Home) -> None:
    one = (await below.video("two.mp4")).media_hash
    headers = {"Referer": "http://localhost/lvs/watch/two.mp4?sort=title", "Host": "localhost"}
    answer = await below.client.post(
        f"/lvs/videos/{one}/rating", form={"value": "4"}, headers=headers
    )
    assert answer.status_code == 303
    assert answer.headers["Location"] == "/lvs/watch/two.mp4?sort=title"
    moved = await below.client.get(f"/lvs/v/{one}")
    assert moved.headers["Location"] == "/lvs/watch/two.mp4"


async def test_cookies_are_of_the_prefix(below: Home) -> None:
    answer = await below.client.post("/lvs/settings", form={"theme": "dark", "back": "/tags"})
    assert answer.headers["Location"] == "/lvs/tags"
    assert re.search(r"(?i); path=/lvs(;|$)", answer.headers["Set-Cookie"])


async def test_the_path_without_a_slash_is_the_first_page(below: Home) -> None:
    answer = await below.client.get("/lvs")
    assert answer.status_code == 200
    assert 'href="/lvs/favorites"' in await answer.get_data(as_text=True)


async def test_a_proxy_that_takes_the_prefix_off_is_understood(below: Home) -> None:
    answer = await below.client.get("/favorites")
    assert 'href="/lvs/favorites"' in await answer.get_data(as_text=True)


async def test_only_a_trusted_proxy_is_believed(tmp_path: Path) -> None:
    async with Home(tmp_path, trusted_proxies=["127.0.0.1"]) as home:
        trusted = await home.client.get("/tags", headers=OUTSIDE, scope_base=LOCAL)
        assert 'href="/lvs/tags"' in await trusted.get_data(as_text=True)
        stranger = {"client": ("192.168.1.9", 4000)}
        other = await home.client.get("/tags", headers=OUTSIDE, scope_base=stranger)
        assert 'href="/tags"' in await other.get_data(as_text=True)


@pytest.mark.parametrize(
    "prefix", ["//evil.example", "/../x", 'x"y', "/a b", "https://evil.example", "/" + "a" * 70]
)
async def test_a_prefix_that_is_none_is_not_believed(tmp_path: Path, prefix: str) -> None:
    async with Home(tmp_path, trusted_proxies=["127.0.0.1"]) as home:
        answer = await home.client.get(
            "/tags", headers={"X-Forwarded-Prefix": prefix}, scope_base=LOCAL
        )
        assert 'href="/tags"' in await answer.get_data(as_text=True)


async def test_host_and_scheme_of_a_trusted_proxy_count(tmp_path: Path) -> None:
    async with Home(
        tmp_path, trusted_proxies=["127.0.0.1"], allowed_hosts=["films.example.org"]
    ) as home:
        video = home.add("a.mp4")
        await home.scan()
        media_hash = (await home.video(video.name)).media_hash
        seen = {
            "X-Forwarded-Host": "films.example.org",
            "X-Forwarded-Proto": "https",
            "Host": "127.0.0.1",
        }
        ours = {**seen, "Origin": "https://films.example.org"}
        target = f"/videos/{media_hash}/favorite"
        answer = await home.client.post(target, form={"value": "1"}, headers=ours, scope_base=LOCAL)
        assert answer.status_code == 303
        foreign = {**seen, "Origin": "https://evil.example"}
        refused = await home.client.post(
            target, form={"value": "1"}, headers=foreign, scope_base=LOCAL
        )
        assert refused.status_code == 403
        unknown = {**seen, "X-Forwarded-Host": "evil.example"}
        assert (await home.client.get("/", headers=unknown, scope_base=LOCAL)).status_code == 421


PASSED_ON = [
    # what the proxy passes on, and whether LVS can know that the page is one of its own
    ({"Host": "films.lan", "X-Forwarded-Host": "films.lan:8080"}, True),
    ({"Host": "127.0.0.1:8900", "X-Forwarded-Host": "films.lan:8080"}, True),
    ({"Host": "films.lan:8080"}, True),
    ({"Host": "127.0.0.1:8900", "X-Forwarded-Host": "a.example, films.lan:8080"}, True),
    ({"Host": "films.lan", "X-Forwarded-For": "192.168.1.7"}, False),
    ({"Host": "127.0.0.1:8900", "X-Forwarded-Proto": "http"}, False),
    ({"Host": "films.lan"}, False),
]


@pytest.mark.parametrize(("passed_on", "known"), PASSED_ON)
async def test_changes_behind_a_proxy_work_or_the_refusal_says_what_it_has_to_pass_on(
    tmp_path: Path, passed_on: dict[str, str], known: bool
) -> None:
    async with Home(tmp_path, trusted_proxies=["127.0.0.1"]) as home:
        home.add("a.mp4")
        await home.scan()
        target = f"/videos/{(await home.video('a.mp4')).media_hash}/favorite"
        headers = {**passed_on, "Origin": "http://films.lan:8080"}
        form = {"value": "1"}
        answer = await home.client.post(target, form=form, headers=headers, scope_base=LOCAL)
        text = await answer.get_data(as_text=True)
        assert answer.status_code == (303 if known else 403)
        assert known or ("proxy_set_header Host $http_host" in text and "trusted_proxies" in text)
        for stranger in ("http://evil.example", "null", "http://films.lan:9090"):
            refused = await home.client.post(
                target, form=form, headers={**headers, "Origin": stranger}, scope_base=LOCAL
            )
            assert refused.status_code == 403, stranger
        rebound = {**headers, "X-Forwarded-Host": "evil.example", "Origin": "http://evil.example"}
        refused = await home.client.post(target, form=form, headers=rebound, scope_base=LOCAL)
        assert refused.status_code == 403


async def test_without_a_prefix_nothing_is_touched(home: Home) -> None:
    text = await (await home.client.get("/")).get_data(as_text=True)
    assert "data-root" not in text
    assert 'href="/favorites"' in text


def test_text_of_people_is_no_address() -> None:
    page = (
        b'<html lang="en"><a href="/watch/x" title="href=&#34;/y">src=&#34;/z</a>'
        b'<img srcset="/a 1x, /b 2x">'
    )
    assert html_with_prefix(page, b"/lvs") == (
        b'<html data-root="/lvs" lang="en">'
        b'<a href="/lvs/watch/x" title="href=&#34;/y">src=&#34;/z</a>'
        b'<img srcset="/lvs/a 1x, /lvs/b 2x">'
    )
