"""Serve the videos in the library folders to browsers."""

import argparse
import gc

from lvs.terminal import add_server_flags, configuration


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what and where to serve."""
    add_server_flags(parser)
    parser.epilog = "Ends on Ctrl+C. Every option, also those without a flag: docs/configuration.md and `lvs config`."


def run(arguments: argparse.Namespace) -> int:
    """Serve until told to stop."""
    # what is imported from here on stays: looking for garbage in it takes a tenth of the time
    gc.disable()
    loaded = configuration(arguments)

    from lvs.server import application, serve

    serve(loaded, application, say=lambda line: print(line, flush=True))
    return 0
