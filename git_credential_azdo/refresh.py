"""One refresh: the refresh token from the vault, one request, and everything of the answer kept.

The new refresh token is written before anything else, since the old one may die with it. A vault or a accounts file that
cannot be written costs a line on stderr, never the token in hand. Callers hold the account's lock.
"""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from git_credential_azdo import deadline, hints
from git_credential_azdo.accounts.account import Account, IssuedToken
from git_credential_azdo.accounts.accounts_file import LEARNED, AccountsFile
from git_credential_azdo.accounts.fingerprint import digest
from git_credential_azdo.accounts.update import update
from git_credential_azdo.devops import api
from git_credential_azdo.errors import AzdoError, SignInError, say
from git_credential_azdo.git.network import settings_for
from git_credential_azdo.git.target import Collection
from git_credential_azdo.signin import entra, exchange, oauth, sign_in_errors
from git_credential_azdo.signin.endpoints import kept_endpoint, origin
from git_credential_azdo.signin.oauth import Grant, OAuthError
from git_credential_azdo.tokens import (
    LEAST_CALL_SECONDS,
    Token,
    access_key,
    open_vault,
    read_secret,
    setup_hint,
    write_secret,
)
from git_credential_azdo.vault.payload import remove
from git_credential_azdo.web import HttpClient

if TYPE_CHECKING:
    from git_credential_azdo.git.protocol import Pair
    from git_credential_azdo.git.target import AnyOrganization
    from git_credential_azdo.tokens import Vault


def renew(account: Account, tenant: str, salt: bytes, seconds: float) -> Token:
    """Get the next access token of a person's sign-in for the tenant, within ``seconds``.

    Raises SignInError when a person must sign in again, NetworkError, ServiceError, VaultError, VaultLocked.
    """
    kept = read_secret(account.vault, f"{account.id}/refresh")
    refresh_token = kept.get("token") if kept else None
    if not refresh_token:
        raise SignInError(f"the sign-in of {account.label} is no longer in the vault", setup_hint(account))
    block = account.block
    kept_origin = kept.get("origin") if kept else None
    endpoint = kept_endpoint(block, kept_origin, _cure(account, kept_origin))
    try:
        with HttpClient(seconds, settings_for) as web:
            form = oauth.refresh_form(
                client_id=block.get("client_id"), refresh_token=refresh_token, scope=block.get("scope")
            )
            asked = endpoint.for_tenant(tenant) if tenant else endpoint
            grant = exchange.request_token(web, asked, form, audience=block.get("client_id"))
    except OAuthError as refused:
        raise _explained(refused, account, tenant) from None
    return keep(account, tenant, grant, salt, old_refresh_token=refresh_token)


def keep(
    account: Account, tenant: str, grant: Grant, salt: bytes, *, old_refresh_token: str | None = None
) -> Token:
    """Keep what a grant brought, in the vault and as a mark in the accounts file; return its access token."""
    deadline.grant(LEAST_CALL_SECONDS)
    now = int(time.time())
    token = Token(grant.access_token, now + grant.expires_in, tenant, digest(salt, grant.access_token))
    try:
        vault = open_vault(account.vault)
        if grant.refresh_token and grant.refresh_token != old_refresh_token:
            bound = ("origin", origin(account.block.get("token_endpoint")))
            _write(vault, f"{account.id}/refresh", grant.refresh_token, [("received_utc", str(now)), bound])
        details = [
            ("received_utc", str(now)),
            ("expires_utc", str(token.expires_utc)),
            ("digest", token.digest),
        ]
        _write(vault, access_key(account, tenant), grant.access_token, details)
        mark = IssuedToken(tenant, token.digest, now)
        if not update(lambda accounts_file: _marked(accounts_file, account.id, mark)):
            forget_secrets(account, vault, tenant)  # logged out while we asked
    except AzdoError as error:
        say("error", f"the new token of {account.label} could not be kept: {error.message}")
    return token


def setup_options(account: Account) -> list[str]:
    """Return what ``setup`` must be told again to sign in the same way: cloud, authority, own registration."""
    block = account.block
    elsewhere = (name for name in account.organizations if isinstance(name, Collection))
    own = {
        "--org": next(elsewhere, ""),
        "--authority": block.get("authority"),
        "--client-id": block.get("client_id"),
        "--redirect-uri": block.get("redirect_uri"),
        "--scope": block.get("scope"),
    }
    usual = {entra.DEFAULT_CLIENT_ID, entra.DEFAULT_REDIRECT, entra.DEFAULT_SCOPE, ""}
    return [
        word
        for option, value in own.items()
        if value not in usual and urlsplit(value).netloc != entra.PUBLIC_HOST
        for word in (option, value)
    ]


def find_tenant(organization: AnyOrganization, seconds: float) -> str | None:
    """Return the organization's tenant, if it tells. Raises NetworkError, ServiceError."""
    with HttpClient(seconds, settings_for, allowed=api.origins_of(organization)) as web:
        return api.tenant_of(web, organization)


def takes_token(organization: AnyOrganization, personal_token: str, seconds: float) -> bool:
    """Say whether the organization takes the PAT for reading code. Raises NetworkError, ServiceError."""
    with HttpClient(seconds, settings_for, allowed=api.origins_of(organization)) as web:
        try:
            api.check_code_scope(web, organization, api.basic(personal_token))
        except api.Refused:
            return False
    return True


def forget_secrets(account: Account, vault: Vault, *tenants_too: str) -> None:
    """Delete every secret of the account, the refresh token first, of these tenants too. Raises VaultError."""
    tenants = {mark.tenant for mark in account.marks} | {account.tenant, *tenants_too}
    keys = ["refresh", "pat", "typed", "client-secret"]
    for key in [*(f"{account.id}/{what}" for what in keys), *(access_key(account, each) for each in tenants)]:
        remove(vault.read, vault.delete, key)


def _write(vault: Vault, key: str, secret: str, details: list[Pair]) -> None:
    write_secret(vault, key, [("token", secret), *details])


def _marked(accounts_file: AccountsFile, identifier: str, mark: IssuedToken) -> bool:
    account = accounts_file.account(identifier)
    if account is None:
        return False
    account.set_marks([mark, *account.marks])
    return True


def _cure(account: Account, kept_origin: str | None) -> str:
    """Return what to run when the accounts file names another server: never a sign-in at that one."""
    if entra.is_login_host(kept_origin or "") or (kept_origin is None and account.tenant):
        return hints.setup(login_hint=account.name)
    if kept_origin in {None, origin(account.block.get("authority"))}:
        return setup_hint(account)
    return hints.logout(account.name)


def _explained(refused: OAuthError, account: Account, tenant: str) -> AzdoError:
    if sign_in_errors.is_transient(refused):
        return sign_in_errors.busy_error(refused, account.label)
    if tenant and tenant != account.tenant:
        with contextlib.suppress(AzdoError):  # the refusal is what the person must hear of
            update(lambda accounts_file: _forget_tenant(accounts_file, tenant))
    return sign_in_errors.sign_in_error(refused, who=account.name, tenant=tenant or account.tenant)


def _forget_tenant(accounts_file: AccountsFile, tenant: str) -> None:
    accounts_file.blocks = [
        block
        for block in accounts_file.blocks
        if block.get("kind") != LEARNED or block.get("tenant") != tenant
    ]
