"""pytest on Windows: a test that reaches for what is not there is skipped, and says what that was.

What is missing is known by the error that the *tests* raise: an error from the package stays one. Loaded by
tests/conftest.py on Windows only.
"""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from collections.abc import Generator

# Wine opens files slowly, and no test is about time.
settings.register_profile("windows", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("windows")

_MISSING = {
    r"No module named '(termios|fcntl|pty|pwd|grp|resource|secretstorage|jeepney)": "there is no {0} on Windows",
    r"module 'os' has no attribute '(\w+)'": "there is no os.{0} on Windows",
    r"module '_?socket' has no attribute '(AF_UNIX|SO_PEERCRED)'": "there is no {0} on Windows",
    r"module 'signal' has no attribute '(\w+)'": "there is no signal.{0} on Windows",
    r"module 'time' has no attribute '(\w+)'": "there is no time.{0} on Windows",
}
_NO_GIT = "git.exe is not installed"
_SEES_NO_GIT = re.compile(r"git was not found on PATH|\bgit( |\.exe )is not installed")


def reason(text: str) -> str | None:
    """Return why a test cannot run here, by the text of its error; None when it can."""
    for pattern, why in _MISSING.items():
        if found := re.search(pattern, text):
            return why.format(*found.groups())
    return None


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Skip a module of tests that imports what is not there."""
    report = yield
    why = reason(report.longreprtext) if report.failed else None
    if why:
        report.outcome = "skipped"
        report.longrepr = (str(collector.path), 1, f"Skipped: {why}")
    return report


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Skip a test that failed since something is not there."""
    report = yield
    if call.excinfo is None or not report.failed:
        return report
    last = str(call.excinfo.traceback[-1].path).replace("\\", "/")
    why = None
    if "/git_credential_azdo/" not in last:
        why = reason(str(call.excinfo.value))
    if shutil.which("git") is None and (
        _SEES_NO_GIT.search(report.longreprtext) or _starts_git(call.excinfo)
    ):
        why = _NO_GIT
    if why:
        report.outcome = "skipped"
        report.longrepr = (str(item.path), item.location[1] or 1, f"Skipped: {why}")
    return report


def _starts_git(excinfo: pytest.ExceptionInfo[BaseException]) -> bool:
    """Return whether a program could not be started, and it was git."""
    return isinstance(excinfo.value, FileNotFoundError) and any(
        "'git'" in str(entry.locals.get(name, ""))
        for entry in excinfo.traceback
        for name in ("args", "words", "command")
    )
