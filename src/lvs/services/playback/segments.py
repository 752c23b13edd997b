"""Segments of a film in the Common Media Application Format (ISO/IEC 23000-19): one init segment
and pieces that follow it.

Imported by the player worker only.
"""

import io
from collections.abc import Callable
from contextlib import closing
from fractions import Fraction
from functools import partial
from threading import Thread
from typing import TYPE_CHECKING, Any

import av
from av.container import OutputContainer

from lvs.errors import NotFound
from lvs.services.media.frames import fraction
from lvs.services.playback import encoders
from lvs.services.playback.filters import PictureFilter
from lvs.services.playback.picture import (
    CLOCK,
    Checkpoint,
    CopiedPicture,
    DecodedPicture,
    PictureEncoder,
)
from lvs.services.playback.planner import (
    DEFAULT_HEIGHT,
    Delivery,
    Variant,
    VideoFacts,
    converted_size,
    cut_list,
    h264_level,
)
from lvs.services.playback.prefetch import prefetched
from lvs.services.playback.sound import RATE, CopiedSound, DecodedSound, SoundEncoder
from lvs.services.playback.video_source import VideoSource

if TYPE_CHECKING:
    from lvs.services.playback.picture_subtitles import PictureSubtitles

MUXER = {
    "movflags": "empty_moov+default_base_moof+frag_custom+skip_trailer+frag_discont",
    "use_editlist": "0",
    "avoid_negative_ts": "disabled",
    "video_track_timescale": str(CLOCK),
}
SOUND_BIT_RATE = 160_000
FAST_SOUND = {"aac_coder": "fast"}  # a third of the time of the usual one
ENCODER_THREADS = 2
COLOURS = ("color_range", "colorspace", "color_primaries", "color_trc")


class SegmentMaker:
    """Makes the init segment and the segments of one variant.

    Goes on where it is when the next one is asked for.
    """

    def __init__(self, source: VideoSource, variant: Variant) -> None:
        self._source = source
        self._facts: VideoFacts = source.facts
        self.variant = variant
        self.cuts = cut_list(source.facts, variant.way)
        self._picture = (
            DecodedPicture(source, variant.thin) if variant.way is Delivery.CONVERT else None
        )
        self._copied = (
            CopiedPicture(source, self.cuts) if variant.way is not Delivery.CONVERT else None
        )
        self._size = converted_size(self._facts, variant.height or DEFAULT_HEIGHT)
        self._subtitles = None if variant.burn is None else self._burnt(variant.burn)
        self._copied_sound: CopiedSound | None = None
        self._sound: DecodedSound | None = None
        if source.facts.sounds:
            self._open_sound(min(variant.audio, len(source.facts.sounds) - 1))

    def _burnt(self, track: int) -> "PictureSubtitles":
        # Few films need it, and somebody waits for the first segment.
        from lvs.services.playback.picture_subtitles import PictureSubtitles  # noqa: PLC0415

        return PictureSubtitles(self._source, track, self._size)

    def _open_sound(self, track: int) -> None:
        if self._copied is not None and self._facts.sounds[track].copied:
            self._copied_sound = CopiedSound(self._source, track, self.cuts)
        else:
            self._sound = DecodedSound(self._source, track)

    def init(self) -> bytes:
        """The init segment: what stands before the first fragment."""
        with io.BytesIO() as buffer:
            output, _, _ = self._output(buffer)
            output.start_encoding()
            made = buffer.getvalue()
            output.close()
        return made

    def segment(self, number: int, checkpoint: Checkpoint) -> bytes:
        """Segment `number`, from 0.

        Raises NotFound for one that the film does not have, Unreadable, OSError.
        """
        if not 0 <= number < len(self.cuts):
            raise NotFound("The film has no such segment.")
        with io.BytesIO() as buffer:
            output, picture, sound = self._output(buffer)
            beside = _SoundThread(lambda: self._sound_packets(sound, number, checkpoint))
            try:
                packets = self._picture_packets(picture, number, checkpoint)
            finally:
                beside.join()
            packets += beside.packets()
            output.start_encoding()
            begin = buffer.tell()
            for packet in packets:
                output.mux(packet)
            output.close()
            return buffer.getvalue()[begin:]

    def end_s(self, number: int) -> float:
        """The moment at which that segment ends."""
        return self.cuts[number + 1] if number + 1 < len(self.cuts) else self._facts.duration_s

    def _output(self, buffer: io.BytesIO) -> tuple[OutputContainer, Any, Any]:
        output = av.open(buffer, "w", format="mp4", options=MUXER)
        picture = self._encoded_stream(output) if self._picture else self._copied_stream(output)
        sound: Any = None
        if self._copied_sound is not None:
            sound = output.add_stream_from_template(self._copied_sound.template)
        elif self._sound is not None:
            sound = output.add_stream(
                "aac", rate=RATE, layout="stereo", bit_rate=SOUND_BIT_RATE, options=FAST_SOUND
            )
        return output, picture, sound

    def _copied_stream(self, output: OutputContainer) -> Any:
        stream: Any = output.add_stream_from_template(self._source.picture)
        context, found = stream.codec_context, self._source.picture.codec_context
        # The container may say neither, but the decoder has found them.
        for name in COLOURS:
            setattr(context, name, getattr(found, name))
        aspect = fraction(found.sample_aspect_ratio)
        if aspect is not None:
            context.sample_aspect_ratio = aspect
        if self.variant.way is Delivery.HEVC:
            context.codec_tag = "hvc1"
        return stream

    def _encoded_stream(self, output: OutputContainer) -> Any:
        """A stream for the encoder, with everything fixed that an init segment says: every segment
        must fit the same one.
        """
        width, height = self._size
        level = h264_level(width, height, self._facts.frame_rate)
        most_bits, chip = max(1_000_000, round(width * height * 7)), self.variant.encoder
        name: Any = encoders.codec_name(chip)
        stream: Any = output.add_stream(
            name,
            rate=Fraction(self._facts.frame_rate).limit_denominator(1001),
            options=encoders.options(chip, level, most_bits),
        )
        stream.width, stream.height = width, height
        stream.pix_fmt = encoders.pixel_format(chip)
        if chip:
            stream.bit_rate = most_bits // 2
        stream.time_base = Fraction(1, CLOCK)
        context = stream.codec_context
        context.time_base = Fraction(1, CLOCK)
        context.gop_size, context.max_b_frames, context.thread_count = 10_000, 0, ENCODER_THREADS
        context.color_range, context.colorspace, context.color_primaries, context.color_trc = (
            1,
            1,
            1,
            1,
        )
        return stream

    def _picture_packets(self, stream: Any, number: int, checkpoint: Checkpoint) -> list[Any]:
        if self._copied is not None:
            packets = self._copied.packets(number, checkpoint)
            for packet in packets:
                packet.stream = stream
            return list(packets)
        assert self._picture is not None  # noqa: S101  one of both is there
        start_s, end_s = self.cuts[number], self.end_s(number)
        decode = partial(self._picture.frames, start_s, end_s)
        picture_filter = PictureFilter(*self._size, self._facts.transfer)
        encoder = PictureEncoder(stream, picture_filter, self._subtitles)
        with closing(prefetched(decode, checkpoint)) as frames:
            return list(encoder.packets(frames, start_s, end_s))

    def _sound_packets(self, stream: Any, number: int, checkpoint: Checkpoint) -> list[Any]:
        if self._copied_sound is not None:
            packets = self._copied_sound.packets(number, checkpoint)
            for packet in packets:
                packet.stream = stream
            return list(packets)
        if self._sound is None:
            return []
        return list(
            SoundEncoder(stream).packets(
                self._sound, self.cuts[number], self.end_s(number), checkpoint
            )
        )


class _SoundThread(Thread):
    """Work on the sound while the picture is made: both are FFmpeg's, which holds no lock of
    Python.
    """

    def __init__(self, work: Callable[[], list[Any]]) -> None:
        super().__init__(daemon=True)
        self._work = work
        self._packets: list[Any] = []
        self._error: BaseException | None = None
        self.start()

    def run(self) -> None:
        """Do the work."""
        try:
            self._packets = self._work()
        except BaseException as error:  # noqa: BLE001  raised where it is waited for
            self._error = error

    def packets(self) -> list[Any]:
        """The packets, once it has ended. Raises as the work did."""
        if self._error is not None:
            raise self._error
        return self._packets
