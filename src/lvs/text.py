"""Pure functions on strings: sort keys and search keys."""

import csv
import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from itertools import pairwise

_DIGITS = re.compile(r"[0-9]+")
_MAX_DIGITS = 99

# Scripts written without spaces between words: each character is a word of its own to the index.
_UNSPACED = re.compile(
    "([\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf"
    "\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003134f])"
)
# Marks that people leave out when they type: of Latin, Greek, Cyrillic, Hebrew and Arabic writing.
_MARKS = re.compile("[\u0300-\u036f\u0591-\u05bd\u05bf\u05c1-\u05c7\u064b-\u0652\u0670]")
_VARIATIONS = re.compile("[\ufe00-\ufe0f]")
_UNDECOMPOSED = str.maketrans(
    {"ł": "l", "ø": "o", "đ": "d", "ħ": "h", "ŧ": "t", "ı": "i", "æ": "ae", "œ": "oe", "þ": "th"}
)
_ASCII_SYMBOLS = re.compile(r"[$+<=>^`|~]")


_KIND_OF = {"Lu": "U", "Lt": "U", "Ll": "l", "L": "o", "N": "D", "M": "m"}


class _CharacterKinds(dict[int, str]):
    """The kind of a character for borders in words: U is a capital, l a small letter, o one without
    case, D a digit, m a mark on the character before; a space is no part of a word.
    """

    def __missing__(self, character: int) -> str:
        category = unicodedata.category(chr(character))
        return _KIND_OF.get(category) or _KIND_OF.get(category[0], " ")


_KINDS = _CharacterKinds({code: _CharacterKinds()[code] for code in range(128)})
_MARKED = re.compile("[UloD]m+")
_WORDS = re.compile("[UloD]+")
_BORDERS = re.compile("(?<=[lo])(?=U)|(?<=U)(?=Ul)|(?<=[Ulo])(?=D)|(?<=D)(?=[Ulo])")
_ASCII_BORDERS = re.compile("[a-z][A-Z]|[A-Z]{2}[a-z]|[A-Za-z][0-9]|[0-9][A-Za-z]")
_MAX_PARTS = 24
_EXTENSION = re.compile(r"\.[^.\s/]{1,10}$")


def folder_of(path: bytes) -> bytes:
    """The folder of a path with a slash at its end; empty at the top."""
    return path[: path.rfind(b"/") + 1]


def folder_end(folder: bytes) -> bytes:
    """The first value behind all paths in such a folder and below."""
    return folder[:-1] + b"0" if folder else b"\xff" * 8  # 0 follows / in ASCII


def without_extension(name: str) -> str:
    """A file's name without its extension: a dot and up to ten characters that are no space."""
    stem, dot, extension = name.rpartition(".")
    if dot and extension.isalnum() and len(extension) <= 10:  # most names: a search takes longer
        return stem
    return _EXTENSION.sub("", name)


def natural_key(text: str) -> str:
    """A key that sorts as people count and read: 2 before 10, é beside e, letter case ignored."""
    if text.isascii():
        plain = text.lower()
    else:
        plain = "".join(
            c
            for c in unicodedata.normalize("NFKD", text.casefold())
            if not unicodedata.combining(c)
        )
    return _DIGITS.sub(_padded, plain.strip())


def _padded(match: re.Match[str]) -> str:
    digits = match[0].lstrip("0") or "0"
    return f"{min(len(digits), _MAX_DIGITS):02}{digits}"


def searchable(text: str | bytes) -> str:
    """Text as the full-text index holds it, and as a search asks for it.

    Letters are folded: case (ß is ss, final sigma is sigma), width, marks, and Latin letters that
    have no decomposition, such as ł. Symbols, emoji and characters of scripts without spaces are
    words of their own. Parts of compounds, such as Italy in `HolidayItaly2019`, follow at the end,
    so that phrases of the text itself stay whole. Bytes are a path, whose extension has no parts.
    """
    if isinstance(text, bytes):
        text = text.decode("utf-8", "replace")
        parts = compound_parts(without_extension(text))
    else:
        parts = compound_parts(text)
    words = folded(text)
    return f"{words} {folded(' '.join(parts))}" if parts else words


def folded(text: str) -> str:
    """Text with letter case, width and marks removed, and a space around each symbol."""
    if text.isascii():
        return _ASCII_SYMBOLS.sub(r" \g<0> ", text).lower()
    plain = unicodedata.normalize("NFKC", _VARIATIONS.sub("", text)).casefold()
    plain = _MARKS.sub("", unicodedata.normalize("NFD", plain)).translate(_UNDECOMPOSED)
    plain = unicodedata.normalize("NFC", plain)
    spaced = "".join(f" {c} " if is_symbol(c) else c for c in plain)
    return _UNSPACED.sub(r" \1 ", spaced)


def is_symbol(character: str) -> bool:
    """True for currency and mathematical signs, emoji and other symbols (Unicode category S)."""
    return unicodedata.category(character)[0] == "S"


def compound_parts(text: str) -> list[str]:
    """Words inside of words: camel case, and letters beside digits, are borders between them, in
    every script.
    """
    if not text.isascii():
        text = unicodedata.normalize("NFKC", _VARIATIONS.sub("", text))
    elif not _ASCII_BORDERS.search(text):  # as most names: a first scan asks for each
        return []
    kinds = text.translate(_KINDS)
    if "m" in kinds:
        kinds = _MARKED.sub(lambda found: found[0][0] * len(found[0]), kinds)
    parts: list[str] = []
    for word in _WORDS.finditer(kinds):
        borders = [found.start() for found in _BORDERS.finditer(kinds, *word.span())]
        if borders:
            edges = pairwise((word.start(), *borders, word.end()))
            parts += [text[start:end] for start, end in edges]
        if len(parts) >= _MAX_PARTS:
            break
    return parts[:_MAX_PARTS]


def with_commas(names: Iterable[str]) -> str:
    """Names as one line to be edited, with commas between; one that holds a comma in quotation
    marks.
    """
    return ", ".join(map(in_list, names))


def in_list(name: str) -> str:
    """A name as it stands in such a line."""
    quoted = '"' + name.replace('"', '""') + '"'
    return quoted if "," in name or name.startswith('"') else name


def split_at_commas(text: str) -> tuple[str, ...]:
    """The names in such a line, without empty ones."""
    line = " ".join(text.splitlines())
    names = next(csv.reader([line], skipinitialspace=True), [])
    return tuple(name.strip() for name in names if name.strip())


@lru_cache(200)
def plural(number: int, one: str, many: str | None = None) -> str:
    """A number with its noun: `1 video`, `1,234 videos`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"
