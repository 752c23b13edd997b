"""The frames of a film around a moment, decoded beside LVS, and how alike two pictures are."""

from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lvs.services.media.containers import METADATA

SIDE = 32
SEEK_AHEAD_S = 20
"""A film that is longer is not decoded from its start."""

Grey = NDArray[np.float64]


def grey(image: Image.Image) -> Grey:
    """The picture as a square of 32 by 32 grey points."""
    small = image.convert("L").resize((SIDE, SIDE), Image.Resampling.BOX)
    return np.asarray(small, dtype=np.float64)


def frames_around(path: Path, at_s: float, within_s: float) -> list[Grey]:
    """Frames shown within so many seconds of a moment, and the one that is on the screen before."""
    found: list[Grey] = []
    for moment, image in _decoded(path, at_s - within_s):
        if moment > at_s + within_s:
            break
        if moment < at_s - within_s:
            found.clear()
        found.append(grey(image))
    return found


def _decoded(path: Path, from_s: float) -> Iterator[tuple[float, Image.Image]]:
    with av.open(str(path), **METADATA) as film:
        picture = film.streams.video[0]
        base = float(picture.time_base or 1)
        start_s = (film.start_time or 0) / 1e6
        if from_s > SEEK_AHEAD_S:
            film.seek(round((from_s - 1 + start_s) / base), stream=picture)
        last_s = -1.0
        for packet in film.demux(picture):
            try:
                frames = packet.decode()
            except av.FFmpegError:
                continue
            for frame in frames:
                moment = last_s + 0.04 if frame.pts is None else frame.pts * base - start_s
                last_s = moment
                if moment >= from_s - 2:
                    yield moment, frame.to_image().rotate(frame.rotation, expand=True)


def difference(one: Grey, other: Grey) -> float:
    """0 for the same picture, 1 for one that has nothing to do with it.

    Brightness and contrast do not count, since a wide range of brightness may be shown narrower;
    of pictures without detail only the brightness does.
    """
    flat = min(one.std(), other.std()) < 3
    if flat:
        return float(abs(one.mean() - other.mean()) / 128)
    return float(1 - np.corrcoef(one.ravel(), other.ravel())[0, 1])
