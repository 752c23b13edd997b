"""Compressed answers, and answers that need not be sent again."""

import asyncio
import gzip
import hashlib
import random
import re

import pytest
from quart import Response
from support.home import Home

from lvs.models import Query
from lvs.paths import static_folder

BROWSER = {"Accept-Encoding": "gzip, deflate"}


async def ask(
    home: Home, address: str, method: str = "GET", **headers: str
) -> tuple[Response, bytes]:
    response = await home.client.open(address, method=method, headers=headers)  # type: ignore[call-arg]
    return response, await response.get_data(as_text=False)


async def static_addresses(home: Home, address: str = "/") -> list[str]:
    _, page = await ask(home, address)
    return [found.decode() for found in re.findall(rb'(?:src|href)="(/static/[^"]+)"', page)]


@pytest.mark.parametrize("accepted", ["gzip, deflate", "gzip", "*", "br;q=1, gzip;q=0.1"])
async def test_a_page_is_compressed_for_those_who_take_it(home: Home, accepted: str) -> None:
    plain, text = await ask(home, "/")
    packed, content = await ask(home, "/", **{"Accept-Encoding": accepted})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(content) == text
    assert int(packed.headers["Content-Length"]) == len(content) < len(text) / 3
    assert {"Accept-Encoding", "HX-Request-Type"} <= set(re.split(", ?", packed.headers["Vary"]))
    assert packed.headers["ETag"] == plain.headers["ETag"]


@pytest.mark.parametrize("accepted", ["", "identity", "br", "gzip;q=0", "gzip;q=0, *"])
async def test_a_page_stays_as_it_is_for_those_who_do_not(home: Home, accepted: str) -> None:
    response, content = await ask(home, "/", **{"Accept-Encoding": accepted})
    assert "Content-Encoding" not in response.headers
    assert content.startswith(b"<!doctype html>")


async def test_script_and_style_are_compressed_and_light(home: Home) -> None:
    script_bytes = style_bytes = 0
    for address in await static_addresses(home):
        plain, text = await ask(home, address)
        packed, content = await ask(home, address, **BROWSER)
        assert "Content-Encoding" not in plain.headers
        if packed.headers.get("Content-Encoding"):
            assert gzip.decompress(content) == text
        assert "immutable" in packed.headers["Cache-Control"]
        script_bytes += len(content) * (".js" in address)
        style_bytes += len(content) * (".css" in address)
    assert 0 < script_bytes <= 22 * 1024
    assert 0 < style_bytes <= 10 * 1024


async def test_the_scripts_of_a_film_are_light(home: Home) -> None:
    home.add("film.mp4")
    (home.library / "film.srt").write_text("1\n00:00:00,000 --> 00:00:01,000\nwords\n")
    await home.scan()
    await home.probed()
    scripts = [
        address for address in await static_addresses(home, "/watch/film.mp4") if ".js" in address
    ]
    assert any("/progress.js" in address for address in scripts)
    assert any("/adjust.js" in address for address in scripts)
    sent = [len((await ask(home, address, **BROWSER))[1]) for address in scripts]
    assert sum(sent) <= 30 * 1024


async def test_full_pages_are_light_and_arrive_whole_however_many_ask_at_once(home: Home) -> None:
    words = [
        "harbour",
        "lantern",
        "orchard",
        "silver",
        "velvet",
        "whisper",
        "meadow",
        "copper",
        "island",
        "winter",
        "story",
    ]
    chance = random.Random(1)
    for number in range(120):
        home.add(f"{chance.choice(words)}/{' '.join(chance.sample(words, 4))} {number}.mp4".title())
    await home.scan()
    await home.probed()  # with posters and their colours
    for number, card in enumerate((await home.services.gallery.browse(Query(), 120)).cards):
        for tag in chance.sample(words, number % 5):
            await home.services.tags.add(card.media_hash, tag, "me")
        if number % 3:
            await home.services.ratings.rate(card.media_hash, 1 + number % 5, "me")
    addresses = [
        f"/?sort={sort}&order={order}"
        for sort in ("added", "title", "rating", "size")
        for order in ("asc", "desc")
    ]
    asked = await asyncio.gather(*(ask(home, address, **BROWSER) for address in addresses * 2))
    for response, content in asked:
        text = gzip.decompress(content)
        assert response.headers["Content-Encoding"] == "gzip"
        assert hashlib.sha256(text).hexdigest()[:24] in response.headers["ETag"]
        assert text.count(b'class="video-card"') == text.count(b'<svg class="tone"') == 60
        assert len(content) <= 16 * 1024


async def test_an_unchanged_page_is_not_sent_again(home: Home) -> None:
    for address in ("/", "/tags", *await static_addresses(home)):
        first, _ = await ask(home, address, **BROWSER)
        for tag in (first.headers["ETag"], f'"other", {first.headers["ETag"]}'):
            again, content = await ask(home, address, **BROWSER, **{"If-None-Match": tag})
            assert (again.status_code, content) == (304, b""), (address, tag)
            assert again.headers["ETag"] == first.headers["ETag"]
            assert again.headers["Cache-Control"] == first.headers["Cache-Control"]
        other, content = await ask(home, address, **{"If-None-Match": 'W/"other"'})
        assert (other.status_code, bool(content)) == (200, True)


async def test_a_changed_page_is_sent_again(home: Home) -> None:
    first, _ = await ask(home, "/")
    home.add("new.mp4")
    await home.scan()
    again, content = await ask(home, "/", **BROWSER, **{"If-None-Match": first.headers["ETag"]})
    assert again.status_code == 200
    assert b"new" in gzip.decompress(content)
    dark, _ = await ask(home, "/", Cookie="theme=dark", **{"If-None-Match": again.headers["ETag"]})
    assert dark.status_code == 200


def without_space(text: str) -> str:
    return re.sub(r"\s", "", text).replace(";}", "}")


async def test_scripts_and_styles_are_sent_without_comments_and_white_space(home: Home) -> None:
    for path in static_folder().rglob("*"):
        if path.suffix not in (".js", ".css"):
            continue
        name = path.relative_to(static_folder()).as_posix()
        _, sent = await ask(home, f"/static/{name}")
        if name.startswith("vendor/"):
            assert sent == path.read_bytes(), name
            continue
        remarks = r"/\*[^*]*\*/" if path.suffix == ".css" else r"(?m)( |^)//.*$|/\*(?s:.)*?\*/"
        kept = re.sub(remarks, "", path.read_text())
        assert without_space(sent.decode()) == without_space(kept), name
        assert len(sent) <= len(kept)


async def test_head_says_what_get_would(home: Home) -> None:
    for address in ("/", *await static_addresses(home)):
        get, _ = await ask(home, address, **BROWSER)
        head, _ = await ask(home, address, "HEAD", **BROWSER)
        for name in ("Content-Encoding", "Content-Length", "ETag"):
            assert head.headers.get(name) == get.headers.get(name), (address, name)


async def test_films_posters_and_json_are_left_alone(home: Home) -> None:
    home.add("film.mp4")
    await home.scan()
    await home.probed()
    name = (await home.video("film.mp4")).media_hash
    for address in ("/video/film.mp4", f"/thumbnail/{name}.jpg", "/api/videos", "/ping"):
        response, _ = await ask(home, address, **BROWSER)
        assert response.status_code == 200
        assert "Content-Encoding" not in response.headers, address
