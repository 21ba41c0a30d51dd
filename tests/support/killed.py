"""A command that is killed before each of its changes in turn, as by SIGKILL: before every rename and every deletion."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import Home, Result

MOST = 60
_KILLED = 137
_PROGRAM = """
import os, sys
left, spared = int(sys.argv.pop(1)), sys.argv.pop(1)
def hook(event, arguments):
    global left
    if event in {"os.rename", "os.remove"} and spared not in str(arguments[0]):
        left -= 1
        if left < 0:
            os._exit(137)
sys.addaudithook(hook)
from git_credential_azdo.__main__ import main
sys.exit(main())
"""


def killed_after(home: Home, changes: int, *words: str, given: str = "", spared: str = "self-test") -> Result:
    """Run a command that is killed after so many changes, not counting those of files with ``spared`` in their names."""
    return home.run(sys.executable, "-c", _PROGRAM, str(changes), spared, *words, given=given)


def killed_everywhere(home: Home, *words: str, given: str = "") -> Iterator[None]:
    """Run a command again and again, each time killed one change later; yield after each run, the whole one last, which must succeed."""
    for changes in range(MOST):
        done = killed_after(home, changes, *words, given=given)
        assert done.code in {0, _KILLED}, done.err
        yield
        if done.code == 0:
            assert changes, "nothing was changed"
            return
    raise AssertionError(f"{words} has more than {MOST} changes")
