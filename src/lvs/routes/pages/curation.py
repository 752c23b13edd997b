"""Forms for rating, favorite, tags, title and views. htmx gets the partial, a plain form 303."""

from typing import Any

from quart import Response, request

from lvs.errors import Invalid
from lvs.models import tag_key
from lvs.web.request_args import digit, form_long, form_words
from lvs.web.responses import (
    addresses,
    client,
    leave_undo,
    partial,
    partial_of_video,
    redirect_back,
    services,
    wants_partial,
)
from lvs.web.undo import Undo

SUGGESTIONS = 12
MAX_NOTES_SENT = 40_000  # more than is kept, so that too long a text is given back to be shortened


async def rate(media_hash: str) -> Response:
    stars = digit(await form_words("value"), "0 to 5 stars", 5)
    ours, visitor = services(), client()
    ours.ratings_limiter.check(visitor)
    undo = None
    if stars:
        await ours.ratings.rate(media_hash, stars, visitor)
    else:
        before = (await ours.ratings.get(media_hash)).value
        await ours.ratings.clear(media_hash, visitor)
        undo = Undo("rating", media_hash, str(before)) if before else None
    return _saved(media_hash, "rating.html", "rating:changed", undo, value=stars, error="")


async def favorite(media_hash: str) -> Response:
    value = await form_words("value")
    if value:
        now = await services().favorites.set(media_hash, digit(value, "1 or 0", 1) == 1, client())
    else:
        now = await services().favorites.toggle(media_hash, client())
    undo = None if now else Undo("favorite", media_hash, "0")
    return _saved(media_hash, "favorite.html", "favorite:changed", undo, favorite=now)


async def add_tag(media_hash: str) -> Response:
    entered = await form_words("tag")
    try:
        tags = await services().tags.add(media_hash, entered, client())
    except Invalid as error:
        if not wants_partial():
            raise
        tags = await services().tags.get(media_hash)
        return await _tags(media_hash, tags, status=422, error=error.message, entered=entered)
    return await _tags(media_hash, tags, added=_spelling(entered, tags))


async def remove_tag(media_hash: str) -> Response:
    name = await form_words("tag")
    had = await services().tags.get(media_hash)
    tags = await services().tags.remove(media_hash, name, client())
    removed = next((tag for tag in had if tag not in tags), None)
    return await _tags(media_hash, tags, undo=Undo("tag", media_hash, removed) if removed else None)


async def edit_title(media_hash: str) -> Response:
    video = await services().videos.get(media_hash)
    if not wants_partial():
        return redirect_back(addresses().watch(video.file))
    return partial(
        "title.html",
        media_hash=video.media_hash,
        title=video.title,
        edited=video.title_edited,
        error=None,
        editing="edit" in request.args,
    )


async def retitle(media_hash: str) -> Response:
    form = await request.form
    entered = "" if form.get("reset") else await form_words("title")
    before = await services().videos.get(media_hash)
    try:
        video = await services().videos.retitle(media_hash, entered, client())
    except Invalid as error:
        if not wants_partial():
            raise
        values: dict[str, Any] = {
            "title": before.title,
            "edited": before.title_edited,
            "error": error.message,
            "editing": True,
        }
        return partial("title.html", 422, media_hash=media_hash, entered=entered, **values)
    values = {"title": video.title, "edited": video.title_edited, "error": None, "editing": False}
    undo = None
    if (video.title, video.title_edited) != (before.title, before.title_edited):
        kind = "title" if before.title_edited else "first-title"
        undo = Undo(kind, media_hash, before.title)
    return _saved(media_hash, "title.html", "title:changed", undo, **values)


async def hide(media_hash: str) -> Response:
    wanted = digit(await form_words("value"), "1 or 0", 1) == 1
    now = await services().hidden.set(media_hash, wanted, client())
    return _saved(media_hash, "hidden.html", "library:changed", hidden=now)


async def edit_notes(media_hash: str) -> Response:
    """The notes of a video as a part of its page."""
    if not wants_partial():
        return redirect_back(f"/v/{media_hash}")
    text = await services().notes.get(media_hash)
    return partial("notes.html", media_hash=media_hash, notes=text, error="", saved=False)


async def write_notes(media_hash: str) -> Response:
    entered = await form_long("notes", MAX_NOTES_SENT)
    try:
        text = await services().notes.set(media_hash, entered, client())
    except Invalid as error:
        if not wants_partial():
            raise
        values: dict[str, Any] = {"notes": entered, "error": error.message, "saved": False}
        return partial("notes.html", 422, media_hash=media_hash, **values)
    if not wants_partial():
        return redirect_back(f"/v/{media_hash}")
    return partial(
        "notes.html",
        trigger="notes:changed",
        media_hash=media_hash,
        notes=text,
        error="",
        saved=True,
    )


async def view(media_hash: str) -> Response:
    views = await services().views.count(media_hash, client())
    return _saved(media_hash, "views.html", "views:changed", views=views)


def _saved(
    media_hash: str, template: str, event: str, undo: Undo | None = None, **values: Any
) -> Response:
    """The partial with the saved value, or for a plain form the way back to its page."""
    if wants_partial():
        return partial_of_video(template, event, media_hash, undo, **values)
    return leave_undo(redirect_back(f"/v/{media_hash}"), undo)


def _spelling(entered: str, tags: tuple[str, ...]) -> str:
    """The tag as the video carries it now."""
    return next((tag for tag in tags if tag_key(tag) == tag_key(entered)), "")


async def _tags(
    media_hash: str,
    tags: tuple[str, ...],
    status: int = 200,
    error: str | None = None,
    entered: str = "",
    added: str = "",
    undo: Undo | None = None,
) -> Response:
    if not wants_partial():
        return leave_undo(redirect_back(f"/v/{media_hash}"), undo)
    suggestions = await services().tags.suggest(media_hash, SUGGESTIONS)
    values: dict[str, Any] = {
        "tags": tags,
        "suggestions": suggestions,
        "error": error,
        "entered": entered,
        "added": added,
        "undo": undo,
    }
    return partial(
        "tags.html",
        status,
        trigger="" if error else "tags:changed",
        media_hash=media_hash,
        **values,
    )
