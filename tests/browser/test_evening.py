"""Arrow keys through a page of cards, playlists put in order, and people, in a real browser."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect
from support.chromium import CHROMIUM
from support.evening import EveningHouse, evening_house, film, picture
from support.processes import until

pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="no Chromium on this machine; Debian's package is called chromium"
)
PICTURES = 64


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EveningHouse]:
    folder = tmp_path_factory.mktemp("evening")
    film(folder / "Videos", "Kids/Cartoon.webm", 2)
    for number in range(PICTURES):
        picture(folder / "Videos", f"Film {number:02}.mp4", 7000 + number)
    with evening_house(folder, PICTURES + 1) as house:
        yield house


FOCUS_AT = "(path) => document.activeElement.href?.includes(path)"


def focused(page: Page) -> str:
    """The title of the card that has the focus; empty for anything else."""
    script = "document.activeElement.closest('.video-card')?.querySelector('h2')?.innerText ?? ''"
    return str(page.evaluate(script)).strip()


def press(page: Page, key: str) -> str:
    page.keyboard.press(key)
    return focused(page)


def test_arrow_keys_lead_through_a_page_of_cards_and_back(house: EveningHouse) -> None:
    with house.device() as page:
        page.goto("/?sort=title&q=film")
        expect(page.locator(".video-card")).to_have_count(60)
        page.locator(".video-card h2 a").first.focus()
        assert press(page, "ArrowRight") == "Film 01"
        down = ["Film 01"]
        while (here := press(page, "ArrowDown")) and here != down[-1]:
            down.append(here)
            page.wait_for_timeout(100)  # the next run of cards comes on the way
        columns = int(down[1][-2:]) - 1
        assert columns > 1
        assert down == [f"Film {number:02}" for number in range(1, PICTURES, columns)]
        page.keyboard.press("Enter")
        expect(page.locator("h1")).to_have_text(down[-1])
        page.go_back()
        until(lambda: focused(page) == down[-1])
        up = [down[-1]]
        while (here := press(page, "ArrowUp")) and here != up[-1]:
            up.append(here)
        assert up == down[::-1]
        page.locator("#q").focus()  # where one types they do what they always did
        page.keyboard.type("ab")
        page.keyboard.press("ArrowLeft")
        assert page.evaluate("document.activeElement.selectionStart") == 1


def test_back_leads_to_the_film_of_a_row_and_to_the_folder_that_was_opened(
    house: EveningHouse,
) -> None:
    def address(page: Page) -> str:
        script = "new URL(document.activeElement.href ?? 'x:').pathname"
        return str(page.evaluate(script))

    with house.device() as page:
        page.goto("/folders")
        page.keyboard.press("ArrowDown")  # where there are no films it leads to the folders
        assert address(page) == "/folder/Kids"
        found = page.request.get("/api/videos?q=cartoon").json()["videos"][0]["media_hash"]
        begun = {"position_s": 0.5}
        assert page.request.put(f"/api/videos/{found}/progress", data=begun).ok
        for start, row, opened in (
            ("/", "#continue-watching a", "/watch/Kids/Cartoon.webm"),
            ("/continue", "#continue-watching a", "/watch/Kids/Cartoon.webm"),
            ("/folders", ".folder-card a", "/folder/Kids"),
            ("/history", ".list-items a", "/watch/Kids/Cartoon.webm"),
        ):
            page.goto(start)
            page.locator(row).first.focus()
            page.keyboard.press("Enter")
            page.wait_for_url(f"**{opened}*")
            page.go_back()
            page.wait_for_url(f"**{start}")
            page.wait_for_function(FOCUS_AT, arg=opened)
            assert page.evaluate("document.activeElement.closest('.video-card') === null")
        assert page.request.put(f"/api/videos/{found}/progress", data={"position_s": 0}).ok


def test_a_playlist_is_ordered_by_keys_by_dragging_and_by_plain_forms(house: EveningHouse) -> None:
    def titles(page: Page) -> list[str]:
        return page.locator("#items > li > a").all_inner_texts()

    with house.device() as page:
        page.goto("/lists/selection?sort=title&order=asc&q=film+0")
        page.locator("form.new-list [name=name]").fill("In order")
        page.get_by_role("button", name="Create and add").click()
        names = [f"Film {number:02}" for number in range(10)]
        until(lambda: titles(page) == names)
        page.locator(".grip").nth(3).focus()
        page.keyboard.press("ArrowUp")
        until(lambda: titles(page)[2:4] == ["Film 03", "Film 02"])
        expect(page.locator(".grip").nth(2)).to_be_focused()
        page.keyboard.press("Home")
        until(lambda: titles(page)[:3] == ["Film 03", "Film 00", "Film 01"])
        source, target = page.locator(".grip").nth(4), page.locator("#items > li").nth(1)
        source.scroll_into_view_if_needed()
        start, end = source.bounding_box(), target.bounding_box()
        assert start
        assert end
        page.mouse.move(start["x"] + 8, start["y"] + 8)
        page.mouse.down()
        page.mouse.move(end["x"] + 60, end["y"] + 20, steps=5)
        page.mouse.up()
        until(lambda: titles(page)[:3] == ["Film 03", "Film 04", "Film 00"])
        address, order = page.url, titles(page)
    with house.device(java_script_enabled=False) as page:
        page.goto(address)
        assert titles(page) == order
        page.get_by_role("button", name="Move down: Film 03").click()
        until(lambda: titles(page)[:3] == ["Film 04", "Film 03", "Film 00"])
        page.get_by_role("button", name="Remove: Film 04").click()
        page.get_by_role("button", name="Undo").click()
        until(lambda: titles(page)[:2] == ["Film 04", "Film 03"])
        expect(page.locator(".grip").first).to_be_hidden()
        # the picture leads there, too; not forced: Chromium drops a click before its first paint
        page.locator("#items > li").first.click(position={"x": 40, "y": 40})
        expect(page.locator("h1")).to_have_text("Film 04")


def test_a_film_goes_on_on_another_device_of_the_same_person(house: EveningHouse) -> None:
    def choose(page: Page, name: str) -> None:
        page.goto("/people")
        page.get_by_role("button", name=name, exact=True).click()

    with house.device(java_script_enabled=False) as page:
        page.goto("/people")
        for name in ("Anna", "Mia"):
            form = page.locator("form.new-list").last
            form.locator("[name=name]").fill(name)
            if name == "Mia":
                form.locator("[name=limited]").check()
                form.locator("[name=folders]").fill("Kids")
            form.get_by_role("button", name="Create").click()
        choose(page, "Mia")
        expect(page.locator(".who")).to_have_text("M")
        expect(page.locator(".video-card h2")).to_have_text("Cartoon")
    with house.device() as page:
        choose(page, "Anna")
        page.goto("/watch/Kids/Cartoon.webm")
        page.evaluate("document.getElementById('player').play()")
        until(lambda: page.evaluate("document.getElementById('player').currentTime > 0.5"))
        page.evaluate("document.getElementById('player').pause()")
        until(lambda: page.evaluate("document.getElementById('player').paused"))

        def is_in_history() -> bool:  # it is written a moment later
            page.goto("/history")
            return "Cartoon" in page.locator("main").inner_text()

        until(is_in_history)
    with house.device(java_script_enabled=False) as page:
        page.goto("/watch/Kids/Cartoon.webm")
        expect(page.locator("#resume")).to_have_count(0)
        choose(page, "Anna")
        page.goto("/watch/Kids/Cartoon.webm")
        expect(page.locator("#resume")).to_contain_text("Goes on at")
        assert "#t=" in str(page.locator("#player source").first.get_attribute("src"))


def test_lvs_installs_as_an_app(house: EveningHouse) -> None:
    with house.device() as page:
        page.goto("/")
        link = page.locator("link[rel=manifest]").get_attribute("href")
        answer = page.request.get(str(link))
        assert answer.headers["content-type"] == "application/manifest+json"
        for icon in answer.json()["icons"]:
            assert page.request.get(f"/{icon['src']}").headers["content-type"] == "image/png"
        assert page.locator("meta[name=theme-color]").count() == 2
        session = page.context.new_cdp_session(page)
        errors = session.send("Page.getInstallabilityErrors")["installabilityErrors"]
        # A context of its own counts as a private window, in which Chromium installs nothing.
        assert [each for each in errors if each["errorId"] != "in-incognito"] == []
