"""Configuration flags and terminal output, shared by the commands."""

import argparse
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Self

from lvs import config, config_sources, logs


def add_configuration_flags(parser: argparse.ArgumentParser) -> None:
    """Add the flags of every command that needs to know where the data lies; `configuration` reads
    them.
    """
    group = parser.add_argument_group("configuration")
    group.add_argument(
        "--data", metavar="DIR", dest="data_directory", help="data folder: database, posters, log"
    )
    group.add_argument(
        "--config",
        metavar="FILE",
        dest="config_file",
        type=Path,
        help="read FILE in place of config.json",
    )
    group.add_argument(
        "--log-level",
        metavar="LEVEL",
        dest="log_level",
        help="debug, info, warning, error or critical",
    )


def add_server_flags(parser: argparse.ArgumentParser) -> None:
    """Add the flags that say what is served and where."""
    parser.add_argument(
        "video_directory",
        metavar="LIBRARY",
        nargs="*",
        help="a folder with videos (or set video_directory)",
    )
    parser.add_argument(
        "--host", help="address to listen on (default 0.0.0.0: every address of this machine)"
    )
    parser.add_argument("--port", help="port to listen on (default 8900; 0: a free one)")
    parser.add_argument("--tls-cert", metavar="FILE", help="certificate for HTTPS (PEM)")
    parser.add_argument("--tls-key", metavar="FILE", help="its private key (PEM)")
    parser.add_argument(
        "--tls-self-signed",
        action="store_true",
        default=None,
        help="HTTPS with a certificate made here",
    )
    parser.add_argument("--tls-port", help="port for HTTPS beside HTTP (default 8943)")
    add_configuration_flags(parser)


def configuration(
    arguments: argparse.Namespace, quiet: bool = False
) -> config_sources.LoadedConfig:
    """The configuration in force for these arguments, whose log level counts from here on. Raises
    ConfigError.

    A `quiet` command logs warnings only, unless somebody has set a level.
    """
    flags = {
        name: value
        for name, value in vars(arguments).items()
        if name in config.OPTIONS and value != []
    }
    loaded = config_sources.load(flags, arguments.config_file)
    logs.to_screen(
        "warning" if quiet and loaded.origins["log_level"] == "default" else loaded.config.log_level
    )
    return loaded


class ProgressLine:
    """One line at the terminal that says how far a command is, and is gone when it is done; nothing
    where nobody watches.
    """

    def __init__(self) -> None:
        self._watched = sys.stderr.isatty()
        self._said_at = 0.0

    def say(self, text: str) -> None:
        """Put this text in the place of the last one.

        What comes too quickly to be read is left out.
        """
        if self._watched and time.monotonic() - self._said_at > 0.1:
            self._said_at = time.monotonic()
            width = shutil.get_terminal_size().columns - 1
            print(f"\r\033[K{logs.one_line(text)[:width]}", end="", file=sys.stderr, flush=True)

    def shares(self, what: str) -> Callable[[int, int], None]:
        """A function that says how much of `what` is done, from the parts done and the parts in
        all.
        """
        return lambda done, total: self.say(f"{what}: {done * 100 // max(1, total)} %")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        if self._said_at:
            print("\r\033[K", end="", file=sys.stderr, flush=True)


def report(line: str) -> None:
    """Say how it went to the person at the terminal; nothing in a pipe, where the exit code says
    it.
    """
    if sys.stdout.isatty():
        print(logs.one_line(line))


def confirmed(question: str) -> bool:
    """Ask a yes/no question at the terminal; True for yes."""
    print(f"{question} [y/N] ", end="", flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def print_message(message: str) -> None:
    """Say it to the person at the terminal, beside what the command prints as its result."""
    print(f"lvs: {logs.one_line(message)}", file=sys.stderr)
