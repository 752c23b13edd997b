"""Subtitle files beside the films: `name.srt`, `name.en.vtt`, `name.pt-BR.forced.ass`."""

import asyncio
import os
import re
import unicodedata
from collections.abc import Callable, Collection, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from hashlib import blake2b
from pathlib import Path
from typing import TypeVar

from msgspec import Struct
from msgspec.structs import replace

from lvs.errors import NotFound, Unavailable, Unreadable
from lvs.models import FOR_THE_DEAF, FORCED, Video, display_path
from lvs.services.library.library import Library
from lvs.services.media.languages import language_of
from lvs.services.media.webvtt import to_webvtt
from lvs.services.streaming.open_file import FileChangedError, open_below_now

KINDS = ("srt", "vtt", "ass", "ssa")
MAX_BYTES = 5 * 1024 * 1024
MAX_SUBTITLES = 100
MAX_LISTED = 500
FOLDERS = frozenset({b"subs", b"sub", b"subtitles"})
THREADS = 2
PATIENCE_S = 3.0

_MARKS = {
    **dict.fromkeys(("forced", "foreign"), FORCED),
    **dict.fromkeys(("sdh", "cc", "hi", "hearing-impaired"), FOR_THE_DEAF),
}
_BETWEEN = re.compile(r"[\s_,;&+/()\[\]{}-]+")
_NUMBER = re.compile(r"[0-9]+(?:[\s_-]+|\Z)", re.ASCII)
_MOST_WORDS = 3  # of a language's name
_SHORT = 2

Value = TypeVar("Value")


class Subtitle(Struct, frozen=True):
    """A subtitle file beside a film.

    `key` names it among those of its film, `language` is a language tag or empty.
    """

    key: str
    root_id: int
    path: bytes
    kind: str
    label: str
    language: str


class Subtitles:
    """Finds the subtitles of a video, and gives them as WebVTT.

    It has threads of its own: a drive that does not answer holds up nothing but subtitles.
    """

    def __init__(self, library: Library, formats: Iterable[str]) -> None:
        self._library = library
        self._formats = frozenset(formats)
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="lvs-subtitles")

    async def of_video(self, video: Video) -> list[Subtitle]:
        """The subtitles beside the film, in the order of their labels; none where its folder cannot
        be read for now.
        """
        try:
            return await self._beside(video)
        except Unavailable:
            return []

    async def get(self, video: Video, key: str) -> Subtitle:
        """The subtitles of this key.

        Raises NotFound; Unavailable where the folder cannot be read for now.
        """
        for subtitle in await self._beside(video):
            if subtitle.key == key:
                return subtitle
        raise NotFound("There are no such subtitles beside this video.")

    async def _beside(self, video: Video) -> list[Subtitle]:
        root = self._library.roots[video.file.root_id]
        if video.missing or not root.active:
            return []
        if root.offline_since is not None:
            raise Unavailable(
                f"The folder “{display_path(root.name.encode(errors='surrogateescape'))}” is"
                " offline right now."
            )
        try:
            async with asyncio.timeout(PATIENCE_S):
                return await self._run(
                    lambda: find(root.path, root.id, video.file.path, self._formats)
                )
        except (OSError, TimeoutError):
            raise Unavailable("The folder of this video cannot be read for now.") from None

    async def version(self, subtitle: Subtitle) -> str:
        """Text that changes with the file. Raises NotFound, Unavailable."""
        return await self._run(lambda: self._version(subtitle))

    async def webvtt(self, subtitle: Subtitle) -> str:
        """The subtitles as WebVTT.

        Raises NotFound, Unavailable, Unreadable with what is wrong with the file.
        """
        return await self._run(
            lambda: to_webvtt(
                self._read(subtitle), subtitle.kind, subtitle.language.partition("-")[0]
            )
        )

    async def _run(self, work: Callable[[], Value]) -> Value:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    def _version(self, subtitle: Subtitle) -> str:
        opened = open_below_now(self._folder(subtitle), subtitle.path)
        try:
            return f"{opened.status.st_size:x}-{opened.status.st_mtime_ns:x}"
        finally:
            opened.close()

    def _read(self, subtitle: Subtitle) -> bytes:
        opened = open_below_now(self._folder(subtitle), subtitle.path)
        try:
            size_bytes = opened.status.st_size
            if size_bytes > MAX_BYTES:
                raise Unreadable(
                    f"This subtitle file is larger than {MAX_BYTES // 1024 // 1024} MB."
                )
            content = bytearray()
            while len(content) < size_bytes:
                content += opened.read(len(content), size_bytes - len(content))
            return bytes(content)
        except FileChangedError:
            raise Unavailable("This subtitle file is being written right now.") from None
        except OSError as error:
            raise Unavailable("This subtitle file cannot be read for now.") from error
        finally:
            opened.close()

    def _folder(self, subtitle: Subtitle) -> Path:
        return Path(os.fsdecode(self._library.roots[subtitle.root_id].path))


def find(root: bytes, root_id: int, path: bytes, formats: Collection[str]) -> list[Subtitle]:
    """The subtitle files of the film at `path` below `root`: beside it, and in a folder `Subs`.

    Raises OSError where the film's folder cannot be read.
    """
    folder, _, video = path.rpartition(b"/")
    names = os.listdir(os.path.join(root, folder))
    stem = _folded(video).rpartition(".")[0]
    # `Film.2.srt` belongs to `Film.2.mp4` where there is one, and not to `Film.mp4`.
    videos = {other for name in names if (other := _video_stem(name, formats))}
    others = [other for other in videos if other != stem and _begins(other, stem)]
    beside = [(name, parts) for name in names if (parts := _parts(name, stem, others)) is not None]
    found: list[Subtitle] = []
    for name, parts in beside + _in_folders(
        os.path.join(root, folder), names, stem, videos, others
    ):
        *words, kind = parts
        label, language = describe([word for word in words if f".{word.lower()}" not in formats])
        key = blake2b(name, digest_size=4).hexdigest()
        place = folder + b"/" + name if folder else name
        found.append(Subtitle(key, root_id, place, kind.lower(), label, language))
    found = sorted(found, key=lambda subtitle: (subtitle.label, subtitle.path))[:MAX_SUBTITLES]
    labels = labelled_apart(subtitle.label for subtitle in found)
    return [replace(subtitle, label=label) for subtitle, label in zip(found, labels, strict=True)]


def _in_folders(
    folder: bytes, names: Sequence[bytes], stem: str, videos: Collection[str], others: Sequence[str]
) -> list[tuple[bytes, list[str]]]:
    """Subtitle files in `Subs` and such, and in a folder there that has the film's name.

    `2_English.srt` says no film: it belongs to the only one in the folder above.
    """
    found: list[tuple[bytes, list[str]]] = []
    for subs in (name for name in names if name.lower() in FOLDERS):
        for below, alone in ((b"", len(videos) <= 1), (b"/" + _named_so(folder, subs, stem), True)):
            place = subs + below
            if below == b"/":
                continue
            for name in _listed(os.path.join(folder, place))[:MAX_LISTED]:
                parts = _parts(name, stem, others)
                if parts is None and alone and _kind(name):
                    words = unicodedata.normalize("NFC", display_path(name)).split(".")
                    parts = [said for word in words if (said := _NUMBER.sub("", word, count=1))]
                if parts:
                    found.append((place + b"/" + name, parts))
    return found


def _named_so(folder: bytes, subs: bytes, stem: str) -> bytes:
    """Name of the folder in `subs` that is called as the film; empty where there is none."""
    names = _listed(os.path.join(folder, subs))[:MAX_LISTED]
    return next((name for name in names if _folded(name) == stem), b"")


def _listed(folder: bytes) -> list[bytes]:
    """Names in a folder of subtitles; none where it is a link or cannot be read."""
    try:
        return [] if os.path.islink(folder) else sorted(os.listdir(folder))
    except OSError:
        return []


def _parts(name: bytes, stem: str, others: Sequence[str]) -> list[str] | None:
    """Return what a subtitle file's name says behind the film's: `en`, `forced`, `srt`.

    None where it is none of this film. `film-en.srt` is one where nothing but languages and marks
    stands there.
    """
    if not _kind(name) or not _begins(_folded(name), stem):
        return None
    if any(_begins(_folded(name), other) for other in others):
        return None
    text = unicodedata.normalize("NFC", display_path(name))
    last = text.split(".")[stem.count(".") :]
    if _folded(name).startswith(f"{stem}."):
        return last[1:]
    rest = last[0][len(stem.rpartition(".")[2]) + 1 :]
    words = _words(rest)
    known = words and all(word.lower() in _MARKS or language_of(word) for word in words)
    return [rest, *last[1:]] if known else None


def _kind(name: bytes) -> bool:
    return name.lower().endswith(tuple(f".{kind}".encode() for kind in KINDS))


def _begins(name: str, stem: str) -> bool:
    return name.startswith(stem) and name[len(stem) : len(stem) + 1] in (".", "-", "_", " ")


def describe(parts: Sequence[str]) -> tuple[str, str]:
    """Label and language tag for what stands between a film's name and the ending: `en`, `forced`
    is `English (forced)`, `en`. Subtitles in two languages have the tag of the first.
    """
    languages: dict[str, str] = {}
    notes: dict[str, None] = {}  # a set that keeps its order
    rest: list[str] = []
    said = [_words(part) for part in parts]
    others = any(language_of(word) for words in said for word in words if word.lower() != "hi")
    for words in said:
        unknown = []
        for word in words:
            spelled = language_of(word)
            # Where there is another language, `hi` is hearing impaired, and not Hindi.
            if mark := _MARKS.get(word.lower(), "") if others or not spelled else "":
                notes[mark] = None
            elif spelled and (not languages or len(word) > _SHORT):
                languages.setdefault(*spelled)
            elif word.lower() != "default":
                unknown.append(word)
        rest += [" ".join(unknown)] if unknown else []
    label = " · ".join(filter(None, (" + ".join(languages.values()), *rest))) or "Subtitles"
    label = f"{label} ({', '.join(notes)})" if notes else label
    return label[:200], next(iter(languages), "")


def _words(part: str) -> list[str]:
    """The words of a part of a name, those of a language or a mark together: `pt-BR_forced` is
    `pt-BR`, `forced`. A part without any is left whole.
    """
    pieces = [piece for piece in _BETWEEN.split(part) if piece]
    words, known = [], False
    while pieces:
        length = next((some for some in range(_MOST_WORDS, 0, -1) if _is_one(pieces[:some])), 0)
        known |= length > 0
        words.append("-".join(pieces[: length or 1]))
        del pieces[: length or 1]
    return words if known else [part]


def _is_one(pieces: Sequence[str]) -> bool:
    """True if these words are one language with its script and region, or one mark."""
    joined = "-".join(pieces)
    if joined.lower() in _MARKS:
        return True
    marked = any(piece.lower() in _MARKS for piece in pieces[1:])
    return not marked and language_of(joined) is not None


def labelled_apart(labels: Iterable[str]) -> list[str]:
    """The labels with numbers, so that no two are the same."""
    seen: dict[str, int] = {}
    apart = []
    for label in labels:
        seen[label] = number = seen.get(label, 0) + 1
        apart.append(label if number == 1 else f"{label} {number}")
    return apart


def _video_stem(name: bytes, formats: Collection[str]) -> str:
    stem, dot, ending = _folded(name).rpartition(".")
    return stem if dot + ending in formats else ""


def _folded(name: bytes) -> str:
    """A name in a form that is the same for every spelling of the same letters."""
    return unicodedata.normalize("NFC", os.fsdecode(name)).casefold()
