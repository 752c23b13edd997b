"""Statuses of changes: those can be taken back that no later change of the same value follows."""

from collections.abc import Hashable, Iterable, Sequence
from enum import StrEnum

from lvs.db.changes import Change
from lvs.models import tag_key
from lvs.services.household import personal_values

PERSONAL = ("watched", "later")


class UndoStatus(StrEnum):
    """The answer to whether a change can be undone: it is open, or the reason why not."""

    OPEN = "open"
    TAKEN_BACK = "taken back"
    CHANGED_SINCE = "changed since"
    # it is itself an undo of an undo: the change that it put back is the one to take back
    PUT_BACK = "put back"


REASONS = {
    UndoStatus.TAKEN_BACK: "It is taken back already.",
    UndoStatus.CHANGED_SINCE: "It was changed again since.",
    UndoStatus.PUT_BACK: "It only put another change back. Take that one back.",
}
OTHERWISE = "It has another value now, which no change in the journal gave it."


def statuses(
    later: Iterable[Change], asked: Sequence[Change], together: bool = False
) -> dict[int, UndoStatus]:
    """The status of each change that is asked for: can it be undone, or with `together` all of
    them, the latest first.

    `later` holds the changes of the same videos from the earliest of them on, latest first; views
    only where they are undos.

    A change and the undo that took it back cancel each other out, as does that undo with its own.
    What is left stands. One that stands can be taken back unless one about the same value stands
    behind it; and an undo, unless a later one reached further back.
    """
    found: dict[int, UndoStatus] = {}
    cancelled: set[int] = set()
    built_upon: set[Hashable] = set()
    reached: dict[Hashable, int] = {}  # how far back undos reach
    taking = {change.id for change in asked} if together else set()
    for change in later:
        if change.id in cancelled:
            found[change.id] = UndoStatus.TAKEN_BACK
            continue
        value = _value_of(change)
        free = change.what == "view" or (
            value not in built_upon and reached.get(value, change.id) >= change.id
        )
        found[change.id] = UndoStatus.OPEN if free else UndoStatus.CHANGED_SINCE
        if change.undoes is None:
            if not (free and change.id in taking):
                built_upon.add(value)
        # Else it is to go itself, and what it took back stands again.
        elif change.is_redo or change.undoes in taking or not (free and change.id in taking):
            cancelled.add(change.undoes)
            reached[value] = min(change.undoes, reached.get(value, change.undoes))
            if change.is_redo:
                found[change.id] = UndoStatus.PUT_BACK
            elif change.undoes in taking:
                found[change.id] = UndoStatus.TAKEN_BACK  # both are to go, and have
    plain_view = {True: UndoStatus.TAKEN_BACK, False: UndoStatus.OPEN}
    return {
        change.id: found.get(change.id) or plain_view[change.id in cancelled] for change in asked
    }


def _value_of(change: Change) -> Hashable:
    """The value a change is about; two changes of the same value build on each other."""
    about: Hashable = ""
    if change.what == "tag":
        about = tag_key(change.new or change.old or "")
    elif change.what in ("playlist", "different"):
        about = change.new or change.old
    elif change.what in PERSONAL:
        about = personal_values.person_of(change.new)
    return change.video_id, change.what, about
