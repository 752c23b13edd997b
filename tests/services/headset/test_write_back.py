"""The difference between the tags a player was shown and those it sends."""

from typing import Any

import pytest

from lvs.services.headset.write_back import ShownTags, TagChanges, stars_of, tag_changes

SHOWN = ShownTags(("alps", "Snow"), rated=True)
RATING = {"name": "Rating:4"}


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (None, TagChanges()),
        ("alps", TagChanges()),
        ([{"name": "Tag:alps"}, {"name": "Tag:Snow"}, RATING], TagChanges()),
        ([{"name": "tag:ALPS"}, {"name": "Tag:snow"}, RATING], TagChanges()),
        ([{"name": "Tag:alps"}, RATING], TagChanges(remove=("Snow",))),
        ([{"name": "alps"}, {"name": "snow"}, RATING], TagChanges()),
        (
            [{"name": "Tag:alps"}, {"name": "Tag:Snow"}, {"name": "sea"}, {"name": "Sea"}, RATING],
            TagChanges(add=("sea",)),
        ),
        (
            [{"name": "Tag:alps"}, {"name": "Tag:Snow"}],
            TagChanges(clears_rating=True),
        ),
        # A name with a time is a part of the film, and one of ours is an echo.
        (
            [
                {"name": "Tag:alps"},
                {"name": "Tag:Snow"},
                {"name": "Chapter one", "start": 0, "end": 61000},
                {"name": "Folder:x"},
                {"name": "Views:3"},
                {"name": "Year:2024"},
                RATING,
            ],
            TagChanges(),
        ),
    ],
)
def test_only_tags_that_were_shown_are_removed(sent: Any, expected: TagChanges) -> None:
    assert tag_changes(sent, SHOWN) == expected


@pytest.mark.parametrize("value", [None, "5", True, float("nan"), float("inf"), [], {}])
def test_an_invalid_rating_is_none(value: object) -> None:
    assert stars_of(value) is None
