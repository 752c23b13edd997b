"""Fixtures that all tests share."""

import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from support import processes
from support.home import Home
from support.places import PROJECT

pytest_plugins = ["support.no_skips"]
LONGEST = ("system", "browser")
COUNTING = PROJECT / "tests" / "support" / "processes.coveragerc"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Have the files that take longest first, so that parallel processes end together."""
    items.sort(key=lambda item: item.path.parent.name not in LONGEST)


@pytest_asyncio.fixture
async def home(tmp_path: Path) -> AsyncIterator[Home]:
    """A household whose server runs, with an empty library folder."""
    async with Home(tmp_path) as running:
        yield running


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Count the lines of LVS that run in processes which the test starts, too, where lines are
    counted (`--cov`). That costs each process a part of a second, so that not every test asks for
    it; workers are counted where they end by themselves.
    """
    coverage = sys.modules.get("coverage")
    if coverage and coverage.Coverage.current():
        place = PROJECT / os.environ.get("COVERAGE_FILE", ".coverage")
        monkeypatch.setitem(processes.COUNTED, "COVERAGE_PROCESS_START", str(COUNTING))
        monkeypatch.setitem(processes.COUNTED, "COVERAGE_FILE", str(place))
