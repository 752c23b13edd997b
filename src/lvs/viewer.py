"""The person who watches, for as long as a request is answered.

A hook of the routes says who it is; services ask here where nobody tells them. Nobody chosen is the
household, which sees everything.
"""

from contextvars import ContextVar

from lvs.models import NOBODY, Limits, Viewer

__all__ = ["NOBODY", "Limits", "Viewer", "person_or_viewer", "set_viewer", "viewer"]

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
