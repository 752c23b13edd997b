"""Versions of Python and of the packages: declared, tested, and reported where they are neither."""

import tomllib
from importlib import metadata

import pytest
from support.dashboard import health_of
from support.home import Home
from support.places import PROJECT

from lvs import versions

pytestmark = pytest.mark.core

TABLE = tomllib.loads((PROJECT / "src/lvs/tested_versions.toml").read_text("utf-8"))
DECLARED = tomllib.loads((PROJECT / "pyproject.toml").read_text("utf-8"))["project"]


@pytest.mark.parametrize(
    ("version", "lowest", "newest", "outside"),
    [
        ("18.1.0", "18.1", "19.0", False),
        ("19.0.9", "18.1", "19.0", False),
        ("19.1.0", "18.1", "19.0", True),
        ("20", "18.1", "19.0", True),
        ("18.0.9", "18.1", "19.0", True),
        ("0.100.0", "0.22", "0.23", True),
        ("3.14.0rc1", "3.11", "3.13", True),
        ("3.13.0+", "3.11", "3.13", False),
        ("8", "8", "8.0", False),
        ("", "", "1", False),
    ],
)
def test_a_release_series_is_within_or_outside(
    version: str, lowest: str, newest: str, outside: bool
) -> None:
    assert versions.outside(version, lowest, newest) is outside


def test_every_dependency_stands_in_the_table() -> None:
    own = metadata.metadata(versions.DISTRIBUTION)
    bounds = dict(versions.bounds(own))
    assert set(bounds) - {"python"} <= set(TABLE["packages"])
    assert len(bounds) == 1 + len(DECLARED["dependencies"])
    for name, newest in TABLE["packages"].items():
        assert not versions.outside(f"{newest}.99", bounds.get(name, ""), newest), name


async def test_a_version_that_was_not_tested_is_told_once_in_log_and_dashboard(
    home: Home, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "not tested with" not in await health_of(home)
    monkeypatch.setattr(metadata, "version", lambda name: "99.1" if name == "av" else "")
    versions.untested.cache_clear()
    try:
        await home.services.health.check_versions()
        words = await health_of(home)
    finally:
        versions.untested.cache_clear()
    assert words.count("LVS was not tested with av 99.1.") == 1
    assert [each.message for each in caplog.records if "not tested" in each.message] == [
        "LVS was not tested with av 99.1."
    ]
