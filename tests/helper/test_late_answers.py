"""An answer of the authorization server that comes late is saved, and a signal waits while it is: the old token may be dead."""

from __future__ import annotations

import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from git_credential_azdo.writing import Lock
from tests.conftest import SCRIPT
from tests.emulator import faults
from tests.emulator.default_world import ANN
from tests.support.people import STALE, at, sign_in
from tests.support.running import patiently

if TYPE_CHECKING:
    from tests.conftest import Home, Result
    from tests.emulator.emulator import Emulator
    from tests.support.people import Account

LOGIN = "login.microsoftonline.com"
LINES = "".join(f"{line}\n" for line in at()).encode()


@pytest.fixture
def stale(home: Home, emulator: Emulator) -> Account:
    """Return ann's account with a stale token."""
    account = sign_in(home, emulator.world, ANN, "contoso")
    account.let_pass(STALE)
    return account


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="a child goes on where a fork is safe")
def test_an_answer_after_the_deadline_is_saved(home: Home, emulator: Emulator, stale: Account) -> None:
    """git is answered at the deadline; the next run waits for the lock and finds the new tokens."""
    old = stale.kept("refresh")["token"]
    fault = emulator.refuse(LOGIN, faults.hang())
    lock = Lock(str(home.accounts_file.parent / "locks" / stale.id), 30)

    def run(seconds: str) -> Result:
        with lock:  # its child of a run before has ended
            fault.arrived.clear()
            emulator.requests.clear()
        return home.get(*at(), AZDO_TIMEOUT=seconds)

    result, seconds = patiently(run, lambda _: fault.arrived.is_set())
    assert (result.out, result.code) == ("quit=1\n", 0)
    cause = f"gave up after {seconds} seconds: https://{LOGIN} did not answer"
    assert result.err == f"git-credential-azdo: error: {cause}\n"
    emulator.faults.clear()
    fault.released.set()
    with lock:
        assert stale.kept("refresh")["token"] != old
    assert home.get(*at()).fields["password"] == stale.token()
    assert len(emulator.requests) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="signals are Unix'")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_a_request_that_is_not_answered(
    home: Home, emulator: Emulator, stale: Account, number: int
) -> None:
    """At once: it waits only while an answer is being saved. On Linux, one that comes a little later is saved, too."""
    before = stale.kept("refresh")
    fault = emulator.refuse(LOGIN, faults.hang())
    pipe = subprocess.PIPE
    with subprocess.Popen(
        [SCRIPT, "get"], stdin=pipe, stdout=pipe, stderr=pipe, env=home.environment, cwd=home.folder
    ) as process:
        assert process.stdin is not None
        process.stdin.write(LINES)
        process.stdin.close()
        assert fault.arrived.wait(90)
        process.send_signal(number)
        assert process.wait(90) == (130 if number == signal.SIGINT else -number)
    fault.released.set()
    if sys.platform.startswith("linux"):
        with Lock(str(home.accounts_file.parent / "locks" / stale.id), 30):
            assert stale.kept("refresh") != before
    else:
        assert stale.kept("refresh") == before


ANSWERED = """
import os, signal, sys
from git_credential_azdo.deadline import held_back
answered = []
signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended"))
with held_back(lambda: bool(answered)):
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
