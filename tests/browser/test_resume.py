"""A film that was being watched when the server was killed goes on where it was."""

import signal
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from support.chromium import CHROMIUM
from support.evening import evening_house, film
from support.processes import until

pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="no Chromium on this machine; Debian's package is called chromium"
)
SECONDS = 60.0
AT_S = 20.0
PLAY = """async (at) => {
    const video = document.getElementById("player");
    video.muted = true;
    await video.play();
    video.currentTime = at;
}"""


def written_s(database: Path) -> float:
    """The position that is in the file, in seconds; 0 without one."""
    with closing(sqlite3.connect(database)) as raw:
        row = raw.execute("SELECT position_s FROM progress").fetchone()
        return row[0] if row else 0.0


def test_a_film_goes_on_after_the_server_was_killed(tmp_path: Path) -> None:
    film(tmp_path / "Videos", "Long.webm", SECONDS)
    with evening_house(tmp_path, 1) as house, house.device() as page:
        page.goto("/watch/Long.webm")
        page.evaluate(PLAY, AT_S)
        until(lambda: written_s(tmp_path / "data" / "lvs.db") >= AT_S)
        house.server.stop(signal.SIGKILL)
    with evening_house(tmp_path, 1) as house:
        with house.device() as page:  # another one
            page.goto("/watch/Long.webm")
            until(lambda: page.evaluate("document.getElementById('player').currentTime") >= AT_S)
        with house.device(java_script_enabled=False) as page:
            page.goto("/watch/Long.webm")
            address = str(page.locator("source").first.get_attribute("src"))
            assert float(address.partition("#t=")[2]) >= AT_S
