"""Main program of a worker process: reads requests line by line, probes one file at a time,
answers line by line.

Started by `probe_pool.py`, which kills it when it takes too long. The requests and answers are
JSON, so that a worker that a hostile file has taken over can send its parent nothing but text.
"""

import json
import os
import signal
import stat
import sys
from collections.abc import Callable
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NamedTuple

import msgspec

from lvs.errors import Unreadable
from lvs.models import Projection, Shape, Stereo
from lvs.services.media.eye import Crop, crop_of, eye_of, eye_path
from lvs.services.media.worker_limits import (
    limit_process,
    limit_processor,
    open_without_links,
    traceback_text,
)

if TYPE_CHECKING:
    from av.video.frame import VideoFrame

    from lvs.services.media.scene_sheet import SceneSheet
    from lvs.services.media.video_file import VideoFile

GRACE_S = 10  # the parent ends a worker in time; this is for the worker whose parent is gone
FEWEST_SCENES = 2
COLOUR_WIDTH = 40  # a JPEG of eight times the size is decoded no larger
SMALL_WIDTH = 320  # enough to compare the halves of a picture
JPEG = {"format": "JPEG", "optimize": True}
WEBP = {"format": "WEBP", "method": 4}
WEBP_LESS = 5  # looks alike at so much less of the scale

KeepPosters = Callable[[list[dict[str, Any]], list[Any], str, dict[str, Any]], None]
"""Keeps posters: the requested ones, the picture of each, the part of the picture they show, and
the answer, which may take something along.
"""
KeepSheet = Callable[["SceneSheet", dict[str, Any], dict[str, Any]], None]
"""Keeps a sheet of scenes: the sheet, what was asked for, and the answer."""


class PictureWriter(NamedTuple):
    """Puts pictures where they belong."""

    posters: KeepPosters
    sheet: KeepSheet


def main() -> None:
    """Answers requests until standard input ends."""
    serve(answer, int(sys.argv[-1]))


def serve(answer_one: Callable[[dict[str, Any]], dict[str, Any]], memory_limit_bytes: int) -> None:
    """Limit this process and answer requests until standard input ends."""
    # What a library prints must not get between the answers.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    limit_process(memory_limit_bytes)
    for line in sys.stdin.buffer:
        answers.write(json.dumps(answer_one(json.loads(line))).encode() + b"\n")
        answers.flush()


def answer(request: dict[str, Any], keep: PictureWriter | None = None) -> dict[str, Any]:
    """Either `probe` and `has_poster`, or `unreadable` or `unavailable` with a message; `own`
    says that the file is the cause, `detail` is for the log.

    `keep` puts the pictures where they belong: at the paths of the request, unless told otherwise.
    """
    keep = keep or PictureWriter(_write, _write_sheet)
    alarm(request["time_limit_s"] + GRACE_S)
    limit_processor(request["time_limit_s"])
    try:
        if "colours" in request:
            return {
                "colours": [
                    _colour(os.fsdecode(bytes.fromhex(each))) for each in request["colours"]
                ]
            }
        path = os.fsdecode(bytes.fromhex(request["path"]))
        if "scenes" in request:
            return _scenes(path, request["scenes"], keep.sheet)
        if "signature" in request:
            return _signature(path)
        name = request["name"] or path.rpartition("/")[2]
        return _probe(path, request["posters"], name, request["chosen"], keep.posters)
    except Unreadable as error:
        return {"unreadable": error.message}
    except MemoryError:
        return {"unavailable": "The analysis needs more memory than it may have.", "own": True}
    except OSError as error:
        return {
            "unavailable": f"It could not be read: {os.strerror(error.errno or 0)}.",
            "detail": traceback_text(),
        }
    except Exception:  # noqa: BLE001  one strange film must not end the worker
        return {"unavailable": "The analysis failed.", "detail": traceback_text()}
    finally:
        alarm(0)


def _probe(
    path: str, posters: list[dict[str, Any]], name: str, chosen: str | None, keep: KeepPosters
) -> dict[str, Any]:
    # Here and not above: a broken installation becomes an answer, where an import at the top would
    # only end the process.
    from lvs.services.media.finish import mean_colour  # noqa: PLC0415
    from lvs.services.media.video_file import VideoFile  # noqa: PLC0415
    from lvs.services.media.video_projection import read_projection  # noqa: PLC0415

    with open(_regular_file(path), "rb", buffering=0) as file:
        video = VideoFile(file)
        try:
            frame = video.picture(choosy=bool(posters))
            probe = video.probe(frame)
            small = video.image(frame, SMALL_WIDTH) if frame is not None else None
            size = probe.width, probe.height
            seen = read_projection(file, frame, small, name, size, chosen)
            eye = eye_of(seen.projection) if posters and frame is not None else ""
            found: dict[str, Any] = {
                "probe": msgspec.to_builtins(probe),
                "has_poster": False,
                "projection": seen.as_json(),
                "chapters": video.chapters(),
                "eye": eye,
            }
            if posters and frame is not None:
                try:
                    crop = crop_of(seen.projection, probe.width / probe.height) if eye else None
                    pictures = _pictures(video, frame, posters, crop)
                    keep(posters, pictures, eye, found)
                    found |= {"has_poster": True, "colour": mean_colour(pictures[0])}
                except OSError:
                    # A full disk costs the poster, not what is known of the video.
                    found["detail"] = traceback_text()
            return found
        finally:
            video.close()


def _colour(path: str) -> str:
    """The mean colour of a poster; empty where there is none to be told."""
    from PIL import Image  # noqa: PLC0415

    from lvs.services.media.finish import mean_colour  # noqa: PLC0415

    try:
        with (
            open(_regular_file(path), "rb", buffering=0) as file,
            Image.open(file, formats=["JPEG"]) as image,
        ):
            image.draft("RGB", (COLOUR_WIDTH, COLOUR_WIDTH))
            return mean_colour(image)
    except (OSError, ValueError, SyntaxError, Unreadable):
        return ""


def _scenes(path: str, wanted: dict[str, Any], keep: KeepSheet) -> dict[str, Any]:
    """Draws the sheet of scenes; without `times` there is none to show."""
    from lvs.services.media.scene_sheet import draw_sheet  # noqa: PLC0415
    from lvs.services.media.video_file import VideoFile  # noqa: PLC0415

    with open(_regular_file(path), "rb", buffering=0) as file:
        video = VideoFile(file)
        try:
            projection = Projection(Shape(wanted["shape"]), Stereo(wanted["stereo"]))
            crop = crop_of(projection, wanted["aspect"]) if projection.immersive else None
            sheet = draw_sheet(video, wanted["count"], crop)
        finally:
            video.close()
    if len(sheet.times) < FEWEST_SCENES:
        return {"scenes": {"times": [], "width": 0, "height": 0}}
    width, height = sheet.tile_size
    found: dict[str, Any] = {"scenes": {"times": sheet.times, "width": width, "height": height}}
    keep(sheet, wanted, found)
    return found


def _write_sheet(sheet: "SceneSheet", wanted: dict[str, Any], _found: dict[str, Any]) -> None:
    """Writes the sheet beside its place first: one that is there is whole."""
    partial, place = (Path(os.fsdecode(bytes.fromhex(wanted[name]))) for name in ("partial", "to"))
    place.parent.mkdir(parents=True, exist_ok=True)
    with partial.open("wb") as written:
        sheet.save(written)
        written.flush()
        os.fsync(written.fileno())
    partial.replace(place)


def _signature(path: str) -> dict[str, Any]:
    """Hashes pictures of a film, by which others that show the same are found."""
    from lvs.services.media.picture_hash import signature  # noqa: PLC0415
    from lvs.services.media.video_file import VideoFile  # noqa: PLC0415

    with open(_regular_file(path), "rb", buffering=0) as file:
        video = VideoFile(file)
        try:
            return {"signature": signature(video)}
        finally:
            video.close()


def _regular_file(path: str) -> int:
    """Descriptor of a file that holds content. Raises Unreadable for what does not."""
    descriptor = open_without_links(path)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise Unreadable("It is not a regular file.")
    return descriptor


def _pictures(
    video: "VideoFile", frame: "VideoFrame", posters: list[dict[str, Any]], crop: Crop | None
) -> list[Any]:
    """The picture of each requested poster: at the place that it names, where one can be decoded
    there; else of the frame.
    """
    frames: dict[int | None, VideoFrame] = {None: frame}
    pictures: dict[tuple[int | None, int], Any] = {}
    for place, width in {(poster.get("place"), poster["width"]) for poster in posters}:
        if place is not None and place not in frames:
            frames[place] = video.picture_at(place) or frame
        pictures[place, width] = video.poster(frames[place], width, crop)
    return [pictures[poster.get("place"), poster["width"]] for poster in posters]


def _write(
    posters: list[dict[str, Any]], pictures: list[Any], eye: str, _found: dict[str, Any]
) -> None:
    """Writes every poster beside its place first: a poster that is there is whole.

    A poster that shows one eye lies under another key than the whole picture of the same content.
    """
    for poster, picture in zip(posters, pictures, strict=True):
        partial, path = (
            Path(os.fsdecode(bytes.fromhex(poster[name]))) for name in ("partial", "path")
        )
        path = eye_path(path, eye)
        path.parent.mkdir(parents=True, exist_ok=True)
        with partial.open("wb") as file:
            encode(picture, poster, file)
            file.flush()
            os.fsync(file.fileno())  # else a power cut may leave the name without the picture
        partial.replace(path)


def encode(image: Any, poster: dict[str, Any], file: IO[bytes]) -> None:
    """Write a poster's picture in its format and quality."""
    quality = poster["quality"]
    if poster["format"] == "jpg":
        image.save(file, **JPEG, quality=quality)
    else:
        image.save(file, **WEBP, quality=max(1, quality - WEBP_LESS))


def alarm(seconds: float) -> None:
    """Have the system end this process after so many seconds, whatever it does; 0 cancels that."""
    if hasattr(signal, "alarm"):
        signal.alarm(round(seconds))


if __name__ == "__main__":
    main()
