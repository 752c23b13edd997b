"""A video as the `.nfo` file that Kodi and Jellyfin read beside a film."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from xml.sax.saxutils import escape

from lvs.db.export import ExportedVideo

# What XML 1.0 (section 2.2) cannot hold, and halves of surrogate pairs.
_NO_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
STARS = 2  # points of ten that a star stands for


def nfo_of(video: ExportedVideo) -> str:
    """The document, with UTF-8 declared; times are local, as these programs write them."""
    lines = "\n".join(_elements(video))
    return f'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n<movie>\n{lines}\n</movie>\n'


def _elements(video: ExportedVideo) -> Iterator[str]:
    yield _element("title", video.title)
    if video.notes:
        yield _element("plot", video.notes)
    if video.rating:
        yield _element("userrating", video.rating * STARS)
    for tag in video.tags:
        yield _element("tag", tag)
    yield _element("playcount", video.views)
    if video.last_viewed_at:
        yield _element("lastplayed", _moment(video.last_viewed_at))
    if video.watched:
        yield _element("watched", "true")
    if video.position_s:
        yield f"  <resume>\n  {_element('position', f'{video.position_s:.3f}')}\n  </resume>"
    if video.favorited_at is not None:
        yield _element("isuserfavorite", "true")
    yield _element("dateadded", _moment(video.added_at))
    yield f'  <uniqueid type="lvs">{escape(video.media_hash)}</uniqueid>'


def _element(name: str, value: object) -> str:
    return f"  <{name}>{escape(_NO_XML.sub('�', str(value)))}</{name}>"


def _moment(unix_ms: int) -> str:
    try:
        return (
            datetime.fromtimestamp(unix_ms / 1000, UTC).astimezone().strftime("%Y-%m-%d %H:%M:%S")
        )
    except (OverflowError, OSError, ValueError):  # a clock that stood wrong by millennia
        return ""
