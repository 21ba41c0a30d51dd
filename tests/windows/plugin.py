"""pytest on Windows: which tests run there, and why one is skipped.

A test that reaches for what is not there is skipped, and says what that was. What is missing is known by the error that
the *tests* raise: an error from the package stays one. Loaded by tests/conftest.py on Windows only.
"""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

from tests.support.watch import WATCH

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

# Wine opens files slowly, and no test is about time.
settings.register_profile("windows", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("windows")

TESTS = "accounts commands devops git helper signin vault windows"
"""The folders whose tests run, beside those at the top: the others read the sources or the pages of a checkout, which are
the same everywhere, or are about the tests' own tools."""

SLOW = "commands helper"
"""Of these, where almost each test starts processes, ``--first N`` runs the first N tests of each file, each with the
first row of its table: under Wine all take half an hour."""

COSTLY = {"killed_everywhere"}
"""What a test calls that starts dozens of processes, each far slower to start than elsewhere, and proves an order of
writes that is the same everywhere: such tests are skipped."""

_MISSING = {
    r"No module named '(termios|fcntl|pty|pwd|grp|resource|secretstorage|jeepney)": "there is no {0} on Windows",
    r"module 'os' has no attribute '(\w+)'": "there is no os.{0} on Windows",
    r"module '_?socket' has no attribute '(AF_UNIX|SO_PEERCRED)'": "there is no {0} on Windows",
    r"Unsupported signal": "no process can be sent SIGINT on Windows",
    r"WinError 193": "a script with #! is no program on Windows",
    r"WinError 1314": "this user may make no symbolic links",
    r"module 'signal' has no attribute '(\w+)'": "there is no signal.{0} on Windows",
    r"module 'time' has no attribute '(\w+)'": "there is no time.{0} on Windows",
}
_NO_GIT = "git is not installed"
_SEES_NO_GIT = re.compile(r"git was not found on PATH|\bgit( |\.exe )is not installed")
_NO_RANDOMNESS = "entropy source strength too weak"
"""What OpenSSL says in the emulator when Wine, after some hundred processes, has no random numbers for it."""
_NO_PROGRAM = re.compile(r"(sh|env) was not found on PATH")
_NO_FILE_OF_GIT = re.compile(r"FileNotFoundError.*gitconfig")
_SAID: list[bytes] = []
"""What programs printed in the test that runs now."""
_HAS_GIT = shutil.which("git") is not None


def reason(text: str) -> str | None:
    """Return why a test cannot run here, by the text of its error; None when it can."""
    for pattern, why in _MISSING.items():
        if found := re.search(pattern, text):
            return why.format(*found.groups())
    return None


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let the slow folders be sampled, and more be asked at once."""
    parser.addoption("--first", type=int, help=f"tests to run of each file in {SLOW}; all without it")
    parser.addoption("--gets", type=int, default=2, help="gets for each token in test_refreshes")


def pytest_runtest_setup() -> None:
    """Forget what programs printed in the test before."""
    _SAID.clear()


def pytest_configure(config: pytest.Config) -> None:
    """Pass over what a test leaves open that breaks off, and is skipped, when it meets the missing git."""
    if not _HAS_GIT:
        config.addinivalue_line("filterwarnings", "ignore::pytest.PytestUnraisableExceptionWarning")
    seen = WATCH.seen

    def note(where: str, data: bytes) -> None:
        _SAID.append(data)
        seen(where, data)

    WATCH.seen = note  # type: ignore[method-assign]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say which tests ran."""
    first = config.getoption("first")
    only = f"; of each file in {SLOW} the first {first}, each with one row of its table" if first else ""
    terminalreporter.write_line(
        f"on Windows: {' '.join(config.args)}, of them {TESTS} and what is at the top{only}"
    )


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Leave out the other folders."""
    if collection_path.parent.name == "tests" and collection_path.is_dir():
        return None if collection_path.name in TESTS.split() else True
    return None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what ``--first`` does, and skip what costs much and shows nothing new here."""
    left_out = [] if config.getoption("first") is None else _beyond(config.getoption("first"), items)
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]
    for item in items:
        if isinstance(item, pytest.Function) and COSTLY & set(item.function.__code__.co_names):
            item.add_marker(
                pytest.mark.skip(reason="starts dozens of processes to see what is the same everywhere")
            )


def _beyond(first: int, items: list[pytest.Item]) -> list[pytest.Item]:
    """Return the tests of the slow folders but for one row of the first tests of each file."""
    kept: dict[Path, set[str]] = {}
    left_out = []
    for item in items:
        names = kept.setdefault(item.path, set())
        name = item.name.partition("[")[0]
        if item.path.parent.name in SLOW.split() and (name in names or len(names) == first):
            left_out.append(item)
        else:
            names.add(name)
    return left_out


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
    paths = [str(entry.path).replace("\\", "/") for entry in call.excinfo.traceback]
    why = None
    if found := _NO_PROGRAM.fullmatch(str(call.excinfo.value)):
        why = f"{found[1]} is not installed"
    elif "/git_credential_azdo/" not in paths[-1]:
        why = reason(str(call.excinfo.value))
    said = [report.longreprtext, *(text.decode("utf-8", "replace") for text in _SAID)]
    if not _HAS_GIT and (any(map(_SEES_NO_GIT.search, said)) or _NO_FILE_OF_GIT.search(said[0])):
        why = _NO_GIT
    if any(_NO_RANDOMNESS in text for text in (*said, report.capstderr)):
        why = "Wine had no random numbers"
    ours = any("/git_credential_azdo/" in path for path in paths)
    if (
        isinstance(call.excinfo.value, FileNotFoundError)
        and paths[-1].endswith("/subprocess.py")
        and not ours
    ):
        words = call.excinfo.traceback[-1].locals.get("args", "")
        program = str(words).split()[0].strip("\"'")
        why = f"{program} is not installed" if shutil.which(program) is None else why
    if why:
        report.outcome = "skipped"
        report.longrepr = (str(item.path), item.location[1] or 1, f"Skipped: {why}")
    return report
