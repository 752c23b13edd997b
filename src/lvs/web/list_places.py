"""The list from which a film was opened, as its address says it."""

from msgspec import Struct
from msgspec.structs import replace

from lvs.models import Card, Query
from lvs.services.household.play_order import ListPlace, VideoInList
from lvs.web.filters import MAX_SEED
from lvs.web.request_args import MAX_ID, MAX_TIME, Arguments, number, text
from lvs.web.urls import Urls, query_string


class Neighbour(Struct, frozen=True):
    """A film beside another one in its list, with the address of its watch page there."""

    card: Card
    url: str

    @property
    def title(self) -> str:
        return self.card.title


def list_place(args: Arguments) -> ListPlace | None:
    """The place in a playlist or in Later that an address names; None where it names neither.

    Raises Invalid.
    """
    seed = number(args, "shuffle", MAX_SEED)
    if playlist_id := number(args, "playlist", MAX_ID):
        position = number(args, "position", MAX_ID) if text(args, "position") else None
        return ListPlace(playlist_id, position, seed)
    if text(args, "later"):
        return ListPlace(0, number(args, "later", MAX_TIME), seed)
    return None


def list_string(place: ListPlace | None, query: Query) -> str:
    """The list from which a film was opened, as it stands behind the address of the film."""
    return place.query if place else query_string(query)


def in_list(addresses: Urls, video: VideoInList | None, place: ListPlace) -> Neighbour | None:
    """A film of a playlist or of Later as a neighbour."""
    if video is None:
        return None
    here = replace(place, at=video.at)
    return Neighbour(video.card, addresses.watch(video.card) + here.query)


def in_gallery(addresses: Urls, card: Card | None, query: Query) -> Neighbour | None:
    """A film of a selection as a neighbour."""
    return Neighbour(card, addresses.watch(card, query)) if card else None
