"""What fails or does not answer, for each verb: the run ends in time, in words, and nothing is lost.

A fault is a context in which a verb runs, or an error that strace lets system calls fail with.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import subprocess
import time
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from tests.conftest import SCRIPT
from tests.emulator import faults as http
from tests.test_streams import full_pipe
from tests.torture.bench import STALE
from tests.torture.kills import put_back
from tests.torture.surroundings import Surroundings, bus, odd_file, of_mood, other_entries, stopped
from tests.torture.verbs import BY_NAME, Verb, words_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.torture.bench import Bench

SECONDS = 3
LATE_SECONDS = 0.5
"""How long after its deadline a verb of git's may end."""
HANG_SECONDS = 25
PREFIX = "git-credential-azdo: "
_LOGIN = "login.microsoftonline.com"
_ERRORS = {
    "flock": "ENOLCK ENOSYS EOPNOTSUPP EIO",
    "rename": "ENOSPC EIO EROFS EACCES EDQUOT EPERM EBUSY EXDEV ENOENT",
    "fsync": "EIO ENOSPC EINVAL EROFS EDQUOT",
    "mkdir": "ENOSPC EROFS EACCES EIO EDQUOT EMLINK",
    "unlink": "EIO EROFS EACCES EPERM EBUSY ENOMEM",
    "rmdir": "EIO EBUSY",
    "write": "ENOSPC EIO EDQUOT EFBIG EAGAIN",
    "connect": "ECONNREFUSED ENETUNREACH ETIMEDOUT EACCES EHOSTUNREACH EADDRNOTAVAIL",
    "sendto": "EPIPE ECONNRESET EIO ENOBUFS ETIMEDOUT",
    "recvfrom": "ECONNRESET EIO ETIMEDOUT",
    "socket": "EMFILE EAFNOSUPPORT ENFILE EACCES ENOBUFS",
    "pipe2": "EMFILE ENFILE",
    "setitimer": "EINVAL EPERM",
    "prctl": "EPERM",
    "prlimit64": "EPERM",
    "vfork": "EAGAIN ENOMEM",
    "clone3": "EAGAIN ENOMEM",
}


class Fault(NamedTuple):
    """Something that goes wrong, while its context lasts, for the verbs of these names."""

    name: str
    context: Callable[[Bench], contextlib.AbstractContextManager[Surroundings]]
    verbs: tuple[str, ...]


class Outcome(NamedTuple):
    """What a run left: the rules it broke, and the seconds by which it ended after its deadline."""

    found: list[str]
    late: float


_LIMITS = (
    "--nofile=6",
    "--nofile=12",
    "--nofile=5",
    "--nofile=8",
    "--fsize=0",
    "--fsize=99",
    "--fsize=400",
    "--core=0",
    *(f"--as={megabytes << 20}" for megabytes in (14, 18, 22, 26, 30, 40)),
)
_STREAMS = ("stdin open", "stdout full", "stderr full", "both full", "/dev/full")
_LOCKS = ("accounts.lock", "locks/ANN", "locks/stored", "locks/entries")
_GIT = ("get", "warm get", "store", "erase", "erase of ours")
_SAVING = ("setup pat", "setup service-principal", "import", "pat create", "pat rotate")
_MOODS = (
    *((f"fails {nth}", (*_GIT, "logout", *_SAVING)) for nth in range(1, 9)),
    *((mood, _SAVING) for mood in ("cuts 40", "cuts 300", "loses", "stale")),
)
_EACH = (*_GIT, "accounts")


def all_faults(bench: Bench) -> list[Fault]:
    """Return every fault that can be made on the bench."""
    at_paths = ("accounts", "accounts.lock", "locks", "entries", "gitconfig", "../../.gitconfig")
    found = [
        *(
            Fault(f"{call} fails with {error}", partial(_failing_call, call, error), (*_GIT, "use"))
            for call, errors in _ERRORS.items()
            for error in errors.split()
        ),
        *(Fault(f"limit {limit}", partial(_limited, limit), (*_GIT, "use")) for limit in _LIMITS),
        *(Fault(f"token endpoint: {name}", partial(_http, make), ("get",)) for name, make in _HTTP.items()),
        *(Fault(name, partial(_stream, name), _GIT) for name in _STREAMS),
        *(
            Fault(f"{kind} at {path}", partial(odd_file, path, kind), (*_EACH, "explain"))
            for path in at_paths
            for kind in ("fifo", "folder", "loop")
        ),
        *(Fault(f"{name} held", partial(_held, name), _GIT) for name in _LOCKS),
        Fault("asleep for longer than the deadline", _asleep, _GIT),
        *(
            Fault(f"clock set by {days} days", partial(_other_time, days), _EACH)
            for days in ("+7", "-7", "+400")
            if shutil.which("faketime")
        ),
        Fault("keyring emptied", partial(other_entries, ""), (*_EACH, "explain")),
        Fault("keyring replaced", partial(other_entries, "another program's"), (*_EACH, "explain")),
        *(Fault(f"git {name}", partial(_fake_git, text), (*_GIT, "explain")) for name, text in _GITS.items()),
    ]
    if bench.vault == "file":
        return found
    if not bench.keyring:
        return [*(Fault(f"keyring: {mood}", partial(of_mood, mood), verbs) for mood, verbs in _MOODS), *found]
    found = [
        each for each in found if " fails with " not in each.name
    ]  # gnome-keyring itself ends at such peers
    buses = ("garbage", "closes", "silent", "absent", "wrong")
    found += [Fault(f"bus: {name}", partial(bus, name), _EACH) for name in buses]
    return [*found, Fault("keyring stopped", stopped, _EACH)]


def meet(bench: Bench, fault: Fault, verb_name: str) -> Outcome:
    """Run a verb while the fault lasts."""
    verb = BY_NAME[verb_name]
    put_back(bench, verb)
    given = "".join(f"{line}\n" for line in verb.given(bench)).encode()
    with fault.context(bench) as around:
        streams = {name: around.streams.get(name, subprocess.PIPE) for name in ("stdin", "stdout", "stderr")}
        process = subprocess.Popen(
            [*around.prefix, str(SCRIPT), *words_of(verb, bench)],
            env={**bench.home.environment, "AZDO_TIMEOUT": str(SECONDS), **around.environment},
            cwd=bench.home.folder,
            **streams,  # type: ignore[call-overload]
        )
        began = time.monotonic()
        try:
            if around.keep_open:
                assert process.stdin
                process.wait(HANG_SECONDS)
            out, err = process.communicate(given if not around.keep_open else None, timeout=HANG_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            return Outcome(["hangs"], 0.0)
        late = time.monotonic() - began - SECONDS
    found = _broken_rules(verb, process.returncode, (out or b"").decode(), (err or b"").decode())
    is_git = verb.words[0] in {"get", "store", "erase"}
    slack = (
        8.0 if around.prefix else LATE_SECONDS
    )  # strace is slow, and waits for a child that outlives the run
    if late > (slack if is_git else 5 * SECONDS):
        found.append(f"ended {late:.1f} s after its deadline")
    _forget_failures(bench)
    found += bench.losses(gone=(*verb.gone, *(("stored",) if verb_name == "erase" else ())))
    return Outcome(found, late if is_git and not around.prefix else 0.0)


def _broken_rules(verb: Verb, code: int, out: str, err: str) -> list[str]:
    found = []
    if "bug" in err or "Traceback" in err:
        found.append(f"called a bug: {err.strip()}")
    if verb.words[0] in {"get", "store", "erase"}:
        found += [f"odd line: {line!r}" for line in err.splitlines() if not line.startswith(PREFIX)]
    if verb.words == ("get",) and (code != 0 or (out not in {"", "quit=1\n"} and "\npassword=" not in out)):
        found.append(f"get ended with {code} and {out[:20]!r}")
    if code not in {0, 1}:
        found.append(f"ended with {code}: {err.strip()}")
    return found


def _forget_failures(bench: Bench) -> None:
    if bench.home.accounts_file.is_file():
        lines = bench.home.accounts_file.read_text().splitlines(keepends=True)
        bench.home.accounts_file.write_text(
            "".join(line for line in lines if not line.startswith("failed[]="))
        )


@contextlib.contextmanager
def _failing_call(call: str, error: str, _bench: Bench) -> Iterator[Surroundings]:
    trace = ["-e", f"trace={call}", "-e", f"inject={call}:error={error}"]
    yield Surroundings(("strace", "-f", "-qq", "-o", "/dev/null", *trace))


@contextlib.contextmanager
def _limited(limit: str, _bench: Bench) -> Iterator[Surroundings]:
    yield Surroundings(("prlimit", limit))


_HTTP: dict[str, Callable[[], http.Fault]] = {
    "closes": http.close_connection,
    **{
        str(status): partial(http.server_error, status=status)
        for status in (400, 401, 403, 404, 408, 500, 502, 503, 504)
    },
    "429": http.too_many_requests,
    "page": http.html_page,
    "hangs": http.hang,
    "redirects": partial(http.redirect_to, "https://evil.example.com"),
    "certificate": http.wrong_certificate,
}


@contextlib.contextmanager
def _asleep(_bench: Bench) -> Iterator[Surroundings]:
    """Stop the run at its first lock, for longer than it may last; the clocks go on, as those of a machine that sleeps."""
    script = f"strace -f -qq -o /dev/null -e trace=flock -e inject=flock:delay_enter={SECONDS + 1}s:when=1"
    yield Surroundings(tuple(script.split()))


@contextlib.contextmanager
def _other_time(days: str, _bench: Bench) -> Iterator[Surroundings]:
    """Let the clock of the wall have been set, and the monotonic one go on."""
    yield Surroundings(("faketime", "-m", "-f", f"{days}d"), {"FAKETIME_DONT_FAKE_MONOTONIC": "1"})


@contextlib.contextmanager
def _http(make: Callable[[], http.Fault], bench: Bench) -> Iterator[Surroundings]:
    fault = bench.emulator.refuse(_LOGIN, make())
    try:
        yield Surroundings()
    finally:
        fault.released.set()
        bench.emulator.faults.clear()


@contextlib.contextmanager
def _stream(name: str, _bench: Bench) -> Iterator[Surroundings]:
    if name == "stdin open":
        yield Surroundings(keep_open=True)
        return
    if name == "/dev/full":
        with open("/dev/full", "wb") as full:
            yield Surroundings(streams={"stdout": full.fileno(), "stderr": full.fileno()})
        return
    reading, writing = full_pipe()
    both = {"stdout": writing, "stderr": writing}
    try:
        yield Surroundings(streams=both if name == "both full" else {name.split(maxsplit=1)[0]: writing})
    finally:
        os.close(reading)
        os.close(writing)


@contextlib.contextmanager
def _held(name: str, bench: Bench) -> Iterator[Surroundings]:
    path = bench.home.accounts_file.parent / name.replace("ANN", bench.ann.id)
    path.parent.mkdir(mode=0o700, exist_ok=True)
    with open(path, "a", encoding="ascii") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield Surroundings()


_GITS = {
    "hangs": "sleep 60 & sleep 60",
    "prints without end": "yes garbage",
    "prints garbage": "head -c 5000 /dev/urandom",
    "is cut short": "printf 'file:/x\\0http.proxy'",
    "fails": "exit 1",
    "is killed": "kill -9 $$",
}


@contextlib.contextmanager
def _fake_git(text: str, bench: Bench) -> Iterator[Surroundings]:
    folder = bench.home.folder.parent / "bin"
    folder.mkdir(exist_ok=True)
    (folder / "git").write_text(f"#!/bin/sh\n{text}\n")
    (folder / "git").chmod(0o755)
    yield Surroundings(environment={"PATH": f"{folder}{os.pathsep}{bench.home.environment['PATH']}"})


__all__ = ["STALE", "Fault", "all_faults", "meet"]
