"""The titles that people would give: from file names, without what cameras and releases add.

A title that a person wrote is never touched. The file's own name stays in the file details and in
the search index.
"""

import re
from collections.abc import Callable

from lvs.text import without_extension

_GAPS = re.compile(r"[_.]+|\s+")
_UNDERSCORES = re.compile(r"_+|\s+")
_DOTS = re.compile(r"(?<!\d)\.+|\.+(?!\d)")  # one between digits is part of a number

# A date at the beginning of a name says when it was, not what it is.
_DATE = re.compile(r"(?:19|20)\d\d[-.](?:0[1-9]|1[0-2])(?:[-.](?:0[1-9]|[12]\d|3[01]))?(?![\d.-])")
_TIME_STAMP = re.compile(
    r"(?:(?:VID|MOV|PXL|IMG|video|signal|WhatsApp Video)[-_ ]?)?"
    r"(?:19|20)\d\d[-.]?\d\d[-.]?\d\d[-_ T](?:at )?(\d\d)[-.:]?(\d\d)[-.:]?(?:\d\d)?.*",
    re.IGNORECASE,
)
_CAMERA = re.compile(
    r"(?:IMG|VID|MVI|MOV|MAH|DSC|DSCF|DSCN|DSC0|DJI|P|SAM|C|GOPR|GP|G[HXL]|100_|CIMG|CLIP|Screen)"
    r"[-_ ]?(?:E)?(\d{3,8})(?:[-_ ~(].*)?",
    re.IGNORECASE,
)
_ROLLS = re.compile(
    r"DCIM|\d{3}[A-Z_]{4,6}|Camera(?: Roll)?|Camera Uploads|Videos?|Movies|Films?|Phone|Clips",
    re.IGNORECASE,
)
_EPISODE = re.compile(r"(?<![A-Za-z0-9])S(\d{1,2})[ ._-]?E(\d{1,3})(?![0-9])", re.IGNORECASE)
_RELEASE = re.compile(
    r"(?<![A-Za-z0-9])(?:480p|576p|720p|1080[pi]|1440p|2160p|4320p|4K|UHD|WEB|WEB[-. ]?DL|"
    r"WEB[-. ]?Rip|Blu[-. ]?Ray|BDRip|BRRip|DVDRip|HDTV|HDRip|REMUX|HDR(?:10)?|"
    r"x26[45]|H[. ]?26[45]|HEVC|XviD)"
    r"(?![A-Za-z0-9])",
)
# Words at the end of a name that say how the picture of a film for headsets is laid out. Some are
# nothing else; an angle or two letters are only where they stand together: "Studio 180", "Area 51".
_WORD = re.compile(r"[^ _\-.()\[\]]+")
_LAYOUT = (
    r"3D[HV]|HSBS|180x180|180x360|360x180|VR180|VR360|EAC360|"
    r"FISHEYE1[89]0|RF52|MKX2[02]0|VRCA220"
)
_ANGLE = r"(?:180|360)°?"
_SIDES = r"LR|SBS|mono|(?-i:RL|TB|BT|H?OU)"  # "ou" is also a word
_STEREO = "3D|half|full"
_BESIDE = r"VR|EAC|fisheye|F1[89]0|alpha|[4-8]K|\d{3,4}p|\d{2,3}fps|[hx]26[45]|HEVC|AV1"
_KINDS = re.compile(
    f"(?P<l>{_LAYOUT})|(?P<a>{_ANGLE})|(?P<s>{_SIDES})|(?P<t>{_STEREO})|(?P<v>{_BESIDE})",
    re.IGNORECASE,
)
_JOINED_SIDES = re.compile("RL|TB|BT|H?OU", re.IGNORECASE)
_SURE = re.compile("l|a.*[sv]|st")  # of letters in their order, each once
_YEAR = re.compile(r"(.*\S) ((?:19|20)\d\d)")
_EDGES = " .-–·,_"
SEPARATOR = " · "


def plain_title(path: bytes) -> str:
    """The file's name without its extension, with spaces for `_` and `.`; no rule beyond."""
    name = path.rpartition(b"/")[2].decode("utf-8", "replace")
    stem = without_extension(name.strip()) or name
    return _GAPS.sub(" ", stem).strip() or name


def title_from_path(path: bytes) -> str:
    """The title of a file at this path below its library folder."""
    *folders, name = path.decode("utf-8", "replace").split("/")
    whole = without_extension(name.strip()) or name
    stem = _without_layout(whole)
    for rule in RULES:
        if title := rule(stem, folders):
            return title
    title = _spaced(stem)
    return (title if stem == whole else _with_year(title)) or name


def _spaced(stem: str) -> str:
    """Words with spaces between them. Dots are spaces only where there are no others."""
    if "_" not in stem and "." not in stem:
        return " ".join(stem.split())
    words = _UNDERSCORES.sub(" ", stem).strip()
    if " " not in words or "_" in stem:
        words = _DOTS.sub(" ", words)
    return " ".join(words.split())


def _without_layout(stem: str) -> str:
    """`Alps_180_LR` is Alps."""
    cut, kinds = len(stem), set[str]()
    for word in reversed(list(_WORD.finditer(stem))):
        kind = _layout_kind(stem, word)
        if not kind:
            is_sure = kinds and _SURE.search("".join(sorted(kinds)))
            return stem[:cut].rstrip(_EDGES + "[(") if is_sure else stem
        kinds.add(kind)
        cut = word.start()
    return stem  # it has no other name


def _layout_kind(stem: str, word: re.Match[str]) -> str:
    """The letter of `_KINDS` for a word of a name; empty for an ordinary one."""
    if found := _KINDS.fullmatch(word[0]):
        return found.lastgroup or ""
    is_joined = stem[: word.start()].endswith(("_", "-", "."))
    return "s" if is_joined and _JOINED_SIDES.fullmatch(word[0]) else ""


def _episode(stem: str, folders: list[str]) -> str:
    """`Hollow.Hill.S01E02.1080p` is Hollow Hill · S1 E2."""
    found = _EPISODE.search(stem)
    if not found:
        return ""
    before, after = stem[: found.start()], _without_release(_spaced(stem[found.end() :]))
    series = _spaced(before).strip(_EDGES) or _event(folders)
    place = f"S{int(found[1])} E{int(found[2])}"
    return SEPARATOR.join(part for part in (series, place, after.strip(_EDGES)) if part)


def _moment(stem: str, folders: list[str]) -> str:
    """`VID_20231224_183012` in `2023-12-24 Christmas Eve` is Christmas Eve · 18:30."""
    found = _TIME_STAMP.fullmatch(stem)
    event = _event(folders) if found else ""  # a first scan asks for the title of every file
    if not found or not event or int(found[1]) > 23 or int(found[2]) > 59:
        return ""
    return f"{event}{SEPARATOR}{found[1]}:{found[2]}"


def _camera(stem: str, folders: list[str]) -> str:
    """`IMG_4021` in `2023-07-14 Learning to swim` is Learning to swim · 4021."""
    found = _CAMERA.fullmatch(stem)
    event = _event(folders) if found else ""
    return f"{event}{SEPARATOR}{found[1]}" if found and event else ""


def _dated(stem: str, _: list[str]) -> str:
    """`1999-12-31 Fireworks` is Fireworks."""
    words = _without_date(_spaced(stem)) if _DATE.match(stem) else ""
    return words if any(map(str.isalpha, words)) else ""


def _release(stem: str, _: list[str]) -> str:
    """`The.Long.Way.North.2019.1080p.BluRay.x264` is The Long Way North (2019)."""
    title = _spaced(stem)
    cut = _without_release(title)
    if not cut or cut == title:
        return ""
    return _with_year(cut)


Rule = Callable[[str, list[str]], str]
RULES: tuple[Rule, ...] = (_episode, _moment, _camera, _dated, _release)
"""The rules in order: the first that gives a title is taken. Each gets the name without its
extension and the folders above it.
"""


def _event(folders: list[str]) -> str:
    """The nearest folder that says what was filmed; empty where there is none."""
    for folder in reversed(folders):
        name = _spaced(folder)
        if not _ROLLS.fullmatch(folder) and (event := _without_date(name) or name):
            return event
    return ""


def _with_year(words: str) -> str:
    year = _YEAR.fullmatch(words)
    return f"{year[1]} ({year[2]})" if year else words


def _without_date(words: str) -> str:
    found = _DATE.match(words)
    return words[found.end() :].strip(_EDGES) if found else words


def _without_release(words: str) -> str:
    found = _RELEASE.search(words)
    return words[: found.start()].strip(_EDGES + "[(") if found else words
