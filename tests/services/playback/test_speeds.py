"""Conversion speeds: learned, kept, and read again."""

import json
from pathlib import Path

import pytest

from lvs.services.playback.speeds import COSTS, MOST_KINDS, ConversionSpeeds


def test_speeds_outlive_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "cache" / "speeds.json"
    speeds = ConversionSpeeds(path)
    assert speeds.get("hevc", 10) is None
    speeds.learn("hevc", 10, 60.0, 360)
    speeds.save()
    after = ConversionSpeeds(path)
    after.load()
    assert after.get("hevc", 10) == speeds.get("hevc", 10) == pytest.approx(40.0)


def test_a_small_size_says_less_of_the_machine_than_a_large_one(tmp_path: Path) -> None:
    speeds = ConversionSpeeds()
    for height, thin, rate in ((720, False, 100.0), (360, False, 150.0), (360, True, 225.0)):
        speeds.learn("h264", 8, rate, height, thin)
        assert speeds.get("h264", 8) == pytest.approx(100.0)
    speeds.save()  # to nowhere
    assert not list(tmp_path.iterdir())


def test_a_kind_that_was_never_converted_is_reckoned_from_those_that_were() -> None:
    speeds = ConversionSpeeds()
    speeds.learn("h264", 8, 100.0, 720)
    assert speeds.get("hevc", 10) == pytest.approx(100.0 / COSTS["hevc 10"])
    speeds.learn("vp9", 8, 300.0 / COSTS["vp9 8"], 720)  # as if it were three times as quick
    speeds.learn("avui", 8, 1.0, 720)  # says nothing of other kinds
    assert speeds.get("hevc", 10) == pytest.approx(200.0 / COSTS["hevc 10"])
    speeds.learn("hevc", 10, 30.0, 720)
    assert speeds.get("hevc", 10) == pytest.approx(30.0)
    assert speeds.get("avrp", 8) is None


def test_a_trial_counts_until_a_film_is_converted() -> None:
    speeds = ConversionSpeeds()
    speeds.learn("avui", 8, 1.0, 720)  # says nothing of other kinds
    assert speeds.needs_trial()
    speeds.learn_trial(0.0)  # it failed, and is not made again
    assert not speeds.needs_trial()
    assert speeds.get("h264", 8) is None
    speeds.learn_trial(80.0)
    assert speeds.get("hevc", 8) == pytest.approx(80.0 / COSTS["hevc 8"])
    assert speeds.get("avrp", 8) is None
    speeds.learn("h264", 8, 20.0, 720)
    assert speeds.get("hevc", 8) == pytest.approx(20.0 / COSTS["hevc 8"])


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[" * 5000,
        "[]",
        '{"cores": 0, "speeds": {"hevc 10": 5}}',
        '{"speeds": {}}',
        '{"cores": null, "speeds": 5}',
    ],
)
def test_a_damaged_file_counts_as_none(tmp_path: Path, content: str) -> None:
    path = tmp_path / "speeds.json"
    path.write_text(content)
    speeds = ConversionSpeeds(path)
    speeds.load()
    assert speeds.get("hevc", 10) is None


def test_only_so_many_kinds_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "speeds.json"
    speeds = ConversionSpeeds(path)
    for number in range(MOST_KINDS + 5):
        speeds.learn(f"codec{number}", 8, 1.0, 720)
    speeds.save()
    assert len(json.loads(path.read_text())["speeds"]) == MOST_KINDS
