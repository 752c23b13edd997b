"""Two machines as network namespaces, joined by a cable that can be cut: needs root and `ip`
(iproute2).
"""

import os
import secrets
import shutil
import subprocess
from types import TracebackType
from typing import Self

ADDRESSES = ("10.231.7.1", "10.231.7.2")
NOT_ALLOWED = "the system allows no network namespaces"


def obstacle() -> str:
    """The reason why no namespaces can be made here; empty if they can."""
    if os.geteuid() or shutil.which("ip") is None:
        return "needs root and ip (Debian's package is iproute2)"
    name = f"lvs-try-{secrets.token_hex(3)}"
    made = subprocess.run(["ip", "netns", "add", name], capture_output=True, check=False)
    subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False)
    return NOT_ALLOWED if made.returncode else ""


class Cable:
    """Two namespaces, `one` with 10.231.7.1 and `two` with 10.231.7.2, and nothing else."""

    def __init__(self) -> None:
        mark = secrets.token_hex(3)
        self.one, self.two = f"lvs-{mark}-1", f"lvs-{mark}-2"
        self._ends = (f"lv{mark}1", f"lv{mark}2")

    def __enter__(self) -> Self:
        for name in (self.one, self.two):
            _ip("netns", "add", name)
            _ip("-n", name, "link", "set", "lo", "up")
        self._connect()
        return self

    def _connect(self) -> None:
        first, second = self._ends
        ends = (first, "netns", self.one, "type", "veth", "peer", second, "netns", self.two)
        _ip("link", "add", *ends)
        for name, end, address in zip((self.one, self.two), self._ends, ADDRESSES, strict=True):
            _ip("-n", name, "addr", "add", f"{address}/24", "dev", end)
            _ip("-n", name, "link", "set", end, "up")
            _ip("-n", name, "route", "add", "default", "dev", end)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for name in (self.one, self.two):
            subprocess.run(["ip", "netns", "del", name], check=False)

    def cut(self) -> None:
        """Take the cable out."""
        _ip("-n", self.two, "link", "set", self._ends[1], "down")

    def plug_in(self) -> None:
        """Put it in again."""
        _ip("-n", self.two, "link", "set", self._ends[1], "up")

    def exchange_cards(self) -> None:
        """Give both machines other network cards, with the same addresses."""
        _ip("-n", self.one, "link", "del", self._ends[0])
        self._connect()

    def renew_address(self) -> None:
        """Take the first machine its address for a moment."""
        address = (f"{ADDRESSES[0]}/24", "dev", self._ends[0])
        _ip("-n", self.one, "addr", "del", *address)
        _ip("-n", self.one, "addr", "add", *address)

    def join_house(self, address: str) -> None:
        """Give the first machine a network card of its own kind, with an address in the house."""
        _ip("-n", self.one, "link", "add", "house", "type", "bridge")
        _ip("-n", self.one, "addr", "add", f"{address}/24", "dev", "house")
        _ip("-n", self.one, "link", "set", "house", "up")

    def route_from(self, address: str) -> None:
        """Have the second machine be the router to another network, and have this address there."""
        _ip("-n", self.two, "addr", "add", f"{address}/32", "dev", "lo")
        _ip("-n", self.one, "route", "replace", "default", "via", ADDRESSES[1])

    def delay(self, milliseconds: int) -> bool:
        """Make everything take so much longer from the second machine to the first. False where
        the kernel cannot.
        """
        rule = ["root", "netem", "delay", f"{milliseconds}ms"]
        command = inside(self.two, "tc", "qdisc", "replace", "dev", self._ends[1], *rule)
        return subprocess.run(command, capture_output=True, check=False).returncode == 0

    def add_address(self, address: str) -> None:
        """Give the first machine one more address."""
        _ip("-n", self.one, "addr", "add", f"{address}/24", "dev", self._ends[0])


def inside(namespace: str, *command: str) -> list[str]:
    """The command line that runs a command in a namespace."""
    return ["ip", "netns", "exec", namespace, *command]


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True)
