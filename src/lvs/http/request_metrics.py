"""Measures every request, around the whole application: what the route, the database and the
templates note of it is combined with what was sent. With `enable_perf_log` each request also gets a
line in the log and a `Server-Timing` header.
"""

import json
import logging
from functools import partial

from quart import Quart, g, request

from lvs.config import Config
from lvs.http import transport
from lvs.http.asgi import Application, Message, Receive, Scope, Send
from lvs.http.client_address import client_address
from lvs.services.metrics import Metrics, RequestStats

log = logging.getLogger("lvs.requests")

SCOPE_KEY = "lvs.measured"


def install(app: Quart, config: Config) -> None:
    """Tell the metrics middleware which route a request takes.

    To be installed before anything that may refuse the request.
    """

    @app.before_request
    async def name_the_request() -> None:
        g.client = client_address(request, config.trusted_proxies)
        measured: RequestStats = request.scope[SCOPE_KEY]  # type: ignore[literal-required]
        measured.client, g.request_id = g.client, measured.request_id
        if request.url_rule is not None:
            measured.rule = request.url_rule.rule


class RequestMetrics:
    """ASGI middleware that reports every request to `metrics`."""

    def __init__(
        self,
        app: Application,
        metrics: Metrics,
        tell_each: bool,
    ) -> None:
        self._app = app
        self._metrics = metrics
        self._tell_each = tell_each

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        metrics, tell_each = self._metrics, self._tell_each
        with RequestStats(scope["method"], metrics) as measured:
            scope[SCOPE_KEY] = measured
            if (found := scope.get(transport.SCOPE_KEY)) is not None:
                found.count = partial(metrics.sent, measured)

            async def measuring_send(message: Message) -> None:
                if message["type"] == "http.response.body":
                    metrics.sent(measured, len(message.get("body", b"")))
                elif message["type"] == "http.response.start":
                    metrics.answered(measured, message["status"])
                    if tell_each:
                        headers = [
                            *message.get("headers", ()),
                            (b"server-timing", server_timing(measured).encode()),
                        ]
                        message = {**message, "headers": headers}
                await send(message)

            try:
                await self._app(scope, receive, measuring_send)
            except Exception:
                if not measured.status:
                    metrics.answered(measured, 500)
                raise
            finally:
                if tell_each:
                    log.info("%s", line(measured, scope.get("path", "")))


def server_timing(measured: RequestStats) -> str:
    """The value of the Server-Timing header: milliseconds in all, in the database and in templates,
    and cache hits.
    """
    cache = f'cache;desc="{measured.cache_hits} of {measured.cache_hits + measured.cache_misses}"'
    times = {"total": measured.took_s, "db": measured.database_s, "render": measured.render_s}
    return ", ".join(
        [*(f"{name};dur={seconds * 1000:.2f}" for name, seconds in times.items()), cache]
    )


def line(measured: RequestStats, path: str) -> str:
    """One request as `name=value` pairs; text is quoted as in JSON.

    Status 0: the client left before the answer.
    """
    pairs: dict[str, object] = {
        "request": measured.request_id,
        "method": measured.method,
        "path": json.dumps(path),
        "route": json.dumps(measured.rule),
        "status": measured.status,
        "ms": f"{measured.took_s * 1000:.2f}",
        "db_ms": f"{measured.database_s * 1000:.2f}",
        "writer_wait_ms": f"{measured.writer_wait_s * 1000:.2f}",
        "render_ms": f"{measured.render_s * 1000:.2f}",
        "queries": measured.queries,
        "cache_hits": measured.cache_hits,
        "cache_misses": measured.cache_misses,
        "bytes": measured.bytes_sent,
        "client": json.dumps(measured.client),
    }
    return " ".join(f"{name}={value}" for name, value in pairs.items())
