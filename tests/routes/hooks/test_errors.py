"""Errors carry the id of their request, which the log carries, too."""

import logging
import re

import pytest
from support.home import Home

pytestmark = pytest.mark.core


@pytest.mark.parametrize(
    ("address", "headers", "status", "logger"),
    [
        ("/nothing-here", {}, 404, "lvs.routes.hooks.errors"),
        ("/watch/nothing.mp4", {"HX-Request": "true"}, 404, "lvs.routes.hooks.errors"),
        ("/api/videos/0123456789abcdef", {}, 404, "lvs.routes.hooks.errors"),
        ("/api/videos?limit=x", {}, 400, "lvs.routes.hooks.errors"),
        ("/", {"Host": "stranger.example"}, 421, "lvs.http.request_guard"),
        ("/api/videos", {"Host": "stranger.example"}, 421, "lvs.http.request_guard"),
    ],
)
async def test_an_error_and_its_log_line_carry_the_id_of_the_request(
    home: Home,
    caplog: pytest.LogCaptureFixture,
    address: str,
    headers: dict[str, str],
    status: int,
    logger: str,
) -> None:
    caplog.set_level(logging.INFO, "lvs")
    answer = await home.client.get(address, headers=headers)
    assert answer.status_code == status
    if answer.mimetype == "application/problem+json":
        request_id = (await answer.get_json())["request_id"]
    else:
        found = re.search(r"(?i:request) ([0-9a-f]{12})", await answer.get_data(as_text=True))
        assert found
        request_id = found[1]
    told = [each.getMessage() for each in caplog.records if each.name == logger]
    assert [each for each in told if f"(request {request_id})" in each and str(status) in each]
