"""Saved views: selections of the gallery with a name, in an order that people gave them.

Every change is one transaction with one line in a journal of its own, and can be taken back as long
as what it changed is as it left it. Names and queries are kept in memory: every page shows them.
"""

import re
import secrets
from collections.abc import Awaitable, Callable, Coroutine, Hashable, Mapping, Sequence
from typing import Any, TypeVar

from msgspec.structs import asdict, replace

from lvs.clock import now_ms
from lvs.db import saved_views as rows
from lvs.db.database import Connection, Database, Transaction
from lvs.db.saved_views import SavedView, ViewJournalLine, ViewState
from lvs.errors import Conflict, Invalid, NotFound
from lvs.services.curation.base import clean_line
from lvs.services.household.people import name_key
from lvs.services.lru import LRU

__all__ = ["MAX_QUERY", "SavedView", "SavedViews", "ViewJournalLine"]

MAX_NAME = 100
MAX_QUERY = 4000
MAX_VIEWS = 200
DELETED_KEPT_MS = 30 * 24 * 3_600_000
COUNTS_KEPT = 20
CHANGED_SINCE = "The view was changed again since."

T = TypeVar("T")
States = Mapping[str, ViewState]


class SavedViews:
    """Reads and changes saved views."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._views: tuple[SavedView, ...] | None = None
        self._writes = 0
        self._counts: LRU[Hashable, tuple[Hashable, Mapping[str, int]]] = LRU(COUNTS_KEPT)

    # --- Reading ---

    async def every(self) -> tuple[SavedView, ...]:
        """Every view in its order."""
        if self._views is not None:
            return self._views
        writes = self._writes
        async with self._database.read() as db:
            found = tuple(await rows.every(db))
        if writes == self._writes:  # what was written meanwhile is newer
            self._views = found
        return found

    async def get(self, view_id: str) -> SavedView:
        """A view. Raises NotFound."""
        found = next((each for each in await self.every() if each.view_id == view_id), None)
        if found is None:
            raise NotFound("There is no such view.")
        return found

    def forget(self) -> None:
        """Read every view again before the next answer."""
        self._writes += 1
        self._views = None
        self._counts.clear()

    async def counts(
        self,
        who: Hashable,
        edition: Hashable,
        count: Callable[[Sequence[SavedView]], Awaitable[Sequence[int]]],
    ) -> Mapping[str, int]:
        """The number of videos in each view, by its id, as this person sees them; counted anew
        where the library's `edition` or a view is another than the last time.
        """
        views = await self.every()
        key = (edition, tuple((each.view_id, each.query) for each in views))
        known = self._counts.get(who)
        if known is None or known[0] != key:
            numbers = await count(views) if views else ()
            counted = {view.view_id: number for view, number in zip(views, numbers, strict=True)}
            known = self._counts.put(who, (key, counted))
        return known[1]

    def known_counts(self, who: Hashable) -> Mapping[str, int]:
        """The numbers as they were counted last for this person."""
        known = self._counts.get(who)
        return known[1] if known else {}

    # --- Changing ---

    async def create(self, name: str, query: str, client: str) -> SavedView:
        """Name a selection; it stands behind the others. Raises Invalid, Conflict where the name is
        taken.
        """
        view = SavedView(secrets.token_hex(8), clean_name(name), clean_query(query), now_ms())

        async def change(tx: Transaction) -> None:
            before = await rows.states(tx)
            if sum(state.deleted_at is None for state in before.values()) >= MAX_VIEWS:
                raise Conflict(f"There are {MAX_VIEWS} views. Delete one first.")
            await _refuse_taken(tx, view.name)
            await rows.add(tx, view, name_key(view.name))
            await _note(tx, "add", view.name, client, before)

        await self._write(change)
        return view

    async def edit(self, view_id: str, name: str, query: str | None, client: str) -> SavedView:
        """Rename a view, and give it another selection where one is given. Raises Invalid,
        NotFound, Conflict.
        """
        name = clean_name(name)
        query = clean_query(query) if query is not None else None

        async def change(tx: Transaction) -> None:
            before = await rows.states(tx)
            old = _existing(before, view_id)
            await _refuse_taken(tx, name, view_id)
            new = replace(old, name=name, query=old.query if query is None else query)
            await rows.put(tx, view_id, new, name_key(name))
            await _note(tx, "edit", old.name, client, before)

        await self._write(change)
        return await self.get(view_id)

    async def move(self, view_id: str, target: int, client: str) -> None:
        """Move a view to a place among the others (0 is the first); those behind the last place
        mean the last. Raises NotFound.
        """

        async def change(tx: Transaction) -> None:
            before = await rows.states(tx)
            name = _existing(before, view_id).name
            order = [each for each, state in before.items() if state.deleted_at is None]
            order.remove(view_id)
            order.insert(target, view_id)
            for position, each in enumerate(order, 1):
                if before[each].position != position:
                    await _put(tx, each, replace(before[each], position=position))
            await _note(tx, "move", name, client, before)

        await self._write(change)

    async def delete(self, view_id: str, client: str) -> int:
        """Delete a view, which can be brought back for 30 days; the id of the change. Raises
        NotFound.
        """

        async def change(tx: Transaction) -> int:
            await rows.remove_deleted(tx, now_ms() - DELETED_KEPT_MS)
            before = await rows.states(tx)
            old = _existing(before, view_id)
            await _put(tx, view_id, replace(old, deleted_at=now_ms()))
            return await _note(tx, "delete", old.name, client, before)

        return await self._write(change)

    # --- The journal ---

    async def latest(
        self, limit: int, before_id: int | None = None, client: str | None = None
    ) -> list[ViewJournalLine]:
        """The latest changes of views, of one client or of all, from before that id on."""
        async with self._database.read() as db:
            return await rows.latest(db, limit, before_id, client)

    async def between(
        self, client: str | None, after_ms: int | None, until_ms: int | None, limit: int
    ) -> list[ViewJournalLine]:
        """Changes of views behind one moment and up to another (Unix ms), latest first."""
        async with self._database.read() as db:
            return await rows.latest(db, limit, client=client, after_ms=after_ms, until_ms=until_ms)

    async def change(self, change_id: int) -> ViewJournalLine:
        """One change of views. Raises NotFound."""
        async with self._database.read() as db:
            return await _line(db, change_id)

    @staticmethod
    def made(change_id: int) -> bool:
        """True for the id of a change of saved views."""
        return change_id > rows.FIRST_ID

    async def undo(self, change_id: int, client: str) -> int:
        """Take a change of views back; an undo, too. The id of the undo's own line.

        Raises NotFound, and Conflict where the view is no longer as the change left it.
        """

        async def change(tx: Transaction) -> int:
            line = await _line(tx, change_id)
            if line.undone_by is not None:
                raise Conflict("It is undone already.")
            before = await rows.states(tx)
            wanted = _reverted(line, before)
            for view_id, state in wanted.items():
                if state.deleted_at is None:
                    await _refuse_taken(tx, state.name, view_id)
                await _put(tx, view_id, state)
            return await _note(tx, line.what, line.name, client, before, line.id)

        return await self._write(change)

    async def _write(self, change: Callable[[Transaction], Coroutine[Any, Any, T]]) -> T:
        result = await self._database.write(change)
        self.forget()
        await self.every()
        return result


async def _note(
    tx: Transaction, what: str, name: str, client: str, before: States, undoes: int | None = None
) -> int:
    """The line of what became of the views in this transaction; 0 where nothing did."""
    after = await rows.states(tx)
    concerned = [view_id for view_id, state in after.items() if before.get(view_id) != state]
    if not concerned:
        return 0
    old = {view_id: before[view_id] for view_id in concerned if view_id in before}
    new = {view_id: after[view_id] for view_id in concerned}
    return await rows.note(tx, now_ms(), what, name, old, new, client, undoes)


def _reverted(line: ViewJournalLine, now: States) -> dict[str, ViewState]:
    """The views of a change as they are to be again. Raises Conflict where one was changed since
    in what the change had changed.
    """
    wanted = {}
    for view_id, after in line.after.items():
        present = now.get(view_id)
        before = line.before.get(view_id, replace(after, deleted_at=now_ms()))
        if present is None:
            raise Conflict("The view was deleted for good since.")
        old, new, is_now = asdict(before), asdict(after), asdict(present)
        changed = {name: value for name, value in old.items() if value != new[name]}
        if any(is_now[name] != new[name] for name in changed):
            raise Conflict(CHANGED_SINCE)
        wanted[view_id] = replace(present, **changed)
    return wanted


async def _line(db: Connection, change_id: int) -> ViewJournalLine:
    found = await rows.one_change(db, change_id)
    if found is None:
        raise NotFound("There is no such change.")
    return found


async def _put(tx: Transaction, view_id: str, state: ViewState) -> None:
    await rows.put(tx, view_id, state, name_key(state.name))


def _existing(states: States, view_id: str) -> ViewState:
    found = states.get(view_id)
    if found is None or found.deleted_at is not None:
        raise NotFound("There is no such view.")
    return found


async def _refuse_taken(db: Connection, name: str, but: str = "") -> None:
    other = await rows.of_key(db, name_key(name))
    if other is not None and other != but:
        raise Conflict(f"There is a view “{name}” already. Choose another name.")


def clean_name(text: str) -> str:
    """The name of a view as it is kept. Raises Invalid."""
    name = clean_line(text, "name", MAX_NAME)
    if not name:
        raise Invalid("A view needs a name.")
    return name


def clean_query(text: str) -> str:
    """A query as it is kept: the ASCII of an address. Raises Invalid."""
    query = text.removeprefix("?")
    if len(query) > MAX_QUERY:
        raise Invalid("This selection is too long to be saved. Use fewer filters.")
    if not re.fullmatch(r"[!-~]*", query, re.ASCII):
        raise Invalid("A selection is written as in an address, percent-encoded.")
    return query
