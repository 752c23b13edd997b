"""The films that follow those watched last."""

from msgspec import Struct
from quart import Response

from lvs.models import Card, Query, Sort, display_path
from lvs.services.household.play_order import ListPlace
from lvs.services.household.up_next import NextVideo
from lvs.web.responses import addresses, page_or_partial, services


class UpNextEntry(Struct, frozen=True):
    """A next film with its address and the list that it stands in."""

    card: Card
    url: str
    reason: str


async def show() -> Response:
    await services().gallery.catch_up()  # the page above which the row stands has done so
    return page_or_partial(
        "up_next.html", "up_next.html", following=await following(), current="up next"
    )


async def following() -> list[UpNextEntry]:
    """The next films as the row shows them; of the edition of the gallery that was noticed last."""
    found = await services().up_next.next_videos(services().gallery.edition)
    return [_shown(video) for video in found]


def _shown(video: NextVideo) -> UpNextEntry:
    if video.playlist_id:
        place = ListPlace(video.playlist_id, video.position)
        url = addresses().watch(video.card) + place.query
        return UpNextEntry(video.card, url, f"in {video.playlist}")
    folder = addresses().folder_bytes(video.card)
    query = Query(folder=folder, sort=Sort.TITLE, descending=False)
    name = display_path(folder.rpartition(b"/")[2])
    return UpNextEntry(
        video.card, addresses().watch(video.card, query), f"in {name}" if name else "next by title"
    )
