"""A check of the data folder: what is not as it should be, and how to repair it.

Blocking: call it in a thread.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from msgspec import Struct

from lvs.db import backup, check, migrate
from lvs.db.backup import Backup, Examination
from lvs.db.check import FindingGroup
from lvs.errors import LvsError
from lvs.text import plural

OLD = timedelta(days=3)  # a backup is made every night; so long without one is no accident


class Finding(Struct, frozen=True):
    """One thing that is not as it should be.

    `kind` is a word for programs, `repair` says what a person can do.
    """

    kind: str
    message: str
    repair: str
    examples: tuple[str, ...] = ()


class CheckResult(Struct, frozen=True):
    """Result of a check. `examined` is None where there is no database that can be checked."""

    examined: Examination | None
    newest_good: Backup | None
    findings: tuple[Finding, ...]


def check_data(
    database: Path,
    backups: Path,
    now: datetime | None = None,
    say: Callable[[str], None] = lambda _: None,
    second_place: Path | None = None,
) -> CheckResult:
    """Check everything; `say` hears what is being checked.

    `second_place` is where copies of the backups are kept, if anywhere.
    """
    say("backups")
    kept = backup.newest_good(backups)
    found = [*_aside(database, kept), *_bad_backups(backups)]
    say("every page of the database")
    examined, damage = _examined(database, kept)
    found += damage
    if examined and not examined.problems:
        say("references between the tables")
        found += [
            *_format(examined),
            *_contents(database),
            *_age(examined, kept, now or datetime.now(UTC)),
            *_copies(examined, second_place, now or datetime.now(UTC)),
        ]
    return CheckResult(examined, kept, tuple(found))


def _examined(database: Path, kept: Backup | None) -> tuple[Examination | None, list[Finding]]:
    bring_back = f"Stop LVS. {backup.restore_hint(kept)}"
    if not database.is_file() or not database.stat().st_size:
        return None, [
            Finding(
                "no-database",
                f"There is no database {database}.",
                bring_back if kept else "Start LVS to make one.",
            )
        ]
    try:
        examined = backup.examine(database)
    except LvsError as error:
        return None, [Finding("damaged", error.message, bring_back)]
    if not examined.problems:
        return examined, []
    return examined, [
        Finding("damaged", f"The database {database} is damaged.", bring_back, examined.problems)
    ]


def _aside(database: Path, kept: Backup | None) -> Iterator[Finding]:
    for place in backup.quarantined(database):
        gone_on = database.is_file()
        repair = (
            "Keep it until nothing is missed any more, then delete it."
            if gone_on
            else backup.restore_hint(kept)
        )
        yield Finding("put-aside", f"A damaged database lies in {place}.", repair)


def _bad_backups(backups: Path) -> Iterator[Finding]:
    bad = [each for each in map(backup.checked, backup.listed(backups)) if not each.good]
    if bad:
        names = tuple(each.path.name for each in bad)
        yield Finding(
            "bad-backup",
            f"{plural(len(bad), 'backup')} in {backups} cannot be used.",
            "Delete them.",
            names,
        )


def _format(examined: Examination) -> Iterator[Finding]:
    known = len(migrate.steps())
    if examined.format > known:
        yield Finding("newer", "The database was written by a newer LVS.", "Update LVS.")
    elif examined.format < known:
        yield Finding(
            "older",
            "The database is of an older LVS.",
            "Start LVS: it makes a backup and brings it up to date.",
        )


def _contents(database: Path) -> Iterator[Finding]:
    for kind, query, message, repair in (
        (
            "out-of-step",
            check.stale_gallery_rows,
            "{} shown otherwise than was given to them",
            "`lvs check --mend` rebuilds the gallery.",
        ),
        (
            "unused-tag",
            check.unused_tags,
            "{} carried by no video",
            "`lvs check --mend` removes them.",
        ),
        (
            "tag-circle",
            check.tag_cycles,
            "{} standing below themselves",
            "`lvs check --mend` breaks the circle.",
        ),
        (
            "tag-clash",
            check.tag_clashes,
            "{} the alias of another tag, too",
            "`lvs check --mend` removes the aliases.",
        ),
        (
            "nobodys",
            check.orphaned_personal_rows,
            "{} of people who are not there",
            "`lvs check --mend` removes them.",
        ),
        (
            "no-place",
            check.videos_without_files,
            "{} never seen in a library folder",
            "They come from a restore; connect the drive they lie on and run `lvs scan`.",
        ),
        (
            "missing",
            check.missing,
            "{} gone from the library folders",
            (
                "Put the files back and run `lvs scan`: what people gave them is kept. Or forget"
                " them on the admin page."
            ),
        ),
        (
            "unreadable",
            check.unreadable,
            "{} not readable as video",
            "Replace the files; LVS probes them again by itself.",
        ),
        (
            "offline",
            check.offline,
            "{} offline",
            "Connect the drive; LVS notices by itself, or run `lvs scan`.",
        ),
    ):
        group: FindingGroup = query(database)
        if group.count:
            noun = _NOUNS.get(kind, "video")
            verb = "is" if group.count == 1 else "are"
            yield Finding(
                kind,
                f"{message.format(f'{plural(group.count, noun)} {verb}')}.",
                repair,
                group.examples,
            )


_NOUNS = {
    "unused-tag": "tag",
    "tag-circle": "tag",
    "tag-clash": "tag",
    "nobodys": "personal row",
    "offline": "library folder",
    "unreadable": "file",
}


def _age(examined: Examination, kept: Backup | None, now: datetime) -> Iterator[Finding]:
    if not examined.counts.curated:
        return
    if kept is None:
        yield Finding(
            "no-backup",
            "There is no good backup.",
            "Run `lvs backup`, or leave LVS running: it makes one each night.",
        )
    elif now - kept.made_at > OLD:
        age = f"The newest good backup is of {kept.made_at.astimezone():%Y-%m-%d %H:%M}."
        yield Finding(
            "old-backup", age, "Run `lvs backup`; the log says why none was made at night."
        )


def _copies(examined: Examination, folder: Path | None, now: datetime) -> Iterator[Finding]:
    if folder is None or not examined.counts.curated:
        return
    hint = "Connect its drive, or mount it; a running LVS catches up by itself."
    if not folder.is_dir():
        yield Finding("copy-away", f"The folder {folder} for copies of backups is away.", hint)
        return
    newest = next((each for each in backup.listed(folder) if each.good), None)
    if newest is None:
        message = f"There is no good copy of a backup in {folder}."
        yield Finding("no-copy", message, "Leave LVS running: it copies every backup there.")
    elif now - newest.made_at > OLD:
        message = f"The newest copy in {folder} is of {newest.made_at.astimezone():%Y-%m-%d %H:%M}."
        yield Finding("old-copy", message, "Leave LVS running, or see what its log says of copies.")
