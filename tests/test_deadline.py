"""deadline.py and git's verbs: whatever does not answer, the run ends in time, with one line and half an answer never."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from git_credential_azdo import deadline, errors
from git_credential_azdo.accounts.account import PAT
from git_credential_azdo.commands.setup_run import Run

if TYPE_CHECKING:
    from tests.conftest import Home

from tests.support.forgetting import forget
from tests.support.running import FOREIGN, OURS, SECONDS, end, start


def test_a_stdin_that_is_never_closed_ends_in_one_line(home: Home) -> None:
    """Whosever host it is about: nobody can know."""
    with contextlib.ExitStack() as stack:
        running = [
            (verb, given, stack.enter_context(start(home, verb)))
            for verb in ("get", "store", "erase")
            for given in (b"", b"protocol=https\nhost=git", OURS, FOREIGN)
        ]
        for _, given, process in running:
            assert process.stdin
            process.stdin.write(given)
            process.stdin.flush()
        line = b"git-credential-azdo: error: gave up after 1 s: the message on stdin did not end\n"
        for verb, given, process in running:
            assert process.wait(SECONDS) == (verb != "get"), (verb, given)
            assert process.stdout
            assert process.stderr
            assert process.stdout.read() == (b"quit=1\n" if verb == "get" else b"")
            assert process.stderr.read() == line


def test_a_run_in_the_process_of_the_tests_has_all_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else each that comes after half a minute of tests has a second for what it waits for."""
    monkeypatch.setattr(deadline, "_started", time.monotonic() - 100)
    assert deadline.left() == 1
    forget()
    assert deadline.left() > 20


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
    assert result.err.startswith("git-credential-azdo: error: gave up after 30 s: a file, the keyring")


def test_a_person_may_have_taken_longer_than_a_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """At a prompt, before the request for a token: it is still sent."""
    monkeypatch.setattr(errors, "began", None)
    monkeypatch.setattr(deadline, "_started", time.monotonic() - 600)
    assert deadline.left_for_request() >= 1


def test_slow_answers_add_up_and_a_person_may_think(monkeypatch: pytest.MonkeyPatch) -> None:
    """One time limit for all that a run asks for, without the time at its prompts."""
    now = [1000.0]
    monkeypatch.setattr(errors, "began", None)
    monkeypatch.setattr(deadline, "_started", 1000.0)
    monkeypatch.setattr(deadline, "time", SimpleNamespace(monotonic=lambda: now[0]))
    now[0] += 20
    with deadline.user_wait():
        now[0] += 600
    assert deadline.left() == 10
    with Run(PAT, [], None, None, no_git_config=True).http() as web:
        assert web.remaining() < 11


def test_the_answer_is_given_away_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """To whom asks first."""
    monkeypatch.setattr(errors, "_answer", threading.Lock())
    assert [errors.claim_answer(), errors.claim_answer()] == [True, False]
