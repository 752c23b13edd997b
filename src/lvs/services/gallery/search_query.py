"""Searches as FTS5 expressions.

Words must all occur, each also as the start of a longer word; `"a phrase"` occurs as it stands;
`-word` must not occur; `tag:alps` and `tag:"two words"` ask for a tag. Further hyphens before a
word are part of it: `--dash` asks for names that hold it.
"""

import re
from collections.abc import Sequence

from msgspec import Struct

from lvs.errors import Invalid
from lvs.relevance import RankedWords
from lvs.text import folded, is_symbol, natural_key

MAX_LENGTH = 200
MAX_TERMS = 20

_TERM = re.compile(
    r'(?P<minus>-?)(?P<tag>tag:)?(?:"(?P<phrase>[^"]*)"?|(?P<word>[^\s"]+))', re.IGNORECASE
)


class ParsedSearch(Struct, frozen=True):
    """A parsed search: FTS5 expressions for what must and must not occur, and the tags asked for.

    `unmatch` is only set if nothing must occur: FTS5 cannot subtract words from everything.
    `ranked` are the words by which results are ranked.
    """

    match: str | None
    tags: tuple[str, ...] = ()
    unmatch: str | None = None
    ranked: RankedWords | None = None


def parse(text: str) -> ParsedSearch:
    """Parse a search. Any text is a valid search; only an overlong one raises Invalid."""
    if len(text) > MAX_LENGTH:
        raise Invalid(f"Search for at most {MAX_LENGTH} characters.")
    wanted: list[str] = []
    unwanted: list[str] = []
    tags: list[str] = []
    terms: list[str] = []
    for found in list(_TERM.finditer(text))[:MAX_TERMS]:
        term = found["phrase"] if found["phrase"] is not None else found["word"]
        minus = found["minus"] and not term.startswith("-")
        if found["tag"] and not minus:
            tags += [term] if term.strip() else []
            continue
        expression = _expression(term, whole=found["phrase"] is not None)
        if expression:
            (unwanted if minus else wanted).append(expression)
            terms += [] if minus else [term]
    match = " AND ".join(wanted) + "".join(f" NOT {term}" for term in unwanted) if wanted else None
    unmatch = " OR ".join(unwanted) if unwanted and not wanted else None
    return ParsedSearch(
        match, tuple(dict.fromkeys(tags)), unmatch, _ranked(terms) if terms else None
    )


def _ranked(terms: Sequence[str]) -> RankedWords:
    text = " ".join(terms)
    whole = " AND ".join(str(_expression(term, whole=True)) for term in terms)
    beginning = _expression(text, whole=True)
    return RankedWords(
        natural_key(text),
        f"{{title}} : ^ {beginning}",
        f"{{title}} : ({whole})",
        f"{{title}} : ^ {beginning}*",
        whole,
    )


def _expression(term: str, whole: bool) -> str | None:
    """One term as a quoted FTS5 string; nothing in it is syntax any more.

    None where the index holds no such characters.
    """
    words = folded(term).replace('"', " ").replace("\0", " ")
    if not any(character.isalnum() or is_symbol(character) for character in words):
        return None
    return f'"{words}"' if whole else f'"{words}"*'
