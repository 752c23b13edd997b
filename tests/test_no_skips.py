"""The rule that nothing is skipped in CI, tried on small test runs."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.places import PROJECT, SHARED

PASSES = "def test_one(): pass\n"
SKIPS = "import pytest\n@pytest.mark.skip(reason='no browser here')\ndef test_one(): pass\n"
SKIPS_AS_A_WHOLE = "import pytest\npytest.skip('no browser here', allow_module_level=True)\n"
FAILS_AS_EXPECTED = "import pytest\n@pytest.mark.xfail\ndef test_one(): assert False\n"
SKIPS_WITHOUT_MEDIA = (
    "import pytest\n@pytest.mark.skip(reason='../shared is absent')\ndef test_one(): pass\n"
)


def run(content: str, folder: Path, in_ci: str) -> subprocess.CompletedProcess[str]:
    (folder / "test_small.py").write_text(PASSES.replace("one", "other") + content)
    (folder / "pytest.ini").write_text("[pytest]\n")
    return subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            "-p",
            "support.no_skips",
            str(folder),
        ],
        env={**os.environ, "CI": in_ci, "PYTHONPATH": str(PROJECT / "tests")},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    ("content", "in_ci", "exit_code"),
    [
        (PASSES, "true", 0),
        (SKIPS, "", 0),
        (SKIPS, "true", 1),
        (FAILS_AS_EXPECTED, "true", 0),
        (SKIPS_WITHOUT_MEDIA, "true", 1 if SHARED.exists() else 0),
    ],
)
def test_a_skip_fails_the_run_in_ci_only(
    content: str, in_ci: str, exit_code: int, tmp_path: Path
) -> None:
    assert run(content, tmp_path, in_ci).returncode == exit_code


def test_a_skipped_file_fails_the_run_too_and_is_named(tmp_path: Path) -> None:
    (tmp_path / "test_passes.py").write_text(PASSES)
    answer = run(SKIPS_AS_A_WHOLE, tmp_path, "true")
    assert answer.returncode == 1
    assert "test_small.py: Skipped: no browser here" in answer.stdout
