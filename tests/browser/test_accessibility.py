"""Pages as axe sees them: names, roles and contrast, in both themes and at both widths."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect
from support.chromium import CHROMIUM
from support.evening import EveningHouse, evening_house, film
from support.home import OLD_NS
from support.media import make_video, name_chapters

pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="no Chromium on this machine; Debian's package is called chromium"
)
AXE = Path(__file__).parents[1] / "vendor" / "axe-core-4.14.1.min.js"
VIOLATIONS = """() => axe.run().then((found) => found.violations.map(
    ({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).slice(0, 3).join(" ")}`))"""
YEAR_NS = 365 * 86_400 * 10**9
DESKTOP = {"color_scheme": "dark"}
PHONE = {
    "color_scheme": "light",
    "viewport": {"width": 390, "height": 844},
    "has_touch": True,
    "is_mobile": True,
}
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
    "/admin/doctor",
    "/admin/storage",
    "/admin/usage",
)


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


@pytest.mark.parametrize("device", [DESKTOP, PHONE], ids=["desktop, dark", "phone, light"])
def test_axe_finds_nothing(house: EveningHouse, device: dict[str, Any]) -> None:
    axe = AXE.read_text(encoding="utf-8")
    found: dict[str, list[str]] = {}
    with house.device(**device) as page:
        for address in PAGES:
            answer = page.goto(address)
            assert answer
            assert answer.ok, address
            page.evaluate(axe)
            violations = page.evaluate(VIOLATIONS)
            if violations:
                found[address] = violations
    assert found == {}
