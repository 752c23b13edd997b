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
    """Why no namespaces can be made here; empty where they can."""
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
        first, second = self._ends
        for name in (self.one, self.two):
            _ip("netns", "add", name)
        _ip(
            "link",
            "add",
            first,
            "netns",
            self.one,
            "type",
            "veth",
            "peer",
            second,
            "netns",
            self.two,
        )
        for name, end, address in zip((self.one, self.two), self._ends, ADDRESSES, strict=True):
            _ip("-n", name, "addr", "add", f"{address}/24", "dev", end)
            _ip("-n", name, "link", "set", "lo", "up")
            _ip("-n", name, "link", "set", end, "up")
            _ip("-n", name, "route", "add", "default", "dev", end)
        return self

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
