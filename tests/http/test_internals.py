"""The private parts of hypercorn and Quart-Schema that LVS uses, and the fallback without them."""

from collections.abc import Iterator

import pytest
from hypercorn.asyncio.tcp_server import TCPServer
from hypercorn.protocol.h11 import H11Protocol
from quart.routing import QuartRule
from support.home import Home
from support.wire import Wire
from werkzeug.routing import Rule

from lvs.http import internals

pytestmark = pytest.mark.core


@pytest.fixture(autouse=True)
def looks_anew() -> Iterator[None]:
    internals.hypercorn_connection_is_known.cache_clear()
    yield
    internals.hypercorn_connection_is_known.cache_clear()


def test_the_insides_of_the_installed_versions_are_known(caplog: pytest.LogCaptureFixture) -> None:
    assert internals.hypercorn_connection_is_known()
    assert not caplog.records


@pytest.mark.parametrize(
    ("owner", "name"), [(TCPServer, "_read_data"), (H11Protocol, "_create_stream")]
)
async def test_without_a_part_connections_are_hypercorns_own_and_the_log_says_so_once(
    home: Home,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    owner: type,
    name: str,
) -> None:
    original = getattr(owner, name)

    async def laid_out_anew(self: object, *arguments: object, more: bool = True) -> object:
        return await original(self, *arguments)

    monkeypatch.setattr(owner, name, laid_out_anew)
    home.add("film.mp4")
    await home.scan()
    async with Wire(home.app) as wire:
        for _ in range(2):
            answer = await wire.ask("/video/film.mp4", ["Range: bytes=0-9"])
            assert (answer.status, len(answer.body)) == (206, 10)
    told = [each.message for each in caplog.records if "hypercorn's own" in each.message]
    assert len(told) == 1
    assert told[0].endswith(f": {owner.__name__}.{name} is not as expected")


def test_rules_are_werkzeugs_own_where_they_are_compiled_in_another_way(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    assert internals.rule_class() is internals.MatchingRule
    monkeypatch.setattr(Rule, "_compile_builder", lambda self: None)
    assert internals.rule_class() is QuartRule
    assert "Werkzeug compiles" in caplog.text


async def test_views_with_a_response_schema_are_told_from_others(home: Home) -> None:
    views = home.app.view_functions.values()
    marked = [view for view in views if internals.has_response_schema(view)]
    assert 10 < len(marked) < len(home.app.view_functions)
    answer = await home.client.get("/api/openapi.json")
    assert answer.status_code == 200
