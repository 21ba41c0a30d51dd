"""Many at once, and a failing authority: how many requests reach it, and for how long an answer is in memory only."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING

from tests.conftest import SCRIPT
from tests.emulator import faults
from tests.support.people import STALE, at
from tests.torture import kills
from tests.torture.verbs import BY_NAME

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.torture.bench import Bench

AT_ONCE, EXPIRIES, FAILING = 16, 3, 10
_LOGIN = "login.microsoftonline.com"
_LINE = re.compile(r"\d+ +(\d+\.\d+) (\w+)\((.*)")


def at_once(bench: Bench) -> Iterator[list[str]]:
    """Let many ask at once, at some expiries; yield what was wrong each time."""
    asked = bench.emulator.requests
    for _ in range(EXPIRIES):
        bench.restore(age=STALE)
        asked.clear()
        answers = set(_answers(bench))
        found = [] if len(answers) == 1 and b"password=" in answers.pop() else ["different answers"]
        yield found + ([f"{len(asked)} requests"] if len(asked) != 1 else [])


def requests_while_failing(bench: Bench) -> int:
    """Return how many requests reach an authority that fails, when many ask at once, and FAILING times more."""
    bench.restore(age=STALE)
    bench.emulator.requests.clear()
    bench.emulator.refuse(_LOGIN, faults.server_error())
    assert set(_answers(bench)) == {b"quit=1\n"}
    for _ in range(FAILING):
        assert bench.home.get(*at()).out == "quit=1\n"
    bench.emulator.faults.clear()
    return len(bench.emulator.requests)


def window(bench: Bench, log: Path) -> float:
    """Return the seconds from the last byte of the authority's answer until the new refresh token is in the vault.

    That is the renaming of its file, or the message to the keyring; under strace, which makes it longer.
    """
    options = ("-ttt", "-s", "900", "--seccomp-bpf", "-e", "trace=read,rename,sendmsg,sendto")
    kills.put_back(bench, BY_NAME["get"])
    kills.traced(bench, BY_NAME["get"], log, *options)
    last, of_tls = 0.0, set()
    for line in log.read_text(errors="replace").splitlines():
        found = _LINE.match(line)
        if not found:
            continue
        at_time, call, rest = float(found[1]), found[2], found[3]
        file = rest.partition(",")[0]
        if call == "read" and rest.startswith(f'{file}, "\\27\\3\\3'):
            of_tls.add(file)
        if call == "read" and file in of_tls and not rest.rpartition("= ")[2].startswith(("-", "0")):
            last = at_time
        elif last and ("/refresh." in rest if call == "rename" else "CreateItem" in rest):
            return at_time - last
    return 0.0


def _answers(bench: Bench) -> Iterator[bytes]:
    given = "".join(f"{line}\n" for line in at()).encode()
    running = [
        subprocess.Popen(
            [SCRIPT, "get"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=bench.home.environment,
            cwd=bench.home.folder,
        )
        for _ in range(AT_ONCE)
    ]
    for process in running:
        assert process.stdin
        process.stdin.write(given)
        process.stdin.close()
        process.stdin = None
    for process in running:
        yield process.communicate(timeout=60)[0]
