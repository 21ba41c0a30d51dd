"""``setup federated`` and ``get``: jobs that prove who they are, against the emulator."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from tests.emulator import metadata, tokens
from tests.emulator.default_world import ANN, CONTOSO
from tests.support.watch import WATCH
from tests.support.workloads import APP, CLIENT, add_app, form, give_identity, is_taken, let_expire, setup

if TYPE_CHECKING:
    from tests.conftest import Home
    from tests.emulator.emulator import Emulator


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
    line = "Azure Pipelines did not issue an OIDC token: no such service connection (status 404)"
    assert line in refused.err


def test_a_managed_identity_can_stand_for_an_app(
    home: Home, emulator: Emulator, machine: dict[str, str]
) -> None:
    """The machine's token is the app's proof, so that a machine of one tenant serves another."""
    identity = give_identity(emulator.world)
    issuer = f"https://login.microsoftonline.com/{CONTOSO}/v2.0"
    add_app(emulator.world, (issuer, identity.object_id))
    words = ("federated", "managed-identity", "--client-id", CLIENT, "--tenant", CONTOSO, "--org", "contoso")
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


def test_a_token_in_the_place_of_a_file_is_not_repeated(home: Home, emulator: Emulator) -> None:
    """The hint lists the options of the way that was chosen."""
    token = emulator.world.new_pat(ANN, ["contoso"])
    app = ("--tenant", CONTOSO)
    for way, option in (
        (("federated", "file", "--client-id", CLIENT), "--token-file"),
        (("service-principal", CLIENT), "--certificate"),
    ):
        result = setup(home, *way, *app, option, token)
        assert (result.code, token in result.err) == (1, False)
        assert f"error: {option} takes the path of a file\n" in result.err
        assert f"hint: git credential-azdo setup {way[0]} -h\n" in result.err
