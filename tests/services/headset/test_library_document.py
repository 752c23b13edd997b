"""Sections of a player's library."""

from lvs.db.headset import HeadsetVideo, ListedPlaylist
from lvs.services.headset.library_document import SECTION_SIZE, sections
from lvs.services.headset.words import day


def film(number: int, rating: int = 0, favorited_at: int = 0, projection: int = 0) -> HeadsetVideo:
    """A listed film; a higher number was added later."""
    name = f"film {number:05}"
    return HeadsetVideo(
        number, f"{number:016x}", name, number, 60.0, rating, 0, favorited_at, "[]", None,
        "ready", projection,
    )  # fmt: skip


def test_a_section_that_was_cut_says_so_and_everything_is_in_parts() -> None:
    films = [film(number) for number in range(2 * SECTION_SIZE + 10, 0, -1)]
    made = sections(films, [], (), only_vr=False)
    names = [section.name for section in made]
    assert names == [
        "Recently added (first 2,000 of 4,010)",
        "Unrated (first 2,000 of 4,010)",
        "Everything (1–2,000 of 4,010)",
        "Everything (2,001–4,000 of 4,010)",
        "Everything (4,001–4,010 of 4,010)",
    ]
    assert all(len(section.videos) <= SECTION_SIZE for section in made)
    whole = {each.id for section in made[2:] for each in section.videos}
    assert whole == {each.id for each in films}


def test_sections_are_in_the_order_that_their_names_promise() -> None:
    films = [film(3, rating=4), film(2, rating=5, favorited_at=1), film(1, favorited_at=2)]
    playlists = [ListedPlaylist("Trip", (1, 3, 99))]
    made = {section.name: section for section in sections(films, playlists, (2, 98), False)}
    found = {name: [each.id for each in section.videos] for name, section in made.items()}
    assert found == {
        "Continue watching": [2],
        "Recently added": [3, 2, 1],
        "Favorites": [1, 2],
        "Top rated": [2, 3],
        "Unrated": [1],
        "Playlist: Trip": [1, 3],
        "Everything": [1, 2, 3],
    }


def test_only_vr_leaves_flat_films_out_everywhere() -> None:
    films = [film(2, favorited_at=1), film(1, projection=4)]
    made = sections(films, [ListedPlaylist("Trip", (2,))], (2,), only_vr=True)
    assert {each.id for section in made for each in section.videos} == {1}


def test_a_date_is_one_whatever_the_clock_said() -> None:
    assert day(1_719_792_000_000) == "2024-07-01"
    assert (day(-5), day(10**18)) == ("1970-01-01", "9999-12-31")
