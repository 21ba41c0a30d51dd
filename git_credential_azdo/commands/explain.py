"""``explain``: is an address ours, which account serves it and why, and what ``get`` would answer. Shows no secret.

It asks the same rooms as ``get`` does, so that it cannot say something else; it changes nothing.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import click

from git_credential_azdo.accounts import choice as rules
from git_credential_azdo.accounts.environment import variable_for
from git_credential_azdo.accounts.naming import unique_name
from git_credential_azdo.commands.accounts import state_of
from git_credential_azdo.commands.enrol import current_registry
from git_credential_azdo.commands.explain_online import who_can_read
from git_credential_azdo.errors import UsageError
from git_credential_azdo.git import config
from git_credential_azdo.git.address import message_for
from git_credential_azdo.git.remote import remote_of

if TYPE_CHECKING:
    from git_credential_azdo.accounts.registry import Registry
    from git_credential_azdo.git.remote import Remote

ANSWERS = "answers"
QUITS = "stops git with an error"
SILENT = "answers nothing"


@click.command("explain")
@click.argument("url")
@click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", help="How to print it."
)
@click.option("--online", is_flag=True, help="Ask Azure DevOps which of your accounts can read it.")
def command(url: str, form: str, online: bool) -> None:  # noqa: FBT001 - click's
    """Say which account serves URL, and why."""
    found = explain(url, current_registry())
    if online:
        found["online"] = who_can_read(url, current_registry())
    if form == "json":
        click.echo(json.dumps(found, indent=2))
    else:
        _print(found)


def explain(url: str, registry: Registry) -> dict[str, object]:
    """Return what ``get`` would do for ``url`` with the path that git would send. Raises UsageError."""
    entries = config.read_config()
    with_path = config.use_http_path(entries, url)
    remote = remote_of(message_for(url, with_path=with_path))
    if remote is None:
        raise UsageError(
            "that is no web address of a git repository", "git credential-azdo explain https://..."
        )
    server = None if remote.services else registry.server(remote.address)
    found: dict[str, object] = {
        "ours": remote.services or server is not None,
        "host": remote.host,
        "organization": remote.organization,
        "account": None,
        "reason": "not Azure DevOps, and not a registered server",
        "candidates": [],
        "token": None,
        "get": SILENT,
        "git_sends_path": with_path,
    }
    if remote.services:
        found.update(_services(remote, registry))
    elif server is not None:
        typed = rules.matching_typed(remote, None, remote.user, registry.typed)
        found["reason"] = "a registered server, with a typed credential" if typed else "a registered server"
        found["get"] = ANSWERS if typed else SILENT
    others = config.others(entries, url)
    found["other_helpers"] = [f"{other.said}; {other.cure}" for other in [*others.before, *others.receiving]]
    return found


def _services(remote: Remote, registry: Registry) -> dict[str, object]:
    if remote.protocol != "https":
        return {
            "reason": "Azure DevOps over http is refused: a token would travel in clear text",
            "get": QUITS,
        }
    choice = rules.choose(remote, None, registry)
    accounts = registry.accounts
    found: dict[str, object] = {
        "organization": choice.organization,
        "reason": choice.reason,
        "candidates": [unique_name(account, accounts) for account in choice.candidates],
    }
    variable = variable_for(remote, choice, os.environ)
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
    if choice.typed:
        return {**found, "get": ANSWERS}
    return {**found, "get": QUITS if choice.outcome == rules.AMBIGUOUS else SILENT}


def _print(found: dict[str, object]) -> None:
    for key, value in found.items():
        if value is None or value == []:
            continue
        words = "yes" if value is True else "no" if value is False else value
        text = ", ".join(str(each) for each in words) if isinstance(words, list) else str(words)
        click.echo(f"{key.replace('_', ' ') + ':':<16}{text}")
