"""Answer a ``get``: with the account's live token, or an error that names the account and the fix. The hot path.

What a ``get`` with a live token does not need is imported late. It must never prompt the user.
"""

from __future__ import annotations

import os
import time

from git_credential_azdo import tokens
from git_credential_azdo.accounts.account import STATE_PREFIX, Account, number
from git_credential_azdo.accounts.choice import AMBIGUOUS, CHOSEN, choose, same_tenant
from git_credential_azdo.errors import ServiceError, SignInError, say, trace
from git_credential_azdo.git.target import AnyOrganization, Target, tenant_in
from git_credential_azdo.inherited import has_token

TYPE_CHECKING = False
if TYPE_CHECKING:
    from git_credential_azdo.accounts.accounts_file import AccountsFile, Change
    from git_credential_azdo.git.protocol import Message, Pair


def get(
    message: Message, target: Target, accounts_file: AccountsFile
) -> tuple[list[Pair] | None, Change | None]:
    """Return the lines of the answer, None if git is to stop asking; and what to change in the accounts file afterwards."""
    try:
        return _get(message, target, accounts_file)
    except SignInError:
        from git_credential_azdo.accounts.accounts_file import AccountsFile  # noqa: PLC0415 - for an error only

        fresh = AccountsFile.load()
        if {each.id for each in accounts_file.accounts} <= {each.id for each in fresh.accounts}:
            raise
        return _get(message, target, fresh)  # an account was set up again meanwhile, with another id


def _get(
    message: Message, target: Target, accounts_file: AccountsFile
) -> tuple[list[Pair] | None, Change | None]:
    challenges = message.all("wwwauth[]")
    tenant = tenant_in(challenges) if target.services else None
    choice = choose(target, tenant, accounts_file)
    if has_token():
        from git_credential_azdo.accounts import environment  # noqa: PLC0415 - only with such a variable

        for problem in environment.problems(os.environ) if not choice.user else ():
            say("hint", problem)
        variable = environment.variable_for(target, choice, os.environ)
        if variable:
            trace(f"the token in {variable}")
            return _lines(message, tokens.Token(environment.token_in(variable, os.environ))), None
    asked = bool(challenges)
    organization = choice.organization
    is_open = choice.outcome in {CHOSEN, AMBIGUOUS} and not choice.deliberate and len(choice.candidates) > 1
    if (
        target.services
        and is_open
        and not asked
        and organization
        and not accounts_file.tenant_of(organization)
    ):
        from git_credential_azdo import refresh  # noqa: PLC0415 - a git before 2.41, and several accounts

        tenant, asked = refresh.find_tenant(organization), True
        choice = choose(target, tenant, accounts_file)
    trace(f"organization {organization or 'unknown'}, tenant {tenant or 'unknown'}: {choice}")
    if choice.account:
        token, change = token_for(
            choice.account, organization, tenant, accounts_file, asked=asked, confirmed=choice.deliberate
        )
        return _lines(message, token, choice.account), change
    from git_credential_azdo.helper import stored  # noqa: PLC0415 - without an account only

    for each in stored.matching(choice, target, accounts_file):
        if lines := stored.lines_of(message, each):
            return lines, None
    if not target.services and choice.outcome != AMBIGUOUS:
        return [], None
    from git_credential_azdo.helper import reasons  # noqa: PLC0415 - without a credential only

    return None if reasons.explain(choice, message) else [], None


def _lines(message: Message, token: tokens.Token, account: Account | None = None) -> list[Pair]:
    """Return the lines that answer the message; without an account, for a token from the environment."""
    capabilities = message.all("capability[]")
    pairs: list[Pair] = []
    if account and account.block.get("authtype") == "Bearer" and "authtype" in capabilities:
        pairs += [("capability[]", "authtype"), ("authtype", "Bearer"), ("credential", token.secret)]
    else:
        if not message.get("username"):
            user = (account.name or account.id) if account else "azdo"
            pairs.append(("username", user.replace(":", "_")))  # RFC 7617: a user has no colon
        pairs.append(("password", token.secret))
    if token.expires_utc is not None:
        pairs.append(("password_expiry_utc", str(token.expires_utc)))
    if account and token.digest and "state" in capabilities:
        state = f"{STATE_PREFIX}{account.id}:{token.tenant}:{token.digest}"
        pairs = [("capability[]", "state"), *pairs, ("state[]", state)]
    return pairs


def token_for(
    account: Account,
    organization: AnyOrganization | None,
    tenant: str | None,
    accounts_file: AccountsFile,
    *,
    asked: bool,
    confirmed: bool,
) -> tuple[tokens.Token, Change | None]:
    """Return the account's token for the organization, or for an unknown one, and the change to make with it, if any.

    ``tenant``: the organization's, from the server's challenge, if it was ``asked`` for one. ``confirmed``: whether the
    user chose the account for the organization. Only then is a tenant other than the account's own asked for a token:
    its owner sees who asked, and a repository can name any tenant.

    Raise SignInError, ServiceError, NetworkError, VaultError, VaultLocked.
    """
    if account.is_pat:
        return _personal_access_token(account, organization)
    is_rejected = rejects(organization, account)
    if is_rejected and organization and not confirmed and not asked:
        from git_credential_azdo.helper import reasons  # noqa: PLC0415 - for an error only

        tenant = reasons.tenant_of(organization)
    foreign = "" if confirmed or tenant == accounts_file.tenant_of(organization) else tenant
    is_elsewhere = foreign and account.tenant and not same_tenant(foreign, account.tenant)
    if is_elsewhere:
        tenant = account.tenant
    if is_rejected:
        from git_credential_azdo.helper import reasons  # noqa: PLC0415 - for an error only

        if organization and foreign and is_elsewhere:
            raise reasons.unconfirmed(account, organization, foreign, accounts_file)
        raise reasons.rejection(account, organization, tenant or "")
    of_tenant = tokens.known_tenant(account, organization, tenant, accounts_file)
    if of_tenant is None and confirmed and not asked:
        from git_credential_azdo import refresh  # noqa: PLC0415 - a git before 2.41, and an unknown tenant

        of_tenant = refresh.tenant_for(account, organization, accounts_file)
    of_tenant = account.tenant if of_tenant is None else of_tenant
    token = tokens.live(account, of_tenant)
    state = "live" if token else "missing or stale"
    trace(f"the token for tenant {of_tenant or 'none'} in {account.vault}: {state}")
    if token is None:
        from git_credential_azdo import refresh  # noqa: PLC0415 - the token is stale

        token = refresh.refresh(account, of_tenant, accounts_file.salt)
    return token, None


def rejects(organization: AnyOrganization | None, account: Account) -> bool:
    """Return whether the organization rejected a token of the account, and would reject the next one now, too."""
    rejected = account.rejected_at(organization)
    return rejected is not None and (account.is_pat or 0 <= time.time() - rejected < tokens.REJECTED_SECONDS)


def _sign_in_again(account: Account) -> str:
    from git_credential_azdo.signin.sign_in_errors import setup_again  # noqa: PLC0415 - for an error or a hint only

    return setup_again(account)


def _personal_access_token(
    account: Account, organization: AnyOrganization | None
) -> tuple[tokens.Token, Change | None]:
    now = int(time.time())
    expires = account.expires_utc
    if expires is not None and expires <= now:
        day = time.strftime("%d %B %Y", time.gmtime(expires)).lstrip("0")
        raise SignInError(
            f"the personal access token {account.label} expired on {day}", _sign_in_again(account)
        )
    token = tokens.personal_access_token(account)
    is_marked = rejects(organization, account)
    if is_marked and organization:
        from git_credential_azdo import hints, refresh  # noqa: PLC0415 - after a refusal only

        if not refresh.accepts(organization, token.secret):
            from git_credential_azdo.devops import pats  # noqa: PLC0415 - for an error only

            raise ServiceError(
                f"the organization {organization} rejects the personal access token {account.label}: "
                f"expired, revoked, or without the scope {pats.TO_READ}",
                f"create a new one at {hints.tokens_page(organization.url)}, then run {_sign_in_again(account)}",
            )
    reminded = _remind(account, now)
    if not (is_marked or reminded):
        return token, None

    def change(accounts_file: AccountsFile) -> None:
        current = accounts_file.account(account.id)
        if current and is_marked:
            current.set_rejected(organization, None)
        if current and reminded:
            current.block.set("reminded_utc", str(now))

    return token, change


def _remind(account: Account, now: int) -> bool:
    """Report at most once a day that the token is about to expire; return whether it was reported."""
    ending = tokens.ending(account, now)
    if not ending or 0 <= now - (number(account.block.get("reminded_utc")) or 0) < tokens.DAY_SECONDS:
        return False
    say("hint", f"the personal access token {account.label} {ending}: {_sign_in_again(account)}")
    return True
