"""`lvs export --nfo` and `--sidecar`: a file for each video, in a folder of one's choice, and never
in a library folder.
"""

import json
import os
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from support import processes
from support.home import Home

from lvs.errors import Invalid
from lvs.services.backup.side_files import SideFileKind, SideFilesExport

pytestmark = pytest.mark.usefixtures("counted")


async def curated(home: Home) -> str:
    """A library with one film that has everything; its hash."""
    home.add("trips/kyoto.mp4")
    home.add("trips/kyoto.mkv")
    home.add(b"latin \xe9.mp4")
    home.add("gone.mp4")
    await home.scan()
    (home.library / "gone.mp4").unlink()
    await home.scan()
    media_hash = (await home.video("trips/kyoto.mp4")).media_hash
    services = home.services
    await services.ratings.rate(media_hash, 4, "tester")
    await services.favorites.set(media_hash, True, "tester")
    await services.views.count(media_hash, "tester")
    await services.videos.retitle(media_hash, "Kyōto <& friends>", "tester")
    await services.notes.set(media_hash, "Two\nlines", "tester")
    for tag in ("japan", "temples & gardens"):
        await services.tags.add(media_hash, tag, "tester")
    return media_hash


def files_in(folder: Path) -> list[bytes]:
    top = os.fsencode(folder)
    return sorted(
        os.path.relpath(os.path.join(path, name), top)
        for path, _, names in os.walk(top)
        for name in names
    )


async def test_every_film_gets_its_files_and_programs_can_read_them(
    home: Home, tmp_path: Path
) -> None:
    media_hash = await curated(home)
    before = files_in(home.library)
    for kind, flag in ((SideFileKind.NFO, "--nfo"), (SideFileKind.SIDECAR, "--sidecar")):
        folder = tmp_path / kind
        for _ in range(2):  # a second time replaces them
            done = processes.run("export", flag, folder, "--data", home.data, cwd=tmp_path)
            assert (done.returncode, done.stderr) == (0, ""), done.stderr
            assert done.stdout == f"4 files written into {folder}.\n"
    assert files_in(tmp_path / "nfo") == [
        b"gone.nfo",
        b"latin \xe9.nfo",
        *(b"trips/kyoto.mp4.nfo", b"trips/kyoto.nfo"),
    ]
    assert files_in(tmp_path / "json")[-1] == b"trips/kyoto.mp4.json"
    assert files_in(home.library) == before
    [film] = [
        root
        for path in (tmp_path / "nfo").rglob("trips/*.nfo")
        if (root := ET.parse(path).getroot()).findtext("uniqueid") == media_hash
    ]
    assert film.findtext("title") == "Kyōto <& friends>"
    assert (film.findtext("userrating"), film.findtext("playcount")) == ("8", "1")
    assert [each.text for each in film.findall("tag")] == ["japan", "temples & gardens"]
    assert film.findtext("isuserfavorite") == "true"
    assert film.findtext("plot") == "Two\nlines"
    record = json.loads((tmp_path / "json" / "trips" / "kyoto.mp4.json").read_text())
    assert (record["rating"], record["tags"]) == (4, ["japan", "temples & gardens"])


@pytest.mark.parametrize("place", [".", "new/folder", "link", "../"])
async def test_a_library_folder_is_refused_by_any_way(home: Home, place: str) -> None:
    await curated(home)
    (home.data / "link").symlink_to(home.library)
    folder = home.data / "link" if place == "link" else home.library / place
    before = files_in(home.library)
    export = SideFilesExport(home.services.database, folder, SideFileKind.NFO, ())
    with pytest.raises(Invalid, match="library folder"):
        await export.write(lambda _: None)
    assert files_in(home.library) == before


@pytest.mark.parametrize("place", ["", "backups", "new/folder", "../link"])
async def test_the_data_folder_is_refused_by_any_way(
    home: Home, tmp_path: Path, place: str
) -> None:
    await curated(home)
    (tmp_path / "link").symlink_to(home.data)
    folder = tmp_path / "link" if place == "../link" else home.data / place
    for flag in ("--nfo", "--sidecar"):
        done = processes.run("export", flag, folder, "--data", home.data, cwd=tmp_path)
        assert (done.returncode, done.stdout) == (2, ""), done.stdout
        assert "where LVS keeps its own data. Choose a folder outside of it" in done.stderr
    assert not list(home.data.rglob("*.nfo"))
    assert not (home.data / "new").exists()
    assert not (home.data / "gone.mp4.json").exists()


async def test_a_link_below_the_folder_leads_nowhere(home: Home, tmp_path: Path) -> None:
    await curated(home)
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "trips").symlink_to(home.library / "trips")
    before = files_in(home.library)
    export = SideFilesExport(home.services.database, folder, SideFileKind.SIDECAR, ())
    with pytest.raises(Invalid, match="leads elsewhere"):
        await export.write(lambda _: None)
    assert files_in(home.library) == before


async def test_a_name_that_is_too_long_is_said_and_the_others_are_written(
    home: Home, tmp_path: Path
) -> None:
    home.add("x" * 251 + ".mp4")
    home.add("film.mp4")
    await home.scan()
    export = SideFilesExport(home.services.database, tmp_path / "out", SideFileKind.SIDECAR, ())
    report = await export.write(lambda _: None)
    assert (report.written, len(report.skipped)) == (1, 1)
    assert files_in(tmp_path / "out") == [b"film.mp4.json"]


def test_one_file_and_many_exclude_each_other(tmp_path: Path) -> None:
    done = processes.run("export", "--nfo", "a", "--sidecar", "b", cwd=tmp_path)
    assert done.returncode == 2
    assert "not allowed with" in done.stderr
