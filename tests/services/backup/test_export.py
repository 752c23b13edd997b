"""`lvs export` writes everything people gave their videos, of missing ones too, in a form that
other programs read.
"""

import csv
import io
import json
import os
import resource
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from support import processes
from support.home import Home
from support.importing import take
from support.original import AT_MS, database

from lvs.services.backup.export import COLUMNS, as_csv, as_json

pytestmark = pytest.mark.usefixtures("counted")

ODD_NAMES: list[str | bytes] = [
    "-rf.mp4",
    'a "quoted", one.mp4',
    "new\nline.mp4",
    "猫.mp4",
    b"latin-1 caf\xe9.mp4",
    "=1+1.mp4",
    "🎬.mp4",
]


async def exported(home: Home) -> dict[str, list[dict[str, object]]]:
    content: dict[str, list[dict[str, object]]] = json.loads(
        b"".join([piece async for piece in as_json(home.services.database)])
    )
    return content


async def table(home: Home) -> list[dict[str, str]]:
    content = b"".join([piece async for piece in as_csv(home.services.database)])
    return list(csv.DictReader(io.StringIO(content.decode("utf-8", "surrogateescape"), newline="")))


async def test_every_field_of_a_video_is_there_with_times_in_utc(
    home: Home, tmp_path: Path
) -> None:
    home.add("a.mp4")
    home.add("plain.mp4")
    await home.scan()
    path = database(
        tmp_path / "o.db",
        ratings={"a.mp4": 4},
        views={"a.mp4": 7},
        tags=[("a.mp4", "#sea"), ("a.mp4", "#Alps")],
        favorites=["a.mp4"],
        added={"a.mp4": 1_500_000_000.5},
        playlists={"Trips": ["plain.mp4", "a.mp4", "plain.mp4", "gone.mp4"], "Empty": []},
    )
    await take(home, path)
    content = await exported(home)
    video, plain = content["videos"]
    assert video == {
        "path": "a.mp4",
        "media_hash": (await home.video("a.mp4")).media_hash,
        "title": "a",
        "projection": None,
        "poster_at": None,
        "rating": 4,
        "views": 7,
        "last_viewed_at": "2025-03-01T10:20:30.000Z",
        "tags": ["Alps", "sea"],
        "favorite": True,
        "favorited_at": "2025-03-01T10:20:30.000Z",
        "added_at": "2017-07-14T02:40:00.500Z",
        "missing_since": None,
        "position_s": None,
        "watched": False,
        "progress_at": None,
        "dismissed": False,
        "later_at": None,
        "hidden_at": None,
        "notes": None,
        "markers": None,
        "different_from": [],
    }
    assert AT_MS == 1_740_824_430_000
    assert tuple(video) == COLUMNS
    assert (
        plain["rating"],
        plain["views"],
        plain["favorite"],
        plain["tags"],
        plain["last_viewed_at"],
    ) == (
        None,
        0,
        False,
        [],
        None,
    )
    assert [(each["name"], each["items"]) for each in content["playlists"]] == [
        ("Empty", []),
        ("Trips", ["plain.mp4", "a.mp4", "plain.mp4"]),
    ]


async def test_a_missing_video_is_exported_with_where_it_lay_last(home: Home) -> None:
    path = home.add("a.mp4")
    home.add("b.mp4")
    await home.scan()
    media_hash = (await home.video("a.mp4")).media_hash
    await home.services.ratings.rate(media_hash, 5, "test")
    path.unlink()
    await home.scan()
    videos = {video["path"]: video for video in (await exported(home))["videos"]}
    assert videos["a.mp4"]["rating"] == 5
    assert str(videos["a.mp4"]["missing_since"]).endswith("Z")
    assert videos["b.mp4"]["missing_since"] is None
    assert (await table(home))[0]["missing_since"] == videos["a.mp4"]["missing_since"]


async def test_any_name_comes_back_from_json_and_csv(home: Home) -> None:
    for name in ODD_NAMES:
        home.add(name)
    await home.scan()
    wanted = sorted(name if isinstance(name, bytes) else os.fsencode(name) for name in ODD_NAMES)
    assert (
        sorted(os.fsencode(str(video["path"])) for video in (await exported(home))["videos"])
        == wanted
    )
    cells = [row["path"] for row in await table(home)]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@"))], (
        "a spreadsheet would run these"
    )
    assert sorted(os.fsencode(cell.removeprefix("'")) for cell in cells) == wanted


async def test_with_several_library_folders_a_path_begins_with_the_name_of_its_folder(
    tmp_path: Path,
) -> None:
    async with Home(tmp_path, libraries=("One", "Two")) as home:
        home.add("a.mp4")
        home.add("sub/b.mp4", library=1)
        await home.scan()
        assert sorted(str(video["path"]) for video in (await exported(home))["videos"]) == [
            "One/a.mp4",
            "Two/sub/b.mp4",
        ]


async def test_an_export_shows_no_change_made_while_it_runs(home: Home) -> None:
    for number in range(3):
        home.add(f"{number}.mp4")
    await home.scan()
    media_hashes = [(await home.video(f"{number}.mp4")).media_hash for number in range(3)]
    pieces = as_json(home.services.database)
    content = await anext(pieces) + await anext(pieces)
    for media_hash in media_hashes:
        await home.services.ratings.rate(media_hash, 5, "test")
    async for piece in pieces:
        content += piece
    assert [video["rating"] for video in json.loads(content)["videos"]] == [None] * 3
    assert [video["rating"] for video in (await exported(home))["videos"]] == [5] * 3


# --- The command ---


def many_videos(folder: Path, count: int) -> None:
    """A data folder with so many videos that never were."""
    (folder / "Films").mkdir()
    assert processes.run("scan", "Films", "--data", "data", cwd=folder).returncode in (0, 1)
    with closing(sqlite3.connect(folder / "data" / "lvs.db")) as db, db:
        numbers = [(number, f"{number:016x}", f"film {number}") for number in range(1, count + 1)]
        db.executemany(
            "INSERT INTO videos (id, media_hash, title, added_at, shuffle) VALUES (?, ?, ?, 1, 1)",
            numbers,
        )


def test_the_output_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    many_videos(tmp_path, 3000)
    target = tmp_path / "out.json"
    target.write_text("older")
    command = [sys.executable, "-m", "lvs", "export", "--data", "data", "--output", str(target)]

    def small_files() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))

    answer = subprocess.run(
        command,
        cwd=tmp_path,
        env=processes.environment(tmp_path),
        preexec_fn=small_files,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert answer.returncode == 2
    assert answer.stderr.startswith("lvs: ")
    assert target.read_text() == "older"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["Films", "data", "out.json"]
    answer = processes.run("export", "--data", "data", "--output", target, cwd=tmp_path)
    assert (answer.returncode, answer.stdout, answer.stderr) == (0, "", "")
    assert len(json.loads(target.read_bytes())["videos"]) == 3000


def test_memory_does_not_grow_with_the_library(tmp_path: Path) -> None:
    many_videos(tmp_path, 1)
    program = """
import pathlib, re, sys
from lvs import cli
cli.main(sys.argv[1:])
print(re.search(r"VmHWM:\\s+(\\d+)", pathlib.Path("/proc/self/status").read_text())[1])
"""

    def peak_kib(count: int) -> int:
        with closing(sqlite3.connect(tmp_path / "data" / "lvs.db")) as db, db:
            numbers = [
                (number, f"{number:016x}", f"film {number}" * 100) for number in range(2, count + 1)
            ]
            db.executemany(
                "INSERT OR IGNORE INTO videos (id, media_hash, title, added_at, shuffle) VALUES (?,"
                " ?, ?, 1, 1)",
                numbers,
            )
        command: list[str | Path] = [
            sys.executable,
            "-c",
            program,
            "export",
            "--data",
            "data",
            "--output",
            "out.json",
        ]
        return int(processes.run_command(command, tmp_path).stdout)

    medium, large = (
        peak_kib(8_000),
        peak_kib(28_000),
    )  # with the first SQLite's own caches are full
    assert (tmp_path / "out.json").stat().st_size > 28_000_000
    assert large - medium < 10 * 1024


@pytest.mark.parametrize("form", ["json", "csv"])
def test_the_command_writes_to_a_pipe_and_ends_with_it(tmp_path: Path, form: str) -> None:
    many_videos(tmp_path, 3000)
    command = f"{sys.executable} -m lvs export --data data --format {form} | head -c 10"
    answer = processes.run_command(["sh", "-c", command], tmp_path)
    assert (len(answer.stdout), answer.stderr) == (10, "")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--data", "nowhere"], "There is no LVS database"),
        (["--data", "data", "--format", "xml"], "argument --format: invalid choice"),
        (["--data", "data", "--output", "nowhere/out.json"], "nowhere"),
    ],
)
def test_a_refused_export_ends_with_a_message(
    tmp_path: Path, arguments: list[str], message: str
) -> None:
    many_videos(tmp_path, 1)
    answer = processes.run("export", *arguments, cwd=tmp_path)
    assert (answer.returncode, answer.stdout) == (2, "")
    assert answer.stderr.startswith(f"lvs: {message}")
    assert not (tmp_path / "nowhere").exists()
