"""``setup`` for a machine's identity: service principal, managed identity, federation, Azure CLI.

Nobody signs in: the account is kept once a token came and every organization named knows the identity. A secret comes
from a hidden prompt or stdin, never from the command line; an identity without one needs no vault.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import click

from git_credential_azdo import hints
from git_credential_azdo.accounts.account import AZURE_CLI, FEDERATED, MANAGED_IDENTITY, SERVICE_PRINCIPAL
from git_credential_azdo.accounts.accounts_file import Block
from git_credential_azdo.accounts.choice import PERSONAL_TENANTS
from git_credential_azdo.accounts.save import (
    NewAccount,
    check_alias,
    load_accounts,
    now,
    place_of,
    save_account,
)
from git_credential_azdo.commands import workload_fields
from git_credential_azdo.devops import api
from git_credential_azdo.errors import AzdoError, ServiceError, UsageError, VaultError, VaultLocked, printable
from git_credential_azdo.git.target import SERVICES_ADDRESS
from git_credential_azdo.signin import azure_cli, workload
from git_credential_azdo.signin.endpoints import origin
from git_credential_azdo.signin.federation import SOURCES
from git_credential_azdo.vault import vaults
from git_credential_azdo.web import HttpClient

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from git_credential_azdo.accounts.account import Account
    from git_credential_azdo.commands.workload_fields import Options
    from git_credential_azdo.git.protocol import Pair
    from git_credential_azdo.git.target import AnyOrganization, Organization
    from git_credential_azdo.signin.oauth import Grant

ASK_SECONDS = 60.0
_SAME_AS = {  # keys that make an older account of the kind the same one
    SERVICE_PRINCIPAL: ("client_id", "token_endpoint"),
    MANAGED_IDENTITY: ("identity", "source"),
    FEDERATED: ("client_id", "token_endpoint", "source"),
    AZURE_CLI: ("tenant",),
}
_OPTIONS = (
    click.option("--service-principal", metavar="CLIENT_ID", help="An app: its secret by prompt or stdin."),
    click.option("--certificate", metavar="FILE", help="The app's certificate with its key, instead."),
    click.option("--send-x5c", is_flag=True, help="Send the certificate's chain along."),
    click.option("--managed-identity", metavar="WHICH", help="system, CLIENT_ID, object:ID or resource:ID."),
    click.option("--federated", type=click.Choice(SOURCES), help="An app that trusts a job's own token."),
    click.option("--token-file", metavar="FILE", help="Where that token is kept fresh."),
    click.option("--audience", help="What that token must be for."),
    click.option("--service-connection", metavar="ID", help="The service connection in Azure Pipelines."),
    click.option("--azure-cli", is_flag=True, help="Whoever is signed in to az."),
)


def options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give ``setup`` the options for a machine's identity."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def sign_in(
    kind: str, given: Options, chosen: Sequence[AnyOrganization], alias: str | None, vault: str | None
) -> Account:
    """Get a first token, ask every chosen organization who we are, and keep the account; return it.

    ``kind`` is that of ``given``, which names one.

    Raises UsageError, SignInError, NetworkError, ServiceError, VaultError; nothing is kept then.
    """
    accounts_file = load_accounts()
    check_alias(alias, accounts_file, kind)
    place = place_of(chosen, accounts_file)
    is_public = place == SERVICES_ADDRESS
    if not is_public and place not in accounts_file.services_addresses:
        raise UsageError(
            f"{place} is a server of its own, which takes no token of Entra",
            hints.setup_pat(server=f"{place}/COLLECTION"),
        )
    fields, secret = workload_fields.describe(given, os.environ, accounts_file.login_host(place))
    vault_name = _choose_vault(vault, accounts_file.header.get("vault"), needed=secret is not None)
    fresh = Block([("kind", kind), *fields])
    with HttpClient(ASK_SECONDS, allowed=api.origins_of(*chosen)) as web:
        grant = _first_token(web, fresh, secret)
        received = now()
        tenants = _ask_organizations(web, fresh, chosen, grant, lambda: secret)
        if not fresh.get("name"):
            fresh.set("name", (_person(web, grant) if is_public else "") or kind)
        is_person = kind == AZURE_CLI and is_public
        # Another cloud's token must not travel to the public one, which alone is known to list organizations.
        found = [*chosen, *(_reached(web, grant, chosen) if is_person and is_public else [])]
    tenant = fresh.get("tenant")
    access = [
        ("token", grant.access_token),
        ("received_utc", str(received)),
        ("expires_utc", str(received + grant.expires_in)),
    ]
    same_as = _SAME_AS[kind]
    return save_account(
        NewAccount(
            kind=kind,
            fields=[
                *(pair for pair in fresh.pairs if pair[0] != "kind"),
                ("authtype", "Bearer" if given.bearer else ""),
            ],
            alias=alias,
            secrets={
                **({"client-secret": [("secret", secret), *_bound(fresh)]} if secret else {}),
                f"access/{tenant or 'home'}": access,
            },
            tokens=[(tenant, grant.access_token, received)],
            chosen=chosen,
            found=found,
            tenants=tenants,
            replaces=lambda older: all(
                older.block.get(key).lower() == fresh.get(key).lower() for key in same_as
            ),
        ),
        vault_name,
    )


def _bound(fresh: Block) -> list[Pair]:
    """Return what binds the secret to the only place it may be sent to, whatever the accounts file says later."""
    return [("origin", origin(fresh.get("token_endpoint")))]


def _choose_vault(wanted: str | None, used: str, *, needed: bool) -> str:
    """Return where to keep what there is; without a secret of ours a machine without a keyring will do."""
    if wanted == vaults.NONE:
        if needed:
            raise UsageError("this account has a secret, which --vault none would not keep", "--vault file")
        return vaults.NONE
    try:
        return vaults.find(wanted, used or None)
    except VaultError as error:
        if needed or wanted or isinstance(error, VaultLocked):
            raise
        return vaults.NONE


def _first_token(web: HttpClient, fresh: Block, secret: str | None) -> Grant:
    """Get a token of the identity's own tenant; the Azure CLI tells by it which tenant that is."""
    if fresh.get("kind") == AZURE_CLI:
        resource = (fresh.get("scope") or workload.DEFAULT_SCOPE).removesuffix("/.default")
        token = azure_cli.ask(resource, fresh.get("az_tenant"), web.remaining(), os.environ)
        fresh.set("tenant", token.tenant)
        return token.grant
    return workload.request_token(fresh, fresh.get("tenant"), web, lambda: secret, os.environ)


def _ask_organizations(
    web: HttpClient,
    fresh: Block,
    chosen: Sequence[AnyOrganization],
    first: Grant,
    read_secret: Callable[[], str | None],
) -> dict[AnyOrganization, str]:
    """Ask each organization whom it sees, for a name if there is none yet; return the organizations' tenants.

    A managed identity does not know its tenant: it is that of the organizations that accept it.
    """
    own = fresh.get("tenant")
    grants = {own: first}
    tenants: dict[AnyOrganization, str] = {}
    for organization in chosen:
        tenant = api.tenant_of(web, organization)
        wanted = tenant if own and tenant and tenant not in PERSONAL_TENANTS else own
        if wanted not in grants:
            grants[wanted] = workload.request_token(fresh, wanted, web, read_secret, os.environ)
        try:
            seen = api.who_am_i(web, organization, api.bearer(grants[wanted].access_token))
        except api.Refused as refused:
            raise ServiceError(
                f"the organization {organization} does not know {fresh.get('name') or 'this identity'}: {refused.message}",
                f"add it as a user with a Basic licence: {organization.url}/_settings/users",
            ) from None
        shown = printable(seen.name).strip()
        if not fresh.get("name") and ":" not in shown:  # a colon would end the user name that git sends
            fresh.set("name", shown)
        if tenant:
            tenants[organization] = tenant
    if not own and len(set(tenants.values())) == 1:
        fresh.set("tenant", next(iter(tenants.values())))
    return tenants


def _person(web: HttpClient, grant: Grant) -> str:
    """Ask for the name of whoever signed in to ``az``; Azure DevOps tells it of people only."""
    try:
        name = printable(api.profile(web, api.bearer(grant.access_token)).name).strip()
    except AzdoError:
        return ""
    return "" if ":" in name else name


def _reached(web: HttpClient, grant: Grant, chosen: Sequence[AnyOrganization]) -> list[Organization]:
    """List the other organizations of a person who is signed in to ``az``."""
    try:
        authorization = api.bearer(grant.access_token)
        listed = api.organizations(web, authorization, api.profile(web, authorization).id)
    except AzdoError:
        return []
    return [name for name in listed if name not in chosen]
