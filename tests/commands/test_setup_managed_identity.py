"""``setup managed-identity``, ``setup azure-cli`` and ``get``: whoever the machine, or ``az``, is signed in as."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.emulator import metadata
from tests.emulator.default_world import ANN, CONTOSO, FABRIKAM
from tests.support.people import Account, at
from tests.support.watch import WATCH
from tests.support.workloads import (
    APP,
    CLIENT,
    az_answer,
    block_of,
    give_identity,
    install_az,
    is_taken,
    let_expire,
    setup,
)

if TYPE_CHECKING:
    from tests.conftest import Home
    from tests.emulator.emulator import Emulator


def test_a_virtual_machine_has_an_identity_of_its_own(
    home: Home, emulator: Emulator, machine: dict[str, str]
) -> None:
    """Its tenant is that of the organization that takes it; the metadata service is asked directly."""
    identity = give_identity(emulator.world)
    result = setup(home, "managed-identity", "system", "--org", "contoso", **machine)
    assert result.code == 0, result.err
    block = block_of(home, "managed-identity")
    assert (block["source"], block["tenant"], block["name"]) == ("vm", CONTOSO, identity.client_id)
    assert is_taken(emulator, home.get(*APP, **machine).fields["password"])
    let_expire(home, "managed-identity")
    answer = home.get(*APP, **machine).fields
    assert is_taken(emulator, answer["password"])
    assert ":" not in answer["username"]
    asked = emulator.seen(f"{metadata.VM_HOST}/metadata/identity/oauth2/token")
    assert len(asked) == 2
    assert all(record.header("Metadata") == "true" for record in asked)
    assert not [record for record in emulator.requests if record.status == 403]


@pytest.mark.parametrize("how", ["client", "object", "resource"])
def test_one_of_several_identities_is_chosen(
    home: Home, emulator: Emulator, machine: dict[str, str], how: str
) -> None:
    """By client id, object id or resource id; git's user name never holds a colon."""
    give_identity(emulator.world, "other")
    identity = give_identity(emulator.world, "chosen", own=False)
    which, name = {
        "client": (identity.client_id, identity.client_id),
        "object": (f"object:{identity.object_id}", identity.object_id),
        "resource": (f"resource:{identity.resource_id}", "chosen"),
    }[how]
    result = setup(home, "managed-identity", which, "--org", "contoso", **machine)
    assert result.code == 0, result.err
    answer = home.get(*APP).fields
    assert answer["username"] == name
    assert emulator.world.grants.access[answer["password"]].person == identity.client_id


def test_a_busy_metadata_service_is_asked_again(
    home: Home, emulator: Emulator, machine: dict[str, str]
) -> None:
    """410 and 5xx pass while the machine starts."""
    give_identity(emulator.world)
    emulator.world.machine.busy = [410]
    assert setup(home, "managed-identity", "system", **machine).code == 0
    assert len(emulator.seen(metadata.VM_HOST)) == 2


def test_an_identity_that_the_machine_does_not_have_is_named(
    home: Home, emulator: Emulator, machine: dict[str, str]
) -> None:
    """And it is not replaced by another one."""
    give_identity(emulator.world)
    result = setup(home, "managed-identity", CLIENT, **machine)
    assert result.code == 1
    assert f"this Azure VM issued no token for the identity {CLIENT}: Identity not found" in result.err
    assert not home.accounts_file.exists()


def test_app_service_is_asked_with_its_header_and_never_replaced_by_another_service(
    home: Home, emulator: Emulator, machine: dict[str, str]
) -> None:
    """Where its variables are gone, the account says so, although a VM's service would answer."""
    give_identity(emulator.world)
    secret = WATCH.remember(emulator.world.machine.secret)
    here = {"IDENTITY_ENDPOINT": f"{emulator.machine_address}/msi/token", "IDENTITY_HEADER": secret}
    assert setup(home, "managed-identity", "system", "--org", "contoso", **here).code == 0
    assert block_of(home, "managed-identity")["source"] == "app-service"
    let_expire(home, "managed-identity")
    assert is_taken(emulator, home.get(*APP, **here).fields["password"])
    let_expire(home, "managed-identity")
    result = home.get(*APP, **machine)
    assert result.fields == {"quit": "1"}
    assert "IDENTITY_ENDPOINT is not set here" in result.err
    assert not emulator.seen(f"{metadata.VM_HOST}/metadata")


def test_a_fleet_needs_no_vault(home: Home, emulator: Emulator, machine: dict[str, str]) -> None:
    """Where no keyring is, nothing is kept and every ``get`` asks; a secret would not be dropped like that."""
    give_identity(emulator.world)
    none = {"PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring"}
    result = home.azdo("setup", "managed-identity", "system", "--org", "contoso", **machine, **none)
    assert result.code == 0, result.err
    assert "No secret is stored" in result.err
    assert block_of(home, "managed-identity")["vault"] == "none"
    for _ in range(2):
        assert is_taken(emulator, home.get(*APP, **machine, **none).fields["password"])
    assert len(emulator.seen(metadata.VM_HOST)) == 3
    assert "ready" in home.azdo("accounts", **none).out
    assert home.azdo("logout", "--all", **none).code == 0
    words = ("setup", "service-principal", CLIENT, "--tenant", CONTOSO)
    refused = home.azdo(*words, "--vault", "none", given="anything", **none)
    assert "has a secret, which --vault none would not store" in refused.err
    assert home.azdo(*words, given="anything", **none).code == 1


# --- Azure CLI


# Azure CLI


def test_the_sign_in_of_az_is_an_account(home: Home, emulator: Emulator) -> None:
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


def test_an_az_without_a_profile_has_an_account_named_after_its_kind(home: Home, emulator: Emulator) -> None:
    """A service principal in az has no profile; the account is named after its kind."""
    identity = give_identity(emulator.world)
    token = emulator.world.new_access_token(identity.client_id, CONTOSO)
    emulator.refuse("app.vssps.visualstudio.com")
    install_az(home, {"": az_answer(token, CONTOSO)})
    assert setup(home, "azure-cli").code == 0
    assert block_of(home, "azure-cli")["name"] == "azure-cli"
    assert home.get(*APP).fields["username"] == "azure-cli"
