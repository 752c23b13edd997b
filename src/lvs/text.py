"""Pure functions on strings: sort keys, search keys and titles."""

import re
import unicodedata

_DIGITS = re.compile(r"[0-9]+")
_MAX_DIGITS = 99

# Scripts written without spaces between words: each character is a word of its own to the index.
_UNSPACED = re.compile(
    "([\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003134f])"
)
_NAME_GAPS = re.compile(r"[_.]+|\s+")
_EXTENSION = re.compile(r"\.[^.\s/]{1,10}$")


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
    """Text as the full-text index wants it: NFKC, and a space around each character of scripts that
    write none.
    """
    if isinstance(text, bytes):
        text = text.decode("utf-8", "replace")
    if text.isascii():
        return text
    return _UNSPACED.sub(r" \1 ", unicodedata.normalize("NFKC", text))


def title_from_path(path: bytes) -> str:
    """A title from a file name: extension off, `_` and `.` to spaces, nothing clever beyond."""
    name = path.rpartition(b"/")[2].decode("utf-8", "replace")
    stem = _EXTENSION.sub("", name.strip()) or name
    return _NAME_GAPS.sub(" ", stem).strip() or name
