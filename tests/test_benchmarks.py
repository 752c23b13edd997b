"""The database that benchmarks measure with is one that LVS opens, and the reference shows."""

import asyncio
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

from support.places import PROJECT

from lvs.db.database import Database


def test_a_household_of_the_benchmarks_opens_and_is_listed(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, PROJECT / "benchmarks" / "household.py", "50", tmp_path],
        check=True,
        timeout=120,
    )
    asyncio.run(_open_and_close(tmp_path / "lvs.db"))
    with closing(sqlite3.connect(tmp_path / "lvs.db")) as db:
        assert db.execute("SELECT count(*) FROM gallery").fetchone() == (50,)
    _the_reference_answers(tmp_path / "lvs.db")


def _the_reference_answers(database: Path) -> None:
    asked = """
import runpy, sys
client = runpy.run_path(sys.argv[1])["create_app"](sys.argv[2]).test_client()
page = client.get("/")
assert (page.status_code, page.text.count('id="video-')) == (200, 50), page.text
"""
    app = PROJECT / "benchmarks" / "reference" / "app.py"
    subprocess.run([sys.executable, "-c", asked, app, database], check=True, timeout=60)


async def _open_and_close(path: Path) -> None:
    database = Database(path)
    await database.open()
    await database.close()
