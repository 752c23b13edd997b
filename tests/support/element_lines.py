"""Elements of a template that share a line with others."""

import re
from dataclasses import dataclass, field
from itertools import pairwise

from support.html_tree import VOID

WORDS = {
    "a",
    "abbr",
    "b",
    "bdi",
    "code",
    "em",
    "i",
    "kbd",
    "q",
    "small",
    "span",
    "strong",
    "sub",
    "sup",
    "time",
}
"""Elements that may stand in a sentence as a word does."""

BREAKS = {"br", "wbr"}
"""Elements that are part of the text around them."""


_JINJA = re.compile(r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}", re.DOTALL)
_DRAWING = re.compile(r"\{\{-? (bar|icon|tone)\(")
_TAG = re.compile(
    r"<!--.*?-->|<!\w[^>]*>|<(?P<end>/?)(?P<name>[a-z][\w-]*)(?:\"[^\"]*\"|'[^']*'|[^>\"'])*>",
    re.DOTALL,
)


@dataclass(eq=False)
class Element:
    """An element of a template."""

    name: str
    begins: int
    """The line on which its start tag begins."""
    opened: int
    """The line on which its start tag ends."""
    parent: "Element | None"
    follows_text: bool = False
    """Text stands between it and the element before it, or the start of its parent."""
    has_text: bool = False
    """Text stands in it and in none of its children."""
    closed: int = 0
    """The line on which its end tag begins, or its start tag ends if it has none."""
    children: "list[Element]" = field(default_factory=list)

    @property
    def is_sentence(self) -> bool:
        """True for running text, in which other elements are words."""
        return self.has_text and all(child.name in WORDS for child in self.children)


def crowded_lines(template: str) -> list[int]:
    """The numbers of the lines that hold more than one element.

    An element begins on another line than its parent and than the end of the one before it, and a
    parent of several ends on another line than the last of them. Free of this are an only child,
    the words of a sentence that have text between them, and the end of a parent that is a word.
    """
    root, *elements = _elements(template)
    found = _siblings_in_one_line(root)
    for element in elements:
        found += _siblings_in_one_line(element)
        if len(element.children) > 1 and not element.is_sentence:
            first, last = element.children[0], element.children[-1]
            if first.begins == element.opened:
                found.append(first.begins)
            if last.closed == element.closed and element.name not in WORDS:
                found.append(last.closed)
    return sorted(set(found))


def _siblings_in_one_line(element: Element) -> list[int]:
    return [
        child.begins
        for before, child in pairwise(element.children)
        if child.begins == before.closed
        and not (child.follows_text and child.name in WORDS and before.name in WORDS)
    ]


def _elements(template: str) -> list[Element]:
    """All elements; the first one stands for the template itself."""
    source = _JINJA.sub(_blanked, template)
    root = innermost = Element("", 0, 0, None)
    found = [root]
    at, after_text = 0, False
    for match in _TAG.finditer(source):
        if source[at : match.start()].strip():
            innermost.has_text = after_text = True
        at = match.end()
        begins, ends = (source.count("\n", 0, place) + 1 for place in match.span())
        name = match["name"]
        if name in BREAKS:
            after_text = True
        elif name and match["end"]:
            if innermost.name == "option" != name:  # its end tag may be left out
                innermost = innermost.parent or root
            assert innermost.name == name, f"</{name}> in line {begins} closes {innermost.name}"
            assert innermost.parent
            innermost.closed = begins
            innermost, after_text = innermost.parent, False
        elif name:
            element = Element(name, begins, ends, innermost, after_text, closed=ends)
            innermost.children.append(element)
            found.append(element)
            after_text = False
            if name not in VOID and not match[0].endswith("/>"):
                innermost = element
    assert innermost is root, f"<{innermost.name}> in line {innermost.begins} is left open"
    return found


def _blanked(match: re.Match[str]) -> str:
    """Jinja of the same length: text where it writes a value, white space where it writes none or
    an element of its own.
    """
    writes = match[0].startswith("{{") and not _DRAWING.match(match[0])
    return re.sub(r"[^\n]", "x" if writes else " ", match[0])
