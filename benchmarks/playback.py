"""Every figure of playback: how soon a film is seen after the click and after a jump, what a
segment costs beside the ffmpeg program, and what is left of the server beside viewers.

    python benchmarks/playback.py [--rounds 5] [--work clicks segments playlists viewers memory]

Makes its films (some minutes of encoding, 7 GB of disk; `--films FOLDER` keeps them). Each figure
is the median of its rounds.
"""

import argparse
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import av
import kinds
import segments
import viewers
from clicks import clicks

Row = tuple[str, str, str, str]
WORK: dict[str, Callable[[Path, Path, int], Iterator[Row]]] = {
    "clicks": clicks,
    "segments": segments.segments,
    "playlists": viewers.playlists,
    "viewers": viewers.beside_viewers,
    "memory": viewers.memory,
}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, metavar="N", help="(default 5)")
    parser.add_argument("--work", nargs="+", choices=WORK, default=list(WORK))
    parser.add_argument("--films", type=Path, metavar="FOLDER", help="keep the films here")
    arguments = parser.parse_args()
    av.logging.set_level(av.logging.PANIC)
    print("| work | goal | at the least | measured |\n|---|---|---|---|")
    with TemporaryDirectory(prefix="lvs-benchmark-") as name:
        films = arguments.films or Path(name) / "films"
        kinds.make(films, arguments.rounds)
        for number, work in enumerate(arguments.work):
            place = Path(name) / str(number)
            place.mkdir()
            for row in WORK[work](films, place, arguments.rounds):
                print(f"| {' | '.join(row)} |", flush=True)


if __name__ == "__main__":
    sys.exit(main())
