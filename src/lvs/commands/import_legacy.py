"""Take over ratings, views, tags, favorites and playlists from the original Local Video Server."""

import argparse
import contextlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from lvs.errors import Invalid, NotFound
from lvs.import_report import add_import_flags, first_lines, given_lines, import_and_report
from lvs.terminal import ProgressLine, configuration, print_message
from lvs.text import plural

if TYPE_CHECKING:
    from lvs.db.database import Database
    from lvs.services.legacy.importer import ImportReport
    from lvs.services.legacy.reader import ParseIssue


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what is read and how it is reported."""
    parser.add_argument(
        "paths",
        metavar="PATH",
        nargs="+",
        type=Path,
        help=(
            "the original's folder, its video_metadata.db, one of its JSON files, or a folder with"
            " sidecars beside the videos"
        ),
    )
    add_import_flags(parser, "the original")


def run(arguments: argparse.Namespace) -> int:
    """Import; 1 where something was not understood."""
    loaded = configuration(arguments, quiet=True)
    for message in loaded.warnings:
        print_message(message)
    for path in arguments.paths:
        if not path.exists():
            raise NotFound(f"{path} is not there.")
    formats = loaded.config.supported_formats

    async def take(database: "Database", meter: ProgressLine) -> "ImportReport":
        return await _take(arguments, formats, database, meter)

    return import_and_report(arguments, loaded.config, take, _summary)


async def _take(
    arguments: argparse.Namespace, formats: Iterable[str], database: "Database", meter: ProgressLine
) -> "ImportReport":
    import asyncio

    from lvs.config import VIDEO_FORMATS
    from lvs.services.events import Events
    from lvs.services.legacy.importer import LegacyImport
    from lvs.services.legacy.reader import read
    from lvs.services.legacy.sources import find

    service = LegacyImport(database, Events())
    known = {*VIDEO_FORMATS, *formats}
    search = await asyncio.to_thread(find, arguments.paths, known, await service.libraries())
    if not search.sources:
        raise Invalid(
            "No files of the original Local Video Server were found in"
            f" {', '.join(map(str, arguments.paths))}."
        )
    if arguments.report and any(_same(arguments.report, source.path) for source in search.sources):
        raise Invalid(f"{arguments.report} is a file of the original. Write the report to another.")
    original = await asyncio.to_thread(read, search, lambda path: meter.say(f"reading {path}"))
    return await service.take(
        original, arguments.dry_run, lambda done, total: meter.say(f"{done} of {total} names")
    )


def _same(one: Path, other: Path) -> bool:
    with contextlib.suppress(OSError):
        return one.samefile(other)
    return False


def _summary(report: "ImportReport", written: Path | None) -> Iterator[str]:
    if report.dry_run:
        yield "Dry run: nothing was changed. This is what would be:"
    used = [file for file in report.original.files if file.used]
    yield (
        f"Read:           {len(used)} files of the original;"
        f" {len(report.original.files) - len(used)} more were not needed"
    )
    yield from given_lines(report)
    if report.kept:
        yield (
            f"No such file:   {plural(len(report.kept), 'name', 'names')}, kept until the file"
            " appears"
        )
        if report.library_known:
            yield from first_lines(f"{kept.name}: {kept.why}" for kept in report.kept)
        else:
            yield (
                "  No library folder has been scanned yet; `lvs scan FOLDER` or `lvs serve FOLDER`"
                " will find the videos."
            )
    if report.not_understood:
        yield f"Not understood: {plural(report.not_understood, 'place', 'places')}"
        yield from first_lines(_place(issue) for issue in report.original.issues)
    yield from (f"Left out:       {message}" for message in report.original.left_out)
    if written:
        yield f"The whole report is in {written}."


def _place(issue: "ParseIssue") -> str:
    where = f", line {issue.line}" if issue.line else f", {issue.row}" if issue.row else ""
    return f"{issue.file}{where}: {issue.why}"
