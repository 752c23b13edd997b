"""The JSON bodies as pydantic models, the source of the OpenAPI document."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal, Self

from msgspec.structs import asdict
from pydantic import BeforeValidator, ConfigDict, Field, RootModel, create_model

from lvs.clock import iso_utc_clamped
from lvs.filters import FILTERS, STATES
from lvs.models import Card, Chapter, Projection, Root, Tag, Video, WatchState, display_path
from lvs.services.gallery.dates import recorded_of
from lvs.web.schema import Schema
from lvs.web.urls import Urls

MAX_NAME = 4096
MAX_NOTES = 20_000  # as with tags: the message about too long a text is the service's
MAX_TAG = (
    1000  # more than a tag may have, so that the message about too long a tag is the service's
)


def _whole(value: Any) -> Any:
    """JSON has one kind of number: 4.0 is 4."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _legacy_whole(value: Any) -> Any:
    """The original also took a digit as text."""
    return (
        int(value)
        if isinstance(value, str) and value in {"1", "2", "3", "4", "5"}
        else _whole(value)
    )


Stars = Annotated[int, Field(ge=1, le=5), BeforeValidator(_whole)]


class Sent(Schema):
    """A request body: types are strict, unknown members are ignored."""

    model_config = ConfigDict(strict=True)


class RatingChange(Sent):
    """A new rating, or null to remove it."""

    value: Stars | None


class ProjectionChoice(Sent):
    """The shape that a film has."""

    shape: Literal["flat", "equirect180", "equirect360", "fisheye", "eac"]
    stereo: Literal["mono", "sbs", "tb"]
    swapped: Annotated[bool, Field(description="The right eye comes first.")] = False
    fov: Annotated[
        Annotated[float, Field(ge=10, le=360)] | None,
        Field(description="Of a fisheye, in degrees."),
    ] = None
    lens: Literal["Linear", "MKX200", "MKX220", "VRCA220"] | None = None


class ProjectionChange(RootModel[ProjectionChoice | None]):
    """The shape that a person says a film has, or null for the one that was found."""


class TagChange(Sent):
    """A tag to add. A leading # and letter case do not matter."""

    tag: Annotated[str, Field(max_length=MAX_TAG)]


class TagUpdate(Sent):
    """Changes to a tag. A colour is `#rrggbb`; null takes away what is there."""

    rename: Annotated[str | None, Field(max_length=MAX_TAG)] = None
    alias: Annotated[str | None, Field(max_length=MAX_TAG, description="One more alias.")] = None
    aliases: Annotated[list[str] | None, Field(max_length=MAX_TAG, description="All aliases.")] = (
        None
    )
    parent: Annotated[str | None, Field(max_length=MAX_TAG)] = None
    colour: Annotated[str | None, Field(max_length=MAX_TAG)] = None
    description: Annotated[str | None, Field(max_length=MAX_NAME)] = None
    keep_name: Annotated[
        bool,
        Field(
            description="After renaming, the old name stays an alias, as it does where a saved "
            "view or a person's limits ask for it."
        ),
    ] = False


class TagMerge(Sent):
    """The tag to merge into."""

    into: Annotated[str, Field(max_length=MAX_TAG)]
    keep_name: Annotated[bool, Field(description="The old name becomes an alias.")] = True


class PositionChange(Sent):
    """Seconds from the beginning of a video."""

    position_s: Annotated[float, Field(ge=0, allow_inf_nan=False)]


class NotesChange(Sent):
    """A text about a video; an empty one removes it."""

    notes: Annotated[str, Field(max_length=MAX_NOTES)]


class HiddenChange(Sent):
    """The mark of a hidden video."""

    hidden: bool


class BulkSet(Sent):
    """Changes to make; what is left out stays. `rating` null removes the stars."""

    model_config = ConfigDict(strict=True, extra="forbid")

    rating: Annotated[int | None, Field(ge=0, le=5), BeforeValidator(_whole)] = None
    favorite: bool | None = None
    tags_add: Annotated[list[Annotated[str, Field(max_length=MAX_TAG)]], Field(max_length=20)] = (
        Field(default_factory=list)
    )
    tags_remove: Annotated[
        list[Annotated[str, Field(max_length=MAX_TAG)]], Field(max_length=20)
    ] = Field(default_factory=list)
    hidden: bool | None = None
    watched: bool | None = None
    later: bool | None = None
    playlist: Annotated[int | None, Field(ge=0, le=2**53, description="Append to this one.")] = None
    title: Annotated[
        str | None,
        Field(
            max_length=MAX_TAG,
            description=(
                "A pattern with {title}, {file}, {folder}, {n}, {date}, {year};"
                " empty: the names of the files."
            ),
        ),
    ] = None


class BulkRequest(Sent):
    """Videos, by gallery parameters or by their hashes, and what to change of them."""

    where: Annotated[
        dict[str, str | int | bool | list[str]] | None,
        Field(description="Gallery parameters as in GET /api/videos; {} means all videos."),
    ] = None
    media_hashes: Annotated[
        list[Annotated[str, Field(max_length=MAX_NAME)]] | None, Field(max_length=3000)
    ] = None
    set: BulkSet


class WatchedChange(Sent):
    """The mark of a watched video."""

    watched: bool


class NewPlaylist(Sent):
    """A playlist to make."""

    name: Annotated[str, Field(max_length=MAX_NAME)]
    description: Annotated[str, Field(max_length=MAX_NAME)] = ""


class NewSavedView(Sent):
    """A selection to name, by gallery parameters as in GET /api/videos; {} means all videos."""

    name: Annotated[str, Field(max_length=MAX_NAME)]
    where: dict[str, str | int | bool | list[str]]


class SavedViewChange(Sent):
    """A change of a view; what is left out stays."""

    name: Annotated[str | None, Field(max_length=MAX_NAME)] = None
    where: dict[str, str | int | bool | list[str]] | None = None
    position: Annotated[int | None, Field(ge=0, le=2**31, description="0 is the first.")] = None
    start_page: Annotated[
        bool | None, Field(description="Begin with it, for the person who asks.")
    ] = None


class ListedVideo(Sent):
    """A video to put into a list: by its media hash, or by its path as in the original."""

    media_hash: Annotated[str, Field(max_length=MAX_NAME)] = ""
    filename: Annotated[str, Field(max_length=MAX_NAME)] = ""


class NamedVideo(Sent):
    """A video named as in the original: by its path below the library folder."""

    filename: Annotated[str, Field(min_length=1, max_length=MAX_NAME)]


class NamedRating(NamedVideo):
    """A rating for a video named by its path."""

    rating: Annotated[int, Field(ge=1, le=5), BeforeValidator(_legacy_whole)]


class NamedTag(NamedVideo):
    """A tag for a video named by its path."""

    tag: Annotated[str, Field(max_length=MAX_TAG)]


class VideosRun(Schema):
    """The parameters of `GET /api/videos` besides the filters."""

    limit: Annotated[int, Field(ge=1, le=500, description="Videos in one answer.")] = 60
    after: Annotated[str | None, Field(description="`next` of the answer before.")] = None
    sort: (
        Literal[
            "added",
            "title",
            "rating",
            "views",
            "duration",
            "size",
            "viewed",
            "favorited",
            "recorded",
            "random",
            "match",
        ]
        | None
    ) = Field(None, description="With words in `q` match, else added.")
    order: Annotated[
        Literal["asc", "desc"] | None, Field(description="Titles and random ascend by default.")
    ] = None
    seed: Annotated[
        int | None, Field(ge=0, le=2**31 - 1, description="Which of the random orders.")
    ] = None


UNREADABLE = "unreadable"

_FILTERS: dict[str, Any] = {
    each.name: (each.kind.schema | None, Field(None, description=each.doc or None))
    for each in FILTERS
}
_FILTERS["state"] = (
    Literal[*STATES, UNREADABLE] | None,
    Field(None, description="unreadable: the files that cannot be read, instead of videos."),
)

VideosQuery = create_model("VideosQuery", __base__=VideosRun, **_FILTERS)
"""The parameters of `GET /api/videos`, all of them optional."""


class TagsQuery(Schema):
    """The parameters of `GET /api/tags`."""

    limit: Annotated[int, Field(ge=1, le=1000, description="Tags in one answer.")] = 1000
    after: Annotated[str | None, Field(description="`next` of the answer before.")] = None


class PopularQuery(Schema):
    """The parameters of `GET /api/tags/popular`."""

    limit: Annotated[
        int, Field(description="1 to 200 tags; what lies outside is taken as the nearest.")
    ] = 50


class NameQuery(Schema):
    """A video named by its path."""

    filename: str | None = None


class User(Schema):
    """The household's own rating."""

    value: Annotated[int | None, Field(ge=1, le=5)]


class RatingSummary(Schema):
    """A video's rating. `average` is 0.0 and `count` 0 while it is unrated."""

    average: float
    count: int
    user: User

    @classmethod
    def from_stars(cls, stars: int | None) -> Self:
        return cls(average=float(stars or 0), count=int(stars is not None), user=User(value=stars))


class VideoSummary(Schema):
    """A video in a list.

    Times are ISO 8601 in UTC; null is what is not known or was never done.
    """

    media_hash: str
    path: Annotated[
        str,
        Field(
            description=(
                "With several library folders the folder's name comes first. U+FFFD: not UTF-8."
            )
        ),
    ]
    title: str
    duration_s: float | None
    width: Annotated[
        int | None, Field(description="As displayed: turned, and stretched by the pixel aspect.")
    ]
    height: int | None
    size_bytes: int
    state: Literal["new", "ready", "unreadable"]
    reason: Annotated[str | None, Field(description="Why it cannot be read.")]
    offline: Annotated[bool, Field(description="Its library folder cannot be reached right now.")]
    added_at: str
    rating: Annotated[int | None, Field(ge=1, le=5)]
    views: int
    last_viewed_at: str | None
    tags: list[str]
    favorite: bool
    favorited_at: str | None
    hidden: Annotated[bool, Field(description="In no list unless it asks for hidden=1.")] = False
    url: Annotated[
        str, Field(description="The watch page. Percent-encoded exactly as the file is called.")
    ]
    stream_url: Annotated[str, Field(description="The file's bytes.")]
    thumbnail_url: Annotated[str, Field(description="A JPEG.")]


class Location(Schema):
    """A place where a video is stored, or was until `missing_since`."""

    path: str
    size_bytes: int
    missing_since: str | None


class AudioTrack(Schema):
    """One audio track."""

    codec: str
    language: str | None
    title: str | None
    channels: int | None


class VideoProjection(Schema):
    """The shape of a film, and the reason to believe it."""

    shape: Literal["flat", "equirect180", "equirect360", "fisheye", "eac"]
    stereo: Annotated[
        Literal["mono", "sbs", "tb"],
        Field(description="sbs: side by side, tb: one above the other."),
    ]
    swapped: Annotated[bool, Field(description="The right eye comes first.")]
    fov: Annotated[float | None, Field(description="Degrees; null for a flat film.")]
    lens: Annotated[str | None, Field(description="Of a fisheye.")]
    source: Literal["person", "container", "name", "default"]
    sure: bool
    reason: Annotated[str, Field(description="A message for people.")]

    @classmethod
    def from_projection(cls, projection: Projection) -> Self:
        return cls.model_validate(asdict(projection))


class VideoChapter(Schema):
    """A part of a film that its file names."""

    title: str
    start_s: float
    end_s: float


class VideoDetail(VideoSummary):
    """A video with all its details."""

    container: str | None
    video_codec: str | None
    audio_codec: Annotated[str | None, Field(description="Of the first sound track.")]
    audio_tracks: list[AudioTrack]
    frame_rate: float | None
    bit_depth: int | None
    rotation: int | None
    recorded_at: Annotated[str | None, Field(description="By the container, else by the file.")]
    recorded_by: Annotated[
        Literal["container", "file"] | None, Field(description="Who says `recorded_at`.")
    ]
    rated_at: str | None
    missing_since: Annotated[
        str | None, Field(description="Since when the file is gone; its stars and tags are kept.")
    ]
    files: list[Location]
    projection: VideoProjection
    position_s: Annotated[
        float | None, Field(description="Where to go on; null at the beginning.")
    ] = None
    watched: bool = False
    chapters: list[VideoChapter] = Field(default_factory=list)
    notes: str = ""


class VideoPage(Schema):
    """A run of videos."""

    videos: list[VideoSummary]
    next: Annotated[str | None, Field(description="`after` of the following run; null at the end.")]


class TagCount(Schema):
    """A tag and the number of its videos."""

    name: str
    count: int

    @classmethod
    def from_tag(cls, tag: Tag) -> Self:
        return cls(name=tag.name, count=tag.count)


class TagEntry(Schema):
    """A tag. `count` videos carry it or a tag below it."""

    name: str
    count: int
    colour: str | None
    description: str | None
    parent: str | None
    aliases: list[str]
    children: list[str]


class TagChanged(Schema):
    """Result of a change of tags: the tag as it is now (null where it is gone), the number of
    videos concerned, and the change to undo (null where nothing changed).
    """

    tag: TagEntry | None
    changed: int
    change_id: int | None


class TagPage(Schema):
    """A run of tags in alphabetical order."""

    tags: list[TagCount]
    next: str | None


class VideoTags(Schema):
    """A video's tags in alphabetical order."""

    tags: list[str]


class Favorite(Schema):
    """The favorite mark of a video."""

    favorite: bool


class VideoNotes(Schema):
    """The text about a video; empty where there is none."""

    notes: str


class VideoHidden(Schema):
    """The mark of a hidden video."""

    hidden: bool


class BulkDone(Schema):
    """The number of videos that were changed, and the change to undo; null where none was."""

    changed: int
    change_id: int | None


class UndoDone(Schema):
    """The number of videos whose change was undone, the number of values left as they are because
    they were changed again since, and the change that the undo is.
    """

    changed: int
    skipped: int
    change_id: int | None


class ViewCount(Schema):
    """The number of views."""

    views: int


class VideoProgress(Schema):
    """Progress in a video. `position_s` is null at the beginning."""

    position_s: float | None
    watched: bool


class SavedViewEntry(Schema):
    """A saved view. `query` is as in the gallery's address; `dropped` names parameters of it that
    this LVS does not know or cannot read, and leaves out. `count` is what the person who asks sees.
    """

    id: str
    name: str
    query: str
    dropped: list[str]
    position: int
    count: int
    start_page: bool
    created_at: str
    url: str


class SavedViewList(Schema):
    """All saved views in their order."""

    views: list[SavedViewEntry]


class SavedViewDeleted(Schema):
    """A deleted view, and the change that can be taken back."""

    success: bool = True
    change_id: int


class PlaylistEntry(Schema):
    """A playlist."""

    id: int
    name: str
    description: str | None
    created_at: str
    count: int
    duration_s: float


class PlaylistList(Schema):
    """All playlists by name."""

    playlists: list[PlaylistEntry]


class PlaylistVideo(Schema):
    """A place in a playlist. Without a hash it is held for a film that was never found."""

    position: int
    media_hash: str | None
    title: str
    missing: bool
    url: str | None


class PlaylistDetail(PlaylistEntry):
    """A playlist with its videos in order, missing ones too."""

    items: list[PlaylistVideo]


class PlaylistChange(Schema):
    """Renames and describes a playlist. What is null or left out stays."""

    name: str | None = None
    description: str | None = None


class PlaylistMove(Schema):
    """Moves what stands at `position` to the place `to`; what stands between makes room."""

    position: int = Field(ge=0)
    to: int = Field(ge=0)


class LaterVideo(Schema):
    """A video to watch later."""

    media_hash: str
    title: str
    added_at: str
    missing: bool
    url: str | None


class LaterVideos(Schema):
    """The videos to watch later, latest first."""

    videos: list[LaterVideo]


class HistoryEntry(Schema):
    """A film that was played on a day of the server's time zone; `played_at` is the last time."""

    id: int
    day: str
    played_at: str
    media_hash: str
    title: str
    missing: bool
    url: str | None


class HistoryLines(Schema):
    """Lines of the history, latest first; if it is noted; `before` of the next lines, or null."""

    on: bool
    lines: list[HistoryEntry]
    next: str | None


class HistorySwitch(Schema):
    """Switches the history on or off."""

    on: bool


class PersonLimits(Schema):
    """A selection: videos with any of these tags, or below any of these folders."""

    tags: list[str] = Field(default=[], max_length=50)
    folders: list[str] = Field(default=[], max_length=50)


class PersonEntry(Schema):
    """One who watches. `limits` is null for one who sees everything."""

    id: int
    name: str
    has_pin: bool
    limits: PersonLimits | None
    start_page: str
    created_at: str


class PeopleList(Schema):
    """Everybody by name, and who watches; `bound` where the device cannot become another's."""

    people: list[PersonEntry]
    chosen: str | None
    bound: bool


class PersonChange(Schema):
    """Changes to a person."""

    name: str
    pin: str | None = None
    old_pin: str = ""
    limits: PersonLimits | None = None
    start_page: str = ""


class PersonChoice(Schema):
    """The person who is to watch; null for nobody. `bound` has the device stay theirs."""

    name: str | None
    pin: str = ""
    bound: bool = False


class SubtitleItem(Schema):
    """A subtitle file beside the video, as WebVTT.

    `language` is a language tag (RFC 5646) or null.
    """

    url: str
    label: str
    language: str | None


class VideoSubtitles(Schema):
    """A video's subtitles."""

    subtitles: list[SubtitleItem]


class Problem(Schema):
    """A problem (RFC 9457); `detail` is a message for people."""

    title: str
    status: int
    detail: str
    request_id: str


class Done(Schema):
    """Success."""

    success: Literal[True] = True


class EventStream(RootModel[str]):
    """Server-sent events: `library`, `ratings`, `jobs`, `resync` and `end`, with JSON as data."""


class LegacyRating(Done):
    """The rating that the video has now."""

    rating: int


class LegacyFavorites(Done):
    """The names of all favorites, latest first, and the video's own mark."""

    favorites: list[str]
    is_favorite: bool


class LegacyTags(Done):
    """The video's tags, each with `#`."""

    tags: list[str]


class LegacyViews(Done):
    """The number of views."""

    views: int


class AllViews(RootModel[dict[str, int]]):
    """Views of each watched video, by name."""


class LegacyPopularTag(Schema):
    """A tag with `#` and the number of its videos."""

    tag: str
    count: int


class LegacyPopularTags(Done):
    """The most used tags."""

    tags: list[LegacyPopularTag]


class LegacyVideoTags(LegacyTags):
    """The tags of the video with this name."""

    filename: str


class LegacyProblem(Problem):
    """A problem with the members of the original's errors."""

    success: Literal[False]
    error: str


def shown_path(roots: dict[int, Root], root_id: int, path: bytes) -> str:
    """A path as text, with the library folder's name first where there are several."""
    several = sum(root.active for root in roots.values()) > 1
    name = display_path(roots[root_id].name.encode("utf-8", "surrogateescape"))
    return f"{name}/{display_path(path)}" if several else display_path(path)


def summary_of(card: Card, roots: dict[int, Root], addresses: Urls) -> VideoSummary:
    """A gallery card as JSON."""
    return VideoSummary(
        media_hash=card.media_hash,
        path=shown_path(roots, card.root_id, card.path),
        title=card.title,
        duration_s=card.duration_s or None,
        width=card.width or None,
        height=card.height or None,
        size_bytes=card.size_bytes,
        state=card.state.value,
        reason=None,
        offline=card.offline,
        added_at=iso_utc_clamped(card.added_at),
        rating=card.rating or None,
        views=card.views,
        last_viewed_at=_iso_or_none(card.last_viewed_at),
        tags=list(card.tags),
        favorite=card.favorite,
        favorited_at=_iso_or_none(card.favorited_at),
        hidden=card.hidden,
        url=addresses.watch(card),
        stream_url=addresses.video(card),
        thumbnail_url=addresses.poster(card, 640, "jpg"),
    )


def detail_of(
    video: Video,
    roots: dict[int, Root],
    addresses: Urls,
    offline: bool,
    state: WatchState,
    chapters: Sequence[Chapter] = (),
) -> VideoDetail:
    """A whole video as JSON."""
    probe, file = video.probe, video.file
    recorded = recorded_of(video)
    return VideoDetail(
        media_hash=video.media_hash,
        path=shown_path(roots, file.root_id, file.path),
        title=video.title,
        duration_s=probe.duration_s if probe else None,
        width=probe.width if probe else None,
        height=probe.height if probe else None,
        size_bytes=file.size_bytes,
        state=video.state.value,
        reason=video.reason,
        offline=offline,
        added_at=iso_utc_clamped(video.added_at),
        rating=video.rating or None,
        views=video.views,
        last_viewed_at=_iso_or_none(video.last_viewed_at),
        tags=list(video.tags),
        favorite=video.favorite,
        favorited_at=_iso_or_none(video.favorited_at),
        hidden=video.hidden,
        notes=video.notes,
        url=addresses.watch(file),
        stream_url=addresses.video(file),
        thumbnail_url=addresses.poster(video, 640, "jpg"),
        container=probe.container if probe else None,
        video_codec=probe.video_codec if probe else None,
        audio_codec=probe.audio_tracks[0].codec if probe and probe.audio_tracks else None,
        audio_tracks=[
            AudioTrack(
                codec=track.codec,
                language=track.language,
                title=track.title,
                channels=track.channels,
            )
            for track in (probe.audio_tracks if probe else ())
        ],
        frame_rate=probe.frame_rate if probe else None,
        bit_depth=probe.bit_depth if probe else None,
        rotation=probe.rotation if probe else None,
        recorded_at=iso_utc_clamped(recorded.at) if recorded else None,
        recorded_by=recorded.by if recorded else None,
        rated_at=_iso_or_none(video.rated_at),
        missing_since=iso_utc_clamped(file.missing_since)
        if file.missing_since is not None
        else None,
        files=[
            Location(
                path=shown_path(roots, place.root_id, place.path),
                size_bytes=place.size_bytes,
                missing_since=iso_utc_clamped(place.missing_since)
                if place.missing_since is not None
                else None,
            )
            for place in video.files
        ],
        projection=VideoProjection.from_projection(video.projection),
        position_s=state.position_s or None,
        watched=state.watched,
        chapters=[
            VideoChapter(title=each.name, start_s=each.start_ms / 1000, end_s=each.end_ms / 1000)
            for each in chapters
        ],
    )


def _iso_or_none(unix_ms: int) -> str | None:
    """0 stands for never."""
    return iso_utc_clamped(unix_ms) if unix_ms else None
