"""The JSON API of people."""

from quart import Response

from lvs.clock import iso_utc_clamped
from lvs.errors import NotFound
from lvs.models import display_path
from lvs.routes.api import schemas
from lvs.routes.api.openapi import answers
from lvs.routes.hooks.people import device
from lvs.routes.pages.people import chosen_cookie, keep_cookie
from lvs.services.household.people import NewPerson, Person, limits_from
from lvs.viewer import Limits, viewer
from lvs.web.json_body import json_body
from lvs.web.request_args import row_id
from lvs.web.responses import client, json_response, services

MESSAGE = 'Send {"name": "…", "pin": "1234", "limits": {"tags": ["…"], "folders": ["…"]}}.'


@answers(schemas.PeopleList, problems=())
async def every() -> Response:
    """Everybody by name, and who watches: `chosen` is null for nobody."""
    here, person = device(), viewer().person
    chosen = services().people.get(person).name if person else None
    return json_response(
        schemas.PeopleList(
            people=[_entry(each) for each in services().people.every],
            chosen=chosen,
            bound=bool(here and here.bound),
        )
    )


@answers((201, schemas.PersonEntry), body=schemas.PersonChange, problems=(400, 409, 415, 429))
async def create() -> Response:
    """Make a person. 409 where there is one of that name."""
    wanted = await json_body(schemas.PersonChange, MESSAGE)
    return json_response(_entry(await services().people.create(_new(wanted))), 201)


@answers(schemas.PersonEntry, body=schemas.PersonChange, problems=(400, 404, 409, 415, 429))
async def change(person_id: str) -> Response:
    """Change a person.

    Without `pin` the PIN stays, and an empty one removes it. A person with a PIN is changed with it
    in `old_pin`.
    """
    wanted = await json_body(schemas.PersonChange, MESSAGE)
    person = services().people.get(row_id(person_id))
    await services().people.check_pin(person, wanted.old_pin, client())
    return json_response(_entry(await services().people.change(person.id, _new(wanted))))


@answers(schemas.Done, problems=(400, 404))
async def remove(person_id: str) -> Response:
    """Remove a person who has no PIN; they can be brought back for 30 days."""
    person = services().people.get(row_id(person_id))
    await services().people.check_pin(person, "", client())
    await services().people.remove(person.id)
    return json_response(schemas.Done())


@answers(schemas.PersonEntry, problems=(400, 404, 409))
async def bring_back(person_id: str) -> Response:
    """Bring a removed person back, with all that was theirs."""
    return json_response(_entry(await services().people.bring_back(row_id(person_id))))


@answers(schemas.Done, body=schemas.PersonChoice, problems=(400, 404, 415, 429))
async def choose() -> Response:
    """Choose who watches by this client: the answer sets the cookie. `name` is null for nobody."""
    wanted = await json_body(schemas.PersonChoice, 'Send {"name": "…", "pin": "1234"}.')
    person = services().people.named(wanted.name) if wanted.name else None
    if wanted.name and person is None:
        raise NotFound("There is no such person.")
    cookie = await chosen_cookie(person.id if person else 0, wanted.pin, wanted.bound)
    response = json_response(schemas.Done())
    keep_cookie(response, cookie)
    return response


def _new(wanted: schemas.PersonChange) -> NewPerson:
    limits: Limits | None = None
    if wanted.limits is not None:
        limits = limits_from(wanted.limits.tags, wanted.limits.folders)
    return NewPerson(wanted.name, wanted.pin, limits, wanted.start_page)


def _entry(person: Person) -> schemas.PersonEntry:
    limits = person.limits and schemas.PersonLimits(
        tags=list(person.limits.tags),
        folders=[display_path(folder) for folder in person.limits.folders],
    )
    return schemas.PersonEntry(
        id=person.id,
        name=person.name,
        has_pin=bool(person.pin),
        limits=limits,
        start_page=person.start_page,
        created_at=iso_utc_clamped(person.created_at),
    )
