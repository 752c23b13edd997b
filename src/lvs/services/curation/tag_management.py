"""Tags themselves: other names, colours, a place below other tags, merging and deleting.

Every change is one transaction with one line in the journal of tags, and can be taken back as long
as the tags it concerns are as it left them.
"""

import re
from collections.abc import Collection
from urllib.parse import parse_qs

from msgspec import Struct, field
from msgspec.structs import replace

from lvs.clock import now_ms
from lvs.db import gallery, saved_views, tag_changes
from lvs.db import people as people_rows
from lvs.db import tag_details as rows
from lvs.db import tags as names
from lvs.db.database import Connection, Database, Transaction
from lvs.db.tag_changes import NewTagJournalLine, TagJournalLine
from lvs.db.tag_details import States, TagDetails, TagState
from lvs.errors import Conflict, Invalid, NotFound
from lvs.models import tag_key
from lvs.services.cache import Cache
from lvs.services.curation.base import clean_line
from lvs.services.curation.tags import clean_tag
from lvs.services.events import Event, Events
from lvs.services.gallery.search_query import MAX_LENGTH, parse

__all__ = [
    "MAX_ALIASES",
    "MAX_DESCRIPTION",
    "TagDetails",
    "TagEdit",
    "TagJournalLine",
    "TagManagement",
    "TagResult",
    "clean_colour",
]

MAX_DESCRIPTION = 1000
MAX_ALIASES = 50
MAX_DEPTH = 12
CHANGED_SINCE = "One of its tags was changed again since."

_COLOUR = re.compile(r"#(?:[0-9a-f]{3}|[0-9a-f]{6})", re.ASCII)


class TagEdit(Struct, frozen=True):
    """The wanted changes of a tag; what is None stays. An empty text takes away what is there."""

    name: str | None = None
    colour: str | None = None
    description: str | None = None
    parent: str | None = None
    aliases: tuple[str, ...] | None = None
    """All aliases."""
    more_aliases: tuple[str, ...] = ()
    fewer_aliases: tuple[str, ...] = ()
    keep_name: bool = False
    """Keep the old name as an alias, which is done anyway where a saved view or a person's limits
    ask for it.
    """


class TagResult(Struct, frozen=True):
    """Result of a change of tags: its line in the journal (None where nothing changed), the tag as
    it is now (None where it is gone), and how many videos it concerned.
    """

    change_id: int | None
    name: str | None
    films: int


class MergePreview(Struct, frozen=True):
    """The two tags of a merge; `both` videos carry both."""

    tag: TagDetails
    into: TagDetails
    both: int


class _TagChange(Struct):
    """A change in progress: the tags to watch, and how they were."""

    what: str
    name: str
    client: str
    before: States
    keys: set[str]
    target: str | None = None
    renamed: tuple[str, str] | None = None
    undoes: int | None = None
    carriers: set[int] = field(default_factory=set)
    change_id: int = 0


class TagManagement:
    """Lists tags and changes them."""

    def __init__(self, database: Database, cache: Cache, events: Events) -> None:
        self._database = database
        self._cache = cache
        self._events = events

    # --- Reading ---

    async def every(self) -> list[TagDetails]:
        """Every tag, in alphabetical order."""
        async with self._database.read() as db:
            return await rows.every(db)

    async def get(self, name: str) -> TagDetails:
        """The tag that is called so, or has this alias. Raises NotFound."""
        async with self._database.read() as db:
            return await _existing(db, name)

    async def preview_merge(self, name: str, into: str) -> MergePreview:
        """Preview of a merge. Raises NotFound, Invalid where both are one tag."""
        async with self._database.read() as db:
            tag, target = await _existing(db, name), await _target(db, into, name)
            if tag.key == target.key:
                raise Invalid("A tag cannot be merged into itself.")
            both = await rows.count_common(db, tag.id, target.id)
        return MergePreview(tag, target, both)

    async def latest(
        self, limit: int, before_id: int | None = None, client: str | None = None
    ) -> list[TagJournalLine]:
        """The latest changes of tags, of one client or of all, latest first, from before that id
        on.
        """
        async with self._database.read() as db:
            return await tag_changes.latest(db, limit, before_id, client)

    async def between(
        self, client: str | None, after_ms: int | None, until_ms: int | None, limit: int
    ) -> list[TagJournalLine]:
        """Changes of tags behind one moment and up to another (Unix ms), latest first."""
        async with self._database.read() as db:
            return await tag_changes.latest(
                db, limit, client=client, after_ms=after_ms, until_ms=until_ms
            )

    async def change(self, change_id: int) -> TagJournalLine:
        """One change of tags. Raises NotFound."""
        async with self._database.read() as db:
            found = await tag_changes.one(db, change_id)
        if found is None:
            raise NotFound("There is no such change.")
        return found

    # --- Changing ---

    async def edit(self, name: str, edit: TagEdit, client: str) -> TagResult:
        """Rename, describe, colour a tag, give it aliases or a parent, which is made where there is
        none. Raises Invalid, NotFound, Conflict.
        """
        async with self._database.transaction() as tx:
            key = (await _existing(tx, name)).key
            [old] = (await rows.states(tx, [key])).values()
            if await _is_asked_for(tx, key):
                edit = replace(edit, keep_name=True)
            new = await _edited(tx, old, edit)
            keys = {old.key, new.key}
            if new.parent and await rows.name_owner(tx, new.parent) is None:
                keys.add(new.parent)
            work = await _begin(tx, "edit", old.name, client, keys)
            if new.key != old.key:
                work.renamed = (old.key, new.key)
            work.target = new.name if new.name != old.name else None
            await _open(tx, work)
            if edit.parent and new.parent in keys:
                parent = TagState(new.parent, clean_tag(edit.parent))
                await rows.put(tx, [parent])
            await rows.rename(tx, old.key, new.key, new.name)
            await rows.put(tx, [new])
            result, touched = await _close(tx, work, new.key)
        return self._told(result, touched)

    async def merge(self, name: str, into: str, client: str, keep_name: bool = True) -> TagResult:
        """Give every video of a tag another tag instead. Aliases and the tags below go along, and
        with `keep_name`, or where a saved view or a person's limits ask for it, the old name
        becomes an alias. Raises Invalid, NotFound.
        """
        async with self._database.transaction() as tx:
            source, target = await _existing(tx, name), await _target(tx, into, name)
            if source.key == target.key:
                raise Invalid("A tag cannot be merged into itself.")
            keep_name = keep_name or await _is_asked_for(tx, source.key)
            below = await rows.children(tx, source.key)
            work = await _begin(tx, "merge", source.name, client, {source.key, target.key, *below})
            work.target = target.name
            await _open(tx, work)
            await tag_changes.remove_from_all(tx, work.change_id, source.key)
            await tag_changes.replace_tag(tx, work.change_id, source.key, target.key)
            await rows.remove(tx, source.key)
            await rows.put(tx, _merged(work.before, source.key, target.key, below, keep_name))
            result, touched = await _close(tx, work, target.key)
        return self._told(result, touched)

    async def delete(self, name: str, client: str) -> TagResult:
        """Delete a tag: no video carries it any more, and the tags below it move up. Raises
        NotFound.
        """
        async with self._database.transaction() as tx:
            tag = await _existing(tx, name)
            below = await rows.children(tx, tag.key)
            work = await _begin(tx, "delete", tag.name, client, {tag.key, *below})
            await _open(tx, work)
            await tag_changes.remove_from_all(tx, work.change_id, tag.key)
            parent = work.before[tag.key].parent
            await rows.remove(tx, tag.key)
            await rows.put(tx, [replace(work.before[key], parent=parent) for key in below])
            result, touched = await _close(tx, work, None)
        return self._told(result, touched)

    @staticmethod
    def made(change_id: int) -> bool:
        """True for the id of a change of tags."""
        return tag_changes.FIRST_ID < change_id <= saved_views.FIRST_ID

    async def undo(self, change_id: int, client: str) -> TagResult:
        """Take a change of tags back; an undo, too. Raises NotFound, and Conflict where the tags
        are no longer as the change left them.
        """
        async with self._database.transaction() as tx:
            change = await tag_changes.one(tx, change_id)
            if change is None:
                raise NotFound("There is no such change.")
            if change.undone_by is not None:
                raise Conflict("It is undone already.")
            keys = {*change.before, *change.after}
            work = await _begin(tx, change.what, change.name, client, keys)
            if work.before != change.after:
                raise Conflict(CHANGED_SINCE)
            work.target, work.undoes = change.target, change.id
            if change.renamed:
                work.renamed = (change.renamed[1], change.renamed[0])
            await _open(tx, work)
            await _restore(tx, change, work.change_id)
            shown = next((key for key in change.before if tag_key(change.name) == key), None)
            result, touched = await _close(tx, work, shown)
        return self._told(result, touched)

    def _told(self, result: TagResult, touched: Collection[int]) -> TagResult:
        self._cache.invalidate()
        if touched:
            self._events.publish(Event.CHANGED, touched)
        return result


# --- A change in a transaction ---


async def _begin(tx: Transaction, what: str, name: str, client: str, keys: set[str]) -> _TagChange:
    return _TagChange(what, name, client, await rows.states(tx, keys), keys)


async def _open(tx: Transaction, work: _TagChange) -> None:
    """Write the first half of the journal's line."""
    work.carriers = await rows.videos_with(tx, work.keys)
    line = NewTagJournalLine(
        now_ms(),
        work.what,
        work.name,
        work.target,
        work.renamed,
        work.before,
        work.client,
        work.undoes,
    )
    work.change_id = await tag_changes.begin(tx, line)


async def _close(
    tx: Transaction, work: _TagChange, key: str | None
) -> tuple[TagResult, Collection[int]]:
    """Refuse what cannot stand, derive what follows, and write the second half."""
    if await rows.has_cycle(tx, work.keys):
        raise Conflict("A tag cannot be below itself.")
    if await rows.alias_conflicts(tx):
        raise Conflict("A tag and an alias cannot have the same name.")
    after = await rows.states(tx, work.keys)
    moved = await tag_changes.videos_of(tx, work.change_id)
    if after == work.before and not moved:
        await tag_changes.drop(tx, work.change_id)
        return TagResult(None, after[key].name if key in after else None, 0), ()
    renames = _names(after) != _names(work.before)
    touched: set[int] = set(moved)
    if renames or _places(after) != _places(work.before):
        await rows.refresh_words(tx, work.keys)
        touched |= work.carriers | await rows.videos_with(tx, work.keys)
    await gallery.refresh_tags(tx, touched)
    films = len(moved) if moved else len(work.carriers) if renames else 0
    await tag_changes.finish(tx, work.change_id, after, films)
    name = after[key].name if key in after else None
    return TagResult(work.change_id, name, films), touched


def _names(states: States) -> set[str]:
    return {state.name for state in states.values()}


def _places(states: States) -> set[tuple[object, ...]]:
    return {(state.key, state.parent, state.aliases) for state in states.values()}


def _merged(
    before: States, source: str, target: str, below: Collection[str], keep_name: bool
) -> list[TagState]:
    """The tags of a merge as they are to become. A target below its source takes its place."""
    gone, kept = before[source], before[target]
    aliases = dict((*gone.aliases, *kept.aliases))
    if keep_name:
        aliases[source] = gone.name
    over = gone.parent if kept.parent == source or target in below else kept.parent
    merged = replace(
        kept,
        colour=kept.colour or gone.colour,
        description=kept.description or gone.description,
        parent=over,
        aliases=tuple(sorted(aliases.items())),
    )
    return [merged, *(replace(before[key], parent=target) for key in below if key != target)]


async def _restore(tx: Transaction, change: TagJournalLine, undo_id: int) -> None:
    """Make the tags what they were before a change. Raises Conflict where that cannot be."""
    if change.renamed:
        old, new = change.renamed
        await rows.rename(tx, new, old, change.before[old].name)
    concerned = {*change.before, *change.after}
    for state in change.before.values():
        for key in (state.key, *(key for key, _ in state.aliases)):
            if await rows.name_owner(tx, key) not in (None, *concerned):
                raise Conflict(f"“{dict(state.aliases).get(key, state.name)}” is another tag now.")
        if (
            state.parent
            and state.parent not in concerned
            and not await rows.name_owner(tx, state.parent)
        ):
            raise Conflict(CHANGED_SINCE)
    made = change.after.keys() - change.before.keys()
    if change.renamed:
        made -= {change.renamed[1]}
    await rows.put(tx, [TagState(key, change.after[key].name) for key in made])
    await rows.put(tx, list(change.before.values()))
    partners = {}
    if change.what == "merge" and change.target:
        source, target = tag_key(change.name), tag_key(change.target)
        partners = {source: target, target: source}
    await tag_changes.revert_videos(tx, change.id, undo_id, partners)
    await rows.remove_unused(tx, made)


# --- What people type ---


async def _existing(db: Connection, name: str) -> TagDetails:
    found = await rows.one(db, tag_key(name))
    if found is None:
        raise NotFound(f"There is no tag “{name[:64]}”.")
    return found


async def _target(db: Connection, into: str, name: str) -> TagDetails:
    into = clean_tag(into)
    try:
        return await _existing(db, into)
    except NotFound:
        raise NotFound(
            f"There is no tag “{into[:64]}”. To call “{name[:64]}” so, rename it."
        ) from None


async def _is_asked_for(tx: Transaction, key: str) -> bool:
    """True where a saved view or the limits of a person name this tag."""
    for view in await saved_views.every(tx):
        wanted = parse_qs(view.query)
        searched = [
            name for words in wanted.get("q", ()) for name in parse(words[:MAX_LENGTH]).tags
        ]
        if key in map(tag_key, (*wanted.get("tag", ()), *searched)):
            return True
    limits = [person.limits for person in await people_rows.every(tx) if person.limits]
    return any(key in map(tag_key, each.tags) for each in limits)


async def _edited(tx: Transaction, old: TagState, edit: TagEdit) -> TagState:
    """The tag as it is to become. Raises Invalid, Conflict."""
    name = clean_tag(edit.name) if edit.name is not None else old.name
    key = tag_key(name)
    await _refuse_taken(tx, key, name, old.key)
    aliases = await _aliases(tx, old, edit, key)
    description = old.description
    if edit.description is not None:
        text = " ".join(edit.description.split())
        description = clean_line(text, "description", MAX_DESCRIPTION)
    colour = clean_colour(edit.colour) if edit.colour is not None else old.colour
    parent = await _parent(tx, old, edit.parent) if edit.parent is not None else old.parent
    if parent == key:
        raise Invalid("A tag cannot be below itself.")
    return TagState(key, name, colour, description, parent, aliases)


async def _aliases(
    tx: Transaction, old: TagState, edit: TagEdit, key: str
) -> tuple[tuple[str, str], ...]:
    wanted = dict(old.aliases)
    if edit.aliases is not None:
        wanted = _by_key(edit.aliases)
    wanted |= _by_key(edit.more_aliases)
    for name in edit.fewer_aliases:
        wanted.pop(tag_key(name), None)
    if edit.keep_name and key != old.key:
        wanted[old.key] = old.name
    wanted.pop(key, None)
    if len(wanted) > MAX_ALIASES:
        raise Invalid(f"A tag has at most {MAX_ALIASES} aliases.")
    for alias, name in wanted.items():
        if alias != old.key:
            await _refuse_taken(tx, alias, name, old.key)
        elif key == old.key:
            raise Invalid("An alias must differ from the tag's own name.")
    return tuple(sorted(wanted.items()))


def _by_key(aliases: Collection[str]) -> dict[str, str]:
    found = [clean_tag(name) for name in aliases if name.strip()]
    return {tag_key(name): name for name in found}


async def _refuse_taken(tx: Transaction, key: str, name: str, by: str) -> None:
    other = await rows.name_owner(tx, key)
    if other is None or other == by:
        return
    known = await names.find(tx, other)
    if known and other != key:
        raise Conflict(f"“{name}” is an alias of “{known[1]}” already.")
    raise Conflict(f"There is a tag “{name}” already. Merge the two instead.")


async def _parent(tx: Transaction, old: TagState, name: str) -> str | None:
    """The key of the tag to stand above; None for none."""
    if not name.strip().lstrip("#"):
        return None
    key = tag_key(clean_tag(name))
    key = await rows.name_owner(tx, key) or key
    over = await rows.above(tx, key)
    if old.key in (key, *over):
        raise Conflict(f"“{old.name}” is above “{name.strip()}” already: that would be a circle.")
    if len(over) >= MAX_DEPTH:
        raise Invalid(f"Tags can be nested {MAX_DEPTH} deep at most.")
    return key


def clean_colour(text: str) -> str | None:
    """A colour as it is kept, `#rrggbb`; None for none. Raises Invalid."""
    colour = text.strip().lower()
    if not colour:
        return None
    if not _COLOUR.fullmatch(colour):
        raise Invalid("A colour is written as #rrggbb, such as #cc3344.")
    return colour if len(colour) == 7 else "#" + "".join(digit * 2 for digit in colour[1:])
