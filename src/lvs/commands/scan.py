"""Scan the library folders once and add what is new."""

import argparse
import json
import os
import sys
from typing import TYPE_CHECKING

from msgspec.structs import asdict

from lvs import logs
from lvs.errors import Conflict, Invalid
from lvs.terminal import ProgressLine, add_configuration_flags, configuration, print_message

if TYPE_CHECKING:
    from lvs.services.scan_once import ScanResult

PROBLEMS = 1  # exit code: the scan is done, and something stood in its way


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what is scanned and how it is told."""
    parser.add_argument(
        "video_directory",
        metavar="LIBRARY",
        nargs="*",
        help=(
            "a folder with videos; without one those that are configured, or else those that are"
            " known from before"
        ),
    )
    parser.add_argument(
        "--no-look",
        action="store_true",
        help="do not analyse new videos (length, size, poster) now",
    )
    parser.add_argument("--json", action="store_true", help="print a JSON object")
    add_configuration_flags(parser)
    parser.epilog = (
        "Folders that are known from before stay in the library. Exit code: 0 done, 1 with"
        " problems, 2 not done."
    )


def run(arguments: argparse.Namespace) -> int:
    """Scan once; 1 where something stood in the way."""
    loaded = configuration(arguments, quiet=True)

    import asyncio

    from lvs.folders import check_libraries, make_data_folder
    from lvs.lock import single_instance
    from lvs.services.bundle import build
    from lvs.services.scan_once import scan_once

    for message in loaded.warnings:
        print_message(message)
    config = loaded.config
    if config.video_directory:
        for message in check_libraries(loaded):
            print_message(message)
    elif not config.metadata_db.exists():
        raise Invalid(
            "No library folder is known yet. Say which folder holds the videos: lvs scan FOLDER, or"
            " set video_directory."
        )
    make_data_folder(config.data_directory)
    probe = not arguments.no_look
    try:
        with single_instance(config.data_directory):
            pass
    except Conflict:
        probe = False  # the server that runs probes what is new by itself
    with ProgressLine() as meter:
        found = asyncio.run(scan_once(build(config), probe, meter.say))
    if arguments.json:
        print(json.dumps(_fields(found), indent=2))
    elif sys.stdout.isatty():
        print(_text(found))
    for message in found.problems:
        print_message(message)
    return PROBLEMS if found.problems else 0


def _fields(found: "ScanResult") -> dict[str, object]:
    libraries = [
        {
            "path": os.fsdecode(each.path),
            "name": each.name,
            "videos": each.files,
            "offline": each.offline,
        }
        for each in found.libraries
    ]
    fields = asdict(found) | {"libraries": libraries, "problems": list(found.problems)}
    return {"looked" if name == "probed" else name: value for name, value in fields.items()}


def _text(found: "ScanResult") -> str:
    numbers = {
        "new": found.added,
        "changed or moved": found.changed,
        "missing": found.missing,
        "unreadable": found.unreadable,
        "found what was kept from the original for them": found.attached,
    }
    counts = (
        ", ".join(f"{number} {what}" for what, number in numbers.items() if number) or "nothing new"
    )
    lines = [f"{os.fsdecode(each.path)}: {each.files} videos" for each in found.libraries]
    return "\n".join(map(logs.one_line, [*lines, f"{found.seen} files seen: {counts}."]))
