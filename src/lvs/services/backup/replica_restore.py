"""Fetching a database from a replica: the newest state that is sound."""

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

from lvs.db import backup
from lvs.errors import DatabaseDamaged, LvsError
from lvs.services.backup import litestream
from lvs.services.backup.litestream import RestorePoint


def fetch(
    url: str, target: Path, moment: datetime | None = None, say: Callable[[str], None] = print
) -> backup.Examination:
    """Bring the newest sound state, or that of a moment, to `target`; what it holds.

    Raises DatabaseDamaged where none is sound, NotFound and Unavailable as `litestream.restore`
    does.
    """
    try:
        return trial_restore(url, target, moment)
    except LvsError as error:
        states = [] if moment else _others(url)
        if not states:
            raise
        say(f"The newest state there cannot be used ({error.message.rstrip('.')}).")
        found = _newest_sound(url, target, states)
        if found is None:
            raise
        say(f"The newest that is sound is of {found.at.astimezone():%Y-%m-%d %H:%M:%S}.")
        return trial_restore(url, target, found)


def _others(url: str) -> Sequence[RestorePoint]:
    """The states before the newest; none where the place does not answer."""
    try:
        return litestream.moments(url)[1:]
    except LvsError:
        return []


def _newest_sound(url: str, target: Path, states: Sequence[RestorePoint]) -> RestorePoint | None:
    """The state after which damage begins. Damage stays until the next whole copy, so the way back
    is taken in growing steps, and then by halves.
    """

    def sound(index: int) -> bool:
        try:
            trial_restore(url, target, states[index])
        except LvsError:
            return False
        return True

    bad, step = -1, 1
    while not sound(index := min(bad + step, len(states) - 1)):
        if index == len(states) - 1:
            return None
        bad, step = index, 2 * step
    good = index
    while good - bad > 1:
        middle = (good + bad) // 2
        bad, good = (bad, middle) if sound(middle) else (middle, good)
    return states[good]


def trial_restore(
    url: str, target: Path, moment: datetime | RestorePoint | None = None
) -> backup.Examination:
    """Bring a state to `target` and examine it. Raises as `fetch` does, and
    DatabaseDamaged.
    """
    target.unlink(missing_ok=True)
    litestream.restore(url, target, moment)
    examined = backup.examine(target)
    if examined.problems:
        raise DatabaseDamaged(f"The copy is damaged: {examined.problems[0]}.")
    return examined
