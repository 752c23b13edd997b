"""Films of the kinds that go different ways to a browser, made for `playback.py`."""

import shutil
import struct
from pathlib import Path

from films import RATE, Format, join, scene

SCENE_FRAMES = 100
FILM_SCENES = 30
LARGE_BYTES = 3 << 30
KINDS = {
    "direct.mp4": Format(keyframe_every=50),
    "copied.mkv": Format(sound="ac3", keyframe_every=50),
    "ten bit.mkv": Format(pixel_format="yuv420p10le", sound="ac3", keyframe_every=50),
    "hevc.mkv": Format("libx265", keyframe_every=50),
}
"""1080p films of two minutes, by name; what cannot be copied must be converted."""
UHD = "uhd.mkv"
UHD_FORMAT = Format("libx265", "yuv420p10le", size=(3840, 2160), bit_rate=12_000_000)
LARGE = {
    "large.mkv": Format(bit_rate=8_000_000, keyframe_every=50),
    "large.mp4": Format(bit_rate=8_000_000, keyframe_every=50),
}
SECONDS = SCENE_FRAMES * FILM_SCENES // RATE


def make(folder: Path, copies: int) -> None:
    """Put films of every kind, each so many times, into folders of `folder`, where they are not
    there yet.
    """
    for name, form in KINDS.items():
        place = folder / "kinds" / name.partition(".")[0]
        if not (place / f"0 {name}").exists():
            place.mkdir(parents=True, exist_ok=True)
            join(place / f"0 {name}", [scene(1, SCENE_FRAMES, form)] * FILM_SCENES)
        for number in range(1, copies):
            if not (place / f"{number} {name}").exists():
                _copy(place / f"0 {name}", place / f"{number} {name}", number)
    if not (folder / "uhd" / UHD).exists():
        (folder / "uhd").mkdir(parents=True, exist_ok=True)
        join(folder / "uhd" / UHD, [scene(2, 2 * RATE, UHD_FORMAT)] * 15)
    for name, form in LARGE.items():
        path = folder / "large" / name
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            piece = scene(3, SCENE_FRAMES, form)
            join(path, [piece] * (LARGE_BYTES // len(piece) + 1), faststart=False)


def _copy(film: Path, copy: Path, number: int) -> None:
    """The same film with a mark behind it, which makes it another one: a `free` box (ISO/IEC
    14496-12, section 8.1.2) or a Void element (RFC 8794, section 11.3.2).
    """
    shutil.copy(film, copy)
    mark = (
        struct.pack(">I4sQ", 16, b"free", number)
        if film.suffix == ".mp4"
        else b"\xec\x88" + struct.pack(">Q", number)
    )
    with copy.open("ab") as file:
        file.write(mark)
