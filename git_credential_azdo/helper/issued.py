"""Issued tokens that come back: git calls ``store`` for one that worked, ``erase`` for one that was rejected.

Recognizes them by their fingerprints, without opening the vault. ``reasons`` knows what follows from a rejection.
"""

from __future__ import annotations

from git_credential_azdo.accounts.account import STATE_PREFIX, digest
from git_credential_azdo.accounts.choice import organization_and_user

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from git_credential_azdo.accounts.account import Account
    from git_credential_azdo.accounts.accounts_file import AccountsFile
    from git_credential_azdo.git.protocol import Message
    from git_credential_azdo.git.target import Target

    Change = Callable[[AccountsFile], object]


class ReturnedToken:
    """An issued token that came back. ``received`` in seconds since the epoch, None for an older one than is listed."""

    __slots__ = ("account", "digest", "received", "tenant")

    def __init__(self, account: Account, tenant: str, token_digest: str, received: int | None) -> None:
        self.account = account
        self.tenant = tenant
        self.digest = token_digest
        self.received = received


def recognize(message: Message, accounts_file: AccountsFile) -> ReturnedToken | None:
    """Return the issued token that the message holds; None when its secret is another one.

    git passes our ``state[]`` back even when it used another helper's secret, so a state counts only when its
    fingerprint is that of the secret.
    """
    secret = message.get("password") or message.get("credential")
    if not secret or not accounts_file.salt:
        return None
    ours = digest(accounts_file.salt, secret)
    for account in accounts_file.accounts:
        token = account.issued_token(ours)
        if token:
            return ReturnedToken(account, token.tenant, ours, token.received)
    for state in message.all("state[]"):
        if state.startswith(STATE_PREFIX):
            identifier, _, rest = state.removeprefix(STATE_PREFIX).partition(":")
            tenant, _, fingerprint = rest.partition(":")
            account_then = accounts_file.account(identifier)
            if account_then and fingerprint == ours:
                return ReturnedToken(account_then, tenant, ours, None)
    return None


def approve(returned: ReturnedToken, target: Target, accounts_file: AccountsFile) -> Change | None:
    """Return the change for a token that worked: no rejection any more, the tenant learned. None when nothing changes."""
    organization, _ = organization_and_user(target, accounts_file)
    rejected = returned.account.rejected_at(organization) is not None
    new_tenant = (
        bool(returned.tenant and organization) and accounts_file.tenant_of(organization) != returned.tenant
    )
    if not rejected and not new_tenant:
        return None

    def change(fresh: AccountsFile) -> None:
        account = fresh.account(returned.account.id)
        if account:
            account.set_rejected(organization, None)
        if new_tenant and organization:
            fresh.learn(organization, returned.tenant)

    return change
