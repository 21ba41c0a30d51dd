"""A command that is killed before each of its changes in turn, as by SIGKILL: before every rename and every deletion."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from tests.support import be_killed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import Home, Result

MOST = 60


def killed_after(home: Home, changes: int, *words: str, given: str = "", spared: str = "self-test") -> Result:
    """Run a command that is killed after so many changes, not counting those of files with ``spared`` in their names."""
    interpreter = () if sys.platform == "linux" else (sys.executable,)  # which only Linux needs not
    return home.fork(*interpreter, be_killed.__file__, str(changes), spared, *words, given=given)


def killed_everywhere(home: Home, *words: str, given: str = "") -> Iterator[None]:
    """Run a command again and again, each time killed one change later; yield after each run, the whole one last, which must succeed."""
    for changes in range(MOST):
        result = killed_after(home, changes, *words, given=given)
        assert result.code in {0, be_killed.KILLED}, result
        yield
        if result.code == 0:
            assert changes, "nothing was changed"
            return
    raise AssertionError(f"{words} has more than {MOST} changes")
