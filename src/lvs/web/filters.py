"""The gallery's query in an address: parsing, chips and the removal of filters."""

from collections.abc import Callable, Collection
from urllib.parse import parse_qsl

from msgspec import Struct
from msgspec.structs import replace

from lvs.errors import Invalid
from lvs.filters import FILTERS, MAX_SEARCH, used_filters
from lvs.models import Query, Sort
from lvs.web.request_args import Arguments, number, text
from lvs.web.search_words import lifted, word_of
from lvs.web.urls import gallery_url, starts_descending

MAX_SEED = 2**31 - 1
SORTS = tuple(sort.value for sort in Sort)
PARAMETERS = frozenset({each.name for each in FILTERS} | {"sort", "order", "seed"})


class Chip(Struct, frozen=True):
    """A filter in use: its label, the query without it, the address of that query, and the word of
    a search that sets it (empty where there is none).
    """

    name: str
    label: str
    heading: str
    without: Query
    url: str
    word: str = ""


def parse_query(args: Arguments) -> Query:
    """The query that an address asks for; unknown names are ignored. Raises Invalid."""
    filters = {
        each.field or each.name: each.kind.read(each.name, args[each.name])
        for each in FILTERS
        if args.get(each.name)
    }
    sort_name, order = text(args, "sort"), text(args, "order")
    if sort_name not in ("", *SORTS):
        wrong = printable(sort_name)
        raise Invalid(f"Videos cannot be sorted by “{wrong}”. Choose one of {', '.join(SORTS)}.")
    if order not in ("", "asc", "desc"):
        raise Invalid("The order is asc or desc.")
    query = Query(
        **filters,
        descending=order == "desc" if order else starts_descending(sort_name),
        seed=number(args, "seed", MAX_SEED),
    )
    query = lifted(query) if len(query.q) <= MAX_SEARCH else query
    asked = sort_name not in ("", Sort.MATCH)  # nothing matches best where there are no words
    return replace(query, sort=Sort(sort_name) if asked else query.usual_sort)


def parse_stored(text: str) -> tuple[Query, list[str]]:
    """The query that was saved as an address, and the names of the parameters that this LVS does
    not know or cannot read, which are left out.
    """
    pairs = parse_qsl(text, keep_blank_values=True, errors="surrogateescape")
    given: dict[str, list[str]] = {}
    for name, value in pairs:
        given.setdefault(name, []).append(value)
    dropped = [name for name, values in given.items() if not _is_readable(name, values)]
    kept = {name: values for name, values in given.items() if name not in dropped}
    return parse_query(kept), [printable(name) for name in dropped]


def _is_readable(name: str, values: list[str]) -> bool:
    if name not in PARAMETERS or (name == "q" and len(values[-1]) > MAX_SEARCH):
        return False
    try:
        parse_query({name: values})
    except Invalid:
        return False
    return True


def chips(
    query: Query, url: Callable[[Query], str] = gallery_url, without: Collection[str] = ()
) -> list[Chip]:
    """A chip for each filter in use, but those `without`, and for each tag; `url` gives the address
    of the list that a query shows.
    """
    found = []
    for each in used_filters(query):
        if each.name in without:
            continue
        value = each.value(query)
        for part in value if each.many else (None,):
            rest = each.without(query, part)
            label = each.label(value if part is None else part)
            heading = f"#{part}" if each.name == "tag" else label[:1].upper() + label[1:]
            word = word_of(each, query, part)
            found.append(Chip(each.name, label, heading, rest, url(rest), word))
    return found


def in_search_words(query: Query) -> str:
    """The query as it could be typed into the search, without filters that no word sets."""
    words = [chip.word for chip in chips(query, without=("q",))]
    return " ".join(word for word in (query.q.strip(), *words) if word)


def printable(value: str) -> str:
    """A short form of foreign text that can stand in a message."""
    return value.encode("utf-8", "replace").decode()[:40]
