"""The person who watches, found before every request, and the limits of those who have any.

A person who is limited to a selection is answered as if nothing else were there: by every address
that names a video, and by routes that say in the site map that they are for them, too.
"""

from collections.abc import Callable
from typing import cast

from quart import Quart, g, request

from lvs.errors import Invalid, NotFound, Refused
from lvs.routes.hooks.auth import has_token
from lvs.services.household.people import Device, Person
from lvs.viewer import NOBODY, Viewer, set_viewer, viewer
from lvs.web.named_video import id_at
from lvs.web.responses import services
from lvs.web.site_map import access

COOKIE = "lvs_person"
HEADER = "LVS-Person"


def install(app: Quart) -> None:
    """Find out who watches before every request."""

    @app.before_request
    async def find_viewer() -> None:
        set_viewer(NOBODY)
        if request.endpoint == "static":
            return
        people = services().people
        await people.load()
        if not people.every and HEADER not in request.headers:
            return
        g.device = people.device(request.cookies.get(COOKIE, ""))
        person = _person(g.device)
        if person is None:
            return
        if person.limits is None:
            set_viewer(Viewer(person.id))
            return
        commits = services().query_stats.commits
        allowed = await services().gallery.allowed(person.limits)
        set_viewer(Viewer(person.id, person.limits, allowed, commits))
        if request.endpoint is None:  # there is nothing, for whom ever
            return
        if not access().limited:
            raise Refused(
                f"{person.name} may only see a selection of videos, and this is not part of it."
            )
        await _refuse_out_of_sight()


def device() -> Device | None:
    """The device that asks, where a person was chosen on it."""
    return cast("Device | None", getattr(g, "device", None))


def _person(device: Device | None) -> Person | None:
    """The person that the cookie or the header names. A device that is bound, or is that of a
    person with limits, cannot become another's by a header.
    """
    name = request.headers.get(HEADER, "")
    if not name or (device and (device.bound or device.person.limits is not None)):
        return device.person if device else None
    people = services().people
    person = people.named(name) or people.named(_decoded(name))
    if person is None:
        raise Invalid(f"There is no person of the name in the header {HEADER}.")
    if person.pin and not has_token() and not (device and device.person.id == person.id):
        raise Refused(
            f"{person.name} has a PIN: choose them by PUT /api/people/chosen, or send a token."
        )
    return person


def lasting_check() -> Callable[[], bool]:
    """A check for answers that last: True while nobody with limits asked for them."""
    people, cookie = services().people, request.cookies.get(COOKIE, "")
    name = request.headers.get(HEADER, "")

    def sees_everything() -> bool:
        device = people.device(cookie)
        chosen = device.person if device else None
        asked = people.named(name) or people.named(_decoded(name)) if name else None
        return all(person is None or person.limits is None for person in (chosen, asked))

    return sees_everything


def _decoded(name: str) -> str:
    """The header's text: UTF-8, which HTTP libraries hand on as Latin-1."""
    try:
        return name.encode("latin-1").decode()
    except UnicodeError:
        return name


async def _refuse_out_of_sight() -> None:
    """Raise NotFound where the address names a video that this person may not see."""
    named = request.view_args or {}
    if "media_hash" in named:
        video_id = await services().videos.id_of(named["media_hash"])
    elif "place" in named and request.url_rule:
        prefix = request.url_rule.rule.partition("<")[0]
        video_id = await id_at(prefix)
    else:
        return
    if video_id is not None and not viewer().sees(video_id):
        raise NotFound("There is no such video.")
