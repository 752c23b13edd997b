"""One server for one data folder."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from lvs.errors import Conflict
from lvs.folders import unwritable_message

if sys.platform == "win32":
    import msvcrt

    _BEHIND_THE_PID = 4096  # a locked byte cannot be read there, so it is one that nobody reads

    def _take(descriptor: int) -> None:
        os.lseek(descriptor, _BEHIND_THE_PID, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        os.lseek(descriptor, 0, os.SEEK_SET)
else:
    import fcntl

    def _take(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


@contextmanager
def single_instance(folder: Path) -> Iterator[None]:
    """Hold the data folder for this process; the operating system lets go of it however the process
    ends.

    Raises Conflict when another process holds it, Unavailable when the folder cannot be written.
    """
    try:
        descriptor = os.open(folder / "lvs.lock", os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise unwritable_message(folder, error) from None
    try:
        _take_or_refuse(descriptor, folder)
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()}\n".encode())
        yield
        with suppress(OSError):
            os.ftruncate(descriptor, 0)
    finally:
        os.close(descriptor)


def _take_or_refuse(descriptor: int, folder: Path) -> None:
    try:
        _take(descriptor)
    except (BlockingIOError, PermissionError):
        holder = os.read(descriptor, 20).decode("ascii", "replace").strip() or "unknown"
        running = f"LVS is already running with the data folder {folder} (process {holder})."
        raise Conflict(f"{running} Stop it, or choose another folder with --data.") from None
    except OSError as error:
        raise unwritable_message(folder, error) from None
