"""The pages and the forms on them: whole page or partial, with JavaScript and without."""

import asyncio
import json
import os
import re
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import quote_from_bytes

import pytest
from quart import Response
from support.home import OLD_NS, Home, distinct_video
from support.odd_names import ODD_NAMES
from support.processes import serving, until

HTMX = {"HX-Request": "true", "HX-Request-Type": "partial"}


async def one_video(home: Home, name: str = "film.mp4") -> str:
    home.add(name)
    await home.scan()
    return (await home.video(name)).media_hash


async def text(response: Response) -> str:
    return (await response.get_data(as_text=False)).decode()


async def test_stars_are_given_changed_and_cleared_by_htmx_and_by_a_plain_form(home: Home) -> None:
    media_hash = await one_video(home)
    address = f"/videos/{media_hash}/rating"
    answer = await home.client.post(address, form={"value": "4"}, headers=HTMX)
    assert (answer.status_code, answer.headers["HX-Trigger"]) == (200, "rating:changed")
    assert re.search(r'value="0" aria-pressed="true"\s+aria-label="4 stars"', await text(answer))
    assert (await home.services.ratings.get(media_hash)).value == 4
    answer = await home.client.post(
        address,
        form={"value": "2"},
        headers={"Referer": "http://localhost/watch/film.mp4?sort=title"},
    )
    assert (answer.status_code, answer.headers["Location"]) == (303, "/watch/film.mp4?sort=title")
    assert (await home.services.ratings.get(media_hash)).value == 2
    await home.client.post(address, form={"value": "0"})
    assert (await home.services.ratings.get(media_hash)).value is None


@pytest.mark.parametrize("value", ["6", "-1", "", "²", "1_0", "5.0", "x" * 5000, "true"])
async def test_nonsense_stars_are_refused_and_change_nothing(home: Home, value: str) -> None:
    media_hash = await one_video(home)
    await home.services.ratings.rate(media_hash, 3, "test")
    for headers in ({}, HTMX):
        answer = await home.client.post(
            f"/videos/{media_hash}/rating", form={"value": value}, headers=headers
        )
        assert answer.status_code == 400
        assert "Nothing was changed" in await text(answer)
    assert (await home.services.ratings.get(media_hash)).value == 3


async def test_a_heart_clicked_twice_at_once_is_on(home: Home) -> None:
    media_hash = await one_video(home)
    address = f"/videos/{media_hash}/favorite"
    await asyncio.gather(
        *(home.client.post(address, form={"value": "1"}, headers=HTMX) for _ in range(8))
    )
    assert await home.services.favorites.get(media_hash)
    answer = await home.client.post(address, form={"value": "0"})
    assert answer.status_code == 303
    assert not await home.services.favorites.get(media_hash)


async def test_tags_are_added_and_removed_with_undo(home: Home) -> None:
    media_hash = await one_video(home)
    address = f"/videos/{media_hash}/tags"
    answer = await home.client.post(address, form={"tag": " #Two  Words "}, headers=HTMX)
    assert answer.headers["HX-Trigger"] == "tags:changed"
    assert await home.services.tags.get(media_hash) == ("Two Words",)
    await home.client.post(address, form={"tag": "two words"}, headers=HTMX)
    assert await home.services.tags.get(media_hash) == ("Two Words",)
    answer = await home.client.post(f"{address}/remove", form={"tag": "TWO WORDS"}, headers=HTMX)
    assert "Undo" in await text(answer)
    assert await home.services.tags.get(media_hash) == ()
    assert (await home.client.post(address, form={"tag": "plain"})).status_code == 303
    assert await home.services.tags.get(media_hash) == ("plain",)


@pytest.mark.parametrize(
    "tag", ["", "  ", "#", "a\x07b", "x" * 65, "line\u2028separator", "\x00", "\u200b", "\u202eabc"]
)
async def test_a_tag_that_cannot_be_used_gets_a_message(home: Home, tag: str) -> None:
    media_hash = await one_video(home)
    answer = await home.client.post(f"/videos/{media_hash}/tags", form={"tag": tag}, headers=HTMX)
    assert answer.status_code == 422
    assert 'id="tag-error"' in await text(answer)
    assert (
        await home.client.post(f"/videos/{media_hash}/tags", form={"tag": tag})
    ).status_code == 400
    assert await home.services.tags.get(media_hash) == ()


async def test_a_form_that_is_no_utf8_is_refused(home: Home) -> None:
    media_hash = await one_video(home)
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    for field, address in (("tag", "tags"), ("title", "title")):
        answer = await home.client.post(
            f"/videos/{media_hash}/{address}", data=f"{field}=%ff%fe", headers=kind
        )
        assert answer.status_code == 400
    assert await home.services.tags.get(media_hash) == ()
    assert await home.titles() == ["film"]


@pytest.mark.parametrize(
    "tag", ["a" * 64, "日本", "é", "a,b & c", '"quoted" <b>', "🎬", "👨\u200d👩\u200d👧"]
)
async def test_a_tag_may_be_any_words(home: Home, tag: str) -> None:
    media_hash = await one_video(home)
    await home.client.post(f"/videos/{media_hash}/tags", form={"tag": tag}, headers=HTMX)
    assert await home.services.tags.get(media_hash) == (tag,)
    page = await text(await home.client.get("/"))
    assert "<b>" not in page.replace('<b dir="auto">', "")


async def test_a_title_is_edited_and_goes_back_to_the_file_name(home: Home) -> None:
    media_hash = await one_video(home, "IMG_0001.mp4")
    address = f"/videos/{media_hash}/title"
    assert "Anna" in await text(
        await home.client.post(address, form={"title": "Anna <1>"}, headers=HTMX)
    )
    assert await home.titles() == ["Anna <1>"]
    refused = await home.client.post(address, form={"title": "x" * 400}, headers=HTMX)
    assert refused.status_code == 422
    assert "x" * 400 in await text(refused)
    assert await home.titles() == ["Anna <1>"]
    assert (await home.client.post(address, form={"title": "x", "reset": "1"})).status_code == 303
    assert await home.titles() == ["IMG 0001"]


async def test_a_view_is_counted(home: Home) -> None:
    media_hash = await one_video(home)
    for _ in range(3):
        await home.client.post(f"/videos/{media_hash}/view", headers=HTMX)
    assert "3 views" in await text(await home.client.get("/"))
    assert "film" in await text(await home.client.get("/popular"))


async def test_the_same_address_gives_page_or_partial_and_says_so(home: Home) -> None:
    await one_video(home)
    for address in ("/", "/tags", "/favorites", "/popular"):
        whole, part = await home.client.get(address), await home.client.get(address, headers=HTMX)
        assert "<html" in await text(whole)
        assert "<html" not in await text(part)
        assert "HX-Request-Type" in whole.headers["Vary"]
        assert "HX-Request-Type" in part.headers["Vary"]
    boosted = await home.client.get("/", headers={"HX-Request": "true", "HX-Request-Type": "full"})
    assert "<html" in await text(boosted)


async def test_a_page_asks_nothing_of_other_machines_and_has_no_inline_script_or_style(
    home: Home,
) -> None:
    media_hash = await one_video(home)
    await home.services.tags.add(media_hash, "alps", "test")
    for address in ("/", "/watch/film.mp4", "/tags", "/tag/alps", "/unreadable", "/nothing-here"):
        answer = await home.client.get(address)
        page = await text(answer)
        assert not re.search(r"(?:src|href|action)=\"(?:https?:)?//", page), address
        assert not re.search(r"<script(?![^>]*\ssrc=)|<style|\sstyle=|\son[a-z]+=|hx-on", page), (
            address
        )
        assert "default-src 'self'" in answer.headers["Content-Security-Policy"]
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    "address",
    [
        "/nope",
        "/watch/no.mp4",
        "/video/no.mp4",
        "/v/0000000000000000",
        "/v/zzz",
        "/tag/none",
        "/thumbnail/0000000000000000.jpg",
        "/thumbnail/0000000000000000.gif",
        "/video/../../etc/passwd",
        "/video/%2e%2e/%2e%2e/etc/passwd",
        "/video//etc/passwd",
        "/watch/%00",
        "/static/nothing.css",
        "/static/../pyproject.toml",
    ],
)
async def test_unknown_addresses_get_an_error_page_in_the_frame(home: Home, address: str) -> None:
    answer = await home.client.get(address)
    assert answer.status_code in (400, 404)
    page = await text(answer)
    assert "<html" in page
    assert "request " in page


@pytest.mark.parametrize(
    "query",
    [
        "after=zzz",
        "after=W10",
        "until=bnVsbA",
        "sort=x",
        "order=up",
        "min_rating=9",
        "min_rating=%C2%B2",
        "min_minutes=99999999999999999999",
        "seed=-1",
        "q=" + "x" * 500,
        "favorite=maybe",
        "tag=%FF",
        "&".join(f"tag={n}" for n in range(50)),
        "after=WyJ4IiwxXQ",
        "after=WzFlOTk5LDFd",
        "after=W05hTiwxXQ",
        "after=WzEsOTk5OTk5OTk5OTk5OTk5OTk5OTk5OTldXQ",
    ],
)
async def test_a_nonsense_query_gets_a_message(home: Home, query: str) -> None:
    await one_video(home)
    answer = await home.client.get(f"/?{query}")
    assert answer.status_code == 400
    assert "<html" in await text(answer)


async def test_the_form_of_another_site_changes_nothing(home: Home) -> None:
    media_hash = await one_video(home)
    for headers in (
        {"Origin": "http://evil.example"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site", "Origin": "http://localhost"},
        {"Origin": "null"},
    ):
        answer = await home.client.post(
            f"/videos/{media_hash}/rating", form={"value": "5"}, headers=headers
        )
        assert answer.status_code == 403
    assert (await home.services.ratings.get(media_hash)).value is None
    answer = await home.client.post(
        f"/videos/{media_hash}/rating", form={"value": "5"}, headers={"Origin": "http://localhost"}
    )
    assert answer.status_code == 303


async def test_theme_and_size_are_remembered(home: Home) -> None:
    answer = await home.client.post(
        "/settings", form={"theme": "light", "size": "large", "back": "/tags"}
    )
    assert (answer.status_code, answer.headers["Location"]) == (303, "/tags")
    page = await text(await home.client.get("/"))
    assert 'data-theme="light" data-size="large"' in page
    answer = await home.client.post(
        "/settings", form={"theme": "<script>", "back": "//evil.example/"}
    )
    assert answer.headers["Location"] == "/"
    assert 'data-theme="light"' in await text(await home.client.get("/"))


async def test_posters_are_kept_for_ever_under_their_versioned_address(home: Home) -> None:
    home.add("film.mp4")
    home.add("text.mp4", b"no film " * 100)
    await home.scan()
    await home.probed()
    page = await text(await home.client.get("/"))
    [address] = set(re.findall(r'src="(/thumbnail/[^"]+)"', page))
    answer = await home.client.get(address.replace("&amp;", "&"))
    assert (answer.status_code, answer.content_type) == (200, "image/webp")
    assert "immutable" in answer.headers["Cache-Control"]
    media_hash = (await home.video("film.mp4")).media_hash
    answer = await home.client.get(f"/thumbnail/{media_hash}.jpg")
    assert (answer.content_type, answer.headers["Cache-Control"]) == ("image/jpeg", "no-cache")
    answer = await home.client.get(f"/thumbnail/{(await home.video('text.mp4')).media_hash}.jpg")
    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")


async def test_a_poster_that_was_removed_is_made_again(home: Home) -> None:
    media_hash = await one_video(home)
    await home.probed()
    posters = [path for path in (home.data / "thumbnails").rglob("*.*") if path.is_file()]
    assert posters
    for path in posters:
        path.unlink()
    assert (await home.client.get(f"/thumbnail/{media_hash}.jpg")).headers[
        "Cache-Control"
    ] == "no-store"
    await home.until(lambda: all(path.exists() for path in posters))


async def test_without_thumbnails_films_are_still_probed(tmp_path: Path) -> None:
    async with Home(tmp_path, enable_thumbnails=False) as home:
        await one_video(home)
        await home.probed()
        video = await home.video("film.mp4")
        assert video.probe is not None
        assert video.poster is None
        assert list((home.data / "thumbnails").rglob("*.webp")) == []


async def test_the_watch_page_plays_and_tells(home: Home) -> None:
    for name in ("a.mp4", "b.mp4", "c.mp4"):
        home.add(f"trip/{name}")
    await home.scan()
    await home.probed()
    for name in ("a.mp4", "c.mp4"):
        await home.services.tags.add((await home.video(f"trip/{name}")).media_hash, "alps", "test")
    page = await text(await home.client.get("/watch/trip/b.mp4?sort=title"))
    assert 'src="/video/trip/b.mp4"' in page
    assert re.search(r'rel="prev" href="/watch/trip/a.mp4\?sort=title"', page)
    assert re.search(r'rel="next" href="/watch/trip/c.mp4\?sort=title"', page)
    assert "More from trip" in page
    page = await text(await home.client.get("/watch/trip/a.mp4"))
    assert "Also #alps" in page


async def test_the_permanent_link_leads_to_where_the_video_is(home: Home) -> None:
    media_hash = await one_video(home)
    assert (await home.client.get(f"/v/{media_hash}")).headers["Location"] == "/watch/film.mp4"
    (home.library / "film.mp4").rename(home.library / "other.mp4")
    await home.scan()
    assert (await home.client.get(f"/v/{media_hash}")).headers["Location"] == "/watch/other.mp4"
    answer = await home.client.get("/video/film.mp4")
    assert (answer.status_code, answer.headers["Location"]) == (307, "/video/other.mp4")


async def test_an_open_gallery_hears_of_changes_and_only_of_them(home: Home) -> None:
    await one_video(home)
    await home.probed()
    page = await text(await home.client.get("/"))
    [address] = set(re.findall(r'hx-get="(/library/status[^"]+)"', page))
    assert (await home.client.get(address, headers=HTMX)).status_code == 204
    home.add("new.mp4")
    await home.scan()
    answer = await home.client.get(address, headers=HTMX)
    assert (answer.status_code, answer.headers["HX-Trigger"]) == (200, "library:changed")
    [run] = re.findall(r'<section class="run"[^>]* hx-get="([^"]+)"', page)
    fresh = await text(await home.client.get(run.replace("&amp;", "&"), headers=HTMX))
    assert "2 videos" in fresh


def test_every_odd_name_is_listed_played_and_rated_over_the_wire(tmp_path: Path) -> None:
    library = tmp_path / "Videos"
    library.mkdir()
    films = {
        os.fsencode(name): distinct_video(1_000_000 + number)
        for number, name in enumerate(ODD_NAMES)
    }
    for name, film in films.items():
        path = library / os.fsdecode(name)
        path.write_bytes(film)
        os.utime(path, ns=(OLD_NS, OLD_NS))
    with serving(library, tmp_path) as server:
        connection = HTTPConnection("127.0.0.1", server.port, timeout=30)

        def ask(method: str, path: str, body: str | None = None) -> tuple[int, bytes]:
            connection.request(method, path, body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            return answer.status, answer.read()

        until(
            lambda: len(json.loads(ask("GET", "/api/videos?limit=500")[1])["videos"]) == len(films)
        )
        for name, film in films.items():
            quoted = quote_from_bytes(name, safe="")
            assert ask("GET", f"/video/{quoted}") == (200, film), name
            status, page = ask("GET", f"/watch/{quoted}")
            media_hash = re.search(rb'data-media-hash="([0-9a-f]{16})"', page)
            assert status == 200
            assert media_hash is not None
            assert ask("POST", f"/api/ratings/{media_hash[1].decode()}", '{"value": 5}')[0] == 201
        connection.close()
