"""Details of a file in a person's words."""

from datetime import datetime, timedelta

import pytest

from lvs.models import Probe, Track
from lvs.web.facts import container_name, moment, picture_facts, track_facts

FILM = Probe(
    "mov,mp4,m4a,3gp,3g2,mj2", "h264", 60.0, 1920, 1080, 1920, 1080, frame_rate=23.976, bit_depth=8
)


def test_the_container_and_the_picture_have_the_names_that_people_know() -> None:
    assert container_name(FILM, "mp4") == "MP4"
    assert container_name(FILM, "MOV") == "QuickTime"
    assert picture_facts(FILM) == "1920 × 1080 · H.264, 8 bit, 24 fps"


@pytest.mark.parametrize(
    ("track", "words"),
    [
        (Track("aac", "eng", None, 6), "AAC 5.1 · English"),
        (Track("ac3", None, "Comments", 2), "Dolby Digital stereo · Comments"),
        (Track("pcm_s16le"), "PCM"),
    ],
)
def test_a_track_is_told_in_words(track: Track, words: str) -> None:
    assert track_facts(track) == words


def test_a_moment_is_local_and_near_ones_have_names() -> None:
    now = datetime.now().astimezone()
    noon = now.replace(hour=12, minute=5, second=0, microsecond=0)
    assert moment(round(noon.timestamp() * 1000)) == "today 12:05"
    assert moment(round((noon - timedelta(days=1)).timestamp() * 1000)) == "yesterday 12:05"
    long_ago = datetime(2023, 7, 14, 21, 24).astimezone()
    assert moment(round(long_ago.timestamp() * 1000)) == "14 Jul 2023 21:24"
