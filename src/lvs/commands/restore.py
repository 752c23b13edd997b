"""Bring back a backup, or list those there are."""

import argparse
import asyncio
import json
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from msgspec.structs import asdict

from lvs.config import Config
from lvs.errors import DatabaseDamaged, Invalid, NotFound, Unavailable
from lvs.logs import one_line
from lvs.terminal import (
    ProgressLine,
    add_configuration_flags,
    configuration,
    confirmed,
    print_message,
    report,
)

if TYPE_CHECKING:
    from datetime import datetime

    from lvs.db.backup import Backup, BackupCounts
    from lvs.services.backup.restore import RestoreSummary
    from lvs.services.backup.snapshot_reader import Snapshot

PROBLEMS_SHOWN = 20


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what is brought back, and that it may be."""
    parser.add_argument(
        "backup",
        metavar="FILE|FOLDER|URL",
        nargs="?",
        help="a backup, its JSON folder, an export, or the address of a replica such as"
        " sftp://me@nas/lvs",
    )
    parser.add_argument(
        "--timestamp", metavar="TIME", help="of a replica, the moment to go back to (ISO 8601)"
    )
    parser.add_argument("--yes", action="store_true", help="do not ask")
    parser.add_argument(
        "--json",
        action="store_true",
        help="print what there is, or what was changed, as a JSON object",
    )
    add_configuration_flags(parser)
    parser.epilog = (
        "A database replaces everything; JSON adds and sets, and takes nothing away. LVS must not"
        " be running. What is there now is kept as a backup first."
    )


def run(arguments: argparse.Namespace) -> int:
    """Say what would change, ask, keep what is there, and bring it back; without FILE list what
    there is.
    """
    from lvs.folders import make_data_folder
    from lvs.lock import single_instance

    config = configuration(arguments, quiet=True).config
    if arguments.backup is None:
        return _list(config, arguments.json)
    if "://" in arguments.backup:
        return _restore_replica(config, arguments)
    if arguments.timestamp:
        raise Invalid("--timestamp goes with the address of a replica only.")
    source = Path(arguments.backup)
    if not source.exists():
        raise NotFound(f"There is no file or folder {source}.")
    make_data_folder(config.data_directory)
    with single_instance(config.data_directory), ProgressLine() as meter:
        if source.is_dir() or source.suffix.lower() == ".json":
            return _restore_json(config, source, arguments, meter)
        return _restore_database(config, source, arguments, meter)


def _list(config: Config, as_json: bool) -> int:
    from lvs.db import backup
    from lvs.services.backup.backups import in_words

    folder = config.data_directory / "backups"
    found = [backup.checked(each) for each in backup.listed(folder)]
    newest = next((each for each in found if each.good and each.counts.videos), None)
    if as_json:
        print(
            json.dumps(
                {
                    "backups": [_plain(each) for each in found],
                    "newest_good": str(newest.path) if newest else None,
                },
                indent=2,
            )
        )
        return 0
    for each in found:
        holds = (
            in_words(each.counts)
            if each.good
            else f"cannot be used: {each.examined.problems[0] if each.examined else ''}"
        )
        print(one_line(f"{each.path}  {each.made_at.astimezone():%Y-%m-%d %H:%M}  {holds}"))
    if newest:
        print(one_line(f"Newest good one: lvs restore {newest.path}"))
    else:
        print(one_line(f"There is no good backup in {folder}."))
    return 0


def _plain(each: "Backup") -> dict[str, Any]:
    return {
        "path": str(each.path),
        "kind": each.kind,
        "made_at": each.made_at.isoformat(),
        "size_bytes": each.size_bytes,
        "good": each.good,
        "problems": list(each.examined.problems) if each.examined else [],
        "counts": asdict(each.counts),
    }


# --- A whole database ---


def _restore_database(
    config: Config, source: Path, arguments: argparse.Namespace, meter: ProgressLine
) -> int:
    from lvs.db import backup, migrate

    if source.resolve() == config.metadata_db.resolve():
        raise Invalid(f"{source} is the database itself.")
    examined = backup.examine(source)
    if examined.problems:
        raise DatabaseDamaged(f"{source} cannot be restored: {examined.problems[0]}.")
    if examined.format > len(migrate.steps()):
        raise Invalid(f"{source} was written by a newer LVS. Update LVS.")
    present, damage = _present(config)
    before, after = asdict(present), asdict(examined.counts)
    lines = [
        f"{name}: {before[name]} now, {after[name]} then"
        for name in after
        if before[name] or after[name]
    ]
    changes = {"now": before, "then": after}
    if not _may(arguments, [f"Everything becomes what it is in {source}:", *lines], changes):
        return 1
    kept = _keep(config, damage, meter)
    backup.put_back(source, config.metadata_db, meter.shares("bringing back"))
    asyncio.run(_bring_up_to_date(config))
    return _done(arguments, changes | {"kept": str(kept) if kept else None}, kept)


async def _bring_up_to_date(config: Config) -> None:
    """Open it once, so that a backup of an older LVS gets the present format now and not before
    somebody's eyes.
    """
    from lvs.db.database import Database

    database = Database.from_config(config)
    await database.open()
    await database.close()


def _restore_replica(config: Config, arguments: argparse.Namespace) -> int:
    """Fetch the database from a replica into a temporary file, and go on as with a backup."""
    from lvs.folders import make_data_folder
    from lvs.lock import single_instance
    from lvs.option_values import valid_replica
    from lvs.services.backup import litestream, replica_restore

    try:
        address = valid_replica(arguments.backup)
    except ValueError as error:
        raise Invalid(f"The address of a replica {error}.") from None
    moment = _moment(arguments.timestamp) if arguments.timestamp else None
    make_data_folder(config.data_directory)
    with (
        single_instance(config.data_directory),
        ProgressLine() as meter,
        TemporaryDirectory(dir=config.data_directory, prefix=".restore-") as folder,
    ):
        meter.say(f"Fetching {litestream.without_query(address)} …")
        replica_restore.fetch(address, Path(folder) / "lvs.db", moment, print_message)
        return _restore_database(config, Path(folder) / "lvs.db", arguments, meter)


def _moment(text: str) -> "datetime":
    """The moment in UTC; without an offset it is local time. Raises Invalid."""
    from datetime import UTC, datetime

    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except ValueError:
        message = f"{text} is no time. Write it as 2026-03-01T18:20:00Z."
        raise Invalid(message) from None


# --- JSON ---


def _restore_json(
    config: Config, source: Path, arguments: argparse.Namespace, meter: ProgressLine
) -> int:
    from lvs.services.backup import snapshot_reader

    snapshot = snapshot_reader.read(source)
    _, damage = _present(config)
    if damage:
        raise DatabaseDamaged(
            f"{damage} Bring back a whole database first: `lvs restore` lists those there are."
        )
    summary = (
        asyncio.run(_restore_summary(config, snapshot, dry_run=True))
        if config.metadata_db.is_file()
        else _everything(snapshot)
    )
    lines = [
        *(
            f"{name.replace('_', ' ')}: {number}"
            for name, number in asdict(summary).items()
            if number
        ),
        *_left_out(snapshot),
    ]
    changes = {"changes": asdict(summary), "problems": snapshot.problems}
    if summary.nothing:
        for line in _left_out(snapshot):
            print_message(line)
        report("Everything in it is in the database already.")
        if arguments.json:
            print(json.dumps(changes | {"kept": None}))
        return 0
    if not _may(arguments, [f"What {source} adds or changes:", *lines], changes):
        return 1
    kept = _keep(config, "", meter)
    asyncio.run(_restore_summary(config, snapshot, dry_run=False))
    return _done(arguments, changes | {"kept": str(kept) if kept else None}, kept)


async def _restore_summary(config: Config, snapshot: "Snapshot", dry_run: bool) -> "RestoreSummary":
    from lvs.db.database import Database
    from lvs.services.backup.restore import restore_records

    database = Database.from_config(config)
    await database.open(anew=True)
    try:
        return await restore_records(
            database,
            snapshot.kept.values(),
            dry_run,
            snapshot.playlists,
            snapshot.people,
            snapshot.tags,
            snapshot.views,
        )
    finally:
        await database.close()


def _everything(snapshot: "Snapshot") -> "RestoreSummary":
    from lvs.services.backup.restore import RestoreSummary

    kept = snapshot.kept.values()
    return RestoreSummary(
        videos=len(kept),
        awaited=len(kept),
        ratings=sum(each.rating is not None for each in kept),
        tags=sum(len(each.tags) for each in kept),
        favorites=sum(each.favorite for each in kept),
        views=sum(each.views for each in kept),
        titles=sum(bool(each.title) for each in kept),
        projections=sum(each.projection is not None for each in kept),
        posters=sum(each.poster is not None for each in kept),
        progress=sum(each.progress_at is not None for each in kept),
        later=sum(each.later_at is not None for each in kept),
        hidden=sum(each.hidden_at is not None for each in kept),
        notes=sum(bool(each.notes) for each in kept),
        markers=sum(bool(each.markers) for each in kept),
        told_apart=sum(len(each.different_from) for each in kept),
        playlists=len(snapshot.playlists),
        playlist_items=sum(len(each.items) for each in snapshot.playlists),
        described_tags=len(snapshot.tags),
        saved_views=len(snapshot.views),
        people=sum(bool(each.name) for each in snapshot.people),
        history=sum(
            len(video.history) for each in snapshot.people for video in each.videos.values()
        ),
    )


def _left_out(snapshot: "Snapshot") -> list[str]:
    lines = [f"not understood: {problem}" for problem in snapshot.problems[:PROBLEMS_SHOWN]]
    if len(snapshot.problems) > PROBLEMS_SHOWN:
        lines.append(f"and {len(snapshot.problems) - PROBLEMS_SHOWN} more that were not understood")
    if snapshot.playlists_left_out:
        lines.append(
            f"{snapshot.playlists_left_out} playlists are left out; a backup of the database brings"
            " those back"
        )
    return lines


# --- Both ---


def _present(config: Config) -> "tuple[BackupCounts, str]":
    """Counts of the present database, and a message where it is damaged."""
    from lvs.db import backup

    if not config.metadata_db.is_file():
        return backup.BackupCounts(), ""
    try:
        examined = backup.examine(config.metadata_db)
    except DatabaseDamaged as error:
        return backup.BackupCounts(), error.message
    if examined.problems and config.metadata_db.stat().st_size:
        return (
            examined.counts,
            f"The database {config.metadata_db} is damaged: {examined.problems[0]}.",
        )
    return examined.counts, ""


def _may(arguments: argparse.Namespace, lines: list[str], changes: dict[str, Any]) -> bool:
    """True with --yes, or after a person has read what changes and agreed."""
    if arguments.yes:
        for line in lines:
            report(line)
        return True
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        if arguments.json:
            print(json.dumps(changes | {"done": False}))
        raise Unavailable(
            f"{lines[0]} {'; '.join(lines[1:])}. Nothing was changed; say --yes to do it."
        )
    for line in lines:
        report(line)
    if confirmed("Do that?"):
        return True
    report("Nothing was changed.")
    return False


def _keep(config: Config, damage: str, meter: ProgressLine) -> Path | None:
    """Keep the present state: as a backup, or where it is damaged put aside as it is.

    Gives its place.
    """
    from lvs.db import backup
    from lvs.services.backup.backups import BEFORE_RESTORE, make

    path = config.metadata_db
    if not path.is_file() or not path.stat().st_size:
        return None
    if damage:
        return backup.quarantine(path)
    made = make(
        path,
        config.data_directory / "backups",
        BEFORE_RESTORE,
        meter.shares("keeping what is there"),
    )
    return made.path if made else None


def _done(arguments: argparse.Namespace, changes: dict[str, Any], kept: Path | None) -> int:
    report("Done." + (f" What was there before is kept: {kept}" if kept else ""))
    report("Start LVS, or run `lvs scan`, and it finds the files wherever they lie now.")
    if arguments.json:
        print(json.dumps(changes | {"done": True}))
    return 0
