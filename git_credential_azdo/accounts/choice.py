"""Choosing an account: which one answers a request, given the target, the tenant and the accounts file, and why.

Pure, and the only place where this is decided. A user in the request is never overridden; then come bindings, accounts
set up for the organization, its tenant, and the default. The first rule that finds any account decides: several are
narrowed down within it, and never by a weaker rule. Must never guess between accounts that fit equally.

Also the names of accounts: those with the same sign-in name are distinguished by what follows a slash, as in
``ann@contoso.com/pat`` or ``ann@contoso.com/fabrikam``.
"""

from __future__ import annotations

from git_credential_azdo.errors import looks_like_token, may_repeat
from git_credential_azdo.git.target import (
    MSA_TENANT,
    MSA_TRANSFER_TENANT,
    AnyOrganization,
    Collection,
    Target,
    named_organization,
    unquote,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from git_credential_azdo.accounts.account import Account
    from git_credential_azdo.accounts.accounts_file import AccountsFile, StoredCredential

    Request = tuple[AnyOrganization | None, str | None]

CHOSEN = "account"
STORED_CREDENTIAL = "stored credential"
AMBIGUOUS = "ambiguous"
UNKNOWN_USER = "unknown user"
NOT_COVERED = "not covered"
NONE = "none"
NO_ACCOUNT = "there is no account"

PERSONAL_TENANTS = frozenset((MSA_TENANT, MSA_TRANSFER_TENANT))


class Choice:
    """What was chosen, and why.

    ``outcome``       CHOSEN, STORED_CREDENTIAL, AMBIGUOUS, UNKNOWN_USER, NOT_COVERED (the named account cannot serve
                      the organization) or NONE
    ``account``       the account, when CHOSEN
    ``stored``        the stored credential, when STORED_CREDENTIAL
    ``reason``        why, as text to show
    ``candidates``    the accounts that were left if AMBIGUOUS, else those that could serve
    ``organization``  the organization of the request, or None
    ``bound``         whether the account is bound to the organization or repository
    ``deliberate``    whether the account is bound, or lists the organization
    ``user``          the user in the request, unless it is the organization's name, or None
    """

    __slots__ = ("account", "bound", "candidates", "organization", "outcome", "reason", "stored", "user")

    def __init__(
        self,
        outcome: str,
        reason: str,
        request: Request,
        candidates: list[Account],
        *,
        account: Account | None = None,
        stored: StoredCredential | None = None,
        bound: bool = False,
    ) -> None:
        self.outcome = outcome
        self.reason = reason
        self.organization, self.user = request
        self.candidates = candidates
        self.account = account
        self.stored = stored
        self.bound = bound

    def __str__(self) -> str:
        """Return the choice as text for a trace."""
        return f"{self.outcome}: {f'{self.account.label}: ' if self.account else ''}{self.reason}"

    @property
    def deliberate(self) -> bool:
        """Whether the user chose the account for the organization."""
        listed = self.account and self.organization and self.account.lists(self.organization)
        return self.bound or bool(listed)


def choose(target: Target, tenant: str | None, accounts_file: AccountsFile) -> Choice:
    """Return the choice among the accounts of the target's address.

    ``tenant``: the organization's, from the server's challenge; without it the remembered one counts. For a server the
    collection is the organization.
    """
    accounts = _accounts_at(target, accounts_file)
    request = organization, user = organization_and_user(target, accounts_file)
    named = accounts
    if user:
        exact = [account for account in accounts if account.is_named(user)]
        named = exact or [account for account in accounts if answers_to(account, user)]
    candidates = [account for account in named if account.can_serve(organization)]
    if bound := _bound(target.repository, organization, candidates, accounts_file):
        account, what = bound
        return Choice(CHOSEN, f"bound to {what}", request, candidates, account=account, bound=True)
    left, reason = _narrow(request, tenant, candidates, accounts_file)
    if len(left) == 1:
        return Choice(CHOSEN, reason, request, candidates, account=left[0])
    if left:
        return Choice(AMBIGUOUS, "several accounts match", request, left)
    matching = matching_stored(target, organization, user, accounts_file.stored_credentials)
    if len({each.organization for each in matching}) > 1:
        return Choice(NONE, "stored credentials of several organizations match", request, [])
    if matching:
        return Choice(STORED_CREDENTIAL, "a stored credential", request, [], stored=matching[0])
    if user and not named:
        other = next((each.address for each in accounts_file.accounts if each.is_named(user)), None)
        reason = f"{user} is an account of {other}" if other else f"no account is named {user}"
        if not may_repeat(user):
            reason = "the address contains what looks like a token where git expects a user"
        return Choice(UNKNOWN_USER, reason, request, accounts)
    if named:
        return Choice(NOT_COVERED, f"no account covers the organization {organization}", request, named)
    return Choice(NONE, NO_ACCOUNT, request, [])


def organization_and_user(target: Target, accounts_file: AccountsFile) -> Request:
    """Return organization and user of a request; clone URLs from Azure DevOps have the organization as the user."""
    organization, user = target.organization, target.user or None
    if not target.services:
        return _collection(target, accounts_file), user
    if user is None or looks_like_token(user):
        return organization, user
    meant = named_organization(target.host, user, accounts_file.services_hosts)
    if meant is not None and meant == organization:
        return organization, None
    if not target.path and organization is None and meant is not None:
        name = user.lower()
        others = (each for each in accounts_file.stored_credentials if each.organization != name)
        is_stored = any((each.user or "").lower() == name for each in others)
        if not is_stored and not any(account.is_named(user) for account in accounts_file.accounts):
            return meant, None
    return organization, user


def _accounts_at(target: Target, accounts_file: AccountsFile) -> list[Account]:
    address = target.address
    return [account for account in accounts_file.accounts if account.address == address]


def _collection(target: Target, accounts_file: AccountsFile) -> Collection | None:
    """Return the server's collection that contains the path: one that an account lists, else the path itself.

    Without a path (git omits it unless useHttpPath is set), return the only listed collection, or None.
    """
    address = target.address
    if address not in accounts_file.addresses:
        return None
    listed = [
        name
        for account in _accounts_at(target, accounts_file)
        for name in account.organizations
        if isinstance(name, Collection)
    ]
    if not target.path:
        return listed[0] if len(set(listed)) == 1 else None
    whole = Collection(address, unquote(target.path), (address,))
    return max((name for name in listed if f"{whole}/".startswith(f"{name}/")), key=len, default=whole)


def _bound(
    repository: str | None,
    organization: AnyOrganization | None,
    candidates: list[Account],
    accounts_file: AccountsFile,
) -> tuple[Account, str] | None:
    """Return the account bound to the repository, else to the organization, and which of them it is bound to."""
    for target, what in ((repository, "this repository"), (organization, f"the organization {organization}")):
        identifier = accounts_file.binding(target) if target else None
        for account in candidates if identifier else ():
            if account.id == identifier:
                return account, what
    return None


def _narrow(
    request: Request, tenant: str | None, candidates: list[Account], accounts_file: AccountsFile
) -> tuple[list[Account], str]:
    """Return the accounts that the first matching rule leaves, and the reason if it is a single one."""
    organization, user = request
    if user and len(candidates) == 1:
        return candidates, f"the request names {user}"
    listing = [account for account in candidates if organization and account.lists(organization)]
    left, how = _default_or_only(listing)
    if len(left) == 1:
        return left, f"{how} set up for {organization}"
    tenant = tenant or accounts_file.tenant_of(organization)
    if listing:
        left = [
            account
            for account in listing
            if tenant and (account.is_pat or not account.tenant or same_tenant(account.tenant, tenant))
        ]
        return left or listing, f"the only account set up for {organization} that fits its tenant {tenant}"
    of_tenant = [
        account
        for account in candidates
        if tenant and not account.is_pat and same_tenant(account.tenant, tenant)
    ]
    if of_tenant:
        left, how = _default_or_only(of_tenant)
        return left, f"{how} of the organization's tenant {tenant}"
    return _default_or_only(candidates)


def same_tenant(one: str, other: str) -> bool:
    """Return whether two tenants are equivalent for tokens, as the two of personal Microsoft accounts are."""
    return one == other or {one, other} <= PERSONAL_TENANTS


def _default_or_only(accounts: list[Account]) -> tuple[list[Account], str]:
    """Return the only account, else the default among them, and which of the two it is; else all accounts."""
    defaults = [account for account in accounts if account.default]
    if len(accounts) != 1 and len(defaults) == 1:
        return defaults, "the default account"
    return accounts, "the only account"


def matching_stored(
    target: Target, organization: str | None, user: str | None, credentials: list[StoredCredential]
) -> list[StoredCredential]:
    """Return the stored credentials that match the request, the newest first.

    By git's rule (credential.c, credential_match): each field of the request must be equal; one that it does not have
    matches any value. For Azure DevOps Services the organization replaces the path, and the case of names is ignored.
    """

    def matches(entry: StoredCredential) -> bool:
        if target.services:
            wanted, have = user and user.lower(), entry.user and entry.user.lower()
            is_there = organization in {None, entry.organization}
        else:
            wanted, have = target.user, entry.user
            is_there = target.path in {None, entry.path}
        is_theirs = wanted in {None, have} or (entry.user_in_vault and looks_like_token(wanted or ""))
        return entry.address == target.address and is_there and is_theirs

    return [entry for entry in credentials if matches(entry)]


def unique_names(accounts: Sequence[Account]) -> dict[str, str]:
    """Return, by account id, the first of each account's names that no other account has; the id if there is none."""
    owners: dict[str, set[str]] = {}
    for account in accounts:
        for name in _all_names(account):
            owners.setdefault(name, set()).add(account.id)
    return {
        account.id: next(
            (each for each in _names(account) if each and len(owners[each.lower()]) == 1), account.id
        )
        for account in accounts
    }


def unique_name(account: Account, accounts: Sequence[Account]) -> str:
    """Return the name that ``unique_names`` gives one account."""
    return unique_names([*accounts, account])[account.id]


def shown_name(account: Account, name: str) -> str:
    """Return the unique name to show, with the sign-in name where an alias or an id alone would hide it."""
    whose = account.name or account.alias
    return name if whose in {"", name.partition("/")[0]} else f"{whose} ({name})"


def answers_to(account: Account, name: str) -> bool:
    """Return whether the name is one of the account's names, ignoring case."""
    return name.lower() in _all_names(account)


def _all_names(account: Account) -> set[str]:
    return {account.id, *map(str.lower, _names(account))}


def _names(account: Account) -> list[str]:
    """Return the alias, the sign-in name, and the sign-in name with a kind, an organization or both after a slash."""
    listed = ["all" if account.lists_all else each for each in account.listed]
    more = [account.kind, *listed, *(f"{account.kind}/{each}" for each in listed)]
    return [account.alias, account.name, *(f"{account.name}/{each}" for each in more if account.name)]
