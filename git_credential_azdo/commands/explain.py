"""``explain``: is an address ours, which account serves it and why, and what ``get`` would answer. Shows no secret.

It asks the same rooms as ``get`` does, so that it cannot say something else; it changes nothing.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from git_credential_azdo import hints
from git_credential_azdo.accounts import choice as rules
from git_credential_azdo.accounts.environment import variable_for
from git_credential_azdo.accounts.naming import unique_name
from git_credential_azdo.accounts.save import load_accounts
from git_credential_azdo.commands import console
from git_credential_azdo.commands.accounts import state_of
from git_credential_azdo.commands.explain_online import who_can_read
from git_credential_azdo.errors import UsageError, say
from git_credential_azdo.git import config, helpers, network
from git_credential_azdo.git.address import holds_password, https_for_ssh, message_for, ssh_host
from git_credential_azdo.git.target import may_repeat

if TYPE_CHECKING:
    from git_credential_azdo.accounts.accounts_file import AccountsFile
    from git_credential_azdo.git.target import Target

ANSWERS = "answers"
QUITS = "stops git with an error"
SILENT = "answers nothing"
NOT_ASKED = "is not asked"


@click.command("explain")
@click.argument("url")
@click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", help="How to print it."
)
@click.option("--online", is_flag=True, help="Ask Azure DevOps which of your accounts can read it.")
def command(url: str, form: str, online: bool) -> None:  # noqa: FBT001 - click's
    """Say which account serves URL, and why."""
    accounts_file = load_accounts()
    found = explain(url, accounts_file)
    if online:
        found["online"] = who_can_read(url, accounts_file)
    if form == "json":
        console.json(found)
    else:
        _print(found)
        in_the_way = found.get("git") or found.get("other_helpers")  # each of those has its cure
        if found["ours"] and found["get"] != NOT_ASKED and not found["git_calls_us"] and not in_the_way:
            say("hint", hints.configure())


def explain(url: str, accounts_file: AccountsFile) -> dict[str, object]:
    """Return what ``get`` would do for ``url``, asked with what git would send. Never holds a secret of ``url``."""
    found: dict[str, object] = {
        "ours": False,
        "host": ssh_host(url),
        "organization": None,
        "account": None,
        "reason": "",
        "candidates": [],
        "token": None,
        "get": NOT_ASKED,
    }
    if found["host"]:
        instead = https_for_ssh(url)
        also = f"; over https it would be {instead}" if instead else ""
        return {**found, "reason": f"SSH never asks a credential helper{also}"}
    try:
        entries = config.read_config()
        sends_path = config.use_http_path(entries, url)
    except UsageError as error:
        entries, sends_path = [], False
        found["git"] = error.message
    # Where git does not call us (yet), it will with the path: setup sees to that.
    own_entry = next((helper.entry for helper in config.helpers_for(entries, url) if helper.ours), None)
    calls_us = own_entry is not None
    with_path = sends_path or not calls_us
    user = config.value_for(entries, "credential.username", url)
    target = accounts_file.target_of(message_for(url, with_path=with_path, user=user))
    if target is None:
        return {**found, "reason": "that is no web address, and git asks credential helpers for nothing else"}
    server = None if target.services else accounts_file.server(target.address)
    whole = accounts_file.target_of(message_for(url))
    found["ours"] = target.services or server is not None
    found["host"] = target.host
    found["organization"] = whole.organization if whole else None
    if target.services or (server is not None and rules.choose(target, None, accounts_file).candidates):
        found.update(_choice(target, accounts_file))
    elif server is not None:
        typed = rules.matching_stored(target, None, target.user, accounts_file.stored_credentials)
        found["reason"] = "a registered server, with a stored credential" if typed else "a registered server"
        found["get"] = ANSWERS if typed else SILENT
    else:
        found["reason"] = "not Azure DevOps, and not a registered server"
        found["get"] = SILENT
    if holds_password(url):
        found["reason"] = (
            f"git takes the password in the address and asks nobody; without it: {found['reason']}"
        )
        found["get"] = NOT_ASKED
    found["git_calls_us"] = calls_us
    found["set_in"] = config.place(own_entry) if own_entry else None
    found["git_sends_path"] = sends_path
    others = helpers.others(entries, url)
    named = [*others.before, *others.receiving, *([others.reset] if others.reset else [])]
    found["other_helpers"] = [f"{other.said}; {other.cure}" for other in dict.fromkeys(named)]
    found["passed_over"] = network.passed_over(entries)
    return found


def _choice(target: Target, accounts_file: AccountsFile) -> dict[str, object]:
    if target.services and target.protocol != "https":
        return {
            "reason": "Azure DevOps over http is refused: a token would travel in clear text",
            "get": QUITS,
        }
    choice = rules.choose(target, None, accounts_file)
    accounts = accounts_file.accounts
    found: dict[str, object] = {
        "reason": choice.reason,
        "candidates": [unique_name(account, accounts) for account in choice.candidates],
    }
    if choice.organization:
        found["organization"] = choice.organization
    variable = variable_for(target, choice if target.services else None, os.environ)
    if variable:
        return {**found, "reason": f"the environment variable {variable}", "get": ANSWERS}
    if choice.account:
        state, _ = state_of(choice.account)
        rejected = choice.account.rejected_at(choice.organization) is not None
        return {
            **found,
            "account": unique_name(choice.account, accounts),
            "token": "rejected by the organization" if rejected else state,
            "get": ANSWERS if state == "ready" else QUITS,
        }
    if choice.stored:
        return {**found, "get": ANSWERS}
    if choice.outcome == rules.UNKNOWN_USER and not may_repeat(choice.user or ""):
        found["reason"] = "the address holds what looks like a token where git expects a user"
    return {**found, "get": QUITS if choice.outcome == rules.AMBIGUOUS else SILENT}


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
            console.out(f"{label:<16}{line}")
            label = ""
