"""Make a backup of everything people gave their videos."""

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lvs.errors import Conflict, Unavailable
from lvs.terminal import ProgressLine, add_configuration_flags, configuration, report

if TYPE_CHECKING:
    from lvs.db.backup import Backup


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare where it goes."""
    parser.add_argument(
        "--output",
        metavar="FILE",
        type=Path,
        help="write it to FILE, or into a folder that is there",
    )
    parser.add_argument("--json", action="store_true", help="print what was made as a JSON object")
    add_configuration_flags(parser)
    parser.epilog = (
        "Works while LVS is running. Without --output it goes to the folder `backups` in the data"
        " folder."
    )


def run(arguments: argparse.Namespace) -> int:
    """Make a backup, check it, and say what it holds."""
    from lvs.services.backup.backups import MANUAL, in_words, make

    config = configuration(arguments, quiet=True).config
    database: Path = config.metadata_db
    output: Path | None = arguments.output
    if not database.is_file():
        raise Unavailable(f"There is no database {database}: this data folder was never used.")
    with ProgressLine() as meter:
        made: Backup | None
        if output and not output.is_dir():
            made = _to_file(database, output, meter)
        else:
            folder = output or config.data_directory / "backups"
            made = make(database, folder, MANUAL, meter.shares("copying"))
    if made is None:
        report("The database is empty: there is nothing to back up.")
    else:
        report(f"{made.path} holds {in_words(made.counts)}.")
    if arguments.json:
        print(json.dumps(_plain(made)))
    return 0


def _to_file(database: Path, output: Path, meter: ProgressLine) -> "Backup":
    """The database alone, under the name that was asked for; a file that is there is never written
    over.
    """
    from datetime import UTC, datetime

    from lvs.db import backup
    from lvs.services.backup.backups import MANUAL

    if output.exists():
        raise Conflict(f"{output} is there already. Name a file that is not.")
    if not output.absolute().parent.is_dir():
        raise Unavailable(f"There is no folder {output.absolute().parent}.")
    partial = output.with_name(f".{output.name}.partial")
    partial.unlink(missing_ok=True)
    try:
        examined = backup.copy(database, partial, meter.shares("copying"))
        backup.sync(partial)
        partial.rename(output)
        backup.sync(output.absolute().parent)
    finally:
        partial.unlink(missing_ok=True)
    return backup.Backup(output, MANUAL, datetime.now(UTC), output.stat().st_size, examined)


def _plain(made: "Backup | None") -> dict[str, Any]:
    from msgspec.structs import asdict

    if made is None:
        return {"path": None}
    return {
        "path": str(made.path),
        "made_at": made.made_at.isoformat(),
        "size_bytes": made.size_bytes,
        "counts": asdict(made.counts),
    }
