"""The files for Docker, as far as they can be tried without it: what they copy, what they run, and
what they promise.
"""

import re
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
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


def test_what_the_image_copies_is_there_and_reaches_docker() -> None:
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
