"""Reordering that an H.264 film says of itself, against what its encoder was told."""

import io
from fractions import Fraction

import av
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lvs.services.media.h264_reordering import declared_reordering

pytestmark = pytest.mark.core

# A film of 128 by 96 points whose parameter set has nothing behind the size.
SILENT = bytes.fromhex("0142000affe1000767 42000af841a2 01000468ce3880".replace(" ", ""))


def configuration(pixel_format: str = "yuv420p", **options: str) -> bytes:
    """The codec configuration that libx264 writes with these options."""
    with av.open(io.BytesIO(), "w", format="mp4") as output:
        stream = output.add_stream("libx264", rate=25, options=options)
        stream.width, stream.height, stream.pix_fmt = 64, 48, pixel_format
        stream.codec_context.sample_aspect_ratio = Fraction(7, 5)
        stream.codec_context.color_primaries = 1
        output.start_encoding()
        content = bytes(stream.codec_context.extradata or b"")
    unit = next(part for part in content.split(b"\0\0\0\1") if part[:1] == b"\x67")
    return b"\1" + unit[1:4] + b"\xff\xe1" + len(unit).to_bytes(2, "big") + unit


@pytest.mark.parametrize(
    ("said", "pixel_format", "options"),
    [
        (0, "yuv420p", {"bf": "0"}),
        (0, "yuv420p", {"profile": "baseline"}),
        (1, "yuv420p", {"bf": "2", "b-pyramid": "none"}),
        (2, "yuv420p", {"bf": "3", "b-pyramid": "normal"}),
        (2, "yuv420p10le", {"bf": "3"}),
        (2, "yuv444p", {"bf": "3", "x264-params": "cqm=jvt"}),
        (1, "yuv420p", {"bf": "1", "x264-params": "tff=1:pic-struct=1"}),
        (
            2,
            "yuv420p",
            {"bf": "3", "x264-params": "nal-hrd=vbr:vbv-maxrate=500:vbv-bufsize=500"},
        ),
    ],
)
def test_reordering_is_read_as_the_encoder_was_told(
    said: int, pixel_format: str, options: dict[str, str]
) -> None:
    assert declared_reordering(configuration(pixel_format, **options)) == said


@pytest.mark.parametrize("content", [b"", b"\1", b"\0\0\0\1\x67", SILENT, SILENT[:12]])
def test_content_without_the_field_gives_no_reordering(content: bytes) -> None:
    assert declared_reordering(content) is None


@given(st.binary(max_size=80))
def test_no_content_is_too_odd(content: bytes) -> None:
    head = SILENT[:6] + len(content).to_bytes(2, "big")
    assert declared_reordering(head + content) in {None, *range(17)}


@given(st.integers(0, 200), st.integers(0, 255))
def test_no_damage_is_too_odd(place: int, value: int) -> None:
    whole = bytearray(WHOLE)
    whole[place % len(whole)] = value
    assert declared_reordering(bytes(whole)) in {None, *range(17)}


WHOLE = configuration(bf="3")
