"""Videos stored more than once, side by side."""

from quart import Response

from lvs.web.request_args import MAX_ID, arguments, form_number, number, row_id
from lvs.web.responses import back, page, services


async def duplicates() -> Response:
    """List videos stored more than once."""
    found, following = await services().duplicates.page(number(arguments(), "after", MAX_ID))
    return page(
        "admin_duplicates.html",
        videos=found,
        total=(await services().overviews.now()).duplicates,
        next_url=f"/admin/duplicates?after={following}" if following else None,
        current="admin",
    )


async def prefer(video_id: str) -> Response:
    """Play a video from the selected copy from now on."""
    await services().duplicates.prefer(row_id(video_id), await form_number("file"))
    return back("/admin/duplicates")
