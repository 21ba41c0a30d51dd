"""``setup azure-cli`` and ``get``: an account of whoever is signed in to ``az``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.emulator.default_world import ANN, CONTOSO, FABRIKAM
from tests.support.people import Account, at
from tests.support.watch import WATCH
from tests.support.workloads import APP, az_answer, block_of, give_identity, install_az, setup

if TYPE_CHECKING:
    from tests.conftest import Home
    from tests.emulator.emulator import Emulator


# Azure CLI


def test_whoever_is_signed_in_to_az_is_an_account(home: Home, emulator: Emulator) -> None:
    """Its organizations are found; az runs outside of the repository, and is told another tenant where needed."""
    world = emulator.world
    own, guest = (WATCH.remember(world.new_access_token(ANN, tenant)) for tenant in (CONTOSO, FABRIKAM))
    log = install_az(home, {"": az_answer(own, CONTOSO), FABRIKAM: az_answer(guest, FABRIKAM)})
    result = setup(home, "azure-cli", "--org", "contoso", "--org", "fabrikam")
    assert result.code == 0, result.err
    block = block_of(home, "azure-cli")
    assert (block["name"], block["tenant"]) == (ANN, CONTOSO)
    assert home.get(*APP).fields["password"] == own
    assert home.get(*at("fabrikam/app/_git/app")).fields["password"] == guest
    plain = "account get-access-token --resource 499b84ac-1321-427f-aa17-267ca6975798 --output json"
    assert log.read_text().splitlines() == [
        f"/ {plain}",
        f"/ {plain} --tenant {FABRIKAM}",
        f"/ {plain} --tenant {FABRIKAM}",
    ]


def test_az_that_moved_to_another_tenant_is_asked_for_ours(home: Home, emulator: Emulator) -> None:
    """``az account set`` elsewhere does not hand git the wrong tenant's token."""
    world = emulator.world
    own, guest = (world.new_access_token(ANN, tenant) for tenant in (CONTOSO, FABRIKAM))
    install_az(home, {"": az_answer(own, CONTOSO)})
    assert setup(home, "azure-cli", "--org", "contoso").code == 0
    Account(home, block_of(home, "azure-cli")["id"]).let_pass(10**9)
    install_az(home, {"": az_answer(guest, FABRIKAM), CONTOSO: az_answer(own, CONTOSO)})
    assert home.get(*APP).fields["password"] == own


@pytest.mark.parametrize(
    ("errors", "told"),
    [
        ("ERROR: Please run 'az login' to setup account.\n", "the Azure CLI is not signed in"),
        (
            "warning\nERROR: AADSTS700082: The refresh token has expired.\nTrace ID: 12345678-aaaa\n",
            "the Azure CLI returned no token: the sign-in of this account has expired",
        ),
        ("ERROR: The subscription is gone.\n", "the Azure CLI returned no token: The subscription is gone."),
        ("", "the Azure CLI returned no token: no reason"),
    ],
)
def test_az_that_refuses_becomes_one_line_with_the_command(
    home: Home, emulator: Emulator, errors: str, told: str
) -> None:
    """The tenant goes into the command, ready to be copied."""
    assert emulator.requests == []
    install_az(home, {}, errors=errors, code=1)
    result = setup(home, "azure-cli", "--tenant", CONTOSO)
    error, hint = result.err.splitlines()
    assert result.code == 1
    assert told in error
    assert hint.endswith(f"az login --tenant {CONTOSO} --allow-no-subscriptions")


def test_az_may_be_signed_in_as_nobody_that_azure_devops_names(home: Home, emulator: Emulator) -> None:
    """A service principal in az has no profile; the account is named after its kind."""
    identity = give_identity(emulator.world)
    token = emulator.world.new_access_token(identity.client_id, CONTOSO)
    emulator.refuse("app.vssps.visualstudio.com")
    install_az(home, {"": az_answer(token, CONTOSO)})
    assert setup(home, "azure-cli").code == 0
    assert block_of(home, "azure-cli")["name"] == "azure-cli"
    assert home.get(*APP).fields["username"] == "azure-cli"
