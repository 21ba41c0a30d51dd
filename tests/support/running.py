"""Commands while they run: git's verbs with a time limit, any other, and those that wait when their limit is reached."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

from tests.conftest import SCRIPT
from tests.support import forks
from tests.support.watch import WATCH

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    from tests.conftest import Home

    Outcome = TypeVar("Outcome")

SECONDS = 90
"""What a verb may take that has a second: more than enough on a busy machine, and less than for ever."""
LIMITS = (3, 15, 50)
"""The time limits that ``patiently`` tries, in seconds."""
OURS = b"protocol=https\nhost=dev.azure.com\npath=contoso/app/_git/app\n"
FOREIGN = b"protocol=https\nhost=github.com\n"


def start(home: Home, verb: str, **streams: int) -> subprocess.Popen[bytes]:
    """Start a verb that has a second; its streams are pipes but for those given."""
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    environment = {**home.environment, "AZDO_TIMEOUT": "1"}
    return subprocess.Popen([SCRIPT, verb], env=environment, cwd=home.folder, **{**pipes, **streams})  # type: ignore[call-overload, no-any-return]


def end(process: subprocess.Popen[bytes], given: bytes | None = None) -> tuple[int, bytes, bytes]:
    """Wait for its end; return exit code and both streams."""
    out, err = process.communicate(given, timeout=SECONDS)
    WATCH.seen("stderr", err or b"")
    return process.returncode, out or b"", (err or b"").replace(os.linesep.encode(), b"\n")


class Begun:
    """A command of ours that has begun, with all its stdin; ``out`` and ``err`` are read as it goes on."""

    def __init__(self, home: Home, *words: str, given: bytes = b"") -> None:
        self._may_print_a_secret = words[:1] == ("get",)
        (stdin, feed), *pipes = [os.pipe() for _ in range(3)]
        os.write(feed, given)
        os.close(feed)
        ends = [stdin, *(writing for _, writing in pipes)]
        self.process = forks.start([SCRIPT, *words], home.environment, home.folder, ends)
        for each in ends:
            os.close(each)
        self.out, self.err = (os.fdopen(reading, "rb") for reading, _ in pipes)

    def ended(self) -> tuple[int, bytes, bytes]:
        """Wait for its end; return exit code and what is unread of both streams."""
        with self.out, self.err:
            out, err = self.out.read(), self.err.read()
        WATCH.seen("a command", err if self._may_print_a_secret else out + err)
        return self.process.wait(SECONDS), out, err


def patiently(run: Callable[[str], Outcome], is_far: Callable[[Outcome], bool]) -> tuple[Outcome, int]:
    """Run with a longer AZDO_TIMEOUT as long as the machine was too slow to get as far as the test means; return the limit, too."""
    for seconds in LIMITS:
        outcome = run(str(seconds))
        if is_far(outcome):
            break
    return outcome, seconds
