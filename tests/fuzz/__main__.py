"""Every harness for an equal share of the minutes, on all cores: ``python -m tests.fuzz MINUTES [NAME...]``.

Prints a table in Markdown. Exit code 0 when nothing was found, 1 when a harness stopped: what it stopped at lies in
``.cache/fuzz/NAME.crash-...``, and its output in ``.cache/fuzz/NAME.log``.
"""

from __future__ import annotations

import os
import platform
import re
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from tests.fuzz.harnesses import HARNESSES
from tests.fuzz.run import FOLDER

_COVERAGE = re.compile(r"cov: (\d+) ft: (\d+)")
_EXECUTIONS = re.compile(r"stat::number_of_executed_units: (\d+)")
_LEAST_SECONDS = 2
_GRACE_SECONDS = 120  # to load everything, and for the one input that is still being read


class Ran(NamedTuple):
    """What one harness did; ``found`` is empty, or what it stopped at."""

    name: str
    executions: int
    seconds: float
    branches: int
    features: int
    found: str


def main(minutes: str = "5", *names: str) -> int:
    """Run the harnesses and print the table; return the exit code."""
    try:
        seconds = float(minutes) * 60
    except ValueError:
        seconds = 0.0
    unknown = [name for name in names if name not in HARNESSES]
    if seconds <= 0 or unknown:
        print(
            f"usage: scripts/fuzz [MINUTES [NAME...]]; the names are: {' '.join(HARNESSES)}", file=sys.stderr
        )
        return 2
    chosen = names or tuple(HARNESSES)
    cores = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
    share = max(_LEAST_SECONDS, int(seconds * min(cores, len(chosen)) / len(chosen)))
    FOLDER.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(cores) as at_once:
        done = list(at_once.map(lambda name: _run(name, share), chosen))
    _show(done)
    return 1 if any(ran.found for ran in done) else 0


def _run(name: str, seconds: int) -> Ran:
    """Run one harness in a process of its own."""
    log = FOLDER / f"{name}.log"
    start = time.monotonic()
    memory = "/dev/shm" if os.path.isdir("/dev/shm") else None  # noqa: S108 - nothing of it is worth a disk's time
    with log.open("wb") as output, tempfile.TemporaryDirectory(dir=memory) as temporary:
        try:
            code = subprocess.run(
                [sys.executable, "-m", "tests.fuzz.run", name, str(seconds)],
                env={**os.environ, "TMPDIR": temporary},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                timeout=seconds + _GRACE_SECONDS,
                check=False,
            ).returncode
        except subprocess.TimeoutExpired:
            code = -1
    spent = time.monotonic() - start
    text = log.read_text(errors="replace")
    branches, features = (_COVERAGE.findall(text) or [("0", "0")])[-1]
    executions = _EXECUTIONS.search(text)
    found = "" if code == 0 else _reason(text)
    return Ran(name, int(executions[1]) if executions else 0, spent, int(branches), int(features), found)


def _reason(text: str) -> str:
    """Return the line of the output that says why a harness stopped."""
    lines = text.splitlines()
    at = next((number for number, line in enumerate(lines) if "Uncaught Python exception" in line), None)
    if at is not None and at + 1 < len(lines):
        return lines[at + 1][:200]
    errors = [line for line in lines if "ERROR: libFuzzer" in line] or lines[-1:] or ["no output"]
    return errors[0][:200]


def _show(done: list[Ran]) -> None:
    print(f"{time.strftime('%d %B %Y').lstrip('0')}, Python {platform.python_version()}, {platform.system()}")
    print()
    print("| harness | executions | seconds | cov | ft | found |")
    print("|---|---:|---:|---:|---:|---|")
    for ran in done:
        print(
            f"| {ran.name} | {ran.executions:,} | {ran.seconds:.0f} | {ran.branches} | {ran.features} "
            f"| {ran.found.replace('|', ' ') or 'nothing'} |"
        )
    total = sum(ran.executions for ran in done)
    print(
        f"| all | {total:,} | {sum(ran.seconds for ran in done):.0f} | | | {sum(bool(ran.found) for ran in done)} |"
    )


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
