"""The file of the log: its size is bounded as configured."""

import logging
from pathlib import Path

from lvs import logs


def test_the_file_is_begun_anew_at_its_limit_and_three_older_ones_stay(tmp_path: Path) -> None:
    path = logs.to_file(tmp_path, limit_bytes=2000)
    handler = logging.getLogger().handlers[-1]
    assert path == tmp_path / "lvs.log"
    try:
        for number in range(200):
            logging.getLogger("lvs.test").error("line %d", number)
    finally:
        logging.getLogger().removeHandler(handler)
        handler.close()
    files = sorted(tmp_path.iterdir())
    assert [file.name for file in files] == ["lvs.log", *(f"lvs.log.{n}" for n in (1, 2, 3))]
    assert all(file.stat().st_size <= 2000 for file in files)
    assert "line 199" in path.read_text()
