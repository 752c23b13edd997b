"""Take over ratings, tags, favorites, plays and playlists from another program."""

import argparse
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from lvs.errors import Invalid, NotFound
from lvs.import_report import add_import_flags, first_lines, given_lines, import_and_report, listed
from lvs.terminal import ProgressLine, configuration, print_message
from lvs.text import plural

if TYPE_CHECKING:
    from lvs.db.database import Database
    from lvs.services.imports.foreign_library import ForeignLibrary
    from lvs.services.imports.importer import ForeignReport

FILES = {
    "stash": ("stash-go.sqlite",),
    "xbvr": ("main.db",),
    "jellyfin": ("jellyfin.db", "data/jellyfin.db"),
    "digikam": ("digikam4.db",),
    "nfo": (),
}

_WAYS = {
    "own_hash": "LVS's own hash",
    "oshash": "content",
    "path": "path",
    "path_end": "path below the library folder",
    "name": "name, size and length",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the program, what is read and how it is reported."""
    parser.add_argument("program", choices=sorted(FILES), help="the other program")
    parser.add_argument(
        "path",
        metavar="PATH",
        type=Path,
        help="its database, or the folder that holds it; for nfo: a folder with .nfo files",
    )
    parser.add_argument("--user", default="", metavar="NAME", help="whose stars, of Jellyfin's")
    add_import_flags(parser, "the other program")


def run(arguments: argparse.Namespace) -> int:
    """Import; 1 where something was not understood."""
    loaded = configuration(arguments, quiet=True)
    for message in loaded.warnings:
        print_message(message)
    if arguments.user and arguments.program != "jellyfin":
        raise Invalid("--user is for Jellyfin, which keeps stars for each user.")
    path = _file(arguments.program, arguments.path)
    if arguments.report and arguments.report.exists() and arguments.report.samefile(path):
        raise Invalid(f"{path} is what is read. Write the report to another file.")
    library = _reader(arguments.program)(path, arguments.user)

    async def take(database: "Database", meter: ProgressLine) -> "ForeignReport":
        from lvs.services.events import Events
        from lvs.services.imports.importer import ForeignImport

        return await ForeignImport(database, Events()).take(
            library, arguments.dry_run, lambda done, total: meter.say(f"{done} of {total} films")
        )

    return import_and_report(arguments, loaded.config, take, _summary)


def _file(program: str, path: Path) -> Path:
    """The database in a folder, or the path as it is. Raises NotFound."""
    if not path.exists():
        raise NotFound(f"{path} is not there.")
    if not path.is_dir() or not FILES[program]:
        return path
    for name in FILES[program]:
        if (path / name).is_file():
            return path / name
    raise NotFound(f"There is no {FILES[program][0]} in {path}. Name the database itself.")


def _reader(program: str) -> "Callable[[Path, str], ForeignLibrary]":
    from lvs.services.imports import digikam, jellyfin, nfo, stash, xbvr

    return {
        "digikam": digikam.read,
        "jellyfin": jellyfin.read,
        "nfo": nfo.read,
        "stash": stash.read,
        "xbvr": xbvr.read,
    }[program]


def _summary(report: "ForeignReport", written: Path | None) -> Iterator[str]:
    given, library = report.given, report.library
    if given.dry_run:
        yield "Dry run: nothing was changed. This is what would be:"
    version = f" ({library.version})" if library.version else ""
    yield (
        f"Read:           {plural(len(library.videos), 'film')} of {library.program}{version};"
        f" {report.nothing} of them have nothing to take"
    )
    ways = [
        f"{report.matched[way]} by {words}" for way, words in _WAYS.items() if report.matched[way]
    ]
    yield f"Found:          {listed(ways)}"
    yield from given_lines(given)
    if report.unmatched:
        yield f"Not found:      {plural(len(report.unmatched), 'film')}"
        yield from first_lines(
            f"{foreign.path or foreign.name}: {foreign.why}" for foreign in report.unmatched
        )
    if report.not_understood:
        yield f"Not understood: {plural(report.not_understood, 'place')}"
        yield from first_lines(library.not_understood)
    yield from (f"Left out:       {message}" for message in library.left_out)
    if written:
        yield f"The whole report is in {written}."
