"""Scenes and chapters in a real Chromium: links that seek, keys, and a poster that scrubs."""

import os
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright
from support.chromium import CHROMIUM
from support.home import OLD_NS
from support.media import make_video, name_chapters
from support.processes import serving

FLAGS = "--no-sandbox --disable-gpu --no-first-run --autoplay-policy=no-user-gesture-required"
PATIENCE_MS = 60_000
CHAPTERS = ((0, 4000, "Opening"), (4000, 8000, "The crossing"), (8000, 12000, "Home"))

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Browser]]:
    """A film whose strip is made, and a browser."""
    folder = tmp_path_factory.mktemp("house")
    film = folder / "Videos" / "Trips" / "film.webm"
    film.parent.mkdir(parents=True)
    make_video(folder / "source.webm", seconds=12, size=(160, 90), keyframe_every=10)
    name_chapters(folder / "source.webm", film, CHAPTERS)
    os.utime(film, ns=(OLD_NS, OLD_NS))
    with serving(film.parent.parent, folder) as server, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS.split())
        page = browser.new_page()
        page.goto(server.address)
        expect(page.locator(".poster img")).to_have_count(1, timeout=PATIENCE_MS)
        page.goto(f"{server.address}/watch/Trips/film.webm")
        # The page asks again by itself until the strip is made.
        expect(page.locator(".scenes a")).to_have_count(6, timeout=PATIENCE_MS)
        page.close()
        yield server.address, browser
        browser.close()


@pytest.fixture
def page(house: tuple[str, Browser]) -> Iterator[Page]:
    """A page; every error that it reports fails the test."""
    context = house[1].new_context(base_url=house[0], viewport={"width": 1366, "height": 900})
    errors: list[str] = []
    each = context.new_page()
    each.on("pageerror", lambda error: errors.append(str(error)))
    each.on("console", lambda line: errors.append(line.text) if line.type == "error" else None)
    yield each
    context.close()
    assert errors == []


def at(page: Page) -> float:
    return float(page.evaluate("document.getElementById('player').currentTime"))


def ready(page: Page) -> None:
    page.wait_for_function("document.getElementById('player').readyState > 1")


def test_a_scene_and_a_chapter_seek_without_leaving_the_page(page: Page) -> None:
    page.goto("/watch/Trips/film.webm")
    ready(page)
    page.evaluate("window.stays = true")
    page.locator(".scenes a").nth(3).click()
    page.wait_for_function("document.getElementById('player').currentTime >= 6")
    page.get_by_role("link", name="The crossing").click()
    page.wait_for_function("Math.abs(document.getElementById('player').currentTime - 4) < 1.5")
    expect(page.locator(".chapters [aria-current]")).to_contain_text("The crossing")
    assert page.evaluate("window.stays")
    assert page.locator(".marks rect").count() == 3


def test_keys_lead_from_chapter_to_chapter(page: Page) -> None:
    page.goto("/watch/Trips/film.webm")
    ready(page)
    page.keyboard.press("Shift+N")
    page.wait_for_function("document.getElementById('player').currentTime >= 4")
    page.evaluate("document.getElementById('player').pause()")
    page.keyboard.press("Shift+N")
    page.wait_for_function("document.getElementById('player').currentTime >= 8")
    page.evaluate("document.getElementById('player').pause()")
    page.keyboard.press("Shift+P")
    page.wait_for_function("document.getElementById('player').currentTime < 7")
    page.locator(".scenes a[tabindex='0']").focus()
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    assert page.evaluate("document.activeElement.dataset.seek") == "2.0"


def test_without_script_a_scene_opens_the_page_at_its_place(house: tuple[str, Browser]) -> None:
    context = house[1].new_context(base_url=house[0], java_script_enabled=False)
    page = context.new_page()
    page.goto("/folder/Trips")
    page.locator(".video-card h2 a").click()
    page.locator(".scenes a").nth(3).click()
    assert "start=6" in page.url
    assert "folder=Trips" in page.url
    assert "#t=6" in (page.locator("#player source").first.get_attribute("src") or "")
    context.close()


def scrubbing(page: Page) -> None:
    """Wait until the script that comes with the first pointer is there."""
    page.evaluate("() => import(document.getElementById('gallery').dataset.scrub).then(() => 1)")


def test_a_mouse_along_a_poster_shows_the_scenes(page: Page) -> None:
    page.goto("/")
    box = page.locator(".video-card .poster").bounding_box()
    assert box is not None
    middle = box["y"] + box["height"] / 2
    with page.expect_response(lambda answer: "/static/scrub" in answer.url):
        page.mouse.move(5, middle)
    scrubbing(page)
    page.mouse.move(box["x"] + 5, middle)
    expect(page.locator(".scrub .badge")).to_have_text("0:00")
    page.mouse.move(box["x"] + box["width"] - 5, middle)
    expect(page.locator(".scrub .badge")).to_have_text("0:10")
    page.mouse.move(box["x"] + 5, box["y"] + box["height"] + 60)
    expect(page.locator(".scrub")).to_have_count(0)


def test_a_long_press_scrubs_and_opens_nothing(house: tuple[str, Browser]) -> None:
    context = house[1].new_context(
        base_url=house[0], viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True
    )
    page = context.new_page()
    page.goto("/")
    box = page.locator(".video-card .poster").bounding_box()
    assert box is not None
    devtools = context.new_cdp_session(page)

    def touch(kind: str, *along: float) -> None:
        points = [{"x": box["x"] + part * box["width"], "y": box["y"] + 30} for part in along]
        devtools.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    scrubbing(page)
    touch("touchStart", 0.1)
    expect(page.locator(".scrub .badge")).to_have_text("0:00")
    touch("touchMove", 0.95)
    expect(page.locator(".scrub .badge")).to_have_text("0:10")
    touch("touchEnd")
    expect(page.locator(".scrub")).to_have_count(0)
    assert page.url.rstrip("/") == house[0].rstrip("/")
    context.close()


def test_targets_are_large_where_pointing_is_coarse(house: tuple[str, Browser]) -> None:
    context = house[1].new_context(
        base_url=house[0], viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True
    )
    page = context.new_page()
    for address, targets in (
        ("/watch/Trips/film.webm", ".scenes a, .chapters a, #same-folder"),
        ("/folders", ".folder-card a, .depth a"),
        ("/folder/Trips", ".trail a"),
    ):
        page.goto(address)
        for target in page.locator(targets).all():
            box = target.bounding_box()
            assert box is not None
            assert min(box["width"], box["height"]) >= 47.5, address
    context.close()
