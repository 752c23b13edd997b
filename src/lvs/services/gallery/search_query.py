"""What people type into the search field, as an FTS5 expression.

Words must all occur, each also as the start of a longer word; `"a phrase"` occurs as it stands;
`-word` must not occur; `tag:alps` and `tag:"two words"` ask for a tag.
"""

import re
from dataclasses import dataclass

from lvs.errors import Invalid
from lvs.text import searchable

MAX_LENGTH = 200
MAX_TERMS = 20

_TERM = re.compile(
    r'(?P<minus>-?)(?P<tag>tag:)?(?:"(?P<phrase>[^"]*)"?|(?P<word>[^\s"]+))', re.IGNORECASE
)
_WORD_CHARACTER = re.compile(r"[^\W_]")


@dataclass(frozen=True, slots=True)
class Words:
    """A search taken apart: an FTS5 expression (None where no word remains) and the tags asked for."""

    match: str | None
    tags: tuple[str, ...] = ()


def parse(text: str) -> Words:
    """Take a search apart. Any text is a search; only an overlong one raises Invalid."""
    if len(text) > MAX_LENGTH:
        raise Invalid(f"Search for at most {MAX_LENGTH} characters.")
    wanted: list[str] = []
    unwanted: list[str] = []
    tags: list[str] = []
    for found in list(_TERM.finditer(text))[:MAX_TERMS]:
        term = found["phrase"] if found["phrase"] is not None else found["word"]
        if found["tag"] and not found["minus"]:
            tags += [term] if term.strip() else []
            continue
        expression = _expression(term, whole=found["phrase"] is not None)
        if expression:
            (unwanted if found["minus"] else wanted).append(expression)
    return Words(_joined(wanted, unwanted), tuple(dict.fromkeys(tags)))


def _expression(term: str, whole: bool) -> str | None:
    """One term as a quoted FTS5 string; nothing in it is syntax any more.

    None where the index holds no such characters.
    """
    words = searchable(term).replace('"', " ").replace("\0", " ")
    if not _WORD_CHARACTER.search(words):
        return None
    return f'"{words}"' if whole else f'"{words}"*'


def _joined(wanted: list[str], unwanted: list[str]) -> str | None:
    if not wanted:
        return None  # FTS5 cannot take words away from everything
    return " AND ".join(wanted) + "".join(f" NOT {term}" for term in unwanted)
