"""Renames that change letter cases only, on file systems that find a file under either spelling.

Few machines of tests have such a file system, so that the system's own look at a file is replaced
by one that takes no notice of letter cases.
"""

import os
from pathlib import Path
from typing import Any

import pytest
from support.home import Home

look = os.lstat


def blind_lstat(path: Any, *, dir_fd: int | None = None) -> os.stat_result:
    """`os.lstat` as a file system without letter cases answers it."""
    try:
        return look(path, dir_fd=dir_fd)
    except FileNotFoundError:
        found = b"/"
        for part in os.fsencode(path).strip(b"/").split(b"/"):
            names = [name for name in os.listdir(found) if name.lower() == part.lower()]
            if not names:
                raise
            found = os.path.join(found, names[0])
        return look(found)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("Film.mp4", "film.mp4"),
        ("film.mp4", "FILM.MP4"),
        ("Trip/beach.mp4", "trip/beach.mp4"),
        ("Trip/Sea/beach.mp4", "TRIP/sea/Beach.mp4"),
    ],
)
@pytest.mark.parametrize(
    "noticed", ["by the watch", "by the watch, the new name first", "by a scan"]
)
async def test_a_rename_of_letter_cases_leaves_one_place_with_everything(
    home: Home, monkeypatch: pytest.MonkeyPatch, before: str, after: str, noticed: str
) -> None:
    monkeypatch.setattr(os, "lstat", blind_lstat)
    content = home.add(before).read_bytes()
    home.add("other.mp4")
    await home.scan()
    media_hash = (await home.video(before)).media_hash
    await home.services.ratings.rate(media_hash, 5, "test")
    _move(home.library, before, after)
    [root] = home.services.library.active_roots
    top = [name.split("/")[0].encode() for name in (before, after)]
    if noticed == "by a scan":
        await home.scan()
    else:
        for name in top if noticed == "by the watch" else top[::-1]:
            await home.services.library.check(root, [name])
    video = await home.services.videos.get(media_hash)
    places = [file.path.decode() for file in video.files if file.missing_since is None]
    assert places == [after]
    assert video.rating == 5
    assert len(await home.titles()) == 2
    answer = await home.client.get(f"/video/{after}")
    assert await answer.get_data(as_text=False) == content


def _move(library: Path, before: str, after: str) -> None:
    (library / after).parent.mkdir(parents=True, exist_ok=True)
    (library / before).rename(library / after)
    for folder in (library / before).parents:
        if folder != library and folder.is_dir() and not list(folder.iterdir()):
            folder.rmdir()
