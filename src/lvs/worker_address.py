"""Addresses of machines that lend worker processes, such as `ssh://me@desktop?root=/mnt/films`."""

import os
import re
import shlex
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from msgspec import Struct

LOCAL = "local"
CONNECT_S = 10
ALIVE_S, ALIVE_TRIES = 5, 2  # a link that is cut is noticed after their product
MAX_PROCESSES = 64
_USER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,63}", re.ASCII)
_HOST = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9._-]{0,251}[A-Za-z0-9_])?|[0-9a-f:]{2,45}", re.ASCII)
_MAC = re.compile(r"[0-9a-f]{2}([:-]?)[0-9a-f]{2}(\1[0-9a-f]{2}){4}", re.ASCII | re.IGNORECASE)
_PARAMETERS = ("root", "processes", "command", "key", "known_hosts", "wake")


class WorkerKind(StrEnum):
    """Kinds of workers that `lvs worker` runs: one probes films, one converts a film."""

    PROBE = "probe"
    PLAYER = "player"


class WorkerAddress(Struct, frozen=True):
    """A machine reached by SSH.

    `roots` are the places of the library folders there, in their order; with none of them they lie
    where they lie here. `wake` is the hardware address for wake-on-LAN, six bytes or none.
    """

    host: str
    user: str = ""
    port: int = 22
    roots: tuple[str, ...] = ()
    processes: int = 2
    command: str = "lvs"
    key: str = ""
    known_hosts: str = ""
    wake: bytes = b""

    @property
    def name(self) -> str:
        """The name for people: the host, and the port where it is another than SSH's own."""
        return self.host if self.port == 22 else f"{self.host}:{self.port}"

    def place(self, folders: Sequence[Path], path: bytes) -> tuple[bytes, bytes] | None:
        """The root over there and the path below it, of a file here; None where it is not there."""
        for number, folder in enumerate(folders):
            below = _below(os.fsencode(folder), path)
            if below is not None:
                if not self.roots:
                    return os.fsencode(folder), below
                if number < len(self.roots) and self.roots[number]:
                    return os.fsencode(self.roots[number]), below
        return None

    def ssh(self, memory_limit_bytes: int, kind: WorkerKind = WorkerKind.PROBE) -> list[str]:
        """The command line that starts a worker there, with the system's OpenSSH."""
        settings = {
            "BatchMode": "yes",  # it never asks for a password
            "ConnectTimeout": str(CONNECT_S),
            "ServerAliveInterval": str(ALIVE_S),
            "ServerAliveCountMax": str(ALIVE_TRIES),
            "ControlPath": "none",  # a connection of its own, which can be ended
            "ClearAllForwardings": "yes",
            "LogLevel": "ERROR",
        }
        if self.known_hosts:
            settings["UserKnownHostsFile"] = self.known_hosts
        options = [part for name, value in settings.items() for part in ("-o", f"{name}={value}")]
        if self.key:
            options += ["-i", self.key, "-o", "IdentitiesOnly=yes"]
        if self.user:
            options += ["-l", self.user]
        # An older LVS knows no kinds: it has to start, and to tell its version.
        of_kind = f" --kind {kind}" if kind is not WorkerKind.PROBE else ""
        worker = (
            'PATH="$PATH:$HOME/.local/bin"; '
            f"exec {shlex.quote(self.command)} worker --memory {memory_limit_bytes}{of_kind}"
        )
        remote = f"exec sh -c {shlex.quote(worker)}"
        return ["ssh", "-T", "-x", "-a", "-p", str(self.port), *options, "--", self.host, remote]


def parse_worker_address(text: str) -> WorkerAddress:
    """The machine of an address. Raises ValueError where it is none."""
    parts = urlsplit(text)
    given = parse_qs(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
    host, user = parts.hostname or "", unquote(parts.username or "")
    one = {name: values[0] for name, values in given.items()}
    roots = tuple(given.get("root", ()))
    if (
        parts.scheme != "ssh"
        or not _HOST.fullmatch(host)
        or (user and not _USER.fullmatch(user))
        or parts.password is not None
        or parts.path not in ("", "/")
        or parts.fragment
        or any(name not in _PARAMETERS for name in given)
        or any(len(values) > 1 for name, values in given.items() if name != "root")
        or any(root and not root.startswith("/") for root in roots)
        or any("\0" in value or "\n" in value for values in given.values() for value in values)
    ):
        raise ValueError
    return WorkerAddress(
        host,
        user,
        parts.port or 22,
        tuple(root.rstrip("/") or root for root in roots),
        _number(one.get("processes", "2")),
        one.get("command", "") or "lvs",
        _home(one.get("key", "")),
        _home(one.get("known_hosts", "")),
        _hardware_address(one.get("wake", "")),
    )


def _number(text: str) -> int:
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 4 else 0
    if not 1 <= number <= MAX_PROCESSES:
        raise ValueError
    return number


def _home(text: str) -> str:
    return str(Path(text).expanduser()) if text else ""


def _hardware_address(text: str) -> bytes:
    if text and not _MAC.fullmatch(text):
        raise ValueError
    return bytes.fromhex(re.sub("[:-]", "", text))


def _below(folder: bytes, path: bytes) -> bytes | None:
    beginning = folder.rstrip(b"/") + b"/"
    return path[len(beginning) :] if path.startswith(beginning) else None
