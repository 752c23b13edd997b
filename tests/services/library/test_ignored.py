"""Folders that are no films, and rules of `.lvsignore` files."""

import os
import subprocess
from pathlib import Path

import pytest
from support.home import Home, seed_video

from lvs.config import IGNORED_FOLDERS
from lvs.services.library.ignored import MAX_BYTES, IgnoredPaths


@pytest.mark.parametrize(
    "folder",
    [
        *("@eaDir", "#recycle", "#snapshot", "$RECYCLE.BIN", "@Recycle", ".Trash-1000"),
        *("lost+found", "System Volume Information", "Network Trash Folder", "@EADIR", "found.000"),
    ],
)
async def test_system_folders_are_not_shown(home: Home, folder: str) -> None:
    home.add("Trip/beach.mp4")
    home.add(f"{folder}/one.mp4")
    home.add(f"Trip/{folder}/beach.mp4/two.mp4")
    await home.scan()
    assert await home.titles() == ["beach"]
    root = home.services.library.active_roots[0]
    await home.services.library.check(root, [os.fsencode(f"Trip/{folder}/beach.mp4/two.mp4")])
    await home.services.library.check(root, [os.fsencode(f"Trip/{folder}")])
    assert await home.titles() == ["beach"]


async def test_files_moved_into_a_system_bin_leave_the_gallery(home: Home) -> None:
    film = home.add("Trip/clip.mp4")
    await home.scan()
    (home.library / "#recycle").mkdir()
    film.rename(home.library / "#recycle" / "clip.mp4")
    root = home.services.library.active_roots[0]
    home.add("stays.mp4")
    await home.services.library.check(root, [b"Trip/clip.mp4", b"#recycle", b"stays.mp4"])
    assert await home.titles() == ["stays"]


async def test_the_list_is_the_households(tmp_path: Path) -> None:
    async with Home(tmp_path, ignored_folders=("Private*",)) as home:
        for name in ("Private things", "private", "lost+found", "Public"):
            home.add(f"{name}/{name} film.mp4")
        await home.scan()
        assert await home.titles() == ["lost+found film", "Public film"]


async def test_ignore_files_count_for_their_folder_and_below(home: Home) -> None:
    for name in ("a.mp4", "Samples/b.mp4", "Trip/c.part.mp4", "Trip/d.mp4", "Trip/Deep/e.mp4"):
        home.add(name)
    await home.scan()
    assert len(await home.titles()) == 5
    (home.library / ".lvsignore").write_text("# not these\nSamples/\n*.part.mp4\n")
    (home.library / "Trip" / ".lvsignore").write_text("/Deep\n!c.part.mp4\n")
    root = home.services.library.active_roots[0]
    await home.services.library.check(root, [b".lvsignore", b"Trip/.lvsignore"])
    assert await home.titles() == ["a", "c part", "d"]
    (home.library / "Trip" / ".lvsignore").unlink()
    await home.services.library.check(root, [b"Trip/.lvsignore"])
    assert await home.titles() == ["a", "d", "e"]
    (home.library / ".lvsignore").unlink()
    await home.scan()
    assert len(await home.titles()) == 5


async def test_a_new_ignore_file_is_noticed(tmp_path: Path) -> None:
    async with Home(tmp_path, watch="auto", scan_interval=0) as home:
        home.add("Samples/b.mp4")
        home.add("a.mp4")
        await home.scan()
        await home.until(lambda: "watching" in home.services.watcher.state.values())
        (home.library / ".lvsignore").write_text("Samples\n")

        async def gone() -> bool:
            return await home.titles() == ["a"]

        await home.until(gone)


@pytest.mark.parametrize(
    "rule", ["*a" * 100 + "b", "?" * 50, "x" * 5000, "[", "\\", "!", "**/**/**/**/z"]
)
def test_hostile_rules_cost_nothing(tmp_path: Path, rule: str) -> None:
    (tmp_path / ".lvsignore").write_text(f"{rule}\nSamples\n")
    ignored, root = IgnoredPaths(()), os.fsencode(tmp_path)
    assert not ignored.is_ignored(root, b"a" * 250 + b"/" + b"a" * 250, is_folder=False)
    assert ignored.is_ignored(root, b"Samples/film.mp4", is_folder=False)


def test_links_and_pipes_are_no_ignore_files(tmp_path: Path) -> None:
    (tmp_path / "rules").write_text("film.mp4\n")
    (tmp_path / ".lvsignore").symlink_to(tmp_path / "rules")
    ignored, root = IgnoredPaths(()), os.fsencode(tmp_path)
    assert not ignored.is_ignored(root, b"film.mp4", is_folder=False)
    (tmp_path / ".lvsignore").unlink()
    os.mkfifo(tmp_path / ".lvsignore")
    assert not ignored.is_ignored(root, b"film.mp4", is_folder=False)


def test_a_rule_that_is_cut_by_the_limit_does_not_count(tmp_path: Path) -> None:
    rules = b"Samples\n" + b"#" * (MAX_BYTES - 10) + b"\n*.tmp.mp4\n"
    (tmp_path / ".lvsignore").write_bytes(rules)
    ignored, root = IgnoredPaths(()), os.fsencode(tmp_path)
    assert ignored.is_ignored(root, b"Samples/film.mp4", is_folder=False)
    assert not ignored.is_ignored(root, b"film.mp4", is_folder=False)


async def test_a_folder_with_the_name_of_an_ignore_file_changes_nothing(home: Home) -> None:
    home.add("film.mp4")
    home.add("trip/.lvsignore/hidden.mp4")
    home.add("trip/beach.mp4")
    (home.library / ".lvsignore").mkdir()
    await home.scan()
    assert await home.titles() == ["beach", "film"]
    assert not home.services.library.progress().offline


@pytest.mark.parametrize("path", ["a.mp4", "Samples/b.mp4", "x/Samples/c.mp4", "x/d.tmp.mp4"])
def test_rules_are_gits(tmp_path: Path, path: str) -> None:
    rules = "Samples/\n*.tmp.mp4\n!x/Samples\n"
    (tmp_path / ".lvsignore").write_text(rules)
    (tmp_path / ".gitignore").write_text(rules)
    (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / path).touch()
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    git = subprocess.run(["git", "-C", tmp_path, "check-ignore", "-q", path], check=False)
    ours = IgnoredPaths(IGNORED_FOLDERS).is_ignored(os.fsencode(tmp_path), path.encode(), False)
    assert ours == (git.returncode == 0)


@pytest.mark.parametrize(("name", "content"), [("module.ts", b"export {}"), ("song.ogg", b"OggS")])
async def test_files_that_may_be_something_else_are_not_shown_before_they_are_known(
    home: Home, name: str, content: bytes
) -> None:
    shown: list[str] = []
    home.add("film.mp4")
    home.add(name, content * 100)
    await home.scan()
    shown += await home.titles()
    await home.probed()
    shown += await home.titles()
    assert shown == ["film", "film"]


async def test_a_recording_named_so_is_shown_and_found_once_it_is_known(home: Home) -> None:
    home.add("recording.ts", seed_video(".ts"))
    await home.scan()
    await home.probed()
    assert await home.titles() == ["recording"]
    page = await (await home.client.get("/?q=recording")).get_data(as_text=True)
    assert "recording" in page
