"""Write ratings, tags, favorites, views and playlists to a file or to stdout."""

import argparse
import contextlib
import os
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import IO

from lvs.errors import NotFound
from lvs.terminal import add_configuration_flags, configuration, tell


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the format and where it goes."""
    parser.add_argument(
        "--format",
        choices=("json", "csv"),
        default="json",
        help="json (everything) or csv (videos only)",
    )
    parser.add_argument(
        "--output",
        metavar="FILE",
        type=Path,
        help="write FILE in place of stdout; it is there whole or not at all",
    )
    add_configuration_flags(parser)
    parser.epilog = (
        "Videos whose files are missing are exported too. What the fields mean: docs/import.md."
    )


def run(arguments: argparse.Namespace) -> int:
    """Write the export."""
    loaded = configuration(arguments, quiet=True)

    import asyncio

    from lvs.db.database import Database
    from lvs.services.backup.export import as_csv, as_json

    for message in loaded.warnings:
        tell(message)
    config = loaded.config
    if not config.metadata_db.exists():
        raise NotFound(
            f"There is no LVS database {config.metadata_db}. Say with --data where the data lies."
        )
    database = Database(config.metadata_db, backup_folder=config.data_directory / "backups")

    async def write(file: IO[bytes]) -> None:
        await database.open()
        try:
            pieces: AsyncIterator[bytes] = (
                as_csv(database) if arguments.format == "csv" else as_json(database)
            )
            async with contextlib.aclosing(pieces):  # type: ignore[type-var]
                async for piece in pieces:
                    file.write(piece)
        finally:
            await database.close()

    with _output(arguments.output) as file:
        asyncio.run(write(file))
    return 0


@contextlib.contextmanager
def _output(path: Path | None) -> Iterator[IO[bytes]]:
    if path is None:
        yield sys.stdout.buffer
        return
    partial = path.with_name(f".{path.name}.partial")
    try:
        with partial.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
