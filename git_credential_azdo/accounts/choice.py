"""Which account: from the remote, the user in the request, the tenant and the accounts file, to one account and why.

Pure, and the only place where this is decided. A user in the request is never overridden; then come bindings, what
was set up for the organization, its tenant, and the default. It never guesses between accounts that fit equally.
"""

from __future__ import annotations

from git_credential_azdo.git.target import (
    MSA_TENANT,
    MSA_TRANSFER_TENANT,
    Collection,
    looks_like_token,
    may_repeat,
    named_organization,
    unquote,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from git_credential_azdo.accounts.account import Account
    from git_credential_azdo.accounts.accounts_file import AccountsFile, StoredCredential
    from git_credential_azdo.git.target import AnyOrganization, Target

    Request = tuple[AnyOrganization | None, str | None]

CHOSEN = "account"
STORED_CREDENTIAL = "typed"
AMBIGUOUS = "ambiguous"
UNKNOWN_USER = "unknown user"
NOT_COVERED = "not covered"
NONE = "none"

PERSONAL_TENANTS = frozenset((MSA_TENANT, MSA_TRANSFER_TENANT))


class Choice:
    """What was chosen, and why.

    ``outcome``       CHOSEN, STORED_CREDENTIAL, AMBIGUOUS, UNKNOWN_USER, NOT_COVERED (the named account cannot serve
                      the organization) or NONE
    ``account``       the account, when CHOSEN
    ``stored``        the stored credential, when STORED_CREDENTIAL
    ``reason``        why, as a text to show
    ``candidates``    the accounts that were left when it could not be decided, else those that could serve
    ``organization``  the organization of the request, or None
    ``deliberate``    whether the account is bound to the organization or repository, or lists the organization
    ``user``          the user in the request, unless it is the organization's name, or None
    """

    __slots__ = ("account", "candidates", "deliberate", "organization", "outcome", "reason", "stored", "user")

    def __init__(
        self,
        outcome: str,
        reason: str,
        request: Request,
        candidates: list[Account],
        *,
        account: Account | None = None,
        stored: StoredCredential | None = None,
        deliberate: bool = False,
    ) -> None:
        self.outcome = outcome
        self.reason = reason
        self.organization, self.user = request
        self.candidates = candidates
        self.account = account
        self.stored = stored
        self.deliberate = deliberate


def choose(target: Target, tenant: str | None, accounts_file: AccountsFile) -> Choice:
    """Return the choice among the accounts of the target's address: Azure DevOps Services, a sovereign cloud, or a server.

    ``tenant``: the organization's tenant by the server's challenge; without it the learned one counts.
    For a server the collection is the organization.
    """
    accounts = _accounts_at(target, accounts_file)
    request = organization, user = organization_and_user(target, accounts_file)
    named = [account for account in accounts if account.is_named(user)] if user else accounts
    candidates = [account for account in named if account.can_serve(organization)]
    account, reason, bound = _decide(target, request, tenant, candidates, accounts_file)
    if account:
        deliberate = bound or (organization is not None and account.lists(organization))
        return Choice(CHOSEN, reason, request, candidates, account=account, deliberate=deliberate)
    if candidates:
        return Choice(AMBIGUOUS, "several accounts fit", request, candidates)
    matching = matching_stored(target, organization, user, accounts_file.stored_credentials)
    if len({each.organization for each in matching}) > 1:
        return Choice(NONE, "stored credentials of several organizations fit", request, [])
    if matching:
        return Choice(STORED_CREDENTIAL, "a stored credential", request, [], stored=matching[0])
    if user and not named:
        shown = user if may_repeat(user) else "what looks like a token"
        return Choice(UNKNOWN_USER, f"no account here is named {shown}", request, accounts)
    if named:
        return Choice(NOT_COVERED, f"no account here covers {organization}", request, named)
    return Choice(NONE, "there is no account", request, [])


def organization_and_user(target: Target, accounts_file: AccountsFile) -> Request:
    """Return organization and user: Azure DevOps' own clone URLs have the organization as the user."""
    organization, user = target.organization, target.user or None
    if not target.services:
        return _collection(target, accounts_file), user
    if user is None or looks_like_token(user):
        return organization, user
    meant = named_organization(target.host, user, accounts_file.services_hosts)
    if meant is not None and meant == organization:
        return organization, None
    if not target.path and organization is None and meant is not None:
        known = any(account.is_named(user) for account in accounts_file.accounts)
        if not known and not any(_is_user_of(user, entry) for entry in accounts_file.stored_credentials):
            return meant, None
    return organization, user


def _accounts_at(target: Target, accounts_file: AccountsFile) -> list[Account]:
    address = target.address
    return [account for account in accounts_file.accounts if account.address == address]


def _collection(target: Target, accounts_file: AccountsFile) -> Collection | None:
    """Return the collection of a server that the path lies in: one that an account lists, else the path itself.

    Without a path (git leaves it out unless useHttpPath is set) it is the only one that is listed, or unknown.
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


def _is_user_of(user: str, entry: StoredCredential) -> bool:
    """Return whether it is the user of a stored credential, and not its organization's name."""
    return _same_name(user, entry.user) and user.lower() != entry.organization


def _may_be_in_vault(user: str, entry: StoredCredential) -> bool:
    return entry.user_in_vault and looks_like_token(user)


def _same_name(name: str, other: str | None) -> bool:
    return other is not None and name.lower() == other.lower()


def _decide(
    target: Target,
    request: Request,
    tenant: str | None,
    candidates: list[Account],
    accounts_file: AccountsFile,
) -> tuple[Account | None, str, bool]:
    organization, user = request
    if user and len(candidates) == 1:
        return candidates[0], f"the request names {user}", False
    for bound_to, what in (
        (target.repository, "this repository"),
        (organization, f"the organization {organization}"),
    ):
        bound = accounts_file.binding(bound_to) if bound_to else None
        account = next((account for account in candidates if bound and account.id == bound), None)
        if account:
            return account, f"bound to {what}", True
    if organization:
        account, how = _default_or_only([account for account in candidates if account.lists(organization)])
        if account:
            return account, f"{how} set up for {organization}", False
    tenant = tenant or accounts_file.tenant_of(organization)
    if tenant:
        account, how = _default_or_only(
            [account for account in candidates if not account.is_pat and _belongs(account, tenant)]
        )
        if account:
            return account, f"{how} of the organization's tenant {tenant}", False
    return *_default_or_only(candidates), False


def _belongs(account: Account, tenant: str) -> bool:
    return account.tenant == tenant or (tenant in PERSONAL_TENANTS and account.tenant in PERSONAL_TENANTS)


def _default_or_only(accounts: list[Account]) -> tuple[Account | None, str]:
    if len(accounts) == 1:
        return accounts[0], "the only account"
    defaults = [account for account in accounts if account.default]
    return (defaults[0], "the default account") if len(defaults) == 1 else (None, "")


def matching_stored(
    target: Target, organization: str | None, user: str | None, credentials: list[StoredCredential]
) -> list[StoredCredential]:
    """Return the stored credentials that the request matches, the newest first.

    git's own rule (credential.c, credential_match): what the request names must be equal, what it does not name
    may be anything. For Azure DevOps Services the organization stands for the path.
    """
    if target.services:
        return [
            entry
            for entry in credentials
            if entry.address == target.address
            and organization in {None, entry.organization}
            and (user is None or _same_name(user, entry.user) or _may_be_in_vault(user, entry))
        ]
    return [
        entry
        for entry in credentials
        if entry.address == target.address
        and target.path in {None, entry.path}
        and (target.user in {None, entry.user} or _may_be_in_vault(target.user or "", entry))
    ]
