"""The cases from households that ../shared holds, each run as it stands there.

Two take minutes, one by waiting and one by installing: they run, too, where `LVS_LONG_CASES` is
set, as `.ci/run` does, beside everything else.
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
AS_NOBODY = {"lost_and_found"}  # its server runs as another user where this one is root
LONG_ONES = os.environ.get("LVS_LONG_CASES") == "1"
CANNOT_BE_TRIED = 77
PATIENCE_SECONDS = 1500

pytestmark = pytest.mark.skipif(not NAMES, reason="../shared has no cases here")


def _nobody_can_run_it() -> bool:
    """True if the user `nobody` may run this Python with LVS; a folder of root's can forbid it."""
    command = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]
    try:
        tried = [*command, sys.executable, "-c", "import lvs.server"]
        return subprocess.run(tried, capture_output=True, check=False, cwd="/").returncode == 0
    except FileNotFoundError:
        return False


@pytest.mark.timeout(PATIENCE_SECONDS + 60)
@pytest.mark.parametrize("name", [n for n in NAMES if LONG_ONES or n not in LONG] or ["none"])
def test_a_case_of_a_household_holds(name: str) -> None:
    if name in AS_NOBODY and os.geteuid() == 0 and not _nobody_can_run_it():
        pytest.skip("no other user may run this Python")
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
