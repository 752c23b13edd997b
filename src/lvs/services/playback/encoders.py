"""Encoders of H.264: the one in software, and those that a machine's own chips may offer.

The wheel of PyAV lists all of them, whatever the machine has; only encoding shows what works.
"""

from typing import Any

HARDWARE = ("nvenc", "qsv", "amf", "videotoolbox", "v4l2m2m")
SOFTWARE = "libx264"
TRIAL_SIZE = (640, 360)
PACE_SIZE = (1280, 720)
PACE_FRAMES = 12
PACKED = frozenset({"qsv", "amf", "v4l2m2m"})
"""Those that take NV12, the layout that the chips have in common, and not planes."""


def codec_name(encoder: str) -> str:
    """FFmpeg's name of an encoder; the empty word stands for software."""
    return f"h264_{encoder}" if encoder else SOFTWARE


def pixel_format(encoder: str) -> str:
    """The pixel format in which the encoder takes its pictures."""
    return "nv12" if encoder in PACKED else "yuv420p"


def options(encoder: str, level: int, most_bits: int) -> dict[str, str]:
    """The encoder's options, for a picture of this level (ten times its number) and at most so many
    bits per second.
    """
    if encoder:
        return {"profile": "baseline"}
    return {
        "preset": "ultrafast",
        "profile": "baseline",
        "level": f"{level / 10:.1f}",
        "crf": "23",
        "maxrate": str(most_bits),
        "bufsize": str(2 * most_bits),
        "sc_threshold": "0",
    }


def encoding_pace() -> float:
    """Megapixels that software encodes here per second, of stripes that move.

    Called in the player worker only.
    """
    import io  # noqa: PLC0415
    import time  # noqa: PLC0415
    from fractions import Fraction  # noqa: PLC0415

    import av  # noqa: PLC0415

    width, height = PACE_SIZE
    stripes = bytes((x * x >> 7) & 255 for x in range(width)) * (height + PACE_FRAMES)
    with io.BytesIO() as buffer, av.open(buffer, "w", format="mp4") as output:
        stream: Any = output.add_stream(SOFTWARE, rate=25, options=options("", 31, 10_000_000))
        stream.width, stream.height, stream.pix_fmt = width, height, pixel_format("")
        begun_s = time.monotonic()
        for number in range(PACE_FRAMES):
            frame = av.VideoFrame(width, height, pixel_format(""))
            for plane in frame.planes:
                plane.update(stripes[5 * number : 5 * number + plane.buffer_size])
            frame.pts, frame.time_base = number, Fraction(1, 25)
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
        return PACE_FRAMES * width * height / 1e6 / max(1e-3, time.monotonic() - begun_s)


def try_encoder(encoder: str) -> bytes:
    """`works` where the encoder makes a picture of one frame, nothing where it refuses.

    Called in the player worker only.
    """
    import io  # noqa: PLC0415
    from fractions import Fraction  # noqa: PLC0415

    import av  # noqa: PLC0415

    try:
        with io.BytesIO() as buffer, av.open(buffer, "w", format="mp4") as output:
            codec: Any = codec_name(encoder)
            stream: Any = output.add_stream(codec, rate=25, options=options(encoder, 31, 1_000_000))
            stream.width, stream.height = TRIAL_SIZE
            stream.pix_fmt = pixel_format(encoder)
            frame = av.VideoFrame(*TRIAL_SIZE, "yuv420p")
            for plane in frame.planes:
                plane.update(bytes([128]) * plane.buffer_size)
            frame.pts, frame.time_base = 0, Fraction(1, 25)
            packets = [*stream.encode(frame), *stream.encode(None)]
            fits = bool(packets) and packets[0].is_keyframe
            fits = fits and bool(stream.codec_context.extradata)
    except (av.FFmpegError, ValueError, TypeError):
        return b""
    return b"works" if fits else b""
