"""``import``, second part: each found token is checked with its organization, and kept if that takes it.

Nothing that an account here serves is taken away from it: an import never changes who answers for an organization.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from git_credential_azdo import devops
from git_credential_azdo.accounts.account import PAT
from git_credential_azdo.accounts.choice import choose
from git_credential_azdo.accounts.naming import unique_name
from git_credential_azdo.accounts.update import update
from git_credential_azdo.commands import typed
from git_credential_azdo.commands.enrol import Newcomer, bind, current_registry, enrol, now, printable
from git_credential_azdo.errors import AzdoError, ServiceError, report, say
from git_credential_azdo.git.network import settings_for
from git_credential_azdo.git.wire import Message
from git_credential_azdo.web import Web

if TYPE_CHECKING:
    from git_credential_azdo.accounts.account import Account
    from git_credential_azdo.accounts.registry import Registry
    from git_credential_azdo.git.remote import Remote
    from git_credential_azdo.importing.entry import Entry

CHECK_SECONDS = 30.0
MOST_AT_ONCE = 8


@dataclass
class Row:
    """One found entry, what it is for, and what is done with it (``then``, in words for a person)."""

    entry: Entry
    remote: Remote
    organization: str | None
    user: str
    then: str = ""


def copy(rows: list[Row], vault_name: str) -> tuple[int, int]:
    """Keep what the rows hold; return how many tokens were kept, and how many could not be asked for or written.

    Says on stderr what became of each; a refused one is no failure.
    """
    with ThreadPoolExecutor(MOST_AT_ONCE) as pool:  # bounded: each check has its deadline
        checked = list(pool.map(_check, rows))
    kept = failed = 0
    for row, answer in zip(rows, checked, strict=True):
        try:
            if isinstance(answer, ServiceError):
                _say_skipped(row, answer)
            elif isinstance(answer, AzdoError):
                raise answer
            elif answer is None:
                _keep_typed(row)
            else:
                kept += _keep_token(row, answer, vault_name)
        except AzdoError as error:
            failed += 1
            report(error)
    return kept, failed


def _check(row: Row) -> devops.Identity | AzdoError | None:
    """Ask the organization whose token it is and whether it may read code; None for a server's credential."""
    if row.organization is None:
        return None
    authorization = devops.basic(row.entry.secret)
    try:
        with Web(CHECK_SECONDS, settings_for) as web:
            identity = devops.who_am_i(web, row.organization, authorization)
            devops.check_code_scope(web, row.organization, authorization)
    except AzdoError as error:
        return error
    return identity


def _say_skipped(row: Row, error: ServiceError) -> None:
    reason = error.message
    if isinstance(error, devops.Refused):
        reason = (
            f"the organization {row.organization} does not accept it: expired, revoked, of another organization, "
            "or without the scope Code (read)"
        )
    say("error", f"skipped the token in {row.entry.where}: {reason}")


def _keep_typed(row: Row) -> None:
    pairs = [*row.entry.about.fields.items(), ("password", row.entry.secret)]
    if row.remote.user is None:
        pairs.append(("username", ""))
    if row.entry.expires_utc:
        pairs.append(("password_expiry_utc", row.entry.expires_utc))
    typed.store(Message(pairs), row.remote, current_registry())
    click.echo(f"Kept for {row.remote.address}: what was typed for {row.user or 'any user'}", err=True)


def _keep_token(row: Row, identity: devops.Identity, vault_name: str) -> int:
    """Keep the token as an account of its organization; return how many accounts that made: one or none."""
    organization = row.organization or ""
    name = printable(identity.name) or identity.id
    registry = current_registry()
    for account in registry.accounts:
        if account.lists(organization) and account.name.lower() == name.lower():
            known = unique_name(account, registry.accounts)
            click.echo(f"Skipped: {known} ({account.kind}) serves {organization} already", err=True)
            return 0
    led_by = _serving(organization, registry)
    token = row.entry.secret
    enrol(
        Newcomer(
            kind=PAT,
            fields=[("name", name), ("expires_utc", row.entry.expires_utc)],
            alias=None,
            secrets={"pat": [("token", token)]},
            tokens=[("", token, now())],
            chosen=[],
            found=[organization],
            tenants={},
            replaces=lambda _older: False,
        ),
        vault_name,
    )
    if led_by:
        update(lambda fresh: _let_lead(fresh, organization, led_by))
    click.echo(f"Kept for {organization}: the token of {name}", err=True)
    return 1


def _serving(organization: str, registry: Registry) -> Account | None:
    """Return the account that was set up for the organization and answers for it now."""
    remote = registry.remote_at(organization)
    choice = choose(remote, None, registry) if remote else None
    return choice.account if choice and choice.deliberate else None


def _let_lead(registry: Registry, organization: str, leader: Account) -> None:
    remote = registry.remote_at(organization)
    taken = choose(remote, None, registry).account if remote else None
    if taken is None or taken.id != leader.id:
        bind(registry, organization, leader.id)
