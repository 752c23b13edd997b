"""Triage with keys and with clicks, the film that is fetched ahead, cards that are chosen, and
saved views in the bar's menu, in a real browser.
"""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, Request, Route, expect
from support.chromium import CHROMIUM
from support.evening import EveningHouse, evening_house, film, picture
from support.processes import until

pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="no Chromium on this machine; Debian's package is called chromium"
)
PICTURES = 8
HEADSET: dict[str, Any] = {"viewport": {"width": 1280, "height": 720}, "has_touch": True}
PHONE: dict[str, Any] = {"viewport": {"width": 390, "height": 844}, "has_touch": True}


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EveningHouse]:
    folder = tmp_path_factory.mktemp("deciding")
    for name in ("Play 1.webm", "Play 2.webm", "Play 3.webm"):
        film(folder / "Videos", name, 3)
    for number in range(PICTURES):
        picture(folder / "Videos", f"Film {number}.mp4", 7000 + number)
    with evening_house(folder, PICTURES + 3) as house:
        yield house


def title(page: Page) -> str:
    return page.locator(".triage-film h1").inner_text()


def videos(page: Page, query: str) -> dict[str, dict[str, Any]]:
    """The films of a query as the API says, by title."""
    found = page.request.get(f"/api/videos?{query}").json()["videos"]
    return {each["title"]: each for each in found}


def test_an_evening_with_keys_alone(house: EveningHouse) -> None:
    with house.device() as page:
        page.goto("/triage?q=film&sort=title")
        expect(page.locator("#triage-left")).to_have_text(str(PICTURES))
        page.keyboard.press("4")
        expect(page.locator(".triage-film h1")).to_have_text("Film 1")
        page.keyboard.press("t")
        page.keyboard.type("harbour")
        page.keyboard.press("Enter")
        page.keyboard.press("h")
        page.keyboard.press("l")
        page.keyboard.press("5")
        expect(page.locator(".triage-film h1")).to_have_text("Film 2")
        # what was typed is one tap on the film that was fetched before
        page.locator(".triage-tags").get_by_text("harbour").click()
        for key, following in (("3", "Film 3"), ("s", "Film 4"), ("x", "Film 5")):
            page.keyboard.press(key)
            expect(page.locator(".triage-film h1")).to_have_text(following)
        expect(page.locator("#triage-left")).to_have_text(str(PICTURES - 5))
        until(lambda: "Film 4" not in videos(page, "q=film"))
        page.keyboard.press("z")  # the hiding, then the skip, then the stars
        expect(page.locator(".triage-film h1")).to_have_text("Film 4")
        page.keyboard.press("z")
        expect(page.locator(".triage-film h1")).to_have_text("Film 3")
        page.keyboard.press("z")
        expect(page.locator(".triage-film h1")).to_have_text("Film 2")
        expect(page.locator("#triage-left")).to_have_text(str(PICTURES - 2))
        page.reload()  # the address says where one is
        expect(page.locator(".triage-film h1")).to_have_text("Film 2")
        expect(page.locator("[name=tag][value=harbour]")).to_have_attribute("aria-pressed", "true")
        found = videos(page, "q=film&sort=title&order=asc")
        given = [(each["rating"], each["favorite"], each["tags"]) for each in found.values()]
        assert given[:5] == [
            (4, False, []),
            (5, True, ["harbour"]),
            (None, False, ["harbour"]),
            (None, False, []),
            (None, False, []),
        ]
        later = page.request.get("/api/later").json()["videos"]
        assert [each["title"] for each in later] == ["Film 1"]
        page.keyboard.press("?")
        expect(page.locator("#keys")).to_contain_text("Rate, and the next film")


def test_the_next_film_is_there_before_it_is_asked_for(house: EveningHouse) -> None:
    with house.device() as page:
        asked: list[str] = []

        def note(request: Request) -> None:
            asked.append(request.url)

        page.on("request", note)
        page.goto("/triage?q=play&sort=title")
        expect(page.locator(".triage-film h1")).to_have_text("Play 1")
        until(lambda: page.evaluate("!document.querySelector('.triage video').paused"))
        assert page.evaluate("document.querySelector('.triage video').muted")
        assert page.evaluate("document.querySelector('.triage video').currentTime >= 0.29")
        until(lambda: any("/video/Play%202" in url for url in asked))
        assert sum("/triage?" in url for url in asked) == 2  # the page, and the part behind it

        def refuse(route: Route) -> None:
            route.abort()

        page.route("**/triage?*", refuse)
        page.route("**/video/**", refuse)
        page.locator(".triage-stars button").nth(3).click()
        expect(page.locator(".triage-film h1")).to_have_text("Play 2")
        until(lambda: page.evaluate("document.querySelector('.triage video').currentTime > 0.3"))
        page.unroute_all()
        until(lambda: videos(page, "q=play")["Play 1"]["rating"] == 4)


def test_clicks_alone_end_where_nothing_is_left(house: EveningHouse) -> None:
    with house.device(**HEADSET) as page:
        page.goto("/?q=play&sort=title&unrated=1")
        page.locator("#more-steps summary").click()
        page.get_by_text("Decide these one by one").click()
        small = """() => [...document.querySelectorAll('.triage :is(button, .field, .button)')]
            .concat([...document.querySelectorAll('.triage-head a')])
            .filter((each) => each.checkVisibility())
            .map((each) => each.getBoundingClientRect())
            .filter((box) => Math.min(box.width, box.height) < 63.5)
            .map((box) => `${box.width} × ${box.height}`)"""
        page.wait_for_load_state()
        assert page.evaluate(small) == []  # 64 px for the pointer of a headset
        first = title(page)
        page.get_by_role("button", name="Favorite").click()
        page.get_by_role("button", name="5 stars").dblclick()  # decides one film, not two
        expect(page.locator(".triage-film h1")).not_to_have_text(first)
        expect(page.locator("#triage-left")).to_have_text("1")
        assert page.evaluate(small) == []  # with Undo
        page.get_by_role("button", name="Undo").click()
        expect(page.locator(".triage-film h1")).to_have_text(first)
        favorite = page.get_by_role("button", name="Favorite")
        expect(favorite).to_have_attribute("aria-pressed", "true")
        while page.locator(".triage-stars").count():
            here = title(page)
            page.get_by_role("button", name="2 stars").click()
            expect(page.locator("h1")).not_to_have_text(here)
        expect(page.locator("h1")).to_have_text("No video in this selection")
        rated = videos(page, "q=play").values()
        assert all(each["rating"] in (2, 4) for each in rated)
    with house.device(**PHONE) as page:
        page.goto("/triage?left=all")
        expect(page.locator(".triage-film h1")).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["viewport"]["width"]


def chosen(page: Page) -> list[str]:
    """Titles of the cards that are ticked."""
    script = """() => [...document.querySelectorAll('.choice-card:has(input:checked) b')]
        .map((each) => each.textContent)"""
    return [str(each) for each in page.evaluate(script)]


def names(*numbers: int) -> list[str]:
    return [f"Film {number}" for number in numbers]


def middle(page: Page, number: int) -> tuple[float, float]:
    """The middle of a card."""
    box = page.locator(".choice-card").nth(number).bounding_box()
    assert box
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def test_cards_are_chosen_by_shift_and_by_dragging(house: EveningHouse) -> None:
    with house.device() as page:
        page.goto("/select?q=film&sort=title")
        cards = page.locator(".choice-card label")
        expect(cards).to_have_count(PICTURES)
        cards.nth(1).click()
        cards.nth(4).click(modifiers=["Shift"])
        assert chosen(page) == names(1, 2, 3, 4)
        expect(page.locator("#chosen-count")).to_have_text("4 selected")
        cards.nth(4).click()
        cards.nth(2).click(modifiers=["Shift"])  # takes them off, as the card before it
        assert chosen(page) == names(1)
        page.get_by_role("button", name="None").click()
        assert chosen(page) == []
        page.mouse.move(*middle(page, 2))
        page.mouse.down()
        page.mouse.move(*middle(page, 6), steps=8)
        page.mouse.move(*middle(page, 5), steps=4)  # back again: one less
        page.mouse.up()
        assert chosen(page) == names(2, 3, 4, 5)
        page.mouse.move(*middle(page, 5))
        page.mouse.down()
        page.mouse.move(*middle(page, 4), steps=4)
        page.mouse.up()
        assert chosen(page) == names(2, 3)
        cards.nth(7).click()  # a click by itself, behind a drag
        assert chosen(page) == names(2, 3, 7)
        page.get_by_role("button", name="5 stars").click()
        expect(page.locator("#bulk-said")).to_contain_text("3 videos changed.")
        assert chosen(page) == names(2, 3, 7)  # for the next step
        rated = videos(page, "q=film&min_rating=5")
        assert set(names(2, 3, 7)) <= set(rated)
        page.locator("#bulk-said").get_by_role("button", name="Undo").click()
        expect(page.locator("#bulk-said")).to_contain_text("Undone for 3 videos.")
        page.locator("body").press("Escape")
        assert chosen(page) == []
        page.goto("/select?q=film&sort=title&unrated=1")
        total = page.locator(".choice-card").count()
        assert total > 3
        for number in range(2):
            page.locator(".choice-card label").nth(number).click()
        page.get_by_role("button", name="1 star").click()
        expect(page.locator("#selection-count")).to_contain_text(f"All {total - 2} of")
        expect(page.locator("#select-total")).to_have_text(f"{total - 2} videos")
        expect(page.locator(".choice-card")).to_have_count(total - 2)
        page.locator("#bulk-said").get_by_role("button", name="Undo").click()
        expect(page.locator("#selection-count")).to_contain_text(f"All {total} of")
        page.goto("/select?q=film&sort=title")
        page.locator("#all").check()
        expect(page.locator("#chosen-count")).to_have_text("")
        page.locator("[name=tags_add]").fill("evening")
        page.locator("[name=tags_add]").press("Enter")
        expect(page.locator("#bulk-said")).to_contain_text(f"{PICTURES} videos changed.")
        assert len(videos(page, "tag=evening")) == PICTURES
        page.locator("#bulk-said").get_by_role("button", name="Undo").click()
        expect(page.locator("#bulk-said")).to_contain_text("Undone")


def test_a_long_press_chooses_and_goes_on_over_cards(house: EveningHouse) -> None:
    with house.device(**PHONE) as page:
        page.goto("/select?q=film&sort=title")
        expect(page.locator(".choice-card")).to_have_count(PICTURES)
        touch = page.context.new_cdp_session(page)

        def send(kind: str, *points: tuple[float, float]) -> None:
            places = [{"x": x, "y": y} for x, y in points]
            touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": places})

        send("touchStart", middle(page, 0))
        until(lambda: chosen(page) == names(0))
        send("touchMove", middle(page, 1))
        send("touchMove", middle(page, 2))
        send("touchEnd")
        assert chosen(page) == names(0, 1, 2)
        page.locator(".choice-card label").nth(1).tap()
        assert chosen(page) == names(0, 2)
        x, y = middle(page, 2)
        before = page.evaluate("scrollY")
        send("touchStart", (x, y))  # a finger that moves at once scrolls
        for step in range(1, 9):
            send("touchMove", (x, y - 20 * step))
        send("touchEnd")
        until(lambda: page.evaluate("scrollY") > before)
        assert chosen(page) == names(0, 2)


def test_views_are_put_in_order_by_dragging_and_by_keys(house: EveningHouse) -> None:
    def names(page: Page) -> list[str]:
        return page.locator("#items .saved-view b").all_inner_texts()

    with house.device() as page:
        made = [
            page.request.post("/api/views", data={"name": name, "where": {"q": name}}).json()
            for name in ("One", "Two", "Three")
        ]
        page.goto("/views")
        assert names(page) == ["One", "Two", "Three"]
        page.locator(".grip").nth(2).focus()
        page.keyboard.press("Home")
        until(lambda: names(page) == ["Three", "One", "Two"])
        expect(page.locator(".grip").first).to_be_focused()
        start = page.locator(".grip").nth(0).bounding_box()
        end = page.locator("#items > li").nth(2).bounding_box()
        assert start
        assert end
        page.mouse.move(start["x"] + 8, start["y"] + 8)
        page.mouse.down()
        page.mouse.move(end["x"] + 60, end["y"] + 20, steps=5)
        page.mouse.up()
        until(lambda: names(page) == ["One", "Two", "Three"])
        page.reload()
        assert names(page) == ["One", "Two", "Three"]
    with house.device(java_script_enabled=False) as page:
        page.goto("/views")
        expect(page.locator(".grip").first).to_be_hidden()
        page.get_by_role("button", name="Move down: One").click()
        assert names(page) == ["Two", "One", "Three"]
        for view in made:
            assert page.request.delete(f"/api/views/{view['id']}").ok


def test_views_stand_in_the_menu_with_their_numbers(house: EveningHouse) -> None:
    with house.device() as page:
        page.goto("/?q=film&sort=title")
        page.locator("#more-steps summary").click()
        page.get_by_text("Save as a view").click()
        page.locator("[name=name]").fill("Evening <b>")
        page.get_by_role("button", name="Save view").click()
        expect(page.locator("h1")).to_have_text("Evening <b>")
        count = page.locator(".video-card").count()
        page.goto("/folders")
        page.get_by_role("button", name="Saved views").click()
        entry = page.locator("#views a", has_text="Evening")
        expect(entry.locator(".number")).to_have_text(str(count))
        page.keyboard.press("Escape")
        expect(entry).to_be_hidden()
        page.get_by_role("button", name="Saved views").click()
        page.get_by_text("All views").click()
        page.get_by_label("Rename: Evening <b>").click()
        page.get_by_label("New name of Evening <b>").fill("Night")
        page.get_by_role("button", name="Rename").click()
        page.get_by_role("button", name="Start page").click()
        page.goto("/", referer="")
        expect(page.locator("h1")).to_have_text("Night")
        page.get_by_role("button", name="Saved views").click()
        page.get_by_text("All views").click()
        page.get_by_label("Delete: Night").click()
        expect(page.get_by_text("No saved views yet")).to_be_visible()
        page.get_by_role("button", name="Undo").click()
        expect(page.locator(".saved-view")).to_contain_text("Night")
    with house.device(java_script_enabled=False) as page:
        page.goto("/folders")
        page.get_by_role("button", name="Saved views").click()
        page.locator("#views a", has_text="Night").click()
        expect(page.locator("h1")).to_have_text("Night")
