"""The length of MPEG streams whose time stamps jump."""

import io

import pytest

from lvs.services.media.time_stamps import measured_duration_s

SECONDS, STEP_BYTES = 100, 9_400


def stamp(seconds: float) -> bytes:
    """A packet header of a video stream with this time stamp (ISO/IEC 13818-1 section 2.4.3.6)."""
    ticks = round(seconds * 90_000) % (1 << 33)
    high, middle, low = ticks >> 30, ticks >> 15 & 0x7FFF, ticks & 0x7FFF
    mark = bytes([0x21 | high << 1]) + (middle << 1 | 1).to_bytes(2, "big")
    return b"\x00\x00\x01\xe0\x00\x00\x80\x80\x05" + mark + (low << 1 | 1).to_bytes(2, "big")


def stream(*starts: float) -> bytes:
    """A stream of SECONDS, in parts of one length whose time stamps begin so."""
    share = SECONDS / len(starts)
    times = [start + step / 10 for start in starts for step in range(int(share * 10))]
    return b"".join(stamp(time).ljust(STEP_BYTES, b"\xff") for time in times)


@pytest.mark.parametrize(
    ("starts", "claimed_s"),
    [((0, 50_000), 50_050), ((40_000, 0), 40_000), ((0, 20_000, 70_000, 90_000), 90_025)],
)
def test_jumps_do_not_count(starts: tuple[float, ...], claimed_s: float) -> None:
    content = stream(*starts)
    measured = measured_duration_s(io.BytesIO(content), len(content), claimed_s)
    assert measured == pytest.approx(SECONDS, rel=0.15)


@pytest.mark.parametrize("claimed_s", [SECONDS, SECONDS * 1.2, 1.0])
def test_a_plausible_duration_is_believed(claimed_s: float) -> None:
    content = stream(7.0)
    assert measured_duration_s(io.BytesIO(content), len(content), claimed_s) == claimed_s


@pytest.mark.parametrize("content", [b"", b"\x00" * 500_000, stamp(3.0)])
def test_streams_without_time_stamps_are_believed(content: bytes) -> None:
    assert measured_duration_s(io.BytesIO(content), len(content), 12.5) == 12.5
