"""Hardware encoders: what works is found by trying, and what does not is no hindrance."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from support.home import Home
from support.media import make_video

from lvs.services.playback.encoder_trial import conversion_pace, working_encoder
from lvs.services.playback.encoders import HARDWARE, try_encoder
from lvs.services.playback.planner import Delivery, Variant, parse_variant


@pytest.fixture(params=["software"])
async def home(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Home]:
    each = Home(tmp_path, watch="off", encoder=request.param)
    make_video(tmp_path / "seed.avi", seconds=2, size=(96, 64), video_codec="mpeg4", sound=True)
    each.add("old.avi", (tmp_path / "seed.avi").read_bytes())
    async with each:
        each.services.playback.pool.speeds.learn_trial(0.0)  # the size is the usual one
        await each.probed()
        yield each


def test_an_encoder_that_encodes_works() -> None:
    assert try_encoder("") == b"works"  # the one in software


def test_an_encoder_that_there_is_not_does_not_work() -> None:
    assert try_encoder("abacus") == b""


async def test_the_trial_ends_with_an_encoder_that_works_or_with_software() -> None:
    assert await working_encoder(candidates=("abacus", "slide rule")) == ""
    found = await working_encoder()
    assert found == "" or try_encoder(found) == b"works"


async def test_a_trial_tells_how_quickly_a_machine_converts() -> None:
    assert await conversion_pace() > 1
    assert await conversion_pace(memory_limit_bytes=1 << 20) == 0  # the process ends at once


@pytest.mark.parametrize("encoder", HARDWARE)
def test_a_variant_is_named_after_its_encoder(encoder: str) -> None:
    variant = Variant(Delivery.CONVERT, 720, 1, True, 2, encoder)
    assert parse_variant(str(variant)) == variant
    assert parse_variant(f"copy-a0-{encoder}") is None


@pytest.mark.parametrize("home", ["auto"], indirect=True)
async def test_a_film_is_converted_whatever_the_machine_has(home: Home) -> None:
    pool = home.services.playback.pool
    master = home.services.playback.address(await home.video("old.avi"))
    answer = await home.client.get(master)
    variant = (await answer.get_data(as_text=True)).splitlines()[-1]
    chip = f"-{pool.encoder}" if pool.encoder else ""
    assert variant == f"h264-720-a0{chip}/index.m3u8"
    piece = master.replace("master.m3u8", variant.replace("index.m3u8", "0.m4s"))
    assert (await home.client.get(piece)).status_code == 200


@pytest.mark.parametrize("piece", ["init.mp4", "0.m4s"])
async def test_a_chip_that_refuses_is_given_up_for_software(home: Home, piece: str) -> None:
    pool = home.services.playback.pool
    master = home.services.playback.address(await home.video("old.avi"))
    pool.encoder = next(each for each in HARDWARE if not try_encoder(each))
    chip = f"h264-720-a0-{pool.encoder}"
    answer = await home.client.get(master.replace("master.m3u8", f"{chip}/{piece}"))
    assert answer.status_code in (503, 504)
    answer = await home.client.get(master)
    assert (await answer.get_data(as_text=True)).endswith("h264-720-a0/index.m3u8\n")
    for name, status in ((chip, 404), ("h264-720-a0", 200)):
        answer = await home.client.get(master.replace("master.m3u8", f"{name}/{piece}"))
        assert answer.status_code == status


async def test_a_variant_of_an_encoder_that_is_not_in_use_is_not_found(home: Home) -> None:
    master = home.services.playback.address(await home.video("old.avi"))
    home.services.playback.pool.encoder = "qsv"
    answer = await home.client.get(master)
    assert (await answer.get_data(as_text=True)).endswith("h264-720-a0-qsv/index.m3u8\n")
    home.services.playback.pool.encoder = ""
    piece = master.replace("master.m3u8", "h264-720-a0-qsv/0.m4s")
    assert (await home.client.get(piece)).status_code == 404
