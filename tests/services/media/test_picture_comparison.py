"""Films that show the same pictures are found by them, and other films are not."""

import asyncio
import os
import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from support.home import OLD_NS, Home
from support.media import Picture, make_video

from lvs.db import near_pairs
from lvs.db import picture_signatures as rows
from lvs.db.picture_signatures import SignatureRow
from lvs.errors import Unreadable
from lvs.services import bundle
from lvs.services.media.picture_signature import (
    PictureSignature,
    agreement,
    places,
    read_signature,
    unpacked,
)
from lvs.services.media.probe_pool import ProbePool
from lvs.services.media.signature_index import SignatureIndex

SECONDS, SHOT_S = 6.0, 0.37
WIDE, SMALL = (160, 90), (96, 54)


def shots(size: tuple[int, int], film: str, begin_s: float = 0.0, card_s: float = 0.0) -> Picture:
    """A film of many shots from this moment on; behind a moving title card where it has one."""

    def picture(at_s: float) -> Image.Image:
        at_s += begin_s
        name = "card" if at_s < card_s - 0.001 else film
        if name == "black":
            return Image.new("RGB", size)
        shades = random.Random(f"{name} {int((at_s + 0.001) / SHOT_S)}").randbytes(12 * 8)
        return Image.frombytes("L", (12, 8), shades).resize(size).convert("RGB")

    return picture


def still(size: tuple[int, int]) -> Picture:
    shades = random.Random("still").randbytes(12 * 8)
    image = Image.frombytes("L", (12, 8), shades).resize(size).convert("RGB")
    return lambda at_s: image


def film(path: Path, picture: Picture, size: tuple[int, int] = WIDE, **more: Any) -> None:
    make_video(path, **{"seconds": SECONDS, "size": size, "picture": picture, **more})


@pytest.fixture
async def pool() -> AsyncIterator[ProbePool]:
    async with ProbePool(1) as pool:
        yield pool


async def test_another_size_another_encode_and_what_was_trimmed_agree(
    pool: ProbePool, tmp_path: Path
) -> None:
    film(tmp_path / "whole.mp4", shots(WIDE, "a"), sound=True)
    film(tmp_path / "small.webm", shots(SMALL, "a"), SMALL, keyframe_every=25)
    film(tmp_path / "without start.mkv", shots(WIDE, "a", 1.3), seconds=SECONDS - 1.3)
    film(tmp_path / "without end.avi", shots(SMALL, "a"), SMALL, seconds=SECONDS - 1.3)
    film(tmp_path / "another.mp4", shots(WIDE, "b"))
    film(tmp_path / "one keyframe.mp4", shots(WIDE, "a"), keyframe_every=1000)
    found = {path.stem: await pool.signature(path) for path in sorted(tmp_path.iterdir())}  # noqa: ASYNC240
    whole = found.pop("whole")
    agreeing = {name: agreement(whole, each) for name, each in found.items()}
    assert agreeing.pop("another") == 0
    assert min(agreeing.values()) >= 3, agreeing
    assert agreeing["small"] >= 8
    assert {name: agreement(each, whole) for name, each in found.items()} == agreeing | {
        "another": 0
    }


async def test_a_shared_title_card_a_black_start_and_a_still_picture_say_nothing(
    pool: ProbePool, tmp_path: Path
) -> None:
    film(tmp_path / "a.mp4", shots(WIDE, "a", card_s=2.0))
    film(tmp_path / "b.mp4", shots(WIDE, "b", card_s=2.0))
    one, other = [await pool.signature(tmp_path / f"{name}.mp4") for name in "ab"]
    shared = [at for at in one.pictures if 0 < at < 16]
    assert len(shared) >= 3
    assert [one.pictures[at] for at in shared] == [other.pictures[at] for at in shared]
    assert agreement(one, other) == 0
    film(tmp_path / "black.mp4", shots(WIDE, "black"))
    assert not (await pool.signature(tmp_path / "black.mp4")).pictures
    film(tmp_path / "still.mp4", still(WIDE))
    film(tmp_path / "still too.mp4", still(WIDE), keyframe_every=5)
    stills = [await pool.signature(tmp_path / f"{name}.mp4") for name in ("still", "still too")]
    assert stills[0].pictures == stills[1].pictures
    assert len(stills[0].pictures) > 8
    assert agreement(*stills) == 0


async def test_a_file_without_pictures_to_compare_has_an_empty_signature(
    pool: ProbePool, tmp_path: Path
) -> None:
    make_video(tmp_path / "short.mp4", seconds=0.5)
    assert (await pool.signature(tmp_path / "short.mp4")).pictures == {}
    (tmp_path / "text.mp4").write_bytes(b"no film at all")
    with pytest.raises(Unreadable):
        await pool.signature(tmp_path / "text.mp4")


def test_places_of_half_the_step_are_among_each_other() -> None:
    for seconds in (2.7, 10.0, 47.9, 48.0, 600.0, 36_000.0):
        found = places(seconds)
        assert 10 <= len(found) <= 24, seconds
        assert all(0 < abs(at) * 0.125 < seconds / 2 for at in found)
        assert sorted(found) == sorted(-at for at in found)
        assert {at for at in found if abs(at) * 0.125 < seconds * 0.3} <= set(places(seconds * 0.6))
    assert places(1.0) == []
    assert places(float("inf")) == []


def made_up(video_id: int, seed: int, seconds: float, noise: int = 0) -> SignatureRow:
    pictures = random.Random(seed)
    wrong = random.Random(video_id)
    hashes = {}
    for at in places(seconds):
        hashes[at] = pictures.getrandbits(64)
        for _ in range(noise):
            hashes[at] ^= 1 << wrong.randrange(64)
    return SignatureRow(video_id, seconds, PictureSignature(seconds, hashes).packed())


def test_a_thousand_unrelated_signatures_make_no_pair_and_a_noisy_copy_does() -> None:
    some = [made_up(number, number, 20.0 + number % 40) for number in range(1, 1001)]
    assert SignatureIndex(some).pairs(range(1, 1001)) == []
    noisy = made_up(2000, 500, 20.0 + 500 % 40, noise=6)
    assert noisy.pictures != some[499].pictures
    found = SignatureIndex([*some, noisy]).pairs([2000, 3000])
    assert [pair[:2] for pair in found] == [(500, 2000)]
    same = SignatureIndex([*some, noisy]).pairs([500, 2000])
    assert same == found


def test_a_signature_is_stored_as_it_is_and_a_worker_is_not_trusted() -> None:
    signature = PictureSignature(6.0, {-4: 1 << 63, 4: 7})
    assert unpacked(6.0, signature.packed()) == signature
    good = {"duration_s": 6.0, "pictures": [[4, 7], [-4, 1 << 63]]}
    assert read_signature(good) == signature
    for bad in (
        {"duration_s": "6", "pictures": []},
        {"duration_s": -1.0, "pictures": []},
        {"duration_s": 6.0, "pictures": [[0, 7]]},
        {"duration_s": 6.0, "pictures": [[4, 1 << 64]]},
        {"duration_s": 6.0, "pictures": [[True, 7]]},
        {"duration_s": 6.0, "pictures": [[10**9, 7]]},
    ):
        with pytest.raises(TypeError):
            read_signature(bad)


async def test_a_library_is_signed_and_its_pairs_follow_its_films(home: Home) -> None:
    folder = home.library
    film(folder / "whole.mp4", shots(WIDE, "a"))
    film(folder / "small.mp4", shots(SMALL, "a"), SMALL)
    film(folder / "another.mp4", shots(WIDE, "b"))
    for path in folder.iterdir():
        os.utime(path, ns=(OLD_NS, OLD_NS))
    await home.scan()
    await home.probed()
    await asyncio.wait_for(home.services.picture_comparison.catch_up(), 60)
    pairs, _ = await home.services.near_duplicates.page()
    assert [{each.card.title for each in pair.films} for pair in pairs] == [{"whole", "small"}]
    before = pairs[0].pictures
    await home.services.picture_comparison.catch_up()
    async with home.services.database.read() as db:
        assert await rows.unsigned(db, 1, 0, 10) == []
        assert await near_pairs.count(db) == 1
    assert before >= 8
    page = await home.client.get("/watch/whole.mp4?sort=title")  # the last one: no film is next
    assert "<h3>The same pictures</h3>" in (await page.get_data(as_text=True))
    # another film lies there now: its signature is made anew, and the pair is gone
    (folder / "small.mp4").unlink()
    await home.scan()
    assert (await home.services.near_duplicates.page())[0] == []


async def test_the_search_for_films_that_look_the_same_can_be_switched_off(
    home: Home, tmp_path: Path
) -> None:
    async with Home(tmp_path / "other", compare_pictures=False) as without:
        tasks = [dict(bundle._background(each.services)) for each in (home, without)]
        assert set(tasks[0]) - set(tasks[1]) == {"pictures of films"}
        assert (await without.client.get("/admin/duplicates")).status_code == 200
