"""``setup`` again and again: one person is one account, two are two, guests and personal accounts too."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from tests.emulator.default_world import ANN, BOB, CONTOSO, FABRIKAM, KIM
from tests.emulator.model import TRANSFER
from tests.support.pats import in_vault
from tests.support.people import at, blocks, of_kind
from tests.support.terminal import Sitting, setup_by_browser

if TYPE_CHECKING:
    from tests.conftest import Home
    from tests.emulator.emulator import Emulator

FILE = ("--vault", "file", "--no-browser")


def organizations(home: Home) -> list[str]:
    """Return what the first account lists."""
    account = next(pairs for pairs in blocks(home) if ("kind", "oauth") in pairs)
    return [value for key, value in account if key == "org[]"]


def test_a_personal_account_signs_in_and_clones(home: Home, emulator: Emulator) -> None:
    """Its tokens come from the transfer tenant; its organization has no tenant."""
    result = setup_by_browser(home, emulator, person=KIM)
    assert "Organizations: hobby" in result.err
    assert of_kind(home, "oauth")[0]["tenant"] == TRANSFER
    clone = home.git("clone", "-q", "https://dev.azure.com/hobby/app/_git/app", home.folder / "w")
    assert clone.code == 0, clone.err


def test_the_same_person_again_updates_the_account(home: Home, emulator: Emulator) -> None:
    """No duplicate, whichever way in; alias, default and bindings stay, and the organizations add up."""
    assert setup_by_browser(home, emulator, "--alias", "work").code == 0
    assert home.azdo("use", "work", "--org", "contoso-labs").code == 0
    assert home.azdo("use", "work", "--default").code == 0
    for options in (["--org", "contoso"], ["--org", "fabrikam"], ["--alias", "work"]):
        assert setup_by_browser(home, emulator, *options).code == 0
    assert len(of_kind(home, "oauth")) == 1
    account = of_kind(home, "oauth")[0]
    assert (account["alias"], account["default"]) == ("work", "1")
    assert account["tenant"] == CONTOSO
    assert set(organizations(home)) == {"contoso", "contoso-labs", "fabrikam"}
    bound = of_kind(home, "binding")
    assert [(one["target"], one["account"]) for one in bound] == [("contoso-labs", account["id"])]
    for organization in ("contoso", "fabrikam"):
        assert home.get(*at(f"{organization}/app/_git/app")).fields["username"] == ANN


def test_another_vault_moves_the_secrets_and_keeps_the_bindings(
    keyring_home: Home, emulator: Emulator
) -> None:
    """The old secrets are deleted where they were."""
    home = keyring_home
    assert setup_by_browser(home, emulator).code == 0
    assert home.azdo("use", ANN, "--org", "contoso").code == 0
    sitting = Sitting(home, "--vault", "keyring", "--no-browser")
    result = sitting.finish(emulator.sign_in(sitting.link))
    assert "saved in the keyring (keyring.backends.SecretService.Keyring)" in result.err
    account = of_kind(home, "oauth")[0]
    bound = of_kind(home, "binding")
    assert (len(of_kind(home, "oauth")), account["vault"]) == (1, "keyring.backends.SecretService.Keyring")
    assert [one["account"] for one in bound] == [account["id"]]
    assert in_vault(home) == ""
    assert home.get(*at()).fields["username"] == ANN
    assert home.azdo("logout", "--all").code == 0


def test_two_persons_are_two_accounts_each_with_their_organizations(home: Home, emulator: Emulator) -> None:
    """Where both fit, setup says how to choose."""
    assert setup_by_browser(home, emulator).code == 0
    result = setup_by_browser(home, emulator, person=BOB)
    assert "Organizations: fabrikam" in result.err
    assert home.get(*at("fabrikam/app/_git/app")).fields["username"] == BOB
    assert home.get(*at()).fields["username"] == ANN
    assert setup_by_browser(home, emulator, "--org", "fabrikam").code == 0
    assert home.get(*at("fabrikam/app/_git/app")).fields["username"] == ANN
    assert len(of_kind(home, "oauth")) == 2


def test_where_two_accounts_fit_setup_says_how_to_choose(home: Home, emulator: Emulator) -> None:
    """Nothing is decided for the person."""
    emulator.world.organizations["contoso"].members[BOB] = "write"
    emulator.world.tenants[CONTOSO].guests.add(BOB)
    assert setup_by_browser(home, emulator).code == 0
    assert setup_by_browser(home, emulator, "--tenant", CONTOSO, person=BOB).code == 0
    again = setup_by_browser(home, emulator)
    assert f"git credential-azdo use {ANN} --org contoso" in again.err
    assert "several accounts match" in home.get(*at()).err


def test_an_organization_is_asked_for_its_tenant_first(home: Home, emulator: Emulator) -> None:
    """A guest signs in at the organization's own tenant."""
    sitting = Sitting(home, *FILE, "--org", "https://dev.azure.com/Fabrikam")
    assert urlsplit(sitting.link).path.startswith(f"/{FABRIKAM}/")
    assert sitting.finish(emulator.sign_in(sitting.link, ANN)).code == 0
    assert of_kind(home, "oauth")[0]["tenant"] == FABRIKAM
    assert home.get(*at("fabrikam/app/_git/app")).fields["username"] == ANN
