"""The cases from households that ../shared holds, each run as it stands there.

Two take minutes, one by waiting and one by installing: they run where `LVS_LONG_CASES` is set, as
`.ci/run` does beside everything else.
"""

import os
import shlex
import subprocess
import sys

import pytest
from support.places import PROJECT, SHARED

CASES = SHARED / "cases"
NAMES = sorted(path.stem for path in CASES.glob("[a-z]*.py"))
LONG = {"every_python", "workers_fail_for_a_while"}
LONG_ONES = os.environ.get("LVS_LONG_CASES") == "1"
CANNOT_BE_TRIED = 77
PATIENCE_SECONDS = 900

pytestmark = pytest.mark.skipif(not NAMES, reason="../shared has no cases here")


@pytest.mark.timeout(PATIENCE_SECONDS + 60)
@pytest.mark.parametrize("name", [n for n in NAMES if (n in LONG) == LONG_ONES] or ["none"])
def test_a_case_of_a_household_holds(name: str) -> None:
    ran = subprocess.run(
        [sys.executable, CASES / f"{name}.py"],
        env={
            **os.environ,
            "LVS_BIN": shlex.join([sys.executable, "-m", "lvs"]),
            "LVS_ANNOUNCE": "off",
            "CHECKOUT": str(PROJECT),
        },
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    assert ran.returncode in (0, CANNOT_BE_TRIED), ran.stdout + ran.stderr
    if ran.returncode == CANNOT_BE_TRIED:
        assert "cannot be tried here: " in ran.stdout
