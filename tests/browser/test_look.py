"""Layout, wording and buttons of the pages, in a real browser."""

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright
from support.chromium import CHROMIUM
from support.home import distinct_video
from support.media import make_video, quarters
from support.processes import serving, until

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
DESKTOP: dict[str, Any] = {"viewport": {"width": 1366, "height": 900}}
PHONE: dict[str, Any] = {"viewport": {"width": 390, "height": 844}, "has_touch": True}
HEADSET: dict[str, Any] = {"viewport": {"width": 1280, "height": 720}, "has_touch": True}
LONG_TITLE = "A walk around the whole of the lake in the rain " * 4
FILMS = 14
OTHERS = 4
PATIENCE_MS = 60_000

COVERED = """
() => [...document.querySelectorAll(PRESSED)]
    .filter((each) => each.checkVisibility())
    .filter((each) => each.getBoundingClientRect().bottom < innerHeight - 60)
    .filter((each) => {
        const box = each.getBoundingClientRect();
        const at = (y) => document.elementFromPoint(box.x + box.width / 2, y);
        return ![box.top + 3, box.bottom - 3].every((y) => each.contains(at(y)));
    })
    .map((each) => each.outerHTML.slice(0, 80))
""".replace("PRESSED", "'.video-card :is(.stars button, .rate, .favorite button, .meta a)'")

# Layout shift as in https://wicg.github.io/layout-instability/, without what a person set off.
MOVED = """
() => new Promise((answer) => {
    let sum = 0;
    new PerformanceObserver((list) => {
        for (const each of list.getEntries()) if (!each.hadRecentInput) sum += each.value;
    }).observe({ type: "layout-shift", buffered: true });
    setTimeout(() => answer(sum), 300);
})
"""

pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="no Chromium on this machine; Debian's package is called chromium"
)


@dataclass(frozen=True)
class House:
    """A running server and a browser."""

    address: str
    browser: Browser

    def open(self, address: str, size: dict[str, Any] = DESKTOP, **options: Any) -> Page:
        """A new page at this address."""
        context = self.browser.new_context(base_url=self.address, **size, **options)
        page = context.new_page()
        page.goto(address)
        return page

    def close_pages(self) -> None:
        """Close every page: an open one goes on asking the server, and drawing."""
        for context in self.browser.contexts:
            context.close()


@pytest.fixture(autouse=True)
def pages_are_closed(house: "House") -> Iterator[None]:
    yield
    house.close_pages()


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("look")
    library = folder / "Videos"
    for number in range(FILMS):
        place = library / ("Trip" if number % 2 else "Home") / f"Film {number:02}.mp4"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(distinct_video(4_000_000 + number))
    (library / "Home" / f"{LONG_TITLE.strip()}.mp4").write_bytes(distinct_video(4_100_000))
    (library / "Home" / "טיול בגליל.mp4").write_bytes(distinct_video(4_200_000))
    (library / "Home" / "Broken.mp4").write_bytes(b"no film at all" * 100)
    make_video(library / "Playable.webm", seconds=8, size=(320, 180), picture=quarters(320, 180))
    make_video(library / "Old tape.avi", seconds=6, size=(160, 90), keyframe_every=10)
    with serving(library, folder) as server, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        found = House(server.address, browser)
        with_api = browser.new_context(base_url=server.address).request

        def looked_at() -> bool:
            listed = with_api.get("/api/videos?limit=100").json()["videos"]
            return len(listed) == FILMS + OTHERS and all(each["state"] != "new" for each in listed)

        until(looked_at)
        origin = {"Origin": server.address}
        for each in with_api.get("/api/videos?limit=100").json()["videos"]:
            form = f"/videos/{each['media_hash']}"
            if each["path"].startswith("Trip/"):
                for tag in ("travel", "mountains of the north", "lake"):
                    with_api.post(f"{form}/tags", form={"tag": tag}, headers=origin)
                until(
                    lambda form=form: (  # type: ignore[misc]
                        with_api.post(f"{form}/rating", form={"value": "4"}, headers=origin).status
                        < 400
                    )
                )
        yield found
        browser.close()


def card(page: Page, title: str) -> Any:
    return page.locator(".video-card", has_text=title)


def watch(house: House, title: str, size: dict[str, Any] = DESKTOP, **options: Any) -> Page:
    page = house.open(f"/?q={title}", size, **options)
    page.goto(card(page, title).locator("h2 a").get_attribute("href") or "/")
    return page


# --- Lists ---


def test_posters_take_most_of_a_card_and_three_rows_of_them_fit(house: House) -> None:
    page = house.open("/?q=film")
    box = card(page, "Film 01").bounding_box()
    poster = card(page, "Film 01").locator(".poster").bounding_box()
    assert poster["height"] / box["height"] > 0.67
    third = page.locator(".video-card .poster").nth(8).bounding_box()
    assert third is not None
    assert third["y"] + third["height"] <= 900
    phone = house.open("/?q=film", PHONE)
    assert card(phone, "Film 01").bounding_box()["height"] <= 195
    first = phone.locator(".video-card .poster").first.bounding_box()
    assert first is not None
    assert first["y"] <= 150


@pytest.mark.parametrize("size", [DESKTOP, PHONE, HEADSET], ids=["desktop", "phone", "headset"])
def test_nothing_lies_over_what_is_pressed_on_a_card(house: House, size: dict[str, Any]) -> None:
    page = house.open("/?tag=travel", size)
    covered = page.evaluate(COVERED)
    assert covered == []


def test_a_phone_card_shows_one_whole_tag_and_how_many_more(house: House) -> None:
    page = house.open("/?q=%22film+01%22", PHONE)
    meta = card(page, "Film 01").locator(".meta")
    expect(meta.locator("a")).to_have_text("lake")
    expect(meta).to_contain_text("+2")
    assert meta.locator("a").evaluate("(tag) => tag.scrollWidth <= tag.clientWidth")


def test_headings_say_what_is_shown(house: House) -> None:
    for address, heading in (
        ("/", "All videos"),
        ("/?tag=travel", "#travel"),
        ("/?q=film", "“film”"),
        ("/?min_rating=3", "3 stars or more"),
        ("/?q=film&tag=travel&unrated=1", "“film” +2"),
        ("/favorites", "Favorites"),
    ):
        page = house.open(address)
        expect(page.get_by_role("heading", level=1)).to_have_text(heading)
        expect(page).to_have_title(f"{heading} – LVS")


def test_counts_of_filters_follow_the_other_filters(house: House) -> None:
    page = house.open("/?tag=travel")
    page.get_by_role("link", name=re.compile("^Filters")).click()
    panel = page.locator("#filters")
    expect(panel).to_be_visible()
    four = panel.locator("label", has=page.locator("[name=min_rating][value='4']"))
    expect(four.locator(".number")).to_have_text(str(FILMS // 2))
    assert panel.locator("[name=unrated]").count() == 0  # it would leave nothing
    panel.get_by_text("lake", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("#travel +1")
    expect(panel.locator("[name=tag][value=lake]")).to_be_checked()
    page.reload()
    expect(panel).to_be_visible()  # it is remembered
    page.get_by_role("link", name=re.compile("^Filters")).click()
    expect(panel).to_be_hidden()


def test_filters_on_a_phone_are_a_sheet_that_says_how_many_are_left(house: House) -> None:
    page = house.open("/", PHONE)
    page.get_by_role("link", name=re.compile("^Filters")).click()
    sheet = page.locator("#filters")
    expect(sheet).to_be_visible()
    assert sheet.bounding_box()["height"] <= 0.86 * 844  # type: ignore[index]
    sheet.get_by_text("travel", exact=True).click()
    show = page.get_by_role("button", name=f"Show {FILMS // 2} videos")
    expect(show).to_be_in_viewport()
    show.click()
    expect(sheet).to_be_hidden()
    expect(page.locator(".video-card")).to_have_count(FILMS // 2)


def test_menus_of_a_list_are_whole_on_a_phone(house: House) -> None:
    page = house.open("/", PHONE)
    for menu in ("#sort", "#more-steps"):
        page.locator(f"{menu} > summary").tap()
        last = page.locator(f"{menu} li a").last
        last.click(trial=True)  # nothing lies over it
        bottom = last.evaluate("(entry) => entry.getBoundingClientRect().bottom")
        assert bottom <= 844 - 56
        page.locator(f"{menu} > summary").tap()


def test_filters_are_a_page_without_javascript(house: House) -> None:
    page = house.open("/?tag=travel", java_script_enabled=False)
    page.get_by_role("link", name=re.compile("^Filters")).click()
    page.get_by_text("lake", exact=True).click()
    page.get_by_role("button", name=re.compile("^Show")).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("#travel +1")


def test_a_tag_in_the_row_of_chips_is_added_and_taken_off(house: House) -> None:
    page = house.open("/")
    page.locator(".chip-row").get_by_text("#travel").click()
    expect(page.locator(".video-card")).to_have_count(FILMS // 2)
    page.get_by_role("link", name="Remove filter: tagged travel").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("All videos")


def test_arrows_lead_from_card_to_card_and_digits_rate(house: House) -> None:
    page = house.open("/?sort=title&q=film")
    page.locator(".video-card h2 a").first.focus()
    page.keyboard.press("ArrowRight")
    expect(card(page, "Film 01").locator("h2 a")).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(card(page, "Film 05").locator("h2 a")).to_be_focused()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("2")
    expect(card(page, "Film 04").get_by_role("button", name="2 stars")).to_have_attribute(
        "aria-pressed", "true"
    )


def test_films_and_tags_are_suggested_below_the_search_field(house: House) -> None:
    page = house.open("/tags")
    page.get_by_role("searchbox", name="Search videos").press_sequentially("trav")
    expect(page.locator(".suggestions").get_by_role("link", name="travel")).to_be_visible()
    page.get_by_role("searchbox", name="Search videos").fill("film 0")
    suggested = page.locator(".suggestions a")
    expect(suggested).to_have_count(5)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    expect(suggested.nth(1)).to_be_focused()
    page.keyboard.press("Escape")
    expect(suggested).to_have_count(0)
    page.get_by_role("searchbox", name="Search videos").fill("trip")
    expect(suggested.filter(has_text="Trip").last).to_have_attribute("href", "/folder/Trip")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("/[?]q=trip$"))


def test_a_television_has_a_size_of_its_own(house: House) -> None:
    page = house.open("/?sort=title&q=film", {"viewport": {"width": 1920, "height": 1080}})
    page.get_by_role("button", name="Display settings").click()
    with page.expect_response("**/settings"):
        page.get_by_role("button", name="TV").click()
    page.reload()
    assert page.evaluate("getComputedStyle(document.body).fontSize") >= "20"
    rows = [each.bounding_box() for each in page.locator(".video-card").all()[:4]]
    assert len({round(box["y"]) for box in rows if box}) == 1
    page.locator(".video-card h2 a").first.focus()
    page.keyboard.press("ArrowRight")
    assert (
        page.locator(".video-card .poster")
        .nth(1)
        .evaluate("(poster) => getComputedStyle(poster).scale")
        == "1.04"
    )
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Film 01")
    page.keyboard.press("Escape")
    expect(page).to_have_url(re.compile("[?]q=film"))


def test_the_size_for_a_television_is_offered_where_arrows_lead(house: House) -> None:
    page = house.open("/?sort=title&q=film", {"viewport": {"width": 1920, "height": 1080}})
    page.locator(".video-card h2 a").first.focus()
    with page.expect_response("**/sofa.js*"):
        page.keyboard.press("ArrowRight")
    offer = page.get_by_text("Far from the screen?")
    expect(offer).to_have_count(0)
    for key in ("ArrowRight", "ArrowLeft") * 6:
        page.keyboard.press(key)
    expect(offer).to_be_visible()
    page.get_by_role("button", name="TV size").press("Enter")
    expect(page.locator("html")).to_have_attribute("data-size", "tv")
    expect(page.locator(".video-card h2 a:focus")).to_have_count(1)
    expect(offer).to_have_count(0)


def test_a_television_is_offered_its_size_once_and_a_remote_can_answer(house: House) -> None:
    wide: dict[str, Any] = {"viewport": {"width": 1920, "height": 1080}}
    page = house.open("/?q=film", wide, user_agent="Mozilla/5.0 (Web0S; Linux/SmartTV) Chrome/94")
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("button", name="TV size")).to_be_focused()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("button", name="No", exact=True)).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(".video-card h2 a:focus")).to_have_count(1)
    page.reload()
    with page.expect_response("**/sofa.js*"):
        page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    expect(page.get_by_text("Far from the screen?")).to_have_count(0)


def test_space_plays_a_preview_and_ends_it(house: House) -> None:
    page = house.open("/?q=playable")
    film = page.locator(".poster video")
    page.locator(".video-card h2 a").first.focus()
    page.keyboard.press("Space")
    page.wait_for_function("() => document.querySelector('.poster video')?.currentTime > 1")
    assert film.evaluate("(film) => film.muted")
    assert page.evaluate("scrollY") == 0
    page.keyboard.press("Space")
    expect(film).to_have_count(0)
    page.keyboard.press("Space")
    expect(film).to_have_count(1)
    page.keyboard.press("Tab")
    expect(film).to_have_count(0)


def test_the_preview_of_a_film_that_the_browser_cannot_play_is_its_scenes(house: House) -> None:
    page = watch(house, "Old tape")
    expect(page.locator(".scenes a").first).to_be_visible(timeout=30_000)
    page.goto("/?q=tape")
    page.locator(".video-card h2 a").first.focus()
    page.keyboard.press("Space")
    expect(page.locator(".scrub .badge")).to_have_text("0:00")
    expect(page.locator(".scrub .badge")).not_to_have_text("0:00")
    page.keyboard.press("Space")
    expect(page.locator(".scrub")).to_have_count(0)


def test_a_card_has_the_colour_of_its_poster_until_that_is_there(house: House) -> None:
    page = house.open("/tags")
    page.route("**/thumbnail/**", lambda route: route.abort())
    refused: list[str] = []
    page.on("console", lambda line: refused.append(line.text) if "policy" in line.text else None)
    page.goto("/?q=playable")
    tone = page.locator(".video-card .tone")
    digits = tone.get_attribute("color") or ""
    assert re.fullmatch("#[0-9a-f]{3}", digits)
    shades = [17 * int(digit, 16) for digit in digits[1:]]
    assert len(set(shades)) > 1  # the quarters of the film are of four colours
    style, box, poster = page.evaluate(
        "() => { const tone = document.querySelector('.tone');"
        " return [getComputedStyle(tone).backgroundColor, tone.getBoundingClientRect().toJSON(),"
        " tone.closest('.poster').getBoundingClientRect().toJSON()]; }"
    )
    assert style == f"rgb({shades[0]}, {shades[1]}, {shades[2]})"
    assert box == poster
    assert refused == []


@pytest.mark.parametrize("size", [DESKTOP, PHONE, HEADSET], ids=["desktop", "phone", "headset"])
def test_nothing_moves_while_a_page_loads(house: House, size: dict[str, Any]) -> None:
    page = house.open("/tags", size)
    film = page.request.get("/api/videos?q=playable").json()["videos"][0]["media_hash"]
    for address in ("/", "/?sort=recorded", "/folders", "/folder/Trip", f"/v/{film}"):
        page.goto(address)
        page.mouse.wheel(0, 2000)
        page.wait_for_load_state("networkidle")
        assert page.evaluate(MOVED) <= 0.02, address


def test_the_player_has_its_size_before_related_films_have_come(house: House) -> None:
    page = watch(house, "Playable", HEADSET)
    width = "document.querySelector('.player').getBoundingClientRect().width"
    whole = page.evaluate(width)
    page.locator(".related").evaluate("(related) => related.remove()")
    assert page.evaluate(width) == whole


def test_the_poster_that_is_pressed_becomes_the_player_and_back(house: House) -> None:
    page = house.open("/tags")
    page.add_init_script("""
        new MutationObserver((changes) => {
            for (const { target } of changes) if (target.style.viewTransitionName === "film") {
                const before = sessionStorage.getItem("became") ?? "";
                sessionStorage.setItem("became", `${before}${location.pathname} `);
            }
        }).observe(document, { subtree: true, attributeFilter: ["style"] });
    """)
    page.goto("/?q=playable")
    card(page, "Playable").locator("h2 a").click()
    expect(page.locator("video")).to_be_visible()
    player = page.locator(".player")
    assert player.evaluate("(box) => getComputedStyle(box).viewTransitionName") == "film"
    assert page.evaluate("sessionStorage.getItem('became')") == "/ "
    became = "/ "
    for _ in range(5):  # Chromium leaves out a transition whose page is late
        page.go_back()
        expect(card(page, "Playable")).to_be_visible()
        page.wait_for_timeout(1000)
        became = page.evaluate("sessionStorage.getItem('became')")
        if became.endswith("/ / "):
            break
        page.go_forward()
        expect(page.locator("video")).to_be_visible()
    assert became.endswith("/ / ")


def test_searches_made_last_stand_below_an_empty_field(house: House) -> None:
    page = house.open("/")
    field = page.get_by_role("searchbox", name="Search videos")
    with page.expect_response("**/recent.js*"):
        field.focus()
    page.wait_for_load_state("networkidle")
    for words in ("lake", "trip"):
        field.fill(words)
        field.press("Enter")
        expect(page).to_have_url(re.compile(f"q={words}"))
    page.goto("/tags")
    field.focus()
    recent = page.get_by_role("list", name="Recent searches").get_by_role("link")
    expect(recent).to_have_text(["trip", "lake"])
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    expect(recent.nth(1)).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("“lake”")
    page.goto("/tags")
    field.focus()
    page.get_by_role("button", name="Forget these").click()
    expect(recent).to_have_count(0)


@pytest.mark.parametrize("width", [320, 390])
def test_the_field_of_a_search_takes_the_bar_of_a_phone_while_one_types(
    house: House, width: int
) -> None:
    page = house.open("/", PHONE | {"viewport": {"width": width, "height": 640}})
    field = page.get_by_role("searchbox", name="Search videos")
    assert field.bounding_box()["width"] < 0.6 * width  # type: ignore[index]
    field.tap()
    assert field.bounding_box()["width"] > 0.9 * width  # type: ignore[index]
    page.keyboard.type("lake")
    page.get_by_role("button", name="Search", exact=True).tap()
    expect(page).to_have_url(re.compile("q=lake"))
    page.locator("#main").focus()
    page.get_by_role("link", name="Dashboard").tap()
    expect(page).to_have_url(re.compile("/admin/performance"))


def test_a_random_film_offers_another_one(house: House) -> None:
    page = house.open("/random")
    page.get_by_role("link", name="Another one").click()
    expect(page).to_have_url(re.compile("/watch/.*random=1"))


def test_x_begins_to_select_with_the_card_that_has_the_focus(house: House) -> None:
    page = house.open("/?sort=title&q=film")
    page.locator(".video-card h2 a").first.focus()
    page.keyboard.press("x")
    expect(page.get_by_role("checkbox", name="Film 00")).to_be_checked()
    expect(page.get_by_text("1 selected")).to_be_visible()


def test_related_films_begin_high_on_a_phone_and_details_fit_its_width(
    house: House,
) -> None:
    page = watch(house, "Playable", PHONE)
    expect(page.locator(".scenes a").first).to_be_visible(timeout=30_000)
    assert page.locator(".related").bounding_box()["y"] <= 640  # type: ignore[index]
    page.get_by_text("File details").click()
    box = page.locator("#facts").bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 390


def test_actions_fit_in_one_line_on_a_phone_beside_open_notes(house: House) -> None:
    page = watch(house, "Playable", PHONE)
    film = page.locator(".watch").get_attribute("data-media-hash")
    page.request.post(
        f"/videos/{film}/notes",
        form={"notes": "Skip the first minute."},
        headers={"Origin": house.address},
    )
    page.reload()
    expect(page.get_by_label("Notes")).to_have_value("Skip the first minute.")
    row = page.locator(".steps-row").bounding_box()
    assert row is not None
    assert row["height"] < 2 * 48
    font = "(each) => getComputedStyle(each).fontFamily"
    assert page.get_by_label("Notes").evaluate(font) == page.locator("body").evaluate(font)


@pytest.mark.parametrize("address", ["/?tag=lake", "/views", "/playlists", "/tags", "/people"])
def test_touch_targets_on_a_phone_are_large_enough(house: House, address: str) -> None:
    page = house.open(address, PHONE)
    if address == "/views":
        origin = {"Origin": house.address}
        page.request.post("/views?tag=lake", form={"name": "Lakes"}, headers=origin)
        page.reload()
    small = page.locator("main :is(.chip, .button, .icon-button, .meta a)").evaluate_all(
        "(all) => all.filter((each) => each.checkVisibility())"
        ".map((each) => [each.outerHTML.slice(0, 80), each.getBoundingClientRect()])"
        ".filter(([, box]) => box.width < 47.5 || box.height < 47.5).map(([html]) => html)"
    )
    assert small == []


def test_chosen_values_stand_out_in_forced_colours(house: House) -> None:
    page = house.open("/tags", forced_colors="active")
    field, text = page.locator("main .switch [aria-pressed=true]").evaluate(
        "(each) => [getComputedStyle(each).backgroundColor, getComputedStyle(each).color]"
    )
    assert field == page.evaluate("""() => {
        const probe = document.body.appendChild(document.createElement("i"));
        probe.style = "forced-color-adjust: none; background: Highlight";
        return getComputedStyle(probe).backgroundColor;
    }""")
    assert text != field
    page.goto("/filters")
    both = page.locator(".choice:has([name=min_rating])")
    assert len(set(both.evaluate_all("(all) => all.map((e) => getComputedStyle(e).color)"))) == 2


def test_pages_fit_a_phone_with_letters_of_twice_the_size(house: House) -> None:
    flags = [*FLAGS, "--blink-settings=defaultFontSize=32"]
    browser = house.browser.browser_type.launch(executable_path=CHROMIUM, args=flags)
    page = browser.new_context(base_url=house.address, **PHONE).new_page()
    for address in ("/", "/select", "/triage", "/folders", "/tags", "/views", "/admin/storage"):
        page.goto(address)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, address
        bar = page.locator(".bar").bounding_box()
        field = page.get_by_role("searchbox", name="Search").first.bounding_box()
        assert bar is not None
        assert field is not None
        assert field["width"] > 100, address
        assert field["y"] + field["height"] <= bar["y"] + bar["height"], address
    browser.close()


def test_triage_fits_the_smallest_phone(house: House) -> None:
    page = house.open("/triage", PHONE | {"viewport": {"width": 320, "height": 640}})
    expect(page.locator(".triage-stars")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 320


def test_admin_pages_fit_a_phone(house: House) -> None:
    page = house.open("/admin/doctor", PHONE)
    for address in ("doctor", "storage", "changes", "duplicates", "unreadable", "bin", "usage"):
        page.goto(f"/admin/{address}")
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, address
        heading = page.get_by_role("heading", level=1).bounding_box()
        assert heading is not None
        assert heading["width"] > 30, address


def test_empty_favorites_and_a_misspelt_word_help(house: House) -> None:
    page = house.open("/favorites")
    expect(page.get_by_role("heading", name="No favorites yet")).to_be_visible()
    page.goto("/?q=plajable")
    page.get_by_role("link", name="playable (1)").click()
    expect(card(page, "Playable")).to_be_visible()


def test_the_bar_does_not_move_from_page_to_page(house: House) -> None:
    places = []
    page = house.open("/")
    for address in ("/", "/favorites", "/tags", "/popular"):
        page.goto(address)
        boxes = [each.bounding_box() for each in page.locator(".places a").all()]
        places.append([round(box["x"]) for box in boxes if box])
    assert places.count(places[0]) == len(places)


def test_titles_from_right_to_left_begin_where_the_others_do(house: House) -> None:
    page = house.open("/")
    title = card(page, "טיול").locator("h2")
    left = title.locator("bdi").bounding_box()["x"]
    assert left - title.bounding_box()["x"] < 4
    page.goto("/select")
    name = page.locator(".choice-card b", has_text="טיול")
    assert name.evaluate("(name) => getComputedStyle(name).textAlign") == "left"


# --- Watching ---


def test_space_pauses_a_film_that_has_the_focus_and_arrows_are_volume_after_a_click(
    house: House,
) -> None:
    page = watch(house, "Playable")
    page.evaluate("document.querySelector('video').muted = true")
    page.locator("video").evaluate("(film) => film.play()")
    page.locator("video").focus()
    page.keyboard.press("Space")
    page.wait_for_timeout(300)
    assert page.evaluate("document.querySelector('video').paused")
    page.locator("#main").focus()
    page.evaluate("document.querySelector('video').volume = 0.5")
    page.keyboard.press("ArrowUp")
    assert page.evaluate("document.querySelector('video').volume") == pytest.approx(0.6)
    assert page.evaluate("scrollY") == 0


def test_controls_for_far_away_lie_over_the_film_in_the_large_size(house: House) -> None:
    page = house.open("/tags", HEADSET)
    page.context.add_cookies([{"name": "size", "value": "large", "url": house.address}])
    page.goto("/?q=Playable")
    page.goto(card(page, "Playable").locator("h2 a").get_attribute("href") or "/")
    bar = page.get_by_role("group", name="Player")
    for name in ("10 seconds back", "Play", "10 seconds on", "Speed 1×", "Full screen"):
        box = bar.get_by_role("button", name=name, exact=True).bounding_box()
        assert box is not None
        assert min(box["width"], box["height"]) >= 56, name
    for name in ("Play", "Full screen"):  # drawn: no font needs to have their signs
        expect(bar.get_by_role("button", name=name, exact=True).locator("svg")).to_be_visible()
    assert not page.locator("video").evaluate("(video) => video.controls")
    page.wait_for_function("document.getElementById('player').readyState > 0")
    bar.get_by_role("button", name="10 seconds on").click()
    page.wait_for_function("document.getElementById('player').currentTime > 7")
    bar.get_by_role("button", name="Speed 1×").click()
    expect(bar.get_by_role("button", name="Speed 1.25×")).to_be_visible()
    bar.get_by_role("slider").fill("500")
    page.wait_for_function("Math.abs(document.getElementById('player').currentTime - 4) < 1")
    bar.get_by_role("button", name="Play", exact=True).click()
    page.wait_for_function("!document.getElementById('player').paused")
    page.locator("video").click(position={"x": 300, "y": 100})
    page.wait_for_function("document.getElementById('player').paused")


def test_a_long_title_can_be_read_on_a_phone(house: House) -> None:
    page = watch(house, "whole of the lake", PHONE)
    heading = page.get_by_role("heading", level=1)
    assert heading.evaluate("(title) => title.scrollHeight > title.clientHeight + 2")
    heading.click()
    assert heading.evaluate("(title) => title.scrollHeight <= title.clientHeight + 2")
    assert heading.bounding_box()["width"] > 260  # type: ignore[index]


def test_an_unreadable_film_says_so_in_the_place_of_the_player(house: House) -> None:
    page = house.open("/admin/unreadable")
    page.get_by_role("link", name="Broken").click()
    expect(page.locator("video")).to_have_count(0)
    expect(page.locator(".stage")).to_contain_text("cannot be played")
    expect(page.get_by_role("button", name="Try again")).to_be_visible()
    box = page.locator(".stage").bounding_box()
    assert box is not None
    assert box["height"] > 300


def test_details_are_in_the_words_of_people(house: House) -> None:
    page = watch(house, "Playable")
    page.get_by_text("File details").click()
    facts = page.locator("#facts").inner_text()
    assert "WebM" in facts
    assert "matroska" not in facts
    assert re.search(r"320 × 180 · VP[89]", facts)


def test_a_title_can_be_taken_back(house: House) -> None:
    page = watch(house, "Film 12")
    page.get_by_label("Edit title").click()
    page.get_by_label("Title", exact=True).fill("Another name")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Another name")
    page.keyboard.press("z")
    expect(page.get_by_role("heading", level=1)).to_have_text("Film 12")


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_the_words_of_a_toast_lie_inside_of_it(house: House, size: dict[str, Any]) -> None:
    page = house.open("/?q=film", size)
    heart = page.locator(".video-card .favorite button").first
    heart.click()
    expect(heart).to_have_attribute("aria-pressed", "true")
    heart.click()
    toast, words = page.locator(".toast").bounding_box(), page.locator(".toast p").bounding_box()
    assert toast is not None
    assert words is not None
    assert toast["x"] + 8 <= words["x"]
    assert size is PHONE or words["height"] < 30  # one line


def test_undo_without_javascript_stands_on_the_next_page(house: House) -> None:
    page = house.open("/?q=%22film+13%22", java_script_enabled=False)
    film = card(page, "Film 13")
    film.get_by_role("button", name="4 stars").click()
    expect(page.locator(".toast")).to_contain_text("4 stars removed")
    page.get_by_role("button", name="Undo").click()
    expect(film.get_by_role("button", name="4 stars")).to_have_attribute("aria-pressed", "true")
    page.reload()
    expect(page.locator(".toast")).to_have_count(0)


def test_names_keep_their_dots_words_fold_and_no_badge_misleads(
    house: House, tmp_path: Path
) -> None:
    library = tmp_path / "Videos"
    library.mkdir()
    for name, size in (
        ("The church of St. Martin", (320, 180)),
        ("Łódź", (1280, 720)),
        ("Strip", (2000, 64)),
    ):
        make_video(library / f"{name}.mp4", seconds=1, size=size)
    with serving(library, tmp_path) as server:
        page = house.browser.new_context(base_url=server.address, **DESKTOP).new_page()
        page.goto("/")
        expect(page.locator(".video-card")).to_have_count(3, timeout=PATIENCE_MS)
        expect(card(page, "St. Martin").locator("h2")).to_have_text("The church of St. Martin")
        expect(card(page, "Łódź").locator(".resolution")).to_have_text("720p", timeout=PATIENCE_MS)
        expect(card(page, "Strip").locator(".length")).to_be_visible(timeout=PATIENCE_MS)
        for title in ("Strip", "St. Martin"):
            expect(card(page, title).locator(".resolution")).to_have_count(0)
        page.goto("/?q=lodz")
        expect(page.locator(".video-card h2")).to_have_text("Łódź")


def test_an_empty_library_says_where_films_go_and_fills_by_itself(
    house: House, tmp_path: Path
) -> None:
    library = tmp_path / "Videos"
    library.mkdir()
    with serving(library, tmp_path) as server:
        page = house.browser.new_context(base_url=server.address, **PHONE).new_page()
        page.goto("/")
        expect(page.get_by_role("heading", name="Put films here")).to_be_visible()
        expect(page.locator(".looked-in")).to_contain_text(str(library))
        (library / "film.mp4").write_bytes(distinct_video(4_300_000))
        expect(card(page, "film")).to_be_visible(timeout=PATIENCE_MS)
        expect(page.get_by_role("heading", name="Put films here")).to_have_count(0)


# --- The operator's pages ---


def test_the_navigation_keeps_its_order_and_shows_where_one_is(house: House) -> None:
    page = house.open("/admin/performance", PHONE)
    orders = []
    for place in ("performance", "log", "changes"):
        page.goto(f"/admin/{place}")
        boxes = [each.bounding_box() for each in page.locator(".admin-nav a").all()]
        orders.append(
            [round(box["x"]) for box in boxes if box]
            == sorted(round(box["x"]) for box in boxes if box)
        )
        expect(page.locator(".admin-nav [aria-current]")).to_be_in_viewport()
    assert orders == [True] * 3


def test_a_row_of_a_tile_is_its_link(house: House) -> None:
    page = house.open("/admin/performance")
    # The link reaches over the whole row, so it is what a press on the words meets.
    page.locator("#tile-library dt", has_text="Cannot be read").click(force=True)
    expect(page.get_by_role("heading", level=1)).to_have_text("Files that cannot be read")


def test_the_dashboard_has_no_holes(house: House) -> None:
    """Each tile begins where the one above it in its column ends."""
    page = house.open("/admin/performance")
    expect(page.locator("#tile-routes")).to_be_visible()
    columns: dict[int, list[tuple[float, float]]] = {}
    for each in page.locator(".tiles > .tile:visible").all():
        box = each.bounding_box()
        assert box
        columns.setdefault(round(box["x"]), []).append((box["y"], box["y"] + box["height"]))
    assert len(columns) > 1
    for tiles in columns.values():
        tiles.sort()
        gaps = [below[0] - above[1] for above, below in itertools.pairwise(tiles)]
        assert all(0 < gap <= 24 for gap in gaps), gaps


def test_views_do_not_bury_what_people_gave(house: House) -> None:
    page = house.open("/?q=%22film+02%22")
    media_hash = card(page, "Film 02").get_attribute("data-media-hash")
    for _ in range(5):
        page.request.post(f"/videos/{media_hash}/view", headers={"Origin": house.address})
    page.goto(f"/admin/changes?video={media_hash}")
    expect(page.locator(".change")).to_have_count(0)
    page.goto(f"/admin/changes?video={media_hash}&what=view")
    expect(page.locator(".change")).to_have_count(1)
    expect(page.locator(".change")).to_contain_text("5 views (was 0)")


def test_an_empty_list_shows_no_filters(house: House) -> None:
    page = house.open("/favorites")
    page.context.add_cookies([{"name": "filters", "value": "open", "url": house.address}])
    page.reload()
    expect(page.get_by_role("heading", name="No favorites yet")).to_be_visible()
    expect(page.locator("#filters")).to_be_hidden()
    expect(page.locator("#toolbar")).to_be_hidden()
    heading = page.get_by_role("heading", level=1).bounding_box()
    assert heading is not None
    assert heading["x"] < 40
    page.goto("/select?q=nowhere-at-all")
    expect(page.get_by_role("link", name="Show all videos")).to_be_visible()
    expect(page.locator(".bulk-bar")).to_be_hidden()


def test_the_door_has_no_bar(house: House) -> None:
    page = house.open("/sign-in")
    expect(page.locator(".bar")).to_have_count(0)
    expect(page.get_by_role("link", name="Show all videos")).to_be_visible()


def test_a_page_that_is_not_there_offers_films(house: House) -> None:
    page = house.open("/nowhere")
    expect(page.get_by_text("Or watch one of these")).to_be_visible()
    assert page.locator(".instead a").count() >= 2
