"""What the commands share: the flags of the configuration, and a voice at the terminal."""

import argparse
import sys
from pathlib import Path

from lvs import config, logs


def add_configuration_flags(parser: argparse.ArgumentParser) -> None:
    """The flags of every command that needs to know where the data lies; `configuration` reads them."""
    group = parser.add_argument_group("configuration")
    group.add_argument("--data", metavar="DIR", dest="data_directory", help="data folder: database, posters, log")
    group.add_argument("--config", metavar="FILE", dest="config_file", type=Path, help="read FILE in place of config.json")
    group.add_argument("--log-level", metavar="LEVEL", dest="log_level", help="debug, info, warning, error or critical")


def add_server_flags(parser: argparse.ArgumentParser) -> None:
    """The flags that say what is served and where."""
    parser.add_argument("video_directory", metavar="LIBRARY", nargs="*", help="a folder with videos (or set video_directory)")
    parser.add_argument("--host", help="address to listen on (default 0.0.0.0: every address of this machine)")
    parser.add_argument("--port", help="port to listen on (default 8900; 0: a free one)")
    add_configuration_flags(parser)


def configuration(arguments: argparse.Namespace) -> config.Loaded:
    """The configuration in force for these arguments, whose log level counts from here on. Raises ConfigError."""
    flags = {name: value for name, value in vars(arguments).items() if name in config.OPTIONS and value != []}
    loaded = config.load(flags, arguments.config_file)
    logs.to_screen(loaded.config.log_level)
    return loaded


def tell(sentence: str) -> None:
    """Say it to the person at the terminal, beside what the command prints as its result."""
    print(f"lvs: {logs.one_line(sentence)}", file=sys.stderr)
