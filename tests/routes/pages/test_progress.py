"""Positions and watched marks through forms and JSON, and the page that goes on there."""

import re
from pathlib import Path

import pytest
from quart import Response
from support.home import Home
from support.household import a_film, set_length
from support.media import make_video

HTMX = {"HX-Request": "true", "HX-Request-Type": "partial"}


async def text(response: Response) -> str:
    return (await response.get_data(as_text=False)).decode()


async def test_a_form_and_json_record_a_position(home: Home) -> None:
    media_hash = await a_film(home)
    detail = f"/api/videos/{media_hash}"
    before = await (await home.client.get(detail)).get_json()
    assert (before["position_s"], before["watched"]) == (None, False)
    assert "recorded_at" in before
    answer = await home.client.post(f"/videos/{media_hash}/progress", form={"position_s": "61.5"})
    assert (answer.status_code, await answer.get_data()) == (204, b"")
    assert (await (await home.client.get(detail)).get_json())["position_s"] == 61.5
    answer = await home.client.put(f"{detail}/progress", json={"position_s": 80})
    assert await answer.get_json() == {"position_s": 80.0, "watched": False}
    answer = await home.client.put(f"{detail}/watched", json={"watched": True})
    assert await answer.get_json() == {"position_s": None, "watched": True}
    assert (await (await home.client.get(detail)).get_json())["watched"] is True


@pytest.mark.parametrize(
    "value", ["-1", "NaN", "nan", "inf", "1e999", "3602", "", "²", "1_0", "x" * 2000, "9" * 16]
)
async def test_a_position_that_cannot_be_is_refused_with_a_message(home: Home, value: str) -> None:
    media_hash = await a_film(home)
    answer = await home.client.post(
        f"/videos/{media_hash}/progress", form={"position_s": value}, headers=HTMX
    )
    assert answer.status_code == 400
    assert "Nothing was changed" in await text(answer)
    answer = await home.client.put(
        f"/api/videos/{media_hash}/progress",
        data=f'{{"position_s": {value or "null"}}}'.encode(),
        headers={"Content-Type": "application/json"},
    )
    assert answer.status_code == 400
    assert (await answer.get_json())["detail"]
    assert await home.services.progress.position_s(media_hash) is None


async def test_an_unknown_film_is_not_found(home: Home) -> None:
    for answer in (
        await home.client.post(f"/videos/{'0' * 16}/progress", form={"position_s": "1"}),
        await home.client.put(f"/api/videos/{'0' * 16}/progress", json={"position_s": 1}),
        await home.client.post(f"/videos/{'0' * 16}/watched", form={"value": "1"}),
        await home.client.put(f"/api/videos/{'0' * 16}/watched", json={"watched": True}),
    ):
        assert answer.status_code == 404


async def test_positions_do_not_count_against_the_limit_of_changes(tmp_path: Path) -> None:
    async with Home(tmp_path, writes_limit="2/60") as home:
        media_hash = await a_film(home)
        for _ in range(10):
            answer = await home.client.post(
                f"/videos/{media_hash}/progress", form={"position_s": "5"}
            )
            assert answer.status_code == 204
        answer = await home.client.post(f"/videos/{media_hash}/favorite", form={"value": "1"})
        assert answer.status_code == 303
        for _ in range(60):
            answer = await home.client.put(
                f"/api/videos/{media_hash}/progress", json={"position_s": 5}
            )
        assert answer.status_code == 429
        assert int(answer.headers["Retry-After"]) > 0
        answer = await home.client.post(f"/videos/{media_hash}/favorite", form={"value": "0"})
        assert answer.status_code == 303


async def test_the_page_goes_on_where_one_stopped_and_can_start_over(home: Home) -> None:
    media_hash = await a_film(home)
    fresh = await text(await home.client.get("/watch/film.mp4"))
    assert "#t=" not in fresh
    assert "start=over" not in fresh
    await home.services.progress.record(media_hash, 61.5, "a")
    page = await text(await home.client.get("/watch/film.mp4?sort=title"))
    assert 'src="/video/film.mp4#t=61.5"' in page
    assert 'href="/watch/film.mp4?sort=title&amp;start=over"' in page
    over = await text(await home.client.get("/watch/film.mp4?sort=title&start=over"))
    assert "#t=" not in over
    assert await home.services.progress.position_s(media_hash) == 61.5


async def test_watched_is_marked_by_htmx_and_by_a_plain_form(home: Home) -> None:
    media_hash = await a_film(home)
    address = f"/videos/{media_hash}/watched"
    answer = await home.client.post(address, form={"value": "1"}, headers=HTMX)
    assert (answer.status_code, answer.headers["HX-Trigger"]) == (200, "progress:changed")
    assert 'value="0" aria-pressed="true"' in await text(answer)
    answer = await home.client.post(
        address, form={"value": "0"}, headers={"Referer": "http://localhost/watch/film.mp4"}
    )
    assert (answer.status_code, answer.headers["Location"]) == (303, "/watch/film.mp4")
    assert not (await home.services.progress.get(media_hash)).watched
    assert (await home.client.post(address, form={"value": "2"})).status_code == 400


async def test_a_position_kept_by_a_browser_counts_unless_a_newer_one_is_known(home: Home) -> None:
    media_hash = await a_film(home)
    address = f"/videos/{media_hash}/progress"
    await home.client.post(address, form={"position_s": "300", "at": "1700000000000"})
    assert await home.services.progress.position_s(media_hash) == 300
    await home.client.post(address, form={"position_s": "20"})
    await home.client.post(address, form={"position_s": "400", "at": "1710000000000"})
    assert await home.services.progress.position_s(media_hash) == 20


async def test_cards_show_how_far_a_film_was_played_and_what_was_watched(home: Home) -> None:
    media_hash = await a_film(home)
    home.add("other.mp4")
    await home.scan()
    assert "<progress" not in await text(await home.client.get("/"))
    await home.services.progress.record(media_hash, 1800, "a")
    await home.services.progress.flush()
    page = await text(await home.client.get("/?q=film"))
    assert page.count('<progress max="100" value="50" aria-label="50 % played">') == 1
    assert "badge seen" not in page
    await home.services.progress.mark(media_hash, watched=True)
    page = await text(await home.client.get("/?q=film"))
    assert "<progress" not in page
    assert page.count("badge seen") == 1


async def test_the_gallery_is_filtered_by_progress_with_and_without_its_index(home: Home) -> None:
    started = await a_film(home, name="started.mp4")
    watched = await a_film(home, name="watched.mp4")
    home.add("fresh.mp4")
    await home.scan()
    await home.services.progress.record(started, 60, "a")
    await home.services.progress.flush()
    await home.services.progress.mark(watched, watched=True)
    expected = {
        "started": {"started"},
        "watched": {"watched"},
        "unwatched": {"started", "fresh"},
    }
    for _ in range(2):
        for value, titles in expected.items():
            answer = await home.client.get(f"/api/videos?progress={value}")
            found = {each["title"] for each in (await answer.get_json())["videos"]}
            assert found == titles, value
        await home.services.gallery.fill()
    assert (await home.client.get("/?progress=half")).status_code == 400


async def test_films_to_go_on_with_stand_above_the_plain_gallery_only(home: Home) -> None:
    first = await a_film(home, name="first.mp4")
    second = await a_film(home, name="second.mp4")
    page = await text(await home.client.get("/"))
    assert re.search(r'id="continue-watching"[^>]* hidden>', page)
    await home.services.progress.record(first, 60, "a", at_ms=1_000_000)
    await home.services.progress.record(second, 90, "a", at_ms=2_000_000)
    await home.services.progress.flush()
    page = await text(await home.client.get("/"))
    row = page[page.index('id="continue-watching"') : page.index("</section>")]
    assert row.index("/watch/second.mp4") < row.index("/watch/first.mp4")
    assert re.findall(r'reason">([^<]+)<', row) == ["58 min left", "59 min left"]
    assert " hidden>" not in row
    for other in ("/?q=first", "/?min_rating=1", "/favorites", "/popular"):
        assert "continue-watching" not in await text(await home.client.get(other)), other


@pytest.mark.parametrize(
    ("length", "said"),
    [(7400.0, "2 h 2 min left"), (110.0, "less than 1 min left"), (None, "at 1:30")],
)
async def test_a_film_to_go_on_with_says_how_much_is_left(
    home: Home, length: float | None, said: str
) -> None:
    film = await a_film(home)
    await home.services.progress.record(film, 90, "a", at_ms=1_000_000)
    await home.services.progress.flush()
    await set_length(home, (await home.video("film.mp4")).id, length)
    assert f'reason">{said}<' in await text(await home.client.get("/continue"))


async def test_at_most_twelve_films_are_to_go_on_with(home: Home) -> None:
    for number in range(14):
        home.add(f"film{number}.mp4")
    await home.scan()
    for number in range(14):
        media_hash = (await home.video(f"film{number}.mp4")).media_hash
        await home.services.progress.record(media_hash, 1 / 8, "a", at_ms=1000 + number)
    await home.services.progress.flush()
    titles = [film.card.title for film in await home.services.progress.started()]
    assert titles == [f"film{number}" for number in range(13, 1, -1)]


async def test_a_film_is_dismissed_with_undo_by_htmx_and_by_plain_forms(home: Home) -> None:
    media_hash = await a_film(home)
    await home.services.progress.record(media_hash, 60, "a")
    address = f"/videos/{media_hash}/dismiss"
    row = await text(await home.client.post(address, form={"value": "1"}, headers=HTMX))
    assert "/watch/film.mp4" not in row
    assert 'name="value" value="0"' in row
    row = await text(await home.client.post(address, form={"value": "0"}, headers=HTMX))
    assert "/watch/film.mp4" in row
    answer = await home.client.post(address, form={"value": "1"})
    assert answer.headers["Location"] == f"/continue?dismissed={media_hash}"
    page = await text(await home.client.get(answer.headers["Location"]))
    assert "Dismissed." in page
    assert f'action="{address}"' in page
    answer = await home.client.post(address, form={"value": "0"})
    assert answer.status_code == 303
    assert "/watch/film.mp4" in await text(await home.client.get("/continue"))
    assert await home.services.progress.position_s(media_hash) == 60
    await home.client.post(address, form={"value": "1"})
    await home.services.progress.record(media_hash, 70, "a")
    await home.services.progress.flush()
    assert len(await home.services.progress.started()) == 1  # played again, it is back


async def test_the_language_of_the_sound_is_remembered_without_a_script(
    home: Home, tmp_path: Path
) -> None:
    for name in ("one", "two"):
        film = tmp_path / f"{name}.mp4"
        make_video(film, sound_languages=("eng", "deu"), seed=len(name))
        home.add(film.name, film.read_bytes() + name.encode())
    await home.scan()
    await home.probed()
    page = await text(await home.client.get("/watch/one.mp4"))
    [action] = re.findall(r'<noscript><button [^>]*formmethod="post" formaction="([^"]+)"', page)
    answer = await home.client.post(action, form={"audio": "1", "play": "", "quality": ""})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/watch/one.mp4?audio=1")
    for name in ("one", "two"):
        page = await text(await home.client.get(f"/watch/{name}.mp4"))
        assert '<option value="1" lang="de" selected>' in page
    answer = await home.client.post(action, form={"audio": "99"})
    assert answer.status_code == 303  # no such track: nothing is remembered
    assert (await home.services.preferences.languages()).sound == "de"


async def test_a_film_to_go_on_with_that_became_shorter_stands_at_its_end(home: Home) -> None:
    media_hash = await a_film(home)
    await home.services.progress.record(media_hash, 1000, "a")
    await home.services.progress.flush()
    await set_length(home, (await home.video("film.mp4")).id, 600)
    page = await text(await home.client.get("/continue"))
    assert "less than 1 min left" in page
    assert 'value="99" aria-label="99 % played"' in page
    assert "#t=600" in await text(await home.client.get("/watch/film.mp4"))


async def test_films_to_go_on_with_are_known_before_their_places_are_written(home: Home) -> None:
    home.services.progress.flush_s = 3600
    hashes = [await a_film(home, name=f"{name}.mp4") for name in ("a", "b", "c")]
    progress = home.services.progress

    async def listed() -> list[str]:
        page = await text(await home.client.get("/continue"))
        return re.findall(r'href="/watch/(\w+)\.mp4"', page)

    await progress.record(hashes[0], 60, "x")
    await home.until(lambda: not progress.waiting)  # the others wait now
    await progress.record(hashes[1], 60, "x")
    assert await listed() == ["b", "a"]
    await progress.record(hashes[0], 70, "x")
    assert await listed() == ["a", "b"]
    await home.services.hidden.set(hashes[1], True, "x")
    await progress.record(hashes[2], 3500, "x")  # is watched
    assert await listed() == ["a"]
    await progress.record(hashes[0], 0, "x")
    assert await listed() == []
