"""Commands that are killed or interrupted anywhere: what was there still answers, and no secret or token is left that no account holds."""

from __future__ import annotations

import os
import shlex
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING

from tests.conftest import SCRIPT
from tests.emulator import faults
from tests.emulator.default_world import ANN, BOB
from tests.support.killed import killed_after, killed_everywhere
from tests.support.marks import dev_full, posix
from tests.support.moody_keyring import NAME
from tests.support.people import add_block, at, blocks, give_pat, sign_in, vault_of
from tests.support.running import Begun

if TYPE_CHECKING:
    import pytest

    from tests.conftest import Home
    from tests.emulator.emulator import Emulator


PAT = ("setup", "pat", "--org", "contoso", "--vault", "file", "--no-git-config")


def named(home: Home) -> set[str]:
    """Return the ids in the accounts file."""
    return {value for pairs in blocks(home) for key, value in pairs if key == "id"}


def held(home: Home) -> set[str]:
    """Return the ids that have secrets in the file vault."""
    entries = vault_of(home).iterdir() if vault_of(home).exists() else ()
    return {path.name for path in entries} - {"self-test"}


def test_a_first_setup_that_is_killed_leaves_everything_or_nothing(home: Home, emulator: Emulator) -> None:
    """Run again it finishes, and deletes what it had begun."""
    token = emulator.world.new_pat(ANN, ["contoso"])
    for _ in killed_everywhere(home, *PAT, given=token):
        answer = home.get(*at(), AZDO_YIELD="1").fields.get("password")
        assert answer in {token, None}
    assert answer == token
    assert held(home) == named(home)
    assert len(named(home)) == 1


def test_a_killed_setup_of_an_account_overwrites_nothing(home: Home, emulator: Emulator) -> None:
    """Its token of before or the new one serves, at every moment."""
    old, new = (emulator.world.new_pat(ANN, ["contoso"]) for _ in range(2))
    account = give_pat(home, old, ANN, "contoso")
    account.set_all("alias", ["work"])
    answers = [home.get(*at()).fields["password"] for _ in killed_everywhere(home, *PAT, given=new)]
    assert answers == sorted(answers, key=[old, new].index)
    assert set(answers) == {old, new}
    assert held(home) == named(home)
    (after,) = [pairs for pairs in blocks(home) if ("kind", "pat") in pairs]
    assert ("alias", "work") in after


def test_a_name_in_the_journal_is_there_before_the_secret(home: Home, emulator: Emulator) -> None:
    """And goes with it."""
    account = sign_in(home, emulator.world, ANN, "contoso")
    account.let_pass(4000)
    assert home.get(*at()).fields["password"] == account.token()
    journal = home.accounts_file.with_name("entries")
    assert f"entry=file {account.id}/refresh\n" in journal.read_text()
    assert home.azdo("logout", "--all").code == 0
    assert (journal.read_text(), held(home)) == ("", set())


def test_secrets_without_a_name_are_found_and_removed(home: Home, emulator: Emulator) -> None:
    """The accounts file was lost: doctor names them, and how to remove them; logout --all leaves none."""
    accounts = [sign_in(home, emulator.world, ANN, "contoso") for _ in "abc"]
    home.write_accounts_file("")
    (home.accounts_file.with_name("entries")).write_text(f"entry=file {accounts[0].id}/pat\n")
    left = home.azdo("doctor").out
    assert all(f"secrets of {account.id}, which no account has: " in left for account in accounts)
    assert f"git credential-azdo logout {accounts[0].id}\n" in left
    result = home.azdo("logout", accounts[0].id)
    assert (result.out, result.err) == (f"The secrets of {accounts[0].id} are removed\n", "")
    assert held(home) == {account.id for account in accounts[1:]}
    assert home.azdo("logout", "--all").code == 0
    assert (held(home), home.accounts_file.with_name("entries").read_text()) == (set(), "")
    assert "which no account has" not in home.azdo("doctor").out


def test_the_temporary_file_of_a_killed_write_is_removed(home: Home, emulator: Emulator) -> None:
    """It holds the secret, or a part of it."""
    account = sign_in(home, emulator.world, ANN, "contoso")
    secret = vault_of(home) / account.id / "refresh"
    secret.rename(secret.with_name("refresh.0123456789abcdef.new"))
    home.write_accounts_file("")
    assert home.azdo("logout", "--all").code == 0
    assert held(home) == set()


def test_the_trial_of_a_vault_that_is_killed_is_removed(home: Home, emulator: Emulator) -> None:
    """What it wrote is in the journal: a keyring is never asked for all that it holds."""
    token = emulator.world.new_pat(ANN, ["contoso"])
    killed_after(home, 2, *PAT, given=token, spared="nothing")
    journal = home.accounts_file.with_name("entries")
    (trial,) = vault_of(home).rglob("self-test/*")
    assert journal.read_text() == f"entry=file self-test/{trial.name}\n"
    assert home.azdo("logout", "--all").code == 0
    assert (journal.read_text(), [*vault_of(home).iterdir()]) == ("", [])


# --- pat create and pat rotate


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


def stopped(home: Home, fault: faults.Fault, number: int, *words: str) -> tuple[int, bytes, bytes]:
    """Run a command, send it a signal when the fault is reached, and wait for its end."""
    command = Begun(home, *words)
    assert fault.arrived.wait(90)
    os.kill(command.process.pid, number)
    ended = command.ended()
    fault.released.set()
    return ended


def killed_create(home: Home, emulator: Emulator, *words: str) -> str:
    """Kill ``pat create`` before the token that Azure DevOps created is saved; return the token's id."""
    fault = faults.hang(1)
    emulator.refuse("dev.azure.com/contoso/_apis/git", fault)
    stopped(home, fault, signal.SIGKILL, *CREATE, *words)
    (left,) = set(living(emulator)) - set(saved(home))
    return left


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


@dev_full
def test_a_token_that_could_not_be_printed_is_revoked_by_the_next_run(
    signed_in: Home, emulator: Emulator
) -> None:
    """It was to be printed only: there is no account of it."""
    words = "pat create --org contoso --scope vso.build --show >/dev/full"
    done = signed_in.run("sh", "-c", f'exec "$0" {words}', SCRIPT)
    assert done.err.endswith("error: cannot write to standard output: No space left on device\n")
    (left,) = living(emulator)
    assert signed_in.azdo(*CREATE).code == 0
    assert left not in living(emulator)


@posix
def test_what_a_killed_create_left_is_offered_by_pat_list(signed_in: Home, emulator: Emulator) -> None:
    """With the command that revokes it, after which nothing is offered any more."""
    left = killed_create(signed_in, emulator)
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
        unsaved = ("kind", "unsaved-token"), ("organization", "contoso")
        add_block(signed_in, *unsaved, ("id", identifier), ("started_utc", str(started)))
    assert signed_in.azdo("pat", "list").code == 0
    assert emulator.seen("vssps.dev.azure.com/contoso/_apis/tokens/pats")
    assert [dict(each)["id"] for each in blocks(signed_in) if ("kind", "unsaved-token") in each] == ["bb"]


@posix
def test_what_a_killed_create_left_waits_for_who_began_it(signed_in: Home, emulator: Emulator) -> None:
    """Somebody else's sign-in does not see the token, and forgets nothing."""
    emulator.world.organizations["contoso"].members[BOB] = "write"
    sign_in(signed_in, emulator.world, BOB, "contoso")
    mine = ("--account", ANN)
    left = killed_create(signed_in, emulator, *mine)
    assert signed_in.azdo(*CREATE, "--account", BOB).code == 0
    assert left in living(emulator)
    assert signed_in.azdo(*CREATE, *mine).code == 0
    assert left not in living(emulator)


def test_an_interrupted_rotate_keeps_the_token_that_was_saved(
    signed_in: Home, emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C while the old one is revoked: the new one counts; the next run finishes."""
    assert signed_in.azdo(*CREATE).code == 0
    code, _, err = stopped(signed_in, hang_at(emulator, monkeypatch, 2), signal.SIGINT, "pat", "rotate")
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
    assert stopped(signed_in, hang_at(emulator, monkeypatch, 1), signal.SIGINT, *CREATE)[0] == 130
    emulator.world.new_pat(ANN, ["contoso"])  # somebody else's, of another name
    result = signed_in.azdo(*CREATE)
    assert result.code == 0
    assert [pat.name for pat in emulator.world.pats if not pat.revoked] == ["made by the test", "Mine"]


def test_two_rotates_at_once_leave_one_token(signed_in: Home, emulator: Emulator) -> None:
    """One after the other."""
    assert signed_in.azdo(*CREATE).code == 0
    both = [Begun(signed_in, "pat", "rotate") for _ in "ab"]
    assert [rotate.ended()[0] for rotate in both] == [0, 0]
    assert saved(signed_in) == living(emulator)
    assert len(living(emulator)) == 1
