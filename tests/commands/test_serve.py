"""`lvs serve --dev`, as developers of LVS use it."""

import shutil
import sys
from pathlib import Path

from support.places import PROJECT
from support.processes import Server


def test_development_mode_restarts_the_server_after_a_change(tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(PROJECT / "src" / "lvs", copy / "src" / "lvs")
    shutil.copytree(PROJECT / "static", copy / "static")
    (tmp_path / "films").mkdir()
    command = [sys.executable, "-m", "lvs", "serve", tmp_path / "films", "--dev"]
    place = ["--data", tmp_path / "data", "--host", "127.0.0.1", "--port", "0"]
    with Server([*command, *place], tmp_path, PYTHONPATH=str(copy / "src")) as server:
        style = copy / "static" / "lvs.css"
        style.write_text(style.read_text() + "/* changed */")
        assert any("http://" in line for line in server.read_until("Stop it"))
        server.stop()
