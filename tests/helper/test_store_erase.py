"""What ``store`` and ``erase`` do with tokens of ours: hardly anything, and never at the cost of a secret."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pytest

from git_credential_azdo.accounts.account import Block, IssuedToken
from git_credential_azdo.accounts.accounts_file import AccountsFile
from git_credential_azdo.git.protocol import Message
from git_credential_azdo.git.target import target_of
from git_credential_azdo.helper import reasons, verbs
from tests.emulator.default_world import ANN, CONTOSO, FABRIKAM
from tests.support.people import (
    OLD,
    STALE,
    add_block,
    at,
    bind,
    challenge,
    everything_saved,
    sign_in,
    vault_of,
)
from tests.support.watch import new_password

if TYPE_CHECKING:
    from tests.conftest import Home
    from tests.emulator.emulator import Emulator
    from tests.support.people import Account

from tests.support.people import learned, vault_bytes

STATE = "capability[]=state"


def close_vault(home: Home) -> None:
    """Make the vault unreadable, also for root: each of its files becomes a folder."""
    for file in [path for path in vault_of(home).rglob("*") if path.is_file()]:
        file.unlink()
        file.mkdir()


@pytest.mark.parametrize("capability", [[], [STATE]], ids=["an older git", "a git with state"])
def test_storing_what_we_gave_opens_no_vault_and_writes_nothing(
    home: Home, ann: Account, capability: list[str]
) -> None:
    """Git says ``store`` after every fetch: nothing is new, so the file is not even touched."""
    assert ann.id
    given = home.get(*capability, *at()).lines
    close_vault(home)
    before = everything_saved(home)
    result = home.store(*at(), *given)
    assert (result.out, result.err, result.code) == ("", "", 0)
    assert everything_saved(home) == before


@pytest.mark.parametrize(
    "lines", [at(None), at("app/_git/app", "contoso.visualstudio.com"), at(None, username="contoso")]
)
def test_storing_it_works_without_a_path_and_under_the_older_host(
    home: Home, ann: Account, lines: list[str]
) -> None:
    """The secret says whose it is; the organization need not be known."""
    before = everything_saved(home)
    result = home.store(*lines, f"password={ann.token()}")
    assert (result.err, everything_saved(home)) == ("", before)


def test_storing_teaches_the_organizations_tenant_once(home: Home, emulator: Emulator, ann: Account) -> None:
    """A token of that tenant worked there; the vault stays closed, and a second time nothing changes."""
    lines = at("fabrikam/app/_git/app")
    bind(home, "fabrikam", ann)
    given = home.get(*lines, *challenge(FABRIKAM)).lines
    assert learned(home, "fabrikam") == []
    close_vault(home)
    assert home.store(*lines, *given).err == ""
    assert learned(home, "fabrikam") == [FABRIKAM]
    before = everything_saved(home)
    home.store(*lines, *given)
    assert everything_saved(home) == before
    assert (ann.id, len(emulator.requests)) == (ann.id, 1)


def test_a_tenant_that_changed_is_learned_anew(home: Home, emulator: Emulator, ann: Account) -> None:
    """An organization can be moved to another tenant."""
    assert (ann.token(), emulator.requests) == (ann.token(), [])
    add_block(home, ("kind", "learned"), ("organization", "fabrikam"), ("tenant", CONTOSO))
    lines = at("fabrikam/app/_git/app")
    bind(home, "fabrikam", ann)
    home.store(*lines, *home.get(*lines, *challenge(FABRIKAM)).lines)
    assert learned(home, "fabrikam") == [FABRIKAM]


def test_storing_ends_a_refusal(home: Home, ann: Account) -> None:
    """It works again: the mark goes, whatever else is marked stays."""
    ann.set_all("rejected[]", [f"contoso {int(time.time())}", "other 1700000000"])
    assert home.get(*at()).out == "quit=1\n"
    assert home.store(*at(), f"username={ANN}", f"password={ann.token()}").err == ""
    assert ann.all("rejected[]") == ["other 1700000000"]
    assert home.get(*at()).fields["password"] == ann.token()


def test_the_token_before_the_last_refresh_is_still_known(home: Home, ann: Account) -> None:
    """A long clone hands it back: storing it changes nothing, erasing it does not touch the new one."""
    old = home.get(*at()).lines
    ann.let_pass(3_500)
    new = home.get(*at()).fields["password"]
    before = vault_bytes(home)
    assert home.store(*at(), *old).err == ""
    assert home.erase(*at(), *old).err == ""
    assert home.get(*at()).fields["password"] == new
    assert vault_bytes(home) == before


def test_a_still_older_token_is_known_by_its_state(home: Home, ann: Account) -> None:
    """Its digest is no longer kept; our state brings it back, and the state's tenant with it."""
    old = home.get(STATE, *at()).lines
    ann.let_pass(STALE)
    home.get(*at())
    ann.set_all("token[]", ann.all("token[]")[:1])
    before = everything_saved(home)
    assert home.store(STATE, *at(), *old).err == ""
    assert home.erase(STATE, *at(), *old).err == ""
    assert home.get(*at()).fields["password"] == ann.token()
    assert vault_bytes(home) == {name: kept for name, (kept, _) in before.items() if name.startswith("vault")}


def test_our_state_beside_another_helpers_secret_is_not_believed(home: Home, ann: Account) -> None:
    """Git hands our state back even when another helper's secret was used: it marks, drops and keeps nothing."""
    state = next(line for line in home.get(STATE, *at()).lines if line.startswith("state[]"))
    before = everything_saved(home)
    foreign = [
        STATE,
        *at(username=ANN),
        f"password={new_password()}",
        state,
        "state[]=other:thing",
        "state[]=azdo:x",
    ]
    for result in (home.store(*foreign), home.erase(*foreign)):
        assert (result.out, result.err, result.code) == ("", "", 0)
    assert everything_saved(home) == before
    assert home.get(*at()).fields["password"] == ann.token()


def test_a_bearer_credential_comes_back_as_ours(home: Home, emulator: Emulator) -> None:
    """It is told by ``credential`` in place of ``password``."""
    ann = sign_in(home, emulator.world, ANN, "contoso", fields={"authtype": "Bearer"})
    given = home.get("capability[]=authtype", *at()).lines
    before = everything_saved(home)
    assert home.store(*at(), *given).err == ""
    assert everything_saved(home) == before
    ann.let_pass(OLD)
    home.erase(*at(), *given)
    assert ann.all("token[]")[0].endswith(" dropped")


def test_over_http_nothing_is_stored_or_erased(home: Home, ann: Account) -> None:
    """Whatever came over http says nothing about our token."""
    add_block(home, ("kind", "typed"), ("id", "t"), ("address", "https://dev.azure.com"), ("vault", "file"))
    before = everything_saved(home)
    lines = at(protocol="http", username=ANN, password=ann.token())
    for result in (home.store(*lines), home.erase(*lines), home.erase(*at(protocol="http"))):
        assert (result.out, result.err) == ("", "")
    assert everything_saved(home) == before


def test_an_account_that_is_forgotten_meanwhile_is_not_brought_back() -> None:
    """Between reading and writing the accounts file somebody logged out: the news changes nothing."""
    account = [("kind", "oauth"), ("id", "a1"), ("token[]", "- d 1"), ("rejected[]", "contoso 1")]
    message = Message([("protocol", "https"), ("host", "dev.azure.com"), ("path", "contoso/x/_git/y")])
    target = target_of(message)
    assert target is not None
    before = AccountsFile(Block(), [Block(account)], [])
    returned = before.accounts[0], IssuedToken("", "d", 1)
    for change in (
        verbs.approve(returned, target, before),
        reasons.reject(returned, message, target, before),
    ):
        after = AccountsFile(Block(), [], [])
        assert change is not None
        change(after)
        assert after.blocks == []


def test_a_state_of_a_forgotten_account_is_not_believed(home: Home, ann: Account) -> None:
    """Its digest is right, but nobody of that id is here any more."""
    given = home.get(STATE, *at()).lines
    ann.set_all("token[]", [])
    ann.set_all("name", [])
    home.write_accounts_file(home.accounts_file.read_text().replace(f"id={ann.id}", "id=another"))
    before = everything_saved(home)
    assert home.erase(STATE, *at(), *given).err == ""
    assert everything_saved(home) == before


def test_an_accounts_file_that_cannot_be_written_costs_one_line(home: Home, ann: Account) -> None:
    """The next erase may fare better."""
    given = home.get(*at()).lines
    ann.let_pass(OLD)
    os.mkdir(f"{home.accounts_file}.lock")
    result = home.erase(*at(), *given)
    assert result.err.startswith(f"git-credential-azdo: error: cannot write {home.accounts_file}: ")
    assert (result.err.count("\n"), result.code) == (1, 0)
    assert home.get(*at()).fields["password"] == ann.token()
