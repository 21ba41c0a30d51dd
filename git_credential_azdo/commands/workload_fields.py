"""From options and environment to what the accounts file keeps of a machine's identity. Asks for the secret it needs.

Variables: AKS's ``AZURE_*`` (azure-workload-identity), ``AZURESUBSCRIPTION_*`` (Azure Pipelines' Azure tasks). Whatever
is missing is named; nothing is guessed.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from git_credential_azdo import hints
from git_credential_azdo.accounts.account import AZURE_CLI, FEDERATED, MANAGED_IDENTITY, SERVICE_PRINCIPAL
from git_credential_azdo.accounts.accounts_file import Block
from git_credential_azdo.accounts.workload import SYSTEM
from git_credential_azdo.commands import console
from git_credential_azdo.errors import PassphraseNeeded, UsageError
from git_credential_azdo.git.address import quoted
from git_credential_azdo.git.target import holds_token, is_tenant, may_repeat
from git_credential_azdo.signin import entra, exchange, federation, managed_identity
from git_credential_azdo.signin.service_principal import proof
from git_credential_azdo.web import HttpClient

if TYPE_CHECKING:
    from collections.abc import Mapping

    from git_credential_azdo.git.protocol import Pair

ASK_SECONDS = 60.0
_HELP = hints.help_of("setup")


@dataclass(frozen=True)
class Options:
    """What the command line gave, by the names of the options; None and False leave the usual."""

    service_principal: str | None = None
    certificate: str | None = None
    send_x5c: bool = False
    managed_identity: str | None = None
    federated: str | None = None
    token_file: str | None = None
    audience: str | None = None
    service_connection: str | None = None
    azure_cli: bool = False
    tenant: str | None = None
    authority: str | None = None
    client_id: str | None = None
    scope: str | None = None
    bearer: bool = False

    @property
    def kind(self) -> str | None:
        """The kind of account, None when a person is to sign in. Raises UsageError for options that do not go together."""
        asked = {
            SERVICE_PRINCIPAL: self.service_principal is not None,
            MANAGED_IDENTITY: self.managed_identity is not None and not self.federated,
            FEDERATED: self.federated is not None,
            AZURE_CLI: self.azure_cli,
        }
        kinds = [kind for kind, is_asked in asked.items() if is_asked]
        if len(kinds) > 1:
            raise UsageError(
                f"--{kinds[0]} and --{kinds[1]} are two accounts", "run setup once for each of them"
            )
        kind = kinds[0] if kinds else None
        for option, of in (
            ("certificate", SERVICE_PRINCIPAL),
            ("send_x5c", SERVICE_PRINCIPAL),
            ("token_file", FEDERATED),
            ("audience", FEDERATED),
            ("service_connection", FEDERATED),
        ):
            if getattr(self, option) and kind != of:
                raise UsageError(f"--{option.replace('_', '-')} goes with --{of}", _HELP)
        if self.client_id and kind in {SERVICE_PRINCIPAL, MANAGED_IDENTITY, AZURE_CLI}:
            raise UsageError(f"--client-id does not go with --{kind}", _HELP)
        return kind


def describe(
    given: Options, environment: Mapping[str, str], login_host: str | None = None
) -> tuple[list[Pair], str | None]:
    """Return the keys of the account's block, and the secret to keep, if it has one.

    ``login_host``: where the organizations' own cloud signs in; Microsoft's public one for None.
    Every key of the kind is there, an empty one too, so that setting up again leaves nothing of before. Asks the
    authority for its endpoints, and a person for the secret. Raises UsageError, SignInError, NetworkError, ServiceError.
    """
    kind = given.kind
    if kind == MANAGED_IDENTITY:
        return _managed_identity(given, environment), None
    if kind == AZURE_CLI:
        return [("name", ""), ("az_tenant", given.tenant or ""), ("scope", given.scope or "")], None
    if kind == SERVICE_PRINCIPAL:
        fields = _app(given, given.service_principal or "", environment, login_host)
        return _with_proof(given, fields)
    return _federated(given, environment, login_host), None


def _managed_identity(given: Options, environment: Mapping[str, str]) -> list[Pair]:
    text = given.managed_identity or SYSTEM
    which = managed_identity.read_identity(text)
    tenant = (given.tenant or "").lower()
    if tenant and not is_tenant(tenant):
        raise UsageError("--tenant of a managed identity is the tenant's id, a GUID", _HELP)
    return [
        ("name", which.value.rpartition("/")[2]),
        ("identity", text),
        ("source", managed_identity.source_of(environment)),
        ("tenant", tenant),
        ("scope", given.scope or ""),
    ]


def _federated(given: Options, environment: Mapping[str, str], login_host: str | None) -> list[Pair]:
    source = given.federated or ""
    prefix = "AZURESUBSCRIPTION" if source == federation.PIPELINES else "AZURE"
    client_id = given.client_id or environment.get(f"{prefix}_CLIENT_ID")
    if not client_id:
        raise UsageError(
            f"which app is it? neither --client-id is given nor {prefix}_CLIENT_ID set",
            hints.setup_federated(source),
        )
    path = given.token_file or environment.get("AZURE_FEDERATED_TOKEN_FILE") or ""
    connection = given.service_connection or environment.get("AZURESUBSCRIPTION_SERVICE_CONNECTION_ID") or ""
    is_machine = source == federation.MANAGED_IDENTITY
    return [
        *_app(given, client_id, environment, login_host, environment.get(f"{prefix}_TENANT_ID")),
        ("source", source),
        ("token_file", _file("--token-file", path) if source == federation.FILE else ""),
        ("audience", given.audience or ""),
        ("service_connection", connection if source == federation.PIPELINES else ""),
        ("identity", given.managed_identity or SYSTEM if is_machine else ""),
        ("machine", managed_identity.source_of(environment) if is_machine else ""),
    ]


def _app(
    given: Options,
    client_id: str,
    environment: Mapping[str, str],
    login_host: str | None,
    known_tenant: str | None = None,
) -> list[Pair]:
    """Return what every app registration has: who it is, and where it asks."""
    if not client_id or not may_repeat(client_id) or any(each in client_id for each in " :/"):
        raise UsageError(
            f"{quoted(client_id)} is no client id", "give the application (client) id of the app"
        )
    tenant = given.tenant or known_tenant
    authority = given.authority or _authority(tenant, environment.get("AZURE_AUTHORITY_HOST"), login_host)
    with HttpClient(ASK_SECONDS) as web:
        endpoints = exchange.discover(web, authority)
    named = endpoints.issuer.partition("://")[2].split("/")[1:2] if entra.is_entra(endpoints.token) else []
    return [
        ("name", client_id),
        ("client_id", client_id),
        ("tenant", named[0].lower() if named and is_tenant(named[0]) else ""),
        ("authority", authority),
        ("token_endpoint", endpoints.token),
        ("scope", given.scope or ""),
    ]


def _authority(tenant: str | None, address: str | None, login_host: str | None) -> str:
    if not tenant:
        raise UsageError("which tenant is the app of?", "add --tenant TENANT (its id or a domain of it)")
    if tenant.lower() in {"common", "organizations", "consumers"}:
        raise UsageError(f"{tenant} is no tenant of its own", "give the tenant's id or a domain of it")
    usual = entra.authority(tenant, login_host or entra.PUBLIC_HOST)
    return f"{address.rstrip('/')}/{tenant}" if address else usual


def _with_proof(given: Options, fields: list[Pair]) -> tuple[list[Pair], str | None]:
    """Add the certificate, tried out, or ask for the secret."""
    path = _file("--certificate", given.certificate or "")
    pairs = [*fields, ("certificate", path), ("send_x5c", "1" if given.send_x5c else "")]
    if not path:
        return [*pairs, ("passphrase", "")], read_hidden("Client secret")
    try:
        proof(Block(pairs), lambda: None)
    except PassphraseNeeded:
        passphrase = read_hidden("Passphrase of the certificate's key")
        protected = [*pairs, ("passphrase", "1")]
        proof(Block(protected), lambda: passphrase)
        return protected, passphrase
    return [*pairs, ("passphrase", "")], None


def _file(option: str, given: str) -> str:
    """Return the absolute path of a file, which errors may name. Raises UsageError for a secret in its place."""
    if holds_token(os.path.basename(given)):
        raise UsageError(f"{option} takes the path of a file", _HELP)
    return os.path.abspath(given) if given else ""


def read_hidden(question: str) -> str:
    """Ask for a secret on the terminal, or take stdin when it is none. Raises UsageError for nothing or odd text."""
    text = console.prompt(question, hidden=True) if console.can_ask() else console.given(question.lower())
    secret = text.strip("\r\n")
    if not secret or not secret.isprintable():
        raise UsageError(
            f"no {question.lower()} came, or it holds a control character",
            "type it at the prompt, or give it on stdin",
        )
    return secret
