"""The plain values that travel between the rooms. They import nothing from LVS and know no I/O.

Times are Unix milliseconds (UTC), durations seconds, sizes bytes. A path is the bytes the file
system gave, relative to its library folder with `/` between folders, because a file name need not
be valid UTF-8.
"""

import unicodedata
from collections.abc import Collection
from datetime import date
from enum import StrEnum
from typing import NamedTuple, NewType

from msgspec import Struct

MediaHash = NewType("MediaHash", str)
"""16 lower-case hexadecimal digits that name a video for good."""


RESOLUTIONS = (
    ("8K", 4320, 7680),
    ("4K", 2160, 3840),
    ("1440p", 1440, 2560),
    ("1080p", 1080, 1920),
    ("720p", 720, 1280),
)
"""The names of resolutions with their lines and columns; a video needs either of them."""
WIDEST = 2.5  # times as long as it is short: beyond, the longer side says nothing
FEWEST_LINES = 480


class State(StrEnum):
    """State of the analysis of a video's content."""

    NEW = "new"  # found, not probed yet
    READY = "ready"  # a frame of it was decoded
    UNREADABLE = "unreadable"  # cannot be read as video; the reason stands beside it


class Sort(StrEnum):
    """The orders a gallery can have, by the name that stands in the address."""

    ADDED = "added"
    TITLE = "title"
    RATING = "rating"
    VIEWS = "views"
    DURATION = "duration"
    SIZE = "size"
    VIEWED = "viewed"
    FAVORITED = "favorited"
    RECORDED = "recorded"
    RANDOM = "random"
    MATCH = "match"  # by relevance to the words of the search


def display_path(path: bytes) -> str:
    """The path as text that can be shown and encoded; bytes that are not UTF-8 become U+FFFD."""
    return path.decode("utf-8", "replace")


class Root(Struct, frozen=True):
    """A library folder. `name` is its first address segment where there are several."""

    id: int
    path: bytes
    name: str
    offline_since: int | None = None
    active: bool = True
    scanned_at: int | None = None


class PlayableFile(Struct, frozen=True):
    """Everything needed to send a file: its video, its place, its container, its video's title.

    `gone` is True where the file is missing.
    """

    video_id: int
    root_id: int
    path: bytes
    gone: bool
    title: str
    container: str | None


class UnreachableFolder(Struct, frozen=True):
    """A folder inside a library folder that has been unreadable since then: its disk is not
    mounted, or permission is denied.
    """

    root_id: int
    path: bytes
    since: int


class FoundFile(NamedTuple):
    """A file as the walk saw it. A tuple, because a walk makes a hundred thousand of them."""

    path: bytes
    size_bytes: int
    mtime_ns: int


class Fingerprint(NamedTuple):
    """Identity of a file's content: our own hash and OpenSubtitles' (both 16 hex
    digits).
    """

    fingerprint: str
    oshash: str


class File(Struct, frozen=True):
    """A place where a video lies, or lay when `missing_since` is set."""

    id: int
    video_id: int
    root_id: int
    path: bytes
    size_bytes: int
    mtime_ns: int
    fingerprint: str
    oshash: str
    missing_since: int | None = None


FORCED, FOR_THE_DEAF = "forced", "for the hard of hearing"
"""Marks of subtitles."""


class Track(Struct, frozen=True):
    """One audio or subtitle track."""

    codec: str
    language: str | None = None
    title: str | None = None
    channels: int | None = None
    codec_string: str | None = None
    mark: str | None = None
    """`forced` or `for the hard of hearing`, where the file says so of subtitles."""
    decodable: bool = True
    """False for sound that LVS has no decoder for."""


class Probe(Struct, frozen=True):
    """Facts from the container and its streams.

    Width and height are as displayed: turned, and stretched by the pixel aspect.
    """

    container: str
    video_codec: str
    duration_s: float | None
    width: int
    height: int
    coded_width: int
    coded_height: int
    rotation: int = 0
    frame_rate: float | None = None
    bit_depth: int | None = None
    pixel_format: str | None = None
    audio_tracks: tuple[Track, ...] = ()
    subtitle_tracks: tuple[Track, ...] = ()
    recorded_at: int | None = None
    codec_string: str | None = None
    interlaced: bool = False
    transfer: str | None = None


class Shape(StrEnum):
    """The surface a film's picture belongs on."""

    FLAT = "flat"
    EQUIRECT180 = "equirect180"  # half a sphere
    EQUIRECT360 = "equirect360"  # a whole sphere
    FISHEYE = "fisheye"
    EAC = "eac"  # equi-angular cube map


class Stereo(StrEnum):
    """The place of the two eyes in a film's picture."""

    MONO = "mono"
    SBS = "sbs"  # side by side
    TB = "tb"  # one above the other


class Projection(Struct, frozen=True):
    """The shape of a film and the reason to believe it.

    `swapped` is True where the right eye comes first. `fov` is the angle of the picture in degrees,
    None for a flat film. `lens` is the name of a fisheye lens. `source` is one of `person`,
    `container`, `name` and `default`.
    """

    shape: Shape = Shape.FLAT
    stereo: Stereo = Stereo.MONO
    swapped: bool = False
    fov: float | None = None
    lens: str | None = None
    source: str = "default"
    sure: bool = False
    reason: str = "Nothing says otherwise."

    @property
    def immersive(self) -> bool:
        """True for a film that a headset shows better than a flat page does."""
        return self.shape is not Shape.FLAT or self.stereo is not Stereo.MONO

    @property
    def badge(self) -> str:
        """The few letters on a card, such as `180 3D`; empty for an ordinary film."""
        return badge_of(projection_code(self.shape, self.stereo))


def projection_code(shape: Shape, stereo: Stereo) -> int:
    """The number by which the gallery knows shape and stereo; 0 is flat, for one eye."""
    return len(STEREOS) * SHAPES.index(shape) + STEREOS.index(stereo)


def badge_of(code: int) -> str:
    """The few letters on a card for such a number."""
    shape, stereo = divmod(code, len(STEREOS))
    words = [SHAPE_BADGES[SHAPES[shape]], "3D" if STEREOS[stereo] is not Stereo.MONO else ""]
    return " ".join(word for word in words if word)


HOUSEHOLD = 0  # the id of the person that stands for everybody
SHAPES, STEREOS = tuple(Shape), tuple(Stereo)
SHAPE_BADGES = {
    Shape.FLAT: "",
    Shape.EQUIRECT180: "180",
    Shape.EQUIRECT360: "360",
    Shape.FISHEYE: "Fisheye",
    Shape.EAC: "360",
}


class Chapter(Struct, frozen=True):
    """A part of a film with a name; times are milliseconds from the film's start."""

    name: str
    start_ms: int
    end_ms: int


class Card(NamedTuple):
    """Values on a video's gallery card. A tuple, because a page reads sixty of them."""

    id: int
    media_hash: MediaHash
    version: int
    root_id: int
    path: bytes
    title: str
    added_at: int
    duration_s: float
    width: int
    height: int
    size_bytes: int
    rating: int
    views: int
    last_viewed_at: int
    favorited_at: int
    projection: int
    tags: tuple[str, ...]
    state: State
    poster: str | None
    offline: bool
    progress: int = 0  # percent, 1 to 99; 0 at the beginning
    watched: bool = False
    recorded_at: int = 0  # by the container, else by the file; 0: not known
    hidden: bool = False
    colour: str = ""  # of its poster: three hexadecimal digits; empty while unknown

    @property
    def favorite(self) -> bool:
        return self.favorited_at > 0

    @property
    def badge(self) -> str:
        """`180 3D` and its like for a film that is more than flat; else empty."""
        return badge_of(self.projection) if self.projection else ""

    @property
    def resolution(self) -> str:
        """The badge people know: 8K, 4K, 1440p, 1080p, 720p or the lines; empty while unknown, and
        where it is nothing to boast of. Of a very wide picture only the lines count.
        """
        short, long = sorted((self.width, self.height))
        for label, lines, columns in RESOLUTIONS:
            if short >= lines or (long >= columns and long < WIDEST * short):
                return label
        return f"{short}p" if short >= FEWEST_LINES else ""

    @property
    def file_name(self) -> str:
        return display_path(self.path.rpartition(b"/")[2])


class WatchState(Struct, frozen=True):
    """The state of watching a video: the position in seconds (0: at the beginning), whether it was
    watched to its end, and when that was last noted (Unix milliseconds, 0: never).
    """

    position_s: float = 0.0
    watched: bool = False
    updated_at: int = 0


class Video(Struct, frozen=True):
    """One video with everything LVS knows of it."""

    id: int
    media_hash: MediaHash
    title: str
    title_edited: bool
    added_at: int
    state: State
    reason: str | None
    probe: Probe | None
    rating: int
    rated_at: int
    views: int
    last_viewed_at: int
    favorited_at: int
    tags: tuple[str, ...]
    files: tuple[File, ...]  # present ones first, the first is the one that is played
    poster: str | None
    version: int
    parted_from: int | None = None  # the video for which it was taken at first, by its name
    projection: Projection = Projection()
    projection_evidence: str | None = None  # JSON, None before the file was probed
    watch_state: WatchState = WatchState()
    hidden: bool = False
    notes: str = ""

    @property
    def file(self) -> File:
        return self.files[0]

    @property
    def favorite(self) -> bool:
        return self.favorited_at > 0

    @property
    def missing(self) -> bool:
        return self.file.missing_since is not None


class Rating(Struct, frozen=True):
    """A video's stars: 1 to 5, or None while unrated."""

    media_hash: MediaHash
    value: int | None
    created: bool = False  # this very change gave the video its first stars


class Tag(Struct, frozen=True):
    """A tag, how many listed videos carry it or one below it, and its colour (`#rrggbb` or
    empty).
    """

    name: str
    count: int
    colour: str = ""


class Limits(Struct, frozen=True):
    """A selection that a person is limited to: videos with any of these tags or below any of these
    folders, as addresses spell them.
    """

    tags: tuple[str, ...] = ()
    folders: tuple[bytes, ...] = ()


class Viewer(Struct, frozen=True, eq=False):
    """A person and what they may see: `allowed` are the ids of the videos within `limits`, found
    after so many `commits` of the database.

    The same person with the same limits is the same viewer, whatever was found.
    """

    person: int = HOUSEHOLD
    limits: Limits | None = None
    allowed: frozenset[int] = frozenset()
    commits: int = -1

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Viewer):
            return NotImplemented
        return self.person == other.person and self.limits == other.limits

    def __hash__(self) -> int:
        return hash((self.person, self.limits))

    def __repr__(self) -> str:
        return f"Viewer(person={self.person!r}, limits={self.limits!r})"

    def sees(self, video_id: int) -> bool:
        """True where this person may see a video."""
        return self.limits is None or video_id in self.allowed

    def seen(self, video_ids: Collection[int]) -> list[int]:
        """The videos that this person may see, in their order."""
        return [video_id for video_id in video_ids if self.sees(video_id)]


NOBODY = Viewer()


class Query(Struct, frozen=True, cache_hash=True):
    """Selection and order of a gallery, as they stand in the address."""

    q: str = ""
    tags: tuple[str, ...] = ()
    min_rating: int = 0
    favorite: bool = False
    unrated: bool = False
    folder: bytes = b""
    min_minutes: int = 0
    max_minutes: int = 0
    viewed: bool = False
    sort: Sort = Sort.ADDED
    descending: bool = True
    seed: int = 0
    recorded_from: date | None = None
    recorded_to: date | None = None
    recorded: str = ""
    resolution: str = ""
    state: str = ""
    sound: str = ""
    vr: bool = False
    shape: str = ""
    progress: str = ""
    length: str = ""
    direct: bool = False
    tagged: str = ""
    subtitles: str = ""
    hidden: bool = False
    viewer: Viewer = NOBODY
    """The person for whom it is asked, which the gallery says. It does not stand in the address."""

    @property
    def usual_sort(self) -> Sort:
        """The order where none is asked for."""
        return Sort.MATCH if self.q.strip() else Sort.ADDED

    @property
    def filtered(self) -> bool:
        """True where the query leaves out some videos."""
        plain = Query(
            sort=self.sort, descending=self.descending, seed=self.seed, viewer=self.viewer
        )
        return self != plain


class Cursor(Struct, frozen=True):
    """A place in a sorted list: the sort value and the id of the video that stands there."""

    key: int | float | str
    video_id: int


class Page(Struct, frozen=True):
    """A run of cards. `next` is where the following run starts after, None at the end."""

    cards: tuple[Card, ...]
    next: Cursor | None
    start: Cursor | None = None


class Related(Struct, frozen=True):
    """A video worth seeing next, and why."""

    card: Card
    reason: str


class Surroundings(Struct, frozen=True):
    """Surroundings of a video on its page: the cards before and after it in the list it was
    chosen from, what is worth seeing next, and the tags given last that it does not carry.
    """

    before: Card | None
    behind: Card | None
    related: tuple[Related, ...]
    suggestions: tuple[str, ...]
    later: bool
    chapters: tuple[Chapter, ...] = ()


class Progress(Struct, frozen=True):
    """Progress of a scan. `version` grows with every change to the gallery, `scans_ended` with
    every scan of the whole library.
    """

    scanning: bool
    scans_ended: int
    files_seen: int
    files_added: int
    to_probe: int  # videos that still wait for a probe or a poster
    version: int
    offline: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()


def tag_key(name: str) -> str:
    """Key that two spellings of one tag share: NFC, case folded, without leading
    `#`.
    """
    return unicodedata.normalize(
        "NFC", unicodedata.normalize("NFC", name.strip().lstrip("#").strip()).casefold()
    )
