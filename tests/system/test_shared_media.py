"""Real videos that nobody made for this project: each must be read as its line in the manifest
says.
"""

import asyncio
import csv
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from PIL import Image, ImageStat
from support.shared_media import DISPLAYED, DURATIONS_S, MANIFEST, MEDIA

from lvs.errors import Unreadable
from lvs.models import Probe
from lvs.playability import browser_playable
from lvs.services.media.eye import poster_key
from lvs.services.media.posters import PosterStore
from lvs.services.media.probe_answer import ProbeResult
from lvs.services.media.probe_pool import ProbePool

pytestmark = [
    pytest.mark.skipif(not MANIFEST.is_file(), reason="../shared is not beside the project"),
    pytest.mark.asyncio(loop_scope="module"),
]

ROWS = (
    {
        row["file"]: row
        for row in csv.DictReader(MANIFEST.read_text("utf-8").splitlines(), delimiter="\t")
        if row["expected"] != "sidecar"
    }
    if MANIFEST.is_file()
    else {}
)
READABLE = [name for name, row in ROWS.items() if row["expected"] == "ok"]

# The manifest's column is a guess; Chromium plays both, and MP4 players know QuickTime files.
PLAYABLE_AFTER_ALL = {"codecs/vp9-10bit.webm", "phone/iphone-gps-rot90.mov"}
REASONS = {
    "bad/zero-byte.mp4": "The file is empty.",
    "bad/jpeg-named.mp4": "It is a picture, not a video.",
    "bad/invalid-bitstream.webm": "Its pictures cannot be decoded (vp9).",
    "edge/audio-only.mp4": "It holds sound but no picture.",
}
BLACK = {
    "common/long-1080p-6min.mp4",
    "edge/three-hours-black.mp4",
    "edge/no-duration.webm",
    "edge/one-frame.mp4",
}


class Probed:
    """Every shared video probed once, with its poster."""

    def __init__(self, folder: Path) -> None:
        self.posters = PosterStore(folder)
        self.posters.prepare()
        self.found: dict[str, ProbeResult | Unreadable] = {}

    @staticmethod
    def key(name: str) -> str:
        return ROWS[name]["sha256"][:16]

    async def look_at_all(self) -> None:
        async with ProbePool() as probe_pool:

            async def look(name: str) -> None:
                try:
                    self.found[name] = await probe_pool.probe(
                        MEDIA / name, self.posters.target(self.key(name))
                    )
                except Unreadable as error:
                    self.found[name] = error

            await asyncio.gather(*map(look, ROWS))

    def probe(self, name: str) -> Probe:
        look = self.found[name]
        assert isinstance(look, ProbeResult), look
        return look.probe


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def seen(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Probed]:
    all_of_them = Probed(tmp_path_factory.mktemp("shared"))
    await all_of_them.look_at_all()
    yield all_of_them


@pytest.mark.parametrize("name", READABLE)
async def test_a_readable_video_is_what_its_line_says(seen: Probed, name: str) -> None:
    row, probe = ROWS[name], seen.probe(name)
    assert probe.container == row["container"]
    assert probe.video_codec == row["video_codec"]
    assert "+".join(track.codec for track in probe.audio_tracks) == row["audio_codec"].strip("-")
    assert (probe.coded_width, probe.coded_height) == (int(row["width"]), int(row["height"]))
    expected_size = DISPLAYED.get(name, (probe.coded_width, probe.coded_height))
    assert (probe.width, probe.height) == expected_size
    assert probe.rotation == (90 if "display rotation -90" in row["notes"] else 0)
    assert probe.duration_s == pytest.approx(
        DURATIONS_S.get(name) or float(row["duration_s"]), abs=0.1
    )


@pytest.mark.parametrize("name", READABLE)
async def test_a_readable_video_has_posters_in_its_aspect(seen: Probed, name: str) -> None:
    probe = seen.probe(name)
    found = seen.found[name]
    assert isinstance(found, ProbeResult)
    eye = found.evidence.eye  # of a film of two eyes its poster shows one
    key = poster_key(seen.key(name), eye)
    assert seen.posters.has(key)
    for width in (320, 640):
        with Image.open(seen.posters.path(key, width, "jpg")) as image:
            assert image.width <= width
            if not eye:
                aspects = (
                    probe.width / probe.height,
                    16 / 9,
                )  # a field, where it is narrow or wide
                assert any(image.height == pytest.approx(image.width / a, abs=1) for a in aspects)
            contrast = ImageStat.Stat(image.convert("L")).stddev[0]
    assert (contrast < 4) == (name in BLACK)


@pytest.mark.parametrize("name", [name for name in ROWS if name not in READABLE])
async def test_unreadable_shared_files_have_the_expected_reason(seen: Probed, name: str) -> None:
    found = seen.found[name]
    assert isinstance(found, Unreadable)
    assert found.message == REASONS.get(
        name, "No video could be found in it: it may be an unfinished download."
    )
    assert not seen.posters.has(seen.key(name))


@pytest.mark.parametrize("name", READABLE)
async def test_playability_agrees_with_the_manifest(seen: Probed, name: str) -> None:
    playable, message = browser_playable(seen.probe(name), Path(name).suffix)
    assert playable == (ROWS[name]["browser_playable"] == "direct" or name in PLAYABLE_AFTER_ALL)
    assert bool(message) != playable


async def test_tracks_are_counted_and_named(seen: Probed) -> None:
    probe = seen.probe("containers/two-audio-eight-subs.mkv")
    assert [track.title for track in probe.audio_tracks] == [None, "Commentary"]
    assert [track.language for track in probe.subtitle_tracks] == [
        "eng",
        "hun",
        "ger",
        "fre",
        "spa",
        "ita",
        "jpn",
        None,
    ]
    assert [track.codec for track in seen.probe("containers/avchd-camera.mts").subtitle_tracks] == [
        "hdmv_pgs_subtitle"
    ]


async def test_more_than_eight_bits_are_seen(seen: Probed) -> None:
    assert {name: depth for name in READABLE if (depth := seen.probe(name).bit_depth) != 8} == {
        "codecs/av1-hdr10-portrait.mp4": 10,
        "codecs/hevc-hlg-dolby-vision.mp4": 10,
        "codecs/prores-320x240.mov": 12,
        "codecs/vp9-10bit.webm": 10,
    }


async def test_the_time_of_recording_is_read(seen: Probed) -> None:
    assert seen.probe("phone/iphone-gps-rot90.mov").recorded_at == 1_563_956_757_000
    assert seen.probe("edge/no-audio.mp4").recorded_at is None
