"""The JSON bodies of the operator's calls."""

from typing import Annotated, Literal

from pydantic import Field

from lvs.routes.api.schemas import MAX_NAME, Sent
from lvs.services.curation.undo import KINDS
from lvs.web.schema import Schema

AFTER = "`next` of the answer before."
Limit = Annotated[int, Field(ge=1, le=500, description="Entries in one answer.")]
After = Annotated[str | None, Field(description=AFTER)]
Next = Annotated[str | None, Field(description="`after` of the following run; null at the end.")]


class AdminRun(Schema):
    """The parameters of a list."""

    limit: Limit = 100
    after: After = None


class AdminJobsQuery(AdminRun):
    """The parameters of `GET /api/admin/jobs`."""

    state: Literal["running", "waiting", "failed", "stopped"] | None = None
    q: Annotated[str | None, Field(description="Part of the title.")] = None


class AdminChangesQuery(AdminRun):
    """The parameters of `GET /api/admin/changes`."""

    what: Annotated[
        str | None,
        Field(description=f"The kind: {', '.join(KINDS)}, tags, views (saved), all with views."),
    ] = None
    client: str | None = None
    video: Annotated[str | None, Field(description="The media hash of one video.")] = None


class AdminUnreadableQuery(AdminRun):
    """The parameters of `GET /api/admin/unreadable`."""

    reason: str | None = None


class AdminStorageQuery(AdminRun):
    """The parameters of `GET /api/admin/storage`."""

    root: Annotated[int | None, Field(description="The id of a library folder.")] = None
    folder: Annotated[str | None, Field(description="A path in it.")] = None


class AdminLogQuery(AdminRun):
    """The parameters of `GET /api/admin/log`."""

    level: Annotated[
        Literal["debug", "info", "warning", "error", "critical"] | None,
        Field(description="The least level; info unless said."),
    ] = None


class AdminJob(Schema):
    """A video that is analysed, waits for it, failed or was stopped."""

    state: Literal["running", "waiting", "failed", "stopped"]
    video_id: int
    media_hash: str
    title: str
    running_s: float | None = None
    first: Annotated[bool, Field(description="Before the rest of the queue.")] = False
    failed_at: str | None = None
    reason: str | None = None
    given_up: Annotated[bool, Field(description="Not tried again by itself.")] = False


class AdminTask(Schema):
    """Work that a button started, the last of each name."""

    name: str
    label: str
    running: bool
    done: int
    total: Annotated[int, Field(description="0 while unknown.")]
    started_at: str
    ended_at: str | None
    failed: bool
    message: str


class AdminJobs(Schema):
    """Jobs in the order running, waiting, failed, stopped."""

    counts: dict[str, int]
    workers: int
    time_limit_s: float
    tasks: list[AdminTask]
    jobs: list[AdminJob]
    next: Next


class AdminChange(Schema):
    """A line of the journal. `old` and `new` are its values as the journal keeps them."""

    id: int
    at: str
    what: str
    client: str
    media_hash: Annotated[str | None, Field(description="null for changes of many, and of tags.")]
    title: str
    old: str | None
    new: str | None
    videos: int
    undoes: int | None
    undoable: Annotated[bool, Field(description="By POST /api/changes/{change_id}/undo.")]


class AdminChanges(Schema):
    """Changes, latest first."""

    changes: list[AdminChange]
    next: Next


class AdminMissing(Schema):
    """A video that lies nowhere, and what it keeps."""

    video_id: int
    media_hash: str
    title: str
    path: Annotated[str | None, Field(description="Where it lay last.")]
    missing_since: str | None
    forgotten_at: str | None
    days_left: Annotated[int | None, Field(description="In the recycle bin.")] = None
    rating: int | None
    views: int
    favorite: bool
    tags: list[str]
    playlists: int


class AdminMissingRun(Schema):
    """Missing or forgotten videos, those last that went first."""

    total: int
    videos: list[AdminMissing]
    next: Next


class AdminCopy(Schema):
    """One of the places of a video."""

    file_id: int
    path: str
    size_bytes: int
    fingerprint: str
    offline: bool
    played: Annotated[bool, Field(description="The copy that is shown and played.")]


class AdminDuplicate(Schema):
    """A video with more than one file."""

    video_id: int
    media_hash: str
    title: str
    same: Annotated[bool, Field(description="All copies have the same fingerprint.")]
    compared: Annotated[bool, Field(description="All of each copy was read and is the same.")]
    spare_bytes: int
    copies: list[AdminCopy]


class AdminDuplicates(Schema):
    """Videos that are stored more than once."""

    total: int
    videos: list[AdminDuplicate]
    next: Next


class AdminNearFilm(Schema):
    """One of two films that look the same."""

    media_hash: str
    title: str
    path: str
    size_bytes: int
    duration_s: float
    width: int
    height: int
    codec: str
    rating: int | None
    favorite: bool
    tags: list[str]
    playlists: int
    has_notes: bool


class AdminNearPair(Schema):
    """Two films that look the same, and are not decided about."""

    pair_id: int
    pictures: Annotated[int, Field(description="The number of pictures in which they agree.")]
    films: Annotated[list[AdminNearFilm], Field(min_length=2, max_length=2)]


class AdminNearDuplicates(Schema):
    """Films that look the same: of another size, another encode, or trimmed."""

    total: int
    pairs: list[AdminNearPair]
    next: Next


class NearDecision(Sent):
    """The film of a pair to keep, which gets what both were given; or that they are different."""

    keep: Annotated[str | None, Field(max_length=MAX_NAME)] = None
    different: bool = False


class AdminUnreadableFile(Schema):
    """A file that cannot be read as video."""

    file_id: int
    video_id: int
    media_hash: str
    title: str
    path: str
    size_bytes: int
    reason: str


class AdminUnreadable(Schema):
    """Unreadable files; `reasons` are the most frequent ones."""

    total: int
    reasons: dict[str, int]
    files: list[AdminUnreadableFile]
    next: Next


class AdminDay(Schema):
    """Views of one day."""

    day: str
    views: int


class AdminViewed(Schema):
    """A video and its views."""

    media_hash: str
    title: str
    views: int


class AdminTagUse(Schema):
    """A tag and the number of its videos."""

    name: str
    count: int


class AdminUsage(Schema):
    """Views by day, stars, and the videos and tags used most. `limit` and `after` go through the
    videos and tags.
    """

    days: list[AdminDay]
    total_views: int
    ratings: Annotated[dict[str, int], Field(description="Videos by stars; 0: unrated.")]
    tag_count: int
    most_viewed: list[AdminViewed]
    tags: list[AdminTagUse]
    next: Next


class AdminFolder(Schema):
    """A folder with all below it; `name` is null for files right in the folder asked for."""

    root: int
    folder: str | None
    name: str | None
    files: int
    size_bytes: int


class AdminLargeFile(Schema):
    """One of the largest files."""

    media_hash: str
    title: str
    path: str
    size_bytes: int


class AdminDisk(Schema):
    """The disk of a library folder; sizes are null while it does not answer."""

    root: int
    name: str
    offline_since: str | None
    total_bytes: int | None
    free_bytes: int | None


class AdminStorage(Schema):
    """Sizes of folders, the largest files, and what LVS itself takes."""

    folders: list[AdminFolder]
    largest: list[AdminLargeFile]
    disks: list[AdminDisk]
    library_bytes: int
    database_bytes: int
    thumbnails_bytes: int | None
    scenes_bytes: int | None
    backups_bytes: int | None
    log_bytes: int | None
    next: Next


class AdminIssue(Schema):
    """A problem, and what to do about it."""

    level: Literal["busy", "attention", "fault"]
    part: str
    message: str
    hint: str
    since: str | None
    page: Annotated[str | None, Field(description="The page that mends it.")]


class AdminHealth(Schema):
    """The state of the server, and its issues, worst first."""

    status: Literal["ok", "busy", "attention", "fault"]
    total: int
    issues: list[AdminIssue]
    next: Next


class AdminLogEntry(Schema):
    """A record of the log; `at` is in the time zone of the server."""

    at: str
    level: str
    source: str
    text: str
    trace: Annotated[list[str], Field(description="The traceback below it.")]


class AdminLog(Schema):
    """Records of the log, latest first."""

    entries: list[AdminLogEntry]
    next: Next
