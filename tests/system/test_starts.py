"""Odd ways to start LVS: it works, or says in a sentence what to do and ends with 2."""

import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from support import loopback, processes
from support.home import distinct_video

from lvs.process_limits import refuses_memory

LVS: list[str | Path] = [sys.executable, "-m", "lvs"]
NOBODY = ["unshare", "-U", "--map-user=54321", "--map-group=54321"]  # whom no list knows
NO_HOME = ["env", "-u", "HOME", "-u", "XDG_DATA_HOME"]


@pytest.fixture
def library(tmp_path: Path) -> Path:
    folder = tmp_path / "films"
    folder.mkdir()
    (folder / "film.mp4").write_bytes(distinct_video())
    os.utime(folder / "film.mp4", (1_600_000_000,) * 2)
    return folder


def shell(script: str, *command: str | Path) -> list[str | Path]:
    """The command, run by a shell that does something before (`"$@"` is the command)."""
    return ["sh", "-c", script, "sh", *command]


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_streams_are_no_hindrance(tmp_path: Path, library: Path, closed: str) -> None:
    port = processes.free_port()
    serve = [*LVS, "serve", library, "--data", tmp_path / "data", "--host", "127.0.0.1"]
    command = shell(f'exec "$@" {closed}', *serve, "--port", str(port), "--tls-port", "0")
    process = subprocess.Popen(
        list(map(str, command)), cwd=tmp_path, env=processes.environment(tmp_path)
    )
    try:
        with loopback.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
            processes.until(lambda: _answers(client))
            assert client.get("/").status_code == 200
        process.send_signal(signal.SIGTERM)
        assert process.wait(processes.PATIENCE_SECONDS) == 0
    finally:
        process.kill()
    assert "Traceback" not in (tmp_path / "data/logs/lvs.log").read_text()


def _answers(client: httpx.Client) -> bool:
    try:
        return client.get("/ping").status_code == 200
    except httpx.HTTPError:
        return False


@pytest.mark.parametrize("who", ["nobody", "nobody with an empty HOME", "HOME is no folder"])
def test_without_a_home_it_says_how_to_go_on(tmp_path: Path, library: Path, who: str) -> None:
    changes = {
        "nobody": [*NOBODY, *NO_HOME],
        "nobody with an empty HOME": [*NOBODY, *NO_HOME, "HOME="],
        "HOME is no folder": [*NO_HOME, "HOME=/proc/version"],
    }[who]
    serve = [*LVS, "serve", library, "--host", "127.0.0.1", "--port", "0", "--tls-port", "0"]
    ran = processes.run_command([*changes, *serve], tmp_path)
    assert ran.returncode == 2, ran.stderr
    assert "--data" in ran.stderr
    assert "should not" not in ran.stderr
    with processes.Server([*changes, *serve, "--data", tmp_path / "data"], tmp_path) as server:
        assert loopback.get(f"{server.address}/ping").status_code == 200
        assert server.stop() == 0


@pytest.mark.parametrize("kilobytes", [60_000, 400_000, 1_500_000])
def test_too_little_address_space_is_a_message(
    tmp_path: Path, library: Path, kilobytes: int
) -> None:
    serve = [*LVS, "serve", library, "--data", tmp_path / "data", "--port", "0"]
    ran = processes.run_command(shell(f'ulimit -v {kilobytes}; exec "$@"', *serve), tmp_path)
    assert ran.returncode == 2, ran.stderr
    assert "ulimit -v" in ran.stderr
    assert "should not" not in ran.stderr


def test_errors_of_python_without_memory_are_recognised() -> None:
    lost = SystemError("error return without exception set")
    assert refuses_memory(ImportError("libx.so: failed to map segment from shared object"))
    assert not refuses_memory(ImportError("No module named 'x'"))
    limits = resource.getrlimit(resource.RLIMIT_AS)
    try:
        resource.setrlimit(resource.RLIMIT_AS, (limits[1], limits[1]))
        assert refuses_memory(lost) is (limits[1] != resource.RLIM_INFINITY)
        resource.setrlimit(resource.RLIMIT_AS, (1 << 46, limits[1]))
        assert refuses_memory(lost)
    finally:
        resource.setrlimit(resource.RLIMIT_AS, limits)


@pytest.mark.parametrize("limit", ["ulimit -v 3000000", "ulimit -S -v 400000"])
def test_enough_address_space_is_enough_for_films_too(
    tmp_path: Path, library: Path, limit: str
) -> None:
    serve = [*LVS, "serve", library, "--data", tmp_path / "data", "--host", "127.0.0.1"]
    command = shell(f'{limit}; exec "$@"', *serve, "--port", "0", "--tls-port", "0")
    with processes.Server(command, tmp_path) as server:

        def is_ready() -> bool:
            videos = loopback.get(f"{server.address}/api/videos", timeout=30).json()["videos"]
            return [video["state"] for video in videos] == ["ready"]

        processes.until(is_ready)
        assert server.stop() == 0
