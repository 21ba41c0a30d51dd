"""A token of ours that git says was rejected: why, what is said of it, and what the accounts file notes.

Loaded only for a rejection, which may take time: it reads git's configuration and may ask an organization for its
tenant. It must never delete a sign-in or a PAT: git calls ``erase`` after any 401, and a server may be wrong for a moment.
"""

from __future__ import annotations

import contextlib
import time

from git_credential_azdo import hints, refresh, tokens
from git_credential_azdo.accounts.account import IssuedToken, number
from git_credential_azdo.accounts.choice import PERSONAL_TENANTS, choose, organization_and_user
from git_credential_azdo.accounts.fingerprint import digest
from git_credential_azdo.accounts.naming import unique_name
from git_credential_azdo.errors import AzdoError, NetworkError, ServiceError, UsageError, report
from git_credential_azdo.git import config, urlmatch
from git_credential_azdo.git.target import SERVICES_ADDRESS, tenant_in
from git_credential_azdo.helper.issued import ReturnedToken
from git_credential_azdo.vault import vaults

TYPE_CHECKING = False
if TYPE_CHECKING:
    from git_credential_azdo.accounts.account import Account
    from git_credential_azdo.accounts.accounts_file import AccountsFile
    from git_credential_azdo.git.protocol import Message
    from git_credential_azdo.git.target import AnyOrganization, Target
    from git_credential_azdo.helper.issued import Change

REFRESH_GRACE_SECONDS = 300
"""A token rejected within this time of its receipt was not rejected for its age: a new one would be, too."""


def unmarked(message: Message, target: Target, accounts_file: AccountsFile) -> ReturnedToken | None:
    """Return the access token of the message if the vault holds it, though the accounts file does not know it.

    The run that wrote it was killed before the mark, or could not write that file.
    """
    tenant = tenant_in(message.all("wwwauth[]"))
    account = choose(target, tenant, accounts_file).account
    secret = message.get("password") or message.get("credential")
    if account is None or account.is_pat or not secret:
        return None
    organization, _ = organization_and_user(target, accounts_file)
    tenant = tokens.known_tenant(account, organization, tenant, accounts_file) or account.tenant
    try:
        entry = vaults.read(account.vault, account.access_key(tenant))
    except AzdoError:
        return None
    if entry is None or entry.get("token") != secret:
        return None
    return ReturnedToken(
        account, tenant, digest(accounts_file.salt, secret), number(entry.get("received_utc") or "")
    )


def is_explained_by_header(message: Message) -> bool:
    """Report that git sends a header of its own, if it does: git then used no token of a helper, whatever it says."""
    parts = urlmatch.Partial(*map(message.get, ("protocol", "username", "host", "path")))
    try:
        entry = config.authorization_header(config.read_config(), parts)
    except UsageError:
        return False
    if entry is None:
        return False
    name = (entry.value or "").partition(":")[0]
    error = ServiceError(
        f"{parts.host} rejected the Authorization header that git sends by {entry.description}",
        config.removal(entry, f"^{config.escaped(name)}:"),
    )
    report(error)
    return True


def change(returned: ReturnedToken, message: Message, target: Target, accounts_file: AccountsFile) -> Change:
    """Report why a new token was rejected; return the change that goes with a rejection.

    An old token is dropped. A new one, or a PAT, is noted for the organization, but for a token of the tenant that the
    organization belonged to before.
    """
    organization, _ = organization_and_user(target, accounts_file)
    account, now = returned.account, int(time.time())
    is_new = returned.received is not None and 0 <= now - returned.received < REFRESH_GRACE_SECONDS
    is_noted = account.is_pat or (is_new and _explain(returned, message, target, accounts_file))

    def apply(fresh: AccountsFile) -> None:
        if organization:
            fresh.unlearn(organization)
        current = fresh.account(account.id)
        if current is None:
            return
        if is_noted:
            current.set_rejected(organization, now)
        elif not is_new:
            known = current.issued_tokens
            if not any(token.digest == returned.digest for token in known):  # it was never marked
                known.insert(0, IssuedToken(returned.tenant, returned.digest, returned.received or now))
            for token in known:
                token.dropped = token.dropped or token.digest == returned.digest
            current.set_issued_tokens(known)

    return apply


def drop(returned: ReturnedToken) -> None:
    """Delete a rejected access token from the vault, since the accounts file cannot say that it was rejected."""
    account = returned.account
    key = account.access_key(returned.tenant)
    with contextlib.suppress(AzdoError):  # what failed first was reported
        entry = None if account.is_pat else vaults.read(account.vault, key)
        if entry and entry.get("digest") == returned.digest:
            vaults.remove(account.vault, key)


def _explain(returned: ReturnedToken, message: Message, target: Target, accounts_file: AccountsFile) -> bool:
    """Report why a new access token was rejected; return whether the next one would be, too."""
    account = returned.account
    organization, _ = organization_and_user(target, accounts_file)
    tenant = tenant_in(message.all("wwwauth[]"))
    if tenant is None and organization and target.services and account.tenant:
        tenant = tenant_of(organization)
    if organization is None or is_same(tenant, returned.tenant) or not account.tenant:
        report(rejection(account, organization, returned.tenant))
        return True
    bound = {accounts_file.binding(each) for each in (target.repository, organization) if each}
    is_chosen = account.lists(organization) or account.id in bound
    if is_chosen or accounts_file.tenant_of(organization) == returned.tenant:
        text = (
            f"the organization {organization} belongs to tenant {tenant} now and rejected a token of tenant"
        )
        report(ServiceError(f"{text} {returned.tenant}", "run the git command again"))
        return False
    report(unconfirmed(account, organization, tenant or "", accounts_file))
    return True


def tenant_of(organization: AnyOrganization) -> str | None:
    """Return the tenant that the organization names now: one request. None when it cannot be asked."""
    try:
        return refresh.find_tenant(organization)
    except (NetworkError, ServiceError):
        return None


def is_same(tenant: str | None, other: str) -> bool:
    """Return whether a token of ``other`` is one of ``tenant``; an unknown tenant is no other one."""
    return not tenant or not other or tenant == other or {tenant, other} <= PERSONAL_TENANTS


def rejection(account: Account, organization: AnyOrganization | None, tenant: str) -> ServiceError:
    """Return the error for an organization that rejects new tokens of the account."""
    where = f"the organization {organization}" if organization else "Azure DevOps"
    url = organization.url if organization else SERVICES_ADDRESS
    return ServiceError(
        f"{where} rejected a new token of {account.label} (tenant {tenant or account.tenant or 'unknown'})",
        f"{hints.explain(url, online=True)}, or {hints.setup_pat(organization or hints.ORGANIZATION)}",
    )


def unconfirmed(
    account: Account, organization: AnyOrganization, tenant: str, accounts_file: AccountsFile
) -> ServiceError:
    """Return the error for an organization of another tenant, which rejects tokens of the account's own tenant."""
    return ServiceError(
        f"the organization {organization} belongs to tenant {tenant}, and {account.label} was not set up for it",
        f"if {account.label} is a member or guest there: {hints.use(unique_name(account, accounts_file.accounts), organization)}",
    )
