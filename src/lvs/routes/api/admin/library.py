"""The operator's calls about the library: changes, missing, duplicates, unreadable."""

from collections.abc import Sequence

from quart import Response

from lvs.clock import iso_utc_clamped
from lvs.errors import Invalid
from lvs.filters import readable
from lvs.routes.api import schemas as api
from lvs.routes.api.admin import runs, schemas
from lvs.routes.api.openapi import answers
from lvs.routes.pages.saved_views import in_words as view_in_words
from lvs.routes.pages.tags import in_words
from lvs.services.curation.change_status import UndoStatus
from lvs.services.curation.recycle_bin import MissingVideo, days_left
from lvs.services.curation.saved_views import ViewJournalLine
from lvs.services.curation.tag_management import TagJournalLine
from lvs.services.curation.undo import KINDS, ChangeFilter, JournalEntry
from lvs.services.library.duplicates import Duplicate
from lvs.web.request_args import Arguments, arguments, text
from lvs.web.responses import json_response, services

EVERYTHING, TAGS, VIEWS = "all", "tags", "views"


@answers(schemas.AdminChanges, query=schemas.AdminChangesQuery, problems=(400, 404))
async def changes() -> Response:
    """Changes, latest first.

    Views are listed only where `what` is `view` or `all`; `what=tags` lists changes of tags
    themselves, and `what=views` those of saved views.
    """
    args = arguments()
    what, client = text(args, "what"), readable(text(args, "client"), "client") or None
    known = (*KINDS, TAGS, VIEWS, EVERYTHING)
    if what and what not in known:
        raise Invalid(f"The kind of a change is one of {', '.join(known)}.")
    size, before = runs.limit(args), runs.row_place(args) or None
    if what == TAGS:
        lines = await services().tag_management.latest(size + 1, before, client)
        following = lines[size - 1].id if len(lines) > size else None
        found = [_tag_change(line) for line in lines[:size]]
    elif what == VIEWS:
        view_lines = await services().saved_views.latest(size + 1, before, client)
        following = view_lines[size - 1].id if len(view_lines) > size else None
        found = [_view_change(line) for line in view_lines[:size]]
    else:
        chosen = await _chosen(args, what, client)
        entries, following = await services().journal.page(chosen, before, size)
        found = [_change(entry) for entry in entries]
    return json_response(schemas.AdminChanges(changes=found, next=runs.following_row(following)))


async def _chosen(args: Arguments, what: str, client: str | None) -> ChangeFilter:
    media_hash = readable(text(args, "video"), "video")
    video = await services().videos.get(media_hash) if media_hash else None
    return ChangeFilter(
        client=client,
        what="" if what == EVERYTHING else what,
        video_id=video.id if video else None,
        views=what in ("view", EVERYTHING),
    )


def _change(entry: JournalEntry) -> schemas.AdminChange:
    change = entry.change
    return schemas.AdminChange(
        id=change.id,
        at=iso_utc_clamped(change.at),
        what=change.what,
        client=change.client,
        media_hash=entry.media_hash or None,
        title=entry.title,
        old=change.old,
        new=change.new,
        videos=entry.videos,
        undoes=change.undoes,
        undoable=entry.status is UndoStatus.OPEN,
    )


def _tag_change(line: TagJournalLine) -> schemas.AdminChange:
    return schemas.AdminChange(
        id=line.id,
        at=iso_utc_clamped(line.at),
        what=TAGS,
        client=line.client,
        media_hash=None,
        title=in_words(line),
        old=None,
        new=None,
        videos=line.films,
        undoes=line.undoes,
        undoable=line.undone_by is None,
    )


def _view_change(line: ViewJournalLine) -> schemas.AdminChange:
    return schemas.AdminChange(
        id=line.id,
        at=iso_utc_clamped(line.at),
        what=VIEWS,
        client=line.client,
        media_hash=None,
        title=view_in_words(line),
        old=None,
        new=None,
        videos=0,
        undoes=line.undoes,
        undoable=line.undone_by is None,
    )


@answers(schemas.AdminMissingRun, query=schemas.AdminRun, problems=(400,))
async def missing() -> Response:
    """Videos that lie nowhere, with what they keep."""
    args = arguments()
    found, following = await services().recycle_bin.page(runs.place(args), runs.limit(args))
    return _missing_run(found, following, (await services().recycle_bin.missing_totals()).videos)


@answers(schemas.AdminMissingRun, query=schemas.AdminRun, problems=(400,))
async def recycle_bin() -> Response:
    """Forgotten videos that can be restored."""
    args = arguments()
    found, following = await services().recycle_bin.forgotten(runs.place(args), runs.limit(args))
    return _missing_run(found, following, (await services().recycle_bin.forgotten_totals()).videos)


def _missing_run(
    found: Sequence[MissingVideo], following: tuple[int, int] | None, total: int
) -> Response:
    return json_response(
        schemas.AdminMissingRun(
            total=total,
            videos=[_missing(video) for video in found],
            next=runs.following(*following) if following else None,
        )
    )


def _missing(video: MissingVideo) -> schemas.AdminMissing:
    roots = {root.name: root.id for root in services().library.roots.values()}
    known = video.path is not None and video.root_name in roots
    forgotten = video.forgotten_at
    return schemas.AdminMissing(
        video_id=video.id,
        media_hash=video.media_hash,
        title=video.title,
        path=api.shown_path(
            services().library.roots, roots[video.root_name or ""], video.path or b""
        )
        if known
        else None,
        missing_since=iso_utc_clamped(video.since) if video.since else None,
        forgotten_at=iso_utc_clamped(forgotten) if forgotten is not None else None,
        days_left=days_left(forgotten) if forgotten is not None else None,
        rating=video.rating or None,
        views=video.views,
        favorite=video.favorite,
        tags=list(video.tags),
        playlists=video.playlists,
    )


@answers(schemas.AdminDuplicates, query=schemas.AdminRun, problems=(400,))
async def duplicates() -> Response:
    """Videos that are stored more than once."""
    args = arguments()
    found, following = await services().duplicates.page(runs.row_place(args), runs.limit(args))
    return json_response(
        schemas.AdminDuplicates(
            total=(await services().overviews.now()).duplicates,
            videos=[_duplicate(video) for video in found],
            next=runs.following_row(following),
        )
    )


def _duplicate(video: Duplicate) -> schemas.AdminDuplicate:
    roots = services().library.roots
    return schemas.AdminDuplicate(
        video_id=video.id,
        media_hash=video.media_hash,
        title=video.title,
        same=video.same,
        compared=video.compared,
        spare_bytes=video.spare_bytes,
        copies=[
            schemas.AdminCopy(
                file_id=copy.file_id,
                path=api.shown_path(roots, copy.root_id, copy.path),
                size_bytes=copy.size_bytes,
                fingerprint=copy.fingerprint,
                offline=copy.offline,
                played=copy.played,
            )
            for copy in video.copies
        ],
    )


@answers(schemas.AdminUnreadable, query=schemas.AdminUnreadableQuery, problems=(400,))
async def unreadable() -> Response:
    """Files that cannot be read as video, with the reasons."""
    args = arguments()
    reason = readable(text(args, "reason"), "reason") or None
    size = runs.limit(args)
    found = await services().gallery.unreadable(size + 1, runs.row_place(args), reason)
    overview, roots = await services().overviews.now(), services().library.roots
    files = [
        schemas.AdminUnreadableFile(
            file_id=file.file_id,
            video_id=file.video_id,
            media_hash=file.media_hash,
            title=file.title,
            path=api.shown_path(roots, file.root_id, file.path),
            size_bytes=file.size_bytes,
            reason=file.reason,
        )
        for file in found[:size]
    ]
    return json_response(
        schemas.AdminUnreadable(
            total=overview.unreadable,
            reasons=dict(overview.reasons),
            files=files,
            next=runs.following_row(found[size - 1].file_id if len(found) > size else None),
        )
    )
