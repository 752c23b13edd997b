"""People: who is watching on this device, and who there is."""

from typing import cast

from quart import Response, redirect, request

from lvs.errors import Refused, TooManyRequests
from lvs.models import display_path
from lvs.routes.hooks.people import COOKIE, device
from lvs.routes.pages.seen_views import seen_views
from lvs.routes.pages.start_page import VIEW
from lvs.services.household.people import START_PAGES, Device, NewPerson, Person, limits_from
from lvs.text import split_at_commas, with_commas
from lvs.viewer import Limits, viewer
from lvs.web.request_args import MAX_ID, arguments, form_number, form_words, number, row_id
from lvs.web.responses import client, page, services

YEAR_S = 365 * 24 * 3600


async def show() -> Response:
    """Everybody; `removed` names who was removed last."""
    return await _page(removed=number(arguments(), "removed", MAX_ID))


async def _page(status: int = 200, removed: int = 0, error: str = "", asked: int = 0) -> Response:
    people = services().people
    here = device()
    return page(
        "people.html",
        status,
        people=people.every,
        gone=[each for each in people.removed if each.id == removed] or people.removed,
        chosen=viewer().person,
        bound=bool(here and here.bound),
        may_change=viewer().limits is None,
        keepers=any(each.pin and each.limits is None for each in people.every),
        error=error,
        asked=asked,
        start_pages=START_PAGES | await _views(),
        tags_of=_tags_of,
        folders_of=_folders_of,
        current="people",
    )


async def _views() -> dict[str, str]:
    """The saved views as pages to begin with."""
    return {VIEW + each.view_id: each.name for each in await seen_views()}


async def choose() -> Response:
    """Have this device be a person's (0: nobody's), with the PIN where that needs one; with `bound`
    it stays theirs until somebody who sees everything gives a PIN.
    """
    wanted, pin = await form_number("person"), await form_words("pin")
    bound = await form_words("bound") == "1"
    try:
        cookie = await chosen_cookie(wanted, pin, bound)
    except (Refused, TooManyRequests) as error:
        status = 429 if isinstance(error, TooManyRequests) else 403
        response = await _page(status, error=error.message, asked=wanted)
        if isinstance(error, TooManyRequests):
            response.headers["Retry-After"] = str(error.retry_after_s)
        return response
    response = cast("Response", redirect("/", 303))
    keep_cookie(response, cookie)
    return response


async def chosen_cookie(wanted: int, pin: str, bound: bool) -> str:
    """The cookie of a device that becomes a person's; empty for nobody's.

    Raises NotFound, Refused, TooManyRequests.
    """
    people, here = services().people, device()
    person = people.get(wanted) if wanted else None
    if here and _is_kept(here, person, bound):
        await people.release(here, pin, client())
    elif person:
        await people.check_pin(person, pin, client())
    return people.cookie(person, bound) if person else ""


def _is_kept(here: Device, person: Person | None, bound: bool) -> bool:
    """True where somebody who sees everything has to let the device go: it is bound, or that of a
    person with limits, and is to be another's, who has no PIN of their own that shows they may.
    """
    if person and person.id == here.person.id:
        return here.bound and not bound
    if person and person.pin and person.limits is None:
        return False
    if here.bound:
        return True
    return here.person.limits is not None and (person is None or person.limits is None)


def keep_cookie(response: Response, cookie: str) -> None:
    """Set or delete the cookie of a device, and end what it listens to as another's."""
    services().live_events.let_go(client())
    secure = request.scheme == "https"
    if cookie:
        response.set_cookie(
            COOKIE, cookie, YEAR_S, httponly=True, samesite="Lax", secure=secure, path="/"
        )
    else:
        response.delete_cookie(COOKIE, httponly=True, samesite="Lax", secure=secure, path="/")
    response.headers["Cache-Control"] = "no-store"


async def create() -> Response:
    await services().people.create(await _from_form())
    return _to()


async def change(person_id: str) -> Response:
    wanted = row_id(person_id)
    before = services().people.get(wanted)
    await services().people.check_pin(before, await form_words("old_pin"), client())
    await services().people.change(wanted, await _from_form())
    return _to()


async def ask_removal(person_id: str) -> Response:
    return page(
        "person_remove.html", person=services().people.get(row_id(person_id)), current="people"
    )


async def remove(person_id: str) -> Response:
    person = services().people.get(row_id(person_id))
    await services().people.check_pin(person, await form_words("old_pin"), client())
    await services().people.remove(person.id)
    return _to(f"?removed={person.id}")


async def bring_back(person_id: str) -> Response:
    await services().people.bring_back(row_id(person_id))
    return _to()


async def _from_form() -> NewPerson:
    pin = await form_words("pin")
    limits: Limits | None = None
    if await form_words("limited") == "1":
        tags, folders = await form_words("tags"), (await request.form).get("folders", "")[:4000]
        limits = limits_from(split_at_commas(tags), folders.splitlines())
    return NewPerson(
        await form_words("name"),
        "" if await form_words("no_pin") == "1" else pin or None,
        limits,
        await form_words("start"),
    )


def _tags_of(person: Person) -> str:
    return with_commas(person.limits.tags) if person.limits else ""


def _folders_of(person: Person) -> str:
    return (
        "\n".join(display_path(folder) for folder in person.limits.folders) if person.limits else ""
    )


def _to(rest: str = "") -> Response:
    return cast("Response", redirect(f"/people{rest}", 303))
