"""Main program of a player worker on another machine: as `player_worker.py`, but the request names
the library folder there, the path below it, and the content that the film has to have.
"""

from typing import Any

from lvs.services.media.probe_worker import alarm
from lvs.services.media.remote_worker import UNASKED_S, here
from lvs.services.playback.player_worker import Desk, Film, serve


def main(memory_limit_bytes: int, unasked_s: float = UNASKED_S) -> None:
    """Answer requests until standard input ends, or none comes for so long."""
    alarm(unasked_s)
    serve(RemoteFilm(unasked_s), memory_limit_bytes)


class RemoteFilm(Film):
    """The film as it lies on this machine. `elsewhere` holds a message where it is another."""

    def __init__(self, unasked_s: float = UNASKED_S) -> None:
        super().__init__()
        self._unasked_s = unasked_s

    def answer(self, request: dict[str, Any], desk: Desk) -> tuple[dict[str, Any], bytes]:
        """As `Film.answer`. The alarm runs on: it ends a worker whose answer nobody takes, too."""
        alarm(self._unasked_s)
        if request["do"] == "open":
            found = here(request)
            if isinstance(found, str):
                return {"elsewhere": found}, b""
            path, *version = found
            request = {**request, "path": path.hex(), "version": version}
        return super().answer(request, desk)
