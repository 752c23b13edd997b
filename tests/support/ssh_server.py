"""A real sshd of OpenSSH for tests: on a free port, with keys and a configuration of its own."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urlencode

import psutil

PATIENCE_S = 20.0
SSHD = shutil.which("sshd", path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin")
LVS = str(Path(sys.executable).with_name("lvs"))


def slow_worker(folder: Path) -> str:
    """A program that is `lvs`, but to which every request takes half a second."""
    passing = 'while IFS= read -r line; do sleep 0.5; printf "%s\\n" "$line"; done'
    path = folder / "slow"
    path.write_text(f'#!/bin/sh\n{passing} | {LVS} "$@"\n')
    path.chmod(0o755)
    return str(path)


class SshServer:
    """An sshd for the user that runs the tests; `inside` is put before its command line."""

    def __init__(
        self, folder: Path, address: str = "127.0.0.1", inside: tuple[str, ...] = ()
    ) -> None:
        folder.mkdir(exist_ok=True)
        self.folder, self._address, self._inside = folder, address, inside
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = int(free.getsockname()[1])
        for name in ("host", "user"):
            command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)]
            subprocess.run(command, check=True)
        kind, key, *_ = (folder / "host.pub").read_text().split()
        (folder / "known_hosts").write_text(f"[{address}]:{self.port} {kind} {key}\n")
        (folder / "sshd_config").write_text(
            f"ListenAddress {address}:{self.port}\nHostKey {folder}/host\n"
            f"AuthorizedKeysFile {folder}/user.pub\nStrictModes no\nUsePAM no\nPidFile none\n"
            "PasswordAuthentication no\nPermitRootLogin yes\nLogLevel ERROR\n"
        )
        self.start()

    def start(self) -> None:
        """Start it, and wait until it listens."""
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
        assert SSHD
        command = [*self._inside, SSHD, "-D", "-e", "-f", str(self.folder / "sshd_config")]
        self._process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        end = time.monotonic() + PATIENCE_S
        scan = [*self._inside, "ssh-keyscan", "-p", str(self.port), "-T", "2", self._address]
        while not subprocess.run(scan, capture_output=True, check=False).stdout:
            assert time.monotonic() < end, "sshd does not answer"
            time.sleep(0.05)

    def url(self, **settings: str) -> str:
        """The address for the option `workers`."""
        more = urlencode(
            {
                "command": LVS,
                "key": f"{self.folder}/user",
                "known_hosts": f"{self.folder}/known_hosts",
            }
            | settings
        )
        return f"ssh://{self._address}:{self.port}?{more}"

    def kill(self) -> None:
        """Kill it with all of its connections, as when the machine loses its power."""
        for process in psutil.Process(self._process.pid).children(recursive=True):
            if process.name().startswith("sshd"):
                process.send_signal(signal.SIGKILL)
        self._process.kill()
        self._process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._process.poll() is None:
            self.kill()
