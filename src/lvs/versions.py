"""Versions of Python and of the packages in use, compared with those that LVS was tested with.

What is allowed stands in the package's own metadata (pyproject.toml), the newest release series
that the tests passed with in `tested_versions.toml`.
"""

import platform
import re
import tomllib
from collections.abc import Iterator
from functools import cache
from importlib import metadata, resources

DISTRIBUTION = "local-video-server"
Series = tuple[int, ...]


@cache
def untested() -> tuple[str, ...]:
    """Names with versions outside of what was tested, such as `numpy 2.6.0`; empty where none is.

    Reads one small file for each package: some tens of milliseconds.
    """
    table = tomllib.loads(
        resources.files("lvs").joinpath("tested_versions.toml").read_text("utf-8")
    )
    lowest = _lower_bounds()
    python = platform.python_version()
    found = (
        [f"Python {python}"] if outside(python, lowest.get("python", ""), table["python"]) else []
    )
    for name, newest in table["packages"].items():
        version = installed(name)
        if version and outside(version, lowest.get(name, ""), newest):
            found.append(f"{name} {version}")
    return tuple(found)


def message(names: tuple[str, ...]) -> str:
    """A message about versions that LVS was not tested with."""
    return f"LVS was not tested with {', '.join(names)}."


def outside(version: str, lowest: str, newest: str) -> bool:
    """True when a version is below `lowest` or in a release series above `newest`.

    A later release of the newest series counts as tested: 19.0.5 where `newest` is 19.0.
    """
    series = _series(version)
    return series < _series(lowest) or series[: len(_series(newest))] > _series(newest)


def installed(name: str) -> str | None:
    """The installed version of a package, None where there is none."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _lower_bounds() -> dict[str, str]:
    try:
        own = metadata.metadata(DISTRIBUTION)
    except metadata.PackageNotFoundError:  # started from a checkout that is not installed
        return {}
    return dict(bounds(own))


def bounds(own: metadata.PackageMetadata) -> Iterator[tuple[str, str]]:
    """The name and the lowest allowed version of Python and of each package that LVS needs."""
    requirements = [f"python{own['Requires-Python']}", *(own.get_all("Requires-Dist") or ())]
    for requirement in requirements:
        name = re.match(r"[A-Za-z0-9._-]+", requirement)
        bound = re.search(r">=\s*([0-9.]+)", requirement)
        if name and bound and "extra ==" not in requirement:
            yield name[0], bound[1]


def _series(version: str) -> Series:
    """The numbers at the beginning: (19, 0, 2) of `19.0.2rc1`."""
    numbers = re.match(r"\d+(?:\.\d+)*", version)
    return tuple(map(int, numbers[0].split("."))) if numbers else ()
