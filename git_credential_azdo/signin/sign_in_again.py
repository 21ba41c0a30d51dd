"""The command that signs an account in again, in the same way. Loaded for errors and hints only; pure."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from git_credential_azdo import hints
from git_credential_azdo.accounts.workload import setup_command
from git_credential_azdo.git.target import Collection
from git_credential_azdo.signin import entra
from git_credential_azdo.signin.endpoints import origin
from git_credential_azdo.signin.oauth import OPENID_SCOPE
from git_credential_azdo.signin.sign_in_errors import nameable

if TYPE_CHECKING:
    from collections.abc import Callable

    from git_credential_azdo.accounts.account import Account


def command(account: Account) -> str:
    """Return the command, to be copied into a shell."""
    if account.is_workload:
        return setup_command(account.block)
    if account.is_pat:
        named = account.organizations
        return hints.setup_pat(*named) if named else hints.setup()
    return setup(account)(login_hint=account.name)


def setup(account: Account) -> Callable[..., str]:
    """Return the function that returns the command that signs a person in as this account's was, for a tenant and a name."""
    own = _options(account)
    tenant = nameable(account.tenant) if "--client-id" in own else ""

    def command(*, tenant: str = tenant, login_hint: str = "") -> str:
        return hints.setup(tenant=tenant, login_hint=login_hint, more=own)

    return command


def elsewhere(account: Account, kept_origin: str | None) -> str:
    """Return what to run when the accounts file names another server than the vault: never a sign-in at that one."""
    if entra.is_entra(kept_origin or "") or (kept_origin is None and account.tenant):
        return hints.setup(login_hint=account.name)
    if kept_origin in {None, origin(account.block.get("authority"))}:
        return command(account)
    return hints.logout(account.name)


def _options(account: Account) -> list[str]:
    """Return what ``setup`` must be given again: cloud, authority, own app registration."""
    block = account.block
    collections = (name for name in account.organizations if isinstance(name, Collection))
    own = {
        "--org": next(collections, ""),
        "--authority": block.get("authority"),
        "--client-id": block.get("client_id"),
        "--redirect-uri": block.get("redirect_uri"),
        "--scope": block.get("scope"),
    }
    usual = {entra.DEFAULT_CLIENT_ID, entra.DEFAULT_REDIRECT, entra.DEFAULT_SCOPE, OPENID_SCOPE, ""}
    return [
        word
        for option, value in own.items()
        if value not in usual and urlsplit(value).netloc != entra.PUBLIC_HOST
        for word in (option, value)
    ]
