"""The person who watches, for as long as a request is answered.

A hook of the routes says who it is; services ask here where nobody tells them. Nobody chosen is the
household, which sees everything.
"""

from collections.abc import Collection
from contextvars import ContextVar
from dataclasses import dataclass, field

EVERYBODY = 0  # the id of the household


@dataclass(frozen=True, slots=True)
class Limits:
    """A selection that a person is limited to: videos with any of these tags or below any of these
    folders, as addresses spell them.
    """

    tags: tuple[str, ...] = ()
    folders: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class Viewer:
    """A person and what they may see: `allowed` are the ids of the videos within `limits`."""

    person: int = EVERYBODY
    limits: Limits | None = None
    allowed: frozenset[int] = field(default=frozenset(), compare=False, repr=False)

    def sees(self, video_id: int) -> bool:
        """True where this person may see a video."""
        return self.limits is None or video_id in self.allowed

    def seen(self, video_ids: Collection[int]) -> list[int]:
        """Those of the videos that this person may see, in their order."""
        return [video_id for video_id in video_ids if self.sees(video_id)]


NOBODY = Viewer()
_viewer: ContextVar[Viewer] = ContextVar("viewer", default=NOBODY)


def viewer() -> Viewer:
    """The person who watches; NOBODY outside of requests and where nobody was chosen."""
    return _viewer.get()


def set_viewer(person: Viewer) -> None:
    """Say who watches, in this task from now on."""
    _viewer.set(person)


def person_or_viewer(person: int | None) -> int:
    """The person that a caller names; else the one who watches."""
    return _viewer.get().person if person is None else person
