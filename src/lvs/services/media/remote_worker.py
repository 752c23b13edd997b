"""Main program of a probe worker on another machine: as `probe_worker.py`, but it writes nothing.

The request names the library folder there and the path below it; posters come back in the answer.
A file with another content than the library knows is refused: it would get the wrong posters.
"""

import base64
import os
from io import BytesIO
from typing import Any

from lvs import __version__
from lvs.services.library.fingerprint import fingerprint
from lvs.services.media import probe_worker

ELSEWHERE = "It is not there on that machine, or another file is."


def main(memory_limit_bytes: int) -> None:
    """Answer requests until standard input ends."""
    probe_worker.serve(answer, memory_limit_bytes)


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """The answer of `probe_worker.answer`; `elsewhere` where the file is not the one that is
    meant; the version of this LVS where it is asked for.
    """
    if request.get("hello"):
        return {"lvs": __version__}
    root = os.path.realpath(bytes.fromhex(request["root"]))
    path = os.path.join(root, bytes.fromhex(request["path"]))
    try:
        if request["content"] and fingerprint(path)[0] != request["content"]:
            return {"elsewhere": ELSEWHERE}
    except OSError as error:
        return {"elsewhere": f"{ELSEWHERE} ({os.strerror(error.errno or 0)})"}
    return probe_worker.answer({**request, "path": path.hex()}, _attach)


def _attach(
    posters: list[dict[str, Any]], pictures: list[Any], _eye: str, found: dict[str, Any]
) -> None:
    found["pictures"] = [
        _encoded(picture, poster) for poster, picture in zip(posters, pictures, strict=True)
    ]


def _encoded(picture: Any, poster: dict[str, Any]) -> str:
    """A poster's picture in its format, in base64."""
    encoded = BytesIO()
    probe_worker.encode(picture, poster, encoded)
    return base64.b64encode(encoded.getvalue()).decode()
