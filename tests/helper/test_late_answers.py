"""An answer of the authorization server that comes late is saved, and a signal waits while it is: the old token may be dead."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from git_credential_azdo.writing import Lock
from tests.conftest import SCRIPT
from tests.emulator import faults
from tests.emulator.default_world import CONTOSO
from tests.support.people import at
from tests.support.running import SECONDS, Begun, patiently

if TYPE_CHECKING:
    from tests.conftest import Home, Result
    from tests.emulator.emulator import Emulator
    from tests.support.people import Account

LOGIN = "login.microsoftonline.com"
VERBS = (("get",), ("token", "--org", "contoso"), ("pat", "create", "--name", "n", "--org", "contoso"))
LINUX = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="a child goes on where a fork is safe"
)
LINES = "".join(f"{line}\n" for line in at()).encode()


@LINUX
@pytest.mark.parametrize("words", VERBS)
def test_an_answer_after_the_deadline_is_saved(
    home: Home, emulator: Emulator, stale: Account, words: tuple[str, ...]
) -> None:
    """The run ends at its deadline; the next one waits for the lock and finds the new tokens."""
    old = stale.secret("refresh")["token"]
    fault = emulator.refuse(LOGIN, faults.hang())
    lock = Lock(str(home.accounts_file.parent / "locks" / stale.id), 30)

    def run(seconds: str) -> Result:
        with lock:  # its child of a run before has ended
            fault.arrived.clear()
            emulator.requests.clear()
        return home.fork(SCRIPT, *words, given=LINES, AZDO_TIMEOUT=seconds)

    result, seconds = patiently(run, lambda _: fault.arrived.is_set())
    if words == ("get",):
        by = emulator.environment["HTTPS_PROXY"].removeprefix("http://")
        cause = f"gave up after {seconds} s: {LOGIN} through the proxy {by} did not respond"
        assert result.err == f"git-credential-azdo: error: {cause}\n"
    assert (result.out, result.code) == (("quit=1\n", 0) if words == ("get",) else ("", 1))
    assert LOGIN in result.err
    emulator.faults.clear()
    fault.released.set()
    with lock:
        assert stale.secret("refresh")["token"] != old
    assert home.get(*at()).fields["password"] == stale.token()
    assert [each.host for each in emulator.requests].count(LOGIN) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="signals are Unix'")
@pytest.mark.parametrize(
    ("number", "words"),
    [
        (signal.SIGINT, VERBS[0]),
        (signal.SIGTERM, VERBS[0]),
        (signal.SIGHUP, VERBS[0]),
        (signal.SIGINT, VERBS[1]),
        (signal.SIGHUP, VERBS[2]),
    ],
)
def test_a_signal_ends_a_request_that_is_not_answered(
    home: Home, emulator: Emulator, stale: Account, number: int, words: tuple[str, ...]
) -> None:
    """At once: it waits only while an answer is being saved. On Linux, one that comes a little later is saved, too."""
    before = stale.secret("refresh")
    fault = emulator.refuse(LOGIN, faults.hang())
    begun = Begun(home, *words, given=LINES)
    assert fault.arrived.wait(90)
    os.kill(begun.process.pid, number)
    assert begun.process.wait(90) == (130 if number == signal.SIGINT else -number)
    fault.released.set()
    begun.ended()
    if sys.platform.startswith("linux"):
        with Lock(str(home.accounts_file.parent / "locks" / stale.id), 30):
            assert stale.secret("refresh") != before
    else:
        assert stale.secret("refresh") == before
    assert not any("pats" in each.path for each in emulator.requests)  # the rest of the command is not done


@pytest.mark.skipif(sys.platform == "win32", reason="signals are Unix'")
@pytest.mark.parametrize(
    "words", [("doctor",), ("explain", "--online", "https://dev.azure.com/contoso/a/_git/a")]
)
def test_a_signal_waits_for_the_token_that_another_thread_asked_for(
    home: Home, emulator: Emulator, stale: Account, words: tuple[str, ...]
) -> None:
    """A child with the thread could not go on: the run ends by the signal once the token is saved."""
    before = stale.secret("refresh")
    fault = emulator.refuse(f"{LOGIN}/{CONTOSO}/oauth2/v2.0/token", faults.hang())
    begun = Begun(home, *words, given=LINES)
    assert fault.arrived.wait(90)
    os.kill(begun.process.pid, signal.SIGTERM)
    fault.released.set()
    assert begun.ended()[0] == -signal.SIGTERM
    assert stale.secret("refresh") != before


@LINUX
@pytest.mark.parametrize("words", VERBS)
def test_nothing_outlives_a_run_that_sent_no_request(
    home: Home, stale: Account, words: tuple[str, ...]
) -> None:
    """The proxy does not answer: no server has dropped the refresh token, so that the account's lock is free at once."""
    with socket.create_server(("127.0.0.1", 0)) as proxy:
        proxy.settimeout(30)
        for name in ("HTTPS_PROXY", "https_proxy"):
            home.environment[name] = f"http://127.0.0.1:{proxy.getsockname()[1]}"
        begun = Begun(home, *words, given=LINES)
        peer, _ = proxy.accept()
        with peer:
            os.kill(begun.process.pid, signal.SIGTERM)
            assert begun.process.wait(20) == -signal.SIGTERM
        begun.ended()
        with Lock(str(home.accounts_file.parent / "locks" / stale.id), 0):
            pass


ANSWERED = """
import os, signal, sys
from git_credential_azdo.deadline import defer_signals
answered = []
signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended"))
with defer_signals(lambda: bool(answered)):
    answered.append(True)
    os.kill(os.getpid(), signal.SIGTERM)
    print("saved", flush=True)
print("went on")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals are Unix'")
def test_a_signal_waits_while_the_answer_is_saved(home: Home) -> None:
    """Then it does what it would have done."""
    result = home.run(sys.executable, "-c", ANSWERED)
    assert (result.out, result.err) == ("saved\n", "ended\n")


INTERRUPTED = """
import os, signal, sys, time
from git_credential_azdo import deadline, errors
errors.began = time.monotonic()

def tick(*_):
    os.kill(os.getpid(), signal.SIGHUP)
    signal.raise_signal(signal.SIGALRM)  # as soon as the timer that a tick sets would

signal.signal(signal.SIGALRM, tick)
with deadline.continued_in_child(lambda: True), deadline.defer_signals(lambda: False):
    signal.raise_signal(signal.SIGALRM)
    os.write(int(sys.argv[1]), b"saved")
"""


@LINUX
def test_an_answer_is_saved_if_the_signal_interrupts_a_tick_of_the_timer(home: Home) -> None:
    """The child goes on in the handler of the timer, which may set it again: that must not end the child."""
    reading, writing = os.pipe()
    words = [sys.executable, "-c", INTERRUPTED, str(writing)]
    begun = subprocess.Popen(words, env=home.environment, pass_fds=[writing])
    os.close(writing)
    assert begun.wait(SECONDS) == -signal.SIGHUP
    with os.fdopen(reading, "rb") as pipe:
        assert pipe.read() == b"saved"
