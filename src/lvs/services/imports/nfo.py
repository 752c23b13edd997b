"""Reads `.nfo` files as Kodi and Jellyfin keep them beside films. Blocking code."""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

from lvs.config import VIDEO_FORMATS
from lvs.errors import Invalid
from lvs.services.imports.foreign_library import (
    ForeignFile,
    ForeignLibrary,
    ForeignVideo,
    number_of,
    seconds_of,
    stars_of,
)
from lvs.services.legacy import values

PROGRAM = "nfo"
MOST_BYTES = 1 << 20
MOST_FILES = 1_000_000
ROOTS = ("movie", "episodedetails", "musicvideo", "video")
SERIES = ("tvshow", "season", "artist", "album")  # about no single film
WHOLE_FOLDER = ("movie", "video_ts", "index")  # names of a .nfo for the only film of its folder
SCALE = 10

_HASH = re.compile(r"[0-9a-f]{16}")
_ENTITY = re.compile(rb"<!(DOCTYPE|ENTITY)", re.IGNORECASE)


def read(path: Path, _user: str = "") -> ForeignLibrary:
    """Read the `.nfo` files in a folder and below, or one file. Raises Invalid, OSError."""
    library = ForeignLibrary(PROGRAM, "")
    for file in _files(path):
        element = _parsed(library, file)
        if element is not None:
            library.videos.append(_foreign_video(library, file, element))
    if not library.videos and not library.not_understood:
        raise Invalid(f"There is no .nfo of a film in {path}.")
    return library


def _files(path: Path) -> Iterator[Path]:
    if not path.is_dir():
        yield path
        return
    number = 0
    for folder, folders, names in os.walk(path):
        folders.sort()
        for name in sorted(names):
            if name.lower().endswith(".nfo") and Path(folder, name).is_file():  # and no pipe
                number += 1
                if number > MOST_FILES:
                    raise Invalid(f"There are more than {MOST_FILES:,} .nfo files in {path}.")
                yield Path(folder, name)


def _parsed(library: ForeignLibrary, file: Path) -> ET.Element | None:
    """The film's element; None with a note where there is none."""
    try:
        with file.open("rb") as opened:
            content = opened.read(MOST_BYTES + 1)
    except OSError as error:
        library.note(f"{file}: {error.strerror}")
        return None
    if len(content) > MOST_BYTES:
        library.note(f"{file}: it is larger than {MOST_BYTES >> 20} MiB")
        return None
    if _ENTITY.search(content):
        library.note(f"{file}: it defines a document type, which no program writes")
        return None
    if b"<" not in content:
        return None  # an address of a page about the film, or the text of a release
    found = _root(content)
    if found is None:
        library.note(f"{file}: it is no XML")
    elif found.tag in ROOTS:
        return found
    elif found.tag not in SERIES:
        library.note(f"{file}: it is about no film ({found.tag[:40]})")
    return None


def _root(content: bytes) -> ET.Element | None:
    """The document's element. What Kodi allows behind it (an address) is cut off."""
    for end in (len(content), content.rfind(b">") + 1):
        try:
            return ET.fromstring(content[:end])  # noqa: S314 - without entities, and small
        except (ET.ParseError, ValueError, LookupError):
            continue
    return None


def _foreign_video(library: ForeignLibrary, file: Path, element: ET.Element) -> ForeignVideo:
    foreign = ForeignVideo(str(file), [_place(file, element)])
    entry, where = foreign.entry, foreign.name
    entry.rating = library.understood(where, lambda r: stars_of(r, SCALE), _rating(element))
    plays = _text(element, "playcount")
    entry.views = library.understood(where, _views, plays or 0) or None
    entry.last_viewed_at = library.understood(where, values.moment, _text(element, "lastplayed"))
    entry.favorite = _text(element, "isuserfavorite").lower() == "true"
    foreign.watched = _text(element, "watched").lower() == "true"
    foreign.position_s = seconds_of(element.findtext("resume/position")) or 0.0
    foreign.title = _text(element, "title")
    for name in ("tag", "genre"):
        for each in element.findall(name):
            if each.text and each.text.strip():
                library.add_tag(foreign, each.text)
    return foreign


def _views(text: str) -> int | None:
    return values.views(max(0, int(number_of(text, "a play count"))))


def _rating(element: ET.Element) -> str:
    """The user's own rating, else the one of the film."""
    return _text(element, "userrating") or _text(element, "rating")


def _text(element: ET.Element, name: str) -> str:
    return (element.findtext(name) or "").strip()


def _place(file: Path, element: ET.Element) -> ForeignFile:
    """The place of the film: beside the file, where there is one of its name."""
    media_hash = next(
        (each.text or "" for each in element.findall("uniqueid") if each.get("type") == "lvs"), ""
    )
    media_hash = media_hash if _HASH.fullmatch(media_hash) else ""
    beside = _beside(file)
    if beside is not None:
        with_size = os.stat(beside).st_size
        return ForeignFile(os.path.realpath(beside), with_size, media_hash=media_hash)
    stem = str(file.with_suffix(""))
    any_ending = not stem.lower().endswith(VIDEO_FORMATS)
    return ForeignFile(stem, media_hash=media_hash, any_ending=any_ending)


def _beside(file: Path) -> Path | None:
    """The video that a `.nfo` is about, where it lies in the same folder."""
    whole = file.stem.lower() in WHOLE_FOLDER
    try:
        names = sorted(entry.name for entry in os.scandir(file.parent) if entry.is_file())
    except OSError:
        return None
    videos = [name for name in names if name.lower().endswith(VIDEO_FORMATS)]
    same = [name for name in videos if file.stem in (name, os.path.splitext(name)[0])]
    found = same or (videos if whole else [])
    return file.parent / found[0] if len(found) == 1 else None
