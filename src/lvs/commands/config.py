"""Show every option, its value, and where the value comes from."""

import argparse
import json

from lvs import config, logs
from lvs.services.network.served import server_urls
from lvs.terminal import add_server_flags, configuration, print_message


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags of `serve`, whose effect can so be looked at, and --json."""
    add_server_flags(parser)
    parser.add_argument("--json", action="store_true", help="print a JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Print the configuration in force."""
    loaded = configuration(arguments)
    for message in loaded.warnings:
        print_message(message)
    values = {name: getattr(loaded.config, name) for name in config.OPTIONS}
    if arguments.json:
        rows = {
            name: {"value": config.plain(value), "from": loaded.origins[name]}
            for name, value in values.items()
        }
        print(json.dumps(rows, indent=2))
    else:
        # Comments, so that the lines can still be read as options.
        for address in server_urls(loaded.config):
            print(logs.one_line(f"# {address}"))
        for name, value in values.items():
            print(logs.one_line(f"{name} = {config.as_text(value)}  ({loaded.origins[name]})"))
    return 0
