"""The pages of tags: the list, one tag's page, merging, deleting, and taking that back."""

from typing import Any, cast
from urllib.parse import urlencode

from quart import Response, redirect, request

from lvs.filters import readable
from lvs.models import tag_key
from lvs.services.curation.tag_management import TagDetails, TagEdit, TagJournalLine, TagResult
from lvs.text import split_at_commas, with_commas
from lvs.viewer import viewer
from lvs.web.request_args import arguments, form_words, number, row_id, text
from lvs.web.responses import client, page, page_or_partial, partial, services

SUGGESTIONS = 10
LATEST = 5
MAX_CHANGE = 2**53
COLOURS = (
    ("#d64550", "Red"),
    ("#e07a1f", "Orange"),
    ("#c9a227", "Yellow"),
    ("#4c9a4e", "Green"),
    ("#2f9e9e", "Teal"),
    ("#3f7fd6", "Blue"),
    ("#8a5cd0", "Violet"),
    ("#c8549b", "Pink"),
    ("#8d6e55", "Brown"),
    ("#7d8591", "Grey"),
)


async def tags() -> Response:
    """List every tag, and the latest changes of tags."""
    args = arguments()
    wanted, order = text(args, "filter").strip(), text(args, "order")
    management, editable = services().tag_management, viewer().limits is None
    every = await management.every() if editable else await _seen()
    key = tag_key(wanted)
    found = [tag for tag in every if any(key in tag_key(name) for name in (tag.name, *tag.aliases))]
    if order != "name":
        order = "count"
        found.sort(key=lambda tag: -tag.films)
    changed = number(args, "changed", MAX_CHANGE)
    values: dict[str, Any] = {"tags": found, "order": order, "filter": wanted}
    values["editable"] = editable
    return page_or_partial(
        "tags.html",
        "tag_list.html",
        **values,
        notice=await management.change(changed) if changed and editable else None,
        latest=await management.latest(LATEST) if editable else [],
        in_words=in_words,
        current="tags",
    )


async def _seen() -> list[TagDetails]:
    """The tags of those videos that the person who watches may see, and nothing else about them."""
    return [
        TagDetails(
            id=0,
            name=tag.name,
            key=tag_key(tag.name),
            colour=tag.colour,
            description="",
            parent=None,
            aliases=(),
            own=tag.count,
            listed=tag.count,
            films=tag.count,
            children=(),
        )
        for tag in await services().gallery.tags()
    ]


async def suggest() -> Response:
    """Suggest tags that begin with, or hold, what is typed; a tag is found by its aliases, too."""
    found = await services().gallery.tags_like(text(arguments(), "tag"))
    return partial("tag_suggestions.html", names=[tag.name for tag in found[:SUGGESTIONS]])


async def show() -> Response:
    """Show one tag with forms for everything that can be changed about it."""
    tag = await services().tag_management.get(readable(text(arguments(), "tag"), "tag"))
    every = await services().tag_management.every()
    listed = [(value, label) for value, label in COLOURS]
    if tag.colour and tag.colour not in dict(listed):
        listed.append((tag.colour, tag.colour))
    return page(
        "tag_edit.html",
        tag=tag,
        aliases=with_commas(tag.aliases),
        colours=listed,
        names=[each.name for each in every if each.key != tag.key],
        current="tags",
    )


async def edit() -> Response:
    """Save what was changed about a tag."""
    form = await request.form
    change = TagEdit(
        name=await form_words("name") if "name" in form else None,
        description=await form_words("description") if "description" in form else None,
        colour=await form_words("colour") if "colour" in form else None,
        parent=await form_words("parent") if "parent" in form else None,
        aliases=split_at_commas(await form_words("aliases")) if "aliases" in form else None,
        keep_name=bool(form.get("keep_name")),
    )
    return _done(await services().tag_management.edit(await form_words("tag"), change, client()))


async def preview_merge() -> Response:
    """Show what a merge would do."""
    args = arguments()
    tag, into = readable(text(args, "tag"), "tag"), readable(text(args, "into"), "tag")
    found = await services().tag_management.preview_merge(tag, into)
    return page("tag_merge.html", preview=found, current="tags")


async def merge() -> Response:
    """Merge a tag into another one."""
    keep = bool((await request.form).get("keep_name"))
    tag, into = await form_words("tag"), await form_words("into")
    return _done(await services().tag_management.merge(tag, into, client(), keep))


async def preview_delete() -> Response:
    """Show what deleting a tag would do."""
    tag = await services().tag_management.get(readable(text(arguments(), "tag"), "tag"))
    return page("tag_delete.html", tag=tag, current="tags")


async def delete() -> Response:
    """Delete a tag."""
    return _done(await services().tag_management.delete(await form_words("tag"), client()))


async def undo(change_id: str) -> Response:
    """Take a change of tags back."""
    return _done(await services().tag_management.undo(row_id(change_id), client()))


def _done(result: TagResult) -> Response:
    """Lead back to the list, which says what was done."""
    query = f"?{urlencode({'changed': result.change_id})}" if result.change_id else ""
    return cast("Response", redirect(f"/tags{query}", 303))


def in_words(change: TagJournalLine) -> str:
    """A change of tags in words, such as `“hols” merged into “holiday”`."""
    undone = change.undoes is not None
    match change.what:
        case "merge":
            done = f"“{change.name}” merged into “{change.target}”"
        case "delete":
            done = f"“{change.name}” deleted"
        case _:
            # an undo lists the tags the other way round
            before, after = change.before, change.after
            if undone and change.name not in {state.name for state in before.values()}:
                before, after = after, before
            done = _edit_in_words(change, *((after, before) if undone else (before, after)))
    return f"Undo: {done}" if undone else done


def _edit_in_words(change: TagJournalLine, before: Any, after: Any) -> str:
    old = next((each for each in before.values() if each.name == change.name), None)
    new = next(
        (each for each in after.values() if each.name == (change.target or change.name)), None
    )
    if old is None or new is None:
        return f"“{change.name}” changed"
    parts = []
    if old.name != new.name:
        parts.append(f"renamed to “{new.name}”")
    names, former = dict(new.aliases), dict(old.aliases)
    if more := [name for key, name in names.items() if key not in former]:
        parts.append("also called " + ", ".join(f"“{name}”" for name in more))
    if fewer := [name for key, name in former.items() if key not in names]:
        parts.append("no longer called " + ", ".join(f"“{name}”" for name in fewer))
    if old.parent != new.parent:
        parts.append(f"put below “{new.parent}”" if new.parent else "put below no tag")
    if old.colour != new.colour:
        parts.append("given another colour" if new.colour else "given no colour")
    if old.description != new.description:
        parts.append("described anew")
    return f"“{change.name}” {', '.join(parts) or 'changed'}"
