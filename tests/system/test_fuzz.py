"""Odd requests by the hundred: none makes the server fail.

`benchmarks/fuzz.py` sends them by the thousand.
"""

import asyncio
import random
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from support import fuzzing, loopback, processes
from support.home import Home, seed_video
from support.processes import Server, serving, until
from support.wire import Wire

pytestmark = pytest.mark.asyncio(loop_scope="module")

SIZE = 5000
QUICK = settings(
    database=None,
    deadline=None,
    suppress_health_check=[
        HealthCheck.function_scoped_fixture,
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
    ],
    phases=[Phase.explicit, Phase.generate, Phase.shrink],
)


@dataclass(frozen=True, slots=True)
class Site:
    home: Home
    wire: Wire
    content: bytes
    media_hash: str
    requests: st.SearchStrategy[fuzzing.Request]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    async with Home(tmp_path_factory.mktemp("house")) as home, Wire(home.app) as wire:
        content = random.Random(1).randbytes(SIZE)
        home.add("plain.mp4", content)
        home.add("Ferien/<é> & ü.mp4")
        home.add(b"not \xff utf-8.mp4")
        await home.scan()
        await home.probed()
        hashes = [
            (await home.video(name)).media_hash
            for name in ("plain.mp4", "Ferien/<é> & ü.mp4", b"not \xff utf-8.mp4")
        ]
        for number, media_hash in enumerate(hashes):
            await home.services.tags.add(media_hash, f"tag {number}", "test")
            await home.services.ratings.rate(media_hash, number + 1, "test")
        paths = [
            "plain.mp4",
            "Ferien/%3C%C3%A9%3E%20%26%20%C3%BC.mp4",
            "not%20%FF%20utf-8.mp4",
            "tag%200",
            "lvs.css",
        ]
        yield Site(home, wire, content, hashes[0], fuzzing.requests(home.app, list(hashes), paths))


@pytest.mark.parametrize("part", range(4))
async def test_no_request_makes_the_server_fail(site: Site, part: int) -> None:
    @seed(part)
    @settings(QUICK, max_examples=200)
    @given(site.requests)
    def attempt(request: fuzzing.Request) -> None:
        found.append(request)

    found: list[fuzzing.Request] = []
    attempt()
    for request in found:
        fuzzing.assert_sound(request, await site.wire.send(request.encoded()))
    assert len(found) >= 150
    assert (await site.wire.ask("/ping")).status == 200


@settings(QUICK, derandomize=True, max_examples=200)
@given(line=fuzzing.ranges)
async def test_any_range_gets_the_right_bytes_or_a_refusal(site: Site, line: str) -> None:
    answer = await site.wire.ask("/video/plain.mp4", [f"Range: {line}"])
    if answer.status == 200:
        assert answer.body == site.content
    elif answer.status == 206:
        span, _, size = answer.headers["content-range"].removeprefix("bytes ").partition("/")
        start, _, end = span.partition("-")
        assert int(size) == SIZE
        assert answer.body == site.content[int(start) : int(end) + 1]
    else:
        assert answer.status in {400, 416, 431}


@settings(QUICK, derandomize=True, max_examples=200)
@given(query=fuzzing.queries, cursor=fuzzing.cursors, name=st.sampled_from(["after", "until"]))
async def test_any_query_and_cursor_gets_a_page_or_a_message(
    site: Site, query: str, cursor: str, name: str
) -> None:
    for path in ("/", "/api/videos"):
        answer = await site.wire.ask(f"{path}?{query}&{name}={cursor}".encode("ascii", "replace"))
        assert answer.status in {200, 400, 414}, (path, query, cursor)


@settings(QUICK, derandomize=True, max_examples=150)
@given(
    body=fuzzing.bodies,
    target=st.sampled_from(
        [
            "/videos/{}/rating",
            "/videos/{}/tags",
            "/videos/{}/title",
            "/api/ratings/{}",
            "/rate",
            "/tag",
            "/sign-in",
        ]
    ),
)
async def test_any_body_is_taken_or_refused(
    site: Site, body: tuple[str, bytes], target: str
) -> None:
    request = fuzzing.Request("POST", target.format(site.media_hash), (), *body)
    fuzzing.assert_sound(request, await site.wire.send(request.encoded()))


@settings(QUICK, derandomize=True, max_examples=150)
@given(
    path=st.lists(fuzzing.spelled, min_size=1, max_size=5).map("/".join),
    prefix=st.sampled_from(
        ["/video/", "/watch/", "/static/", "/thumbnail/", "/tag/", "/v/", "/api/"]
    ),
)
async def test_any_path_is_found_or_not(site: Site, path: str, prefix: str) -> None:
    answer = await site.wire.ask((prefix + path).encode("ascii", "replace"))
    assert answer.status in {200, 302, 303, 307, 308, 400, 401, 404, 405, 414}, (prefix, path)


@settings(QUICK, derandomize=True, max_examples=100)
@given(noise=st.binary(min_size=1, max_size=300))
async def test_any_noise_is_answered_with_a_refusal_or_a_close(site: Site, noise: bytes) -> None:
    answer = await site.wire.send(noise + b"\r\n\r\n")
    assert answer.status in {0, 400, 404, 405, 421, 431, 505}


async def test_odd_requests_leave_nothing_behind(site: Site) -> None:
    for _ in range(3):
        assert (await site.wire.ask("/")).status == 200
    await site.home.until(lambda: site.wire.connections == 0)
    names = {task.get_coro().__qualname__ for task in asyncio.all_tasks()}
    assert not [name for name in names if "Gated" in name or "pump" in name or "ASGIHTTP" in name]


def videos(server: Server) -> list[dict[str, str]]:
    found: list[dict[str, str]] = loopback.get(f"{server.address}/api/videos").json()["videos"]
    return found


async def test_the_json_api_keeps_what_its_document_promises(tmp_path: Path) -> None:
    """schemathesis reads /api/openapi.json and tries every call, with a video that exists."""
    (tmp_path / "films").mkdir()
    (tmp_path / "films" / "film.mp4").write_bytes(seed_video())
    (tmp_path / "config.json").write_text(
        '{"writes_limit": "0", "ratings_limit": "0", "settle_seconds": 0}'
    )
    with serving(tmp_path / "films", tmp_path) as server:
        await asyncio.to_thread(until, lambda: len(videos(server)) == 1)
        media_hash = videos(server)[0]["media_hash"]
        (tmp_path / "known.toml").write_text(f'[parameters]\n"path.media_hash" = "{media_hash}"\n')
        command = [
            sys.executable,
            "-m",
            "schemathesis.cli",
            "--config-file",
            tmp_path / "known.toml",
            "run",
        ]
        checks = (
            "not_a_server_error,content_type_conformance,"
            "status_code_conformance,response_schema_conformance"
        )
        limits = [
            "--seed",
            "1",
            "--exclude-path",
            "/api/events",  # its answer has no end
            "--phases",
            "coverage",  # random requests are tried above
            "--generation-database",
            "none",
        ]
        done = await asyncio.to_thread(
            processes.run_command,
            [*map(str, command), f"{server.address}/api/openapi.json", "--checks", checks, *limits],
            tmp_path,
            4 * processes.PATIENCE_SECONDS,
        )
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
