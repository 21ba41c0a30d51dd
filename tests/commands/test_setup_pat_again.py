"""``setup pat`` where another token is there already: which one serves afterwards, and what is said of each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_credential_azdo.commands.setup import global_end, is_global_over
from tests.emulator.default_world import ANN, BOB
from tests.support.pats import FABRIKAM_APP, give, in_vault
from tests.support.people import at, of_kind
from tests.support.people import sign_in as put_oauth
from tests.support.terminal import setup_by_browser

if TYPE_CHECKING:
    from tests.conftest import Home
    from tests.emulator.emulator import Emulator


def test_a_new_token_takes_the_place_of_the_old_one(home: Home, emulator: Emulator) -> None:
    """One account, with the alias, default and bindings of before; the old secret is gone."""
    world = emulator.world
    first = world.new_pat(BOB, ["fabrikam"])
    assert give(home, first, "--org", "fabrikam", "--alias", "fab", "--expires", "2199-01-01").code == 0
    assert home.azdo("use", "fab", "--default").code == 0
    home.git("init", "-q")
    home.git("remote", "add", "origin", "https://dev.azure.com/fabrikam/app/_git/app")
    assert home.azdo("use", "fab", "--repo").code == 0
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


FIRST_OF_DECEMBER = 1_796_083_200
PAT = ("setup", "pat", "--org", "contoso", "--vault", "file", "--no-git-config")


def test_tokens_for_all_organizations_end_with_november(home: Home) -> None:
    """https://devblogs.microsoft.com/devops/retirement-of-global-personal-access-tokens-in-azure-devops/."""
    for moment, is_over in ((FIRST_OF_DECEMBER - 1, False), (FIRST_OF_DECEMBER, True)):
        assert is_global_over(moment) is is_over
        assert ("stopped accepting" in global_end(moment)) is is_over
    assert home.folder.exists()


def test_setup_says_what_the_pipeline_will_do(home: Home, emulator: Emulator) -> None:
    """Its own token takes precedence; the command that is named lets the account answer."""
    token, job = (emulator.world.new_pat(ANN, ["contoso"]) for _ in range(2))
    pipeline = {
        "TF_BUILD": "True",
        "SYSTEM_COLLECTIONURI": "https://dev.azure.com/contoso/",
        "SYSTEM_ACCESSTOKEN": job,
    }
    result = home.azdo(*PAT, given=token, **pipeline)
    use = f"git credential-azdo use {ANN} --org contoso"
    line = f"hint: for contoso the token in SYSTEM_ACCESSTOKEN takes precedence; to use this account: {use}\n"
    assert line in result.err
    assert home.get(*at(), **pipeline).fields["password"] == job
    assert home.azdo("use", ANN, "--org", "contoso").code == 0
    assert home.get(*at(), **pipeline).fields["password"] == token
    assert "takes precedence" not in home.azdo(*PAT, given=token, **pipeline).err


def test_one_organization_is_asked_once(home: Home, emulator: Emulator) -> None:
    """For its tenant, and for a repository to clone."""
    setup_by_browser(home, emulator, "--org", "contoso")
    tenants = [
        record
        for record in emulator.requests
        if record.path.startswith("/contoso?") or record.path == "/contoso"
    ]
    assert len(tenants) == 1, [(record.host, record.path) for record in emulator.requests]
    emulator.requests.clear()
    home.azdo(*PAT, given=emulator.world.new_pat(ANN, ["contoso"]))
    assert len(emulator.seen("dev.azure.com/contoso/_apis/git/repositories")) == 1
