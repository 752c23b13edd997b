"""Taking back what was changed of many videos at once.

It is a change of many itself: one line of the journal, which can be taken back as well. What was
changed again since is left as it is.
"""

from collections import defaultdict

from msgspec import Struct

from lvs.clock import now_ms
from lvs.db import bulk_changes, bulk_edits, changes
from lvs.db.bulk_changes import BulkChange
from lvs.db.bulk_edits import ChangeOrigin
from lvs.db.changes import Change
from lvs.db.database import Transaction
from lvs.errors import NotFound
from lvs.services.curation.change_status import REASONS, UndoStatus, statuses

PIECE = 2000


class BulkUndoResult(Struct, frozen=True):
    """Result of an undo: the id of the undo and the videos it changed, and how many values were
    left as they are; or why nothing was done.
    """

    undone_by: int | None = None
    video_ids: tuple[int, ...] = ()
    skipped: int = 0
    reason: str = ""


def status_of_bulk(bulk: BulkChange) -> UndoStatus:
    """The status of a change to many videos. What changed since is found out by the undo."""
    if bulk.undone:
        return UndoStatus.TAKEN_BACK
    return UndoStatus.PUT_BACK if bulk.is_redo else UndoStatus.OPEN


async def revert(tx: Transaction, bulk_id: int, client: str) -> BulkUndoResult:
    """Take all lines of a change to many videos back, the latest first, in pieces.

    Raises NotFound.
    """
    bulk = await bulk_changes.one(tx, bulk_id)
    if bulk is None:
        raise NotFound("There is no such change.")
    status = status_of_bulk(bulk)
    if status is not UndoStatus.OPEN:
        return BulkUndoResult(reason=REASONS[status])
    undo_id, at = await bulk_changes.reserve(tx), now_ms()
    origin = ChangeOrigin(undo_id, client, at)
    before, seen, taken = None, 0, 0
    while lines := await changes.of_bulk(tx, bulk_id, before, PIECE):
        before, seen = lines[-1].id, seen + len(lines)
        taken += await _revert_some(tx, origin, lines)
    await bulk_edits.drop_unused_tags(tx)
    if not taken:
        return BulkUndoResult(skipped=seen, reason=REASONS[UndoStatus.CHANGED_SINCE])
    video_ids = tuple(await bulk_changes.video_ids(tx, undo_id))
    await bulk_changes.add(tx, undo_id, bulk.summary, len(video_ids), client, at, undoes=bulk_id)
    return BulkUndoResult(undo_id, video_ids, seen - taken)


async def _revert_some(tx: Transaction, origin: ChangeOrigin, lines: list[Change]) -> int:
    free = await changes.open_of(tx, lines)
    if doubtful := [line for line in lines if line.id not in free]:
        later = await changes.of_videos(tx, {line.video_id for line in doubtful}, doubtful[-1].id)
        found = statuses(later, doubtful)
        free |= {line_id for line_id, status in found.items() if status is UndoStatus.OPEN}
    by_kind: defaultdict[str, list[Change]] = defaultdict(list)
    for line in lines:
        if line.id in free:
            by_kind[line.what].append(line)
    taken = 0
    for some in by_kind.values():
        taken += await bulk_edits.revert(tx, origin, some)
    await bulk_edits.refresh(tx, sorted({line.video_id for line in lines}), frozenset(by_kind))
    return taken
