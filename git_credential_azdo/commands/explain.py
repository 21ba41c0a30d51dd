"""``explain``: which account serves an address and why, and what ``get`` would answer. Must never show a secret.

Uses the same rules as ``get``, so that the two cannot disagree; changes nothing, and needs no network except with
``--online``.
"""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING
from urllib.parse import quote

import click

from git_credential_azdo import deadline, hints, refresh, tokens
from git_credential_azdo.accounts import choice as rules
from git_credential_azdo.accounts.account import Account
from git_credential_azdo.accounts.accounts_file import AccountsFile, StoredCredential
from git_credential_azdo.accounts.environment import variable_for
from git_credential_azdo.commands import console
from git_credential_azdo.commands.accounts import READY, sign_in_state, stored_url
from git_credential_azdo.commands.parsing import FORMAT
from git_credential_azdo.errors import AzdoError, UsageError, VaultError, say
from git_credential_azdo.git import address, config, helpers, network
from git_credential_azdo.git.protocol import Message
from git_credential_azdo.git.target import SERVICES_ADDRESS, AnyOrganization, Target
from git_credential_azdo.helper import answer, reasons, stored
from git_credential_azdo.signin import sign_in_errors

if TYPE_CHECKING:
    from git_credential_azdo.web import HttpClient

ANSWERS, QUITS, SILENT, NOT_ASKED = "credential", "error", "no credential", "not asked"
NO_WEB_URL = "not an http or https URL: git asks no credential helper for others"
"""The results of ``get``: QUITS stops git, which asks the next helper after SILENT."""
NOT_SERVED = "neither Azure DevOps nor a registered server"
_KEYS = ("served", "host", "organization", "account", "reason", "candidates", "token", "result", "hint")
_WIDTH = 20
_READS = "can read it"


@click.command("explain")
@click.argument("url", required=False)
@FORMAT
@click.option("--online", is_flag=True, help="Ask Azure DevOps which accounts can read the repository.")
def command(url: str | None, form: str, online: bool) -> None:  # noqa: FBT001 - click's
    """Show which account serves URL, and why. Without URL: the remote of the current repository."""
    accounts_file = AccountsFile.load()
    url = next(iter(config.remotes(config.read_config()).values()), None) if url is None else url
    if url is None:
        cure = hints.explain(f"{SERVICES_ADDRESS}/{hints.ORGANIZATION}")
        raise UsageError("missing URL: the current folder is not in a repository with a remote", cure)
    found = explain(url, accounts_file)
    if online:
        found["online"] = _who_can_read(url, accounts_file)
    if form == "json":
        console.json(found)
    else:
        _print(found)
        in_the_way = found.get("git") or found.get("other_helpers")  # each of those has its cure
        asked = found["served"] and found["result"] != NOT_ASKED
        if asked and not found["configured_in_git"] and not in_the_way:
            say("hint", hints.configure())


def is_served(url: str, accounts_file: AccountsFile) -> bool:
    """Return whether an address is Azure DevOps Services or a registered server."""
    target = accounts_file.target_of(address.message_for(url))
    return target is not None and accounts_file.serves(target)


def add_server(url: str) -> str:
    """Return the command that registers the server of an address."""
    target = address.target_of_url(url)
    return hints.server_add(target.address, allow_http=target.protocol == "http") if target else ""


def explain(url: str, accounts_file: AccountsFile) -> dict[str, object]:
    """Return what ``get`` would do for ``url``, given what git would send. Never contains a secret of ``url``.

    ``result``: ANSWERS, QUITS, SILENT or NOT_ASKED; ``hint``: the command that lets an account answer, else None.
    """
    found: dict[str, object] = dict.fromkeys(_KEYS)
    found |= {"served": False, "reason": "", "candidates": [], "result": NOT_ASKED}
    entries, given, sends_path = [], url, False
    try:
        entries = config.read_config()
        url = config.rewritten(entries, url)
        sends_path = config.use_http_path(entries, url)
    except UsageError as error:
        found["git"] = "; ".join(filter(None, (error.message, error.hint)))
    host = address.ssh_host(url)
    if url != given:
        found["insteadof"] = f"git rewrites it to {host or address.shown(url)} (url.*.insteadOf)"
    if host:
        instead = address.https_for_ssh(url)
        also = f"; its https URL is {instead}" if instead else ""
        return {**found, "host": host, "reason": f"git asks no credential helper for SSH{also}"}
    # If git does not call us yet, it will later, and with the path: configure ensures that.
    own_entry = next((helper.entry for helper in config.helpers_for(entries, url) if helper.ours), None)
    user = config.value_for(entries, "credential.username", url)
    request = address.message_for(url, with_path=sends_path or own_entry is None, user=user)
    target, whole = accounts_file.target_of(request), accounts_file.target_of(address.message_for(url))
    if target is None or whole is None:
        return {**found, "reason": NO_WEB_URL}
    found |= {"host": target.host, "organization": whole.organization}
    if accounts_file.serves(target) or variable_for(target, None, os.environ):
        found |= {"served": True, **_choice(target, request, accounts_file)}
    else:
        found |= {"reason": NOT_SERVED, "result": SILENT, "hint": add_server(url)}
    if address.holds_password(url):
        why = "git uses the password in the URL and asks no helper; without it:"
        found |= {"reason": f"{why} {found['reason']}", "result": NOT_ASKED}
    others = helpers.others(entries, url)
    named = [*others.before, *others.receiving, *([others.reset] if others.reset else [])]
    return {
        **found,
        "configured_in_git": own_entry is not None,
        "set_in": config.location(own_entry) if own_entry else None,
        "git_sends_path": sends_path,
        "other_helpers": [f"{other.description}; {other.hint}" for other in dict.fromkeys(named)],
        "ignored_settings": network.ignored(entries),
    }


def _choice(target: Target, request: Message, accounts_file: AccountsFile) -> dict[str, object]:
    if target.services and target.protocol != "https":
        reason = "Azure DevOps over http is refused: a token would be sent in clear text"
        return {"reason": reason, "result": QUITS, "hint": hints.set_url()}
    choice = rules.choose(target, None, accounts_file)
    names = rules.unique_names(accounts_file.accounts)
    found: dict[str, object] = {
        "reason": choice.reason,
        "candidates": [names[each.id] for each in choice.candidates],
    }
    if choice.organization:
        found["organization"] = choice.organization
    if variable := variable_for(target, choice, os.environ):
        return {**found, "reason": f"the environment variable {variable}", "result": ANSWERS}
    if choice.account:
        return {**found, **_account(choice.account, choice, accounts_file)}
    found |= _stored(stored.matching(choice, target, accounts_file), request)
    if "result" in found:
        return found
    if not target.services and not choice.candidates:
        reason = "a registered server; git asks for a password, and it is stored here"
        return {**found, "reason": reason, "result": SILENT}
    message, [(remark, cure), *_] = reasons.why(choice, request)
    reason = "; ".join(filter(None, (message, remark))) or choice.reason
    result = QUITS if choice.outcome == rules.AMBIGUOUS else SILENT
    return {**found, "reason": reason, "result": result, "hint": cure}


def _account(account: Account, choice: rules.Choice, accounts_file: AccountsFile) -> dict[str, object]:
    """Return the state of the token that ``get`` would answer with, and the command that cures it, if needed."""
    tenant = tokens.known_tenant(account, choice.organization, None, accounts_file) or account.tenant
    live = None
    with contextlib.suppress(VaultError):  # sign_in_state reports it
        live = None if account.is_pat else tokens.live(account, tenant)
    state, cure = (READY, None) if live else sign_in_state(account, tenant)
    if state == READY and not live and (failure := refresh.known_failure(account, tenant)):
        state, cure = failure.message, failure.hint
    if answer.rejects(choice.organization, account):
        state = "rejected by the organization"
        cure = sign_in_errors.setup_again(account) if account.is_pat else None  # else it ends by itself
    return {
        "account": rules.unique_name(account, accounts_file.accounts),
        "token": state,
        "token_expires": console.instant(live.expires_utc if live else account.expires_utc),
        "result": ANSWERS if state == READY else QUITS,
        "hint": cure,
    }


def _stored(credentials: list[StoredCredential], request: Message) -> dict[str, object]:
    """Return which stored credential answers; there is no ``result`` if none does."""
    found: dict[str, object] = {}
    asked = Message([*request.fields.items(), ("capability[]", "authtype")])
    for each in credentials:
        found |= {"stored_credential": stored_url(each), "token": sign_in_state(each)[0]}
        try:
            if stored.lines_of(asked, each):
                return {**found, "result": ANSWERS}
        except AzdoError as error:
            return {**found, "result": QUITS, "hint": error.hint}
    return found


def _print(found: dict[str, object]) -> None:
    for key, value in found.items():
        if value is None or value == []:
            continue
        words = "yes" if value is True else "no" if value is False else value
        label = f"{key.replace('_', ' ')}:"
        lines = [str(each) for each in words] if isinstance(words, list) else [str(words)]
        if key == "candidates":
            lines = [", ".join(lines)]
        for line in lines:
            console.out(f"{label:<{_WIDTH}}{line}", indent=0 if key in {"hint", "online"} else _WIDTH)
            label = ""


def _who_can_read(url: str, accounts_file: AccountsFile) -> list[str]:
    """Return one line per account: whether it can read ``url``; then, if another one must be used, the command for that.

    Azure DevOps answers 404 (TF401019) for a repository that an account cannot see; git does not report that to its
    helpers, so the wrong account would be used again.
    """
    target = accounts_file.target_of(address.message_for(url))
    organization = target.organization if target else None
    if target is None or not target.services or organization is None:
        return ["not a URL of an Azure DevOps organization"]
    repository = _repository_url(target, organization)
    names = rules.unique_names(accounts_file.accounts)
    able = {
        names[account.id]: account
        for account in accounts_file.accounts
        if account.address == target.address and account.can_serve(organization)
    }
    # The owner of a tenant sees who asks it for a token, and the URL may come from a repository: only accounts that the
    # user chose for the organization ask a tenant other than their own.
    tenant = "" if accounts_file.tenant_of(organization) else reasons.tenant_of(organization) or ""

    def ask(account: Account) -> str:
        at_home = not account.tenant or not tenant or rules.same_tenant(account.tenant, tenant)
        if at_home or reasons.is_chosen(account, target, organization, accounts_file):
            return _ask(account, organization, repository, accounts_file)
        error = reasons.unconfirmed(account, organization, tenant, accounts_file)
        return f"{error.message}; {error.hint}"

    answers = dict(zip(able, deadline.in_threads(ask, able.values()), strict=True))
    lines = [f"{name}: {answer}" for name, answer in answers.items()]
    readers = [name for name, answer in answers.items() if answer == _READS]
    serving = rules.choose(target, None, accounts_file).account
    if readers and (serving is None or serving.id not in {able[name].id for name in readers}):
        lines.append(hints.use(readers[0], organization))
    return lines or [f"no account can serve it: {hints.setup(organization)}"]


def _repository_url(target: Target, organization: AnyOrganization) -> str:
    """Return the address of the remote's repository below its organization; an empty string if it names none."""
    if not target.repository:
        return ""
    project, _, name = target.repository[len(organization) + 1 :].rpartition("/")
    below = f"{project}/_git/{name}"
    return f"{organization.url}/{quote(below, errors='surrogateescape')}"


def _ask(
    account: Account, organization: AnyOrganization, repository: str, accounts_file: AccountsFile
) -> str:
    from git_credential_azdo.devops import api  # noqa: PLC0415 - as the next
    from git_credential_azdo.web import HttpClient  # noqa: PLC0415 - loads the HTTP client

    try:
        with HttpClient(deadline.left(), allowed=api.origins_of(organization)) as web:
            is_seen = try_out(web, account, organization, accounts_file, repository)
    except AzdoError as error:
        return error.message
    return _READS if is_seen else "cannot see it (status 404)"


def try_out(
    web: HttpClient,
    account: Account,
    organization: AnyOrganization | None,
    accounts_file: AccountsFile,
    repository: str = "",
) -> bool:
    """Return whether the account's token lets git read a repository, or any code of an organization; False for a 404.

    Without an organization, Azure DevOps is asked whose token it is. Raise AzdoError.
    """
    from git_credential_azdo.devops import api  # noqa: PLC0415 - loads the HTTP client

    authorization = refresh.authorization(account, organization, accounts_file)
    if repository:
        return api.can_read_repository(web, repository, authorization)
    if organization:
        api.check_code_scope(web, organization, authorization)
    else:
        api.profile(web, authorization)
    return True
