"""What ``store`` and ``erase`` do with tokens of ours: hardly anything, and never at the cost of a secret."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pytest

from git_credential_azdo.accounts.account import Block
from git_credential_azdo.accounts.accounts_file import AccountsFile
from git_credential_azdo.git.protocol import Message
from git_credential_azdo.git.target import target_of
from git_credential_azdo.helper import issued
from tests.emulator.default_world import ANN, BOB, CONTOSO, FABRIKAM
from tests.support.people import (
    add_block,
    at,
    bind,
    blocks,
    challenge,
    everything_kept,
    give_pat,
    sign_in,
    vault_of,
)
from tests.support.watch import new_password

if TYPE_CHECKING:
    from tests.conftest import Home
    from tests.emulator.emulator import Emulator
    from tests.support.people import Account

STATE = "capability[]=state"


@pytest.fixture
def ann(home: Home, emulator: Emulator) -> Account:
    """Return ann's account, signed in a moment ago."""
    return sign_in(home, emulator.world, ANN, "contoso")


def vault_bytes(home: Home) -> dict[str, bytes]:
    """Return what the vault's files hold."""
    return {name: kept for name, (kept, _) in everything_kept(home).items() if name.startswith("vault")}


def close_vault(home: Home) -> None:
    """Make the vault unreadable, also for root: each of its files becomes a folder."""
    for file in [path for path in vault_of(home).rglob("*") if path.is_file()]:
        file.unlink()
        file.mkdir()


def learned(home: Home, organization: str) -> list[str]:
    """Return the tenants that the organization is known to belong to."""
    return [dict(block)["tenant"] for block in blocks(home) if ("organization", organization) in block]


@pytest.mark.parametrize("capability", [[], [STATE]], ids=["an older git", "a git with state"])
def test_storing_what_we_gave_opens_no_vault_and_writes_nothing(
    home: Home, ann: Account, capability: list[str]
) -> None:
    """Git says ``store`` after every fetch: nothing is new, so the file is not even touched."""
    assert ann.id
    given = home.get(*capability, *at()).lines
    close_vault(home)
    before = everything_kept(home)
    result = home.store(*at(), *given)
    assert (result.out, result.err, result.code) == ("", "", 0)
    assert everything_kept(home) == before


@pytest.mark.parametrize(
    "lines", [at(None), at("app/_git/app", "contoso.visualstudio.com"), at(None, username="contoso")]
)
def test_storing_it_works_without_a_path_and_under_the_older_host(
    home: Home, ann: Account, lines: list[str]
) -> None:
    """The secret says whose it is; the organization need not be known."""
    before = everything_kept(home)
    result = home.store(*lines, f"password={ann.token()}")
    assert (result.err, everything_kept(home)) == ("", before)


def test_storing_teaches_the_organizations_tenant_once(home: Home, emulator: Emulator, ann: Account) -> None:
    """A token of that tenant worked there; the vault stays closed, and a second time nothing changes."""
    lines = at("fabrikam/app/_git/app")
    bind(home, "fabrikam", ann)
    given = home.get(*lines, *challenge(FABRIKAM)).lines
    assert learned(home, "fabrikam") == []
    close_vault(home)
    assert home.store(*lines, *given).err == ""
    assert learned(home, "fabrikam") == [FABRIKAM]
    before = everything_kept(home)
    home.store(*lines, *given)
    assert everything_kept(home) == before
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
    ann.set_all("token[]", [])
    before = everything_kept(home)
    assert home.store(STATE, *at(), *old).err == ""
    assert home.erase(STATE, *at(), *old).err == ""
    assert home.get(*at()).fields["password"] == ann.token()
    assert vault_bytes(home) == {name: kept for name, (kept, _) in before.items() if name.startswith("vault")}


def test_our_state_beside_somebody_elses_secret_is_not_believed(home: Home, ann: Account) -> None:
    """Git hands our state back even when another helper's secret was used: it marks, drops and keeps nothing."""
    state = next(line for line in home.get(STATE, *at()).lines if line.startswith("state[]"))
    before = everything_kept(home)
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
    assert everything_kept(home) == before
    assert home.get(*at()).fields["password"] == ann.token()


def test_a_bearer_credential_comes_back_as_ours(home: Home, emulator: Emulator) -> None:
    """It is told by ``credential`` in place of ``password``."""
    ann = sign_in(home, emulator.world, ANN, "contoso", fields={"authtype": "Bearer"})
    given = home.get("capability[]=authtype", *at()).lines
    before = everything_kept(home)
    assert home.store(*at(), *given).err == ""
    assert everything_kept(home) == before
    ann.let_pass(400)
    home.erase(*at(), *given)
    assert ann.all("token[]")[0].endswith(" dropped")


def test_an_old_token_that_is_refused_is_dropped_and_the_next_get_refreshes(
    home: Home, emulator: Emulator, ann: Account
) -> None:
    """One request, a new token, no mark; the vault is not opened to drop it."""
    old = home.get(*at()).lines
    ann.let_pass(400)
    before = vault_bytes(home)
    assert home.erase(*at(), *old).err == ""
    assert vault_bytes(home) == before
    fresh = home.get(*at())
    assert (len(emulator.seen("login.microsoftonline.com")), ann.all("rejected[]")) == (1, [])
    assert fresh.fields["password"] == ann.token()
    assert fresh.lines != old
    assert home.get(*at()).lines == fresh.lines
    assert len(emulator.seen("login.microsoftonline.com")) == 1


def test_a_fresh_token_that_is_refused_marks_the_organization_for_a_minute(
    home: Home, emulator: Emulator, ann: Account
) -> None:
    """A new token would fare no better: one line with who, tenant, organization, and what to do. Then it ends."""
    assert home.erase(*at(), *home.get(*at()).lines).err == ""
    result = home.get(*at())
    assert (result.out, emulator.requests) == ("quit=1\n", [])
    error, hint = result.err.splitlines()
    assert all(word in error for word in ("error: ", "contoso", ANN, CONTOSO))
    assert "git credential-azdo explain https://dev.azure.com/contoso --online" in hint
    assert "git credential-azdo setup pat --org contoso" in hint
    ann.let_pass(61)
    assert home.get(*at()).fields["password"] == ann.token()


def test_the_mark_is_for_that_organization_alone(home: Home, emulator: Emulator, ann: Account) -> None:
    """The account goes on serving the others."""
    home.erase(*at(), *home.get(*at()).lines)
    assert home.get(*at()).out == "quit=1\n"
    assert home.get(*at("contoso-labs/app/_git/app"), *challenge(CONTOSO)).fields["password"] == ann.token()
    assert emulator.requests == []


def test_a_refusal_without_a_path_marks_only_requests_without_a_path(home: Home, ann: Account) -> None:
    """The line then cannot name the organization."""
    home.erase(*at(None), *home.get(*at(None)).lines)
    result = home.get(*at(None))
    assert result.out == "quit=1\n"
    assert "error: Azure DevOps rejected a new token of" in result.err
    assert "setup pat --org ORGANIZATION" in result.err
    assert home.get(*at()).fields["password"] == ann.token()


def test_a_mark_from_the_future_does_not_count(home: Home, ann: Account) -> None:
    """The clock was set back."""
    ann.set_all("rejected[]", [f"contoso {int(time.time()) + 5_000}", "other never"])
    assert home.get(*at()).fields["password"] == ann.token()


def test_a_refusal_forgets_the_organizations_tenant(home: Home, ann: Account) -> None:
    """It may have been moved to another one."""
    assert learned(home, "contoso") == [CONTOSO]
    home.erase(*at(), f"password={ann.token()}")
    assert learned(home, "contoso") == []


@pytest.mark.parametrize("age", [0, 400], ids=["fresh", "old"])
def test_a_401_never_costs_a_secret(home: Home, emulator: Emulator, age: int) -> None:
    """Refresh token, access token and PAT are in the vault byte by byte as before, however often it is refused."""
    secret = emulator.world.new_pat(BOB)
    ann, pat = sign_in(home, emulator.world, ANN, "contoso"), give_pat(home, secret, BOB, "fabrikam")
    ann.let_pass(age)
    before = vault_bytes(home)
    for _ in range(2):
        assert home.erase(*at(username=ANN, password=ann.token())).code == 0
        assert home.erase(*at("fabrikam/app/_git/app", username=BOB, password=secret)).code == 0
        assert home.erase(*at(), f"username={ANN}").code == 0
        assert home.erase(*at("fabrikam/app/_git/app")).code == 0
    assert vault_bytes(home) == before
    assert pat.kept("pat")["token"] == secret


def test_over_http_nothing_is_stored_or_erased(home: Home, ann: Account) -> None:
    """Whatever came over http says nothing about our token."""
    add_block(home, ("kind", "typed"), ("id", "t"), ("address", "https://dev.azure.com"), ("vault", "file"))
    before = everything_kept(home)
    lines = at(protocol="http", username=ANN, password=ann.token())
    for result in (home.store(*lines), home.erase(*lines), home.erase(*at(protocol="http"))):
        assert (result.out, result.err) == ("", "")
    assert everything_kept(home) == before


def test_an_account_that_is_forgotten_meanwhile_is_not_brought_back() -> None:
    """Between reading and writing the accounts file somebody logged out: the news changes nothing."""
    account = [("kind", "oauth"), ("id", "a1"), ("token[]", "- d 1"), ("rejected[]", "contoso 1")]
    target = target_of(
        Message([("protocol", "https"), ("host", "dev.azure.com"), ("path", "contoso/x/_git/y")])
    )
    assert target is not None
    before = AccountsFile(Block(), [Block(account)], [])
    returned = issued.ReturnedToken(before.accounts[0], "", "d", 1)
    for change in (issued.approve(returned, target, before), issued.reject(returned, target, before)):
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
    before = everything_kept(home)
    assert home.erase(STATE, *at(), *given).err == ""
    assert everything_kept(home) == before


def test_marks_that_cannot_be_read_are_ignored(home: Home, ann: Account) -> None:
    """People mend the file by hand."""
    ann.set_all("token[]", ["nonsense", "a b c", *ann.all("token[]")])
    assert home.store(*at(), f"password={ann.token()}").err == ""
    assert home.get(*at()).fields["password"] == ann.token()


def test_a_registry_that_cannot_be_written_costs_one_line(home: Home, ann: Account) -> None:
    """The next erase may fare better."""
    given = home.get(*at()).lines
    os.mkdir(f"{home.accounts_file}.lock")
    result = home.erase(*at(), *given)
    assert result.err.startswith(f"git-credential-azdo: error: cannot write {home.accounts_file}: ")
    assert (result.err.count("\n"), result.code) == (1, 0)
    assert home.get(*at()).fields["password"] == ann.token()
