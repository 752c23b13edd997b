"""The service: a unit that systemd finds in order, and a server that tells systemd how it is."""

import json
import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from support import processes

from lvs import sd_notify
from lvs.commands.install_service import ServiceUnit, quoted_argument

pytestmark = pytest.mark.usefixtures("counted")


@pytest.fixture
def library(tmp_path: Path) -> Path:
    folder = tmp_path / "Filme & $Co 100%"
    folder.mkdir()
    return folder


def install(library: Path, home: Path, *flags: str | Path) -> subprocess.CompletedProcess[str]:
    return processes.run("install-service", library, *flags, cwd=home, SUDO_USER="")


def settings(unit: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in unit.splitlines():
        name, separator, value = line.partition("=")
        if separator and not line.startswith("#"):
            found.setdefault(name, []).append(value)
    return found


def verified(unit: Path) -> str:
    """The complaints of systemd itself."""
    program = shutil.which("systemd-analyze")
    assert program, "systemd-analyze is not installed (Debian: systemd)"
    command = [program, "verify", "--recursive-errors=no", "--man=no", unit]
    done = subprocess.run(
        list(map(str, command)), capture_output=True, text=True, check=False, timeout=60
    )
    return "\n".join(line for line in done.stderr.splitlines() if unit.name in line)


def test_a_user_gets_a_unit_that_systemd_finds_in_order(library: Path, tmp_path: Path) -> None:
    config = tmp_path / "config"
    done = processes.run(
        *("install-service", library, "--data", tmp_path / "data", "--port", "8123"),
        cwd=tmp_path,
        XDG_CONFIG_HOME=str(config),
    )
    assert done.returncode == 0, done.stderr
    unit = Path(done.stdout.strip())
    assert unit == config / "systemd" / "user" / "lvs.service"
    assert verified(unit) == ""
    found = settings(unit.read_text())
    assert found["Type"] == ["notify"]
    assert found["WantedBy"] == ["default.target"]
    assert "ProtectSystem" not in found  # a user's manager may not be able to
    assert "systemctl --user enable --now lvs" in done.stderr.replace("daemon-reload && ", "")


def test_the_system_gets_a_hardened_one(library: Path, tmp_path: Path) -> None:
    unit = tmp_path / "lvs.service"
    unit.write_text(install(library, tmp_path, "--system", "--print").stdout)
    assert verified(unit) == ""
    found = settings(unit.read_text())
    assert found["ProtectSystem"] == ["strict"]
    assert found["DynamicUser"] == ["yes"]
    assert found["StateDirectory"] == ["lvs"]
    assert found["ReadOnlyPaths"] == [f'"{str(library).replace("%", "%%")}"']
    assert found["WatchdogSec"] == ["60"]
    own = install(library, tmp_path, "--system", "--run-as", "me", "--data", "/srv/x", "--print")
    found = settings(own.stdout)
    assert found["User"] == ["me"]
    assert found["ReadWritePaths"] == ["/srv/x"]


def test_the_command_of_the_unit_is_the_one_that_serves(library: Path, tmp_path: Path) -> None:
    unit = ServiceUnit((library,), tmp_path / "data", ("--host", "127.0.0.1", "--port", "0"))
    [command] = settings(unit.text)["ExecStart"]
    with processes.Server(as_systemd_reads(command), tmp_path) as server:
        assert f"Library:  {library}" in server.lines


def test_the_service_keeps_the_settings_it_was_installed_with(
    library: Path, tmp_path: Path
) -> None:
    """Flags, variables and the files of the folder where one was, whose paths are relative."""
    (tmp_path / ".env").write_text('LVS_BACKUP_DIRECTORY="usb & 100%/lvs"\n')
    (tmp_path / "own.json").write_text('{"stall_seconds": 77, "tls_port": 1}')
    set_here = {
        "LVS_SUPPORTED_FORMATS": "mp4, mkv",
        "LVS_RATINGS_LIMIT": "0",
        "LVS_PORT": "7",
        "LVS_PASSWORD": "a long secret",
    }
    flags = ["--config", "own.json", "--tls-port", "8123", "--log-level", "debug", "--port", "8124"]
    data = tmp_path / "data"
    data.mkdir()
    (data / "config.json").write_text('{"stall_seconds": 9}')  # --config stands in its place
    installed = processes.run(
        "install-service",
        library,
        *("--data", "data", "--print", *flags),
        cwd=tmp_path,
        **set_here,
    )
    assert installed.returncode == 0, installed.stderr
    assert "secret" not in installed.stdout
    assert "lvs password --data" in installed.stderr
    found = settings(installed.stdout)
    command, variables = as_systemd_reads(found["ExecStart"][0]), found["Environment"]
    where = command.index("serve")
    asked = ["config", "--json", *command[where + 1 :]]
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    given = dict(each.partition("=")[::2] for line in variables for each in as_systemd_reads(line))
    options = json.loads(processes.run(*asked, cwd=elsewhere, **given).stdout)
    assert {name: options[name]["value"] for name in WANTED} == WANTED | {
        "backup_directory": str(tmp_path / "usb & 100%" / "lvs"),
        "data_directory": str(data),
        "video_directory": [str(library)],
    }


WANTED = {
    "port": 8124,
    "tls_port": 8123,
    "log_level": "debug",
    "stall_seconds": 77.0,
    "supported_formats": [".mp4", ".mkv"],
    "ratings_limit": "0",
    "backup_directory": "",
    "data_directory": "",
    "video_directory": [],
}


def as_systemd_reads(line: str) -> list[str]:
    """The words of a value in a unit: quotation marks, `%%` and, in commands, `$$`."""
    return [each.replace("$$", "$").replace("%%", "%") for each in shlex.split(line)]


def test_the_system_s_service_may_write_wherever_lvs_writes(library: Path, tmp_path: Path) -> None:
    usb, disk = tmp_path / "usb", tmp_path / "a disk"
    usb.mkdir()
    disk.mkdir()
    places = {
        "LVS_BACKUP_DIRECTORY": str(usb / "lvs"),  # which LVS makes
        "LVS_REPLICATE": f"file://{disk}",
        "LVS_THUMBNAIL_DIRECTORY": str(disk),
    }
    done = processes.run(
        *("install-service", library, "--system", "--print"), cwd=tmp_path, SUDO_USER="", **places
    )
    unit = tmp_path / "lvs.service"
    unit.write_text(done.stdout)
    assert verified(unit) == ""
    found = settings(done.stdout)
    assert set(found["ReadWritePaths"]) == {f"-{usb}", f'"-{disk}"'}


def test_quotation_marks_and_signs_survive() -> None:
    assert quoted_argument("/plain/path") == "/plain/path"
    assert quoted_argument('/a "b"\\c $HOME 5%') == '"/a \\"b\\"\\\\c $$HOME 5%%"'


def test_folders_that_are_none_are_refused(tmp_path: Path) -> None:
    done = install(tmp_path / "absent", tmp_path, "--print")
    assert done.returncode == 2
    assert "is not there" in done.stderr
    other = install(tmp_path, tmp_path, "--run-as", "me", "--data", "/srv/x", "--print")
    assert "--system" in other.stderr


def test_systemd_hears_that_it_is_ready_alive_and_stopping(tmp_path: Path) -> None:
    library = tmp_path / "films"
    library.mkdir()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(processes.PATIENCE_SECONDS)
        command = [*processes.SERVE, library, "--data", tmp_path / "data"]
        told = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "600000"}
        with processes.Server(command, tmp_path, **told) as server:
            heard = [manager.recv(100) for _ in range(4)]
            assert set(heard) == {b"READY=1", b"WATCHDOG=1"}
            os.kill(server.pid, signal.SIGTERM)
            while manager.recv(100) != b"STOPPING=1":
                pass
            assert server.wait() == 0


def test_without_systemd_nothing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    assert sd_notify.notify("READY=1") is False
    monkeypatch.setenv("NOTIFY_SOCKET", "/nowhere/at/all")
    assert sd_notify.notify("READY=1") is False
    assert sys.executable
