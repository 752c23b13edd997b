"""The film after a film, in a real browser: the card with its countdown, and lists that play on."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect
from support.chromium import CHROMIUM
from support.evening import EveningHouse, evening_house, film
from support.processes import until

pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="no Chromium on this machine; Debian's package is called chromium"
)
NAMES = ("Part 1", "Part 2", "Part 3")


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EveningHouse]:
    folder = tmp_path_factory.mktemp("evening")
    for number, name in enumerate(NAMES):
        film(folder / "Videos", f"{name}.webm", 1 + number / 10)
    with evening_house(folder, len(NAMES)) as house:
        yield house


def title(page: Page, words: str) -> None:
    expect(page.locator("h1")).to_have_text(words, timeout=30_000)


def test_a_film_goes_on_to_the_next_of_its_selection(house: EveningHouse) -> None:
    with house.device() as page:
        page.goto("/?sort=title")
        page.get_by_role("link", name="Play all").click()
        title(page, "Part 1")
        expect(page.locator("#play-on")).to_be_visible(timeout=20_000)  # it began by itself
        expect(page.locator(".play-on-title")).to_have_text("Part 2")
        expect(page.locator(".play-on-count")).to_have_text(re.compile(r"in \d s"))
        page.get_by_role("button", name="Cancel").click()
        expect(page.locator("#play-on")).to_be_hidden()
        page.evaluate("document.getElementById('player').play()")
        expect(page.locator("#play-on")).to_be_visible(timeout=20_000)
        page.get_by_role("link", name="Play now").click()
        title(page, "Part 2")
        title(page, "Part 3")  # the countdown ran out
        assert "sort=title" in page.url
        until(lambda: page.evaluate("document.getElementById('player').ended"))
        expect(page.locator("#play-on")).to_have_count(0)


def test_the_switch_is_remembered_and_then_the_card_waits(house: EveningHouse) -> None:
    with house.device() as page:
        page.goto("/watch/Part%201.webm?sort=title")
        page.get_by_label("Play on").uncheck()
        page.goto("/watch/Part%202.webm?sort=title")
        expect(page.get_by_label("Play on")).not_to_be_checked()
        page.locator("#player").click()
        page.keyboard.press("k")
        page.evaluate("document.getElementById('player').play()")
        expect(page.locator("#play-on")).to_be_visible(timeout=20_000)
        expect(page.locator(".play-on-count")).to_have_text("")
        page.keyboard.press("Enter")  # the card has the focus
        title(page, "Part 3")


def test_a_film_waits_for_a_press_if_sound_is_forbidden(house: EveningHouse) -> None:
    with house.device() as page:
        page.goto("/watch/Part%201.webm?sort=title#play")
        wait = page.locator("#play-wait")
        expect(wait).to_be_visible()
        assert page.evaluate("document.getElementById('player').paused")
        assert "#play" not in page.url
        wait.get_by_role("button").click()
        until(lambda: page.evaluate("document.getElementById('player').currentTime > 0"))
        expect(wait).to_be_hidden()


def test_a_shuffled_selection_is_walked_without_a_script(house: EveningHouse) -> None:
    with house.device(java_script_enabled=False) as page:
        page.goto("/?q=part")
        page.get_by_role("link", name="Shuffle").click()
        seen = {page.locator("h1").inner_text()}
        for _ in NAMES[1:]:
            page.locator("#next").click()
            seen.add(page.locator("h1").inner_text())
        assert seen == set(NAMES)
        expect(page.locator("#next")).to_have_count(0)
        expect(page.get_by_label("Play on")).to_be_hidden()


def test_media_keys_lead_on_and_the_speed_is_kept(house: EveningHouse) -> None:
    with house.device() as page:
        page.add_init_script(
            """const set = navigator.mediaSession.setActionHandler.bind(navigator.mediaSession);
            window.keys = {};
            navigator.mediaSession.setActionHandler = (name, react) => {
                window.keys[name] = react;
                set(name, react);
            };"""
        )
        page.goto("/watch/Part%202.webm?sort=title")
        page.evaluate("document.getElementById('player').playbackRate = 0.5")
        page.locator("#player").click()
        page.evaluate("document.getElementById('player').play()")
        until(lambda: page.evaluate("navigator.mediaSession.metadata?.title ?? ''") == "Part 2")
        pictures = page.evaluate("navigator.mediaSession.metadata.artwork.length")
        assert pictures == page.locator("#player[poster]").count()
        page.evaluate("window.keys.pause()")
        until(lambda: page.evaluate("navigator.mediaSession.playbackState") == "paused")
        page.evaluate("window.keys.seekto({ seekTime: 0.25 })")
        at = page.evaluate("document.getElementById('player').currentTime")
        assert at == pytest.approx(0.25, abs=0.01)
        page.evaluate("window.keys.previoustrack()")
        title(page, "Part 1")
        assert "sort=title" in page.url
        until(lambda: page.evaluate("'previoustrack' in window.keys"))
        assert page.evaluate("window.keys.previoustrack") is None
        until(lambda: page.evaluate("document.getElementById('player').playbackRate") == 0.5)
    with house.device() as page:  # another device
        page.goto("/watch/Part%201.webm")
        assert page.evaluate("document.getElementById('player').playbackRate") == 1


def test_the_screen_stays_on_while_a_film_plays(house: EveningHouse) -> None:
    with house.device() as page:
        page.context.grant_permissions(["screen-wake-lock"])
        page.add_init_script(
            """const request = navigator.wakeLock.request.bind(navigator.wakeLock);
            window.locks = [];
            navigator.wakeLock.request = async (kind) => {
                const lock = await request(kind);
                window.locks.push(lock);
                return lock;
            };"""
        )
        page.goto("/watch/Part%202.webm")
        page.evaluate("document.getElementById('player').loop = true")
        page.evaluate("document.getElementById('player').play()")
        until(lambda: page.evaluate("window.locks.map((lock) => lock.released)") == [False])
        page.evaluate("document.getElementById('player').pause()")
        until(lambda: page.evaluate("window.locks.map((lock) => lock.released)") == [True])


def test_a_film_has_a_small_window_where_the_browser_has_one(house: EveningHouse) -> None:
    with house.device() as page:
        page.goto("/watch/Part%202.webm")
        button = page.locator("#small-window")
        if not page.evaluate("document.pictureInPictureEnabled"):
            expect(button).to_be_hidden()
            return
        page.evaluate("document.getElementById('player').loop = true")
        page.evaluate("document.getElementById('player').play()")
        button.click()
        expect(button).to_have_attribute("aria-pressed", "true")
        button.click()
        expect(button).to_have_attribute("aria-pressed", "false")
