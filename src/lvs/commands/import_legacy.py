"""Take over ratings, views, tags, favorites and playlists from the original Local Video Server."""

import argparse
import contextlib
import json
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from lvs import logs
from lvs.errors import Invalid, NotFound
from lvs.terminal import Meter, add_configuration_flags, configuration, tell
from lvs.text import plural

if TYPE_CHECKING:
    from lvs.config import Config
    from lvs.services.legacy.importer import ImportReport
    from lvs.services.legacy.reader import ParseIssue

NOT_UNDERSTOOD = 1  # exit code: what could be read is taken, and something could not
LISTED = 20  # lines of each kind; the report has all

_WORDS = {
    "rating": ("rating", "ratings"),
    "views": ("view count", "view counts"),
    "tag": ("tag", "tags"),
    "favorite": ("favorite", "favorites"),
    "added_at": ("time of adding", "times of adding"),
    "playlist": ("place in a playlist", "places in playlists"),
}


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
    parser.add_argument("--dry-run", action="store_true", help="only say what would be taken")
    parser.add_argument(
        "--report",
        metavar="FILE",
        type=Path,
        help="write everything that was found to FILE, as JSON",
    )
    parser.add_argument(
        "--json", action="store_true", help="print that JSON in place of the summary"
    )
    add_configuration_flags(parser)
    parser.epilog = (
        "Nothing of the original is changed, and doing it twice is like doing it once. More:"
        " docs/import.md."
    )


def run(arguments: argparse.Namespace) -> int:
    """Import; 1 where something was not understood."""
    loaded = configuration(arguments, quiet=True)

    import asyncio

    from lvs.folders import make_data_folder

    for message in loaded.warnings:
        tell(message)
    for path in arguments.paths:
        if not path.exists():
            raise NotFound(f"{path} is not there.")
    config = loaded.config
    with contextlib.ExitStack() as stack:
        database = config.metadata_db
        if arguments.dry_run and not database.exists():
            database = (
                Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="lvs-"))) / "lvs.db"
            )
        else:
            make_data_folder(config.data_directory)
        meter = stack.enter_context(Meter())
        report = asyncio.run(_import(arguments, config, database, meter))
        fields = json.dumps(report.to_json(), indent=2)
        if arguments.report:
            _write(arguments.report, fields)
    print(
        fields
        if arguments.json
        else "\n".join(map(logs.one_line, _summary(report, arguments.report)))
    )
    return NOT_UNDERSTOOD if report.not_understood else 0


async def _import(
    arguments: argparse.Namespace, config: "Config", database: Path, meter: Meter
) -> "ImportReport":
    import asyncio

    from lvs.config import VIDEO_FORMATS
    from lvs.db.database import Database
    from lvs.services.events import Events
    from lvs.services.legacy.importer import LegacyImport
    from lvs.services.legacy.reader import read
    from lvs.services.legacy.sources import find

    opened = Database(database, backup_folder=config.data_directory / "backups")
    await opened.open()
    try:
        service = LegacyImport(opened, Events())
        formats = {*VIDEO_FORMATS, *config.supported_formats}
        search = await asyncio.to_thread(find, arguments.paths, formats, await service.libraries())
        if not search.sources:
            raise Invalid(
                "There is nothing of the original Local Video Server in"
                f" {', '.join(map(str, arguments.paths))}."
            )
        if arguments.report and any(
            _same(arguments.report, source.path) for source in search.sources
        ):
            raise Invalid(
                f"{arguments.report} is a file of the original. Write the report to another."
            )
        original = await asyncio.to_thread(read, search, lambda path: meter.say(f"reading {path}"))
        return await service.take(
            original, arguments.dry_run, lambda done, total: meter.say(f"{done} of {total} names")
        )
    finally:
        await opened.close()


def _same(one: Path, other: Path) -> bool:
    with contextlib.suppress(OSError):
        return one.samefile(other)
    return False


def _write(path: Path, text: str) -> None:
    partial = path.with_name(f".{path.name}.partial")
    try:
        partial.write_text(text + "\n", encoding="utf-8")
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def _summary(report: "ImportReport", written: Path | None) -> Iterator[str]:
    if report.dry_run:
        yield "Dry run: nothing was changed. This is what would be:"
    used = [file for file in report.original.files if file.used]
    yield (
        f"Read:           {len(used)} files of the original;"
        f" {len(report.original.files) - len(used)} more were not needed"
    )
    playlists = (
        [plural(report.new_playlists, "playlist", "playlists")] if report.new_playlists else []
    )
    yield f"Taken:          {_listed([*_counts(item.what for item in report.taken), *playlists])}"
    yield f"Already there:  {_listed(_counts(item.what for item in report.already))}"
    if report.different:
        yield (
            "There, but different, and left as it is:"
            f" {_listed(_counts(item.what for item in report.different))}"
        )
        yield from _some(
            f"{item.name}: {item.what} {item.value} there, {item.here} here"
            for item in report.different
        )
    if report.kept:
        yield (
            f"No such file:   {plural(len(report.kept), 'name', 'names')}, kept until the file"
            " appears"
        )
        if report.library_known:
            yield from _some(f"{kept.name}: {kept.why}" for kept in report.kept)
        else:
            yield (
                "  No library folder has been scanned yet; `lvs scan FOLDER` or `lvs serve FOLDER`"
                " will find the videos."
            )
    if report.not_understood:
        yield f"Not understood: {plural(report.not_understood, 'place', 'places')}"
        yield from _some(_place(puzzle) for puzzle in report.original.puzzles)
    yield from (f"Left out:       {message}" for message in report.original.left_out)
    if written:
        yield f"The whole report is in {written}."


def _place(puzzle: "ParseIssue") -> str:
    where = f", line {puzzle.line}" if puzzle.line else f", {puzzle.row}" if puzzle.row else ""
    return f"{puzzle.file}{where}: {puzzle.why}"


def _some(lines: Iterable[str]) -> Iterator[str]:
    every = list(lines)
    yield from (f"  {line}" for line in every[:LISTED])
    if len(every) > LISTED:
        yield f"  … and {len(every) - LISTED} more; --report FILE lists them all"


def _counts(whats: Iterable[str]) -> list[str]:
    counts = Counter(whats)
    return [plural(counts[what], *words) for what, words in _WORDS.items() if counts[what]]


def _listed(parts: list[str]) -> str:
    return ", ".join(parts) or "nothing"
