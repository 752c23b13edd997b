"""Write ratings, tags, favorites, views and playlists to a file or to stdout."""

import argparse
import contextlib
import os
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING

from lvs import logs
from lvs.errors import Invalid, NotFound
from lvs.terminal import ProgressLine, add_configuration_flags, configuration, print_message
from lvs.text import plural

if TYPE_CHECKING:
    from lvs.config import Config
    from lvs.db.database import Database


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
    beside = parser.add_mutually_exclusive_group()
    beside.add_argument(
        "--nfo",
        metavar="DIR",
        type=Path,
        help="write a .nfo for each video, as Kodi and Jellyfin read them, into folders below DIR",
    )
    beside.add_argument(
        "--sidecar",
        metavar="DIR",
        type=Path,
        help="write a JSON file for each video into folders below DIR",
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
        print_message(message)
    config = loaded.config
    if not config.metadata_db.exists():
        raise NotFound(
            f"There is no LVS database {config.metadata_db}. Say with --data where the data lies."
        )
    database = Database.from_config(config)
    if arguments.nfo or arguments.sidecar:
        if arguments.output:
            raise Invalid("--output is for one file; --nfo and --sidecar write many.")
        return asyncio.run(_side_files(arguments, config, database))

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


async def _side_files(arguments: argparse.Namespace, config: "Config", database: "Database") -> int:
    """Write a file for each video; 1 where one got none."""
    from lvs.services.backup.side_files import SideFileKind, SideFilesExport

    kind = SideFileKind.NFO if arguments.nfo else SideFileKind.SIDECAR
    folder: Path = arguments.nfo or arguments.sidecar
    await database.open()
    try:
        with ProgressLine() as meter:
            own = (config.data_directory, config.thumbnail_directory)
            export = SideFilesExport(database, folder, kind, config.video_directory, own)
            report = await export.write(lambda done: meter.say(f"{done} files"))
    finally:
        await database.close()
    for name, why in report.skipped:
        print_message(f"{name}: {why}.")
    print(f"{plural(report.written, 'file')} written into {logs.one_line(str(folder))}.")
    return 1 if report.skipped else 0


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
