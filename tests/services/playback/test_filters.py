"""Pictures on their way into 8 bit: a high dynamic range, odd tags, sizes that change."""

import math
from collections.abc import Iterator
from fractions import Fraction

import av
import numpy as np
import pytest
from av.video.frame import VideoFrame

from lvs.services.playback.filters import PictureFilter

PQ, HLG, BT2020 = 16, 18, 9


def grey(level: float, transfer: int) -> VideoFrame:
    """A 10-bit frame of one grey; `level` is the signal from 0 to 1."""
    code = round(64 + 876 * level)
    frame = VideoFrame(64, 32, "yuv420p10le")
    for plane, value in zip(frame.planes, (code, 512, 512), strict=True):
        plane.update(np.full(plane.buffer_size // 2, value, "<u2").tobytes())
    frame.color_trc, frame.colorspace, frame.color_primaries = transfer, BT2020, BT2020
    return frame


def filtered(frames: list[VideoFrame], transfer: str = "") -> list[VideoFrame]:
    moments: Iterator[tuple[float, VideoFrame]] = (
        (number / 10, frame) for number, frame in enumerate(frames)
    )
    return list(PictureFilter(64, 32, transfer).filtered(moments))


def toned(light: float) -> float:
    """Light, 1 being white paper, as an 8-bit signal from 0 to 1: bright parts are bent."""
    light = min(light, 4.93)
    return float(min(1.0, light * (1 + light / 24.27) / (1 + light)) ** (1 / 2.2))


def pq_light(signal: float) -> float:
    root = signal ** (32 / 2523)
    return (max(root - 3424 / 4096, 0) / (2413 / 128 - 2392 / 128 * root)) ** (16384 / 2610) * 49.26


def hlg_light(signal: float) -> float:
    scene = (
        signal**2 / 3
        if signal <= 0.5
        else (math.exp((signal - 0.55991073) / 0.17883277) + 0.28466892) / 12
    )
    return float(1000 * scene**1.2 / 203)


@pytest.mark.parametrize("level", [0.0, 0.2, 0.4, 0.58, 0.75, 1.0])
@pytest.mark.parametrize("transfer", ["pq", "hlg"])
def test_a_high_dynamic_range_becomes_the_usual_one(level: float, transfer: str) -> None:
    code, light = (PQ, pq_light) if transfer == "pq" else (HLG, hlg_light)
    (frame,) = filtered([grey(level, code)], transfer)
    shown = frame.to_ndarray(format="rgb24")[16, 32]
    assert shown == pytest.approx([255 * toned(light(level))] * 3, abs=5)


@pytest.mark.parametrize("matrix", [0, 2, 3, 8, 14])
def test_odd_colour_tags_are_no_hindrance(matrix: int) -> None:
    frame = VideoFrame(64, 32, "yuv420p")
    for plane in frame.planes:
        plane.update(bytes([128]) * plane.buffer_size)
    frame.colorspace = matrix
    (shown,) = filtered([frame])
    assert (shown.width, shown.height, shown.format.name) == (64, 32, "yuv420p")


def test_frames_of_changing_size_come_out_in_one() -> None:
    frames = []
    for size in ((64, 32), (128, 64), (30, 90)):
        frame = av.VideoFrame(*size, "rgb24")
        frame.planes[0].update(bytes(frame.planes[0].buffer_size))
        frame.time_base = Fraction(1, 10)
        frames.append(frame)
    shown = filtered(frames)
    assert [(frame.width, frame.height) for frame in shown] == [(64, 32)] * 3
    assert [frame.pts for frame in shown] == [0, 9_000, 18_000]
