"""deadline.py and git's verbs: whatever does not answer, the run ends in time, with one line and half an answer never."""

from __future__ import annotations

import contextlib
import os
import select
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

import pytest

from git_credential_azdo import errors
from tests.conftest import SCRIPT
from tests.rules.test_module_budget import warm
from tests.support.watch import WATCH

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import Home

__all__ = ["warm"]

posix = pytest.mark.skipif(os.name != "posix", reason="pipes and devices are Unix'")
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
    return process.returncode, out or b"", err or b""


def full_pipe() -> tuple[int, int]:
    """Return a pipe that takes no byte more."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(writing, bytes(65_536))
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(writing, b"\0")
    os.set_blocking(writing, True)
    return reading, writing


@pytest.mark.parametrize("given", [b"", b"protocol=https\nhost=git", OURS, FOREIGN], ids=repr)
@pytest.mark.parametrize("verb", ["get", "store", "erase"])
def test_a_stdin_that_is_never_closed_ends_in_one_line(home: Home, verb: str, given: bytes) -> None:
    """Whosever host it is about: nobody can know."""
    with start(home, verb) as process:
        assert process.stdin
        process.stdin.write(given)
        process.stdin.flush()
        assert process.wait(SECONDS) == (verb != "get")
        assert process.stdout
        assert process.stderr
        assert process.stdout.read() == (b"quit=1\n" if verb == "get" else b"")
        line = b"git-credential-azdo: error: gave up after 1 seconds: the message on stdin did not end\n"
        assert process.stderr.read() == line


def test_where_git_may_go_on_it_is_not_stopped(home: Home) -> None:
    """AZDO_YIELD, as for any other failure."""
    home.environment["AZDO_YIELD"] = "1"
    with start(home, "get") as process:
        assert process.wait(SECONDS) == 0
        assert process.stdout
        assert process.stdout.read() == b""


@pytest.mark.parametrize("verb", ["get", "store", "erase"])
@pytest.mark.parametrize("piece", [b"path=" + b"x" * 1019 + b"\n", b"\0" * 1024, b"wwwauth[]=a\n" * 100])
def test_an_endless_message_is_one_line(home: Home, verb: str, piece: bytes) -> None:
    """300 MB of it: a MiB is read, and the rest is not waited for."""
    with start(home, verb) as process:
        assert process.stdin
        with contextlib.suppress(BrokenPipeError):
            for _ in range(300 * 2**20 // len(piece * 64)):
                process.stdin.write(piece * 64)
        code, out, err = end(process)
    assert (code, out) == ((0, b"quit=1\n") if verb == "get" else (1, b""))
    assert err == b"git-credential-azdo: error: the message on stdin is longer than 1024 KiB\n"


def test_the_longest_message_that_git_could_send_is_answered(warm: tuple[Home, str]) -> None:
    """As many challenges as curl takes, and long lines of other helpers."""
    home, token = warm
    lines = [f"wwwauth[]=Basic realm={'x' * 1000}"] * 300 + [f"state[]=other.{'y' * 65_000}"] * 8
    result = home.get(*OURS.decode().splitlines(), *lines)
    assert (result.fields["password"], result.err) == (token, "")


@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_a_blank_line_ends_the_message_wherever_the_pipe_cuts(warm: tuple[Home, str], size: int) -> None:
    """The answer comes with the pipe still open."""
    home, token = warm
    for given in (OURS + b"\n", OURS.replace(b"\n", b"\r\n") + b"\r\n"):
        process = start(home, "get")
        with process:
            assert process.stdin
            for at in range(0, len(given), size):
                os.write(process.stdin.fileno(), given[at : at + size])
            assert process.wait(SECONDS) == 0
            assert process.stdout
            assert f"password={token}\n".encode() in process.stdout.read()


@posix
def test_an_answer_that_is_not_read_ends_in_one_line(warm: tuple[Home, str]) -> None:
    """And nothing more is written into it."""
    home, _ = warm
    reading, writing = full_pipe()
    with start(home, "get", stdout=writing) as process:
        code, _, err = end(process, OURS)
    os.close(writing)
    with open(reading, "rb") as pipe:
        assert not pipe.read().strip(b"\0")
    assert (code, err) == (
        0,
        b"git-credential-azdo: error: gave up after 1 seconds: the answer was not read\n",
    )


@posix
def test_a_line_that_is_not_read_keeps_nothing_from_git(home: Home) -> None:
    """Git is told to stop, though why cannot be said."""
    reading, writing = full_pipe()
    with start(home, "get", stderr=writing) as process:
        code, out, _ = end(process, OURS.replace(b"https", b"http"))
    os.close(writing)
    os.close(reading)
    assert (code, out) == (0, b"quit=1\n")


@posix
def test_both_pipes_full_end_all_the_same(home: Home) -> None:
    """Nothing can be said to anybody."""
    pipes = [full_pipe(), full_pipe()]
    with start(home, "get", stdout=pipes[0][1], stderr=pipes[1][1]) as process:
        assert end(process, OURS.replace(b"https", b"http"))[0] == 0
    for end_of_pipe in (*pipes[0], *pipes[1]):
        os.close(end_of_pipe)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full here")
@pytest.mark.parametrize(
    ("protocol", "why"), [(b"https", b""), (b"http", b"Azure DevOps was asked over http")]
)
def test_a_full_disk_for_an_answer_is_one_line(warm: tuple[Home, str], protocol: bytes, why: bytes) -> None:
    """Whether it is an answer or the word to stop, which has its own line before."""
    home, _ = warm
    with open("/dev/full", "wb") as full, start(home, "get", stdout=full.fileno()) as process:
        code, _, err = end(process, OURS.replace(b"https", protocol))
    errors = [line for line in err.splitlines() if b" error: " in line]
    assert code == 0
    assert errors.pop() == b"git-credential-azdo: error: cannot write the answer: No space left on device"
    assert [why in line for line in errors] == ([True] if why else [])


@posix
@pytest.mark.parametrize("closed", [{0}, {1}, {2}, {0, 1}, {1, 2}, {0, 1, 2}], ids=str)
@pytest.mark.parametrize("verb", ["get", "store", "erase", "capability"])
def test_closed_streams_are_no_bug(warm: tuple[Home, str], verb: str, closed: set[int]) -> None:
    """At most one line, and what is written goes nowhere else."""
    home, token = warm
    closing = " ".join(f"{number}{'<' if number == 0 else '>'}&-" for number in sorted(closed))
    before = {path: path.read_bytes() for path in home.folder.rglob("*") if path.is_file()}
    result = home.run("sh", "-c", f'exec "$0" {verb} {closing}', SCRIPT, given=OURS, secret_out=verb == "get")
    assert (token in result.out) == (verb == "get" and not closed & {0, 1})
    assert result.err.count("\n") <= 1
    assert "bug" not in result.err
    assert {path: path.read_bytes() for path in home.folder.rglob("*") if path.is_file()} == before


STREAMS = """
import os, sys
from git_credential_azdo.__main__ import _occupy_standard_streams
said = os.dup(int(sys.argv[1]))
for stream in (0, 1, 2):
    os.close(stream)
_occupy_standard_streams()
opened = os.open(sys.executable, os.O_RDONLY)
refused = []
for stream in (1, 2):
    try:
        os.write(stream, b"x")
    except OSError:
        refused.append(stream)
try:
    os.read(0, 1)
except OSError:
    refused.append(0)
os.write(said, repr((opened > 2, refused)).encode())
"""


@posix
def test_no_file_takes_the_place_of_a_closed_stream() -> None:
    """Else the answer would go into a lock file or to the keyring's socket."""
    reading, writing = os.pipe()
    with open(reading, "rb") as pipe:
        subprocess.run(
            [sys.executable, "-c", STREAMS, str(writing)], pass_fds=[writing], check=True, timeout=SECONDS
        )
        os.close(writing)
        assert pipe.read() == b"(True, [1, 2, 0])"


THREAD = """
import sys, time
from git_credential_azdo import deadline, errors
errors.began = time.monotonic() - 30
if sys.argv[2] == "begun":
    errors.claim_answer()
deadline.watch(sys.argv[1])
"""


@pytest.mark.parametrize("begun", [False, True])
@pytest.mark.parametrize("verb", ["get", "store"])
def test_a_thread_does_what_a_timer_does(home: Home, verb: str, *, begun: bool) -> None:
    """Windows has no timer that interrupts."""
    result = home.run(sys.executable, "-c", THREAD, verb, "begun" if begun else "no")
    assert (result.code, result.out) == (verb != "get", "quit=1\n" if verb == "get" and not begun else "")
    assert result.err.startswith("git-credential-azdo: error: gave up after 30 seconds: a file, the keyring")


GRANT = """
import time
from git_credential_azdo import deadline, errors
errors.began = time.monotonic()
deadline.enforce("get")
deadline.extend(3)
until = time.monotonic() + 2
while time.monotonic() < until:
    time.sleep(0.05)
print("kept")
"""


def test_what_came_late_is_still_kept(home: Home) -> None:
    """The end is put off while a new token is written."""
    result = home.run(sys.executable, "-c", GRANT, AZDO_TIMEOUT="1")
    assert (result.out, result.err) == ("kept\n", "")


def test_the_answer_is_given_away_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """To whom asks first."""
    monkeypatch.setattr(errors, "_answer", threading.Lock())
    assert [errors.claim_answer(), errors.claim_answer()] == [True, False]


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


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="/proc is Linux'")
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
from git_credential_azdo.hardening import forbid_core_dumps
forbid_core_dumps()
print(resource.getrlimit(resource.RLIMIT_CORE)[0], ctypes.CDLL(None).prctl(3, 0, 0, 0, 0))
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="prctl is Linux'")
def test_nobody_looks_into_our_memory(home: Home) -> None:
    """PR_GET_DUMPABLE says so; a debugger of the same user is refused then."""
    assert home.run(sys.executable, "-c", DUMPABLE).out == "0 0\n"
