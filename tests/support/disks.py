"""Disks for tests: small ones that fill up, and ones that cannot be written.

Mounting them takes root.
"""

import ctypes
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def small_disk(folder: Path, size_kib: int) -> Iterator[Path]:
    """A disk of so many KiB, mounted at `folder` while the block runs."""
    folder.mkdir(parents=True, exist_ok=True)
    _mount("-t", "tmpfs", "-o", f"size={size_kib}k", "tmpfs", str(folder))
    try:
        yield folder
    finally:
        _unmount(folder)


@contextmanager
def read_only(folder: Path) -> Iterator[Path]:
    """The folder cannot be written to while the block runs, not even by root."""
    _mount("--bind", str(folder), str(folder))
    try:
        _mount("-o", "remount,bind,ro", str(folder))
        yield folder
    finally:
        _unmount(folder)


@contextmanager
def dead_disk(folder: Path) -> Iterator[Path]:
    """Mount a disk at `folder`, while the block runs, whose driver (FUSE) broke down: the folder is
    there, and every access fails with "not connected".
    """
    try:
        driver = os.open("/dev/fuse", os.O_RDWR)
    except OSError as error:
        pytest.skip(f"FUSE is not there: {error}")
    options = f"fd={driver},rootmode=40000,user_id=0,group_id=0".encode()
    failed = ctypes.CDLL(None).mount(b"dead", os.fsencode(folder), b"fuse", 0, options)
    os.close(driver)
    if failed:
        pytest.skip("a disk cannot be mounted here")
    try:
        yield folder
    finally:
        _unmount(folder)


def _mount(*arguments: str) -> None:
    try:
        done = subprocess.run(["mount", *arguments], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("there is no mount program here")
    if done.returncode:
        pytest.skip(f"a disk cannot be mounted here: {done.stderr.strip()}")


def _unmount(folder: Path) -> None:
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(folder: Path) -> Path:
    """Leave no byte free on the disk of a folder; the file that takes it all."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file:
        for size in (1 << 16, 4096, 512, 1):
            try:
                while True:
                    file.write(bytes(size))
            except OSError:
                continue
    return filler
