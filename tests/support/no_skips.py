"""Skipped tests fail a run in CI: a test that never ran proves nothing.

Tests of ../shared may skip where that is absent, those of two machines where the system allows no
network namespaces.
"""

import os
from collections.abc import Iterator

import pytest
from support.namespaces import NOT_ALLOWED
from support.places import SHARED

_skipped: list[str] = []


def _note(report: pytest.TestReport | pytest.CollectReport) -> None:
    if report.skipped and not hasattr(report, "wasxfail"):
        reason = str(report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr)
        if (SHARED.exists() or "../shared" not in reason) and NOT_ALLOWED not in reason:
            _skipped.append(f"{report.nodeid}: {reason}")


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    _note(report)


def pytest_collectreport(report: pytest.CollectReport) -> None:
    _note(report)


@pytest.hookimpl(wrapper=True)
def pytest_sessionfinish(session: pytest.Session) -> Iterator[None]:
    if _skipped and os.environ.get("CI") == "true" and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
    return (yield)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if _skipped and os.environ.get("CI") == "true":
        terminalreporter.section("skipped, which counts as failed here", red=True)
        for line in _skipped:
            terminalreporter.line(line)
