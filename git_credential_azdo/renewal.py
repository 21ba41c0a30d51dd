"""One refresh: the refresh token from the vault, one request, and everything of the answer kept.

The new refresh token is written before anything else, since the old one may die with it. A vault or a registry that
cannot be written costs a line on stderr, never the token in hand. Callers hold the account's lock.
"""

from __future__ import annotations

import contextlib
import os
import time
from typing import TYPE_CHECKING

from git_credential_azdo import devops
from git_credential_azdo.accounts.account import WORKLOAD_KINDS, Account, TokenMark
from git_credential_azdo.accounts.digest import digest
from git_credential_azdo.accounts.registry import LEARNED, Registry
from git_credential_azdo.accounts.update import update
from git_credential_azdo.errors import AzdoError, NetworkError, SignInError, say
from git_credential_azdo.git.network import settings_for
from git_credential_azdo.signin import entra, exchange, workload
from git_credential_azdo.signin.oauth import Grant, TokenRefused
from git_credential_azdo.tokens import (
    Token,
    access_key,
    open_vault,
    read_secret,
    setup_hint,
    write_secret,
)
from git_credential_azdo.vault.secret import remove
from git_credential_azdo.web import Web

if TYPE_CHECKING:
    from git_credential_azdo.git.wire import Pair
    from git_credential_azdo.tokens import Vault


def renew(account: Account, tenant: str, salt: bytes, seconds: float) -> Token:
    """Get the next access token of the account for the tenant, within ``seconds``.

    Raises SignInError when a person must sign in again, NetworkError, ServiceError, VaultError, VaultLocked.
    """
    if account.kind in WORKLOAD_KINDS:
        return keep(account, tenant, _ask_as_workload(account, tenant, seconds), salt)
    kept = read_secret(account.vault, f"{account.id}/refresh")
    refresh_token = kept.get("token") if kept else None
    if not refresh_token:
        raise SignInError(f"the sign-in of {account.label} is no longer in the vault", setup_hint(account))
    block = account.block
    try:
        with Web(seconds, settings_for) as web:
            grant = exchange.refresh(
                web,
                entra.for_tenant(block.get("token_endpoint"), tenant)
                if tenant
                else block.get("token_endpoint"),
                client_id=block.get("client_id"),
                refresh_token=refresh_token,
                scope=block.get("scope"),
            )
    except TokenRefused as refused:
        raise _explained(refused, account, tenant) from None
    return keep(account, tenant, grant, salt, old_refresh_token=refresh_token)


def _ask_as_workload(account: Account, tenant: str, seconds: float) -> Grant:
    def client_secret() -> str | None:
        kept = read_secret(account.vault, f"{account.id}/client-secret")
        return kept.get("secret") if kept else None

    with Web(seconds, settings_for) as web:
        return workload.request_token(account.block, tenant, web, client_secret, os.environ)


def keep(
    account: Account, tenant: str, grant: Grant, salt: bytes, *, old_refresh_token: str | None = None
) -> Token:
    """Keep what a grant brought, in the vault and as a mark in the registry; return its access token."""
    now = int(time.time())
    token = Token(grant.access_token, now + grant.expires_in, tenant, digest(salt, grant.access_token))
    try:
        vault = open_vault(account.vault)
        if grant.refresh_token and grant.refresh_token != old_refresh_token:
            _write(vault, f"{account.id}/refresh", grant.refresh_token, [("received_utc", str(now))])
        details = [
            ("received_utc", str(now)),
            ("expires_utc", str(token.expires_utc)),
            ("digest", token.digest),
        ]
        _write(vault, access_key(account, tenant), grant.access_token, details)
        mark = TokenMark(tenant, token.digest, now)
        if not update(lambda registry: _marked(registry, account.id, mark)):
            forget_secrets(account, vault)  # logged out while we asked
    except AzdoError as error:
        say("error", f"the new token of {account.label} could not be kept: {error.message}")
    return token


def find_tenant(organization: str, seconds: float) -> str | None:
    """Return the organization's tenant, if it tells. Raises NetworkError, ServiceError."""
    with Web(seconds, settings_for) as web:
        return devops.tenant_of(web, organization)


def takes_token(organization: str, personal_token: str, seconds: float) -> bool:
    """Say whether the organization takes the PAT for reading code. Raises NetworkError, ServiceError."""
    with Web(seconds, settings_for) as web:
        try:
            devops.check_code_scope(web, organization, devops.basic(personal_token))
        except devops.Refused:
            return False
    return True


def forget_secrets(account: Account, vault: Vault) -> None:
    """Delete every secret of the account, the refresh token first. Raises VaultError."""
    tenants = {mark.tenant for mark in account.marks} | {account.tenant}
    keys = ["refresh", "pat", "typed", "client-secret"]
    for key in [*(f"{account.id}/{what}" for what in keys), *(access_key(account, each) for each in tenants)]:
        remove(vault.read, vault.delete, key)


def _write(vault: Vault, key: str, secret: str, details: list[Pair]) -> None:
    write_secret(vault, key, [("token", secret), *details])


def _marked(registry: Registry, identifier: str, mark: TokenMark) -> bool:
    account = registry.account(identifier)
    if account is None:
        return False
    account.set_marks([mark, *account.marks])
    return True


def _explained(refused: TokenRefused, account: Account, tenant: str) -> AzdoError:
    if entra.refusal_is_transient(refused):
        return NetworkError(f"the sign-in service is busy and gave no token for {account.label}", "try again")
    if tenant and tenant != account.tenant:
        with contextlib.suppress(AzdoError):  # the refusal is what the person must hear of
            update(lambda registry: _forget_tenant(registry, tenant))
    return entra.sign_in_error(refused, who=account.name, tenant=tenant or account.tenant)


def _forget_tenant(registry: Registry, tenant: str) -> None:
    registry.blocks = [
        block for block in registry.blocks if block.get("kind") != LEARNED or block.get("tenant") != tenant
    ]
