"""``explain``: which account serves an address and why, and what ``get`` would answer. Shows no secret.

Uses the same rules as ``get``, so that it cannot say something else; changes nothing, and needs no network but for
``--online``.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING
from urllib.parse import quote

import click

from git_credential_azdo import deadline, hints, refresh
from git_credential_azdo.accounts import choice as rules
from git_credential_azdo.accounts.environment import variable_for
from git_credential_azdo.accounts.naming import unique_name
from git_credential_azdo.accounts.save import load_accounts
from git_credential_azdo.commands import console
from git_credential_azdo.commands.accounts import LOCKED, standing, stored_url
from git_credential_azdo.commands.parsing import FORMAT
from git_credential_azdo.errors import AzdoError, UsageError, say
from git_credential_azdo.git import config, helpers, network
from git_credential_azdo.git.address import (
    holds_password,
    https_for_ssh,
    message_for,
    shown,
    ssh_host,
    target_of_url,
)
from git_credential_azdo.git.target import SERVICES_ADDRESS, may_repeat
from git_credential_azdo.helper import reasons
from git_credential_azdo.signin import sign_in_errors

if TYPE_CHECKING:
    from git_credential_azdo.accounts.account import Account
    from git_credential_azdo.accounts.accounts_file import AccountsFile
    from git_credential_azdo.git.protocol import Message
    from git_credential_azdo.git.target import AnyOrganization, Target

ANSWERS = "credential"
QUITS = "error"
SILENT = "no credential"
NOT_ASKED = "not asked"
"""The results of ``get``: QUITS stops git, which asks the next helper after SILENT."""
_WIDTH = 20
MAX_AT_ONCE = 8
READS = "can read it"
NOT_SERVED = "neither Azure DevOps nor a registered server"


@click.command("explain")
@click.argument("url", required=False)
@FORMAT
@click.option(
    "--online", is_flag=True, help="Ask Azure DevOps which of the accounts can read the repository."
)
def command(url: str | None, form: str, online: bool) -> None:  # noqa: FBT001 - click's
    """Show which account serves URL, and why; without URL, of the remote of the repository in the current folder."""
    accounts_file = load_accounts()
    url = next(iter(config.remotes(config.read_config()).values()), None) if url is None else url
    if url is None:
        address = f"{SERVICES_ADDRESS}/{hints.ORGANIZATION}"
        raise UsageError(
            "missing URL: the current folder is in no repository with a remote", hints.explain(address)
        )
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
    target = accounts_file.target_of(message_for(url))
    return target is not None and (target.services or accounts_file.server(target.address) is not None)


def add_server(url: str) -> str:
    """Return the command that registers the server of an address."""
    target = target_of_url(url)
    if target is None:
        return ""
    return hints.server_add(target.address, allow_http=target.protocol == "http")


def explain(url: str, accounts_file: AccountsFile) -> dict[str, object]:
    """Return what ``get`` would do for ``url``, given what git would send. Never contains a secret of ``url``.

    ``result``: ANSWERS, QUITS, SILENT or NOT_ASKED; ``cure``: the command that lets an account answer, else None.
    """
    found: dict[str, object] = {
        "served": False,
        "host": None,
        "organization": None,
        "account": None,
        "reason": "",
        "candidates": [],
        "token": None,
        "result": NOT_ASKED,
        "cure": None,
    }
    try:
        entries = config.read_config()
        given, url = url, config.rewritten(entries, url)
        sends_path = config.use_http_path(entries, url)
    except UsageError as error:
        entries, given, sends_path = [], url, False
        found["git"] = "; ".join(filter(None, (error.message, error.hint)))
    if url != given:
        found["insteadof"] = f"git takes {ssh_host(url) or shown(url)} for it, by a setting url.*.insteadOf"
    if ssh_host(url):
        instead = https_for_ssh(url)
        also = f"; its https URL is {instead}" if instead else ""
        return {**found, "host": ssh_host(url), "reason": f"git asks no credential helper for SSH{also}"}
    # Where git does not call us (yet), it will with the path: configure sees to that.
    own_entry = next((helper.entry for helper in config.helpers_for(entries, url) if helper.ours), None)
    user = config.value_for(entries, "credential.username", url)
    request = message_for(url, with_path=sends_path or own_entry is None, user=user)
    target = accounts_file.target_of(request)
    if target is None:
        return {**found, "reason": "not an http or https URL: git asks no credential helper for others"}
    server = None if target.services else accounts_file.server(target.address)
    whole = accounts_file.target_of(message_for(url))
    found["served"] = target.services or server is not None
    found["host"] = target.host
    found["organization"] = whole.organization if whole else None
    if target.services or (server is not None and rules.choose(target, None, accounts_file).candidates):
        found.update(_choice(target, request, accounts_file))
    elif server is not None:
        stored = rules.matching_stored(target, None, target.user, accounts_file.stored_credentials)
        found["reason"] = "a registered server, with a stored credential"
        found["result"] = ANSWERS if stored else SILENT
        if not stored:
            found["reason"] = "a registered server; git asks for a password, and it is stored here"
    else:
        found.update(reason=NOT_SERVED, result=SILENT, cure=add_server(url))
    if holds_password(url):
        found["reason"] = (
            f"git uses the password in the URL and asks no helper; without it: {found['reason']}"
        )
        found["result"] = NOT_ASKED
    found["configured_in_git"] = own_entry is not None
    found["set_in"] = config.location(own_entry) if own_entry else None
    found["git_sends_path"] = sends_path
    others = helpers.others(entries, url)
    named = [*others.before, *others.receiving, *([others.reset] if others.reset else [])]
    found["other_helpers"] = [f"{other.description}; {other.hint}" for other in dict.fromkeys(named)]
    found["ignored_settings"] = network.ignored(entries)
    return found


def _choice(target: Target, request: Message, accounts_file: AccountsFile) -> dict[str, object]:
    if target.services and target.protocol != "https":
        reason = "Azure DevOps over http is refused: a token would be sent in clear text"
        return {"reason": reason, "result": QUITS, "cure": hints.set_url()}
    choice = rules.choose(target, None, accounts_file)
    accounts = accounts_file.accounts
    found: dict[str, object] = {
        "reason": choice.reason,
        "candidates": [unique_name(account, accounts) for account in choice.candidates],
    }
    if choice.organization:
        found["organization"] = choice.organization
    variable = variable_for(target, choice, os.environ)
    if variable:
        return {**found, "reason": f"the environment variable {variable}", "result": ANSWERS}
    if choice.account:
        stands = standing(choice.account)
        state = stands.state
        rejected = choice.account.rejected_at(choice.organization) is not None
        is_ready = state == "ready"
        return {
            **found,
            "account": unique_name(choice.account, accounts),
            "token": "rejected by the organization" if rejected else state,
            "token_expires": console.instant(stands.token_expires),
            "result": ANSWERS if is_ready else QUITS,
            "cure": None if is_ready else _renewal(choice.account, state, rejected=rejected),
        }
    if choice.stored:
        return {**found, "stored_credential": stored_url(choice.stored), "result": ANSWERS}
    cure = reasons.settle(choice)[0]
    if choice.outcome == rules.UNKNOWN_USER:
        where, removal = reasons.user_source(request)
        found["unknown_user"] = True
        found["reason"] = f"{choice.reason}, the user that {where} names"
        if not may_repeat(choice.user or ""):
            found["reason"] = f"{where} has what looks like a token in place of a user name"
        elif "@" in (choice.user or ""):
            removal = cure
        cure = removal
    is_ambiguous = choice.outcome == rules.AMBIGUOUS
    return {**found, "result": QUITS if is_ambiguous else SILENT, "cure": cure}


def _renewal(account: Account, state: str, *, rejected: bool) -> str | None:
    """Return the command that makes an account ready again; a rejection of an access token ends by itself."""
    if state == LOCKED:
        return hints.unlock()
    return None if rejected and not account.is_pat else sign_in_errors.setup_again(account)


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
            console.out(f"{label:<{_WIDTH}}{line}")
            label = ""


def _who_can_read(url: str, accounts_file: AccountsFile) -> list[str]:
    """Return one line an account: whether it can read ``url``; then, if another one must serve, the command for that.

    Azure DevOps answers 404 (TF401019) for a repository that an account cannot see; git does not report that to its
    helpers, so the wrong account would be used again.
    """
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415 - for --online only

    target = accounts_file.target_of(message_for(url))
    organization = target.organization if target else None
    if target is None or not target.services or organization is None:
        return ["not a URL of an Azure DevOps organization"]
    accounts = [
        account
        for account in accounts_file.accounts
        if account.address == target.address and account.can_serve(organization)
    ]
    repository = _repository_url(target, organization)
    with ThreadPoolExecutor(MAX_AT_ONCE) as pool:
        answers = list(
            pool.map(lambda account: _ask(account, organization, repository, accounts_file), accounts)
        )
    names = [unique_name(account, accounts_file.accounts) for account in accounts]
    lines = [f"{name}: {answer}" for name, answer in zip(names, answers, strict=True)]
    readers = [account for account, answer in zip(accounts, answers, strict=True) if answer == READS]
    serving = rules.choose(target, None, accounts_file).account
    if readers and (serving is None or serving.id not in {account.id for account in readers}):
        lines.append(hints.use(unique_name(readers[0], accounts_file.accounts), organization))
    if not lines:
        return [f"no account can serve it: {hints.setup(organization)}"]
    return lines


def _repository_url(target: Target, organization: AnyOrganization) -> str:
    """Return the address of the remote's repository below its organization; an empty text where it names none."""
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
        authorization = refresh.authorization(account, organization, accounts_file)
        with HttpClient(deadline.left(), allowed=api.origins_of(organization)) as web:
            if repository:
                found = api.can_read_repository(web, repository, authorization)
                return READS if found else "cannot see it (status 404)"
            api.check_code_scope(web, organization, authorization)
    except AzdoError as error:
        return error.message
    return READS
