"""Main program of a player worker on another machine: as `player_worker.py`, but the request names
the library folder there, the path below it, and the content that the film has to have.
"""

from typing import Any

from lvs.services.media.probe_worker import alarm
from lvs.services.media.remote_worker import UNASKED_S, local_path
from lvs.services.playback.player_worker import OpenVideo, RequestQueue, serve


def main(memory_limit_bytes: int, unasked_s: float = UNASKED_S) -> None:
    """Answer requests until standard input ends, or none comes for so long."""
    alarm(unasked_s)
    serve(RemoteVideo(unasked_s), memory_limit_bytes)


class RemoteVideo(OpenVideo):
    """The film as it lies on this machine. `elsewhere` holds a message where it is another."""

    def __init__(self, unasked_s: float = UNASKED_S) -> None:
        super().__init__()
        self._unasked_s = unasked_s

    def answer(
        self, request: dict[str, Any], requests: RequestQueue
    ) -> tuple[dict[str, Any], bytes]:
        """`OpenVideo.answer`, with the alarm left running: it also ends a worker whose answer
        nobody takes.
        """
        alarm(self._unasked_s)
        if request["do"] == "open":
            found = local_path(request)
            if isinstance(found, str):
                return {"elsewhere": found}, b""
            path, *version = found
            request = {**request, "path": path.hex(), "version": version}
        return super().answer(request, requests)
