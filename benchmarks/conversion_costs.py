"""Processor time of converting films of each kind to 720 lines, as a multiple of H.264's: what
`services/playback/speeds.py` reckons a kind from that was never converted on a machine. And how
much of H.264 is converted in the time that encoding takes, from which it reckons the first film.

`python benchmarks/conversion_costs.py [--rounds 3]`
"""

import argparse
import statistics
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from films import Format, scene
from sides import header, row

from lvs.services.playback.encoder_trial import CONVERTED_WHILE_ENCODED
from lvs.services.playback.encoders import encoding_pace
from lvs.services.playback.planner import Delivery, Variant
from lvs.services.playback.segments import SegmentMaker
from lvs.services.playback.speeds import COSTS
from lvs.services.playback.video_source import VideoSource

FRAMES = 100
WIDTH, HEIGHT = 1920, 1080
KINDS = {
    "h264 8": Format(),
    "h264 10": Format(pixel_format="yuv420p10le"),
    "hevc 8": Format("libx265"),
    "hevc 10": Format("libx265", "yuv420p10le"),
    "vp9 8": Format("libvpx-vp9", container="matroska"),
    "vp8 8": Format("libvpx", container="matroska"),
    "av1 8": Format("libsvtav1", container="matroska"),
    "av1 10": Format("libsvtav1", "yuv420p10le", container="matroska"),
    "mpeg4 8": Format("mpeg4"),
    "mpeg2video 8": Format("mpeg2video", container="matroska"),
    "mjpeg 8": Format("mjpeg", "yuvj420p", container="matroska", bit_rate=40_000_000),
    "prores 10": Format("prores_ks", "yuv422p10le", container="matroska", bit_rate=80_000_000),
}
"""1080p films of each kind, with 4 Mbit/s but for those where every picture stands alone."""


def main() -> None:
    """Make the films, convert each by turns, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="conversions of each film")
    rounds = parser.parse_args().rounds
    with TemporaryDirectory(prefix="lvs-benchmark-") as folder:
        films = {}
        for kind, form in KINDS.items():
            films[kind] = Path(folder) / kind
            films[kind].write_bytes(scene(1, FRAMES, form))
        paces = [converted_while_encoded(films["h264 8"]) for _ in range(3 * rounds)]
        taken = [{kind: processor_s(film) for kind, film in films.items()} for _ in range(rounds)]
    seconds = {kind: statistics.median(each[kind] for each in taken) for kind in KINDS}
    header("kind", "CPU s", "of H.264's", "reckoned with")
    for kind, own in seconds.items():
        row(kind, own, own / seconds["h264 8"], COSTS.get(kind, "-"))
    print()
    header("H.264 converted while encoded", "reckoned with")
    row(statistics.median(paces), CONVERTED_WHILE_ENCODED)


def converted_while_encoded(film: Path) -> float:
    """Megapixels of the film that are converted while the trial of a machine encodes one."""
    pace = encoding_pace()
    begun = time.monotonic()
    processor_s(film)
    return FRAMES * WIDTH * HEIGHT / 1e6 / (time.monotonic() - begun) / pace


def processor_s(path: Path) -> float:
    """Processor seconds of converting the whole film."""
    with path.open("rb", buffering=0) as file:
        maker = SegmentMaker(VideoSource(file), Variant(Delivery.CONVERT, 720))
        begun = time.process_time()
        for number in range(len(maker.cuts)):
            maker.segment(number, lambda: None)
        return time.process_time() - begun


if __name__ == "__main__":
    main()
