"""Parts that the commands which import share: flags, the database, the report and its summary."""

import argparse
import contextlib
import json
import tempfile
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from lvs import logs
from lvs.terminal import ProgressLine, add_configuration_flags
from lvs.text import plural

if TYPE_CHECKING:
    from lvs.config import Config
    from lvs.db.database import Database
    from lvs.services.legacy.importer import ImportReport

NOT_UNDERSTOOD = 1  # exit code: what could be read is taken, and something could not
LISTED = 20  # lines of each kind; the report has all
WORDS = {
    "rating": ("rating", "ratings"),
    "views": ("view count", "view counts"),
    "tag": ("tag", "tags"),
    "favorite": ("favorite", "favorites"),
    "watched": ("film watched", "films watched"),
    "position": ("position", "positions"),
    "title": ("title", "titles"),
    "markers": ("film with markers", "films with markers"),
    "added_at": ("time of adding", "times of adding"),
    "playlist": ("place in a playlist", "places in playlists"),
}


class Report(Protocol):
    """The outcome of an import."""

    @property
    def not_understood(self) -> int: ...

    def to_json(self) -> dict[str, Any]: ...


R = TypeVar("R", bound=Report)


def add_import_flags(parser: argparse.ArgumentParser, origin: str) -> None:
    """Declare how an import from `origin` is reported."""
    parser.add_argument("--dry-run", action="store_true", help="only say what would be taken")
    parser.add_argument(
        "--report", metavar="FILE", type=Path, help="write everything to FILE, as JSON"
    )
    parser.add_argument(
        "--json", action="store_true", help="print that JSON in place of the summary"
    )
    add_configuration_flags(parser)
    parser.epilog = (
        f"Nothing of {origin} is changed, and doing it twice is like doing it once. More:"
        " docs/import.md."
    )


def import_and_report(
    arguments: argparse.Namespace,
    config: "Config",
    take: Callable[["Database", ProgressLine], Awaitable[R]],
    summary: Callable[[R, Path | None], Iterator[str]],
) -> int:
    """Import into the database, or for a dry run where there is none into an empty one, and report;
    1 where something was not understood.
    """
    import asyncio

    from lvs.folders import make_data_folder

    with contextlib.ExitStack() as stack:
        database = config.metadata_db
        if arguments.dry_run and not database.exists():
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="lvs-"))
            database = Path(folder) / "lvs.db"
        else:
            make_data_folder(config.data_directory)
        meter = stack.enter_context(ProgressLine())
        report = asyncio.run(_with_database(config, database, lambda db: take(db, meter)))
        fields = json.dumps(report.to_json(), indent=2)
        if arguments.report:
            _write(arguments.report, fields)
    lines = summary(report, arguments.report)
    print(fields if arguments.json else "\n".join(map(logs.one_line, lines)))
    return NOT_UNDERSTOOD if report.not_understood else 0


async def _with_database(
    config: "Config", path: Path, work: Callable[["Database"], Awaitable[R]]
) -> R:
    from lvs.db.database import Database

    opened = Database(path, backup_folder=config.data_directory / "backups")
    await opened.open()
    try:
        return await work(opened)
    finally:
        await opened.close()


def _write(path: Path, text: str) -> None:
    partial = path.with_name(f".{path.name}.partial")
    try:
        partial.write_text(text + "\n", encoding="utf-8")
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def given_lines(given: "ImportReport") -> Iterator[str]:
    """Lines of the summary about what was taken, what was there already, and what differs."""
    playlists = [plural(given.new_playlists, "playlist")] if given.new_playlists else []
    yield f"Taken:          {listed([*_counts(each.what for each in given.taken), *playlists])}"
    yield f"Already there:  {listed(_counts(each.what for each in given.already))}"
    if given.different:
        yield (
            "There, but different, and left as it is:"
            f" {listed(_counts(each.what for each in given.different))}"
        )
        yield from first_lines(
            f"{each.name}: {each.what} {each.value} there, {each.here} here"
            for each in given.different
        )


def first_lines(lines: Iterable[str]) -> Iterator[str]:
    """The first of the lines, indented, and how many more there are."""
    every = list(lines)
    yield from (f"  {line}" for line in every[:LISTED])
    if len(every) > LISTED:
        yield f"  … and {len(every) - LISTED} more; --report FILE lists them all"


def listed(parts: list[str]) -> str:
    """The parts as one text."""
    return ", ".join(parts) or "nothing"


def _counts(whats: Iterable[str]) -> list[str]:
    counts = Counter(whats)
    return [plural(counts[what], *words) for what, words in WORDS.items() if counts[what]]
