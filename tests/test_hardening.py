"""No core dump holds our memory, and no process of the user looks into it."""

from __future__ import annotations

import os
import select
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from tests.conftest import SCRIPT
from tests.support.marks import linux

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import Home

from tests.support.running import SECONDS


@pytest.fixture
def held(home: Home) -> Iterator[subprocess.Popen[bytes]]:
    """Return a ``store`` that got a password and waits for the rest; cores are allowed."""
    command = ["sh", "-c", 'ulimit -c unlimited 2>/dev/null; exec "$0" store', str(SCRIPT)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, env=home.environment, cwd=home.folder)
    with process:
        assert process.stdin
        process.stdin.write(b"protocol=https\nhost=dev.azure.com\npassword=" + os.urandom(8).hex().encode())
        process.stdin.flush()
        yield process
        process.kill()


@linux
def test_a_run_that_waits_leaves_no_core_dump(held: subprocess.Popen[bytes]) -> None:
    r"""Ctrl-\ in git's terminal reaches us, too."""
    give_up = time.monotonic() + SECONDS
    while True:
        with open(f"/proc/{held.pid}/limits", encoding="ascii") as file:
            soft = next(line.split()[4] for line in file if line.startswith("Max core"))
        if soft == "0":
            break
        assert time.monotonic() < give_up
        select.select([], [], [], 0.02)


DUMPABLE = """
import ctypes, resource
from git_credential_azdo.inherited import forbid_core_dumps
forbid_core_dumps()
print(resource.getrlimit(resource.RLIMIT_CORE)[0], ctypes.CDLL(None).prctl(3, 0, 0, 0, 0))
"""


@linux
def test_no_other_process_reads_our_memory(home: Home) -> None:
    """PR_GET_DUMPABLE says so; a debugger of the same user is refused then."""
    assert home.run(sys.executable, "-c", DUMPABLE).out == "0 0\n"
