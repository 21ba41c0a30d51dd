"""``setup pat`` where an account is there already: which one serves afterwards."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.emulator.default_world import ANN, BOB
from tests.support.pats import FABRIKAM_APP, give, in_vault
from tests.support.people import at, of_kind
from tests.support.people import sign_in as put_oauth

if TYPE_CHECKING:
    from tests.conftest import Home
    from tests.emulator.emulator import Emulator


def test_a_new_token_takes_the_place_of_the_old_one(home: Home, emulator: Emulator) -> None:
    """One account, with the alias, default and bindings of before; the old secret is gone."""
    world = emulator.world
    first = world.new_pat(BOB, ["fabrikam"])
    assert give(home, first, "--org", "fabrikam", "--alias", "fab", "--expires", "2199-01-01").code == 0
    assert home.azdo("use", "fab", "--default").code == 0
    clone = home.folder / "w"
    assert home.git("clone", "-q", "https://dev.azure.com/fabrikam/app/_git/app", clone).code == 0
    assert home.run("git-credential-azdo", "use", "fab", "--repo", cwd=clone).code == 0
    second = world.new_pat(BOB, ["fabrikam"])
    assert give(home, second, "--org", "fabrikam", "--alias", "fab").code == 0
    (account,) = of_kind(home, "pat")
    assert (account["alias"], account["default"]) == ("fab", "1")
    assert "expires_utc" not in account
    assert first not in in_vault(home)
    answer = home.get(*FABRIKAM_APP)
    assert (answer.fields["password"], "password_expiry_utc" in answer.fields) == (second, False)
    assert home.azdo("explain", "https://dev.azure.com/fabrikam/app/_git/app").out.count("bound to") == 1


def test_a_token_that_serves_more_than_its_successor_keeps_the_rest(home: Home, emulator: Emulator) -> None:
    """Each organization has the newest of the person's tokens."""
    world = emulator.world
    both = world.new_pat(ANN, ["contoso", "contoso-labs"])
    assert give(home, both, "--org", "contoso", "--org", "contoso-labs").code == 0
    one = world.new_pat(ANN, ["contoso"])
    assert give(home, one, "--org", "contoso").code == 0
    assert home.get(*at()).fields["password"] == one
    assert home.get(*at("contoso-labs/app/_git/app")).fields["password"] == both
    wide = world.new_pat(ANN, ["contoso", "contoso-labs"])
    assert give(home, wide, "--org", "contoso", "--org", "contoso-labs").code == 0
    assert len(of_kind(home, "pat")) == 1
    assert one not in in_vault(home)
    assert both not in in_vault(home)


def test_beside_an_oauth_account_that_lists_it_the_token_serves_the_organization(
    home: Home, emulator: Emulator
) -> None:
    """Who names an organization means it; elsewhere the sign-in goes on to serve."""
    put_oauth(home, emulator.world, ANN, "contoso", "contoso-labs")
    token = emulator.world.new_pat(ANN, ["contoso"])
    assert give(home, token, "--org", "contoso").code == 0
    assert home.get(*at()).fields["password"] == token
    labs = home.get(*at("contoso-labs/app/_git/app"))
    assert labs.fields["password"] != token
    assert labs.fields["username"] == ANN


def test_an_alias_that_another_account_has_is_refused(home: Home, emulator: Emulator) -> None:
    """Before the token is used, if the account is of another kind; else the account is kept without it."""
    put_oauth(home, emulator.world, ANN, "contoso", fields={"alias": "work"})
    result = give(home, emulator.world.new_pat(BOB, ["fabrikam"]), "--org", "fabrikam", "--alias", "Work")
    assert (result.code, of_kind(home, "pat")) == (1, [])
    assert "another account is named Work" in result.err
    assert (
        give(home, emulator.world.new_pat(BOB, ["fabrikam"]), "--org", "fabrikam", "--alias", "f").code == 0
    )
    other = give(home, emulator.world.new_pat(ANN, ["contoso"]), "--org", "contoso", "--alias", "f")
    assert other.code == 0
    assert "another account is named f, so this one is saved without an alias" in other.err
    assert [one.get("alias") for one in of_kind(home, "pat")] == ["f", None]
