"""`lvs scan` looks at the library once, with a server beside it or without, and says what stood in
the way.
"""

import json
import os
import pty
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from support import processes
from support.home import OLD_NS, distinct_video

pytestmark = pytest.mark.usefixtures("counted")


def film(folder: Path, name: str, content: bytes | None = None) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(distinct_video() if content is None else content)
    os.utime(path, ns=(OLD_NS, OLD_NS))
    return path


def scan(folder: Path, *arguments: str | Path, **more: str) -> subprocess.CompletedProcess[str]:
    return processes.run("scan", *arguments, "--data", "data", cwd=folder, **more)


def rows(folder: Path, sql: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(folder / "data" / "lvs.db")) as db:
        return list(db.execute(sql))


def test_a_scan_takes_in_what_is_there_probes_it_and_is_quiet_in_a_pipe(tmp_path: Path) -> None:
    film(tmp_path / "Films", "a.mp4")
    film(tmp_path / "Films", "trips/b.mp4")
    film(tmp_path / "Films", "no film.mp4", b"only text")
    answer = scan(tmp_path, "Films")
    assert (answer.returncode, answer.stdout, answer.stderr) == (0, "", "")
    assert rows(tmp_path, "SELECT title, state, poster IS NOT NULL FROM videos ORDER BY title") == [
        ("a", "ready", 1),
        ("b", "ready", 1),
        ("no film", "unreadable", 0),
    ]
    assert len(list((tmp_path / "data" / "thumbnails").glob("??/*.webp"))) == 4


def test_the_json_says_what_changed_since_the_last_scan(tmp_path: Path) -> None:
    library = tmp_path / "Films"
    moved, _, gone = (film(library, f"{name}.mp4") for name in ("moved", "stays", "gone"))
    first = json.loads(scan(tmp_path, "Films", "--json").stdout)
    assert first == {
        "libraries": [
            {"path": str(library.resolve()), "name": "Films", "videos": 3, "offline": False}
        ],
        "seen": 3,
        "added": 3,
        "changed": 0,
        "missing": 0,
        "attached": 0,
        "looked": 3,
        "unreadable": 0,
        "problems": [],
    }
    moved.rename(library / "elsewhere.mp4")
    gone.unlink()
    film(library, "new.mp4")
    second = json.loads(scan(tmp_path, "--json").stdout)
    numbers = {name: second[name] for name in ("seen", "added", "changed", "missing", "looked")}
    assert numbers == {"seen": 3, "added": 1, "changed": 1, "missing": 1, "looked": 1}


def test_without_probing_new_videos_are_left_for_the_server(tmp_path: Path) -> None:
    film(tmp_path / "Films", "a.mp4")
    assert scan(tmp_path, "Films", "--no-look").returncode == 0
    assert rows(tmp_path, "SELECT state FROM videos") == [("new",)]
    assert scan(tmp_path).returncode == 0
    assert rows(tmp_path, "SELECT state FROM videos") == [("ready",)]


def test_a_file_written_a_moment_ago_is_waited_for(tmp_path: Path) -> None:
    path = film(tmp_path / "Films", "a.mp4")
    os.utime(path)
    answer = scan(tmp_path, "Films", "--json", "--no-look", LVS_SETTLE_SECONDS="1")
    assert answer.returncode == 0
    assert json.loads(answer.stdout)["added"] == 1


def test_a_file_that_is_still_being_written_is_a_problem_and_waits_for_the_next_scan(
    tmp_path: Path,
) -> None:
    path = film(tmp_path / "Films", "a.mp4")
    program = "import os, sys, time\nwhile True:\n    os.utime(sys.argv[1])\n    time.sleep(0.1)"
    with subprocess.Popen([sys.executable, "-c", program, path]) as writer:
        try:
            answer = scan(tmp_path, "Films", "--no-look", LVS_SETTLE_SECONDS="0.5")
        finally:
            writer.kill()
    assert answer.returncode == 1
    assert answer.stderr == "lvs: 1 files are still being written; the next scan takes them in.\n"
    assert rows(tmp_path, "SELECT * FROM videos") == []
    assert (
        json.loads(scan(tmp_path, "--no-look", "--json", LVS_SETTLE_SECONDS="0.5").stdout)["added"]
        == 1
    )


def test_folders_that_are_known_stay_when_another_is_scanned(tmp_path: Path) -> None:
    for name in ("One", "Two", "other/One"):
        film(tmp_path / name, "a.mp4")
    assert scan(tmp_path, "One", "Two", "--no-look").returncode == 0
    film(tmp_path / "One", "later.mp4")
    answer = scan(tmp_path, "other/One", "--no-look", "--json")
    assert [library["name"] for library in json.loads(answer.stdout)["libraries"]] == ["One-2"]
    assert rows(tmp_path, "SELECT name, active FROM roots ORDER BY id") == [
        ("One", 1),
        ("Two", 1),
        ("One-2", 1),
    ]
    assert rows(tmp_path, "SELECT count(*) FROM gallery") == [(3,)]
    assert len(json.loads(scan(tmp_path, "--no-look", "--json").stdout)["libraries"]) == 3
    assert rows(tmp_path, "SELECT count(*) FROM gallery") == [(4,)]


def test_configured_folders_are_scanned_when_none_is_named(tmp_path: Path) -> None:
    film(tmp_path / "One", "a.mp4")
    film(tmp_path / "Two", "b.mp4")
    assert scan(tmp_path, "One", "--no-look").returncode == 0
    answer = scan(tmp_path, "--no-look", "--json", LVS_VIDEO_DIRECTORY=str(tmp_path / "Two"))
    assert [library["name"] for library in json.loads(answer.stdout)["libraries"]] == ["Two"]
    assert rows(tmp_path, "SELECT count(*) FROM gallery") == [(2,)]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "No library folder is known yet."),
        (["nowhere"], "The library folder"),
        (["Films/film.mp4"], "The library folder"),
        (["Films", "--format"], "unrecognized arguments"),
    ],
)
def test_a_refused_scan_ends_with_a_message(
    tmp_path: Path, arguments: list[str], message: str
) -> None:
    film(tmp_path / "Films", "film.mp4")
    answer = scan(tmp_path, *arguments)
    assert (answer.returncode, answer.stdout) == (2, "")
    assert answer.stderr.startswith(f"lvs: {message}")
    assert not (tmp_path / "data" / "lvs.db").exists()


@pytest.mark.parametrize(("known", "named"), [("Films", "Films/trips"), ("Films/trips", "Films")])
def test_a_folder_in_a_known_one_is_refused_and_changes_nothing(
    tmp_path: Path, known: str, named: str
) -> None:
    film(tmp_path / "Films" / "trips", "a.mp4")
    assert scan(tmp_path, known, "--no-look").returncode == 0
    answer = scan(tmp_path, named, "--no-look")
    assert answer.returncode == 2
    assert "trips lies in the library folder" in answer.stderr
    assert len(rows(tmp_path, "SELECT * FROM roots")) == 1


def test_a_folder_that_is_away_is_a_problem_and_loses_nothing(tmp_path: Path) -> None:
    film(tmp_path / "One", "a.mp4")
    film(tmp_path / "Two", "b.mp4")
    assert scan(tmp_path, "One", "Two", "--no-look").returncode == 0
    (tmp_path / "One").rename(tmp_path / "unplugged")
    answer = scan(tmp_path, "--no-look", "--json")
    assert answer.returncode == 1
    report = json.loads(answer.stdout)
    assert [library["offline"] for library in report["libraries"]] == [True, False]
    assert str(tmp_path / "One") in answer.stderr
    assert rows(tmp_path, "SELECT count(*) FROM files WHERE missing_since IS NOT NULL") == [(0,)]


def test_a_scan_beside_a_running_server_leaves_the_probing_to_it(tmp_path: Path) -> None:
    library = tmp_path / "Films"
    film(library, "a.mp4")
    options = {"LVS_WATCH": "off", "LVS_SETTLE_SECONDS": "0", "LVS_ENABLE_THUMBNAILS": "false"}
    command: list[str | Path] = [
        sys.executable,
        "-m",
        "lvs",
        "serve",
        library,
        "--data",
        "data",
        "--host",
        "127.0.0.1",
        "--port",
        "0",
    ]
    with processes.Server(command, tmp_path, **options) as server:
        film(library, "b.mp4")
        answer = scan(tmp_path, "--json", **options)
        assert answer.returncode == 0, answer.stderr
        report = json.loads(answer.stdout)
        assert (report["seen"], report["looked"]) == (2, 0)
        assert len(rows(tmp_path, "SELECT * FROM files WHERE missing_since IS NULL")) == 2
        assert server.stop() == 0


def test_progress_is_shown_on_a_terminal(tmp_path: Path) -> None:
    film(tmp_path / "Films", "a.mp4")
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "lvs", "scan", "Films", "--data", "data"]
    environment = processes.environment(tmp_path)
    with subprocess.Popen(
        command,
        cwd=tmp_path,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=theirs,
    ) as process:
        os.close(theirs)
        shown = b""
        try:
            while part := os.read(ours, 1000):
                shown += part
        except OSError:  # Linux says so at the end of a terminal
            pass
        assert process.wait(processes.PATIENCE_SECONDS) == 0
    os.close(ours)
    assert b"files seen" in shown
    assert b"1 files seen: 1 new." in shown
