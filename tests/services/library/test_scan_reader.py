"""Fingerprints that a scan reads, and files that it cannot read."""

import os
from pathlib import Path

from support.home import Home

from lvs.services.library.fingerprint import fingerprints

BLOCK = 64 * 1024


def odd_files(folder: Path) -> list[bytes]:
    top = os.fsencode(folder)
    sizes = [0, 1, 2 * BLOCK, 3 * BLOCK, 5 * BLOCK, 999_983]
    sizes += [edge + step for edge in (BLOCK, 2 * BLOCK, 3 * BLOCK) for step in (-1, 1)]
    paths = [os.path.join(top, b"%d bytes" % size) for size in sizes]
    for path, size in zip(paths, sizes, strict=True):
        Path(os.fsdecode(path)).write_bytes(os.urandom(size))
    names = (b"line\nbreak", b"tab\t\"quote'\\", "Käse 映画 🎬".encode(), b"\xff\xfe latin \xe9")
    named = [os.path.join(top, name) for name in names]
    for number, path in enumerate(named):
        Path(os.fsdecode(path)).write_bytes(b"%d" % number)
    (folder / "denied").write_bytes(b"secret")
    (folder / "denied").chmod(0)
    (folder / "folder").mkdir()
    (folder / "link").symlink_to(folder / "1 bytes")
    os.mkfifo(folder / "pipe")
    others = [
        os.path.join(top, name)
        for name in (b"denied", b"folder", b"link", b"pipe", b"gone", b"1 bytes/below", b"n" * 300)
    ]
    return paths + named + others


def test_odd_files_get_a_fingerprint_or_a_reason(tmp_path: Path) -> None:
    answers = fingerprints(odd_files(tmp_path))
    assert [len(answer) for answer in answers[:-7]] == [5] * (len(answers) - 7)
    assert answers[-4] == (0, "not a regular file")  # the pipe


async def test_unreadable_files_are_passed_over_and_growing_ones_wait(home: Home) -> None:
    home.add("whole.mp4")
    os.mkfifo(home.library / "pipe.mp4")
    (home.library / "new.mp4").write_bytes(b"still coming")
    await home.scan()
    assert await home.titles() == ["whole"]
    assert home.services.library.settling == 1
