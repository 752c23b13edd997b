"""Codec strings as RFC 6381 and the bindings it leaves to the codecs spell them."""

import pytest

from lvs.services.playback.codec_strings import PictureFormat, picture_string, sound_string


@pytest.mark.parametrize(
    ("picture", "string"),
    [
        (PictureFormat("h264", bytes.fromhex("0164001effe1001a6764001eacd940")), "avc1.64001e"),
        (PictureFormat("h264", bytes.fromhex("00000127640028acd301e0113f78")), "avc1.640028"),
        (PictureFormat("h264", bytes.fromhex("0000000109100000000167420c1e95")), "avc1.420c1e"),
        (PictureFormat("h264"), "avc1"),
        (
            PictureFormat("hevc", bytes.fromhex("01016000000090000000000078f000fcfdf8f8")),
            "hvc1.1.6.L120.90",
        ),
        (
            PictureFormat("hevc", bytes.fromhex("010220000000b0000000000078f000fcfdfafa")),
            "hvc1.2.4.L120.b0",
        ),
        (
            PictureFormat("hevc", b"\0\0\1\x42\x01\x01\x01\x60\0\0\3\0\x90\0\0\3\0\0\3\0\x78\xa0"),
            "hvc1.1.6.L120.90",
        ),
        (PictureFormat("hevc", b"\1\2"), "hvc1"),
        (PictureFormat("av1", bytes.fromhex("81000c00")), "av01.0.00M.08"),
        (PictureFormat("av1", bytes.fromhex("81084c00")), "av01.0.08M.10"),
        (PictureFormat("av1", b"", 10), "av01.0.08M.10"),
        (PictureFormat("vp9", b"", 8, 1280, 720, 30.0, "Profile 0"), "vp09.00.31.08"),
        (PictureFormat("vp9", b"", 10, 3840, 2160, 60.0, "Profile 2"), "vp09.02.51.10"),
        (PictureFormat("vp8"), "vp8"),
        (PictureFormat("wmv2"), "wmv2"),
    ],
)
def test_a_picture_has_the_codec_string_that_browsers_know(
    picture: PictureFormat, string: str
) -> None:
    assert picture_string(picture) == string


@pytest.mark.parametrize(
    ("codec", "extradata", "string"),
    [
        ("aac", b"\x11\x90", "mp4a.40.2"),
        ("aac", b"\x2b\x92\x08\x00", "mp4a.40.5"),
        ("aac", b"\xf9\x46\x00", "mp4a.40.42"),
        ("aac", b"", "mp4a.40.2"),
        ("mp3", b"", "mp4a.6B"),
        ("ac3", b"", "ac-3"),
        ("opus", b"OpusHead", "opus"),
        ("wmav2", b"", "wmav2"),
    ],
)
def test_a_sound_has_the_codec_string_that_browsers_know(
    codec: str, extradata: bytes, string: str
) -> None:
    assert sound_string(codec, extradata) == string
