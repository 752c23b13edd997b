"""What all tests share."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio
from support.home import Home

pytest_plugins = ["support.no_skips"]


@pytest_asyncio.fixture
async def home(tmp_path: Path) -> AsyncIterator[Home]:
    """A household whose server runs, with an empty library folder."""
    async with Home(tmp_path) as running:
        yield running
