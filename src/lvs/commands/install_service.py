"""Have LVS start with the machine: write a systemd unit."""

import argparse
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from msgspec import Struct

from lvs.terminal import add_server_flags, configuration, print_message

if TYPE_CHECKING:
    from lvs.config import Config
    from lvs.config_sources import LoadedConfig

NAME = "lvs"
SYSTEM_FOLDER = Path("/etc/systemd/system")
SYSTEM_DATA = Path("/var/lib/lvs")
_FLAGS = {"config_file": "--config"}
_IN_COMMAND = ("video_directory", "data_directory", "password")

# Safe for a user's own service manager, which may not make mounts of its own.
_HARDENED = """\
NoNewPrivileges=yes
LockPersonality=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
SystemCallArchitectures=native
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK
UMask=0027
"""
_HARDENED_SYSTEM = """\
ProtectSystem=strict
ProtectHome=read-only
PrivateTmp=yes
PrivateDevices=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
CapabilityBoundingSet=
AmbientCapabilities=
"""
_UNIT = """\
# Written by `lvs install-service`.
[Unit]
Description=Local Video Server
Wants=network-online.target
After=network-online.target

[Service]
Type=notify
NotifyAccess=main
ExecStart={command}
Restart=on-failure
RestartSec=3
TimeoutStartSec=15min
TimeoutStopSec=10
WatchdogSec=60
LimitNOFILE=4096
{settings}{account}{paths}{hardened}
[Install]
WantedBy={target}
"""


class ServiceUnit(Struct, frozen=True):
    """Settings of the unit.

    `account` is None for a user's own service, empty for a dynamic user. `settings` are variables
    of its environment, `read_write` further folders that LVS writes into, which may be away when
    it starts.
    """

    libraries: tuple[Path, ...]
    data: Path
    flags: tuple[str, ...] = ()
    account: str | None = None
    read_write: tuple[Path, ...] = ()
    settings: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The unit file (systemd.service(5), systemd.exec(5))."""
        program = [sys.executable, "-P", "-m", "lvs", "serve", *map(str, self.libraries)]
        command = [*program, "--data", str(self.data), *self.flags]
        system = self.account is not None
        return _UNIT.format(
            command=" ".join(map(quoted_argument, command)),
            settings="".join(f"Environment={quoted_path(each)}\n" for each in self.settings),
            account=self._account(),
            paths=self._paths() if system else "",
            hardened=_HARDENED + (_HARDENED_SYSTEM if system else ""),
            target="multi-user.target" if system else "default.target",
        )

    def _account(self) -> str:
        if self.account is None:
            return ""
        state = f"StateDirectory={NAME}\n" if self.data == SYSTEM_DATA else ""
        return (f"User={self.account}\n" if self.account else "DynamicUser=yes\n") + state

    def _paths(self) -> str:
        data = [] if self.data == SYSTEM_DATA else [quoted_path(self.data)]
        further = [quoted_path(f"-{path}") for path in self.read_write]
        lines = [f"ReadOnlyPaths={quoted_path(path)}\n" for path in self.libraries]
        return "".join([*lines, *(f"ReadWritePaths={each}\n" for each in (*data, *further))])


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what is served, for whom the unit is, and where it goes."""
    add_server_flags(parser)
    parser.add_argument(
        "--system", action="store_true", help="start with the machine, before anybody signs in"
    )
    parser.add_argument(
        "--run-as", metavar="USER", help="with --system: the user (default: you, behind sudo)"
    )
    parser.add_argument("--print", action="store_true", help="print the unit, write nothing")
    parser.epilog = "Windows and macOS: docs/operations.md has a task and a launchd file."


def run(arguments: argparse.Namespace) -> int:
    """Write the unit, and say how to switch it on."""
    from lvs.errors import Invalid, Unavailable
    from lvs.folders import check_libraries

    loaded = configuration(arguments, quiet=True)
    check_libraries(loaded)
    if arguments.run_as and not arguments.system:
        raise Invalid("--run-as goes with --system; without it the service is yours.")
    unit = _unit(arguments, loaded)
    if loaded.config.password.get_secret_value():
        print_message(
            f"The unit has no password, for everybody may read it: lvs password --data {unit.data}"
        )
    if arguments.print:
        print(unit.text, end="")
        return 0
    if not sys.platform.startswith("linux"):
        raise Unavailable("This system has no systemd. See “At every start” in docs/operations.md.")
    path = _folder(arguments.system) / f"{NAME}.service"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(unit.text, encoding="utf-8")
    except PermissionError:
        raise Unavailable(f"{path} may not be written by this user. Run it with sudo.") from None
    print(path)
    for line in _next_steps(arguments.system):
        print_message(line)
    return 0


def _unit(arguments: argparse.Namespace, loaded: "LoadedConfig") -> ServiceUnit:
    config = loaded.config
    data = config.data_directory
    if arguments.system and loaded.origins["data_directory"] == "default":
        data = SYSTEM_DATA
    return ServiceUnit(
        libraries=config.video_directory,
        data=data,
        flags=tuple(_flags(arguments)),
        account=(arguments.run_as or _who_asks()) if arguments.system else None,
        read_write=tuple(_written_elsewhere(config, data)),
        settings=tuple(_settings(arguments, loaded, data)),
    )


def _flags(arguments: argparse.Namespace) -> Iterator[str]:
    """The flags of `serve` that were given, with paths that hold wherever it is started."""
    for name in ("host", "port", "tls_port", "log_level"):
        if value := getattr(arguments, name):
            yield from (f"--{name.replace('_', '-')}", str(value))
    for name in ("tls_cert", "tls_key", "config_file"):
        if value := getattr(arguments, name):
            yield from (_FLAGS.get(name, f"--{name.replace('_', '-')}"), os.path.abspath(value))
    if arguments.tls_self_signed:
        yield "--tls-self-signed"


def _settings(arguments: argparse.Namespace, loaded: "LoadedConfig", data: Path) -> Iterator[str]:
    """Options that are set where the service does not look: in this environment, or in a file of
    this folder.
    """
    from lvs.config import OPTIONS, PREFIX, as_text

    found_there = [f" in {data}/"]
    if arguments.config_file:
        found_there.append(f" in {Path.cwd() / arguments.config_file}")
    for name in OPTIONS:
        origin = loaded.origins[name]
        given = origin in ("default", "LIBRARY") or origin.startswith("--")
        if not (given or name in _IN_COMMAND or any(each in origin for each in found_there)):
            yield f"{PREFIX}{name.upper()}={as_text(getattr(loaded.config, name))}"


def _written_elsewhere(config: "Config", data: Path) -> Iterator[Path]:
    """Folders that LVS writes into beside its data folder."""
    places = [config.metadata_db.parent, config.thumbnail_directory]
    if config.backup_directory:
        places.append(Path(config.backup_directory))
    replica = urlsplit(config.replicate)
    if replica.scheme == "file":
        places.append(Path(unquote(replica.path)))
    for place in places:
        if not place.is_relative_to(data) and not place.is_relative_to(config.data_directory):
            # What is not there yet is made by LVS, in the folder above.
            yield place if place.is_dir() else place.parent


def _who_asks() -> str:
    """The user behind sudo; empty for root itself, whose service gets a user of its own."""
    return os.environ.get("SUDO_USER", "").replace("root", "")


def _folder(system: bool) -> Path:
    if system:
        return SYSTEM_FOLDER
    home = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(home) / "systemd" / "user"


def _next_steps(system: bool) -> list[str]:
    if system:
        return [
            "switch it on: systemctl daemon-reload && systemctl enable --now lvs",
            "see how it is: systemctl status lvs",
        ]
    return [
        "switch it on: systemctl --user daemon-reload && systemctl --user enable --now lvs",
        "have it start before you sign in: loginctl enable-linger",
    ]


def quoted_argument(text: str) -> str:
    """An argument of a command line in a unit (systemd.service(5), "Command lines")."""
    return quoted_path(text.replace("$", "$$"))


def quoted_path(path: Path | str) -> str:
    """A value in a unit, in quotation marks where it needs them; `%` begins a specifier."""
    text = str(path).replace("%", "%%").replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"' if any(each in text for each in " \t'\"\\;") else text
