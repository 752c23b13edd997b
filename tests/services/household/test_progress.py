"""Positions in films, and watched marks."""

import math
from pathlib import Path

import pytest
from support.home import Home
from support.household import a_film, set_length
from support.media import make_video

from lvs.db.database import Transaction
from lvs.errors import Invalid, NotFound, TooManyRequests
from lvs.models import WatchState
from lvs.option_values import RateLimit
from lvs.services.household.progress import RECORDS, is_watched


async def journal_lines(home: Home) -> int:
    async with home.services.database.read() as db:
        return int(await db.value("SELECT count(*) FROM changes"))


@pytest.mark.parametrize(
    ("duration_s", "position_s", "watched"),
    [
        (600, 551, False),
        (600, 552, True),
        (3000, 2699, False),
        (3000, 2700, True),
        (7200, 6623, False),
        (7200, 6624, True),
        (30, 28, False),
        (30, 29.6, True),
        (0.5, 0.4, False),
        (0.5, 0.5, True),
        (None, 5000, False),
    ],
)
def test_a_film_counts_as_watched_near_its_end(
    duration_s: float | None, position_s: float, watched: bool
) -> None:
    assert is_watched(position_s, duration_s) is watched


async def test_a_position_is_known_at_once_and_after_a_restart_and_has_no_journal(
    tmp_path: Path,
) -> None:
    async with Home(tmp_path) as home:
        media_hash = await a_film(home)
        lines = await journal_lines(home)
        for position_s in (10.0, 61.5, 40.25):
            await home.services.progress.record(media_hash, position_s, "a")
        assert await home.services.progress.position_s(media_hash) == 40.25
        await home.stop()
        await home.start()
        assert await home.services.progress.position_s(media_hash) == 40.25
        assert await journal_lines(home) == lines


async def test_positions_are_written_together(home: Home) -> None:
    media_hash = await a_film(home)
    commits = home.services.database.usage.commits
    for position_s in range(1, 40):
        await home.services.progress.record(media_hash, position_s, "a")
    await home.services.progress.flush()
    assert home.services.database.usage.commits - commits <= 3  # a few seconds may pass meanwhile
    async with home.services.database.read() as db:
        assert await db.value("SELECT position_s FROM progress") == 39.0


async def test_a_later_event_wins(home: Home) -> None:
    media_hash = await a_film(home)
    progress = home.services.progress
    await progress.record(media_hash, 100, "a", at_ms=2_000_000)
    await progress.record(media_hash, 50, "b", at_ms=1_000_000)
    assert await progress.position_s(media_hash) == 100
    await progress.flush()
    await progress.record(media_hash, 50, "b", at_ms=1_000_000)
    assert await progress.position_s(media_hash) == 100
    await progress.record(media_hash, 70, "b", at_ms=3_000_000)
    await progress.flush()
    assert await progress.position_s(media_hash) == 70


async def test_a_film_played_to_its_end_is_watched_and_begins_anew(home: Home) -> None:
    media_hash = await a_film(home)
    progress = home.services.progress
    await progress.record(media_hash, 3500, "a")
    state = await progress.get(media_hash)
    assert (state.position_s, state.watched) == (0, True)
    await progress.flush()
    await progress.record(media_hash, 12, "a")
    state = await progress.get(media_hash)
    assert (state.position_s, state.watched) == (12, True)


async def test_marking_by_hand_forgets_the_position_and_can_be_taken_back(home: Home) -> None:
    media_hash = await a_film(home)
    progress = home.services.progress
    await progress.record(media_hash, 100, "a")
    state = await progress.mark(media_hash, watched=True)
    assert (state.position_s, state.watched) == (0, True)
    await progress.flush()
    assert (await progress.get(media_hash)).watched
    state = await progress.mark(media_hash, watched=False)
    assert (state.position_s, state.watched) == (0, False)


async def test_a_position_is_bounded_by_a_shorter_cut(home: Home) -> None:
    media_hash = await a_film(home)
    await home.services.progress.record(media_hash, 1000, "a")
    await set_length(home, (await home.video("film.mp4")).id, 600)
    assert await home.services.progress.position_s(media_hash) == 600


async def test_a_place_stays_in_seconds_where_another_cut_takes_the_place_of_the_film(
    home: Home, tmp_path: Path
) -> None:
    def cut(seconds: float) -> bytes:
        film = tmp_path / f"{seconds}.mp4"
        return make_video(film, size=(64, 36), seconds=seconds).read_bytes()

    home.add("film.mp4", cut(12))
    await home.scan()
    await home.probed()
    media_hash = (await home.video("film.mp4")).media_hash
    await home.services.progress.record(media_hash, 10.9, "a")
    for seconds, expected_s in ((11.0, 10.9), (10.4, 10.4), (12.0, 10.9)):
        home.add("film.mp4", cut(seconds))
        await home.scan()
        await home.probed()
        video = await home.video("film.mp4")
        assert video.media_hash == media_hash
        found_s = (await home.services.progress.get(media_hash)).position_s
        assert found_s == pytest.approx(expected_s, abs=0.2)
        assert video.probe is not None
        assert found_s <= (video.probe.duration_s or 0)


@pytest.mark.parametrize("position_s", [-1.0, math.nan, math.inf, 3602.0, 1e300])
async def test_a_position_that_no_film_has_is_refused(home: Home, position_s: float) -> None:
    media_hash = await a_film(home)
    with pytest.raises(Invalid):
        await home.services.progress.record(media_hash, position_s, "a")
    assert await home.services.progress.get(media_hash) == WatchState()


async def test_a_flood_of_one_client_is_refused_and_nobody_else_is(home: Home) -> None:
    media_hash = await a_film(home)
    assert RateLimit(60, 10) == RECORDS
    for _ in range(RECORDS.count):
        await home.services.progress.record(media_hash, 5, "10.0.0.1")
    with pytest.raises(TooManyRequests):
        await home.services.progress.record(media_hash, 5, "10.0.0.1")
    await home.services.progress.record(media_hash, 6, "10.0.0.2")
    with pytest.raises(NotFound):
        await home.services.progress.record("0" * 16, 5, "10.0.0.2")


async def test_a_record_of_a_removed_video_does_not_spoil_the_others(home: Home) -> None:
    first, second = await a_film(home), await a_film(home, name="other.mp4")
    gone = (await home.video("film.mp4")).id
    await home.services.progress.record(first, 5, "a")
    await home.services.progress.record(second, 6, "a")

    async def remove(tx: Transaction) -> None:
        await tx.run("DELETE FROM videos WHERE id = ?", (gone,))

    await home.services.database.write(remove)
    await home.services.progress.flush()
    assert await home.services.progress.position_s(second) == 6


async def test_positions_reported_by_a_headset_are_known_everywhere(home: Home) -> None:
    media_hash = await a_film(home)
    video = await home.services.videos.get(media_hash)
    positions = home.services.headset.positions
    await positions.event(video, 1, 61.5, "headset")
    assert await home.services.progress.position_s(media_hash) == 61.5
    await positions.event(video, 1, -5, "headset")  # is passed over
    await home.services.progress.flush()
    assert list(await positions.continued()) == [video.id]


async def test_a_position_that_comes_alone_is_written_at_once(home: Home) -> None:
    home.services.progress.flush_s = 3600
    media_hash = await a_film(home)

    async def written() -> bool:
        async with home.services.database.read() as db:
            return await db.value("SELECT position_s FROM progress") == 61.5

    await home.services.progress.record(media_hash, 61.5, "a")
    await home.until(written)
