"""Serve the videos in the library folders to browsers."""

import argparse

from lvs.arguments import add_server_flags, configuration


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what and where to serve."""
    add_server_flags(parser)
    parser.epilog = "Ends on Ctrl+C. Every option, also those without a flag: docs/configuration.md and `lvs config`."


def run(arguments: argparse.Namespace) -> int:
    """Serve until told to stop."""
    loaded = configuration(arguments)

    from lvs.app import create_app
    from lvs.server import serve

    serve(loaded, create_app, say=lambda line: print(line, flush=True))
    return 0
