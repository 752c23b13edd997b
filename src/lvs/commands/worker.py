"""Look into films for an LVS on another machine, which starts this over SSH."""

import argparse

DEFAULT_MEMORY_BYTES = 2 << 30


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare --memory."""
    parser.add_argument(
        "--memory", type=int, default=DEFAULT_MEMORY_BYTES, metavar="BYTES", help="limit of memory"
    )
    parser.epilog = (
        "It reads requests as JSON lines and writes answers, nothing else. On the other machine "
        "set LVS_WORKERS=local,ssh://USER@HOST?root=/FOLDER; see docs/configuration.md."
    )


def run(arguments: argparse.Namespace) -> int:
    """Answer until the connection ends."""
    from lvs.services.media.remote_worker import main

    main(arguments.memory)
    return 0
