"""Untrusted text (names of files and folders, tags, titles, subtitles, addresses) is escaped
wherever it is shown.
"""

import json
import logging
import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import quote, quote_from_bytes

import pytest
from support.home import Home
from support.media import make_video
from support.wire import Wire

from lvs import logs
from lvs.services.network.addresses import url
from lvs.services.network.served import reachable_names

SCRIPT = "<script>alert(1)</script>"
BREAKOUT = "\"'><svg onload=alert(2)>{{1234*1234}}${1234*1234}"
FOLDER = SCRIPT.replace("/", "\u2215")
NAME = f"{BREAKOUT}<!--.mp4"
ESCAPES = "a\x1b[31mred\x1b]0;title\x07\x9b31m\r\nX-Injected: yes\u202e\u2028\x00b"
FORM = "Content-Type: application/x-www-form-urlencoded"
JSON = "Content-Type: application/json"

PAGES = [
    "/",
    "/?q={q}",
    "/?sort=title",
    "/?folder={folder}",
    "/?tag={tag}",
    "/tags",
    "/tag/{tag}",
    "/views?tag={tag}&save=1",
    "/triage?left=all&tag={tag}",
    "/favorites",
    "/popular",
    "/admin/unreadable",
    "/admin/bin",
    "/admin/changes",
    "/admin/duplicates",
    "/admin/jobs",
    "/admin/log",
    "/admin/missing",
    "/admin/performance",
    "/admin/storage",
    "/admin/usage",
    "/watch/{path}",
]
PARTIALS = [
    "/",
    "/?q={q}",
    "/tags",
    "/tags?filter={tag}",
    "/tags/suggest?tag=%3C",
    "/videos/{hash}/title?edit",
    "/library/status?version=1",
]
NOWHERE = [
    "/{tag}",
    "/watch/{tag}",
    "/tag/x{tag}",
    "/?sort={tag}",
    "/v/{tag}",
    "/?after={tag}",
    "/?min_rating={tag}",
    "/static/{tag}",
]


# The dashboard names the addresses that the server itself has on this machine.
OWN_NAMES = ["lvs.local", *reachable_names("0.0.0.0")]
OWN_ADDRESSES = {url("http", name, 8900) for name in OWN_NAMES}


class Markup(HTMLParser):
    """Every element of a page with its attributes, and its visible text."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.words = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_data(self, data: str) -> None:
        self.words += data


def assert_harmless(html: str) -> None:
    """Nothing in the page runs, and it names nothing off this server."""
    for tag, attributes in Markup(html).elements:
        assert tag not in {"iframe", "object", "embed", "base", "style", "foreignobject"}
        assert not [
            name for name in attributes if re.match(r"on|style$|srcdoc$|hx-on|hx-vals$", name)
        ], (tag, attributes)
        if tag == "script":
            assert attributes["src"].startswith("/static/")
        for name in (
            "href",
            "src",
            "action",
            "formaction",
            "poster",
            "srcset",
            "hx-get",
            "hx-post",
        ):
            value = attributes.get(name, "/")
            harmless = re.match(r"/(?!/|\\)|#|\?|$", value) or value in OWN_ADDRESSES
            assert harmless, (tag, name, value)
    assert "1522756" not in html


async def strange_house(home: Home) -> dict[str, str]:
    """A library in which everything that has a name has a bad one.

    Gives what addresses are made of.
    """
    film = home.library / FOLDER / NAME
    film.parent.mkdir()
    make_video(film, size=(64, 36), seconds=0.3, metadata={"title": SCRIPT, "artist": BREAKOUT})
    home.add(f"{FOLDER}/{NAME}", film.read_bytes())
    home.add(b"\x1b]0;owned\x07 \r\nX-Injected: yes \xff.mp4")
    home.add("unreadable <b>.mp4", b"no video")
    (
        home.library / FOLDER / f"{NAME.removesuffix('.mp4')}.{SCRIPT.replace('/', '')}.en.srt"
    ).write_text(
        f"1\n00:00:00,000 --> 00:00:01,000\n{SCRIPT}<b"
        f" onclick=alert(1)>bold</b>\n\nNOTE\n{BREAKOUT}\n",
        "utf-8",
    )
    await home.scan()
    await home.probed()
    media_hash = (await home.video(f"{FOLDER}/{NAME}")).media_hash
    await home.services.tags.add(media_hash, SCRIPT, "test")
    await home.services.tags.add(media_hash, BREAKOUT, "test")
    await home.services.videos.retitle(media_hash, f"{SCRIPT}{BREAKOUT}", "test")
    await home.services.favorites.set(media_hash, True, "test")
    await home.services.views.count(media_hash, "test")
    return {
        "q": quote(SCRIPT),
        "tag": quote(SCRIPT, safe=""),
        "folder": quote(FOLDER),
        "path": quote(f"{FOLDER}/{NAME}"),
        "hash": media_hash,
    }


async def test_nothing_that_was_named_runs_in_a_page(home: Home) -> None:
    names = await strange_house(home)
    shown = 0
    async with Wire(home.app) as wire:
        for target in PAGES:
            answer = await wire.ask(target.format(**names))
            assert answer.status == 200, target
            assert_harmless(answer.text)
            shown += SCRIPT in Markup(answer.text).words
        for target in PARTIALS:
            answer = await wire.ask(
                target.format(**names), ["HX-Request: true", "HX-Request-Type: partial"]
            )
            assert answer.status in {200, 204}, target
            assert_harmless(answer.text)
    assert shown >= 5  # as text it is there


async def test_no_address_is_echoed_as_markup(home: Home) -> None:
    async with Wire(home.app) as wire:
        for word in (SCRIPT, BREAKOUT, ESCAPES.replace("\x00", "")):
            for target in NOWHERE:
                for headers in ([], ["HX-Request: true", "HX-Request-Type: partial"]):
                    answer = await wire.ask(target.format(tag=quote(word, safe="")), headers)
                    assert 400 <= answer.status < 500, target
                    if answer.headers["content-type"].startswith("text/html"):
                        assert_harmless(answer.text)
                    assert "x-injected" not in answer.headers


async def test_refused_values_are_shown_as_text(home: Home) -> None:
    names = await strange_house(home)
    async with Wire(home.app) as wire:
        for field, value in (("tag", SCRIPT * 200), ("title", BREAKOUT * 100), ("value", SCRIPT)):
            for kind in ("tags", "title", "rating"):
                for headers in ([FORM], [FORM, "HX-Request: true", "HX-Request-Type: partial"]):
                    answer = await wire.ask(
                        f"/videos/{names['hash']}/{kind}",
                        headers,
                        "POST",
                        f"{field}={quote(value)}".encode(),
                    )
                    assert answer.status < 500
                    if answer.headers.get("content-type", "").startswith("text/html"):
                        assert_harmless(answer.text)


async def test_json_holds_it_as_text(home: Home) -> None:
    names = await strange_house(home)
    async with Wire(home.app) as wire:
        for target in (
            "/api/videos",
            f"/api/videos/{names['hash']}",
            "/api/tags",
            f"/api/tags/video/{names['path']}",
        ):
            answer = await wire.ask(target)
            assert answer.headers["content-type"] == "application/json"
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert SCRIPT in json.dumps(json.loads(answer.body), ensure_ascii=False)


async def test_a_subtitle_is_served_as_subtitles_and_runs_nothing(home: Home) -> None:
    names = await strange_house(home)
    async with Wire(home.app) as wire:
        listed = json.loads((await wire.ask(f"/api/videos/{names['hash']}/subtitles")).body)[
            "subtitles"
        ]
        assert len(listed) == 1
        answer = await wire.ask(listed[0]["url"])
        assert answer.headers["content-type"] == "text/vtt; charset=utf-8"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "<script" not in answer.text
        assert "onclick" not in answer.text


@pytest.mark.parametrize("name", [NAME, b"\x1b]0;owned\x07 \r\nX-Injected: yes \xff.mp4"])
async def test_a_name_in_a_header_stays_in_its_header(home: Home, name: str | bytes) -> None:
    home.add(name)
    await home.scan()
    async with Wire(home.app) as wire:
        path = quote_from_bytes(name) if isinstance(name, bytes) else quote(name)
        answer = await wire.ask(f"/video/{path}?download")
        assert answer.status == 200
        assert "x-injected" not in answer.headers
        value = answer.headers["content-disposition"]
        assert re.fullmatch(
            r"attachment; filename=\"[\x20-\x21\x23-\x7e]*\";"
            r" filename\*=UTF-8''[A-Za-z0-9!#$&+.^_`|~%-]*",
            value,
        )


async def test_a_place_to_return_to_is_never_off_this_server(home: Home) -> None:
    home.add("film.mp4")
    await home.scan()
    media_hash = (await home.video("film.mp4")).media_hash
    places = [
        "http://evil.com/",
        "//evil.com/",
        "/\\evil.com/",
        "\\\\evil.com",
        "/%0d%0aX-Injected: yes",
        "javascript:alert(1)",
        "http:evil.com",
        "///evil.com",
        "/\t/evil.com",
        "http://localhost@evil.com/",
    ]
    async with Wire(home.app) as wire:
        for place in places:
            forms = [
                (f"/videos/{media_hash}/rating", [FORM, f"Referer: {place}"], b"value=3"),
                ("/settings", [FORM], f"theme=dark&back={quote(place)}".encode()),
            ]
            for target, headers, body in forms:
                answer = await wire.ask(target, headers, "POST", body)
                assert answer.status == 303, place
                assert re.match(r"/(?![/\\\t])", answer.headers["location"]), (
                    place,
                    answer.headers["location"],
                )
                assert "x-injected" not in answer.headers


async def test_the_log_has_one_line_for_one_thing_and_nothing_for_a_terminal(
    tmp_path: Path,
) -> None:
    file = logs.to_file(tmp_path / "logs")
    assert file
    handler = logging.getLogger().handlers[-1]
    level = logging.getLogger("lvs").level
    logging.getLogger("lvs").setLevel(logging.DEBUG)
    try:
        async with Home(tmp_path) as home, Wire(home.app) as wire:
            home.add(
                b"\x1b]0;owned\x07 \r\n2020-01-01 00:00:00 error lvs: forged \xff.mp4", b"no video"
            )
            await home.scan()
            await home.probed()
            for word in (ESCAPES, SCRIPT):
                await wire.ask("/" + quote(word), [f"User-Agent: {SCRIPT}"])
                await wire.ask("/ping", host="evil\x1b[31m.com")
                await wire.ask("/ping", ["X-Forwarded-For: 8.8.8.8"])
            logging.getLogger("lvs.test").error("%s", ESCAPES, exc_info=ValueError(ESCAPES))
    finally:
        logging.getLogger("lvs").setLevel(level)
        logging.getLogger().removeHandler(handler)
        handler.close()
    lines = file.read_text("utf-8").split("\n")
    assert len(lines) > 3
    assert all(
        re.fullmatch(r"(\d{4}-\d\d-\d\d .*|    .*|)", line)
        and not re.search("[\x00-\x1f\x7f-\x9f\u2028\u202e]", line)
        for line in lines
    )
    assert not [line for line in lines if line.startswith("2020")]
