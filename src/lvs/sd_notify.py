"""Tells systemd that the server is ready, alive or stopping (sd_notify(3)); nothing elsewhere."""

import asyncio
import os
import socket
from contextlib import suppress

PINGS_PER_LIMIT = 3


def notify(state: str) -> bool:
    """Send a state such as `READY=1`; False where no service manager listens."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return False
    if address.startswith("@"):  # Linux's abstract namespace
        address = "\0" + address[1:]
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as service_manager:
        service_manager.sendto(state.encode(), address)
        return True
    return False


async def keep_alive() -> None:
    """Say from the event loop that it still turns, as often as WATCHDOG_USEC asks for."""
    limit_s = _watchdog_s()
    if not limit_s:
        return
    while True:
        notify("WATCHDOG=1")
        await asyncio.sleep(limit_s / PINGS_PER_LIMIT)


def _watchdog_s() -> float:
    """Seconds within which systemd wants to hear of this process; 0 where it does not."""
    pid = os.environ.get("WATCHDOG_PID", "")
    if pid and pid != str(os.getpid()):
        return 0.0
    try:
        return int(os.environ.get("WATCHDOG_USEC", "0")) / 1e6
    except ValueError:
        return 0.0
