"""Limits that a worker process sets itself before it reads a stranger's file, and the opening of
that file.

Kept light: somebody waits for a player worker to start.
"""

import math
import os
import signal
import sys
from contextlib import suppress

from lvs.services.media.sandbox import enter_sandbox

FILE_SIZE_LIMIT_BYTES = 64 << 20


def limit_process(memory_limit_bytes: int, nice: int = 10) -> None:
    """Lowers what this process may take: its turn at the processor, memory, the size of a file it
    writes, and all network.
    """
    with suppress(OSError, AttributeError):
        os.nice(nice)
    # If memory runs out, the system ends this process rather than the server.
    with suppress(OSError), open("/proc/self/oom_score_adj", "w", encoding="ascii") as file:
        file.write("1000")
    try:
        import resource  # noqa: PLC0415  not on Windows
    except ImportError:
        return
    for name, limit in (
        ("RLIMIT_AS", memory_limit_bytes),
        ("RLIMIT_FSIZE", FILE_SIZE_LIMIT_BYTES),
        ("RLIMIT_CORE", 0),
    ):
        with suppress(OSError, ValueError, AttributeError):
            resource.setrlimit(getattr(resource, name), (limit, limit))
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    enter_sandbox()


def limit_processor(seconds: float) -> None:
    """Have the system end this process after so many more seconds of processor time, of all its
    threads together.
    """
    try:
        import resource  # noqa: PLC0415  not on Windows
    except ImportError:
        return
    used = resource.getrusage(resource.RUSAGE_SELF)
    limit = math.ceil(used.ru_utime + used.ru_stime + seconds)
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_CPU, (limit, resource.getrlimit(resource.RLIMIT_CPU)[1]))


def open_without_links(path: str) -> int:
    """Descriptor of the file at an absolute path, reached over no link: the library's paths hold
    none.

    One that was put in the place of a film, or of its folder, since the library was looked through
    would lead out of it.
    """
    # Without O_NONBLOCK, opening a named pipe waits for whoever writes into it.
    flags = os.O_RDONLY | sum(
        getattr(os, name, 0) for name in ("O_BINARY", "O_NONBLOCK", "O_NOCTTY", "O_NOFOLLOW")
    )
    if sys.platform != "linux":
        return os.open(path, flags)
    *folders, name = path.lstrip("/").split("/")
    descriptor = os.open("/", os.O_PATH)
    try:
        for folder in folders:
            descriptor, left = (
                os.open(folder, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=descriptor),
                descriptor,
            )
            os.close(left)
        return os.open(name, flags, dir_fd=descriptor)
    finally:
        os.close(descriptor)


def traceback_text() -> str:
    """The end of the traceback of the exception that is being handled."""
    import traceback  # noqa: PLC0415  the start of a worker is waited for

    return traceback.format_exc(limit=-8)[-4000:]
