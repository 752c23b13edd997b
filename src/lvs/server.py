"""Starts the server: what must be there, in which order things start, and the greeting."""

import asyncio
import gc
import logging
import shutil
import sys
import threading
from collections.abc import Callable, Coroutine
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from lvs import logs
from lvs.certificates import certificate
from lvs.config import Config
from lvs.config_sources import LoadedConfig
from lvs.db.database import Database
from lvs.folders import check_libraries, make_data_folder, refuse_network_share
from lvs.http.allowed_hosts import own_name
from lvs.listening import listening_sockets
from lvs.lock import single_instance
from lvs.process_limits import allow_open_files, check_address_space, share_heaps
from lvs.services.network import qr
from lvs.services.network.addresses import url
from lvs.services.network.discovery import ListeningPorts
from lvs.services.network.served import names_for_phones, reachable_names, server_urls
from lvs.stopper import Stopper

if TYPE_CHECKING:
    from quart import Quart

log = logging.getLogger(__name__)


def serve(
    loaded: LoadedConfig,
    create_app: "Callable[[Config, Database], Quart]",
    say: Callable[[str], None],
) -> None:
    """Serve the library until SIGINT or SIGTERM; `say` gets the greeting for people once the server
    is reachable.

    Raises LvsError if it cannot start. It takes over the signals of the whole process.
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
        sockets = listening_sockets(config, secure is not None)
        stopper = Stopper()
        log_file = logs.to_file(config.data_directory / "logs", config.max_log_size)
        for message in warnings:
            log.warning("%s", message)
        config = sockets.with_ports(config)
        allow_open_files()

        def prepare(database: Database) -> Coroutine[Any, Any, None]:
            from lvs.serving import serve_until_stopped  # noqa: PLC0415

            app = create_app(config, database)
            _tell_services(app, config, secure is not None)
            greet = partial(_greet, say, greeting(config, log_file), _address_for_phones(config))
            return serve_until_stopped(app, config, sockets, secure, names, stopper, greet)

        asyncio.run(_run(config, prepare))


def application(config: Config, database: Database) -> "Quart":
    """The application; imported here, because most other commands do not need it."""
    from lvs.app import create_app  # noqa: PLC0415

    app = create_app(config, database)
    # imports stay for good: a full collection takes some milliseconds instead of a hundred
    gc.freeze()
    gc.enable()
    return app


def greeting(config: Config, log_file: Path | None) -> list[str]:
    """Lines that greet the operator: addresses, library folders, data folder and log."""
    refused = _refused_addresses(config)
    found = [each for each in server_urls(config) if urlsplit(each).hostname not in refused]
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


def _greet(say: Callable[[str], None], lines: list[str], address: str) -> None:
    say("\n".join(map(logs.one_line, lines)))
    threading.Thread(target=_print_code, args=(address,), name="lvs-qr-code", daemon=True).start()


def _address_for_phones(config: Config) -> str:
    """The address at which a phone most likely reaches LVS; empty if there is none."""
    if config.public_url:
        return config.public_url
    refused = _refused_addresses(config)
    name = next((each for each in names_for_phones(config.host) if each not in refused), "")
    return url("http", name, config.port) + config.root_path if name else ""


def _print_code(address: str) -> None:
    """Print a QR code of the address, if the terminal can show one."""
    if not address or not qr.fits_terminal(sys.stdout, shutil.get_terminal_size().columns):
        return
    with suppress(OSError, ValueError):
        code = "\n".join(qr.terminal_lines(address))
        sys.stdout.write(f"\n{code}\nScan it with a phone: {logs.one_line(address)}\n")
        sys.stdout.flush()


def _tell_services(app: "Quart", config: Config, secure: bool) -> None:
    """Tell the services the ports in use; a free one may have been chosen."""
    if services := app.extensions.get("lvs"):
        services.reachability.listening(
            ListeningPorts(config.port, f"{config.root_path}/", config.tls_port if secure else 0)
        )


async def _run(config: Config, prepare: Callable[[Database], Coroutine[Any, Any, None]]) -> None:
    """Serve until stopped. The database is opened and checked while `prepare` imports the web
    server and the application; each takes half a second with 100,000 videos.
    """
    database = Database.from_config(config)
    database.begin_opening()
    try:
        await (await asyncio.to_thread(prepare, database))
    finally:
        await database.close()


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
