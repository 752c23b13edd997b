"""The pages in a real browser: by mouse, by touch at a headset's size, and with JavaScript switched
off.
"""

import os
import re
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Locator,
    Page,
    expect,
    sync_playwright,
)
from support.chromium import CHROMIUM
from support.home import OLD_NS, distinct_video
from support.media import make_video
from support.processes import Server, serving

FLAGS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run "
    "--disable-background-networking --disable-component-update --disable-sync"
)
VIDEOS = 70
DESKTOP, PHONE, HEADSET = (
    {"width": 1366, "height": 900},
    {"width": 390, "height": 844},
    {"width": 1280, "height": 720},
)

pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="no Chromium on this machine; Debian's package is called chromium"
)


@dataclass(frozen=True)
class House:
    """A running server, its library folder, and a browser."""

    address: str
    library: Path
    browser: Browser

    def add(self, name: str, content: bytes | None = None) -> Path:
        path = self.library / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(distinct_video() if content is None else content)
        os.utime(path, ns=(OLD_NS, OLD_NS))
        return path


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("house")
    library = folder / "Videos"
    library.mkdir()
    for number in range(VIDEOS):
        (library / f"Film {number:02}.mp4").write_bytes(distinct_video(2_000_000 + number))
        os.utime(
            library / f"Film {number:02}.mp4",
            ns=(OLD_NS + number * 10**12, OLD_NS + number * 10**12),
        )
    make_video(library / "Playable long.webm", seconds=12, size=(320, 180))
    os.utime(library / "Playable long.webm", ns=(OLD_NS, OLD_NS))
    with serving(library, folder) as server, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS.split())
        wait_for_library(server, browser)
        yield House(server.address, library, browser)
        browser.close()


def wait_for_library(server: Server, browser: Browser) -> None:
    page = browser.new_page()
    page.goto(server.address)
    expect(page.locator("#count")).to_contain_text(f"{VIDEOS + 1} videos", timeout=60_000)
    page.close()


@pytest.fixture
def page(house: House) -> Iterator[Page]:
    """A page at a desk; every error the browser reports fails the test."""
    with Visit(house, viewport=DESKTOP) as each:
        yield each


@pytest.fixture(params=[True, False], ids=["with JavaScript", "without JavaScript"])
def any_page(request: pytest.FixtureRequest, house: House) -> Iterator[Page]:
    with Visit(house, viewport=DESKTOP, java_script_enabled=request.param) as each:
        yield each


class Visit:
    """A browser context with one page, that takes note of every error."""

    def __init__(self, house: House, **options: object) -> None:
        self._context: BrowserContext = house.browser.new_context(base_url=house.address, **options)  # type: ignore[arg-type]
        self._errors: list[str] = []

    def __enter__(self) -> Page:
        page = self._context.new_page()
        page.on("pageerror", lambda error: self._errors.append(str(error)))
        page.on("console", self._note)
        return page

    def _note(self, message: ConsoleMessage) -> None:
        # A refused form is told on the page; the browser tells it again.
        if message.type == "error" and "422" not in message.text:
            self._errors.append(message.text)

    def __exit__(self, *_: object) -> None:
        self._context.close()
        assert self._errors == []


def card(page: Page, title: str) -> Locator:
    return page.locator(".video-card", has_text=title)


def test_stars_and_heart_change_on_the_card_and_stay(any_page: Page) -> None:
    any_page.goto("/?q=film+01")
    film = card(any_page, "Film 01")
    stars = film.get_by_role("button", name=re.compile("^4 stars$"))
    stars.click()
    expect(card(any_page, "Film 01").get_by_role("button", name="4 stars")).to_have_attribute(
        "aria-pressed", "true"
    )
    press_heart(any_page, "Film 01", pressed="true")
    any_page.goto("/?q=film+01&favorite=1&min_rating=4")
    expect(any_page.locator(".video-card")).to_have_count(1)
    any_page.goto("/?q=film+01")
    card(any_page, "Film 01").get_by_role("button", name="4 stars").click()
    expect(card(any_page, "Film 01").get_by_role("button", name="4 stars")).to_have_attribute(
        "aria-pressed", "false"
    )
    expect(any_page.locator(".toast")).to_contain_text("4 stars removed")
    any_page.get_by_role("button", name="Undo").click()
    expect(card(any_page, "Film 01").get_by_role("button", name="4 stars")).to_have_attribute(
        "aria-pressed", "true"
    )
    card(any_page, "Film 01").get_by_role("button", name="4 stars").click()
    press_heart(any_page, "Film 01", pressed="false")
    any_page.goto("/?q=film+01&favorite=1")
    expect(any_page.locator(".video-card")).to_have_count(0)


def test_stars_are_one_stop_of_the_tab_key_and_arrows_lead_along_them(page: Page) -> None:
    page.goto("/?q=film+05")
    film = card(page, "Film 05")
    film.get_by_role("link", name="Film 05").focus()
    for key, name in (
        ("Tab", "1 star"),
        ("Tab", "Favorite"),
        ("Shift+Tab", "1 star"),
        ("End", "5 stars"),
        ("ArrowRight", "5 stars"),
        ("ArrowLeft", "4 stars"),
        ("Home", "1 star"),
        ("ArrowRight", "2 stars"),
        ("ArrowRight", "3 stars"),
    ):
        page.keyboard.press(key)
        expect(film.get_by_role("button", name=name, exact=True)).to_be_focused()
    page.keyboard.press("Enter")
    three = film.get_by_role("button", name="3 stars")
    expect(three).to_have_attribute("aria-pressed", "true")
    expect(three).to_be_focused()
    with page.expect_response(lambda answer: "/?q=film" in answer.url):
        page.evaluate("htmx.trigger(document, 'library:changed')")
    wait(lambda: tab_stops(film) == ["3 stars"])
    page.keyboard.press("Enter")
    expect(three).to_have_attribute("aria-pressed", "false")
    expect(three).to_be_focused()
    page.keyboard.press("Shift+Digit4")
    expect(film.get_by_role("button", name="4 stars")).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("Shift+Digit0")
    expect(film.get_by_role("button", name="4 stars")).to_have_attribute("aria-pressed", "false")


def test_arrows_on_the_stars_of_the_watch_page_leave_the_film_alone(page: Page) -> None:
    page.goto("/watch/Playable%20long.webm")
    wait(lambda: bool(page.evaluate("document.querySelector('video').readyState")))
    page.evaluate("document.querySelector('video').currentTime = 6")
    stars = page.locator(".controls")
    assert len(tab_stops(stars)) == 1
    stars.get_by_role("button", name="1 star", exact=True).focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    expect(stars.get_by_role("button", name="3 stars")).to_be_focused()
    assert page.evaluate("document.querySelector('video').currentTime") == 6
    page.keyboard.press("Digit5")
    wait(lambda: page.evaluate("document.querySelector('video').currentTime") > 5.9)
    expect(page.locator("#player-note")).to_have_text("0:06")


def test_stars_in_the_popover_of_a_narrow_card_are_reached_by_keyboard(house: House) -> None:
    with Visit(house, viewport=PHONE) as page:
        page.goto("/?q=film+06")
        film = card(page, "Film 06")
        fold = film.get_by_role("button", name="Rate", exact=True)
        fold.focus()
        for key in ("Enter", "Tab", "ArrowRight", "Enter"):
            page.keyboard.press(key)
        rated = film.get_by_role("button", name="Rated 2 of 5, change")
        expect(rated).to_be_focused()
        for key in ("Enter", "Tab", "Enter"):  # the lit star clears
            page.keyboard.press(key)
        expect(fold).to_be_focused()


def test_without_javascript_every_star_can_be_reached(house: House) -> None:
    with Visit(house, viewport=DESKTOP, java_script_enabled=False) as page:
        page.goto("/?q=film+07")
        film = card(page, "Film 07")
        film.get_by_role("link", name="Film 07").focus()
        for name in ("1 star", "2 stars", "3 stars", "4 stars", "5 stars", "Favorite"):
            page.keyboard.press("Tab")
            expect(film.get_by_role("button", name=name, exact=True)).to_be_focused()


def test_tags_are_added_removed_and_brought_back(any_page: Page) -> None:
    any_page.goto("/watch/Film%2002.mp4")
    tags = any_page.locator("section.tags")
    tags.locator(".edit-tags > summary").click()
    tags.get_by_label("Add a tag").fill("Alps")
    tags.get_by_role("button", name="Add", exact=True).click()
    expect(tags.locator(".seen-tag", has_text="Alps")).to_have_count(1)
    if not any_page.get_by_role("button", name="Remove tag Alps").is_visible():
        tags.locator(".edit-tags > summary").click()  # a page without script begins folded
    any_page.get_by_role("button", name="Remove tag Alps").click()
    expect(tags.locator(".seen-tag", has_text="Alps")).to_have_count(0)
    any_page.locator(".toast", has_text="Alps").get_by_role("button", name="Undo").click()
    expect(tags.locator(".seen-tag", has_text="Alps")).to_have_count(1)


def test_enter_adds_a_tag_and_keeps_the_focus_and_undo_brings_one_back(page: Page) -> None:
    page.goto("/watch/Film%2003.mp4")
    page.keyboard.press("t")
    field = page.get_by_label("Add a tag")
    expect(field).to_be_focused()
    field.fill("lake")
    field.press("Enter")
    expect(page.get_by_role("button", name="Remove tag lake")).to_be_visible()
    expect(page.get_by_label("Add a tag")).to_be_focused()
    expect(page.locator("#said")).to_have_text("Tag “lake” added")
    page.get_by_role("button", name="Remove tag lake").click()
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("button", name="Remove tag lake")).to_be_visible()
    page.get_by_label("Add a tag").fill("x" * 100)
    page.get_by_label("Add a tag").press("Enter")
    expect(page.get_by_text("at most 64 characters")).to_be_visible()


def test_search_finds_as_one_types_and_without_javascript_on_enter(any_page: Page) -> None:
    any_page.goto("/")
    field = any_page.get_by_role("searchbox")
    field.click()
    field.press_sequentially("film 04", delay=20)
    if "without" in os.environ.get("PYTEST_CURRENT_TEST", ""):
        field.press("Enter")
    expect(any_page.locator(".video-card")).to_have_count(1)
    expect(card(any_page, "Film 04")).to_be_visible()


def test_more_cards_come_while_scrolling_and_back_returns_to_the_place(page: Page) -> None:
    page.goto("/?sort=title")
    expect(page.locator(".video-card")).to_have_count(60)
    page.mouse.wheel(0, 20_000)
    expect(page.locator(".video-card")).to_have_count(VIDEOS + 1)
    film = card(page, "Film 66")
    film.scroll_into_view_if_needed()
    film.get_by_role("link", name="Film 66").first.click()
    expect(page.locator("video")).to_be_visible()
    page.go_back()
    expect(card(page, "Film 66")).to_be_in_viewport(timeout=10_000)


def test_more_cards_are_a_link_without_javascript(house: House) -> None:
    with Visit(house, viewport=DESKTOP, java_script_enabled=False) as page:
        page.goto("/?sort=title")
        page.get_by_role("link", name="Show more").click()
        expect(page.locator(".video-card")).to_have_count(VIDEOS + 1 - 60)
        expect(card(page, "Film 65")).to_be_visible()


def test_a_film_plays_seeks_and_counts_one_view(page: Page) -> None:
    page.goto("/watch/Playable%20long.webm")
    before = views(page)
    page.evaluate(
        "document.querySelector('video').muted = true; document.querySelector('video').play()"
    )
    wait(lambda: page.evaluate("document.querySelector('video').currentTime > 0.3"))
    page.evaluate("document.querySelector('video').currentTime = 9")
    wait(lambda: page.evaluate("document.querySelector('video').currentTime > 9.2"))
    wait(lambda: views(page) == before + 1)
    page.reload()
    page.evaluate(
        "document.querySelector('video').muted = true; document.querySelector('video').play()"
    )
    wait(lambda: page.evaluate("document.querySelector('video').currentTime > 0.3"))
    page.wait_for_timeout(500)
    assert views(page) == before + 1


def test_rating_while_a_film_plays_does_not_stop_it(page: Page) -> None:
    page.goto("/watch/Playable%20long.webm")
    page.evaluate(
        "document.querySelector('video').muted = true; document.querySelector('video').play()"
    )
    wait(lambda: page.evaluate("document.querySelector('video').currentTime > 0.3"))
    page.evaluate("window.player = document.querySelector('video')")
    page.locator(".controls").get_by_role("button", name="5 stars").click()
    expect(page.locator(".controls").get_by_role("button", name="5 stars")).to_have_attribute(
        "aria-pressed", "true"
    )
    assert page.evaluate(
        "window.player === document.querySelector('video') && !window.player.paused"
    )


def test_a_new_file_appears_in_an_open_gallery_and_a_deleted_one_goes(
    page: Page, house: House
) -> None:
    page.goto("/")
    page.evaluate("window.same_page = true")
    path = house.add("Newcomer.mp4")
    expect(card(page, "Newcomer")).to_be_visible(timeout=20_000)
    path.rename(house.library / "Renamed newcomer.mp4")
    expect(card(page, "Renamed newcomer")).to_be_visible(timeout=20_000)
    (house.library / "Renamed newcomer.mp4").unlink()
    expect(card(page, "Renamed newcomer")).to_have_count(0, timeout=20_000)
    assert page.evaluate("window.same_page")


def test_the_same_refusal_is_told_once(house: House) -> None:
    refused = house.browser.new_context(base_url=house.address, viewport=DESKTOP)  # type: ignore[arg-type]
    page = refused.new_page()
    page.goto("/?q=film+09")
    rating = card(page, "Film 09").locator("form.rating")
    rating.evaluate(
        "form => form.querySelectorAll('button[name]').forEach(star => { star.value = '9'; })"
    )
    for _ in range(2):
        with page.expect_response(lambda answer: "/rating" in answer.url):
            rating.get_by_role("button", name="5 stars").click()
    expect(page.locator(".toast")).to_have_count(1)
    refused.close()


def test_previews_play_in_their_card_while_the_mouse_rests_there_and_count_no_view(
    house: House, tmp_path: Path
) -> None:
    place = ["--data", tmp_path / "data", "--host", "127.0.0.1", "--port", "0"]
    command = [sys.executable, "-m", "lvs", "serve", house.library, *place]
    with Server(command, tmp_path, LVS_FEATURE_PREVIEWS="true") as server:
        wait_for_library(server, house.browser)
        with Visit(House(server.address, house.library, house.browser), viewport=DESKTOP) as page:
            page.goto("/?q=playable")
            card(page, "Playable").hover()
            wait(
                lambda: bool(
                    page.evaluate("document.querySelector('.poster video')?.currentTime > 1.5")
                )
            )
            page.get_by_role("searchbox").hover()
            expect(page.locator(".poster video")).to_have_count(0)
            page.reload()
            expect(card(page, "Playable")).to_contain_text("0 views")


def test_the_player_fits_the_window_with_its_controls_in_view(house: House) -> None:
    for size in (DESKTOP, HEADSET):
        with Visit(house, viewport=size) as page:
            page.goto("/watch/Playable%20long.webm")
            box = page.locator("video").bounding_box()
            assert box is not None
            assert box["y"] >= 0
            assert box["y"] + box["height"] <= size["height"]
            assert box["width"] <= size["width"]


@pytest.mark.parametrize("width", [390, 320])
def test_on_a_phone_stars_and_heart_share_a_row_and_so_do_the_neighbours(
    house: House, width: int
) -> None:
    touch = house.browser.new_context(
        base_url=house.address, viewport={"width": width, "height": 700}, has_touch=True
    )
    page = touch.new_page()
    page.goto("/watch/Film%2008.mp4")
    controls = page.locator(".controls")
    last = controls.get_by_role("button", name="5 stars")
    if last.get_attribute("aria-pressed") == "false":  # the lit star would clear
        last.click()
    expect(last).to_have_attribute("aria-pressed", "true")
    rows = [
        {round(box["y"]) for each in page.locator(row).all() if (box := each.bounding_box())}
        for row in (".controls .stars button, .controls .favorite button", ".neighbours a")
    ]
    assert [len(tops) for tops in rows] == [1, 1]
    assert (rows[0] == rows[1]) is (width > 360)
    assert page.evaluate("document.documentElement.scrollWidth") == width
    touch.close()


@pytest.mark.parametrize(
    "address", ["/", "/watch/Film%2002.mp4", "/tags", "/favorites", "/nothing-here"]
)
def test_touch_targets_are_large_and_pages_never_scroll_sideways(
    house: House, address: str
) -> None:
    for size in (HEADSET, PHONE):
        touch = house.browser.new_context(base_url=house.address, viewport=size, has_touch=True)  # type: ignore[arg-type]
        page = touch.new_page()
        page.goto(address)
        assert page.evaluate(
            "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
        ), (address, size)
        small = page.evaluate(SMALL_TARGETS)
        assert small == [], (address, size)
        touch.close()


def test_links_in_the_lists_of_the_operator_are_as_large(house: House, tmp_path: Path) -> None:
    films = House("", tmp_path / "Videos", house.browser)
    films.add("Broken.mp4", b"no film at all" * 100)
    films.add("Once.mp4", distinct_video(3_000_000))
    films.add("Twice.mp4", distinct_video(3_000_000))
    gone = films.add("Gone.mp4")
    with serving(films.library, tmp_path) as server:
        touch = house.browser.new_context(base_url=server.address, viewport=HEADSET, has_touch=True)  # type: ignore[arg-type]
        page = touch.new_page()
        page.goto("/")
        expect(page.locator("#count")).to_contain_text("2 videos", timeout=30_000)
        gone.unlink()
        expect(page.locator("#count")).to_have_text("1 video", timeout=30_000)
        for place in ("unreadable", "missing", "duplicates", "storage", "usage", "performance"):
            expect_links_as_large_as_fingers(page, f"/admin/{place}")
        touch.close()


def expect_links_as_large_as_fingers(page: Page, address: str) -> None:
    def listed() -> bool:
        page.goto(address)
        return page.locator(LIST_LINKS).count() > 0

    wait(listed)
    for link in page.locator(LIST_LINKS).all():
        box = link.bounding_box()
        assert box is not None
        assert round(box["height"]) >= 48, (address, link.inner_text())
        assert round(box["width"]) >= 48, (address, link.inner_text())


LIST_LINKS = "main :is(li h2, li h3, .bars li, .tile dd) > a"

# A title's link covers more than its text, and what is folded away cannot be pointed at.
SMALL_TARGETS = """
() => [...document.querySelectorAll(
        "button, input:not([type=hidden]), select, summary, label.choice, nav a, a.button")]
    // The label of a choice is what one presses.
    .filter(element => element.checkVisibility({visibilityProperty: true, opacityProperty: true}))
    .filter(element => !element.closest("[popover]:not(:popover-open)"))
    .filter(element => !element.matches(".skip, label.choice input"))
    .map(element => ({element, box: element.getBoundingClientRect()}))
    .filter(({box}) => box.width > 0 && Math.round(box.height) < 48)
    .map(({element, box}) => element.outerHTML.slice(0, 80)
        + ` ${Math.round(box.width)}×${Math.round(box.height)}`)
"""


def test_a_film_goes_on_on_another_device_also_without_javascript(house: House) -> None:
    address = "/watch/Playable%20long.webm"
    with Visit(house, viewport=DESKTOP) as page:
        page.goto(address)
        detail = f"/api/videos/{page.locator('.watch').get_attribute('data-media-hash')}"
        page.evaluate(
            "document.querySelector('video').muted = true; document.querySelector('video').play()"
        )
        wait(lambda: page.evaluate("document.querySelector('video').currentTime > 0.3"))
        page.evaluate("document.querySelector('video').currentTime = 6")
        wait(lambda: page.evaluate("document.querySelector('video').currentTime > 6.2"))
        page.goto("/")
        wait(lambda: (page.request.get(detail).json()["position_s"] or 0) > 6)
    with Visit(house, viewport=DESKTOP) as page:
        page.goto(address)
        wait(lambda: page.evaluate("document.querySelector('video').currentTime > 6"))
        assert page.evaluate("document.querySelector('video').paused")
        page.locator("#start-over").click()
        wait(lambda: page.evaluate("document.querySelector('video').currentTime === 0"))
        wait(lambda: page.request.get(detail).json()["position_s"] is None)
        page.request.put(f"{detail}/progress", data={"position_s": 7})
    with Visit(house, viewport=DESKTOP, java_script_enabled=False) as page:
        page.goto(address)
        assert str(page.locator("source").first.get_attribute("src")).endswith("#t=7")


def test_positions_kept_by_the_browser_are_taken_over_once(house: House) -> None:
    with Visit(house, viewport=DESKTOP) as page:
        page.goto("/watch/Playable%20long.webm")
        media_hash = page.locator(".watch").get_attribute("data-media-hash")
        detail = f"/api/videos/{media_hash}"
        page.evaluate(
            "hash => localStorage.setItem('lvs:positions',"
            " JSON.stringify({'0123456789abcdef': null, [hash]: [9, 12, Date.now()]}))",
            media_hash,
        )
        page.goto("/")
        wait(lambda: page.request.get(detail).json()["position_s"] == 9)
        wait(lambda: page.evaluate("localStorage.getItem('lvs:positions') === null"))


def press_heart(page: Page, title: str, pressed: str) -> None:
    heart = card(page, title).locator(".favorite button")
    heart.click()
    expect(heart).to_have_attribute("aria-pressed", pressed)


def tab_stops(place: Locator) -> list[str | None]:
    """Names of the stars that the Tab key stops at."""
    stops = place.locator(".stars button").all()
    return [
        stop.get_attribute("aria-label")
        for stop in stops
        if stop.evaluate("star => star.tabIndex") == 0
    ]


def views(page: Page) -> int:
    found = re.search(r"(\d+) views?", page.locator("main").inner_text())
    assert found is not None
    return int(found[1])


def wait(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 10
    while not true():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.05)
