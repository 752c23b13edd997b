"""Hashes of a film's pictures, made in a worker process.

A hash is 64 bits of a discrete cosine transform, as in pHash: which of its low frequencies are
above their median. Size, compression, brightness and borders hardly change it.
"""

from math import cos, pi, sqrt
from operator import mul
from typing import TYPE_CHECKING, Any

from PIL import Image

from lvs.services.media.finish import without_borders
from lvs.services.media.picture_signature import UNIT_S, places

if TYPE_CHECKING:
    from lvs.services.media.video_file import VideoFile

SIDE, FREQUENCIES = 32, 8
IMAGE_WIDTH = 128
LEAST_CONTRAST = 6.0
"""Root mean square of the frequencies below which a picture is as good as blank."""
MOST_PIXELS = 1200 * 1920 * 1080
"""Decoded for one film at most: about ten seconds of a processor."""

# Neither the mean nor what only rises or falls across the picture: half of all pictures are
# brighter above than below.
_WAVES = [
    [sqrt(2 / SIDE) * cos(pi * (2 * at + 1) * wave / (2 * SIDE)) for at in range(SIDE)]
    for wave in range(1, FREQUENCIES + 1)
]


def signature(video: "VideoFile") -> dict[str, Any]:
    """The signature of a film, as `read_signature` takes it. Blank pictures are left out."""
    length_s = video.picture_s
    keys = places(length_s)
    times = [at * UNIT_S + (length_s if at < 0 else 0.0) for at in keys]
    found = []
    for number, frame in video.frames_at(times, MOST_PIXELS):
        bits = picture_hash(video.image(frame, IMAGE_WIDTH))
        if bits is not None:
            found.append([keys[number], bits])
    return {"duration_s": length_s, "pictures": found}


def picture_hash(image: Image.Image) -> int | None:
    """64 bits; None of a picture that is as good as blank."""
    whole = without_borders(image).convert("L")
    small = whole.resize((SIDE, SIDE), Image.Resampling.BOX).tobytes()
    rows = [list(small[at : at + SIDE]) for at in range(0, SIDE * SIDE, SIDE)]
    across = [[sum(map(mul, row, wave)) for row in rows] for wave in _WAVES]
    strengths = [sum(map(mul, column, wave)) for column in across for wave in _WAVES]
    if sqrt(sum(each * each for each in strengths) / len(strengths)) < LEAST_CONTRAST:
        return None
    middle = sorted(strengths)[len(strengths) // 2]
    return sum(1 << place for place, each in enumerate(strengths) if each >= middle)
