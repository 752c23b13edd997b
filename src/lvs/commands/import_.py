"""Take over ratings, tags, favorites, plays and playlists from another program."""

import argparse
import contextlib
import json
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from lvs import logs
from lvs.errors import Invalid, NotFound
from lvs.terminal import Meter, add_configuration_flags, configuration, tell
from lvs.text import plural

if TYPE_CHECKING:
    from lvs.config import Config
    from lvs.services.imports.film import ForeignLibrary
    from lvs.services.imports.importer import ForeignReport

NOT_UNDERSTOOD = 1  # exit code: what could be read is taken, and something could not
LISTED = 20  # lines of each kind; the report has all
FILES = {
    "stash": ("stash-go.sqlite",),
    "xbvr": ("main.db",),
    "jellyfin": ("jellyfin.db", "data/jellyfin.db"),
    "digikam": ("digikam4.db",),
    "nfo": (),
}

_WORDS = {
    "rating": ("rating", "ratings"),
    "views": ("view count", "view counts"),
    "tag": ("tag", "tags"),
    "favorite": ("favorite", "favorites"),
    "watched": ("film watched", "films watched"),
    "position": ("position", "positions"),
    "title": ("title", "titles"),
    "markers": ("film with markers", "films with markers"),
    "playlist": ("place in a playlist", "places in playlists"),
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
    parser.add_argument("--dry-run", action="store_true", help="only say what would be taken")
    parser.add_argument(
        "--report", metavar="FILE", type=Path, help="write everything to FILE, as JSON"
    )
    parser.add_argument(
        "--json", action="store_true", help="print that JSON in place of the summary"
    )
    add_configuration_flags(parser)
    parser.epilog = (
        "Nothing of the other program is changed, and doing it twice is like doing it once. More:"
        " docs/import.md."
    )


def run(arguments: argparse.Namespace) -> int:
    """Import; 1 where something was not understood."""
    loaded = configuration(arguments, quiet=True)

    import asyncio

    from lvs.folders import make_data_folder

    for message in loaded.warnings:
        tell(message)
    if arguments.user and arguments.program != "jellyfin":
        raise Invalid("--user is for Jellyfin, which keeps stars for each user.")
    path = _file(arguments.program, arguments.path)
    if arguments.report and arguments.report.exists() and arguments.report.samefile(path):
        raise Invalid(f"{path} is what is read. Write the report to another file.")
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
        library = _reader(arguments.program)(path, arguments.user)
        report = asyncio.run(_import(library, config, database, arguments.dry_run, meter))
        fields = json.dumps(report.to_json(), indent=2)
        if arguments.report:
            _write(arguments.report, fields)
    print(
        fields
        if arguments.json
        else "\n".join(map(logs.one_line, _summary(report, arguments.report)))
    )
    return NOT_UNDERSTOOD if report.not_understood else 0


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


async def _import(
    library: "ForeignLibrary", config: "Config", database: Path, dry_run: bool, meter: Meter
) -> "ForeignReport":
    from lvs.db.database import Database
    from lvs.services.events import Events
    from lvs.services.imports.importer import ForeignImport

    opened = Database(database, backup_folder=config.data_directory / "backups")
    await opened.open()
    try:
        return await ForeignImport(opened, Events()).take(
            library, dry_run, lambda done, total: meter.say(f"{done} of {total} films")
        )
    finally:
        await opened.close()


def _write(path: Path, text: str) -> None:
    partial = path.with_name(f".{path.name}.partial")
    try:
        partial.write_text(text + "\n", encoding="utf-8")
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def _summary(report: "ForeignReport", written: Path | None) -> Iterator[str]:
    given, library = report.given, report.library
    if given.dry_run:
        yield "Dry run: nothing was changed. This is what would be:"
    version = f" ({library.version})" if library.version else ""
    yield (
        f"Read:           {plural(len(library.films), 'film')} of {library.program}{version};"
        f" {report.nothing} of them have nothing to take"
    )
    ways = [
        f"{report.matched[way]} by {words}" for way, words in _WAYS.items() if report.matched[way]
    ]
    yield f"Found:          {_listed(ways)}"
    playlists = [plural(given.new_playlists, "playlist")] if given.new_playlists else []
    yield f"Taken:          {_listed([*_counts(each.what for each in given.taken), *playlists])}"
    yield f"Already there:  {_listed(_counts(each.what for each in given.already))}"
    if given.different:
        yield (
            "There, but different, and left as it is:"
            f" {_listed(_counts(each.what for each in given.different))}"
        )
        yield from _some(
            f"{each.name}: {each.what} {each.value} there, {each.here} here"
            for each in given.different
        )
    if report.unmatched:
        yield f"Not found:      {plural(len(report.unmatched), 'film')}"
        yield from _some(f"{film.path or film.name}: {film.why}" for film in report.unmatched)
    if report.not_understood:
        yield f"Not understood: {plural(report.not_understood, 'place')}"
        yield from _some(library.not_understood)
    yield from (f"Left out:       {message}" for message in library.left_out)
    if written:
        yield f"The whole report is in {written}."


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
