"""Pages as axe sees them at every size and in both themes; and with forced colours, on the
narrowest screens, and with text of twice the size.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect
from support.chromium import CHROMIUM
from support.evening import FLAGS, EveningHouse, evening_house, film
from support.home import OLD_NS
from support.media import make_video, name_chapters

pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="no Chromium on this machine; Debian's package is called chromium"
)
AXE = Path(__file__).parents[1] / "vendor" / "axe-core-4.14.1.min.js"
VIOLATIONS = """async (rules) => {
    const some = rules ? { runOnly: rules } : {};
    const { violations } = await axe.run({ resultTypes: ["violations"], ...some });
    return violations.map(({ id, nodes }) =>
        `${id}: ${nodes.map((node) => node.html).slice(0, 3).join(" ")}`);
}"""
YEAR_NS = 365 * 86_400 * 10**9
SIZES: dict[str, dict[str, Any]] = {
    "desktop": {"viewport": {"width": 1366, "height": 900}},
    "phone": {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True},
    "headset": {"viewport": {"width": 1280, "height": 720}, "has_touch": True},
    "television": {"viewport": {"width": 1920, "height": 1080}},
}
THEMES = (("dark", None), ("light", ["color-contrast", "link-in-text-block"]))
WIDER = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
CUT = """() => [...document.querySelectorAll("main :is(.button, summary, legend, dt, h1)")]
    .filter((each) => each.checkVisibility() && !each.closest(".what h1, .unseen"))
    .filter((each) => each.scrollWidth > each.clientWidth + 2 && each.clientWidth > 0)
    .map((each) => each.outerHTML.slice(0, 90))"""
PAGES = (
    "/",
    "/?sort=recorded",
    "/?min_rating=5&q=nothing",
    "/folders",
    "/folder/Trips",
    "/folder/Trips?below=1",
    "/watch/Trips/crossing.webm?folder=Trips&sort=title",
    "/history",
    "/later",
    "/playlists",
    "/playlist/1",
    "/lists/selection",
    "/people",
    "/tags",
    "/views?save=1",
    "/triage",
    "/triage?q=nothing",
    "/connect",
    "/select",
    "/up-next",
    "/continue",
    "/filters",
    "/people/1/remove",
    "/sign-in",
    "/admin/performance",
    "/admin/changes",
    "/admin/jobs",
    "/admin/log",
    "/admin/doctor",
    "/admin/storage",
    "/admin/usage",
)
FAR_PAGES = tuple(address for address in PAGES if not address.startswith("/admin"))[::2]
"""In a headset and on a television the same parts are only larger."""


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EveningHouse]:
    """A household of two, with a film begun, a list, and a strip of scenes."""
    folder = tmp_path_factory.mktemp("household")
    library = folder / "Videos"
    film(library, "Trips/Rome/forum.webm")
    crossing = library / "Trips" / "crossing.webm"
    make_video(folder / "source.webm", seconds=6, size=(160, 90), keyframe_every=10)
    name_chapters(folder / "source.webm", crossing, ((0, 3000, "Out"), (3000, 6000, "Home")))
    os.utime(crossing, ns=(OLD_NS - YEAR_NS, OLD_NS - YEAR_NS))  # a second year to jump to
    with evening_house(folder, 2) as house, house.device() as page:
        page.goto("/watch/Trips/crossing.webm")
        expect(page.locator(".scenes a").first).to_be_visible(timeout=60_000)
        found = page.request.get("/api/videos?q=crossing").json()["videos"][0]["media_hash"]
        calls: tuple[tuple[str, str, dict[str, Any]], ...] = (
            ("PUT", f"/api/videos/{found}/progress", {"position_s": 2.5}),
            ("POST", "/api/later", {"media_hash": found}),
            ("POST", "/api/playlists", {"name": "Evening"}),
            ("POST", "/api/playlists/1/add", {"media_hash": found}),
            ("POST", "/api/views", {"name": "To rate", "where": {"unrated": 1}}),
            ("POST", "/api/people", {"name": "Anna"}),
            ("POST", "/api/people", {"name": "Ben", "limits": {"folders": ["Trips"]}}),
        )
        for method, address, body in calls:
            assert page.request.fetch(address, method=method, data=body).ok, address
        yield house


@pytest.mark.parametrize("size", SIZES)
def test_axe_finds_nothing(house: EveningHouse, size: str) -> None:
    axe = AXE.read_text(encoding="utf-8")
    found: dict[str, list[str]] = {}
    with house.device(**SIZES[size]) as page:
        if size == "television":
            cookie = {"name": "size", "value": "tv", "url": house.server.address}
            page.context.add_cookies([cookie])  # type: ignore[list-item]
        for address in PAGES if size in ("desktop", "phone") else FAR_PAGES:
            answer = page.goto(address)
            assert answer
            assert answer.ok, address
            page.evaluate(axe)
            for theme, rules in THEMES:
                page.emulate_media(color_scheme=theme, reduced_motion="reduce")  # type: ignore[arg-type]
                if violations := page.evaluate(VIOLATIONS, rules):
                    found[f"{address} {theme}"] = violations
    assert found == {}


def test_pages_fit_the_narrowest_screen_and_text_of_twice_the_size(house: EveningHouse) -> None:
    wide: dict[str, Any] = {}
    with house.device(viewport={"width": 320, "height": 640}) as page:
        for address in PAGES:
            page.goto(address)
            if (over := page.evaluate(WIDER)) > 0:
                wide[f"{address} at 320"] = over
    large = house.browser.browser_type.launch(
        executable_path=CHROMIUM, args=[*FLAGS.split(), "--blink-settings=defaultFontSize=32"]
    )
    page = large.new_page(base_url=house.server.address, viewport={"width": 1280, "height": 720})
    for address in PAGES:
        page.goto(address)
        if (over := page.evaluate(WIDER)) > 0:
            wide[f"{address} twice"] = over
        if cut := page.evaluate(CUT):
            wide[f"{address} cut"] = cut
    assert page.evaluate("getComputedStyle(document.documentElement).fontSize") == "32px"
    large.close()
    assert wide == {}


def test_pressed_buttons_stand_out_in_forced_colours(house: EveningHouse) -> None:
    with house.device(forced_colors="active") as page:
        page.goto("/")
        card = page.locator(".video-card").first
        card.get_by_role("button", name="3 stars").click()
        lit, dark = (
            card.get_by_role("button", name=f"{stars} stars").locator("svg") for stars in (3, 5)
        )
        expect(card.get_by_role("button", name="3 stars")).to_have_attribute("aria-pressed", "true")
        colours = [
            each.evaluate("(star) => [getComputedStyle(star).color, getComputedStyle(star).fill]")
            for each in (lit, dark)
        ]
        assert colours[0] != colours[1]
        card.locator("h2 a").focus()
        page.keyboard.press("Shift+Tab")
        page.keyboard.press("Tab")
        ring = card.locator("h2 a").evaluate(
            "(link) => { const ring = getComputedStyle(link, '::after');"
            " return [ring.outlineStyle, ring.outlineWidth]; }"
        )
        assert ring == ["solid", "3px"]
        page.get_by_role("link", name="Favorites").first.click()
        current = page.locator(".places [aria-current]")
        other = page.locator(".places a:not([aria-current])").first
        assert current.evaluate("(link) => getComputedStyle(link).color") != other.evaluate(
            "(link) => getComputedStyle(link).color"
        )
