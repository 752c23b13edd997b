"""Limits that the system sets on this process (`ulimit`, LimitAS and LimitNOFILE of a unit)."""

import errno
import sys
from contextlib import suppress

from lvs.errors import Unavailable

OPEN_FILES = 4096
ADDRESS_SPACE_BYTES = 2 << 30  # most of it is reserved by threads and never used
M_ARENA_MAX = -8  # of <malloc.h>
HEAPS = 2  # one for the event loop, one for all other threads

if sys.platform != "win32":
    import resource


def check_address_space() -> None:
    """See that the process may have the address space it needs, raising its limit as far as the
    system allows. Raises Unavailable where that is too little.
    """
    if sys.platform == "win32":
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    if soft == resource.RLIM_INFINITY or soft >= ADDRESS_SPACE_BYTES:
        return
    if hard == resource.RLIM_INFINITY or hard >= ADDRESS_SPACE_BYTES:
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_AS, (hard, hard))
            return
    raise Unavailable(
        f"This process may have {soft / 1e6:,.0f} MB of address space only (ulimit -v), and LVS"
        f" needs {ADDRESS_SPACE_BYTES / 1e6:,.0f}. Raise that limit; what is really used can be"
        " limited by MemoryMax in a systemd unit, or --memory of a container."
    )


def allow_open_files() -> None:
    """Allow as many open files as every connection and its video need: many systems start programs
    with a limit of 1024.
    """
    if sys.platform == "win32":
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def share_heaps() -> None:
    """Have all threads take their memory from few heaps (mallopt(3)), where the C library is glibc.

    It gives each thread a heap of its own otherwise, which keeps what that thread freed: 5 MiB
    after 1,000 pages.
    """
    if sys.platform != "win32":
        import ctypes  # noqa: PLC0415  other commands do without

        with suppress(AttributeError, OSError):
            ctypes.CDLL(None).mallopt(M_ARENA_MAX, HEAPS)


def refuses_memory(error: BaseException) -> bool:
    """True where an error says that the system gives no more memory or threads."""
    if isinstance(error, BaseExceptionGroup):
        return any(map(refuses_memory, error.exceptions))
    return (
        isinstance(error, MemoryError)
        # Python itself stumbles, and libraries cannot be loaded, where the last memory is used up.
        or (isinstance(error, SystemError) and _is_limited())
        or (isinstance(error, ImportError) and "failed to map segment" in str(error))
        or (isinstance(error, RuntimeError) and "start new thread" in str(error))
        or (isinstance(error, OSError) and error.errno == errno.ENOMEM)
    )


def _is_limited() -> bool:
    return sys.platform != "win32" and (
        resource.getrlimit(resource.RLIMIT_AS)[0] != resource.RLIM_INFINITY
    )
