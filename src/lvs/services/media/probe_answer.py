"""Answers of probe workers, read by the server.

They come from a process that read a stranger's file: nothing in them is taken on trust.
"""

import logging
import os
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from msgspec import Struct

from lvs.errors import BrokenWorker, Unavailable, Unreadable
from lvs.models import FOR_THE_DEAF, FORCED, Chapter, Probe, Stereo, Track
from lvs.services.media.eye import EYES
from lvs.services.media.picture_signature import PictureSignature, read_signature
from lvs.services.media.projection import FULL_TURN, LAYOUTS, Container, Likeness
from lvs.services.media.scene_request import MOST_SCENES, SceneTimes

log = logging.getLogger(__name__)

MAX_DETAIL = 10_000
MAX_CHAPTERS = 200
COLOUR = re.compile(r"[0-9a-f]{3}")

FilePath = str | bytes | os.PathLike[str] | os.PathLike[bytes]
Value = TypeVar("Value")


class FileEvidence(Struct, frozen=True):
    """Evidence of a file for its projection, the part that its poster shows, and its chapters."""

    container: Container | None = None
    likeness: Likeness = Likeness()
    eye: str = ""
    chapters: tuple[Chapter, ...] = ()


class ProbeResult(Struct, frozen=True):
    """Findings about a video file.

    `has_poster` is True when posters were asked for and all of them are written; they show the
    part of the picture that `evidence.eye` names, and their mean colour is `colour`: three
    hexadecimal digits.
    """

    probe: Probe
    has_poster: bool
    evidence: FileEvidence
    colour: str = ""


def read_answer(answer: Any, path: FilePath) -> ProbeResult:
    """The answer about a file and its posters.

    Raises Unreadable or Unavailable where it says so, ValueError where it is none.
    """
    try:
        _raise_failure(answer, path)
        evidence = _evidence(answer)
        has_poster = answer["has_poster"] is True
        colour = _colour(answer["colour"]) if has_poster else ""
        return ProbeResult(_probe(answer["probe"]), has_poster, evidence, colour)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"the answer is not valid: {error!r}") from None


def read_scenes(answer: Any, path: FilePath) -> SceneTimes:
    """The answer about scenes. Raises as `read_answer` does."""
    try:
        _raise_failure(answer, path)
        found = answer["scenes"]
        times = tuple(_number(each) for each in found["times"][:MOST_SCENES])
        size = _whole(found["width"]), _whole(found["height"])
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"the answer is not valid: {error!r}") from None
    if list(times) != sorted(set(times)) or (times and not all(0 < each <= 1000 for each in size)):
        raise ValueError("the answer is not a list of scenes")
    return SceneTimes(times, *size)


def read_colours(answer: Any, posters: Sequence[Path]) -> list[str]:
    """The answer about colours of posters. Raises as `read_answer` does."""
    try:
        _raise_failure(answer, posters[0])
        found = [_colour(each) for each in answer["colours"]]
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"the answer is not valid: {error!r}") from None
    if len(found) != len(posters):
        raise ValueError("its answer has other colours")
    return found


def _colour(found: Any) -> str:
    colour = _text(found, 3)
    if colour and not COLOUR.fullmatch(colour):
        raise TypeError("not a colour")
    return colour


def read_signature_answer(answer: Any, path: FilePath) -> PictureSignature:
    """The answer about pictures. Raises as `read_answer` does."""
    try:
        _raise_failure(answer, path)
        return read_signature(answer["signature"])
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"the answer is not valid: {error!r}") from None


def _raise_failure(answer: Any, path: FilePath) -> None:
    if "detail" in answer:
        log.warning("probing %r: %s", os.fsencode(path), _text(answer["detail"], MAX_DETAIL))
    if "unreadable" in answer:
        raise Unreadable(_text(answer["unreadable"]))
    if "unavailable" in answer:
        message = _text(answer["unavailable"])
        raise (BrokenWorker if answer.get("own") is True else Unavailable)(message)


def _evidence(answer: Mapping[str, Any]) -> FileEvidence:
    found = answer["projection"]
    likeness = found["likeness"]
    return FileEvidence(
        _optional(_container, found["container"]),
        Likeness(_correlation(likeness["beside"]), _correlation(likeness["above"])),
        _eye(answer["eye"]),
        tuple(_chapter(*each) for each in answer["chapters"][:MAX_CHAPTERS]),
    )


def _container(found: Mapping[str, Any]) -> Container:
    layout, stereo = _optional(_text, found["layout"]), _optional(_text, found["stereo"])
    return Container(
        layout if layout in LAYOUTS else None,
        min(_number(found["width_degrees"]), FULL_TURN),
        Stereo(stereo) if stereo in tuple(Stereo) else None,
        found["swapped"] is True,
        found["one_eye"] is True,
    )


def _chapter(name: Any, start_ms: Any, end_ms: Any) -> Chapter:
    return Chapter(_text(name), _whole(start_ms), _whole(end_ms))


def _correlation(found: Any) -> float:
    if type(found) not in (int, float) or not -1.01 <= found <= 1.01:
        raise TypeError("not a correlation")
    return float(found)


def _eye(found: Any) -> str:
    eye = _text(found, 40)
    if eye and eye not in EYES:
        raise TypeError("not a part of a picture")
    return eye


def _probe(found: Mapping[str, Any]) -> Probe:
    return Probe(
        container=_text(found["container"]),
        video_codec=_text(found["video_codec"]),
        duration_s=_optional(_number, found["duration_s"]),
        width=_whole(found["width"]),
        height=_whole(found["height"]),
        coded_width=_whole(found["coded_width"]),
        coded_height=_whole(found["coded_height"]),
        rotation=_whole(found["rotation"]) % 360,
        frame_rate=_optional(_number, found["frame_rate"]),
        bit_depth=_optional(_whole, found["bit_depth"]),
        pixel_format=_optional(_text, found["pixel_format"]),
        audio_tracks=tuple(map(_track, found["audio_tracks"])),
        subtitle_tracks=tuple(map(_track, found["subtitle_tracks"])),
        recorded_at=_optional(_whole, found["recorded_at"]),
        codec_string=_optional(_codec_string, found["codec_string"]),
        interlaced=found["interlaced"] is True,
        transfer=_optional(_text, found["transfer"]),
    )


def _track(found: Mapping[str, Any]) -> Track:
    return Track(
        codec=_text(found["codec"]),
        language=_optional(_text, found["language"]),
        title=_optional(_text, found["title"]),
        channels=_optional(_whole, found["channels"]),
        codec_string=_optional(_codec_string, found["codec_string"]),
        mark=_optional(_mark, found["mark"]),
        decodable=found["decodable"] is True,
    )


def _mark(found: Any) -> str:
    if found not in (FORCED, FOR_THE_DEAF):
        raise TypeError("not a mark of subtitles")
    return str(found)


def _optional(read: Callable[[Any], Value], found: Any) -> Value | None:
    return None if found is None else read(found)


def _text(found: Any, most_characters: int = 500) -> str:
    if type(found) is not str or len(found) > most_characters:
        raise TypeError("not a short text")
    return found


def _codec_string(found: Any) -> str:
    """Letters, digits, points and such: it goes into attributes and playlists."""
    return "".join(c for c in _text(found) if c.isascii() and (c.isalnum() or c in "._-"))


def _whole(found: Any) -> int:
    if type(found) is not int or not 0 <= found < 1 << 53:
        raise TypeError("not a whole number")
    return found


def _number(found: Any) -> float:
    if type(found) not in (int, float) or not 0 <= found < 1e15:
        raise TypeError("not a number")
    return float(found)
