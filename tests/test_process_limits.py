"""Limits of the process."""

import platform
import subprocess
import sys

import pytest

THREADS = """
import ctypes, sys, threading
from lvs.process_limits import share_heaps
if sys.argv[1] == "shared":
    share_heaps()
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
together = threading.Barrier(8)
def take():
    together.wait()  # all at once: a thread that has ended leaves its heap to the next
    libc.malloc(1000)
    together.wait()
threads = [threading.Thread(target=take) for _ in range(8)]
[each.start() for each in threads]
[each.join() for each in threads]
libc.fdopen.restype = ctypes.c_void_p
libc.malloc_info(0, ctypes.c_void_p(libc.fdopen(1, b"w")))
libc.fflush(None)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc has heaps of threads")
def test_threads_share_two_heaps() -> None:
    def heaps(way: str) -> int:
        command = [sys.executable, "-c", THREADS, way]
        told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        return told.count("<heap nr=")

    assert heaps("shared") <= 2 < heaps("each its own")
