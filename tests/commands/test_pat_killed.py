"""``pat create`` and ``pat rotate``, killed or interrupted anywhere: no token lives on that no account holds."""

from __future__ import annotations

import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.conftest import SCRIPT
from tests.emulator import faults, tokens
from tests.emulator.default_world import ANN, BOB
from tests.support.killed import killed_after, killed_everywhere
from tests.support.moody_keyring import NAME
from tests.support.people import add_block, at, blocks, sign_in

if TYPE_CHECKING:
    from tests.conftest import Home
    from tests.emulator.emulator import Emulator

CREATE = ("pat", "create", "--org", "contoso", "--name", "Mine")
API = "/contoso/_apis/tokens/pats"


def living(emulator: Emulator) -> list[str]:
    """Return the ids of the tokens at Azure DevOps that are not revoked."""
    return [pat.id for pat in emulator.world.pats if not pat.revoked]


def saved(home: Home) -> list[str]:
    """Return the ids at Azure DevOps of the tokens that accounts hold."""
    return [
        value
        for pairs in blocks(home)
        for key, value in pairs
        if (key, ("kind", "pat") in pairs) == ("authorization_id", True)
    ]


def password(home: Home) -> str:
    """Return what ``get`` answers."""
    return home.get(*at()).fields["password"]


def hang_at(emulator: Emulator, monkeypatch: pytest.MonkeyPatch, number: int) -> faults.Fault:
    """Let the so many-th request to the API of tokens hang; it is done at the service."""
    fault, seen = faults.hang(), []
    take = emulator.faults.take

    def counted(host: str, path: str, **more: bool) -> faults.Fault | None:
        if path.startswith(API):
            seen.append(path)
            return fault if len(seen) == number else None
        return take(host, path, **more)

    monkeypatch.setattr(emulator.faults, "take", counted)
    return fault


def interrupted(home: Home, fault: faults.Fault, *words: str) -> tuple[str, int]:
    """Run a command, press Ctrl-C when the fault is reached, and return its stderr and its exit code."""
    process = subprocess.Popen([SCRIPT, *words], stderr=subprocess.PIPE, env=home.environment)
    assert fault.arrived.wait(90)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=90)
    fault.released.set()
    return err.decode(), process.returncode


def test_a_killed_create_leaves_no_token_that_no_account_holds(signed_in: Home, emulator: Emulator) -> None:
    """The next run revokes what was created and not saved, and forgets that it was to be."""
    for _ in killed_everywhere(signed_in, *CREATE):
        assert password(signed_in)
        assert set(saved(signed_in)) <= set(living(emulator))
        for identifier in saved(signed_in):  # the next run would create a second one, as it should
            assert signed_in.azdo("pat", "revoke", identifier, "--org", "contoso").code == 0
    assert living(emulator) == []
    assert "unsaved-token" not in signed_in.accounts_file.read_text()


def test_a_killed_rotate_leaves_a_living_token_at_every_moment(signed_in: Home, emulator: Emulator) -> None:
    """The old one or the new one; the whole run leaves one, and revokes the others."""
    assert signed_in.azdo(*CREATE).code == 0
    for _ in killed_everywhere(signed_in, "pat", "rotate"):
        answer = password(signed_in)
        assert any(pat.token == answer and not pat.revoked for pat in emulator.world.pats)
    assert saved(signed_in) == living(emulator)
    assert len(living(emulator)) == 1
    assert "unsaved-token" not in signed_in.accounts_file.read_text()


def test_a_killed_revoke_is_finished_by_the_next_run(signed_in: Home, emulator: Emulator) -> None:
    """By the token's name too, which Azure DevOps no longer lists: no account with a dead token stays."""
    assert signed_in.azdo(*CREATE).code == 0
    revoke = ("pat", "revoke", "Mine", "--org", "contoso")
    killed_after(signed_in, 0, *revoke)
    assert (living(emulator), len(saved(signed_in))) == ([], 1)
    result = signed_in.azdo(*revoke)
    assert (result.code, saved(signed_in)) == (0, []), result.err
    assert "its account is removed" in result.err


@pytest.mark.skipif(sys.platform == "win32", reason="has no device that is full")
def test_a_token_that_could_not_be_printed_is_revoked_by_the_next_run(
    signed_in: Home, emulator: Emulator
) -> None:
    """It was to be printed only: there is no account of it."""
    words = (SCRIPT, "pat", "create", "--org", "contoso", "--scope", "vso.build", "--show")
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            words, stdout=full, stderr=subprocess.PIPE, env=signed_in.environment, check=False
        )
    assert done.stderr.endswith(b"error: cannot write to standard output: No space left on device\n")
    (left,) = living(emulator)
    assert signed_in.azdo(*CREATE).code == 0
    assert left not in living(emulator)


def test_what_a_killed_create_left_is_offered_by_pat_list(signed_in: Home, emulator: Emulator) -> None:
    """With the command that revokes it, after which nothing is offered any more."""
    for _ in killed_everywhere(signed_in, *CREATE):
        if set(living(emulator)) - set(saved(signed_in)):
            break
    (left,) = living(emulator)
    assert "may have left a token of contoso" in signed_in.azdo("doctor").out
    listed = signed_in.azdo("pat", "list", "--org", "contoso")
    hint = f"git credential-azdo pat revoke {left} --org contoso"
    assert f"hint: an interrupted run left 'Mine': {hint}\n" in listed.err
    assert signed_in.azdo(*shlex.split(hint)[2:]).code == 0
    assert living(emulator) == []
    assert "stopped" not in signed_in.azdo("pat", "list", "--org", "contoso").err
    assert "may have left" not in signed_in.azdo("doctor").out
    assert "unsaved-token" not in signed_in.accounts_file.read_text()


def test_what_is_found_nowhere_is_forgotten_by_pat_list(signed_in: Home, emulator: Emulator) -> None:
    """Once no run can be about to create it."""
    for identifier, started in (("aa", 1), ("bb", int(time.time()))):
        keys = {
            "kind": "unsaved-token",
            "id": identifier,
            "organization": "contoso",
            "started_utc": str(started),
        }
        add_block(signed_in, *keys.items())
    assert signed_in.azdo("pat", "list").code == 0
    assert emulator.seen("vssps.dev.azure.com/contoso/_apis/tokens/pats")
    assert [dict(each)["id"] for each in blocks(signed_in) if ("kind", "unsaved-token") in each] == ["bb"]


def test_what_a_killed_create_left_waits_for_who_began_it(signed_in: Home, emulator: Emulator) -> None:
    """Somebody else's sign-in does not see the token, and forgets nothing."""
    emulator.world.organizations["contoso"].members[BOB] = "write"
    sign_in(signed_in, emulator.world, BOB, "contoso")
    mine = ("--account", ANN)
    for _ in killed_everywhere(signed_in, *CREATE, *mine):
        if set(living(emulator)) - set(saved(signed_in)):
            break
    (left,) = living(emulator)
    assert signed_in.azdo(*CREATE, "--account", BOB).code == 0
    assert left in living(emulator)
    assert signed_in.azdo(*CREATE, *mine).code == 0
    assert left not in living(emulator)


def test_an_interrupted_rotate_keeps_the_token_that_was_saved(
    signed_in: Home, emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C while the old one is revoked: the new one counts; the next run finishes."""
    assert signed_in.azdo(*CREATE).code == 0
    err, code = interrupted(signed_in, hang_at(emulator, monkeypatch, 2), "pat", "rotate")
    old, new = emulator.world.pats
    assert (code, new.revoked, password(signed_in)) == (130, False, new.token), err
    assert signed_in.azdo("pat", "rotate").code == 0
    assert old.revoked
    assert saved(signed_in) == living(emulator)


def test_a_keyring_that_loses_the_new_token_costs_no_old_one(signed_in: Home, emulator: Emulator) -> None:
    """It is read back before the old one is revoked."""
    assert signed_in.azdo(*CREATE).code == 0
    signed_in.write_accounts_file(signed_in.accounts_file.read_text().replace("vault=file", f"vault={NAME}"))
    result = signed_in.azdo("pat", "rotate", MOOD="loses", PYTHONPATH=str(Path(__file__).parents[2]))
    assert (result.code, "did not return the value that was stored" in result.err) == (1, True), result.err
    old, new = emulator.world.pats
    assert (old.revoked, new.revoked) == (False, True)


def test_an_interrupted_create_is_finished_by_the_next_run(
    signed_in: Home, emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer with the token never came."""
    assert interrupted(signed_in, hang_at(emulator, monkeypatch, 1), *CREATE)[1] == 130
    emulator.world.new_pat(ANN, ["contoso"])  # somebody else's, of another name
    result = signed_in.azdo(*CREATE)
    assert result.code == 0
    assert [pat.name for pat in emulator.world.pats if not pat.revoked] == ["made by the test", "Mine"]


def test_two_rotates_at_once_leave_one_token(signed_in: Home, emulator: Emulator) -> None:
    """One after the other."""
    assert signed_in.azdo(*CREATE).code == 0
    both = [
        subprocess.Popen([SCRIPT, "pat", "rotate"], stderr=subprocess.DEVNULL, env=signed_in.environment)
        for _ in "ab"
    ]
    assert [process.wait(60) for process in both] == [0, 0]
    assert saved(signed_in) == living(emulator)
    assert len(living(emulator)) == 1


def test_a_token_in_the_place_of_a_name_is_not_sent(signed_in: Home, emulator: Emulator) -> None:
    """Nor repeated."""
    token = tokens.new_pat()
    result = signed_in.azdo("pat", "create", "--org", "contoso", "--name", token)
    assert (result.code, emulator.requests) == (1, [])
    assert "--name is the token's name, not a token" in result.err
