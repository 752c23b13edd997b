"""Start of a player worker. FFmpeg's libraries are loaded beside Python's imports: somebody waits.

Loading takes as long as a tenth of a film's first segment, and none of Python's time.
"""

import ctypes
import os
from contextlib import suppress
from importlib.machinery import PathFinder
from threading import Thread


def main() -> None:
    """Answer requests until standard input ends."""
    loading = Thread(target=load_libraries)
    loading.start()
    from lvs.services.playback.player_worker import main as answer_requests  # noqa: PLC0415

    loading.join()  # what limits a process must find it without threads
    answer_requests()


def load_libraries() -> None:
    """Load what PyAV's core needs of FFmpeg; where that fails, the import of PyAV says why."""
    found = PathFinder.find_spec("av")
    for folder in (found.submodule_search_locations or ()) if found else ():
        with suppress(OSError):
            for name in os.listdir(folder):
                if name.startswith("_core.") and name.endswith((".so", ".pyd")):
                    ctypes.CDLL(os.path.join(folder, name))


if __name__ == "__main__":
    main()
