"""Git's verbs while they run: started with a deadline of a second, and waited for."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

from tests.conftest import SCRIPT
from tests.support.watch import WATCH

if TYPE_CHECKING:
    from tests.conftest import Home

SECONDS = 20
"""What a verb may take that has a second: more than enough on a busy machine, and less than for ever."""
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
