"""The doctor's page: every check of `lvs doctor` with its next step."""

from quart import Response

from lvs.web.responses import page, services


async def show_doctor() -> Response:
    """The doctor's present or recent findings."""
    found = await services().doctor.now()
    response = page("admin_doctor.html", found=found, current="admin")
    response.headers["Cache-Control"] = "no-store"
    return response
