"""Facets: the number of videos each filter would leave, given all other filters in use."""

from collections.abc import Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from lvs.filters import FILTERS, Filter
from lvs.models import Query, Tag, tag_key
from lvs.services.gallery.gallery import Gallery

TAGS_SHOWN = 12
MAX_STARS = 5


class FacetOption(Struct, frozen=True):
    """One value of a filter, and how many videos are left with it."""

    value: Any
    label: str
    count: int
    chosen: bool


class Facet(Struct, frozen=True):
    """A filter with the values that leave any video, or that are in use."""

    name: str
    title: str
    options: tuple[FacetOption, ...]


class Facets(Struct, frozen=True):
    """Every filter that can be chosen in the panel."""

    stars: tuple[FacetOption, ...]
    flags: tuple[tuple[str, FacetOption], ...]
    choices: tuple[Facet, ...]
    dates: tuple[Filter, ...]
    tags: tuple[FacetOption, ...]


Wanted = tuple[str, Any, str, Query, bool]
"""Name of a filter, value, label, the query with it, and whether it is in use."""


async def facets_of(gallery: Gallery, query: Query, popular: Sequence[Tag]) -> Facets:
    """The facets of a query; `popular` are the tags to offer besides those in use."""
    wanted = [*_stars(query), *_flags(query), *_choices(query), *_tags(query, popular)]
    counts = await gallery.counts([each[3] for each in wanted])
    options: dict[str, list[FacetOption]] = {}
    for (name, value, label, _, chosen), count in zip(wanted, counts, strict=True):
        if count or chosen:
            options.setdefault(name, []).append(FacetOption(value, label, count, chosen))
    return Facets(
        stars=tuple(options.get("min_rating", ())),
        flags=tuple(
            (each.name, options[each.name][0]) for each in _shown_as("flag") if each.name in options
        ),
        choices=tuple(
            Facet(each.name, each.title, tuple(options[each.name]))
            for each in _shown_as("choice")
            if each.name in options
        ),
        dates=_shown_as("date"),
        tags=tuple(options.get("tag", ())),
    )


def _shown_as(control: str) -> tuple[Filter, ...]:
    """The filters with this control, in the order of the table."""
    return tuple(each for each in FILTERS if each.kind.control == control)


def _stars(query: Query) -> list[Wanted]:
    rated = replace(query, unrated=False)
    return [
        (
            "min_rating",
            stars,
            f"{stars} or more" if stars < MAX_STARS else f"{stars}",
            replace(rated, min_rating=stars),
            query.min_rating == stars,
        )
        for stars in range(1, MAX_STARS + 1)
    ]


def _flags(query: Query) -> list[Wanted]:
    return [
        (each.name, 1, _capital(each.label(True)), each.having(query, True), each.value(query))
        for each in _shown_as("flag")
    ]


def _choices(query: Query) -> list[Wanted]:
    return [
        (
            each.name,
            value,
            label,
            each.having(query, value),
            each.value(query) == value,
        )
        for each in _shown_as("choice")
        for value, label in each.kind.choices
    ]


def _tags(query: Query, popular: Sequence[Tag]) -> list[Wanted]:
    used = {tag_key(name) for name in query.tags}
    offered = [tag.name for tag in popular if tag_key(tag.name) not in used]
    rows: list[Wanted] = [("tag", name, name, query, True) for name in query.tags]
    for name in offered[: max(0, TAGS_SHOWN - len(rows))]:
        rows.append(("tag", name, name, replace(query, tags=(*query.tags, name)), False))
    return rows


def _capital(label: str) -> str:
    return label[:1].upper() + label[1:]
