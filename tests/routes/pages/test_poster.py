"""A person chooses a video's poster; the choice is undone, exported, backed up and restored."""

import asyncio
import json
import re
import time
from pathlib import Path

from PIL import Image
from quart import Response
from support.home import Home
from support.media import make_video, stripes

from lvs.db.changes import ChangeFilter
from lvs.services.backup import snapshot_reader, snapshots
from lvs.services.backup.export import as_json
from lvs.services.backup.restore import restore_records
from lvs.services.media.poster_candidates import KEPT_S


def scenes(at_s: float) -> Image.Image:
    """Another picture every second."""
    return stripes(160, 90, seed=int(at_s))(0.0)


async def text(response: Response) -> str:
    return (await response.get_data()).decode()


async def film(home: Home, name: str = "film.mp4", seconds: float = 8) -> str:
    """The hash of a film of several scenes, with its poster."""
    path = home.library / name
    await asyncio.to_thread(
        make_video, path, seconds=seconds, size=(160, 90), picture=scenes, frames_per_second=5,
        keyframe_every=5,
    )  # fmt: skip
    home.add(name, path.read_bytes())
    await home.scan()
    await home.probed()
    return (await home.video(name)).media_hash


async def test_a_chosen_poster_is_shown_at_once_and_undone(home: Home, tmp_path: Path) -> None:
    media_hash = await film(home)
    address = f"/videos/{media_hash}/poster"
    assert address in await text(await home.client.get("/watch/film.mp4"))
    before = (await home.video("film.mp4")).poster
    page = await text(await home.client.get(address))
    offered = re.findall(r'name="place" value="(\d)" aria-pressed="(\w+)"', page)
    pictures = re.findall(r'src="(/thumbnail/[^"]+)"', page)
    assert 5 <= len(offered) == len(pictures) <= 8
    assert {pressed for _, pressed in offered} == {"false"}
    seen = [
        await (await home.client.get(each.replace("&amp;", "&"))).get_data() for each in pictures
    ]
    assert len(set(seen)) == len(pictures)

    number = next(n for n, each in enumerate(pictures) if before not in each)
    place = offered[number][0]
    answer = await home.client.post(address, form={"place": place})
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/v/{media_hash}")
    now = (await home.video("film.mp4")).poster
    assert now
    assert now != before
    assert now in pictures[number]
    assert "Poster changed" in await text(await home.client.get("/watch/film.mp4"))
    assert f'value="{place}" aria-pressed="true"' in await text(await home.client.get(address))
    await home.probed()
    assert (await home.video("film.mp4")).poster == now

    folder = tmp_path / "snapshot"
    folder.mkdir()
    await asyncio.to_thread(snapshots.write, home.data / "lvs.db", folder)
    exported = json.loads(b"".join([each async for each in as_json(home.services.database)]))
    assert 0 < exported["videos"][0]["poster_at"] < 1
    [latest, *_] = (await home.services.journal.page(ChangeFilter(what="poster")))[0]
    assert "another picture chosen" in await text(await home.client.get("/admin/changes"))
    assert not (await home.services.journal.undo(latest.change.id, "b")).reason

    async def is_first() -> bool:
        return (await home.video("film.mp4")).poster == before

    await home.until(is_first)
    kept = await asyncio.to_thread(snapshot_reader.read, folder)
    assert (await restore_records(home.services.database, kept.kept.values())).posters == 1
    assert f'value="{place}" aria-pressed="true"' in await text(await home.client.get(address))
    assert (await home.client.post(address, form={"place": "8"})).status_code == 400
    assert (await home.client.post(address, form={"place": ""})).status_code == 303
    assert 'value="" aria-pressed="true"' in await text(await home.client.get(address))


async def test_pictures_that_nobody_chose_do_not_stay(home: Home) -> None:
    media_hash = await film(home)
    address, candidates_store = f"/videos/{media_hash}/poster", home.services.poster_candidates

    def pictures() -> set[str]:
        return {path.name[:16] for path in home.services.posters.folder.glob("??/*.*")}

    first = {(await home.video("film.mp4")).poster}
    assert pictures() == first
    for chosen in ("2", "5"):
        await home.client.get(address)
        assert len(pictures()) == 9
        await home.client.post(address, form={"place": chosen})
        assert pictures() == {(await home.video("film.mp4")).poster, *first}
        assert 'aria-pressed="true"' in await text(await home.client.get(address))
    kept = {(await home.video("film.mp4")).poster, *first}
    await candidates_store.tidy(time.time() - KEPT_S)  # they were drawn just now
    assert len(pictures()) == 9
    await candidates_store.tidy(time.time() + 1)  # a day later
    assert pictures() == kept
    assert home.services.posters.noted(time.time() + 1) == []
    (home.services.posters.folder / "candidates" / "no note").touch()
    await candidates_store.tidy(time.time() + 1)
    answer = await home.client.get(f"/thumbnail/{media_hash}.webp?w=640")
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "image/webp")


async def test_a_page_says_why_there_are_no_pictures(home: Home, tmp_path: Path) -> None:
    short = await film(home, "short.mp4", seconds=0.4)
    assert "one picture only" in await text(await home.client.get(f"/videos/{short}/poster"))
    media_hash = await film(home)
    place = home.library / "film.mp4"
    content = place.read_bytes()
    place.write_bytes(b"no film")
    page = await text(await home.client.get(f"/videos/{media_hash}/poster"))
    assert "There are no pictures to choose from" in page
    place.write_bytes(content)
    assert 'name="place" value="1"' in await text(
        await home.client.get(f"/videos/{media_hash}/poster")
    )


def test_the_first_place_is_kept_in_a_snapshot(tmp_path: Path) -> None:
    """The number 0 says something here."""
    (tmp_path / "posters.json").write_text(
        json.dumps({"0" * 16: {"path": "a.mp4", "poster_at": 0.1}})
    )
    assert [each.poster for each in snapshot_reader.read(tmp_path).kept.values()] == [0]
