"""What the doctor looks at in software: clock, Python, versions of packages, codecs, limits."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

from lvs.config import Config
from lvs.services.monitoring.diagnosis import Condition, Diagnosis

TESTED_PYTHONS = ((3, 11), (3, 14))
RELEASED = datetime(2026, 11, 1, tzinfo=UTC)
CODEC_S = 15.0
OPEN_FILES = 4096
DISTRIBUTIONS = ("local-video-server", "lvs")
PLAYED = {
    "H.264": "h264",
    "HEVC": "hevc",
    "AV1": "av1",
    "VP9": "vp9",
    "MPEG-4": "mpeg4",
    "AAC": "aac",
    "AC-3": "ac3",
    "Opus": "opus",
}
_SPECIFIER = re.compile(r"(>=|<=|==|!=|~=|<|>)\s*([0-9][0-9a-zA-Z.]*)")
_REQUIREMENT = re.compile(r"([A-Za-z0-9._-]+)[^;<>=!~]*([^;]*)(;.*)?")
# In a process of its own: a broken decoder library must not take this one with it.
_LIST_CODECS = """
import json, sys
import av
found = []
for name in sys.argv[1:]:
    try:
        av.CodecContext.create(name, "r")
        found.append(name)
    except Exception:
        pass
print(json.dumps({"version": av.__version__, "found": found}))
"""


def clock(config: Config) -> Iterator[Diagnosis]:
    """The clock is not behind what was written already."""
    now = datetime.now(UTC)
    newest = _newest_write(config.data_directory)
    step = "Set the clock, and have it follow a time server (systemd: timedatectl set-ntp true)."
    if now < RELEASED:
        yield Diagnosis(
            "clock",
            Condition.ERROR,
            f"The clock says {now:%Y-%m-%d}, before this version existed.",
            step,
        )
    elif newest and (newest - now).total_seconds() > 120:
        message = (
            f"The clock says {now:%Y-%m-%d %H:%M} UTC, and the data folder holds files of "
            f"{newest:%Y-%m-%d %H:%M} UTC."
        )
        yield Diagnosis("clock", Condition.WARNING, message, step)
    else:
        yield Diagnosis("clock", Condition.OK, f"It is {now:%Y-%m-%d %H:%M} UTC.")


def python(_config: Config) -> Iterator[Diagnosis]:
    """This Python is one that LVS is tested with."""
    version = f"Python {'.'.join(map(str, sys.version_info[:3]))}"
    oldest, latest = TESTED_PYTHONS
    if oldest <= sys.version_info[:2] <= latest:
        yield Diagnosis("python", Condition.OK, f"{version} at {sys.executable}.")
    else:
        step = f"Install LVS with Python {latest[0]}.{latest[1]} if something goes wrong."
        yield Diagnosis(
            "python", Condition.NOTE, f"{version} is newer than what LVS is tested with.", step
        )


def packages(_config: Config) -> Iterator[Diagnosis]:
    """Every package is installed in a version that LVS is tested with."""
    wrong = list(_wrong_packages())
    if wrong:
        step = "Install LVS again into an environment of its own (pipx or uv tool install)."
        yield Diagnosis(
            "packages", Condition.WARNING, f"Not tested with: {'; '.join(wrong)}.", step
        )
    else:
        yield Diagnosis(
            "packages", Condition.OK, "Every package has a version that LVS is tested with."
        )


def codecs(_config: Config) -> Iterator[Diagnosis]:
    """The decoders that posters and details of videos need are there."""
    found = _known_codecs()
    if found is None:
        message = "The video library (av) cannot be loaded: videos get no posters and no details."
        yield Diagnosis(
            "codecs",
            Condition.ERROR,
            message,
            "Install LVS again; on Linux its wheels need glibc 2.28 or musl 1.2.",
        )
        return
    lacking = [label for label, name in PLAYED.items() if name not in found]
    if lacking:
        message = f"No decoder for {', '.join(lacking)}: such videos get no posters."
        yield Diagnosis(
            "codecs",
            Condition.WARNING,
            message,
            "Install the av package from PyPI rather than the system's.",
        )
    else:
        yield Diagnosis("codecs", Condition.OK, f"Decoders: {', '.join(PLAYED)}.")


def open_files(_config: Config) -> Iterator[Diagnosis]:
    """Enough files may be open for every viewer and film."""
    if sys.platform == "win32":
        return
    import resource  # noqa: PLC0415  not on Windows

    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < OPEN_FILES:
        message = f"Only {hard} files may be open at a time."
        step = f"Raise the limit (ulimit -n {OPEN_FILES}, or LimitNOFILE in the service unit)."
        yield Diagnosis("open files", Condition.WARNING, message, step)
    else:
        yield Diagnosis("open files", Condition.OK, "Enough files may be open.")


def _newest_write(folder: Path) -> datetime | None:
    """When the newest file directly in the data folder was written."""
    try:
        times = [entry.stat().st_mtime for entry in folder.iterdir() if entry.is_file()]
    except OSError:
        return None
    return datetime.fromtimestamp(max(times), UTC) if times else None


def _wrong_packages() -> Iterator[str]:
    """The packages outside their tested versions, in words."""
    for requirement in _requirements():
        match = _REQUIREMENT.fullmatch(requirement.strip())
        if match is None or (match[3] and "extra" in match[3]):
            continue
        name, bounds = match[1], match[2]
        try:
            version = metadata.version(name)
        except metadata.PackageNotFoundError:
            yield f"{name} (not installed)"
            continue
        if not within(version, bounds):
            yield f"{name} {version} (tested: {bounds.strip()})"


def _requirements() -> list[str]:
    for name in DISTRIBUTIONS:
        try:
            return metadata.requires(name) or []
        except metadata.PackageNotFoundError:
            continue
    return []


def within(version: str, bounds: str) -> bool:
    """True where a version satisfies bounds such as `>=1.2,<2`, compared by its numbers."""
    found = _numbers(version)
    return all(
        _satisfies(found, each[1], _numbers(each[2])) for each in _SPECIFIER.finditer(bounds)
    )


def _satisfies(found: tuple[int, ...], operator: str, bound: tuple[int, ...]) -> bool:
    length = max(len(found), len(bound))
    left, right = found + (0,) * (length - len(found)), bound + (0,) * (length - len(bound))
    match operator:
        case ">=" | "~=":
            return left >= right
        case "<=":
            return left <= right
        case "<":
            return left < right
        case ">":
            return left > right
        case "!=":
            return left != right
        case _:
            return left == right


def _numbers(version: str) -> tuple[int, ...]:
    match = re.match(r"[0-9]+(\.[0-9]+)*", version)
    return tuple(map(int, match[0].split("."))) if match else ()


def _known_codecs() -> set[str] | None:
    """The decoders that are there; None where the library cannot be loaded."""
    command = [sys.executable, "-P", "-c", _LIST_CODECS, *PLAYED.values()]
    try:
        answer = subprocess.run(command, capture_output=True, timeout=CODEC_S, check=True).stdout
        return set(json.loads(answer)["found"])
    except (OSError, subprocess.SubprocessError, ValueError, KeyError):
        return None
