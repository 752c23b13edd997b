"""Sets hypercorn up for LVS, and serves an application until it is stopped."""

import asyncio
import gc
import logging
import socket
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress

import hypercorn
from hypercorn.asyncio import serve as hypercorn_serve
from hypercorn.utils import LifespanFailureError, LifespanTimeoutError
from quart import Quart

from lvs import sd_notify
from lvs.certificates import Certificate
from lvs.config import Config
from lvs.errors import Unavailable
from lvs.http.connection_limit import ConnectionLimit
from lvs.listening import BACKLOG, ListeningSockets
from lvs.stopper import STOP_LIMIT_SECONDS, Stopper
from lvs.tls_renewal import TlsRenewal

# for answers under way to end by themselves; then their connections are cut
GRACE_SECONDS = 0.4
HEAD_SECONDS = 30  # within which the head of a request must have arrived
HANDSHAKE_SECONDS = 10
MAX_HEAD_BYTES = 16 * 1024
START_LIMIT_SECONDS = 600  # migrating a large database takes its time
WARM_DELAY_S = 1.0  # the first page comes before this work

log = logging.getLogger(__name__)


async def serve_until_stopped(
    app: Quart,
    config: Config,
    sockets: ListeningSockets,
    secure: Certificate | None,
    names: Callable[[], set[str]],
    stopper: Stopper,
    started: Callable[[], None],
) -> None:
    """Serve the application on these sockets; `started` is called once it is reachable. A
    certificate made by LVS covers `names`, and is renewed when they change.

    Raises the error that ended the start of the application, and Unavailable if the start takes too
    long.
    """
    limit = ConnectionLimit(
        config.connections_per_client, config.trusted_proxies, config.stall_seconds
    )
    http = http_settings(sockets.plain, secure, sockets.secure)
    limit.install(http)
    renewal = TlsRenewal(http) if secure else None
    running = False

    def without_failure(record: logging.LogRecord) -> bool:
        return record.exc_info is None

    # Quart logs what ends the start, and so does the command line
    app.logger.addFilter(without_failure)

    async def until_stopped() -> None:
        nonlocal running
        running = True
        app.logger.removeFilter(without_failure)
        with suppress(OSError):  # nobody may be there to read it
            started()
        settling = threading.Timer(WARM_DELAY_S, _precompile, (app,))
        settling.daemon = True
        settling.start()
        renewing = asyncio.create_task(renewal.run(config, names)) if renewal else None
        sd_notify.notify("READY=1")
        alive = asyncio.create_task(sd_notify.keep_alive())
        await stopper.wait()
        alive.cancel()
        if renewing:
            renewing.cancel()
        sd_notify.notify("STOPPING=1")
        if services := app.extensions.get("lvs"):
            services.live_events.end()  # its answers never end by themselves
        asyncio.get_running_loop().call_later(GRACE_SECONDS, limit.cut)

    try:
        await hypercorn_serve(app, http, shutdown_trigger=until_stopped, mode="asgi")
    except LifespanFailureError as failure:
        raise _cause(failure) from None
    except LifespanTimeoutError:
        if not running:
            raise Unavailable(
                f"LVS could not start within {START_LIMIT_SECONDS} seconds."
            ) from None
        log.warning("LVS was ended before everything had stopped.")


def http_settings(
    sockets: list[socket.socket],
    secure: Certificate | None = None,
    secure_sockets: Sequence[socket.socket] = (),
    head_seconds: float = HEAD_SECONDS,
) -> hypercorn.Config:
    """Hypercorn's settings for these sockets, which it owns from now on: limits, and HTTPS on the
    secure sockets if there is a certificate.
    """
    http = hypercorn.Config()
    if secure:
        http.certfile, http.keyfile = map(str, secure)
        http.alpn_protocols = ["http/1.1"]
        http.ssl_handshake_timeout = HANDSHAKE_SECONDS
    plain = [f"fd://{each.detach()}" for each in sockets]
    http.bind = [f"fd://{each.detach()}" for each in secure_sockets] if secure else plain
    http.insecure_bind = plain if secure else []
    http.backlog = BACKLOG
    http.errorlog = logging.getLogger("hypercorn")
    http.include_server_header = False
    # This one also limits how long a visitor may take for the head of a request. `read_timeout`
    # would count while an answer is being sent too, and end every film after so many seconds;
    # bodies of requests have their limit in the app.
    http.keep_alive_timeout = head_seconds
    http.read_timeout = None
    http.keep_alive_max_requests = 10_000
    http.h11_max_incomplete_size = MAX_HEAD_BYTES
    http.websocket_max_message_size = 64 * 1024
    http.startup_timeout = START_LIMIT_SECONDS
    http.graceful_timeout = 1
    http.shutdown_timeout = STOP_LIMIT_SECONDS
    return http


def _precompile(app: Quart) -> None:
    """Compile every template, and exclude permanent objects from garbage collection.

    Collecting garbage among all modules, classes and templates takes 50 ms, during which nobody
    gets an answer. It was due every few seconds during a scan.
    """
    if pages := app.extensions.get("lvs.pages"):
        pages.precompile()
    gc.freeze()


def _cause(failure: LifespanFailureError) -> BaseException:
    """The exception that the application raised at its start."""
    cause = failure.__context__ or failure
    while isinstance(cause, BaseExceptionGroup) and len(cause.exceptions) == 1:
        cause = cause.exceptions[0]
    return cause
