"""The dashboard: tiles that refresh themselves, and a sentence that names each trouble."""

import asyncio
import json
import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, closing, suppress
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright
from support.chromium import CHROMIUM
from support.dashboard import health_of, text_of
from support.home import OLD_NS, Home, distinct_video
from support.html_tree import Tree
from support.processes import Server, serving

from lvs.db import videos
from lvs.db.connection import Connection
from lvs.routes.admin import charts
from lvs.routes.admin.tiles import TILES

FLAGS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run "
    "--disable-background-networking --disable-component-update --disable-sync"
)
NAMES = list(TILES)
PARTIAL = {"HX-Request": "true", "HX-Request-Type": "partial"}


# --- Tiles ---


async def test_the_page_holds_every_tile_and_works_without_scripts(home: Home) -> None:
    page = await text_of(home.client, "/admin/performance")
    tree = Tree(page)
    tiles = tree.of_class("tile")
    assert {tile.get("id") for tile in tiles} == {f"tile-{name}" for name in NAMES}
    assert tiles[0].get("id") == "tile-health"
    [refresh] = [meta for meta in tree.all("meta") if meta.get("http-equiv") == "refresh"]
    assert refresh.parent is not None
    assert refresh.parent.tag == "noscript"
    assert not [element for element in tree.elements if element.get("style")]
    assert not tree.all("style")
    assert all(script.get("src").startswith("/static/") for script in tree.all("script"))


@pytest.mark.parametrize("name", NAMES)
async def test_a_tile_is_one_element_and_says_nothing_when_nothing_changed(
    home: Home, name: str
) -> None:
    await home.probed()
    address = f"/admin/tiles/{name}"
    for _ in range(20):  # the system's numbers may change in between
        tree = Tree(await text_of(home.client, address))
        assert [element for element in tree.elements if element.parent is None] == [
            tree.elements[0]
        ]
        assert tree.elements[0].get("id") == f"tile-{name}"
        seen = tree.elements[0].get("hx-get")
        assert re.fullmatch(rf"/admin/tiles/{name}\?seen=[0-9a-f]{{16}}", seen)
        again = await home.client.get(seen, headers=PARTIAL)
        if again.status_code == 204:
            assert await again.get_data() == b""
            break
    else:
        pytest.fail("it is never the same twice")
    old = await home.client.get(f"{address}?seen=0123456789abcdef", headers=PARTIAL)
    assert old.status_code == 200
    plain = await home.client.get(seen)
    assert plain.status_code == 200, "without htmx the address shows the tile whatever was seen"


async def test_a_tile_that_changed_is_sent(home: Home) -> None:
    before = Tree(await text_of(home.client, "/admin/tiles/library")).elements[0].get("hx-get")
    home.add("film.mp4")
    await home.scan()

    async def changed() -> bool:
        answer = await home.client.get(before, headers=PARTIAL)
        return answer.status_code == 200 and b"<b>1</b> video" in await answer.get_data()

    await home.until(changed)


async def test_all_tiles_may_be_asked_for_at_once(home: Home) -> None:
    home.add("film.mp4")
    await home.scan()
    for _ in range(3):
        answers = await asyncio.gather(
            *(home.client.get(f"/admin/tiles/{name}") for name in NAMES * 4)
        )
        assert {answer.status_code for answer in answers} == {200}


async def test_the_dashboard_does_not_watch_itself(home: Home) -> None:
    for name in NAMES * 3:
        await home.client.get(f"/admin/tiles/{name}")
    assert home.services.metrics.queries() == (0, 0)
    tree = Tree(await text_of(home.client, "/admin/tiles/requests"))
    assert tree.of_class("figure")[0].text.split() == ["0.0", "a", "minute"]


@pytest.mark.parametrize("name", ["nothing", "..", "health.html", "%00", "HEALTH"])
async def test_a_tile_that_there_is_not_is_not_found(home: Home, name: str) -> None:
    assert (await home.client.get(f"/admin/tiles/{name}")).status_code == 404


async def test_old_addresses_lead_to_the_dashboard(home: Home) -> None:
    for old, new in (
        ("/admin", "/admin/performance"),
        ("/dashboard/admin/performance", "/admin/performance"),
        ("/best-of", "/?min_rating=4"),
        ("/admin/performance/json", "/admin/performance.json"),
    ):
        answer = await home.client.get(old)
        assert (answer.status_code, answer.headers["Location"]) == (301, new)


async def test_names_of_films_are_text_and_nothing_else(home: Home) -> None:
    home.add('<img src=x onerror=alert(1)> & "ä".mp4', b"no film")
    home.add(b"caf\xe9.mp4", b"no film either")
    await home.scan()
    await home.probed()
    page = await text_of(home.client, "/admin/performance")
    Tree(page)
    assert "<img src=x" not in page


# --- Buttons ---


async def test_buttons_do_what_they_say_with_htmx_and_without(home: Home) -> None:
    home.add("film.mp4")
    scans = home.services.watcher.scans_done
    plain = await home.client.post(
        "/admin/scan",
        headers={"Accept": "text/html", "Referer": "http://localhost/admin/performance"},
    )
    assert (plain.status_code, plain.headers["Location"]) == (303, "/admin/performance")
    await home.until(lambda: home.services.watcher.scans_done > scans)
    await home.client.get("/api/tags")
    assert home.services.cache.status()["size"] > 0
    tile = await home.client.post("/admin/cache/refresh", headers=PARTIAL)
    assert Tree((await tile.get_data(as_text=False)).decode()).elements[0].get("id") == "tile-cache"
    assert home.services.cache.status()["size"] == 0
    status = await (await home.client.get("/admin/cache/status")).get_json()
    assert status["size"] == 0
    assert (await home.client.post("/admin/scan")).status_code == 202
    assert (await home.client.post("/admin/look-again/0123456789abcdef")).status_code == 404


# --- Troubles ---


async def test_without_trouble_all_is_well(home: Home) -> None:
    home.add("film.mp4")
    await home.scan()
    await home.probed()
    # Counts are made anew every two seconds at most.
    home.services.overviews.clock = lambda: time.monotonic() + 60
    assert (await health_of(home)).startswith("Health OK All is well. 1 video · 0 streams running")
    answer = await home.client.get("/ping?deep=1")
    content = await answer.get_json()
    assert (answer.status_code, content["status"]) == (200, "ok")
    assert set(content["checks"]) == {"database", "library", "workers"}
    assert all(check["ok"] for check in content["checks"].values())


async def test_a_folder_that_is_away_is_named_and_comes_first(tmp_path: Path) -> None:
    async with Home(tmp_path, libraries=("Videos", "Old films")) as home:
        home.add("film.mp4", library=1)
        await home.scan()
        await home.probed()
        home.libraries[1].rename(tmp_path / "elsewhere")
        await home.services.library.drives.check()
        health = await health_of(home)
        assert "One thing needs attention." in health
        assert re.search(
            r"Fault: The library folder “Old films” has been offline since \d\d:\d\d\.", health
        )
        assert str(home.libraries[1]) in health
        tiles = Tree(await text_of(home.client, "/admin/performance")).of_class("tile")
        assert [tile.get("id") for tile in tiles[:2]] == ["tile-health", "tile-library"]
        assert "is-fault" in tiles[0].classes
        assert "is-fault" in tiles[1].classes
        answer = await home.client.get("/ping?deep=1")
        content = await answer.get_json()
        assert (answer.status_code, content["status"], content["checks"]["library"]["ok"]) == (
            503,
            "trouble",
            False,
        )
        assert "Old films" in content["checks"]["library"]["detail"]
        assert (await home.client.get("/ping")).status_code == 200
        (tmp_path / "elsewhere").rename(home.libraries[1])
        await home.services.library.drives.check()
        await home.scan()
        assert "All is well." in await health_of(home)
        assert (await home.client.get("/ping?deep=1")).status_code == 200


async def test_nothing_is_left_to_do_when_the_last_probe_ends_while_it_is_counted(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs, count = home.services.jobs, videos.count_waiting
    counted: list[int] = []

    async def count_and_dawdle(db: Connection, max_attempts: bool) -> int:
        found = await count(db, max_attempts)
        counted.append(found)
        await home.until(lambda: jobs.tally.done == 2)
        return found

    turns = home.services.probe_pool._turns
    async with turns:  # so that both are still to be done when they are counted
        home.add("one.mp4")
        home.add("two.mp4")
        await home.scan()
        await home.until(lambda: jobs.running == 1 and jobs.queued == 1)
        assert jobs.remaining == 2
        sweeps = jobs.sweeps_done
        monkeypatch.setattr(videos, "count_waiting", count_and_dawdle)
        jobs._sweep_again.set()
        await home.until(lambda: counted == [2])
    await home.until(lambda: jobs.sweeps_done > sweeps)
    assert (jobs.tally.done, jobs.queued, jobs.running, jobs.remaining) == (2, 0, 0, 0)
    assert "to go" not in await text_of(home.client, "/admin/tiles/workers")


async def test_workers_that_die_are_named_and_try_again_helps(home: Home) -> None:
    def kill_all() -> None:
        for pid in home.services.probe_pool.process_ids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    async with _again_and_again(kill_all):
        for number in range(3):
            home.add(f"film {number}.mp4")
        await home.scan()
        await home.until(lambda: len(home.services.jobs.failures) == 3)
    health = await health_of(home)
    assert "3 videos could not be analysed, the last “film " in health
    assert "The process that analysed it stopped unexpectedly." in health
    assert "new films get no picture" in health
    checks = (await (await home.client.get("/ping?deep=1")).get_json())["checks"]
    assert (checks["workers"]["ok"], checks["database"]["ok"]) == (False, True)
    tree = Tree(await text_of(home.client, "/admin/tiles/workers"))
    assert "is-fault" in tree.elements[0].classes
    addresses = [form.get("action") for form in tree.all("form")]
    assert len(addresses) == 3
    for address in addresses:
        answer = await home.client.post(address, headers=PARTIAL)
        assert (
            Tree((await answer.get_data(as_text=False)).decode()).elements[0].get("id")
            == "tile-workers"
        )
    await home.until(lambda: home.services.jobs.tally.done == 3)
    assert not home.services.jobs.failures
    assert "All is well." in await health_of(home)
    assert (await home.client.get("/ping?deep=1")).status_code == 200


@asynccontextmanager
async def _again_and_again(step: Callable[[], None]) -> AsyncIterator[None]:
    async def run() -> None:
        while True:
            step()
            await asyncio.sleep(0.005)

    task = asyncio.create_task(run())
    try:
        yield
    finally:
        task.cancel()


COUNTING = """
    WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ?)
    SELECT count(*) FROM numbers
"""


async def test_a_slow_query_is_named(home: Home) -> None:
    rows = 1_000_000
    while not home.services.database.usage.slow:
        async with home.services.database.read() as db:
            await db.value(COUNTING, (rows,))
        rows *= 2
    health = await health_of(home)
    assert re.search(r"A slow query took \d+\.\d s at \d\d:\d\d: WITH RECURSIVE numbers", health)
    assert "WITH RECURSIVE" in await text_of(home.client, "/admin/tiles/database")


async def test_a_database_that_another_program_holds_fails_the_deep_ping_and_recovers(
    home: Home,
) -> None:
    with closing(sqlite3.connect(home.data / "lvs.db", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        answer = await home.client.get("/ping?deep=1")
        assert (answer.status_code, (await answer.get_json())["checks"]["database"]["ok"]) == (
            503,
            False,
        )
        other.execute("ROLLBACK")

    async def well() -> bool:
        return (await home.client.get("/ping?deep=1")).status_code == 200

    await home.until(well)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount a disk")
async def test_a_full_disk_is_named_before_and_when_it_is_full(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    run("mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", tmp_path / "data")
    try:
        async with Home(tmp_path) as home:
            home.add("film.mp4")
            await home.scan()
            await home.probed()
            assert "All is well." in await health_of(home)
            filler = home.data / "filler"

            async def names(words: str) -> bool:
                return words in await health_of(home)

            filler.write_bytes(bytes(shutil.disk_usage(home.data).free - 3_000_000))
            await home.until(
                lambda: names(
                    "Attention: The disk of the data folder is nearly full: 3 MB are left"
                )
            )
            with suppress(OSError), filler.open("ab", buffering=0) as file:
                while file.write(bytes(4096)):
                    pass
            await home.until(
                lambda: names("Fault: The disk of the data folder is full: 0 MB are left")
            )
            tile = Tree(await text_of(home.client, "/admin/tiles/storage")).elements[0]
            assert "is-fault" in tile.classes
            filler.unlink()
            await home.until(lambda: names("All is well."))
    finally:
        run("umount", tmp_path / "data")


def run(*command: str | Path) -> None:
    subprocess.run(command, check=True)


# --- Amounts and drawings ---


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0.0 ms"), (0.00994, "9.9 ms"), (0.012, "12 ms"), (0.9996, "1.0 s"), (75, "75.0 s")],
)
def test_short_times_are_read_easily(seconds: float, words: str) -> None:
    assert charts.milliseconds(seconds) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"),
        (59.9, "59 s"),
        (60, "1 min"),
        (3599, "59 min"),
        (3661, "1 h 1 min"),
        (90_000, "1 d 1 h"),
    ],
)
def test_long_times_are_read_easily(seconds: float, words: str) -> None:
    assert charts.span(seconds) == words


def test_bars_are_drawn_from_nothing_to_the_greatest() -> None:
    assert charts.bars([]) == charts.bars([0, 0]) == ""
    assert charts.bars([1, 0, 4]) == "M0 24v-6h3v6zM8 24v-24h3v24z"
    assert charts.line([5]) == ""
    assert charts.line([0, 1], 2) == "M0 23L4 12"
    assert charts.shares([1, 0, 3]) == [(0.0, 25.0), (25.0, 0.0), (25.0, 75.0)]
    assert charts.shares([0, 0]) == []


# --- In a browser ---

FILMS, COPIES, UNREADABLE, RATINGS, STREAMS = 60, 1940, 3, 25, 2

in_a_browser = pytest.mark.skipif(
    CHROMIUM is None, reason="no Chromium on this machine; Debian's package is called chromium"
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS.split())
        yield running
        running.close()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    (tmp_path / "Videos").mkdir()
    (tmp_path / "config.json").write_text(
        json.dumps({"watch": "off", "ratings_limit": "0", "thumbnail_workers": 1})
    )
    with serving(tmp_path / "Videos", tmp_path, "--config", tmp_path / "config.json") as running:
        yield running


def put(library: Path, name: str, content: bytes) -> None:
    path = library / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    os.utime(path, ns=(OLD_NS, OLD_NS))


def tile(page: Page, name: str) -> Locator:
    return page.locator(f"#tile-{name}")


def fetch(server: Server, address: str, content: object = None) -> bytes:
    data = None if content is None else json.dumps(content).encode()
    headers = {"Content-Type": "application/json"} if data else {}
    with urllib.request.urlopen(
        urllib.request.Request(server.address + address, data, headers), timeout=60
    ) as answer:
        body: bytes = answer.read()
    return body


def begin_stream(server: Server, address: str) -> socket.socket:
    """A viewer who has asked for a film and takes hardly anything of it."""
    viewer = socket.socket()
    viewer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    viewer.connect(("127.0.0.1", server.port))
    viewer.sendall(f"GET {address} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
    assert viewer.recv(12) == b"HTTP/1.1 200"
    return viewer


@in_a_browser
def test_an_open_dashboard_shows_by_itself_what_is_done(
    server: Server, browser: Browser, tmp_path: Path
) -> None:
    library = tmp_path / "Videos"
    page = browser.new_page(viewport={"width": 1366, "height": 900})
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.goto(server.address + "/admin/performance")
    before = {name: tile(page, name).inner_text() for name in NAMES}
    expect(tile(page, "library")).to_contain_text("0 videos")

    films = [distinct_video(5_000_000 + number) for number in range(FILMS)]
    films[0] += b"\0" * 30_000_000  # long enough to be under way for a while
    for number, film in enumerate(films):
        put(library, f"film {number:04}.mp4", film)
    for number in range(COPIES):
        put(library, f"copies/{number:04}.mp4", films[1 + number % (FILMS - 1)])
    for number in range(UNREADABLE):
        put(library, f"broken {number}.mp4", b"no film %d" % number)
    tile(page, "library").get_by_role("button", name="Scan now").click()
    videos, files = FILMS, FILMS + COPIES + UNREADABLE
    expect(tile(page, "library")).to_contain_text(f"{videos} videos", timeout=90_000)
    expect(tile(page, "library")).to_contain_text(f"{files:,} files,", timeout=90_000)
    expect(tile(page, "library")).to_contain_text(re.compile(rf"Duplicates\s*{FILMS - 1}\b"))
    # A file that is seen again while it is probed counts a second time.
    expect(tile(page, "workers")).to_contain_text(
        re.compile(rf"{FILMS // 10}\d done · \d unreadable · 0 failed"), timeout=90_000
    )
    expect(tile(page, "library")).to_contain_text(
        re.compile(rf"Cannot be read\s*{UNREADABLE}\b"), timeout=30_000
    )

    listed = json.loads(fetch(server, "/api/videos?limit=100"))["videos"]
    hashes = [video["media_hash"] for video in listed if video["state"] == "ready"]
    assert len(hashes) == FILMS
    for number in range(RATINGS):
        fetch(server, f"/api/ratings/{hashes[number]}", {"value": 1 + number % 5})
    viewers = [begin_stream(server, "/video/film%200000.mp4") for _ in range(STREAMS)]
    for _ in range(7):
        fetch(server, "/api/tags")
    expect(tile(page, "ratings")).to_contain_text(f"{RATINGS} rating calls since the start")
    expect(tile(page, "streams")).to_contain_text(f"{STREAMS} running")
    expect(tile(page, "streams")).to_contain_text("film 0000 to 127.0.0.1")
    expect(tile(page, "health")).to_contain_text(f"{STREAMS} streams running")
    expect(tile(page, "routes")).to_contain_text("POST /api/ratings/<media_hash>", timeout=20_000)
    expect(tile(page, "cache")).to_contain_text(re.compile(r"library\s*[1-9]"), timeout=20_000)
    for viewer in viewers:
        viewer.close()
    expect(tile(page, "streams")).to_contain_text("0 running", timeout=20_000)

    library.rename(tmp_path / "away")
    expect(tile(page, "health")).to_contain_text(
        "The library folder “Videos” has been offline", timeout=20_000
    )
    with pytest.raises(urllib.error.HTTPError, match="503"):
        fetch(server, "/video/film%200001.mp4")
    expect(tile(page, "errors")).to_contain_text("503 GET /video/<path:place>", timeout=10_000)

    for name in NAMES:
        if name != "streams":  # those came and went
            expect(tile(page, name)).not_to_have_text(before[name], timeout=20_000)
    report = json.loads(fetch(server, "/admin/performance.json"))
    assert report["ratings_post"]["count"] == RATINGS
    assert report["endpoints"]["POST /api/ratings/<media_hash>"]["count"] == RATINGS
    assert report["endpoints"]["GET /api/tags"]["count"] == 7
    assert report["endpoints"]["GET /video/<path:place>"]["errors"] == 1
    assert (report["library"]["videos"], report["library"]["files"]) == (videos, files)
    assert wrong == []
    page.close()


@in_a_browser
def test_tiles_leave_alone_what_one_has_opened_and_where_one_is(
    server: Server, browser: Browser, tmp_path: Path
) -> None:
    put(tmp_path / "Videos", "broken.mp4", b"no film")
    page = browser.new_page()
    page.goto(server.address + "/admin/performance")
    button = tile(page, "library").get_by_role("button", name="Scan now")
    button.press("Enter")
    why = tile(page, "library").locator("summary", has_text="Why files cannot be read")
    why.click(timeout=30_000)
    button.focus()
    put(tmp_path / "Videos", "broken too.mp4", b"no film at all")
    button.press("Enter")
    expect(tile(page, "library")).to_contain_text(re.compile(r"Cannot be read\s*2"), timeout=30_000)
    expect(tile(page, "library").locator("details")).to_have_attribute("open", "")
    expect(button).to_be_focused()
    page.close()


@in_a_browser
def test_a_hidden_tab_asks_for_nothing_and_a_dead_server_is_told(
    server: Server, browser: Browser
) -> None:
    context = browser.new_context()
    page = context.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(server.address + "/admin/performance")
    with page.expect_request("**/admin/tiles/health?*", timeout=10_000):
        pass
    page.evaluate(
        "Object.defineProperty(document, 'hidden', { configurable: true, get: () => true })"
    )
    page.wait_for_timeout(500)
    asked.clear()
    page.wait_for_timeout(6_500)
    assert asked == []
    page.evaluate("delete document.hidden; document.dispatchEvent(new Event('visibilitychange'))")
    until_asked(page, asked, len(NAMES))

    health = tile(page, "health").locator(".figure").inner_text()
    server.stop()
    expect(tile(page, "health").locator(".no-answer")).to_contain_text(
        "No answer since", timeout=20_000
    )
    expect(tile(page, "health").locator(".figure")).to_have_text(health)
    expect(page.locator(".toast")).to_have_count(0)
    context.close()


def until_asked(page: Page, asked: list[str], number: int) -> None:
    """Wait until so many tiles were asked for."""
    for _ in range(100):
        if len({url.partition("?")[0] for url in asked}) >= number:
            return
        page.wait_for_timeout(100)
    pytest.fail(f"only {asked}")


@in_a_browser
def test_the_dashboard_refreshes_without_javascript_too(server: Server, browser: Browser) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(server.address + "/admin/performance")
    expect(tile(page, "health")).to_contain_text("All is well.")
    with page.expect_request("**/admin/performance", timeout=20_000):
        pass
    page.wait_for_load_state()
    tile(page, "cache").get_by_role("button", name="Empty the library cache").click()
    expect(page).to_have_url(server.address + "/admin/performance")
    expect(tile(page, "cache")).to_be_visible()
    context.close()
