"""``setup`` and ``get`` for machines' identities: the console script against the emulator, nobody signing in."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

from tests.emulator.default_world import CONTOSO, FABRIKAM
from tests.support.pats import in_vault
from tests.support.people import Account, at, learn
from tests.support.terminal import Terminal
from tests.support.watch import new_password
from tests.support.workloads import (
    APP,
    CLIENT,
    LOGIN,
    OWN,
    add_app,
    block_of,
    form,
    is_taken,
    key,
    let_expire,
    setup,
    write_pem,
    write_pfx,
)

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Home
    from tests.emulator.emulator import Emulator


def test_a_service_principal_with_a_secret_is_set_up_and_renewed(home: Home, emulator: Emulator) -> None:
    """The secret comes on stdin and stays in the vault; the next token needs nobody."""
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
    let_expire(home, "service-principal")
    again = home.get(*APP).fields
    assert again["password"] != answer["password"]
    assert is_taken(emulator, again["password"])
    assert len(emulator.seen(f"{LOGIN}/contoso.com/oauth2/v2.0/token")) == 2
    assert "service-principal" in home.azdo("accounts").out
    assert home.azdo("logout", "build").code == 0
    assert in_vault(home) == ""


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


@pytest.mark.parametrize(
    ("form_of_file", "passphrase"), [("pem", "open sesame"), ("pfx", "open sesame"), ("pfx", "")]
)
def test_a_service_principal_with_a_certificate(
    home: Home, emulator: Emulator, form_of_file: str, passphrase: str
) -> None:
    """Entra gets a PS256 assertion that names the certificate; only the file's path is saved, and read each time."""
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
    saved = Account(home, block["id"]).secret("client-secret")
    assert saved == ({"secret": passphrase, "origin": f"https://{LOGIN}"} if passphrase else {})
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


def test_an_organization_that_does_not_know_it_ends_setup(home: Home, emulator: Emulator) -> None:
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
    assert (second["client_id"], second["authtype"]) == (first["client_id"], "Bearer")
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


# What is missing is named


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("service-principal x", "missing --tenant"),
        ("service-principal x --tenant common", "common is not a tenant of its own"),
        ("service-principal a:b --tenant contoso.com", "that is not a valid client id"),
        ("service-principal x --tenant contoso.com", "the client secret is missing"),
        ("managed-identity nonsense", "'nonsense' is not a managed identity"),
        ("managed-identity system --tenant contoso.com", "--tenant of a managed identity"),
        ("federated github", "missing --client-id (AZURE_CLIENT_ID is not set, either)"),
        ("federated azure-pipelines", "missing --client-id (AZURESUBSCRIPTION_CLIENT_ID is not set, either)"),
        ("federated github --client-id x", "missing --tenant"),
        ("federated file --client-id x --tenant contoso.com", "AZURE_FEDERATED_TOKEN_FILE is not set"),
        ("federated github --client-id x --tenant contoso.com", "ACTIONS_ID_TOKEN_REQUEST_URL is not set"),
        ("federated azure-pipelines --client-id x --tenant contoso.com", "SYSTEM_OIDCREQUESTURI is not set"),
        ("azure-cli", "the Azure CLI (az) is not on PATH"),
    ],
)
def test_half_a_configuration_is_an_error_that_names_what_is_missing(
    home: Home, emulator: Emulator, words: str, told: str
) -> None:
    """Never another identity, never a browser, and nothing saved."""
    result = setup(home, *words.split(), PATH=str(home.folder))
    assert result.code == 1
    assert told in result.err
    assert "login.microsoftonline.com/" not in result.err
    assert not [record for record in emulator.seen(LOGIN) if "authorize" in record.path]
    assert not home.accounts_file.exists() or "kind=" not in home.accounts_file.read_text()


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
    assert "requires the package cryptography" in result.err
    assert "pipx inject git-credential-azdo cryptography" in result.err
