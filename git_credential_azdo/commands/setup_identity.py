"""``setup`` for workload identities: managed identity, service principal, federated credential, the Azure CLI's sign-in.

No user signs in: the account is saved once a token was issued and every organization named knows the identity. Missing
values are reported, never guessed. A secret comes from a hidden prompt or stdin, never from the command line; an identity
without one needs no vault. Variables: AKS's ``AZURE_*`` (azure-workload-identity), ``AZURESUBSCRIPTION_*`` (Azure
Pipelines' Azure tasks).
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Mapping, Sequence

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
from git_credential_azdo.commands.setup_run import Run, way
from git_credential_azdo.devops import api
from git_credential_azdo.errors import AzdoError, PassphraseNeeded, ServiceError, UsageError, holds_token
from git_credential_azdo.git.protocol import Pair
from git_credential_azdo.git.target import AnyOrganization, is_tenant, origin
from git_credential_azdo.refresh import access_payload
from git_credential_azdo.signin import federation, managed_identity, workload
from git_credential_azdo.signin.oauth import Grant
from git_credential_azdo.signin.sign_in_errors import KEYS
from git_credential_azdo.signin.workload import proof, registration

_OPTIONS = ("tenant", "scope", "bearer")


@click.command(MANAGED_IDENTITY, short_help="Identity that Azure gave this machine")
@click.argument("which", metavar="[WHICH]", default=SYSTEM)
@way(MANAGED_IDENTITY, *_OPTIONS)
def managed(run: Run, which: str) -> None:
    """Use a managed identity of this machine: system, a CLIENT_ID, object:ID or resource:ID."""
    name = managed_identity.read_identity(which).value.rpartition("/")[2]
    tenant = run.tenant.lower()
    if tenant and not is_tenant(tenant):
        raise UsageError(
            "--tenant of a managed identity is the tenant's id, a GUID",
            hints.help_of("setup", MANAGED_IDENTITY),
        )
    source = managed_identity.source_of(os.environ)
    _sign_in(run, [("name", name), ("identity", which), ("source", source), ("tenant", tenant)])


@click.command(SERVICE_PRINCIPAL, short_help="App registration with a secret or certificate")
@click.argument("client_id")
@way(SERVICE_PRINCIPAL, *_OPTIONS, "authority")
@click.option("--certificate", metavar="FILE", default="", help="Certificate with its key, not a secret.")
@click.option("--send-x5c", is_flag=True, help="Also send the certificate's chain.")
def service_principal(run: Run, certificate: str, *, send_x5c: bool) -> None:
    """Use an app registration of your own: its client secret is asked for, or read from stdin."""
    fields = [
        *_registration(run),
        ("certificate", _file(run, "--certificate", certificate)),
        ("send_x5c", "1" if send_x5c else ""),
    ]
    secret = _passphrase(fields) if certificate else console.secret_text("Client secret")
    _sign_in(run, [*fields, ("passphrase", "1" if certificate and secret else "")], secret)


def _passphrase(fields: list[Pair]) -> str | None:
    """Ask for the passphrase of the certificate's key, try it and return it; None if the key has none."""
    try:
        proof(Block(fields), lambda: None)
    except PassphraseNeeded:
        passphrase = console.secret_text("Passphrase of the certificate's key")
        proof(Block([*fields, ("passphrase", "1")]), lambda: passphrase)
        return passphrase
    return None


@click.command(FEDERATED, short_help="App registration that trusts a job's own token")
@click.argument("source", type=click.Choice(federation.SOURCES))
@way(FEDERATED, *_OPTIONS, "client_id", "authority")
@click.option(
    "--token-file",
    metavar="FILE",
    default="",
    envvar="AZURE_FEDERATED_TOKEN_FILE",
    help="File that always contains a valid token of the job.",
)
@click.option("--audience", default="", help="Audience of that token.")
@click.option(
    "--service-connection",
    metavar="ID",
    default="",
    envvar="AZURESUBSCRIPTION_SERVICE_CONNECTION_ID",
    help="Service connection in Azure Pipelines.",
)
@click.option("--managed-identity", "which", metavar="WHICH", default=SYSTEM, help="Identity it trusts.")
def federated(
    run: Run, *, source: str, token_file: str, audience: str, service_connection: str, which: str
) -> None:
    """Use an app registration that trusts the token of a CI job, a Kubernetes pod or a managed identity."""
    prefix = "AZURESUBSCRIPTION" if source == federation.PIPELINES else "AZURE"
    run.client_id = run.client_id or os.environ.get(f"{prefix}_CLIENT_ID") or ""
    run.tenant = run.tenant or os.environ.get(f"{prefix}_TENANT_ID") or ""
    if not run.client_id:
        raise UsageError(
            f"missing --client-id ({prefix}_CLIENT_ID is not set, either)", hints.setup_federated(source)
        )
    is_machine = source == MANAGED_IDENTITY
    own = [
        ("source", source),
        ("token_file", _file(run, "--token-file", token_file) if source == federation.FILE else ""),
        ("audience", audience),
        ("service_connection", service_connection if source == federation.PIPELINES else ""),
        ("identity", which if is_machine else ""),
        ("machine", managed_identity.source_of(os.environ) if is_machine else ""),
    ]
    _sign_in(run, [*_registration(run), *own])


@click.command(AZURE_CLI, short_help="Account that is signed in to the Azure CLI")
@way(AZURE_CLI, *_OPTIONS)
def az(run: Run) -> None:
    """Use the account that is signed in to the Azure CLI (az login)."""
    _sign_in(run, [("name", ""), ("az_tenant", run.tenant)])


WAYS = (managed, service_principal, federated, az)


def _sign_in(run: Run, fields: list[Pair], secret: str | None = None) -> None:
    """Get a first token, ask every organization named which identity it sees, and save the account.

    ``fields``: every key of the kind, even an empty one, so that no old value is left when it is set up again. Raise
    UsageError, SignInError, NetworkError, ServiceError, VaultError; nothing is saved then.
    """
    vault_name = run.choose_vault(has_secret=secret is not None)
    fields += [("scope", run.scope), ("authtype", "Bearer" if run.bearer else "")]
    fresh = Block([("kind", run.kind), *fields])

    def request(tenant: str) -> Grant:
        return workload.request_token(fresh, tenant, run.http(), lambda: secret, os.environ)

    if run.kind == AZURE_CLI:  # its token shows which tenant is its own
        resource = workload.resource_of(run.scope)
        grant, tenant = workload.ask_az(resource, run.tenant, run.http().remaining(), os.environ)
        fresh.set("tenant", tenant)
    else:
        grant = request(fresh.get("tenant"))
    received = now()
    tenants = _ask_organizations(run, fresh, grant, request)
    authorization = api.bearer(grant.access_token)
    listed: Sequence[AnyOrganization] = ()
    if run.kind == AZURE_CLI:  # Azure DevOps lists organizations only for users
        with contextlib.suppress(AzdoError):
            name, listed = run.person(authorization)
            fresh.set("name", fresh.get("name") or _without_colon(name))
    fresh.set("name", fresh.get("name") or run.kind)
    tenant = fresh.get("tenant")
    # The origin binds the secret to the only place that it may be sent to, whatever the accounts file says later.
    payload = [("secret", secret or ""), ("origin", origin(fresh.get("token_endpoint")))]
    *_, same = KEYS[run.kind]
    account = NewAccount(
        kind=run.kind,
        fields=[pair for pair in fresh.pairs if pair[0] != "kind"],
        alias=run.alias,
        secrets={
            **({"client-secret": payload} if secret else {}),
            access_entry(tenant): access_payload(grant, received),
        },
        tokens=[(tenant, grant.access_token, received)],
        chosen=run.organizations,
        found=list(dict.fromkeys([*run.organizations, *listed])),
        tenants=tenants,
        replaces=lambda older: all(older.block.get(key).lower() == fresh.get(key).lower() for key in same),
    )
    run.finish(account, vault_name, authorization)


def _ask_organizations(
    run: Run, fresh: Block, first: Grant, request: Callable[[str], Grant]
) -> Mapping[AnyOrganization, str]:
    """Ask each organization which identity it sees, also for a missing name; return the organizations' tenants.

    A managed identity does not know its tenant: it is that of the organizations that accept it.
    """
    own = fresh.get("tenant")
    grants = {own: first}
    tenants: dict[AnyOrganization, str] = {}
    for organization in run.organizations:
        tenant = run.tenant_of(organization)
        wanted = tenant if own and tenant and tenant not in PERSONAL_TENANTS else own
        if wanted not in grants:
            grants[wanted] = request(wanted)
        try:
            seen = api.who_am_i(run.http(), organization, api.bearer(grants[wanted].access_token))
        except api.UnauthorizedError as refused:
            raise ServiceError(
                f"the organization {organization} does not know {fresh.get('name') or 'this identity'}: {refused.message}",
                f"add it as a user with Basic access: {organization.url}/_settings/users",
            ) from None
        fresh.set("name", fresh.get("name") or _without_colon(seen.name))
        if tenant:
            tenants[organization] = tenant
    if not own and len(set(tenants.values())) == 1:
        fresh.set("tenant", next(iter(tenants.values())))
    return tenants


def _without_colon(name: str) -> str:
    return "" if ":" in name else name  # a colon would end the user name that git sends


def _registration(run: Run) -> list[Pair]:
    where = {"tenant": run.tenant, "authority": run.authority}
    return registration(run.http(), run.client_id, **where, login_host=run.login_host, environment=os.environ)


def _file(run: Run, option: str, given: str) -> str:
    """Return the absolute path of a file, which errors may name. Raise UsageError for a secret in its place."""
    if holds_token(os.path.basename(given)):
        raise UsageError(f"{option} takes the path of a file", hints.help_of("setup", run.kind))
    return os.path.abspath(given) if given else ""
