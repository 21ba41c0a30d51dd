"""Explain why there is no credential, or why a token was rejected, and note a rejection in the accounts file.

This may take time: it reads git's configuration and may ask an organization for its tenant. It must never delete a
sign-in or a PAT: git calls ``erase`` after any 401, and a server may be wrong temporarily.
"""

from __future__ import annotations

import contextlib
import os
import time

from git_credential_azdo import hints, refresh, tokens
from git_credential_azdo.accounts import choice as rules
from git_credential_azdo.accounts import environment
from git_credential_azdo.accounts.account import Account, IssuedToken, digest, number
from git_credential_azdo.accounts.environment import PERSONAL_TOKEN, PIPELINE_TOKEN
from git_credential_azdo.errors import (
    AzdoError,
    NetworkError,
    ServiceError,
    UsageError,
    holds_token,
    may_repeat,
    report,
    say,
)
from git_credential_azdo.files import NoHome, accounts_path, is_closed
from git_credential_azdo.git import address, config
from git_credential_azdo.git.target import SERVICES_ADDRESS, AnyOrganization, Target, tenant_in
from git_credential_azdo.vault import vaults

TYPE_CHECKING = False
if TYPE_CHECKING:
    from git_credential_azdo.accounts.accounts_file import AccountsFile, Change, Returned
    from git_credential_azdo.git.protocol import Message


def explain(choice: rules.Choice, request: Message) -> bool:
    """Report why no account answers git's request; return whether git is to stop asking."""
    message, cures = why(choice, request)
    if message:
        say("error", message)
    for cure in cures:
        say("hint", line(*cure))
    return choice.outcome == rules.AMBIGUOUS


def line(remark: str, command: str) -> str:
    """Return a cure as one line: a command, preceded by the remark about it, if there is one."""
    return f"{remark}: {command}" if remark else command


def why(choice: rules.Choice, request: Message | None = None) -> tuple[str, list[tuple[str, str]]]:
    """Return why no account answers, empty where none was expected to, and the cures for ``line``, any of which may help.

    ``request``: the one from git, whose user may be the reason.
    """
    organization, user, outcome = choice.organization, choice.user or "", choice.outcome
    names = list(rules.unique_names(choice.candidates).values())
    if outcome == rules.AMBIGUOUS and organization:
        cures = [("", hints.use(name, organization)) for name in names]
        return f"{choice.reason} the organization {organization}: {', '.join(names)}", cures
    if outcome == rules.AMBIGUOUS:
        place = choice.candidates[0].address
        is_public = place == SERVICES_ADDRESS
        with_path = hints.configure() if is_public else hints.use_http_path(place)
        cures = [
            ("git sent no path, so the organization is unknown", with_path),
            ("", hints.use(names[0], default=True)),
        ]
        return f"{choice.reason} {'Azure DevOps' if is_public else place}: {', '.join(names)}", cures
    new = _new_account(choice)
    if outcome not in {rules.UNKNOWN_USER, rules.NOT_COVERED}:
        # A stored credential may have been found that has expired, or that this git cannot use.
        is_none = outcome == rules.STORED_CREDENTIAL or choice.reason == rules.NO_ACCOUNT
        return "", [no_account(new) if is_none else (choice.reason, new)]
    is_alias = user and "@" not in user  # which a new account would not have
    cures = [("", new)] if outcome == rules.NOT_COVERED or not is_alias or not names else []
    if request and user and (outcome == rules.UNKNOWN_USER or is_alias):
        where, removal = _user_source(request)
        cures.append((f"{where} names that user", removal))
    known = f"; known accounts: {', '.join(names)}" if names else ""
    return f"{choice.reason}{known}", cures


def no_account(cure: str) -> tuple[str, str]:
    """Return that there is no account in the file that was read (an editor may use another home), and the cure."""
    try:
        if is_closed():
            return f"this user may not open the folder of {accounts_path()}", hints.home()
        return f"there is no account in {accounts_path()}", cure
    except NoHome as error:
        return error.message, error.hint or cure


def _new_account(choice: rules.Choice) -> str:
    """Return the command that sets up an account for the request, or the setting that gives a job its token."""
    if not choice.user and (system := environment.system(os.environ)):
        own = environment.collection(os.environ)
        is_own = system == "Azure Pipelines" and own and choice.organization in {None, own.organization}
        return hints.token_variable(system, PIPELINE_TOKEN if is_own else PERSONAL_TOKEN)
    user = choice.user or ""
    login_hint = user if "@" in user and may_repeat(user) else ""
    return hints.setup(choice.organization or "", login_hint=login_hint)


def _user_source(request: Message) -> tuple[str, str]:
    """Return what sets the user of git's request (a setting, a remote, a command line), and what removes it."""
    try:
        entries = config.read_config()
    except UsageError:
        entries = []
    wanted = address.parts_of(request)
    bare = address.compose(wanted._replace(user=None))
    setting = config.entry_for(entries, "credential.username", bare)
    if setting and setting.value == wanted.user:
        return setting.description, config.removal(setting)
    for entry in entries:
        section, name, key = config.split_key(entry.key)
        url = {("remote", "url"): entry.value, ("url", "insteadof"): name}.get((section, key)) or ""
        parts = address.partial(url)
        if (parts.protocol, parts.user, parts.host) == (wanted.protocol, wanted.user, wanted.host):
            new = address.shown(address.compose(parts._replace(user=None)))
            cure = hints.set_url(new, name or "origin") if section == "remote" else config.removal(entry)
            return entry.description, cure
    return "the address", f"use {bare}" if not holds_token(bare) else "use it without the user"


def unnoted_token(message: Message, target: Target, accounts_file: AccountsFile) -> Returned | None:
    """Return the access token of the message if the vault holds it, but a killed run did not note it."""
    tenant = tenant_in(message.all("wwwauth[]"))
    choice = rules.choose(target, tenant, accounts_file)
    account, secret = choice.account, message.get("password") or message.get("credential")
    if account is None or account.is_pat or not secret:
        return None
    tenant = tokens.known_tenant(account, choice.organization, tenant, accounts_file) or account.tenant
    try:
        entry = vaults.read(account.vault, account.access_key(tenant))
    except AzdoError:
        return None
    if entry is None or entry.get("token") != secret:
        return None
    received = number(entry.get("received_utc") or "") or 0
    return account, IssuedToken(tenant, digest(accounts_file.salt, secret), received)


def is_explained_by_header(message: Message) -> bool:
    """Return whether git sends an Authorization header of its own, and report it: git then used no helper's token."""
    parts = address.parts_of(message)
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


def reject(returned: Returned, message: Message, target: Target, accounts_file: AccountsFile) -> Change:
    """Report why a new token was rejected; return the change that notes the rejection.

    An old token is dropped. For a new one, or a PAT, the rejection by the organization is noted, unless the token is of
    the tenant that the organization belonged to before.
    """
    organization, _ = rules.organization_and_user(target, accounts_file)
    account, token = returned
    now = int(time.time())
    is_new = 0 <= now - token.received < tokens.NEW_SECONDS
    is_noted = account.is_pat or (is_new and _explain(returned, message, target, accounts_file))

    def apply(fresh: AccountsFile) -> None:
        if organization:
            fresh.unlearn(organization)
        current = fresh.account(account.id)
        if current is None:
            return
        if is_noted:
            if organization or not account.is_pat:  # else nothing would remove a PAT's rejection
                current.set_rejected(organization, now)
        elif not is_new:
            known = current.issued_tokens
            if not any(each.digest == token.digest for each in known):  # it was never noted
                known.insert(0, IssuedToken(token.tenant, token.digest, token.received or now))
            for each in known:
                each.dropped = each.dropped or each.digest == token.digest
            current.set_issued_tokens(known)

    return apply


def drop(returned: Returned) -> None:
    """Delete a rejected access token from the vault, since the accounts file cannot note that it was rejected."""
    account, token = returned
    key = account.access_key(token.tenant)
    with contextlib.suppress(AzdoError):  # the first failure was reported
        entry = None if account.is_pat else vaults.read(account.vault, key)
        if entry and entry.get("digest") == token.digest:
            vaults.remove(account.vault, key)


def _explain(returned: Returned, message: Message, target: Target, accounts_file: AccountsFile) -> bool:
    """Report why a new access token was rejected; return whether the next one would be rejected, too."""
    account, token = returned
    organization, _ = rules.organization_and_user(target, accounts_file)
    tenant = tenant_in(message.all("wwwauth[]"))
    if tenant is None and organization and target.services and account.tenant:
        tenant = tenant_of(organization)
    is_known = account.tenant and tenant and token.tenant
    if not organization or not is_known or rules.same_tenant(tenant or "", token.tenant):
        report(rejection(account, organization, token.tenant))
        return True
    if (
        is_chosen(account, target, organization, accounts_file)
        or accounts_file.tenant_of(organization) == token.tenant
    ):
        text = f"the organization {organization} belongs to tenant {tenant} now and rejected a token of tenant {token.tenant}"
        report(ServiceError(text, "run the git command again"))
        return False
    report(unconfirmed(account, organization, tenant or "", accounts_file))
    return True


def is_chosen(
    account: Account, target: Target, organization: AnyOrganization, accounts_file: AccountsFile
) -> bool:
    """Return whether the user chose the account for the organization, or for the target's repository."""
    bound = {accounts_file.binding(each) for each in (target.repository, organization) if each}
    return account.lists(organization) or account.id in bound


def tenant_of(organization: AnyOrganization) -> str | None:
    """Return the tenant that the organization names now: one request. None when it cannot be asked."""
    try:
        return refresh.find_tenant(organization)
    except (NetworkError, ServiceError):
        return None


def rejection(account: Account, organization: AnyOrganization | None, tenant: str) -> ServiceError:
    """Return the error for an organization that rejects new tokens of the account."""
    where = f"the organization {organization}" if organization else "Azure DevOps"
    url = organization.url if organization else SERVICES_ADDRESS
    return ServiceError(
        f"{where} rejected a new token of {account.label} (tenant {tenant or account.tenant or 'unknown'})",
        hints.explain(url, online=True),
        hints.setup_pat(organization or hints.ORGANIZATION),
    )


def unconfirmed(
    account: Account, organization: AnyOrganization, tenant: str, accounts_file: AccountsFile
) -> ServiceError:
    """Return the error for an organization of another tenant, which rejects tokens of the account's own tenant."""
    return ServiceError(
        f"the organization {organization} belongs to tenant {tenant}, and {account.label} was not set up for it",
        f"if {account.label} is a member or guest there: {hints.use(rules.unique_name(account, accounts_file.accounts), organization)}",
    )
