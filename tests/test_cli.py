"""The command line and the server process, as a person at a terminal meets them."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from support import loopback, processes

import lvs
from lvs import __version__, listening, logs
from lvs.services.network.served import addresses

pytestmark = pytest.mark.usefixtures("counted")

# A small app in the place of the real one: it can be made to start badly, to stream without end,
# and to hang when it stops.
OTHER_APP = """
    import asyncio, os, sys, time, types
    from quart import Quart, Response
    from lvs import cli, errors

    def create_app(config, database):
        app = Quart("lvs.other")
        behaviour = os.environ.get("BEHAVIOUR", "")

        @app.before_serving
        async def start():
            if behaviour == "refuse":
                raise errors.Unavailable("The database is from the future.")
            if behaviour == "break":
                async with asyncio.TaskGroup() as group:
                    group.create_task(fail())

        async def fail():
            raise ValueError("a bug\\nwith two lines")

        @app.after_serving
        async def stop():
            print("stopping", flush=True)
            if behaviour == "linger":
                await asyncio.sleep(60)
            if behaviour == "hang":
                asyncio.get_running_loop().run_in_executor(None, time.sleep, 60)
            print("stopped", flush=True)

        @app.get("/ping")
        async def ping():
            return {"status": "ok"}

        @app.get("/endless")
        async def endless():
            async def body():
                while True:
                    yield bytes(65536)
                    await asyncio.sleep(0)
            response = Response(body(), headers={"content-length": str(10**12)})
            response.timeout = None
            return response

        return app

    sys.modules["lvs.app"] = types.SimpleNamespace(create_app=create_app)
    sys.exit(cli.main(sys.argv[1:]))
"""


@pytest.fixture
def library(tmp_path: Path) -> Path:
    folder = tmp_path / "films"
    folder.mkdir()
    return folder


@pytest.fixture
def other(tmp_path: Path, library: Path) -> list[str | Path]:
    """The command that serves the small app on a free port of this machine only."""
    script = tmp_path / "other.py"
    script.write_text(textwrap.dedent(OTHER_APP))
    return [
        sys.executable,
        script,
        "serve",
        library,
        "--host",
        "127.0.0.1",
        "--port",
        "0",
        "--data",
        tmp_path / "data",
    ]


def refused(*arguments: str | Path, cwd: Path, **more: str) -> str:
    """The one sentence with which `lvs` refuses."""
    answer = processes.run(*arguments, cwd=cwd, **more)
    assert answer.returncode == 2
    assert answer.stdout == ""
    lines = answer.stderr.splitlines()
    assert len(lines) == 1, answer.stderr
    assert lines[0].startswith("lvs: ")
    assert lines[0].endswith(".")
    return lines[0].removeprefix("lvs: ")


def test_help_names_every_command(tmp_path: Path) -> None:
    answer = processes.run("--help", cwd=tmp_path)
    assert answer.returncode == 0
    commands = Path(lvs.__file__).parent / "commands"
    for module in commands.glob("[a-z]*.py"):
        assert re.search(
            rf"^ +{module.stem.rstrip('_').replace('_', '-')}\s+[A-Z].*",
            answer.stdout,
            re.MULTILINE,
        )


def test_the_version(tmp_path: Path) -> None:
    assert processes.run("--version", cwd=tmp_path).stdout == f"lvs {__version__}\n"


def test_a_command_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    assert "'srve'" in refused("srve", cwd=tmp_path)
    assert "COMMAND" in refused(cwd=tmp_path)
    assert "--prot" in refused("serve", "--prot", "1", cwd=tmp_path)


def test_config_prints_values_and_where_they_come_from(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"watch": "off", "wacth": 1}')
    answer = processes.run("config", "films", "--port", "81", cwd=tmp_path, LVS_LOG_LEVEL="debug")
    assert answer.returncode == 0
    assert "port = 81  (--port)\n" in answer.stdout
    assert "log_level = debug  (LVS_LOG_LEVEL in the environment)\n" in answer.stdout
    assert f"watch = off  (watch in {tmp_path / 'config.json'})\n" in answer.stdout
    assert f"video_directory = {tmp_path / 'films'}  (LIBRARY)\n" in answer.stdout
    assert "did you mean watch?" in answer.stderr


def test_config_prints_json(tmp_path: Path) -> None:
    answer = processes.run(
        "config", "--json", cwd=tmp_path, LVS_PORT="81", LVS_TRUSTED_PROXIES="10.0.0.0/8"
    )
    found = json.loads(answer.stdout)
    assert found["port"] == {"value": 81, "from": "LVS_PORT in the environment"}
    assert found["trusted_proxies"]["value"] == ["10.0.0.0/8"]
    assert found["ratings_limit"] == {"value": "30/10", "from": "default"}


def test_a_broken_config_file_is_one_message(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"port": }')
    said = refused("serve", "films", cwd=tmp_path)
    assert (
        said == f"{tmp_path / 'config.json'} is not valid JSON: Expecting value, line 1, column 10."
    )


def test_each_wrong_value_is_a_message(tmp_path: Path) -> None:
    answer = processes.run("serve", "films", "--port", "x", cwd=tmp_path, LVS_WATCH="x")
    assert answer.returncode == 2
    assert [line.split(":")[1] for line in answer.stderr.splitlines()] == [
        " --port",
        " LVS_WATCH in the environment",
    ]


def test_no_library_is_named(tmp_path: Path) -> None:
    assert "lvs serve FOLDER" in refused("serve", cwd=tmp_path)


def test_library_folders_that_cannot_be_served(tmp_path: Path, library: Path) -> None:
    (tmp_path / "film.mp4").touch()
    (library / "inner").mkdir()
    assert f"{tmp_path / 'none'} is not there" in refused("serve", "none", cwd=tmp_path)
    assert f"{tmp_path / 'none'} is not there" in refused("serve", library, "none", cwd=tmp_path)
    assert f"{tmp_path / 'none'} is not there" in refused(
        "serve", cwd=tmp_path, LVS_VIDEO_DIRECTORY="none"
    )
    assert f"{tmp_path / 'film.mp4'} is a file" in refused("serve", "film.mp4", cwd=tmp_path)
    assert f"lies in the library folder {library}" in refused(
        "serve", library, library / "inner", cwd=tmp_path
    )
    (tmp_path / "link").symlink_to(library / "inner")
    assert f"lies in the library folder {library}" in refused(
        "serve", library, "link", cwd=tmp_path
    )


def test_nothing_would_be_written_into_a_library(tmp_path: Path, library: Path) -> None:
    assert "LVS would write into" in refused(
        "serve", library, "--data", library / "data", cwd=tmp_path
    )
    assert "metadata_db" in refused(
        "serve", library, cwd=tmp_path, LVS_METADATA_DB=str(library / "lvs.db")
    )
    assert list(library.iterdir()) == []


def test_data_folders_that_cannot_be_used(tmp_path: Path, library: Path) -> None:
    (tmp_path / "file").touch()
    assert "a file is in its place" in refused("serve", library, "--data", "file", cwd=tmp_path)
    assert "a file is in its place" in refused(
        "serve", library, "--data", "file/data", cwd=tmp_path
    )


@pytest.mark.skipif(
    not Path("/proc/self").exists(),
    reason="needs a folder in which nobody can write, which Linux has",
)
def test_a_data_folder_that_cannot_be_written_is_one_message(tmp_path: Path, library: Path) -> None:
    assert "The data folder /proc cannot be written: " in refused(
        "serve", library, "--data", "/proc", cwd=tmp_path
    )
    assert "cannot be written: " in refused("serve", library, "--data", "/proc/lvs", cwd=tmp_path)


def test_a_taken_port_is_one_message(tmp_path: Path, library: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = refused("serve", library, "--port", str(port), "--host", "127.0.0.1", cwd=tmp_path)
        assert said.startswith(f"Port {port} is taken by another program.")
        assert f"Port {port} is taken" in refused(
            "serve", library, "--port", str(port), cwd=tmp_path
        )


def test_a_host_that_is_not_this_machine_is_one_message(tmp_path: Path, library: Path) -> None:
    assert "no address of this machine" in refused(
        "serve", library, "--host", "198.51.100.7", cwd=tmp_path
    )
    assert "cannot look up" in refused("serve", library, "--host", "nowhere.invalid", cwd=tmp_path)


def test_a_server_says_where_it_is_and_what_it_serves(
    other: list[str | Path], tmp_path: Path, library: Path
) -> None:
    with processes.Server(other, cwd=tmp_path) as running:
        assert re.fullmatch(r"http://127\.0\.0\.1:[1-9][0-9]*", running.address)
        assert sum("http://" in line for line in running.lines) == 1
        assert f"Library:  {library}" in running.lines
        assert f"Data:     {tmp_path / 'data'}" in running.lines
        assert loopback.get(f"{running.address}/ping").json() == {"status": "ok"}
        assert "server" not in loopback.get(f"{running.address}/ping").headers
        assert running.stop() == 0
        assert running.errors == ""


def test_addresses_by_which_a_server_is_reached() -> None:
    assert addresses("127.0.0.1", 1) == ["http://127.0.0.1:1"]
    assert addresses("::1", 1) == ["http://[::1]:1"]
    assert addresses("localhost", 1) == ["http://localhost:1"]
    everywhere = addresses("0.0.0.0", 1)
    assert everywhere[0] == "http://localhost:1"
    assert everywhere[-1] == f"http://{socket.gethostname().partition('.')[0]}.local:1"
    assert not any("127.0.0.1" in address or "[" in address for address in everywhere)
    assert set(everywhere) <= set(addresses("::", 1))


def test_one_name_with_two_addresses_gets_one_port() -> None:
    sockets = listening.listen("localhost", 0)
    try:
        assert len({each.getsockname()[1] for each in sockets}) == 1
        assert len({each.getsockname()[0] for each in sockets}) == len(sockets)
    finally:
        for each in sockets:
            each.close()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_server_in_order_while_viewers_watch(
    number: signal.Signals, other: list[str | Path], tmp_path: Path
) -> None:
    with processes.Server(other, cwd=tmp_path) as running:
        viewers = [socket.create_connection(("127.0.0.1", running.port)) for _ in range(4)]
        for viewer in viewers[1:]:  # the first only opens its connection
            viewer.sendall(b"GET /endless HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert (
                viewer.recv(15) == b"HTTP/1.1 200 \r\n"
            )  # and then takes nothing more, as a paused player does
        # 0 says that the app has stopped by itself; past the time limit it would be 1.
        assert running.stop(number) == 0
        for viewer in viewers:
            viewer.close()


def test_a_server_that_cannot_stop_is_ended(other: list[str | Path], tmp_path: Path) -> None:
    with processes.Server(other, cwd=tmp_path, BEHAVIOUR="hang") as running:
        assert running.stop() == 1
        assert "did not stop in time" in running.errors


def test_a_second_signal_ends_it_at_once(other: list[str | Path], tmp_path: Path) -> None:
    with processes.Server(other, cwd=tmp_path, BEHAVIOUR="linger") as running:
        running.send(signal.SIGTERM)
        running.read_until("stopping")
        assert running.stop() == 128 + signal.SIGTERM


def test_one_server_for_one_data_folder(
    other: list[str | Path], tmp_path: Path, library: Path
) -> None:
    with processes.Server(other, cwd=tmp_path) as running:
        said = refused("serve", library, "--port", "0", "--data", "data", cwd=tmp_path)
        assert f"(process {running.pid})" in said
        assert running.stop(signal.SIGKILL) == -signal.SIGKILL
    with processes.Server(other, cwd=tmp_path) as running:
        assert running.stop() == 0


def test_a_start_that_the_app_refuses_is_its_message(
    other: list[str | Path], tmp_path: Path
) -> None:
    answer = processes.run_command(other, tmp_path, BEHAVIOUR="refuse")
    assert (answer.returncode, answer.stdout, answer.stderr) == (
        2,
        "",
        "lvs: The database is from the future.\n",
    )


def test_a_bug_is_one_line_on_the_screen_and_a_traceback_in_the_log(
    other: list[str | Path], tmp_path: Path
) -> None:
    answer = processes.run_command(other, tmp_path, BEHAVIOUR="break")
    assert answer.returncode == 1
    assert len(answer.stderr.splitlines()) == 1
    assert "(ValueError: a bug\\nwith two lines)" in answer.stderr
    log = (tmp_path / "data" / "logs" / "lvs.log").read_text()
    assert "    Traceback (most recent call last):\n" in log
    assert "    ValueError: a bug\n    with two lines\n" in log


def test_a_folder_that_is_away_is_a_warning_while_another_is_there(
    other: list[str | Path], tmp_path: Path, library: Path
) -> None:
    other.remove(library)
    folders = os.pathsep.join([str(library), str(tmp_path / "away")])
    with processes.Server(other, cwd=tmp_path, LVS_VIDEO_DIRECTORY=folders) as running:
        assert (
            f"{tmp_path / 'away'} is not there. It counts as offline until it is there."
            in running.errors
        )
        assert running.stop() == 0


def test_names_from_outside_cannot_garble_the_terminal_or_the_log(
    other: list[str | Path], tmp_path: Path, library: Path
) -> None:
    strange = library.rename(library.with_name("films\x1b[31m\nforged \udcff"))
    (tmp_path / "config.json").write_text(json.dumps({"a\nb\u202e": 1}))
    command: list[str | Path] = [strange if part == library else part for part in other]
    with processes.Server(command, cwd=tmp_path, LC_ALL="C", PYTHONUTF8="0") as running:
        assert f"Library:  {tmp_path}/films\\x1b[31m\\nforged \\udcff" in running.lines
        assert running.stop() == 0
        assert len(running.errors.splitlines()) == 1
    log = (tmp_path / "data" / "logs" / "lvs.log").read_text()
    assert len(log.splitlines()) == 1
    assert "'a\\nb\\u202e'" in log


def test_one_line_keeps_every_ordinary_letter() -> None:
    assert logs.one_line("Größe 映画 👩‍👩‍👧.mp4") == "Größe 映画 👩‍👩‍👧.mp4"
    assert (
        logs.one_line("a\r\n\x00\x85\u2028\u202e\udc80") == "a\\r\\n\\x00\\x85\\u2028\\u202e\\udc80"
    )


def test_a_reader_who_leaves_early_is_no_failure(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "lvs", "config"]
    answer = subprocess.run(
        command,
        cwd=tmp_path,
        env=processes.environment(tmp_path),
        stdout=writing,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(writing)
    assert answer.stderr == ""
