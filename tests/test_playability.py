"""Films that browsers play, and the message for those they do not."""

import pytest

from lvs.models import Probe, Track
from lvs.playability import MATROSKA, MP4, Playability, browser_playable, plays


def probe(container: str, video_codec: str, *sounds: str, pixel_format: str = "yuv420p") -> Probe:
    return Probe(
        container,
        video_codec,
        1.0,
        64,
        36,
        64,
        36,
        pixel_format=pixel_format,
        audio_tracks=tuple(Track(codec) for codec in sounds),
    )


@pytest.mark.parametrize(
    ("found", "extension"),
    [
        (probe(MP4, "h264", "aac"), "mp4"),
        (probe(MP4, "h264", "aac"), ".MOV"),
        (probe(MP4, "h264"), "m4v"),
        (probe(MP4, "av1", "opus", pixel_format="yuv420p10le"), "mp4"),
        (probe(MP4, "h264", "aac", "ac3"), "mp4"),
        (probe(MATROSKA, "vp9", "opus"), "webm"),
        (probe(MATROSKA, "vp8", "vorbis"), ".webm"),
    ],
)
def test_playable_films_have_no_message(found: Probe, extension: str) -> None:
    assert browser_playable(found, extension) == (True, "")


@pytest.mark.parametrize("sound", ["ac3", "eac3", "dts", "truehd", "mp2", "pcm_s16le"])
@pytest.mark.parametrize(
    ("container", "extension"), [(MATROSKA, "mkv"), (MATROSKA, "webm"), (MP4, "mp4")]
)
def test_a_film_whose_sound_browsers_do_not_play_is_not_called_playable(
    container: str, extension: str, sound: str
) -> None:
    way, message = plays(probe(container, "h264", sound), extension)
    assert (way, message) == (Playability.CONVERTED, "converted for most browsers")


@pytest.mark.parametrize(
    ("found", "extension", "words"),
    [
        (
            probe("mpegts", "mpeg2video", "mp2"),
            "ts",
            ("Most browsers cannot play this file: MPEG-2 video in an MPEG transport stream."),
        ),
        (
            probe(MP4, "prores", "pcm_s16le"),
            "mov",
            "ProRes video in a QuickTime file.",
        ),
        (
            probe(MP4, "hevc", "aac"),
            "mp4",
            "Safari and devices with a chip for HEVC play this file",
        ),
        (
            probe(MATROSKA, "h264", "aac"),
            "mkv",
            "Chrome and Edge play this file, other browsers may not",
        ),
        (probe(MATROSKA, "h264", "aac"), "webm", "H.264 video in a WebM file."),
        (
            probe(MATROSKA, "mpeg4", "mp3"),
            "mkv",
            "MPEG-4 Part 2 (DivX, Xvid) video in a Matroska file.",
        ),
        (probe(MP4, "h264", "ac3", "aac"), "mp4", "its sound is AC-3 audio."),
        (probe(MP4, "h264", "pcm_s16be"), "mov", "its sound is uncompressed audio."),
        (
            probe(MP4, "h264", "aac", pixel_format="yuv422p10le"),
            "mp4",
            "in a form for editing (yuv422p10le).",
        ),
        (
            probe("newfangled", "odd", "odder"),
            "xyz",
            "odd video in an unusual file.",
        ),
    ],
)
def test_the_message_names_what_browsers_cannot_play(
    found: Probe, extension: str, words: str
) -> None:
    playable, message = browser_playable(found, extension)
    assert not playable
    assert words in message
