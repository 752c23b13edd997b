"""Serve the videos in the library folders to browsers."""

import argparse
import gc
import shlex
import sys

from lvs.paths import package_folder, static_folder
from lvs.terminal import add_server_flags, configuration, print_message

RESTART_TIMEOUT_S = 10


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    add_server_flags(parser)
    parser.add_argument(
        "--dev", action="store_true", help="restart whenever code, a template or a style changes"
    )
    parser.epilog = "Ctrl+C stops it. All options: docs/configuration.md and `lvs config`."


def run(arguments: argparse.Namespace) -> int:
    """Serve until told to stop."""
    if arguments.dev:
        return _serve_and_reload()
    # All imports from here on stay in use; collecting garbage in them takes a tenth of the start.
    gc.disable()
    loaded = configuration(arguments)

    from lvs.server import application, serve

    serve(loaded, application, say=lambda line: print(line, flush=True))
    return 0


def _serve_and_reload() -> int:
    """Serve from a child process, and replace it after each change to the program's files."""
    from watchfiles import run_process

    command = [sys.executable, "-m", "lvs", *(flag for flag in sys.argv[1:] if flag != "--dev")]
    print_message("development mode: LVS restarts when its code, a template or a style changes")
    run_process(
        package_folder(),
        static_folder(),
        target=shlex.join(command),
        target_type="command",
        sigint_timeout=RESTART_TIMEOUT_S,
    )
    return 0
