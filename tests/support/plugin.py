"""What the run as a whole does: where its temporary files lie, and that it fails when a secret was seen."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.support import scratch
from tests.support.watch import WATCH

if TYPE_CHECKING:
    from typing import Any

os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", scratch.folder())


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take over what a process of pytest-xdist saw."""
    WATCH.leaks += getattr(node, "workeroutput", {}).get("leaks", [])


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail the run when a secret was seen where none belongs."""
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        output["leaks"] = WATCH.leaks
    if WATCH.leaks:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Name the places where a secret was seen."""
    for leak in WATCH.leaks:
        terminalreporter.write_line(f"SECRET SEEN in {leak}", red=True)
