"""The application: services, routes, hooks and lifespan."""

import asyncio
import logging
from typing import Any

from quart import Quart

from lvs import routes
from lvs.config import Config
from lvs.db.database import Database
from lvs.http import internals, request_metrics
from lvs.http.behind_proxy import BehindProxy
from lvs.http.request_guard import RequestGuard
from lvs.http.request_tasks import CancellingConnection
from lvs.http.transport import ConnectionInScope
from lvs.paths import static_folder
from lvs.routes.hooks import auth, compression, cors, csrf, errors, people, root_path, saved_views
from lvs.services import bundle
from lvs.web import responses
from lvs.web.templates import Templates
from lvs.web.urls import Urls

log = logging.getLogger(__name__)

MAX_BODY_BYTES = 64 * 1024


def create_app(config: Config, database: Database | None = None) -> Quart:
    """Create the application. Its services, and the database with them, open at start and close at
    stop; `database` may be open already.
    """
    services = bundle.build(config, database)
    addresses = Urls(lambda: services.library.roots)
    pages = Templates(addresses, static_folder(), config.data_directory / "templates")
    app = Quart("lvs", static_folder=str(static_folder()), static_url_path="/static")
    app.url_rule_class = internals.rule_class()
    app.asgi_http_class = CancellingConnection
    # The request guard buffers bodies, and the connection limit closes stalled connections.
    app.config.update(MAX_CONTENT_LENGTH=MAX_BODY_BYTES, BODY_TIMEOUT=None, RESPONSE_TIMEOUT=None)
    app.url_map.converters.update(path=responses.PathConverter, hash=responses.HashConverter)
    # A name may contain anything but a slash, so an address is taken literally.
    app.url_map.merge_slashes = False
    app.extensions.update({"lvs": services, "lvs.addresses": addresses, "lvs.pages": pages})
    request_metrics.install(app, config)
    errors.install(app)
    auth.install(app, config)
    cors.install(app)
    csrf.install(app)
    people.install(app)
    saved_views.install(app)
    compression.install(app)
    root_path.install(app)
    routes.register(app)
    _live(app, services)
    application: Any = app.asgi_app
    inside = RequestGuard(
        application,
        config,
        has_password=lambda: services.passwords.required,
        answers_json=routes.SITE_MAP.answers_json,
        max_body_bytes=MAX_BODY_BYTES,
    )
    outside = BehindProxy(inside, config.root_path, config.trusted_proxies)
    measured = request_metrics.RequestMetrics(outside, services.metrics, config.enable_perf_log)
    app.asgi_app = ConnectionInScope(measured)  # type: ignore[assignment, method-assign]
    return app


def _live(app: Quart, services: bundle.Services) -> None:
    """Run the services in a task of their own: a task group must end in the task that began it."""
    started = asyncio.Event()
    stopping = asyncio.Event()
    life: list[asyncio.Task[None]] = []

    async def run() -> None:
        async with bundle.running(services):
            started.set()
            await stopping.wait()

    @app.before_serving
    async def start() -> None:
        life.append(asyncio.create_task(run()))
        waiting = asyncio.create_task(started.wait())
        await asyncio.wait((life[0], waiting), return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if life[0].done():
            life[0].result()

    @app.after_serving
    async def stop() -> None:
        stopping.set()
        for task in life:
            await task
