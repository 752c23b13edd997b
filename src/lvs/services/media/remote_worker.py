"""Main program of a probe worker on another machine: as `probe_worker.py`, but it writes nothing.

The request names the library folder there and the path below it; pictures come back in the answer.
A file with another content than the library knows is refused: it would get the wrong pictures.
"""

import base64
import os
from io import BytesIO
from typing import TYPE_CHECKING, Any

from lvs import __version__
from lvs.services.library.fingerprint import fingerprint
from lvs.services.media import probe_worker
from lvs.services.media.probe_worker import PictureWriter

if TYPE_CHECKING:
    from lvs.services.media.scene_sheet import SceneSheet

NOT_THERE = "It is not there on that machine, or another file is."
UNASKED_S = 120.0
"""A worker that is asked nothing for so long ends: its server may be gone without a word."""


def main(memory_limit_bytes: int) -> None:
    """Answer requests until standard input ends."""
    probe_worker.alarm(UNASKED_S)
    probe_worker.serve(answer, memory_limit_bytes)


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """The answer of `probe_worker.answer`; `elsewhere` where the file is not the one that is
    meant; the version of this LVS where it is asked for.
    """
    try:
        if request.get("hello"):
            return {"lvs": __version__}
        found = local_path(request)
        if isinstance(found, str):
            return {"elsewhere": found}
        path, _, _ = found
        keep = PictureWriter(_attach, _attach_sheet)
        return probe_worker.answer({**request, "path": path.hex()}, keep)
    finally:
        probe_worker.alarm(UNASKED_S)


def local_path(request: dict[str, Any]) -> tuple[bytes, int, int] | str:
    """The path of a request's film on this machine, its size in bytes and its time of change in
    nanoseconds; or a message where it is not there.
    """
    root = os.path.realpath(bytes.fromhex(request["root"]))
    path = os.path.join(root, bytes.fromhex(request["path"]))
    try:
        content, _, _, size_bytes, changed_ns = fingerprint(path)
    except OSError as error:
        return f"{NOT_THERE} ({os.strerror(error.errno or 0)})"
    if request["content"] and content != request["content"]:
        return NOT_THERE
    return path, size_bytes, changed_ns


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


def _attach_sheet(sheet: "SceneSheet", _wanted: dict[str, Any], found: dict[str, Any]) -> None:
    encoded = BytesIO()
    sheet.save(encoded)
    found["sheet"] = base64.b64encode(encoded.getvalue()).decode()
