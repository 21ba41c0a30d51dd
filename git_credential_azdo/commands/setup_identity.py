"""``setup`` for workload identities: managed identity, service principal, federated credential, the Azure CLI's sign-in.

No person signs in: the account is saved once a token came and every organization named knows the identity. Whatever is
missing is named, nothing is guessed. A secret comes from a hidden prompt or stdin, never from the command line; an
identity without one needs no vault. Variables: AKS's ``AZURE_*`` (azure-workload-identity), ``AZURESUBSCRIPTION_*``
(Azure Pipelines' Azure tasks).
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from git_credential_azdo import hints
from git_credential_azdo.accounts.account import (
    AZURE_CLI,
    FEDERATED,
    MANAGED_IDENTITY,
    SERVICE_PRINCIPAL,
    SYSTEM,
    Block,
    access_entry,
)
from git_credential_azdo.accounts.choice import PERSONAL_TENANTS
from git_credential_azdo.accounts.save import NewAccount, now
from git_credential_azdo.commands import console
from git_credential_azdo.commands.setup_run import common
from git_credential_azdo.devops import api
from git_credential_azdo.errors import AzdoError, PassphraseNeeded, ServiceError, UsageError, printable
from git_credential_azdo.git.target import holds_token, is_tenant
from git_credential_azdo.hosts import origin
from git_credential_azdo.signin import azure_cli, federation, managed_identity, workload
from git_credential_azdo.signin.workload import proof, registration

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

    from git_credential_azdo.commands.setup_run import Run
    from git_credential_azdo.git.protocol import Pair
    from git_credential_azdo.git.target import AnyOrganization
    from git_credential_azdo.signin.oauth import Grant

_SAME_AS = {  # keys that make an older account of the kind the same one
    SERVICE_PRINCIPAL: ("client_id", "token_endpoint"),
    MANAGED_IDENTITY: ("identity", "source"),
    FEDERATED: ("client_id", "token_endpoint", "source"),
    AZURE_CLI: ("tenant",),
}
_AUTHORITY = click.option("--authority", metavar="URL", help="Issuer, instead of Microsoft's.")


def _identity(function: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of every way, and of every workload identity."""
    for option in (
        click.option("--bearer", is_flag=True, help="Answer authtype=Bearer where git knows it (2.46)."),
        click.option("--scope", default="", help="Scope to request."),
        click.option("--tenant", default="", help="Entra tenant: its id or a domain of it."),
    ):
        function = option(function)
    return common(function)


@click.command(MANAGED_IDENTITY, short_help="Identity that Azure gave this machine")
@click.argument("which", metavar="[WHICH]", default=SYSTEM)
@_identity
def managed(run: Run, which: str, tenant: str, **how: Any) -> None:
    """Use a managed identity of this machine: system, a CLIENT_ID, object:ID or resource:ID."""
    name = managed_identity.read_identity(which).value.rpartition("/")[2]
    if tenant and not is_tenant(tenant.lower()):
        raise UsageError(
            "--tenant of a managed identity is the tenant's id, a GUID",
            hints.help_of("setup", MANAGED_IDENTITY),
        )
    source = managed_identity.source_of(os.environ)
    fields = [("name", name), ("identity", which), ("source", source), ("tenant", tenant.lower())]
    _sign_in(run, MANAGED_IDENTITY, lambda: (fields, None), **how)


@click.command(SERVICE_PRINCIPAL, short_help="App registration with a secret or certificate")
@click.argument("client_id")
@_identity
@click.option("--certificate", metavar="FILE", default="", help="Certificate with its key, not a secret.")
@click.option("--send-x5c", is_flag=True, help="Certificate's chain is sent along.")
@_AUTHORITY
def service_principal(
    run: Run, client_id: str, certificate: str, tenant: str, authority: str, *, send_x5c: bool, **how: Any
) -> None:
    """Use an app registration of your own: its client secret is asked for, or read from stdin."""

    def describe() -> tuple[list[Pair], str | None]:
        fields = [
            *_registration(run, client_id, tenant, authority),
            ("certificate", _file("--certificate", certificate)),
            ("send_x5c", "1" if send_x5c else ""),
        ]
        if not certificate:
            return [*fields, ("passphrase", "")], console.secret_text("Client secret")
        try:
            proof(Block(fields), lambda: None)
        except PassphraseNeeded:
            passphrase = console.secret_text("Passphrase of the certificate's key")
            fields.append(("passphrase", "1"))
            proof(Block(fields), lambda: passphrase)
            return fields, passphrase
        return [*fields, ("passphrase", "")], None

    _sign_in(run, SERVICE_PRINCIPAL, describe, **how)


@click.command(FEDERATED, short_help="App registration that trusts a job's own token")
@click.argument("source", type=click.Choice(federation.SOURCES))
@_identity
@click.option("--client-id", metavar="ID", help="App registration's id.")
@click.option("--token-file", metavar="FILE", help="File that always holds a valid token of the job.")
@click.option("--audience", default="", help="Audience of that token.")
@click.option("--service-connection", metavar="ID", help="Service connection in Azure Pipelines.")
@click.option("--managed-identity", "which", metavar="WHICH", default=SYSTEM, help="Identity it trusts.")
@_AUTHORITY
def federated(
    run: Run,
    *,
    source: str,
    client_id: str | None,
    tenant: str,
    token_file: str | None,
    audience: str,
    service_connection: str | None,
    which: str,
    authority: str,
    **how: Any,
) -> None:
    """Use an app registration that trusts the token of a CI job, a Kubernetes pod or a managed identity."""
    prefix = "AZURESUBSCRIPTION" if source == federation.PIPELINES else "AZURE"
    client_id = client_id or os.environ.get(f"{prefix}_CLIENT_ID")
    if not client_id:
        raise UsageError(
            f"missing --client-id ({prefix}_CLIENT_ID is not set, either)", hints.setup_federated(source)
        )
    tenant = tenant or os.environ.get(f"{prefix}_TENANT_ID") or ""
    path = token_file or os.environ.get("AZURE_FEDERATED_TOKEN_FILE") or ""
    connection = service_connection or os.environ.get("AZURESUBSCRIPTION_SERVICE_CONNECTION_ID") or ""
    is_machine = source == federation.MANAGED_IDENTITY
    own = [
        ("source", source),
        ("token_file", _file("--token-file", path) if source == federation.FILE else ""),
        ("audience", audience),
        ("service_connection", connection if source == federation.PIPELINES else ""),
        ("identity", which if is_machine else ""),
        ("machine", managed_identity.source_of(os.environ) if is_machine else ""),
    ]
    where = (client_id, tenant, authority)
    _sign_in(run, FEDERATED, lambda: ([*_registration(run, *where), *own], None), **how)


@click.command(AZURE_CLI, short_help="Account that is signed in to the Azure CLI")
@_identity
def az(run: Run, tenant: str, **how: Any) -> None:
    """Use the account that is signed in to the Azure CLI (az login)."""
    _sign_in(run, AZURE_CLI, lambda: ([("name", ""), ("az_tenant", tenant)], None), **how)


def _sign_in(
    run: Run, kind: str, describe: Callable[[], tuple[list[Pair], str | None]], *, scope: str, bearer: bool
) -> None:
    """Get a first token, ask every organization named who we are, and save the account.

    ``describe``: returns every key of the kind, an empty one too, so that setting up again leaves nothing of before; and
    the secret to keep, if there is one. Raise UsageError, SignInError, NetworkError, ServiceError, VaultError; nothing
    is saved then.
    """
    run.check(kind)
    fields, secret = describe()
    vault_name = run.choose_vault(has_secret=secret is not None)
    more = [("scope", scope), ("authtype", "Bearer" if bearer else "")]
    fresh = Block([("kind", kind), *fields, *more])
    grant = _first_token(run, fresh, lambda: secret)
    received = now()
    tenants = _ask_organizations(run, fresh, grant, lambda: secret)
    authorization = api.bearer(grant.access_token)
    # Another cloud's token must not travel to the public one, which alone is known to list organizations.
    name, listed = _person(run, authorization) if run.is_public and kind == AZURE_CLI else ("", [])
    fresh.set("name", fresh.get("name") or name or kind)
    tenant = fresh.get("tenant")
    access = [
        ("token", grant.access_token),
        ("received_utc", str(received)),
        ("expires_utc", str(received + grant.expires_in)),
    ]
    # what binds the secret to the only place that it may be sent to, whatever the accounts file says later
    payload = [("secret", secret or ""), ("origin", origin(fresh.get("token_endpoint")))]
    account = NewAccount(
        kind=kind,
        fields=[pair for pair in fresh.pairs if pair[0] != "kind"],
        alias=run.alias,
        secrets={**({"client-secret": payload} if secret else {}), access_entry(tenant): access},
        tokens=[(tenant, grant.access_token, received)],
        chosen=run.organizations,
        found=list(dict.fromkeys([*run.organizations, *listed])),
        tenants=tenants,
        replaces=lambda older: all(
            older.block.get(key).lower() == fresh.get(key).lower() for key in _SAME_AS[kind]
        ),
    )
    run.finish(account, vault_name, authorization)


def _first_token(run: Run, fresh: Block, read_secret: Callable[[], str | None]) -> Grant:
    """Get a token of the identity's own tenant; the Azure CLI tells by it which tenant that is."""
    if fresh.get("kind") == AZURE_CLI:
        resource = (fresh.get("scope") or workload.DEFAULT_SCOPE).removesuffix("/.default")
        token = azure_cli.ask(resource, fresh.get("az_tenant"), run.http().remaining(), os.environ)
        fresh.set("tenant", token.tenant)
        return token.grant
    return workload.request_token(fresh, fresh.get("tenant"), run.http(), read_secret, os.environ)


def _ask_organizations(
    run: Run, fresh: Block, first: Grant, read_secret: Callable[[], str | None]
) -> Mapping[AnyOrganization, str]:
    """Ask each organization whom it sees, for a name if there is none yet; return the organizations' tenants.

    A managed identity does not know its tenant: it is that of the organizations that accept it.
    """
    own, http = fresh.get("tenant"), run.http()
    grants = {own: first}
    tenants: dict[AnyOrganization, str] = {}
    for organization in run.organizations:
        tenant = api.tenant_of(http, organization)
        wanted = tenant if own and tenant and tenant not in PERSONAL_TENANTS else own
        if wanted not in grants:
            grants[wanted] = workload.request_token(fresh, wanted, http, read_secret, os.environ)
        try:
            seen = api.who_am_i(http, organization, api.bearer(grants[wanted].access_token))
        except api.UnauthorizedError as refused:
            raise ServiceError(
                f"the organization {organization} does not know {fresh.get('name') or 'this identity'}: {refused.message}",
                f"add it as a user with a Basic licence: {organization.url}/_settings/users",
            ) from None
        if not fresh.get("name"):
            fresh.set("name", _shown(seen))
        if tenant:
            tenants[organization] = tenant
    if not own and len(set(tenants.values())) == 1:
        fresh.set("tenant", next(iter(tenants.values())))
    return tenants


def _person(run: Run, authorization: Mapping[str, str]) -> tuple[str, Sequence[AnyOrganization]]:
    """Return the name and the organizations of who is signed in to ``az``; Azure DevOps tells them of people only."""
    name = ""
    try:
        person = api.profile(run.http(), authorization)
        name = _shown(person)
        return name, api.organizations(run.http(), authorization, person.id)
    except AzdoError:
        return name, []


def _shown(identity: api.Identity) -> str:
    name = printable(identity.name).strip()
    return "" if ":" in name else name  # a colon would end the user name that git sends


def _registration(run: Run, client_id: str, tenant: str, authority: str) -> list[Pair]:
    where = {"tenant": tenant, "authority": authority}
    return registration(run.http(), client_id, **where, login_host=run.login_host, environment=os.environ)


def _file(option: str, given: str) -> str:
    """Return the absolute path of a file, which errors may name. Raise UsageError for a secret in its place."""
    if holds_token(os.path.basename(given)):
        raise UsageError(f"{option} takes the path of a file", hints.help_of("setup"))
    return os.path.abspath(given) if given else ""
