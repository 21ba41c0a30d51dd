"""The rooms behind machines' identities: what is asked of whom, how answers are read, and what is refused.

Metadata services answer from a function or from the emulator; nothing waits, since pauses are only counted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from git_credential_azdo.accounts.account import (
    ACCOUNT_KINDS,
    AZURE_CLI,
    FEDERATED,
    MANAGED_IDENTITY,
    OAUTH,
    PAT,
    SERVICE_PRINCIPAL,
    Account,
    Block,
)
from git_credential_azdo.errors import AzdoError, PassphraseNeeded, SignInError, quote
from git_credential_azdo.signin import certificate, sign_in_errors, workload
from git_credential_azdo.signin.authorities import Endpoint, Endpoints
from git_credential_azdo.signin.oauth import OAuthError
from git_credential_azdo.signin.sign_in_errors import KEYS, setup_command
from git_credential_azdo.signin.workload import registration
from git_credential_azdo.web import HttpClient
from tests.emulator.default_world import CONTOSO
from tests.support import workloads

if TYPE_CHECKING:
    from pathlib import Path

    from tests.emulator.emulator import Emulator


# Certificates


def refused(path: Path, passphrase: str | None = None) -> AzdoError:
    """Return why a certificate is not taken."""
    with pytest.raises(SignInError) as caught:
        certificate.load(str(path), passphrase)
    return caught.value


def test_a_certificate_and_its_key_may_stand_in_any_order(tmp_path: Path) -> None:
    """Whatever else the file holds; the key's own certificate comes first."""
    path = tmp_path / "c.pem"
    own, issuer = (
        workloads.certificate(workloads.key()),
        workloads.certificate(workloads.key(2), "issuer"),
    )
    parts = [workloads.pem_certificate(issuer), workloads.pem_key(workloads.key()), b"# note\n"]
    path.write_bytes(b"".join([*parts, workloads.pem_certificate(own)]))
    loaded = certificate.load(str(path), None)
    assert loaded.chain == [own, issuer]


def test_files_that_hold_no_usable_certificate_are_distinguished(tmp_path: Path) -> None:
    """Missing, of another kind, without key, without certificate, protected."""
    path = tmp_path / "c.pem"
    assert "No such file" in refused(path).message
    path.write_bytes(b"\x30\x82junk")
    assert "is not a readable PEM or PFX file" in refused(path).message
    path.write_bytes(workloads.pem_certificate(workloads.certificate(workloads.key())))
    assert "contains no private key" in refused(path).message
    path.write_bytes(workloads.pem_key(workloads.key()))
    assert "is not a readable PEM or PFX file" in refused(path).message
    stranger = workloads.pem_certificate(workloads.certificate(workloads.key(2)))
    path.write_bytes(stranger + workloads.pem_key(workloads.key()))
    assert "contains no certificate for its key" in refused(path).message
    elliptic = ec.generate_private_key(ec.SECP256R1())
    mine = workloads.pem_certificate(workloads.certificate(elliptic))
    path.write_bytes(mine + workloads.pem_key(elliptic))
    assert "contains no RSA key" in refused(path).message
    path.write_bytes(mine + workloads.pem_key(workloads.key()))
    assert "contains no certificate for its key" in refused(path).message
    workloads.write_pem(path, "word")
    assert isinstance(refused(path), PassphraseNeeded)
    assert "is wrong" in refused(path, "other").message
    workloads.write_pfx(path, "word")
    assert "needs its passphrase" in refused(path).message
    assert "is wrong" in refused(path, "other").message


def test_an_old_openssl_key_is_read_too(tmp_path: Path) -> None:
    """PKCS #1, as openssl wrote it for years."""
    path = tmp_path / "c.pem"
    old = workloads.key().private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.BestAvailableEncryption(b"word"),
    )
    path.write_bytes(old + workloads.pem_certificate(workloads.certificate(workloads.key())))
    assert len(certificate.load(str(path), "word").chain) == 1
    assert "needs its passphrase" in refused(path).message


def test_a_secret_that_is_gone_is_reported() -> None:
    """With the command that brings a new one."""
    block = Block([("kind", SERVICE_PRINCIPAL), ("client_id", "c"), ("tenant", "t"), ("org[]", "contoso")])
    with pytest.raises(SignInError, match="no longer in the vault") as caught:
        workload.proof(block, lambda: None)
    assert caught.value.hint == ("git credential-azdo setup service-principal c --tenant t --org contoso")


# Renewal


def test_a_command_sets_each_kind_up_again() -> None:
    """As it was set up, ready to be copied into a shell."""
    for pairs, words in (
        (
            [
                ("kind", SERVICE_PRINCIPAL),
                ("client_id", "c"),
                ("tenant", "t"),
                ("certificate", "/a b.pem"),
                ("send_x5c", "1"),
            ],
            "service-principal c --tenant t --certificate " + quote("/a b.pem") + " --send-x5c",
        ),
        (
            [
                ("kind", SERVICE_PRINCIPAL),
                ("client_id", "c"),
                ("authority", "https://login.microsoftonline.us/t"),
                ("scope", "x/.default"),
                ("authtype", "Bearer"),
            ],
            "service-principal c --authority https://login.microsoftonline.us/t --scope x/.default --bearer",
        ),
        (
            [
                ("kind", FEDERATED),
                ("source", "file"),
                ("tenant", "t"),
                ("authority", "https://login.microsoftonline.com/t"),
            ],
            "federated file --tenant t",
        ),
        ([("kind", MANAGED_IDENTITY), ("identity", "object:1")], "managed-identity object:1"),
        ([("kind", MANAGED_IDENTITY)], "managed-identity system"),
        (
            [
                ("kind", FEDERATED),
                ("source", "managed-identity"),
                ("client_id", "c"),
                ("identity", "system"),
            ],
            "federated managed-identity --client-id c --managed-identity system",
        ),
        (
            [("kind", FEDERATED), ("source", "file"), ("token_file", "/t"), ("org[]", "a"), ("org[]", "b")],
            "federated file --token-file /t --org a --org b",
        ),
        ([("kind", AZURE_CLI), ("tenant", "t")], "azure-cli"),
        ([("kind", AZURE_CLI), ("az_tenant", "t")], "azure-cli --tenant t"),
    ):
        block = Block(pairs)
        assert setup_command(block) == f"git credential-azdo setup {words}"
        assert sign_in_errors.setup_again(Account(block)) == setup_command(block)


@pytest.mark.parametrize(
    ("codes", "error", "told", "hint"),
    [
        (
            (7000215,),
            "invalid_client",
            "the client secret is not the one of c",
            "setup service-principal c",
        ),
        ((7000222,), "invalid_client", "the client secret of c has expired", "make a new one"),
        (
            (700016,),
            "unauthorized_client",
            "c is not known in tenant t",
            "check the client id and the tenant",
        ),
        (
            (700213,),
            "invalid_client",
            "no federated credential of c fits",
            "compare issuer, subject and audience",
        ),
        (
            (53003,),
            "invalid_grant",
            "Conditional Access policies of tenant t block c",
            "ask your administrator",
        ),
        ((65001,), "invalid_grant", "no token for c: c has not consented", "setup service-principal c"),
        ((), "invalid_client", "no token for c: the client id or its secret", "setup service-principal c"),
        (
            (90033,),
            "temporarily_unavailable",
            "no token for c: Microsoft's sign-in service is busy",
            "try again",
        ),
    ],
)
def test_a_refusal_names_the_identity_and_a_cure_without_a_browser(
    codes: tuple[int, ...], error: str, told: str, hint: str
) -> None:
    """Nobody can sign in for a machine."""
    block = Block([("kind", SERVICE_PRINCIPAL), ("name", "c"), ("client_id", "c"), ("tenant", "t")])
    worded = sign_in_errors.app_error(OAuthError(error, codes=codes), block)
    assert told in worded.message
    assert hint in str(worded.hint)
    assert "login-hint" not in str(worded.hint)


def test_a_refusal_without_a_tenant_has_words_too() -> None:
    """An authority beside Entra knows none."""
    refused_by = OAuthError("invalid_client", codes=(7000215,), status=401)
    block = Block([("kind", SERVICE_PRINCIPAL), ("client_id", "c")])
    error = sign_in_errors.app_error(refused_by, block)
    assert error.message.startswith("the client secret is not the one of c")
    assert error.message.endswith("(AADSTS7000215)")


# What setup asks an authority for


def test_an_authority_stands_for_the_tenant(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """A national cloud's host goes before the tenant; a whole authority needs none, and may be any."""
    for name, value in emulator.environment.items():
        monkeypatch.setenv(name, value)
    with HttpClient(60) as http:

        def fields(
            tenant: str = "", authority: str = "", host: str | None = None, **environment: str
        ) -> dict[str, str]:
            return dict(
                registration(
                    http, "c", tenant=tenant, authority=authority, login_host=host, environment=environment
                )
            )

        found = fields("contoso.com", AZURE_AUTHORITY_HOST="https://login.microsoftonline.com/")
        assert found["authority"] == "https://login.microsoftonline.com/contoso.com"
        assert found["tenant"] == CONTOSO
        found = fields(CONTOSO, host="login.microsoftonline.us")
        assert found["authority"] == f"https://login.microsoftonline.us/{CONTOSO}"
        found = fields(authority=f"https://login.microsoftonline.com/{CONTOSO}")
        assert found["token_endpoint"] == f"https://login.microsoftonline.com/{CONTOSO}/oauth2/v2.0/token"
        assert found["tenant"] == CONTOSO


def test_an_authority_beside_entra_has_no_tenants(monkeypatch: pytest.MonkeyPatch) -> None:
    """Any server that conforms will do."""
    endpoints = Endpoints(
        Endpoint("https://h/a", "https://h"), Endpoint("https://h/t", "https://h"), None, "https://h"
    )
    monkeypatch.setattr(workload, "discover", lambda *_: endpoints)
    with HttpClient(60) as http:
        fields = dict(
            registration(http, "c", tenant="", authority="https://h", login_host=None, environment={})
        )
    assert (fields["tenant"], fields["token_endpoint"]) == ("", "https://h/t")


def test_every_kind_of_workload_identity_can_be_set_up_again() -> None:
    """The command for it, and which account it replaces, come from one table."""
    assert set(KEYS) == ACCOUNT_KINDS - {OAUTH, PAT}
