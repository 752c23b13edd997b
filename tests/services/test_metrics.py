"""The server's work is counted once, rightly, and in bounded memory."""

import asyncio
import json
import logging
import math
import re
import sqlite3
import time
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text
from support.home import Home

from lvs.db.query_stats import QueryStats
from lvs.routes.admin.report import PerformanceReport
from lvs.services.cache import Cache
from lvs.services.latency import (
    GROUPS_IN_HOUR,
    RELATIVE_ACCURACY,
    SLOT_S,
    SLOTS_IN_GROUP,
    Latencies,
    Window,
)
from lvs.services.metrics import MOST_ROUTES, NO_RULE, Metrics, RequestStats, here, timed

# --- Quantiles ---


@given(st.lists(st.floats(0.0001, 1000), min_size=1, max_size=300))
def test_quantiles_are_as_exact_as_promised(seconds: list[float]) -> None:
    latencies = Latencies()
    for place, value in enumerate(seconds):
        latencies.add(value, place * 0.1)
    found = latencies.within(Window.START, len(seconds) * 0.1)
    assert found.count == len(seconds)
    assert found.mean_s == pytest.approx(sum(seconds) / len(seconds))
    ranked = sorted(seconds)
    for quantile, told in ((0.5, found.p50_s), (0.95, found.p95_s), (0.99, found.p99_s)):
        exact = ranked[math.ceil(quantile * len(ranked)) - 1]  # nearest rank
        assert told == pytest.approx(exact, rel=RELATIVE_ACCURACY * 1.01)


@given(st.lists(st.floats(0.0001, 1000), min_size=1, max_size=19))
def test_the_95th_percentile_of_few_values_is_not_below_their_mean(seconds: list[float]) -> None:
    latencies = Latencies()
    for value in seconds:
        latencies.add(value, 0)
    found = latencies.within(Window.START, 1)
    assert found.mean_s <= found.p95_s <= found.p99_s


def test_a_window_forgets_what_is_older_than_itself() -> None:
    latencies = Latencies()
    latencies.add(5.0, 0)
    latencies.add(1.0, 400)
    assert [latencies.within(window, 400).count for window in Window] == [1, 2, 2]
    assert latencies.within(Window.FIVE_MINUTES, 400).p99_s == pytest.approx(1.0, rel=0.03)
    assert latencies.within(Window.HOUR, 400).p99_s == pytest.approx(5.0, rel=0.03)
    assert [latencies.within(window, 1000).count for window in Window] == [0, 2, 2]
    assert [latencies.within(window, 5000).count for window in Window] == [0, 0, 2]


@pytest.mark.parametrize("pause", [0.01, 7, 29, 31, 301, 4000])
def test_no_value_is_lost_or_counted_twice_however_seldom_they_come(pause: float) -> None:
    latencies = Latencies()
    for number in range(200):
        now = number * pause
        latencies.add(0.5, now)
        assert latencies.within(Window.START, now).count == latencies.count == number + 1
        within = latencies.within(Window.FIVE_MINUTES, now).count
        assert within >= min(number + 1, int(300 / pause))
        assert (within - 1) * pause <= 300 + SLOT_S
        hour = latencies.within(Window.HOUR, now).count
        assert hour >= min(number + 1, int(3600 / pause))
        assert (hour - 1) * pause <= 3600 + SLOT_S * SLOTS_IN_GROUP
    assert latencies.total_s == pytest.approx(100)


def test_a_week_of_values_takes_no_more_room_than_an_hour_of_them() -> None:
    latencies = Latencies(40)
    for second in range(0, 7 * 86_400, 10):
        latencies.add(0.001 * (1 + second % 977), second)
    assert len(latencies._slots) <= 40
    assert len(latencies._groups) <= GROUPS_IN_HOUR + 1
    assert all(
        len(sketch._store.bins) <= 1024 for _, sketch in (*latencies._slots, *latencies._groups)
    )


def test_half_minutes_are_told_one_by_one_and_gaps_are_empty() -> None:
    latencies = Latencies(10)
    for second in (0, 1, 65):
        latencies.add(0.25, second)
    assert [slot.count for slot in latencies.slots(4, 65)] == [0, 2, 0, 1]
    assert [slot.count for slot in latencies.slots(2, 65 + 1000)] == [0, 0]


# --- Requests ---


async def test_requests_are_counted_by_rule_and_never_by_address(home: Home) -> None:
    home.add("film.mp4")
    await home.scan()
    for number in range(5):
        await home.client.get(f"/watch/no-{number}.mp4")
    await home.client.get("/watch/film.mp4")
    for number in range(30):
        await home.client.get(f"/nothing-{number}")
        await home.client.open("/", method=f"VERB{number}")  # type: ignore[call-arg]
    routes = home.services.metrics.routes
    watch = routes["GET", "/watch/<path:place>"]
    assert (watch.count, watch.refused, watch.errors) == (6, 5, 0)
    assert routes["GET", NO_RULE].statuses == {404: 30}
    assert sum(route.count for route in routes.values() if route.method == "OTHER") == 30
    assert len(routes) <= 4


async def test_routes_are_bounded_even_if_rules_were_not() -> None:
    metrics = Metrics()
    for number in range(MOST_ROUTES + 50):
        with RequestStats("GET", metrics) as request:
            request.rule = f"/rule-{number}"
            metrics.answered(request, 200)
    assert len(metrics.routes) == MOST_ROUTES + 1
    assert sum(route.count for route in metrics.routes.values()) == MOST_ROUTES + 50


async def test_the_bytes_of_every_answer_are_counted(home: Home) -> None:
    path = home.add("film.mp4")
    await home.scan()
    answers = [await home.client.get("/") for _ in range(3)]
    sizes = [len(await answer.get_data()) for answer in answers]
    assert home.services.metrics.routes["GET", "/"].bytes_sent == sum(sizes)
    part = await home.client.get("/video/film.mp4", headers={"Range": "bytes=0-99"})
    whole = await home.client.get("/video/film.mp4")
    assert (len(await part.get_data()), len(await whole.get_data())) == (100, path.stat().st_size)
    route = home.services.metrics.routes["GET", "/video/<path:place>"]
    assert route.bytes_sent == 100 + path.stat().st_size
    assert route.statuses == {206: 1, 200: 1}


async def test_queries_belong_to_the_request_that_asked(home: Home) -> None:
    home.add("film.mp4")
    await home.scan()
    await home.probed()
    usage = home.services.database.usage
    before = usage.queries
    await home.client.get("/watch/film.mp4")
    await home.client.get("/watch/film.mp4")
    asked = usage.queries - before
    route = home.services.metrics.routes["GET", "/watch/<path:place>"]
    assert 0 < route.queries <= asked  # background tasks ask, too
    assert 0 < route.database_s < route.latencies.total_s
    assert 0 < route.render_s < route.latencies.total_s


async def test_requests_that_run_at_once_do_not_count_each_others_queries(home: Home) -> None:
    for number in range(3):
        home.add(f"film {number}.mp4")
    await home.scan()
    await home.probed()
    media_hash = (await home.video("film 0.mp4")).media_hash
    await home.client.get(f"/api/videos/{media_hash}")
    alone = home.services.metrics.routes["GET", "/api/videos/<media_hash>"].queries
    await home.client.get("/api/videos")
    listed = home.services.metrics.routes["GET", "/api/videos"].queries
    await asyncio.gather(
        *(
            home.client.get(f"/api/videos/{media_hash}" if n % 2 else "/api/videos")
            for n in range(20)
        )
    )
    assert home.services.metrics.routes["GET", "/api/videos/<media_hash>"].queries <= 11 * alone
    assert home.services.metrics.routes["GET", "/api/videos"].queries <= 11 * listed


async def test_time_in_line_for_the_writer_is_counted_where_it_was_waited(home: Home) -> None:
    home.add("film.mp4")
    await home.scan()
    await home.probed()
    media_hash = (await home.video("film.mp4")).media_hash
    database = home.services.database
    async with database.transaction():
        rating = asyncio.ensure_future(
            home.client.post(f"/api/ratings/{media_hash}", json={"value": 4})
        )
        await home.until(lambda: len(database._writer._blocks) > 0)
        begun = time.monotonic()
        await home.client.get("/")
        held_s = time.monotonic() - begun
        assert not rating.done()
    assert (await rating).status_code == 201
    route = home.services.metrics.routes["POST", "/api/ratings/<media_hash>"]
    assert held_s < route.writer_wait_s <= route.database_s <= route.latencies.total_s


async def test_a_value_may_grow_too_old_at_any_moment() -> None:
    async def load() -> int:
        return 1

    for _ in range(20_000):
        cache = Cache(10, 3e-6)
        cache.put("key", 1)
        assert await cache.get("key", load) == 1
        cache.put("key", 1)
        cache.drop("key")
        assert cache.status()["size"] == 0


async def test_cache_hits_are_counted_by_route(home: Home) -> None:
    for _ in range(3):
        await home.client.get("/api/tags")
    route = home.services.metrics.routes["GET", "/api/tags"]
    assert (route.cache_hits, route.cache_misses) == (2, 1)
    counts = home.services.cache.counts
    assert (counts.hits, counts.misses) == (2, 1)


async def test_the_three_ways_to_give_stars_are_one_number(home: Home) -> None:
    home.add("film.mp4")
    await home.scan()
    media_hash = (await home.video("film.mp4")).media_hash
    assert (
        await home.client.post(f"/videos/{media_hash}/rating", form={"value": "3"})
    ).status_code == 303
    assert (
        await home.client.post(f"/api/ratings/{media_hash}", json={"value": 4})
    ).status_code == 200
    assert (
        await home.client.post("/rate", json={"filename": "film.mp4", "rating": 5})
    ).status_code == 200
    await home.client.get(f"/api/ratings/{media_hash}")
    report = PerformanceReport.model_validate(
        await (await home.client.get("/admin/performance.json")).get_json()
    )
    assert report.ratings_post.count == 3
    assert report.ratings_post.avg_ms > 0
    assert report.ratings_post.p95_ms > 0
    assert report.ratings_post.times.five_minutes.count == 3


# --- What went wrong ---


async def test_a_failed_request_is_found_by_the_id_its_page_shows(home: Home) -> None:
    home.add("film.mp4")
    await home.scan()
    home.library.rename(home.library.with_name("away"))
    await home.services.library.drives.check()
    answer = await home.client.get("/video/film.mp4", headers={"Accept": "text/html"})
    assert answer.status_code == 503
    shown = re.search(r"request ([0-9a-f]{12})", (await answer.get_data(as_text=False)).decode())
    assert shown
    failure = home.services.metrics.failures[-1]
    assert (failure.status, failure.rule, failure.request_id) == (
        503,
        "/video/<path:place>",
        shown[1],
    )
    assert "offline" in failure.message
    entries = [entry for entry in home.services.metrics.log.entries if entry.request_id == shown[1]]
    assert [entry.level for entry in entries] == ["warning"]


async def test_the_same_warning_again_and_again_takes_one_place(home: Home) -> None:
    for number in range(500):
        logging.getLogger("lvs.test").warning("the drive is slow")
        logging.getLogger("lvs.test").warning("number %d", number)
    for _ in range(500):
        logging.getLogger("lvs.test").error("the drive\nis gone")
    entries = home.services.metrics.log.entries
    assert len(entries) <= 50
    assert (entries[-1].times, entries[-1].message) == (500, "the drive\\nis gone")


async def test_nobody_listens_to_the_log_after_the_server_has_stopped(tmp_path: Path) -> None:
    before = list(logging.getLogger().handlers)
    async with Home(tmp_path):
        assert logging.getLogger().handlers != before
    assert logging.getLogger().handlers == before


# --- Server-Timing and the line in the log ---


async def test_each_request_is_a_line_and_a_header_when_they_are_asked_for(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "lvs.requests")
    async with Home(tmp_path, enable_perf_log=True) as home:
        home.add("film.mp4")
        await home.scan()
        caplog.clear()
        answer = await home.client.get("/watch/film.mp4")
        assert answer.status_code == 200
        [record] = [record for record in caplog.records if record.name == "lvs.requests"]
        pairs = dict(re.findall(r'(\w+)=("(?:[^"\\]|\\.)*"|\S+)', record.getMessage()))
        assert (pairs["method"], pairs["status"]) == ("GET", "200")
        assert json.loads(pairs["path"]) == "/watch/film.mp4"
        assert json.loads(pairs["route"]) == "/watch/<path:place>"
        assert int(pairs["bytes"]) == len(await answer.get_data())
        assert int(pairs["queries"]) > 0
        timing = dict(part.split(";", 1) for part in answer.headers["Server-Timing"].split(", "))
        assert set(timing) == {"total", "db", "render", "cache"}
        assert timing["db"] == f"dur={pairs['db_ms']}"
        missing = await home.client.get(
            "/watch/no%22%0Asuch.mp4", headers={"Accept": "application/json"}
        )
        problem = json.loads(await missing.get_data())
        told = caplog.records[-1].getMessage()
        assert f"request={problem['request_id']} " in told
        assert 'path="/watch/no\\"\\nsuch.mp4" ' in told


async def test_nothing_is_told_of_each_request_otherwise(
    home: Home, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "lvs.requests")
    answer = await home.client.get("/")
    assert "Server-Timing" not in answer.headers
    assert not [record for record in caplog.records if record.name == "lvs.requests"]


# --- Functions ---


async def test_a_timed_function_is_counted_by_the_server_that_runs_it(tmp_path: Path) -> None:
    @timed("guess", memory=True)
    async def guess(number: int) -> int:
        if number < 0:
            raise ValueError(number)
        return number + 1

    one, other = Metrics(), Metrics()
    assert await guess(1) == 2  # nobody measures here
    for metrics, calls in ((one, 3), (other, 1)):
        here.set(metrics)
        for number in range(calls):
            assert await guess(number) == number + 1
    with pytest.raises(ValueError, match="-1"):
        await guess(-1)
    assert (one.functions["guess"].latencies.count, one.functions["guess"].errors) == (3, 0)
    assert (other.functions["guess"].latencies.count, other.functions["guess"].errors) == (2, 1)
    assert (one.functions["guess"].memory_after_bytes or 0) > 1_000_000


async def test_probes_and_scans_are_timed(home: Home) -> None:
    for number in range(3):
        home.add(f"film {number}.mp4")
    await home.scan()
    await home.probed()
    functions = home.services.metrics.functions
    assert functions["jobs.look"].latencies.count == 3
    assert functions["library.scan"].latencies.count >= 1
    assert functions["library.scan"].memory_before_bytes


# --- For programs ---


async def test_prometheus_reads_what_the_server_counted(home: Home) -> None:
    home.add("film.mp4")
    await home.scan()
    await home.probed()
    for _ in range(4):
        await home.client.get("/")
    await home.client.get("/watch/none.mp4")
    answer = await home.client.get("/metrics")
    assert answer.headers["Content-Type"].startswith("text/plain; version=")
    families = {
        family.name: family
        for family in parse_text((await answer.get_data(as_text=False)).decode())
    }
    samples = {
        (
            sample.name,
            sample.labels.get("route"),
            sample.labels.get("status"),
            sample.labels.get("le"),
        ): sample.value
        for family in families.values()
        for sample in family.samples
    }
    assert samples["lvs_requests_total", "/", "200", None] == 4
    assert samples["lvs_requests_total", "/watch/<path:place>", "404", None] == 1
    assert samples["lvs_request_seconds_count", "/", None, None] == 4
    assert samples["lvs_request_seconds_bucket", "/", None, "+Inf"] == 4
    kinds = {sample.labels["kind"]: sample.value for sample in families["lvs_library"].samples}
    assert kinds == {"videos": 1, "files": 1, "missing": 0, "duplicates": 0, "unreadable": 0}
    assert all(family.documentation for name, family in families.items() if name.startswith("lvs_"))
    accept = "application/openmetrics-text; version=1.0.0"
    strict = await home.client.get("/metrics", headers={"Accept": accept})
    names = {
        family.name for family in parse_openmetrics((await strict.get_data(as_text=False)).decode())
    }
    assert names == {name for name in families if not name.endswith("_created")}


async def test_performance_json_is_what_the_api_document_says(home: Home) -> None:
    home.add("film.mp4")
    await home.scan()
    await home.probed()
    await home.client.get("/")
    answer = await home.client.get("/admin/performance.json")
    content = await answer.get_json()
    report = PerformanceReport.model_validate(content)
    assert report.endpoints["GET /"].count == 1
    assert report.endpoints["GET /"].times.hour.count == 1
    assert report.db_queries.by_route["GET /"].total == report.db_queries.total > 0
    assert report.library.videos == report.library.files == report.workers.done == 1
    assert report.uptime_seconds > 0
    assert report.status == "ok"
    document = await (await home.client.get("/api/openapi.json")).get_json()
    described = document["paths"]["/admin/performance.json"]["get"]["responses"]["200"]["content"][
        "application/json"
    ]["schema"]
    name = described["$ref"].rpartition("/")[2] if "$ref" in described else None
    schema = document["components"]["schemas"][name] if name else described
    assert set(content) == set(schema["properties"])


def test_a_request_of_a_second_is_slow() -> None:
    stats = QueryStats()
    for note in (partial(stats.asked, "SELECT 1"), stats.waited, stats.committed):
        note(0.999)
    assert not stats.slow
    stats.asked("SELECT\n  1", 1.0)
    stats.waited(2.0)
    stats.committed(3.0)
    assert [(each.sql, each.seconds) for each in stats.slow] == [
        ("SELECT 1", 1.0),
        ("(waiting for the turn to write)", 2.0),
        ("(bringing a change to disk)", 3.0),
    ]


async def test_slow_statements_are_kept_with_the_request_that_waited(home: Home) -> None:
    home.add("film.mp4")
    await home.scan()
    await home.probed()
    media_hash = (await home.video("film.mp4")).media_hash
    database = home.services.database
    database.usage.slow_seconds = 0
    other = sqlite3.connect(home.data / "lvs.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    rating = asyncio.ensure_future(
        home.client.post(f"/api/ratings/{media_hash}", json={"value": 4})
    )
    await home.until(database._writer._lock.locked)
    begun = time.monotonic()
    await home.client.get("/")
    held_s = time.monotonic() - begun
    other.execute("ROLLBACK")
    other.close()
    assert (await rating).status_code == 201
    database.usage.slow_seconds = math.inf
    report = PerformanceReport.model_validate(
        await (await home.client.get("/admin/performance.json")).get_json()
    )
    of_requests = [query for query in report.db_queries.slow if query.request_id]
    [waited] = [query for query in of_requests if query.sql == "(waiting for the turn to write)"]
    assert waited.seconds > held_s
