"""Reads JSON that may be damaged, huge, or in an old encoding, and gives every entry that can still
be read.

Only the outer shape is understood: an object or list of plain values and of lists of plain values.
What lies deeper is passed over without being read, so nesting costs nothing. Blocking code.
"""

import codecs
import json
import mmap
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from enum import Enum
from pathlib import Path

from msgspec import Struct

# A larger file is copied and mapped: memory stays small, and nobody cuts it while it is read.
IN_MEMORY_BYTES = 16 << 20
LONGEST_TEXT_BYTES = 1 << 16
CHUNK_BYTES = 1 << 20

_BLANK = re.compile(rb"[ \t\r\n]*+")
_WORD = re.compile(rb'[^][{}":, \t\r\n\0]++')
_PART_OF_TEXT = re.compile(rb'[^"\\]*+(?:\\.[^"\\]*+){0,1000}+', re.DOTALL)
_NESTING = re.compile(rb'"|[\[{]++|[\]}]++')
_NEXT_IN_LIST = re.compile(rb"[],]")
_NEXT_MEMBER = re.compile(rb'"(?:[^"\\]|\\.){1,1000}+"[ \t\r\n]*+:', re.DOTALL)
_NUMBER = re.compile(r"-?[0-9]{1,400}(\.[0-9]{1,400})?([eE][-+]?[0-9]{1,5})?")
_LITERALS: dict[str, bool | None] = {"true": True, "false": False, "null": None}


class Unparsed(Enum):
    """A value that is there and was not read."""

    NESTED = "it is an object or a list where a plain value belongs"
    LONG = "it is longer than any name or number"
    BROKEN = "it is no JSON value"


Value = str | int | float | bool | Unparsed | None


class ParsedValue(Struct, frozen=True):
    """A value and the key it stands under (None in a list that is the whole file).

    `listed`: it is one item of a list.
    """

    at: int
    key: str | Unparsed | None
    value: Value
    listed: bool = False


class SyntaxIssue(Struct, frozen=True):
    """The text is no JSON at this place; what can be read behind it follows."""

    at: int
    why: str


Content = bytes | mmap.mmap


class LenientJson:
    """The content of one file; go through it to get what it holds."""

    def __init__(self, content: Content) -> None:
        self._content = content
        self._counted_to = 0
        self._line = 1
        self._end = 0
        self._cut = False

    def line(self, at: int) -> int:
        """The line, from 1, of a place that `ParsedValue` and `SyntaxIssue` carry.

        Quick when asked in ascending order.
        """
        if at < self._counted_to:
            self._counted_to, self._line = 0, 1
        while self._counted_to < at:
            end = min(at, self._counted_to + CHUNK_BYTES)
            self._line += self._content[self._counted_to : end].count(b"\n")
            self._counted_to = end
        return self._line

    def __iter__(self) -> Iterator[ParsedValue | SyntaxIssue]:
        start = self._after_blanks(3 if self._content[:3] == codecs.BOM_UTF8 else 0)
        match self._byte(start):
            case b"":
                yield SyntaxIssue(start, "the file is empty")
                return
            case b"{":
                yield from self._members(start + 1)
            case b"[":
                yield from self._items(start + 1, None)
            case _:
                yield SyntaxIssue(start, "it begins with neither { nor [")
                return
        if self._cut:
            yield SyntaxIssue(len(self._content), "the file is cut off here")
        elif self._byte(self._after_blanks(self._end)):
            yield SyntaxIssue(
                self._end, "something follows the end of the JSON, which was not read"
            )

    # Each of the following leaves in `_end` where it stopped, and sets `_cut` where the file ended
    # before it did.

    def _members(self, at: int) -> Iterator[ParsedValue | SyntaxIssue]:
        while True:
            at = self._after_blanks(at)
            byte = self._byte(at)
            if byte == b",":
                at += 1
            elif byte == b"}":
                self._end = at + 1
                return
            elif byte == b'"':
                key = self._text(at)
                colon = self._after_blanks(self._end)
                if not self._cut and self._byte(colon) != b":":
                    yield SyntaxIssue(colon, "a colon is missing")
                    at = self._next_member(at + 1)
                    continue
                if not self._cut:
                    yield from self._value(self._after_blanks(colon + 1), key, listed=False)
                if self._cut:
                    return
                at = self._end
            else:
                if byte:
                    yield SyntaxIssue(at, "this is no JSON")
                at = self._next_member(at)
            if self._cut:
                return

    def _next_member(self, at: int) -> int:
        found = _NEXT_MEMBER.search(self._content, at)
        self._cut = found is None
        return found.start() if found else len(self._content)

    def _items(self, at: int, key: str | Unparsed | None) -> Iterator[ParsedValue | SyntaxIssue]:
        while True:
            at = self._after_blanks(at)
            byte = self._byte(at)
            if byte == b",":
                at += 1
            elif byte == b"]":
                self._end = at + 1
                return
            elif not byte:
                self._cut = True
            elif byte in b"}:":
                yield SyntaxIssue(at, "this is no JSON")
                found = _NEXT_IN_LIST.search(self._content, at)
                self._cut = found is None
                at = found.start() if found else at
            else:
                yield from self._value(at, key, listed=True)
                at = self._end
            if self._cut:
                return

    def _value(
        self, at: int, key: str | Unparsed | None, listed: bool
    ) -> Iterator[ParsedValue | SyntaxIssue]:
        byte = self._byte(at)
        value: Value
        if byte == b'"':
            value = self._text(at)
        elif byte == b"[" and not listed:
            yield from self._items(at + 1, key)
            return
        elif byte and byte in b"[{":
            value = Unparsed.NESTED
            self._pass_over(at)
        else:
            value = self._word(at)
        if not self._cut:
            yield ParsedValue(at, key, value, listed)

    def _word(self, at: int) -> Value:
        match = _WORD.match(self._content, at)
        self._end = match.end() if match else at
        self._cut = not self._byte(
            self._end
        )  # a number that ends with the file may have had more digits
        if match is None:
            return Unparsed.BROKEN
        if len(match[0]) > 1000:
            return Unparsed.LONG
        word = match[0].decode("latin-1")
        if word in _LITERALS:
            return _LITERALS[word]
        if not _NUMBER.fullmatch(word):
            return Unparsed.BROKEN
        return float(word) if set(word) & set(".eE") else int(word)

    def _text(self, at: int) -> str | Unparsed:
        end = self._end_of_text(at + 1)
        self._cut = end is None
        self._end = len(self._content) if end is None else end
        if self._end - at > LONGEST_TEXT_BYTES:
            return Unparsed.LONG
        raw = self._content[at + 1 : self._end - 1]
        text = _decoded(raw)
        if b"\\" not in raw:
            return text
        try:
            return str(json.loads(f'"{text}"', strict=False))
        except ValueError:
            return Unparsed.BROKEN

    def _end_of_text(self, at: int) -> int | None:
        """Behind the closing quote; None where there is none."""
        while True:
            match = _PART_OF_TEXT.match(self._content, at)
            end = match.end() if match else at
            if self._byte(end) == b'"':
                return end + 1
            if end == at:  # nothing left, or a lone backslash at the very end
                return None
            at = end

    def _pass_over(self, at: int) -> None:
        """Go behind the object or list that begins here."""
        depth = 0
        while match := _NESTING.search(self._content, at):
            at = match.end()
            if match[0] == b'"':
                end = self._end_of_text(at)
                if end is None:
                    break
                at = end
            elif match[0][:1] in b"[{":
                depth += len(match[0])
            elif depth <= len(match[0]):
                self._end = match.start() + depth
                return
            else:
                depth -= len(match[0])
        self._cut = True
        self._end = len(self._content)

    def _after_blanks(self, at: int) -> int:
        match = _BLANK.match(self._content, at)
        return match.end() if match else at

    def _byte(self, at: int) -> bytes:
        """The byte there; empty at the end, or where a power cut left zeros."""
        byte = self._content[at : at + 1]
        return (
            b"" if byte == b"\0" and not self._content[at : at + CHUNK_BYTES].strip(b"\0") else byte
        )


def _decoded(raw: bytes) -> str:
    for encoding in ("utf-8", "cp1252"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    return raw.decode("latin-1")


@contextmanager
def opened(path: Path) -> Iterator[LenientJson]:
    """The file, ready to be gone through.

    UTF-8 and what Windows wrote before it are told apart text by text. Raises OSError.
    """
    with ExitStack() as stack:
        file = stack.enter_context(path.open("rb"))
        encoding = json.detect_encoding(file.read(4))
        file.seek(0)
        if encoding.startswith("utf-8") and os.fstat(file.fileno()).st_size <= IN_MEMORY_BYTES:
            yield LenientJson(file.read())
            return
        copy = stack.enter_context(tempfile.TemporaryFile(prefix="lvs-"))
        if encoding.startswith("utf-8"):
            shutil.copyfileobj(file, copy, CHUNK_BYTES)
        else:
            for text in codecs.iterdecode(
                iter(lambda: file.read(CHUNK_BYTES), b""), encoding, "replace"
            ):
                copy.write(text.removeprefix("\ufeff").encode("utf-8", "replace"))
        size = copy.tell()
        copy.seek(0)
        if size <= IN_MEMORY_BYTES:
            yield LenientJson(copy.read())
        else:
            yield LenientJson(
                stack.enter_context(mmap.mmap(copy.fileno(), 0, access=mmap.ACCESS_READ))
            )
