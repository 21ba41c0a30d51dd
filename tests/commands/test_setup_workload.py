"""``setup`` and ``get`` for machines' identities: the console script against the emulator, nobody signing in."""

from __future__ import annotations

import base64
import json
import os
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

from tests.emulator import metadata, tokens
from tests.emulator.default_world import ANN, CONTOSO, FABRIKAM
from tests.support.people import Account, at, learn, vault_of
from tests.support.terminal import Terminal
from tests.support.watch import WATCH, new_password
from tests.support.workloads import (
    CLIENT,
    add_app,
    az_answer,
    block_of,
    give_identity,
    install_az,
    key,
    write_pem,
    write_pfx,
)

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Home, Result
    from tests.emulator.emulator import Emulator

APP = at("contoso/app/_git/app")
LOGIN = "login.microsoftonline.com"
OWN = (CLIENT, CLIENT)


def setup(home: Home, *words: str, given: str = "", vault: str = "file", **environment: str) -> Result:
    """Run ``setup`` with the file vault."""
    return home.azdo("setup", "--vault", vault, *words, given=given, **environment)


def is_taken(emulator: Emulator, password: str) -> bool:
    """Say whether contoso takes the password that ``get`` answered."""
    token = emulator.world.grants.access.get(password)
    return token is not None and token.tenant == CONTOSO


def let_expire(home: Home, kind: str) -> Account:
    """Make the kept token too old to be handed out."""
    account = Account(home, block_of(home, kind)["id"])
    account.let_pass(3_500, block_of(home, kind).get("tenant") or "home")
    return account


def form(emulator: Emulator) -> dict[str, str]:
    """Return the last token request's form."""
    return dict(parse_qsl(emulator.seen(LOGIN, "POST")[-1].body.decode()))


# Service principals


def test_a_service_principal_with_a_secret_is_set_up_and_renewed(home: Home, emulator: Emulator) -> None:
    """The secret comes on stdin and stays in the vault; git clones; the next token needs nobody."""
    secret = new_password(40)
    add_app(emulator.world, secret=secret)
    words = ("service-principal", CLIENT, "--tenant", "contoso.com", "--org", "contoso", "--alias", "build")
    result = setup(home, *words, given=f"{secret}\n")
    assert result.code == 0, result.err
    assert f"Signed in as {CLIENT} (build)" in result.err
    block = block_of(home, "service-principal")
    assert (block["tenant"], block["client_id"], block["org[]"]) == (CONTOSO, CLIENT, "contoso")
    assert secret not in home.accounts_file.read_text()
    answer = home.get(*APP).fields
    assert answer["username"] == CLIENT
    assert is_taken(emulator, answer["password"])
    clone = home.git("clone", "-q", "https://dev.azure.com/contoso/app/_git/app", home.folder / "w")
    assert clone.code == 0, clone.err
    let_expire(home, "service-principal")
    again = home.get(*APP).fields
    assert again["password"] != answer["password"]
    assert is_taken(emulator, again["password"])
    assert len(emulator.seen(f"{LOGIN}/contoso.com/oauth2/v2.0/token")) == 2
    assert "service-principal" in home.azdo("accounts").out
    assert home.azdo("logout", "build").code == 0
    assert not [path for path in vault_of(home).rglob("*") if path.is_file()]


def test_the_secret_is_asked_for_without_showing_it(home: Home, emulator: Emulator) -> None:
    """On a terminal it is a hidden prompt."""
    secret = new_password(40)
    add_app(emulator.world, secret=secret)
    words = ("setup", "--vault", "file", "service-principal", CLIENT, "--tenant", CONTOSO)
    with Terminal(home, *words) as terminal:
        terminal.see("Client secret")
        terminal.type(f"{secret}\n")
        assert terminal.ended() == 0
    assert is_taken(emulator, home.get(*APP).fields["password"])


@pytest.mark.parametrize("form_of_file", ["pem", "pfx"])
@pytest.mark.parametrize("passphrase", ["", "open sesame"])
def test_a_service_principal_with_a_certificate(
    home: Home, emulator: Emulator, form_of_file: str, passphrase: str
) -> None:
    """Entra gets a PS256 assertion that names the certificate; only the file's path is kept, and read each time."""
    add_app(emulator.world, OWN)
    path = home.folder / "build.pem"
    made = write_pem(path, passphrase) if form_of_file == "pem" else write_pfx(path, passphrase)
    words = ("service-principal", CLIENT, "--tenant", CONTOSO, "--certificate", "build.pem", "--send-x5c")
    result = setup(home, *words, given=passphrase)
    assert result.code == 0, result.err
    sent = form(emulator)
    header, claims, signature = sent["client_assertion"].split(".")
    shown = json.loads(_decoded(header))
    said = json.loads(_decoded(claims))
    assert (shown["alg"], shown["typ"]) == ("PS256", "JWT")
    assert _decoded(shown["x5t#S256"]) == made.fingerprint(hashes.SHA256())
    assert len(shown["x5c"]) == (1 if form_of_file == "pem" else 2)
    assert (said["iss"], said["sub"]) == (CLIENT, CLIENT)
    assert said["aud"] == f"https://{LOGIN}/{CONTOSO}/oauth2/v2.0/token"
    assert said["exp"] - said["nbf"] == 600
    assert len(said["jti"]) == 36
    pss = padding.PSS(padding.MGF1(hashes.SHA256()), 32)
    key().public_key().verify(_decoded(signature), f"{header}.{claims}".encode(), pss, hashes.SHA256())
    block = block_of(home, "service-principal")
    assert block["certificate"] == str(path)
    kept = Account(home, block["id"]).kept("client-secret")
    assert kept == ({"secret": passphrase, "origin": f"https://{LOGIN}"} if passphrase else {})
    let_expire(home, "service-principal")
    assert is_taken(emulator, home.get(*APP).fields["password"])
    let_expire(home, "service-principal")
    path.unlink()
    gone = home.get(*APP)
    assert gone.fields == {"quit": "1"}
    assert f"the certificate {path} cannot be read (No such file or directory)" in gone.err


def _decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def test_a_wrong_passphrase_keeps_nothing(home: Home, emulator: Emulator) -> None:
    """It is noticed before anything is asked of Entra."""
    add_app(emulator.world, OWN)
    write_pem(home.folder / "build.pem", "open sesame")
    words = ("service-principal", CLIENT, "--tenant", CONTOSO, "--certificate", "build.pem")
    result = setup(home, *words, given="close sesame")
    assert result.code == 1
    assert "the passphrase of" in result.err
    assert "is wrong" in result.err
    assert not home.accounts_file.exists()


def test_a_refusal_at_a_renewal_names_the_identity_and_the_cure(home: Home, emulator: Emulator) -> None:
    """One line, one hint, and git is told to stop."""
    secret = new_password(40)
    add_app(emulator.world, secret=secret)
    assert setup(home, "service-principal", CLIENT, "--tenant", CONTOSO, given=secret).code == 0
    let_expire(home, "service-principal")
    emulator.world.apps[CLIENT].secrets.clear()
    result = home.get(*APP)
    error, cure = result.err.splitlines()
    assert result.fields == {"quit": "1"}
    assert f"the client secret is not the one of {CLIENT}" in error
    assert cure.endswith(f"git credential-azdo setup service-principal {CLIENT} --tenant {CONTOSO}")


def test_it_serves_its_own_tenant_only(home: Home, emulator: Emulator) -> None:
    """An organization of another tenant is refused here, before anything is asked there."""
    secret = new_password(40)
    add_app(emulator.world, secret=secret)
    assert setup(home, "service-principal", CLIENT, "--tenant", CONTOSO, given=secret).code == 0
    learn(home, "fabrikam", FABRIKAM)
    result = home.get(*at("fabrikam/app/_git/app"))
    assert result.fields == {"quit": "1"}
    assert f"{CLIENT} is an identity of tenant {CONTOSO}" in result.err
    assert f"belongs to tenant {FABRIKAM}" in result.err
    assert len(emulator.seen(LOGIN, "POST")) == 1


def test_an_organization_that_does_not_know_it_is_told_at_setup(home: Home, emulator: Emulator) -> None:
    """A service principal must be added as a user, with a licence; nothing is kept until then."""
    secret = new_password(40)
    add_app(emulator.world, secret=secret)
    words = ("service-principal", CLIENT, "--tenant", CONTOSO, "--org", "contoso-labs")
    result = setup(home, *words, given=secret)
    assert result.code == 1
    assert f"the organization contoso-labs does not know {CLIENT}" in result.err
    assert "https://dev.azure.com/contoso-labs/_settings/users" in result.err
    assert not home.accounts_file.exists()


def test_setting_up_again_with_a_certificate_replaces_the_secret(home: Home, emulator: Emulator) -> None:
    """It stays one account, and forgets how it proved itself before."""
    secret = new_password(40)
    add_app(emulator.world, OWN, secret=secret)
    words = ("service-principal", CLIENT, "--tenant", CONTOSO)
    assert setup(home, *words, given=secret).code == 0
    first = block_of(home, "service-principal")
    write_pem(home.folder / "build.pem")
    assert setup(home, *words, "--certificate", "build.pem", "--bearer").code == 0
    second = block_of(home, "service-principal")
    assert (second["id"], second["authtype"]) == (first["id"], "Bearer")
    let_expire(home, "service-principal")
    assert is_taken(emulator, home.get(*APP).fields["password"])
    assert "client_assertion" in form(emulator)


def test_a_server_of_ones_own_gets_no_token_of_entra(home: Home, emulator: Emulator) -> None:
    """Not even as a question whether it knows us."""
    assert home.azdo("server", "add", "--vault", "file", "https://tfs.example.com").code == 0
    words = ("service-principal", CLIENT, "--tenant", CONTOSO, "--org", "https://tfs.example.com/Main")
    result = setup(home, *words, given="anything")
    assert result.code == 1
    assert "https://tfs.example.com is an Azure DevOps Server; it does not accept Entra tokens" in result.err
    assert emulator.requests == []


# Managed identities


@pytest.fixture
def machine(emulator: Emulator) -> dict[str, str]:
    """Return the variables that lead to the machine's own service; every proxy variable would lead elsewhere."""
    return {
        "AZURE_POD_IDENTITY_AUTHORITY_HOST": emulator.machine_address,
        "NO_PROXY": "",
        "no_proxy": "",
    }


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
    assert f"this Azure VM gave no token for the identity {CLIENT}: Identity not found" in result.err
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
    assert "IDENTITY_ENDPOINT and IDENTITY_HEADER are not set here" in result.err
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


# Federation


def test_aks_variables_are_enough_and_the_file_is_read_each_time(home: Home, emulator: Emulator) -> None:
    """The kubelet replaces the token; whoever keeps an old one fails after an hour."""
    issuer, subject = "https://oidc.aks.example.com/contoso/", "system:serviceaccount:default:builder"
    add_app(emulator.world, (issuer, subject))
    path = home.folder / "azure-identity-token"
    pod = {
        "AZURE_CLIENT_ID": CLIENT,
        "AZURE_TENANT_ID": CONTOSO,
        "AZURE_FEDERATED_TOKEN_FILE": str(path),
        "AZURE_AUTHORITY_HOST": "https://login.microsoftonline.com/",
    }
    first, second = (_foreign_token(emulator, issuer, subject) for _ in range(2))
    path.write_text(f"{first}\n")
    result = setup(home, "federated", "file", "--org", "contoso", **pod)
    assert result.code == 0, result.err
    assert form(emulator)["client_assertion"] == first
    path.write_text(second)
    let_expire(home, "federated")
    answer = home.get(*APP).fields
    assert (answer["username"], is_taken(emulator, answer["password"])) == (CLIENT, True)
    assert form(emulator)["client_assertion"] == second
    let_expire(home, "federated")
    path.unlink()
    gone = home.get(*APP)
    assert gone.fields == {"quit": "1"}
    assert f"the federated token in {path} cannot be read" in gone.err


def _foreign_token(emulator: Emulator, issuer: str, subject: str) -> str:
    end = int(emulator.world.now().timestamp()) + 600
    claims = {"iss": issuer, "sub": subject, "aud": metadata.EXCHANGE, "exp": end, "jti": os.urandom(4).hex()}
    return WATCH.remember(tokens.id_token(claims))


def test_a_job_of_github_proves_itself(home: Home, emulator: Emulator) -> None:
    """With the job's own token, for the audience that Entra wants, got anew for each renewal."""
    add_app(emulator.world, metadata.GITHUB_SUBJECT)
    secret = WATCH.remember(emulator.world.machine.secret)
    job = {
        "ACTIONS_ID_TOKEN_REQUEST_URL": f"https://{metadata.GITHUB_HOST}/oidc/github?api-version=2.0",
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN": secret,
    }
    words = ("federated", "github", "--client-id", CLIENT, "--tenant", CONTOSO, "--org", "contoso")
    result = setup(home, *words, **job)
    assert result.code == 0, result.err
    (asked,) = emulator.seen(metadata.GITHUB_HOST)
    assert asked.query == "api-version=2.0&audience=api%3A%2F%2FAzureADTokenExchange"
    assert is_taken(emulator, home.get(*APP).fields["password"])
    let_expire(home, "federated")
    outside = home.get(*APP)
    assert outside.fields == {"quit": "1"}
    assert "ACTIONS_ID_TOKEN_REQUEST_URL is not set" in outside.err
    assert "id-token: write" in outside.err
    assert is_taken(emulator, home.get(*APP, **job).fields["password"])


def test_a_job_of_azure_pipelines_proves_itself(home: Home, emulator: Emulator) -> None:
    """By its service connection; the Azure tasks' variables say which."""
    add_app(emulator.world, metadata.PIPELINES_SUBJECT)
    machine = emulator.world.machine
    machine.connections.add("5e4f")
    job = {
        "SYSTEM_OIDCREQUESTURI": f"{emulator.machine_address}/oidc/pipelines",
        "SYSTEM_ACCESSTOKEN": WATCH.remember(machine.secret),
        "AZURESUBSCRIPTION_CLIENT_ID": CLIENT,
        "AZURESUBSCRIPTION_TENANT_ID": CONTOSO,
        "AZURESUBSCRIPTION_SERVICE_CONNECTION_ID": "5e4f",
    }
    result = setup(home, "federated", "azure-pipelines", "--org", "contoso", **job)
    assert result.code == 0, result.err
    assert is_taken(emulator, home.get(*APP).fields["password"])
    refused = setup(home, "federated", "azure-pipelines", "--service-connection", "other", **job)
    assert (
        "Azure Pipelines did not issue an OIDC token: no such service connection (status 404)" in refused.err
    )


def test_a_managed_identity_can_stand_for_an_app(
    home: Home, emulator: Emulator, machine: dict[str, str]
) -> None:
    """The machine's token is the app's proof, so that a machine of one tenant serves another."""
    identity = give_identity(emulator.world)
    issuer = f"https://login.microsoftonline.com/{CONTOSO}/v2.0"
    add_app(emulator.world, (issuer, identity.object_id))
    words = (
        "federated",
        "managed-identity",
        "--client-id",
        CLIENT,
        "--tenant",
        CONTOSO,
        "--org",
        "contoso",
    )
    result = setup(home, *words, **machine)
    assert result.code == 0, result.err
    assert home.get(*APP).fields["username"] == CLIENT


def test_a_token_that_no_federated_credential_fits_is_explained(home: Home, emulator: Emulator) -> None:
    """What to compare, and the raw code for administrators."""
    add_app(emulator.world, ("https://issuer.example.com", "somebody"))
    path = home.folder / "token"
    path.write_text(_foreign_token(emulator, "https://issuer.example.com", "somebody else"))
    words = ("federated", "file", "--token-file", "token", "--client-id", CLIENT, "--tenant", CONTOSO)
    result = setup(home, *words)
    assert result.code == 1
    assert f"no federated credential of {CLIENT} fits the token (AADSTS700213" in result.err
    assert "compare issuer, subject and audience" in result.err


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
            "the Azure CLI gave no token: the sign-in of this account has expired",
        ),
        ("ERROR: The subscription is gone.\n", "the Azure CLI gave no token: The subscription is gone."),
        ("", "the Azure CLI gave no token: no reason"),
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


# What is missing is named


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("service-principal x", "missing --tenant"),
        ("service-principal x --tenant common", "common is not a tenant of its own"),
        ("service-principal a:b --tenant contoso.com", "that is not a valid client id"),
        ("service-principal x --tenant contoso.com", "the client secret is missing"),
        ("managed-identity nonsense", "'nonsense' names no managed identity"),
        ("managed-identity system --tenant contoso.com", "--tenant of a managed identity"),
        ("federated github", "missing --client-id (AZURE_CLIENT_ID is not set, either)"),
        ("federated azure-pipelines", "missing --client-id (AZURESUBSCRIPTION_CLIENT_ID is not set, either)"),
        ("federated github --client-id x", "missing --tenant"),
        ("federated file --client-id x --tenant contoso.com", "AZURE_FEDERATED_TOKEN_FILE is not set"),
        ("federated github --client-id x --tenant contoso.com", "ACTIONS_ID_TOKEN_REQUEST_URL is not set"),
        (
            "federated azure-pipelines --client-id x --tenant contoso.com",
            "SYSTEM_OIDCREQUESTURI is not set",
        ),
        ("azure-cli", "the Azure CLI (az) is not on PATH"),
    ],
)
def test_half_a_configuration_is_an_error_that_names_what_is_missing(
    home: Home, emulator: Emulator, words: str, told: str
) -> None:
    """Never another identity, never a browser, and nothing kept."""
    result = setup(home, *words.split(), PATH=str(home.folder))
    assert result.code == 1
    assert told in result.err
    assert "login.microsoftonline.com/" not in result.err
    assert not [record for record in emulator.seen(LOGIN) if "authorize" in record.path]
    assert not home.accounts_file.exists() or "kind=" not in home.accounts_file.read_text()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("service-principal x azure-cli", "unexpected argument"),
        ("service-principal x --client-id y", "no such option '--client-id'"),
        ("managed-identity system --certificate x", "no such option '--certificate'"),
        ("managed-identity system --login-hint x", "no such option '--login-hint'"),
        ("federated somewhere", "it is not one of 'file', 'github'"),
        ("--certificate x", "no such option '--certificate'"),
    ],
)
def test_each_way_has_its_own_options_only(home: Home, emulator: Emulator, words: str, said: str) -> None:
    """The others are no options at all."""
    result = setup(home, *words.split())
    assert (result.code, said in result.err) == (2, True), result.err
    assert emulator.requests == []


def test_without_the_signing_library_one_line_says_how_to_get_it(
    home: Home, emulator: Emulator, tmp_path: Path
) -> None:
    """It is an extra of the package."""
    assert emulator.requests == []
    write_pem(home.folder / "build.pem")
    hidden = tmp_path / "hidden"
    hidden.mkdir()
    (hidden / "sitecustomize.py").write_text("import sys\nsys.modules['cryptography'] = None\n")
    words = ("service-principal", CLIENT, "--tenant", CONTOSO, "--certificate", "build.pem")
    result = setup(home, *words, PYTHONPATH=str(hidden))
    assert result.code == 1
    assert "the package cryptography is needed" in result.err
    assert "pipx inject git-credential-azdo cryptography" in result.err
