"""A signal before every call of a verb that changes something, one call a run, by strace; then what was lost.

The calls are those of an undisturbed run: writes, renames, locks, files made, bytes sent to a bus or a server.
"""

from __future__ import annotations

import contextlib
import re
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, NamedTuple

from tests.conftest import SCRIPT
from tests.torture.verbs import BY_NAME, Verb, words_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.conftest import Result
    from tests.torture.bench import Bench

CHANGING = (
    "rename,renameat,renameat2,unlink,unlinkat,mkdir,mkdirat,rmdir,write,pwrite64,sendto,sendmsg,fsync,fdatasync,"
    "link,linkat,symlink,chmod,fchmod,fchown,ftruncate,flock,fcntl,connect,openat,execve,clone,clone3,vfork"
)
WINDOW = "the answer of a rotating authority was on its way to the vault"
"""What a SIGKILL may cost, and nothing else: see ``storms.window``."""
_CALL = re.compile(r"(\d+) +(\w+)\((.*)")


class Point(NamedTuple):
    """The ``nth`` call of its name in its thread."""

    call: str
    nth: int


def traced(bench: Bench, verb: Verb, log: Path, *options: str) -> Result:
    """Run the verb under strace."""
    strace = ["strace", "-f", "--seccomp-bpf", "-qq", "-s", "160", "-o", str(log), *options]
    words = [*strace, str(SCRIPT), *words_of(verb, bench)]
    return bench.home.run(*words, given=_given(verb, bench), secret_out=True)


def run(bench: Bench, verb: Verb) -> Result:
    """Run the verb, undisturbed."""
    return bench.home.azdo(*words_of(verb, bench), given=_given(verb, bench))


def _given(verb: Verb, bench: Bench) -> str:
    return "".join(f"{line}\n" for line in verb.given(bench))


@contextlib.contextmanager
def beside(verb: Verb, bench: Bench) -> Iterator[list[str]]:
    """Run the verb that runs at the same time, and its person; yield what was wrong with it, complete after the block."""
    found: list[str] = []
    over = threading.Event()
    with ThreadPoolExecutor(2) as pool:
        person = pool.submit(verb.person, bench, over) if verb.person else None
        running = pool.submit(run, bench, BY_NAME[verb.beside]) if verb.beside else None
        try:
            yield found
        finally:
            over.set()
        if person:
            person.result()
        if running:
            found += _bugs(running.result())


def _bugs(result: Result) -> list[str]:
    return ["a bug: " + line for line in result.err.splitlines() if "bug" in line or "Traceback" in line]


def put_back(bench: Bench, verb: Verb) -> None:
    """Put the bench back for the verb."""
    bench.restore(age=verb.age, after=verb.home, rotates=verb.rotates)


def points(bench: Bench, verb: Verb, log: Path) -> list[Point]:
    """Return the calls of an undisturbed run that change something, each once."""
    put_back(bench, verb)
    with beside(verb._replace(beside=""), bench):
        result = traced(bench, verb, log, "-e", f"trace={CHANGING}")
    assert "error: " not in result.err, (verb.name, result.err)
    return list(dict.fromkeys(_points(log, str(bench.home.folder))))


def _points(log: Path, home: str) -> Iterator[Point]:
    counts: Counter[tuple[str, str]] = Counter()
    for line in log.read_text(errors="replace").splitlines():
        found = _CALL.match(line)
        if not found:
            continue
        thread, call, rest = found.groups()
        counts[thread, call] += 1
        reads = call == "openat" and ("O_CREAT" not in rest or home not in rest)
        if not reads and not (call == "fcntl" and "SETLK" not in rest):
            yield Point(call, counts[thread, call])


def strike(bench: Bench, verb: Verb, point: Point, signal: str, log: Path, *, deep: bool = True) -> list[str]:
    """Run the verb with the signal at the point, and return the losses, found as by ``Bench.losses``."""
    put_back(bench, verb)
    inject = f"inject={point.call}:signal={signal}:when={point.nth}"
    bench.emulator.requests.clear()
    with beside(verb, bench) as found:
        result = traced(bench, verb, log, "-e", f"trace={point.call}", "-e", inject)
    found += _bugs(result)
    asked = verb.rotates and signal == "SIGKILL" and bench.emulator.requests
    if asked and not result.out and bench.losses(deep=False):
        return [WINDOW]
    if verb.after:
        after = bench.ask(*(word or bench.vault for word in verb.after))
        if after.code and verb.settled not in after.err:
            found.append(f"{' '.join(verb.after)} afterwards: {after.err.strip()}")
    found += bench.losses(gone=verb.gone, deep=deep or verb.age > 0)
    if "ann" in verb.gone and any(name.startswith(f"{bench.ann.id}/") for name in bench.entries.read()):
        found.append("secrets of an account that is logged out")
    return found
