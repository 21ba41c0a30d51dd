"""The live token that the vault holds for an account and tenant, or None. ``refresh`` gets the next one.

Part of the hot path. It must never prompt the user, open a network socket, or delete a refresh token or a PAT, whatever
a server says.
"""

from __future__ import annotations

import time

from git_credential_azdo.accounts.account import Account, number
from git_credential_azdo.accounts.choice import PERSONAL_TENANTS
from git_credential_azdo.errors import ProtocolError, SignInError
from git_credential_azdo.vault import vaults

TYPE_CHECKING = False
if TYPE_CHECKING:
    from git_credential_azdo.accounts.accounts_file import AccountsFile
    from git_credential_azdo.git.target import AnyOrganization

MIN_REMAINING_SECONDS = 300
"""A token that expires sooner is not given to git: a clone takes a while."""
NEW_SECONDS = 300
"""A token rejected within this time of its receipt was not rejected for its age: the next one would be rejected, too."""
REJECTED_SECONDS = 60
"""How long an organization that rejected a new token is not given another one."""
DAY_SECONDS = 86_400
WARN_DAYS = 14
"""A personal access token that expires sooner is reported once a day."""
GLOBAL_PATS_END = "1 December 2026"
"""https://devblogs.microsoft.com/devops/retirement-of-global-personal-access-tokens-in-azure-devops/"""


def ending(account: Account, now: int) -> str:
    """Return in words that a PAT ends soon, as what follows its name; empty for other accounts. ``now``: as ``live``'s times."""
    if account.expires_utc is not None and account.expires_utc - now < WARN_DAYS * DAY_SECONDS:
        days = (account.expires_utc - now) // DAY_SECONDS
        return f"expires in {days} day{'s' * (days != 1)}"
    return f"is for all organizations, and stops working on {GLOBAL_PATS_END}" if account.lists_all else ""


class Token:
    """A secret for git; ``expires_utc`` in seconds since the epoch, None when it is not known."""

    __slots__ = ("digest", "expires_utc", "secret", "tenant")

    def __init__(
        self, secret: str, expires_utc: int | None = None, tenant: str = "", digest: str = ""
    ) -> None:
        self.secret = secret
        self.expires_utc = expires_utc
        self.tenant = tenant
        self.digest = digest

    def __repr__(self) -> str:
        return f"Token(expires_utc={self.expires_utc}, tenant={self.tenant!r})"


def known_tenant(
    account: Account, organization: AnyOrganization | None, named: str | None, accounts_file: AccountsFile
) -> str | None:
    """Return the tenant whose token the organization accepts, empty for an account without one; None if not known yet.

    ``named``: the tenant that the organization itself named in this request.
    """
    if not account.tenant:
        return ""
    known = named or accounts_file.tenant_of(organization)
    return account.tenant if known in PERSONAL_TENANTS or organization is None else known


def personal_access_token(account: Account) -> Token:
    """Return the PAT of the account. Raise VaultError, SignInError when it is gone or damaged."""
    entry, state = None, "no longer"
    try:
        entry = vaults.read(account.vault, account.key("pat"))
    except ProtocolError:
        state = "damaged"
    secret = entry.get("token") if entry else None
    if not secret:
        from git_credential_azdo.signin.sign_in_errors import setup_again  # noqa: PLC0415 - for an error only

        raise SignInError(f"the token of {account.label} is {state} in the vault", setup_again(account))
    issued = account.issued_tokens
    return Token(secret, account.expires_utc, digest=issued[0].digest if issued else "")


def live(account: Account, tenant: str, since: float | None = None) -> Token | None:
    """Return the access token in the vault if git may have it, else None. Raise VaultError, VaultLocked.

    git may have a token that was not dropped, and that is valid for another MIN_REMAINING_SECONDS or was received after
    ``since`` (seconds since the epoch).
    """
    try:
        entry = vaults.read(account.vault, account.access_key(tenant))
    except ProtocolError:  # a damaged entry: the next token replaces it
        return None
    secret = entry.get("token") if entry else None
    if not entry or not secret:
        return None
    digest = entry.get("digest") or ""
    if any(each.dropped and each.digest == digest for each in account.issued_tokens):
        return None
    now = time.time()
    received, expires = number(entry.get("received_utc") or ""), number(entry.get("expires_utc") or "")
    if received is None or expires is None:
        return None
    if received > now + 1:  # the clock was set back, so the expiry is meaningless
        return None
    just_made = since is not None and received >= since and expires > now
    if expires - now < MIN_REMAINING_SECONDS and not just_made:
        return None
    return Token(secret, expires, tenant, digest)
