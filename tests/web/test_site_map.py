"""The site map agrees with the application's own URL map and with docs/api.md."""

import re
from pathlib import Path

import pytest
from support.home import Home

from lvs.routes import SITE_MAP
from lvs.services.metrics import RouteGroup
from lvs.web.site_map import Errors, Section

DOCS = Path(__file__).parents[2] / "docs" / "api.md"
CALL = re.compile(r"`(GET|POST|PUT|DELETE) (/[^` ?]*)")
CONVERTER = re.compile(r"<[^:<>]*:([^<>]+)>")
DOCUMENTED = ("JSON API of administration", "JSON API", "Calls of the original Local Video Server")


async def test_the_site_map_is_the_url_map(tmp_path: Path) -> None:
    async with Home(tmp_path) as home:
        served = {
            (method, rule.rule)
            for rule in home.app.url_map.iter_rules()
            for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        }
    listed = [(route.method, route.address) for route in SITE_MAP.routes()]
    assert len(listed) == len(set(listed))
    assert served - set(listed) == {("GET", "/static/<path:filename>")}
    assert not set(listed) - served


def test_the_documentation_of_the_api_is_the_site_map() -> None:
    listed = {
        (route.method, CONVERTER.sub(r"<\1>", route.address))
        for section in SITE_MAP.sections
        if section.heading in DOCUMENTED
        for route in section.routes
    }
    assert set(CALL.findall(DOCS.read_text(encoding="utf-8"))) == listed


def test_every_address_below_a_section_has_its_properties() -> None:
    for section in SITE_MAP.sections:
        if section.below:
            for route in section.routes:
                assert f"{route.address}/".startswith(section.below), route.address


@pytest.mark.parametrize(
    ("method", "path", "errors", "admin"),
    [
        ("GET", "/api/nothing", Errors.JSON, False),
        ("GET", "/rate", Errors.ORIGINAL, False),
        ("GET", "/admin/nothing", Errors.PAGE, True),
        ("GET", "/nothing", Errors.PAGE, False),
    ],
)
def test_a_request_without_a_route_has_the_properties_of_its_address(
    method: str, path: str, errors: Errors, admin: bool
) -> None:
    found = SITE_MAP.access(None, method, path)
    assert (found.errors, found.admin) == (errors, admin)


@pytest.mark.parametrize("section", SITE_MAP.sections, ids=lambda section: section.heading)
async def test_a_refusal_before_routing_has_the_shape_of_the_routes_errors(
    section: Section, home: Home
) -> None:
    route = section.routes[0]
    path = re.sub("<[^>]*>", "x", route.address)
    answer = await home.client.get(path, headers={"Host": "elsewhere.example"})
    assert answer.status_code == 421
    expected = "text/plain" if route.access.errors is Errors.PAGE else "application/problem+json"
    assert answer.mimetype == expected


def test_only_the_json_api_is_shared_with_other_origins() -> None:
    for route in SITE_MAP.routes():
        below_api = route.address.startswith("/api/")
        assert route.access.cross_origin == (below_api and not route.access.admin), route.address


def test_a_head_request_has_the_properties_of_its_get() -> None:
    route = next(route for route in SITE_MAP.routes() if route.address == "/metrics")
    assert SITE_MAP.access(route.endpoint, "HEAD", "/metrics").admin
    assert SITE_MAP.groups()["HEAD", "/metrics"] is RouteGroup.DASHBOARD


def test_only_these_routes_answer_without_a_sign_in() -> None:
    opened = {
        (route.method, route.address)
        for route in SITE_MAP.routes()
        if route.access.open or route.access.open_without_query
        # Headset players sign in by themselves, in the body of each call or by a token in its path.
        if not route.address.startswith(("/heresphere", "/deovr"))
    }
    assert opened == {
        ("GET", "/sign-in"),
        ("POST", "/sign-in"),
        ("POST", "/sign-out"),
        ("POST", "/settings"),
        ("GET", "/manifest.webmanifest"),
        ("GET", "/ping"),
    }
