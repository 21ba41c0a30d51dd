"""Runs commands in turn and measures each from outside: wall time, and peak memory. Knows nothing of what they are.

A command gets its stdin from a pipe that already holds all of it, and its output is read after its end, so that
nothing but the command itself is in the figure. On a busy machine only commands of one run may be compared.
"""

from __future__ import annotations

import os
import random
import statistics
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

WARM_UP = 2

# A small process starts the command: Linux counts the memory of the process that started one as the command's own.
_PEAK = """
import os, sys
child = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ)
_, status, used = os.wait4(child, 0)
print(used.ru_maxrss, file=sys.stderr)
sys.exit(os.waitstatus_to_exitcode(status))
"""


class CommandError(Exception):
    """A command did not do what it is measured for."""


@dataclass(frozen=True)
class Command:
    """One contestant: what to run, with which environment and stdin.

    ``answers``: whether it must print a password; nothing else is ever looked at in its output.
    ``before``: what to do before each run, outside the clock.
    """

    words: list[str]
    environment: Mapping[str, str]
    given: str = ""
    answers: bool = False
    before: Callable[[], object] | None = field(default=None, compare=False)


@dataclass(frozen=True)
class Spread:
    """Median and the quartiles around it."""

    median: float
    low: float
    high: float
    runs: int


def spread(values: Sequence[float]) -> Spread:
    """Return median and quartiles of at least one value."""
    if len(values) == 1:
        return Spread(values[0], values[0], values[0], 1)
    low, median, high = statistics.quantiles(values, n=4, method="inclusive")
    return Spread(median, low, high, len(values))


def alternate(commands: Mapping[str, Command], rounds: int) -> dict[str, Spread]:
    """Run all commands ``rounds`` times, each round in another order; return their milliseconds by name."""
    shuffler = random.Random(0)  # noqa: S311 - any order does, and the same every time is best
    order = list(commands)
    seen: dict[str, list[float]] = {name: [] for name in order}
    for number in range(-WARM_UP, rounds):
        shuffler.shuffle(order)
        for name in order:
            milliseconds = run(name, commands[name])
            if number >= 0:
                seen[name].append(milliseconds)
    return {name: spread(values) for name, values in seen.items()}


def run(name: str, command: Command) -> float:
    """Run the command once; return its milliseconds. Raises CommandError."""
    if command.before:
        command.before()
    began = time.perf_counter()
    code, output, errors = _start(command.words, command.environment, command.given)
    milliseconds = (time.perf_counter() - began) * 1000
    if code or command.answers != (b"password=" in output):
        raise CommandError(f"{name}: exit code {code}, {errors.decode(errors='replace').strip()}")
    return milliseconds


def peak_memory(name: str, command: Command) -> float:
    """Run the command once; return the most memory it ever held, in MiB. Raises CommandError."""
    words = [sys.executable, "-I", "-S", "-c", _PEAK, *command.words]
    code, output, errors = _start(words, command.environment, command.given)
    *told, kibibytes = errors.decode(errors="replace").splitlines() or [""]
    if code or not kibibytes.isdigit() or command.answers != (b"password=" in output):
        raise CommandError(f"{name}: exit code {code}, {' '.join(told)}")
    return int(kibibytes) / 1024


def _start(words: list[str], environment: Mapping[str, str], given: str) -> tuple[int, bytes, bytes]:
    """Run to the end; return exit code, stdout and stderr, each of which must fit into a pipe."""
    stdin, sent = os.pipe()
    os.write(sent, given.encode())
    os.close(sent)
    stdout, out = os.pipe()
    stderr, err = os.pipe()
    actions = [(os.POSIX_SPAWN_DUP2, end, at) for at, end in enumerate((stdin, out, err))]
    try:
        child = os.posix_spawn(words[0], words, environment, file_actions=actions)
        _, status = os.waitpid(child, 0)
        os.close(out)
        os.close(err)
        return os.waitstatus_to_exitcode(status), _all_of(stdout), _all_of(stderr)
    finally:
        for descriptor in (stdin, stdout, stderr):
            os.close(descriptor)


def _all_of(descriptor: int) -> bytes:
    chunks = []
    while chunk := os.read(descriptor, 65536):
        chunks.append(chunk)
    return b"".join(chunks)
