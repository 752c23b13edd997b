"""Analyse films, or convert one, for an LVS on another machine, which starts this over SSH."""

import argparse

from lvs.worker_address import WorkerKind

DEFAULT_MEMORY_BYTES = 2 << 30


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare --kind and --memory."""
    parser.add_argument(
        "--kind",
        type=WorkerKind,
        choices=list(WorkerKind),
        default=WorkerKind.PROBE,
        help="analyse films, or convert one for playback",
    )
    parser.add_argument(
        "--memory", type=int, default=DEFAULT_MEMORY_BYTES, metavar="BYTES", help="limit of memory"
    )
    parser.epilog = (
        "It reads requests as JSON lines and writes answers, nothing else. On the other machine "
        "set LVS_WORKERS=local,ssh://USER@HOST?root=/FOLDER; see docs/configuration.md."
    )


def run(arguments: argparse.Namespace) -> int:
    """Answer until the connection ends."""
    if arguments.kind is WorkerKind.PLAYER:
        from lvs.services.playback import remote_player

        remote_player.main(arguments.memory)
    else:
        from lvs.services.media import remote_worker

        remote_worker.main(arguments.memory)
    return 0
