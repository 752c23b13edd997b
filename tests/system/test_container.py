"""The files for Docker, as far as they can be tried without it: what they copy, what they run, and
what they promise.
"""

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.markers import Marker, default_environment
from packaging.utils import parse_wheel_filename
from support import processes
from support.places import PROJECT

DOCKERFILE = (PROJECT / "Dockerfile").read_text(encoding="utf-8")
HEALTHCHECK = PROJECT / "docker" / "healthcheck.py"


def instructions() -> list[tuple[str, str]]:
    """Every instruction with its argument, lines joined."""
    text = re.sub(r"(?m)^#.*\n", "", DOCKERFILE).replace("\\\n", " ")
    return [
        (word, rest.strip())
        for word, _, rest in (line.partition(" ") for line in text.splitlines() if line)
    ]


def of(word: str) -> list[str]:
    return [rest for found, rest in instructions() if found == word]


def test_the_image_follows_the_rules_of_hadolint() -> None:
    for image in of("FROM"):
        name = image.split()[0]
        assert re.fullmatch(r"python:3\.\d+-slim-[a-z]+", name), "DL3006, DL3007: a tag that stays"
    for command in of("RUN"):
        assert "sudo" not in command, "DL3004"
        assert "cd " not in command, "DL3003"
        for part in re.findall(r"pip install[^&]*", command):
            assert "--no-cache-dir" in part, "DL3042"
            assert "--only-binary :all:" in part, "wheels only, on every architecture"
    assert all(folder.startswith("/") for folder in of("WORKDIR")), "DL3000"
    assert of("USER")[-1] == "1000:1000", "DL3002: not root"
    for word in ("ENTRYPOINT", "CMD"):
        assert all(each.startswith("[") for each in of(word)), "DL3025: a list, not a shell"
    assert "ADD" not in dict(instructions()), "DL3020"
    assert len(of("HEALTHCHECK")) == 1


def test_hadolint_has_nothing_to_say() -> None:
    program = Path(sys.executable).with_name("hadolint")
    done = subprocess.run(
        [program, "-"], input=DOCKERFILE, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "")


def test_files_the_image_copies_exist_and_reach_docker() -> None:
    let_through = {
        line.removeprefix("!")
        for line in (PROJECT / ".dockerignore").read_text(encoding="utf-8").splitlines()
        if line.startswith("!")
    }
    for copied in of("COPY"):
        if copied.startswith("--from"):
            continue
        for source in copied.split()[:-1]:
            place = source.removeprefix("./")
            assert (PROJECT / place).exists(), place
            assert place in let_through


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_every_package_has_a_wheel_for_the_image(machine: str) -> None:
    """Wheels let both kinds of machine build the image without a compiler."""
    [release] = set(re.findall(r"FROM python:(3\.\d+)", DOCKERFILE))
    there = {
        **default_environment(),
        "python_version": release,
        "python_full_version": f"{release}.0",
        "sys_platform": "linux",
        "platform_system": "Linux",
        "platform_machine": machine,
    }
    locked = tomllib.loads((PROJECT / "uv.lock").read_text(encoding="utf-8"))["package"]
    [own] = [package for package in locked if package["name"] == "local-video-server"]
    wanted = [*own["dependencies"], *own["optional-dependencies"]["replicate"]]
    seen: set[str] = set()
    while wanted:
        each = wanted.pop()
        name, marker = each["name"], each.get("marker")
        if name in seen or (marker and not Marker(marker).evaluate(there)):
            continue
        seen.add(name)
        versions = [package for package in locked if package["name"] == name]
        [package] = [
            package
            for package in versions
            if each.get("version", package["version"]) == package["version"]
        ]
        wheels = [wheel["url"].rpartition("/")[2] for wheel in package.get("wheels", ())]
        assert any(_fits(wheel, release.replace(".", ""), machine) for wheel in wheels), name
        wanted += package.get("dependencies", ())
    assert len(seen) > 25


def _fits(wheel: str, release: str, machine: str) -> bool:
    """True where a wheel is for this Python on a Debian of this kind."""
    return any(
        (each.interpreter in (f"cp{release}", "py3") or each.abi == "abi3")
        and (each.platform == "any" or re.fullmatch(rf"manylinux\w*_{machine}", each.platform))
        for each in parse_wheel_filename(wheel)[3]
    )


@pytest.fixture(scope="module")
def service() -> dict[str, Any]:
    found = yaml.safe_load((PROJECT / "compose.yaml").read_text(encoding="utf-8"))
    [service] = found["services"].values()
    return dict(service)


def test_compose_gives_the_container_no_more_than_it_needs(service: dict[str, Any]) -> None:
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    library, data = service["volumes"]
    assert library.endswith(":/library:ro")
    assert data.endswith(":/data")
    assert service["user"] == "${PUID:-1000}:${PGID:-1000}"
    assert service["env_file"] == [{"path": ".env", "required": False}]  # options of LVS
    assert service["network_mode"] == "host"


def test_every_option_of_the_container_is_one_of_lvs(service: dict[str, Any]) -> None:
    from lvs.config import OPTIONS, PREFIX

    named = {*service["environment"], *re.findall(r"\bLVS_[A-Z_]+(?==)", DOCKERFILE)}
    assert len(named) >= 4
    assert {name.removeprefix(PREFIX).lower() for name in named} <= set(OPTIONS)


def health(port: int, folder: Path, **more: str) -> int:
    command: list[str | Path] = [sys.executable, HEALTHCHECK]
    return processes.run_command(command, folder, LVS_PORT=str(port), **more).returncode


def test_the_health_check_tells_a_well_server_from_none(tmp_path: Path) -> None:
    library = tmp_path / "films"
    library.mkdir()
    with processes.serving(library, tmp_path) as server:
        assert health(server.port, tmp_path) == 0
        server.stop()
        assert health(server.port, tmp_path) == 1


def test_the_health_check_asks_where_the_server_listens(tmp_path: Path) -> None:
    """Also where that stands in a file of the data folder."""
    library, data = tmp_path / "films", tmp_path / "data"
    library.mkdir()
    data.mkdir()
    port = processes.free_port()
    (data / "config.json").write_text(f'{{"port": {port}, "host": "127.0.0.2"}}')
    command = [sys.executable, "-m", "lvs", "serve", library, "--data", data]
    with processes.Server(command, tmp_path) as server:
        assert server.address == f"http://127.0.0.2:{port}"
        command = [sys.executable, HEALTHCHECK]
        asked = processes.run_command(command, tmp_path, LVS_DATA_DIRECTORY=str(data))
        assert (asked.returncode, asked.stderr) == (0, "")


def test_the_health_check_knows_passwords_and_https(tmp_path: Path) -> None:
    (tmp_path / "films").mkdir()
    command = [
        *processes.SERVE,
        tmp_path / "films",
        "--data",
        tmp_path / "data",
        "--tls-self-signed",
    ]
    with processes.Server(command, tmp_path, LVS_PASSWORD="a long secret") as server:
        assert health(server.port, tmp_path, LVS_TLS_SELF_SIGNED="true") == 0
