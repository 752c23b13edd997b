"""The frame that a film shows at a time, decoded from the keyframe before it."""

from collections.abc import Iterable
from typing import Any

from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from lvs.services.media.containers import despite_bad_data

SETTLING_S = 1.0  # before the frame that is wanted, none is skipped any more
TOLERANCE_S = 0.002
LAST_S = 1.0
NEXT_S = 0.1  # where nothing is shown yet, a frame so soon after is taken


def shown_at(
    stream: VideoStream, packets: "Iterable[Packet[VideoStream]]", at_s: float, most_pixels: int
) -> tuple[VideoFrame | None, int]:
    """The frame that is shown then, by the time stamps of the file, and the pixels that were
    decoded for it; None where more than the most would be.

    `packets` come from a keyframe before it on. Frames that no other frame needs are passed over
    until shortly before it.
    """
    context: Any = stream.codec_context
    context.flush_buffers()
    shown: VideoFrame | None = None
    pixels = 0
    for packet in packets:
        context.skip_frame = "NONREF" if _time(packet) < at_s - SETTLING_S else "DEFAULT"
        frames: list[VideoFrame] = []
        with despite_bad_data():
            frames = context.decode(packet)
        for frame in frames:
            pixels += frame.width * frame.height
            if frame.pts is None:
                continue
            if frame.time > at_s + TOLERANCE_S:
                return shown or (frame if frame.time <= at_s + NEXT_S else None), pixels
            shown = frame
        if pixels > most_pixels:
            return None, pixels
    # The film ends here, or what may be read of it.
    is_last = shown is not None and shown.time >= at_s - LAST_S
    return (shown if is_last else None), pixels


def _time(packet: "Packet[VideoStream]") -> float:
    """The time a packet is shown; never early where it does not say."""
    if packet.pts is None or packet.time_base is None:
        return float("inf")
    return float(packet.pts * packet.time_base)
