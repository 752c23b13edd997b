"""The doctor: every trouble that can be made here is found, with one next step."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from support import processes
from support.disks import small_disk
from support.home import Home

from lvs import file_systems, folders, versions
from lvs.config import Config
from lvs.errors import Invalid
from lvs.file_systems import FileSystem
from lvs.services.backup import backups as backup_maker
from lvs.services.backup.second_place import SecondPlace
from lvs.services.monitoring import doctor, network_checks, software_checks, storage_checks
from lvs.services.monitoring.diagnosis import Condition, Diagnosis
from lvs.services.monitoring.doctor import diagnose

pytestmark = pytest.mark.usefixtures("counted")


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return settings(tmp_path)


def settings(folder: Path, **options: Any) -> Config:
    library, data = folder / "films", folder / "data"
    library.mkdir(exist_ok=True)
    data.mkdir(exist_ok=True)
    (library / "one.mp4").write_bytes(os.urandom(3 << 20))
    options = {"port": free_port()} | options
    return Config(video_directory=[library], data_directory=data, host="127.0.0.1", **options)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def one(found: Iterable[Diagnosis]) -> Diagnosis:
    [diagnosis] = list(found)
    assert bool(diagnosis.next_step) == (diagnosis.condition is not Condition.OK)
    return diagnosis


def test_a_household_in_order_needs_nothing(tmp_path: Path) -> None:
    done = processes.run(
        "doctor",
        tmp_path,
        "--data",
        tmp_path / "data",
        "--host",
        "127.0.0.1",
        "--port",
        str(free_port()),
        "--json",
        cwd=prepared(tmp_path),
    )
    found = json.loads(done.stdout)
    assert {each["check"] for each in found["checks"]} >= {
        "port",
        "database",
        "library",
        "codecs",
        "packages",
        "clock",
        "free space",
    }
    errors = [each for each in found["checks"] if each["condition"] == "error"]
    assert errors == []
    for each in found["checks"]:
        assert each["message"].endswith((".", ")"))
        assert bool(each["next_step"]) == (each["condition"] != "ok")


def prepared(folder: Path) -> Path:
    (folder / "one.mp4").write_bytes(os.urandom(2 << 20))
    (folder.parent / f"{folder.name}-home").mkdir()
    return folder.parent / f"{folder.name}-home"


def test_the_text_puts_the_next_step_below_what_it_is_for(tmp_path: Path) -> None:
    done = processes.run(
        "doctor",
        "--data",
        tmp_path / "data",
        "--host",
        "127.0.0.1",
        "--port",
        str(free_port()),
        cwd=tmp_path,
    )
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    place = next(
        number for number, line in enumerate(lines) if "No library folder is configured" in line
    )
    assert lines[place].startswith("  ERROR  library: ")
    assert "lvs serve FOLDER" in lines[place + 1]


def test_a_port_that_another_program_has_is_named(config: Config) -> None:
    assert one(network_checks.port(config)).condition is Condition.OK
    with socket.create_server(("127.0.0.1", config.port)):
        taken = one(network_checks.port(config))
    assert taken.condition is Condition.ERROR
    assert str(config.port) in taken.message
    assert "--port" in taken.next_step


@pytest.mark.parametrize(
    ("flags", "options"),
    [([], {}), (["--tls-self-signed"], {"tls_self_signed": True})],
    ids=["http", "https beside it"],
)
def test_a_running_lvs_is_no_foreign_program(
    tmp_path: Path, flags: list[str], options: dict[str, Any]
) -> None:
    library = tmp_path / "films"
    library.mkdir()
    with processes.serving(library, tmp_path, *flags) as server:
        running = Config(host="127.0.0.1", port=server.port, **options)
        assert "LVS is running" in one(network_checks.port(running)).message


def test_a_folder_that_may_not_be_written_is_an_error(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert {each.condition for each in storage_checks.data_folder(config)} == {Condition.OK}
    missing = Path("/proc/self/fdinfo")  # nobody makes files there, root included
    found = list(
        storage_checks.data_folder(
            Config(data_directory=missing, thumbnail_directory=config.thumbnail_directory)
        )
    )
    assert found[0].condition is Condition.ERROR
    assert "data_directory" in found[0].next_step


def test_a_library_folder_that_is_away_or_empty_is_named(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    away, empty = storage_checks.library(
        Config(video_directory=[tmp_path / "away", tmp_path / "empty"])
    )
    assert (away.condition, empty.condition) == (Condition.ERROR, Condition.WARNING)
    assert "mount" in away.next_step


@pytest.mark.parametrize(
    ("kind", "source", "network", "refused"),
    [
        ("ext4", "/dev/sda1", False, False),
        ("nfs4", "nas:/films", True, True),
        ("cifs", "//nas/films", True, True),
        ("fuse.sshfs", "me@nas:", True, True),
        ("fuse.mergerfs", "a:b", False, False),
        ("virtiofs", "host", True, False),
        ("9p", "C:\\", True, False),
    ],
)
def test_kinds_of_file_systems(kind: str, source: str, network: bool, refused: bool) -> None:
    system = FileSystem("/mnt", kind, source)
    assert (system.network, system.refuses_databases) == (network, refused)


def test_the_file_system_of_a_folder_is_the_mount_it_lies_on(tmp_path: Path) -> None:
    found = file_systems.file_system_of(tmp_path / "not" / "there")
    assert found is not None
    assert os.path.ismount(found.mount)
    proc = file_systems.file_system_of(Path("/proc/self"))
    assert proc is not None
    assert proc.kind == "proc"


def test_a_share_is_polled_and_holds_no_database(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        storage_checks, "file_system_of", lambda _: FileSystem("/mnt/nas", "nfs4", "nas:/x")
    )
    refused = one(storage_checks.database(config))
    assert refused.condition is Condition.ERROR
    assert "data_directory" in refused.next_step
    watching = next(iter(storage_checks.watching(config)))
    assert (watching.condition, watching.next_step) == (Condition.WARNING, "Set watch to poll.")


def test_too_few_watches_are_counted(config: Config, tmp_path: Path) -> None:
    limits = tmp_path / "inotify"
    limits.mkdir()
    (limits / "max_user_watches").write_text("2\n")
    (limits / "max_user_instances").write_text("128\n")
    for number in range(3):
        (config.video_directory[0] / str(number)).mkdir()
    found = one(storage_checks.watching(config, limits))
    assert "4 folders" in found.message
    assert "max_user_watches=524288" in found.next_step


def test_the_disk_is_measured_by_a_jump_and_a_read(config: Config) -> None:
    found = list(storage_checks.disk_speed(config))
    assert len(found) == 1
    assert " ms, reading gives " in found[0].message


def test_a_firewall_without_a_rule_is_named(tmp_path: Path) -> None:
    (tmp_path / "ufw.conf").write_text("LOGLEVEL=low\nENABLED=yes\n")
    (tmp_path / "user.rules").write_text("### tuple ### allow tcp 22 0.0.0.0/0 any 0.0.0.0/0 in\n")
    closed = one(network_checks.firewall(Config(), tmp_path))
    assert closed.next_step == "Run: sudo ufw allow 8900/tcp"
    (tmp_path / "user.rules").write_text(
        "### tuple ### allow any 8900 0.0.0.0/0 any 0.0.0.0/0 in\n"
    )
    assert one(network_checks.firewall(Config(), tmp_path)).condition is Condition.OK


@pytest.mark.parametrize(
    ("rules", "through"),
    [
        ("allow tcp 8000:9000 0.0.0.0/0 any 0.0.0.0/0 in", True),
        ("allow tcp 80,8900 0.0.0.0/0 any 0.0.0.0/0 in", True),
        ("allow any any 0.0.0.0/0 any 192.168.1.0/24 in", True),
        ("limit tcp 8900 0.0.0.0/0 any 0.0.0.0/0 in_eth0", True),
        ("deny any any 0.0.0.0/0 any 203.0.113.9 in\nallow tcp 8900 ::/0 any ::/0 in", True),
        (
            "deny tcp 8900 0.0.0.0/0 any 0.0.0.0/0 in\nallow any any 0.0.0.0/0 any 10.0.0.0/8 in",
            False,
        ),
        ("allow udp 8900 0.0.0.0/0 any 0.0.0.0/0 in", False),
        ("allow tcp 8900 0.0.0.0/0 any 0.0.0.0/0 out", False),
        ("allow tcp 18900 0.0.0.0/0 any 0.0.0.0/0 in", False),
    ],
)
def test_rules_of_a_firewall_are_read_as_it_does(tmp_path: Path, rules: str, through: bool) -> None:
    (tmp_path / "ufw.conf").write_text("ENABLED=yes\n")
    lines = "".join(
        f"### tuple ### {line}\n-A ufw-user-input -j X\n\n" for line in rules.split("\n")
    )
    (tmp_path / "user.rules").write_text(lines)
    assert (one(network_checks.firewall(Config(), tmp_path)).condition is Condition.OK) is through


@pytest.mark.skipif(bool(os.geteuid()), reason="only root becomes another user")
def test_rules_that_only_root_may_read_are_not_guessed(tmp_path: Path) -> None:
    (tmp_path / "ufw.conf").write_text("ENABLED=yes\n")
    (tmp_path / "user.rules").write_text(
        "### tuple ### allow tcp 8900 0.0.0.0/0 any 0.0.0.0/0 in\n"
    )
    (tmp_path / "user.rules").chmod(0o600)
    tmp_path.chmod(0o755)
    script = """
import os
from pathlib import Path
from lvs.config import Config
from lvs.services.monitoring import network_checks
os.setresuid(65534, 65534, 65534)
(found,) = network_checks.firewall(Config(), Path())
print(found.condition.value, found.message, found.next_step, sep="\\n")
"""
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [
        "note",
        "The firewall ufw is on; only root may see whether it lets port 8900 through.",
        "Run: sudo ufw allow 8900/tcp",
    ]


def test_the_firewall_has_to_let_https_through_too(tmp_path: Path) -> None:
    (tmp_path / "ufw.conf").write_text("ENABLED=yes\n")
    rule = "### tuple ### allow tcp 8900 0.0.0.0/0 any 0.0.0.0/0 in\n"
    (tmp_path / "user.rules").write_text(rule)
    plain, secure = network_checks.firewall(Config(tls_self_signed=True), tmp_path)
    assert (plain.condition, secure.condition) == (Condition.OK, Condition.WARNING)
    assert secure.next_step == "Run: sudo ufw allow 8943/tcp"


def test_room_is_told_of_before_it_is_gone(tmp_path: Path) -> None:
    found = {}
    for name, size_kib in (("full", 50_000), ("low", 1_000_000)):
        with small_disk(tmp_path / name, size_kib) as disk:
            config = Config(data_directory=disk / "data")
            found[name] = one(storage_checks.free_space(config)).condition
    assert found == {"full": Condition.ERROR, "low": Condition.WARNING}


def with_backup(config: Config, folder: Path, days: float) -> None:
    """Put a good backup of a film into a folder, made so many days ago."""
    at = datetime.now(UTC) - timedelta(days=days)
    assert backup_maker.make(config.metadata_db, folder, "nightly", now=at)


async def test_the_age_and_the_place_of_backups_are_looked_at(home: Home, tmp_path: Path) -> None:
    home.add("one.mp4")
    await home.scan()
    plain = home.services.config
    usb = tmp_path / "usb"
    usb.mkdir()

    def found(**options: str) -> list[tuple[Condition, str]]:
        config = plain.model_copy(update=options)
        result = list(storage_checks.backups(config))
        assert all(bool(each.next_step) == (each.condition is not Condition.OK) for each in result)
        return [(each.condition, each.message) for each in result]

    none, alone = found()
    assert none == (Condition.WARNING, "There is no good backup.")
    assert alone[0] is Condition.NOTE
    with_backup(plain, plain.data_directory / "backups", days=5)
    [old, _] = found()
    assert old[0] is Condition.WARNING
    await home.services.backups.make()
    [good, _] = found()
    assert good[0] is Condition.OK
    [_, same] = found(backup_directory=str(usb / "lvs"))
    assert (same[0], "same disk" in same[1]) == (Condition.WARNING, True)
    [_, same] = found(replicate=f"file://{usb}/replica")
    assert (same[0], "same disk" in same[1]) == (Condition.WARNING, True)
    with small_disk(usb, 40_000):
        there = {"backup_directory": str(usb / "lvs")}
        assert "not there" in found(**there)[1][1]
        with_backup(plain, usb / "lvs", days=5)
        assert found(**there)[1][0] is Condition.WARNING
        place = SecondPlace(plain.data_directory / "backups", usb / "lvs")
        await place.catch_up()
        assert found(**there)[1][0] is Condition.OK
        replica = {"replicate": f"file://{usb}/replica"}
        assert found(**replica)[1][0] is Condition.NOTE
        assert len(found(**there, **replica)) == 3


def test_the_clock_may_not_be_behind_the_data(config: Config) -> None:
    assert one(software_checks.clock(config)).condition is Condition.OK
    newest = config.data_directory / "lvs.db"
    newest.touch()
    os.utime(newest, (time.time() + 86_400,) * 2)
    assert one(software_checks.clock(config)).condition is Condition.WARNING


def test_an_untested_package_is_named(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(versions, "untested", lambda: ())
    assert one(software_checks.packages(config)).condition is Condition.OK
    monkeypatch.setattr(versions, "untested", lambda: ("numpy 99.0",))
    assert "numpy 99.0" in one(software_checks.packages(config)).message


def test_codecs_are_asked_for_in_a_process_of_their_own(config: Config) -> None:
    assert one(software_checks.codecs(config)).condition is Condition.OK
    wanted = {**software_checks.PLAYED, "Nonesuch": "nonesuch"}
    lacking = one(software_checks.codecs(config, wanted))
    assert lacking.condition is Condition.WARNING
    assert "Nonesuch" in lacking.message
    broken = software_checks.codecs(config, program="raise SystemExit(3)")
    assert one(broken).condition is Condition.ERROR


def test_a_check_that_hangs_or_breaks_holds_up_no_other(config: Config) -> None:
    def hangs(_: Config) -> list[Diagnosis]:
        time.sleep(30)
        return []

    def breaks(_: Config) -> list[Diagnosis]:
        raise RuntimeError("no such thing")

    fine = Diagnosis("fine", Condition.OK, "All is well.")
    found = diagnose(
        config, {"slow": hangs, "broken": breaks, "fine": lambda _: [fine]}, limit_s=0.5
    )
    assert [each.check for each in found.found] == ["slow", "broken", "fine"]
    assert found.found[0].condition is Condition.ERROR
    assert "no such thing" in found.found[1].message
    assert found.found[2] == fine
    assert found.worst is Condition.ERROR


def test_every_check_has_a_name_of_its_own(config: Config) -> None:
    names = doctor.examinations()
    quick = {
        name: check for name, check in names.items() if name not in ("codecs", "addresses", "mdns")
    }
    assert {each.check for each in diagnose(config, quick).found} <= set(names)


def test_a_server_refuses_a_database_on_a_share(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folders, "file_system_of", lambda _: FileSystem("/nas", "cifs", "//nas/x"))
    with pytest.raises(Invalid, match=r"network share \(cifs at /nas\).*--data"):
        folders.refuse_network_share(Path("/nas/lvs.db"))
    monkeypatch.setattr(folders, "file_system_of", lambda _: FileSystem("/", "ext4", "/dev/sda1"))
    folders.refuse_network_share(Path("/var/lib/lvs/lvs.db"))
