"""``erase`` of a token that we gave: what is dropped, what is marked, and that nothing else is lost."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from tests.emulator.default_world import ANN, BOB, CONTOSO
from tests.support.people import at, challenge, give_pat, sign_in

if TYPE_CHECKING:
    from tests.conftest import Home
    from tests.emulator.emulator import Emulator
    from tests.support.people import Account

from tests.support.people import learned, vault_bytes


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


def test_marks_that_cannot_be_read_are_ignored(home: Home, ann: Account) -> None:
    """People mend the file by hand."""
    ann.set_all("token[]", ["nonsense", "a b c", *ann.all("token[]")])
    assert home.store(*at(), f"password={ann.token()}").err == ""
    assert home.get(*at()).fields["password"] == ann.token()
