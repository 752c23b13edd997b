"""The length of MPEG pictures that lie in a file without a container, as `.m1v` and `.m2v` do: it
says its pictures and how many a second, but neither a time nor an end.
"""

import re
from collections.abc import Iterator
from typing import IO

BARE = "mpegvideo"
"""FFmpeg's name for such a file."""
WHOLE_BYTES = 32 << 20
CHUNK_BYTES = 1 << 20
PLACES = 32

_PICTURE = b"\x00\x00\x01\x00"
# Picture coding extension (ISO/IEC 13818-2, section 6.2.3.1): behind its number and four ranges of
# vectors the structure, where 3 is a frame, and two bits from the end whether a field is repeated.
_EXTENSION = re.compile(rb"\x00\x00\x01\xb5[\x80-\x8f].(.)(.)", re.DOTALL)
_FRAME, _REPEATED = 3, 2


def bare_duration_s(
    file: IO[bytes],
    size_bytes: int,
    frames_per_s: float,
    whole_bytes: int = WHOLE_BYTES,
    chunk_bytes: int = CHUNK_BYTES,
) -> float:
    """The length in seconds: all pictures of a short file counted, those of a long one at places
    all over it.
    """
    fields = read_bytes = 0
    for chunk in _chunks(file, size_bytes, whole_bytes, chunk_bytes):
        read_bytes += len(chunk)
        fields += _fields(chunk)
    return fields / 2 / frames_per_s * size_bytes / max(1, read_bytes)


def _chunks(
    file: IO[bytes], size_bytes: int, whole_bytes: int, chunk_bytes: int
) -> Iterator[bytes]:
    if size_bytes <= whole_bytes:
        file.seek(0)
        yield file.read(whole_bytes)
        return
    for number in range(PLACES):
        file.seek((size_bytes - chunk_bytes) * number // (PLACES - 1))
        yield file.read(chunk_bytes)


def _fields(stream: bytes) -> int:
    """Number of fields that its pictures are shown for: two for a frame, three where one is
    repeated.
    """
    fields = 2 * stream.count(_PICTURE)
    for extension in _EXTENSION.finditer(stream):
        fields -= extension[1][0] & 3 != _FRAME
        fields += extension[2][0] & _REPEATED > 0
    return fields
