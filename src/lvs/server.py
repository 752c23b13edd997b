"""The running server: listening sockets, greeting, signals and an orderly stop."""

import asyncio
import errno
import gc
import logging
import os
import shutil
import signal
import socket
import sys
import threading
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import hypercorn
from hypercorn.asyncio import serve as hypercorn_serve
from hypercorn.utils import LifespanFailureError, LifespanTimeoutError

from lvs import logs, sd_notify
from lvs.certificates import Certificate, certificate
from lvs.config import Config
from lvs.config_sources import Loaded
from lvs.db.database import Database
from lvs.errors import Invalid, LvsError, Unavailable
from lvs.folders import check_libraries, make_data_folder, refuse_network_share
from lvs.http.allowed_hosts import own_name
from lvs.http.connection_limit import ConnectionLimit
from lvs.lock import single_instance
from lvs.process_limits import allow_open_files, check_address_space, share_heaps
from lvs.services.network import qr
from lvs.services.network.addresses import url
from lvs.services.network.discovery import ListeningOn
from lvs.services.network.served import names_for_phones, reachable_names, served
from lvs.tls_renewal import TlsRenewal

BACKLOG = 512
# answers that are on their way may end by themselves for so long; then their connections are cut
GRACE_SECONDS = 0.4
STOP_LIMIT_SECONDS = 1.5  # after which the process ends, whatever still holds it
HEAD_SECONDS = 30  # in which a visitor must have said what it wants
HANDSHAKE_SECONDS = 10
MAX_HEAD_BYTES = 16 * 1024
START_LIMIT_SECONDS = 600  # bringing a large database to a new version takes its time
WARM_DELAY_S = 1.0  # whoever starts the server wants to see a page first

if TYPE_CHECKING:
    from quart import Quart

log = logging.getLogger(__name__)


def serve(
    loaded: Loaded, create_app: "Callable[[Config, Database], Quart]", say: Callable[[str], None]
) -> None:
    """Serve the library until SIGINT or SIGTERM; `say` gets the greeting for people once it is
    reachable.

    Raises LvsError when it cannot start. It takes over the signals of the whole
    process.
    """
    config = loaded.config
    check_address_space()
    share_heaps()
    warnings = [*loaded.warnings, *check_libraries(loaded)]
    make_data_folder(config.data_directory)
    refuse_network_share(config.metadata_db)
    with single_instance(config.data_directory):
        names = partial(_names, config.host, config.announce)
        secure = certificate(config, names())
        sockets, secure_sockets = _sockets(config, secure is not None)
        stopper = Stopper()
        log_file = logs.to_file(config.data_directory / "logs", config.max_log_size)
        for message in warnings:
            log.warning("%s", message)
        config = _with_ports(config, sockets, secure_sockets)
        lines = greeting(config, log_file)
        code = partial(_print_code, _address_for_phones(config))
        limit = ConnectionLimit(
            config.connections_per_client, config.trusted_proxies, config.stall_seconds
        )
        allow_open_files()
        http = http_settings(sockets, secure, secure_sockets)
        limit.install(http)
        serving = partial(
            _serve,
            http=http,
            limit=limit,
            stopper=stopper,
            started=partial(_greet, say, lines, code),
            beside=TlsRenewal(http).run(config, names) if secure else None,
        )
        endpoint = ListeningOn(
            config.port, f"{config.root_path}/", config.tls_port if secure else 0
        )
        asyncio.run(_run(config, create_app, endpoint, serving))


def _sockets(config: Config, secure: bool) -> tuple[list[socket.socket], list[socket.socket]]:
    """Listening sockets for HTTP, and where there is a certificate for HTTPS beside it."""
    if secure and config.port and config.port == config.tls_port:
        raise Invalid(
            f"HTTP and HTTPS cannot share port {config.port}. Choose another one with --tls-port."
        )
    sockets = listen(config.host, config.port)
    try:
        return sockets, listen(config.host, config.tls_port, "--tls-port") if secure else []
    except LvsError:
        for each in sockets:
            each.close()
        raise


def _with_ports(
    config: Config, sockets: list[socket.socket], secure_sockets: list[socket.socket]
) -> Config:
    """The configuration with the ports that were taken, where it leaves the choice to us."""
    ports = {"port": _port(sockets)}
    if secure_sockets:
        ports["tls_port"] = _port(secure_sockets)
    return config.model_copy(update=ports)


def application(config: Config, database: Database) -> "Quart":
    """The application; it is imported here, because most other commands do without it."""
    from lvs.app import create_app  # noqa: PLC0415

    app = create_app(config, database)
    # imports stay for good: a full collection takes some milliseconds instead of a hundred
    gc.freeze()
    gc.enable()
    return app


def listen(host: str, port: int, flag: str = "--port") -> list[socket.socket]:
    """Listening sockets on every address of `host`, all with one port (port 0: a free one).

    Raises Unavailable when the port is taken, Invalid when the host is not this machine.
    """
    sockets: list[socket.socket] = []
    failure: OSError | None = None
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError:
        raise Invalid(
            f"host is {host}, a name that this machine cannot look up. Use 0.0.0.0 for every"
            " address of it."
        ) from None
    for family, address in dict.fromkeys((family, str(rest[0])) for family, _, _, _, rest in found):
        both = address == "::" and socket.has_dualstack_ipv6()
        try:
            place = (address, _port(sockets) if sockets else port)
            sockets.append(
                socket.create_server(place, family=family, backlog=BACKLOG, dualstack_ipv6=both)
            )
        except OSError as error:
            failure = error
            if (
                error.errno != errno.EADDRNOTAVAIL
            ):  # one of the name's addresses may be missing: IPv6 that is switched off
                break
    if failure is not None and (not sockets or failure.errno != errno.EADDRNOTAVAIL):
        for each in sockets:
            each.close()
        raise _listen_error(failure, host, port, flag)
    return sockets


def greeting(config: Config, log_file: Path | None) -> list[str]:
    """Lines that greet the operator: addresses, library folders, data folder and log."""
    refused = _refused_addresses(config)
    found = [each for each in served(config) if urlsplit(each).hostname not in refused]
    public = [config.public_url] if config.public_url else []
    return [
        "LVS is ready:",
        *(f"  {address}" for address in (*found, *public)),
        *(
            f"Not at {name}, which is no address of a home network (100.64.0.0/10 is an overlay's"
            " or a provider's). Set a password to be reached there: lvs password"
            for name in refused
        ),
        *(f"Library:  {folder}" for folder in config.video_directory),
        f"Data:     {config.data_directory}",
        *([f"Log:      {log_file}"] if log_file else []),
        "Stop it with Ctrl+C.",
    ]


def _refused_addresses(config: Config) -> list[str]:
    """This machine's addresses whose networks LVS does not answer without a password."""
    from lvs.http.client_address import is_public  # noqa: PLC0415  takes as long as Quart does
    from lvs.services.auth import Passwords  # noqa: PLC0415

    found = [name for name in reachable_names(config.host) if is_public(name)]
    if not found or Passwords(config.data_directory, config.password.get_secret_value()).required:
        return []
    return found


def _greet(say: Callable[[str], None], lines: list[str], code: Callable[[], None]) -> None:
    say("\n".join(map(logs.one_line, lines)))
    threading.Thread(target=code, name="lvs-qr-code", daemon=True).start()


def _address_for_phones(config: Config) -> str:
    """The address a phone most likely reaches; empty where none can."""
    if config.public_url:
        return config.public_url
    refused = _refused_addresses(config)
    name = next((each for each in names_for_phones(config.host) if each not in refused), "")
    return url("http", name, config.port) + config.root_path if name else ""


def _print_code(address: str) -> None:
    """Draw a QR code of the address at the terminal, where there is one that can show it."""
    if not address or not qr.fits_terminal(sys.stdout, shutil.get_terminal_size().columns):
        return
    with suppress(OSError, ValueError):
        code = "\n".join(qr.terminal_lines(address))
        sys.stdout.write(f"\n{code}\nScan it with a phone: {logs.one_line(address)}\n")
        sys.stdout.flush()


def _tell_services(app: "Quart", endpoint: ListeningOn) -> None:
    """Have the services know which port takes connections, whichever was free."""
    if services := app.extensions.get("lvs"):
        services.reachability.listening(endpoint)


class Stopper:
    """Turns the first SIGINT or SIGTERM into an orderly end with a time limit, and the second into
    an end at once.
    """

    def __init__(self) -> None:
        self._asked = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._event = asyncio.Event()
        for name in ("SIGINT", "SIGTERM", "SIGBREAK"):
            if hasattr(signal, name):
                signal.signal(getattr(signal, name), self._stop)

    async def wait(self) -> None:
        """Come back when the process is asked to end."""
        self._loop = asyncio.get_running_loop()
        if not self._asked:
            await self._event.wait()

    def _stop(self, number: int, _frame: FrameType | None) -> None:
        if self._asked:
            os._exit(128 + number)
        self._asked = True
        # A thread that hangs in a dead network mount cannot be ended otherwise. Every answered
        # write is in the database by now.
        limit = threading.Timer(STOP_LIMIT_SECONDS, _end_at_once)
        limit.daemon = True
        limit.start()
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._event.set)


def _end_at_once() -> None:
    with suppress(OSError):
        os.write(2, b"lvs: something did not stop in time; ended without it.\n")
    os._exit(1)


async def _run(
    config: Config,
    create_app: "Callable[[Config, Database], Quart]",
    endpoint: ListeningOn,
    serving: "Callable[[Quart], Coroutine[Any, Any, None]]",
) -> None:
    """Serve until stopped. The database is opened and checked while the application's modules are
    imported, each of which takes a good half of a second where there are 100,000 videos.
    """
    database = Database.from_config(config)
    database.begin_opening()
    try:
        app = await asyncio.to_thread(create_app, config, database)
        _tell_services(app, endpoint)
        await serving(app)
    finally:
        await database.close()


async def _serve(
    app: "Quart",
    http: hypercorn.Config,
    limit: ConnectionLimit,
    stopper: Stopper,
    started: Callable[[], None],
    beside: Coroutine[Any, Any, None] | None,
) -> None:
    """Serve the application until stopped; `beside` runs as long as it does."""
    running = False

    def without_failure(record: logging.LogRecord) -> bool:
        return record.exc_info is None

    app.logger.addFilter(
        without_failure
    )  # Quart logs what ends the start, and so does the command line

    async def until_stopped() -> None:
        nonlocal running
        running = True
        app.logger.removeFilter(without_failure)
        with suppress(OSError):  # nobody may be there to read it
            started()
        settling = threading.Timer(WARM_DELAY_S, _precompile, (app,))
        settling.daemon = True
        settling.start()
        background = asyncio.create_task(beside) if beside else None
        sd_notify.notify("READY=1")
        alive = asyncio.create_task(sd_notify.keep_alive())
        await stopper.wait()
        alive.cancel()
        if background:
            background.cancel()
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
    """Hypercorn's settings for these sockets, which it owns from now on: its limits, and HTTPS
    on the secure ones where there is a certificate.
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


def _precompile(app: "Quart") -> None:
    """Have every template ready, and leave what stays for good to itself.

    Looking for garbage among all modules, classes and templates takes 50 ms, during which nobody
    gets an answer. It was due every few seconds while a scan ran.
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


def _listen_error(error: OSError, host: str, port: int, flag: str) -> LvsError:
    if error.errno == errno.EADDRINUSE:
        return Unavailable(
            f"Port {port} is taken by another program. Stop that one, or choose another port with"
            f" {flag}."
        )
    if error.errno == errno.EACCES:
        return Unavailable(
            f"Port {port} may not be used by this user. Choose one above 1023 with {flag}."
        )
    if error.errno == errno.EADDRNOTAVAIL:
        return Invalid(
            f"host is {host}, which is no address of this machine. Use 0.0.0.0 for every address"
            " of it."
        )
    return Unavailable(
        f"Port {port} on {host} cannot be used:"
        f" {os.strerror(error.errno) if error.errno else error}."
    )


def _names(host: str, announced: str) -> set[str]:
    """Host names and addresses that a certificate of this machine must cover."""
    names = {
        *reachable_names(host),
        own_name(),
        f"{announced}.local" if announced else "",
        "localhost",
        "127.0.0.1",
        "::1",
    }
    return {name for name in names if name and name.isascii()}


def _port(sockets: list[socket.socket]) -> int:
    return int(sockets[0].getsockname()[1])
