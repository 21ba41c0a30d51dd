"""What git tells us of a token that we gave: it worked (``store``), or it was refused (``erase``).

Recognizes our own tokens by their digests, without opening the vault, and turns the news into changes of the
accounts file. It never deletes a secret: git says ``erase`` after any 401, and a server may be wrong for a moment.
"""

from __future__ import annotations

import time

from git_credential_azdo.accounts.account import STATE_PREFIX
from git_credential_azdo.accounts.choice import organization_and_user
from git_credential_azdo.accounts.fingerprint import digest
from git_credential_azdo.errors import report

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from git_credential_azdo.accounts.account import Account
    from git_credential_azdo.accounts.accounts_file import AccountsFile
    from git_credential_azdo.git.protocol import Message
    from git_credential_azdo.git.target import Target

    Change = Callable[[AccountsFile], object]

REFRESH_GRACE_SECONDS = 300
"""A token refused younger than this was not refused for its age: a new one would fare no better."""


class Given:
    """A token of ours that came back: whose, of which tenant, by which digest, received when (None: long ago)."""

    __slots__ = ("account", "digest", "received", "tenant")

    def __init__(self, account: Account, tenant: str, token_digest: str, received: int | None) -> None:
        self.account = account
        self.tenant = tenant
        self.digest = token_digest
        self.received = received


def recognize(message: Message, accounts_file: AccountsFile) -> Given | None:
    """Say whose token came back; None when we did not give it.

    The secret itself decides. git hands our ``state[]`` back even when another helper's secret was used, so a state
    counts only when its digest is that of the secret.
    """
    secret = message.get("password") or message.get("credential")
    if not secret or not accounts_file.salt:
        return None
    ours = digest(accounts_file.salt, secret)
    for account in accounts_file.accounts:
        mark = account.issued_token(ours)
        if mark:
            return Given(account, mark.tenant, ours, mark.received)
    for state in message.all("state[]"):
        if state.startswith(STATE_PREFIX):
            identifier, _, rest = state.removeprefix(STATE_PREFIX).partition(":")
            tenant, _, told = rest.partition(":")
            account_then = accounts_file.account(identifier)
            if account_then and told == ours:
                return Given(account_then, tenant, ours, None)
    return None


def confirm(given: Given, target: Target, accounts_file: AccountsFile) -> Change | None:
    """Return the change when the token worked: its rejection ends, the tenant is learned. None when nothing changes."""
    organization, _ = organization_and_user(target, accounts_file)
    rejected = given.account.rejected_at(organization) is not None
    new_tenant = bool(given.tenant and organization) and accounts_file.tenant_of(organization) != given.tenant
    if not rejected and not new_tenant:
        return None

    def change(fresh: AccountsFile) -> None:
        account = fresh.account(given.account.id)
        if account:
            account.set_rejected(organization, None)
        if new_tenant and organization:
            fresh.learn(organization, given.tenant)

    return change


def refuse(given: Given, target: Target, accounts_file: AccountsFile) -> Change:
    """Return the change when it was refused: an old token is dropped, a fresh one or a PAT marks the organization."""
    organization, _ = organization_and_user(target, accounts_file)
    now = int(time.time())
    is_fresh = given.received is not None and 0 <= now - given.received < REFRESH_GRACE_SECONDS

    def change(fresh: AccountsFile) -> None:
        if organization:
            fresh.unlearn(organization)
        account = fresh.account(given.account.id)
        if account is None:
            return
        if account.is_pat or is_fresh:
            account.set_rejected(organization, now)
            return
        marks = account.issued_tokens
        for mark in marks:
            mark.dropped = mark.dropped or mark.digest == given.digest
        account.set_issued_tokens(marks)

    return change


def explain_refusal(given: Given, target: Target, tenant: str | None, accounts_file: AccountsFile) -> None:
    """Say why a token was refused where the organization's ``tenant``, as it told git, is the reason."""
    organization, _ = organization_and_user(target, accounts_file)
    if organization is None or given.account.is_pat or not tenant or tenant == given.tenant:
        return
    from git_credential_azdo.helper import answer  # noqa: PLC0415 - for an error only

    if answer.other_tenant(given.account, tenant):
        report(answer.unconfirmed(given.account, organization, tenant, accounts_file))
