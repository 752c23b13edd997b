"""Check the data folder: what is damaged, missing or out of step, and how to repair it."""

import argparse
import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import asdict

from lvs.errors import Unavailable
from lvs.logs import one_line
from lvs.terminal import ProgressLine, add_configuration_flags, configuration

if TYPE_CHECKING:
    from lvs.config import Config
    from lvs.services.backup.check import CheckResult, Finding

FOUND = 1  # exit code: something is not as it should be


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare how it is told."""
    parser.add_argument(
        "--mend", action="store_true", help="make anew what is derived: the gallery and the search"
    )
    parser.add_argument("--json", action="store_true", help="print what was found as a JSON object")
    add_configuration_flags(parser)
    parser.epilog = (
        "Works while LVS is running. Ends with 0 where all is well, 1 where something was found, 2"
        " where it cannot check."
    )


def run(arguments: argparse.Namespace) -> int:
    """Print what was found and how to repair it."""
    from lvs.services.backup.check import check_data

    config = configuration(arguments, quiet=True).config
    if not config.data_directory.is_dir():
        raise Unavailable(f"There is no data folder {config.data_directory}.")
    backups = config.data_directory / "backups"
    if arguments.mend:
        asyncio.run(_repair(config))
    with ProgressLine() as meter:
        checked = check_data(
            config.metadata_db,
            backups,
            say=lambda what: meter.say(f"Checking {what} …"),
            second_place=Path(config.backup_directory) if config.backup_directory else None,
        )
    print(_as_json(checked) if arguments.json else _as_text(checked))
    return FOUND if checked.findings else 0


async def _repair(config: "Config") -> None:
    from lvs.db.check import repair
    from lvs.db.database import Database

    database = Database.from_config(config)
    await database.open()
    try:
        await repair(database)
    finally:
        await database.close()


def _as_text(checked: "CheckResult") -> str:
    from lvs.services.backup.backups import in_words

    lines = []
    if checked.examined and not checked.examined.problems:
        lines.append(f"The database is sound: {in_words(checked.examined.counts)}.")
    if checked.newest_good:
        lines.append(f"The newest good backup is {checked.newest_good.path}.")
    for finding in checked.findings:
        lines.append(f"{finding.message} {finding.repair}")
        lines += [f"    {example}" for example in finding.examples]
    return "\n".join(map(one_line, lines))


def _as_json(checked: "CheckResult") -> str:
    return json.dumps(
        {
            "fine": not checked.findings,
            "counts": asdict(checked.examined.counts) if checked.examined else None,
            "newest_good_backup": str(checked.newest_good.path) if checked.newest_good else None,
            "findings": [_finding(finding) for finding in checked.findings],
        },
        indent=2,
    )


def _finding(finding: "Finding") -> dict[str, object]:
    """The finding as it stands in the JSON, where `repair` has always been called `mend`."""
    return {"mend" if name == "repair" else name: value for name, value in asdict(finding).items()}
