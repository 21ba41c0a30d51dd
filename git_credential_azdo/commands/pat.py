"""``pat``: create, list, revoke and rotate personal access tokens with the user's own sign-in. Must never do so silently.

A new token is saved as an account and printed only with ``--show``. ``rotate`` checks and saves the new token before it
revokes the old one.
"""

from __future__ import annotations

import socket
from collections.abc import Mapping, Sequence

import click

from git_credential_azdo import hints
from git_credential_azdo.accounts.account import Account, Block, number
from git_credential_azdo.accounts.accounts_file import UNSAVED, AccountsFile
from git_credential_azdo.accounts.choice import unique_name
from git_credential_azdo.accounts.update import forget, holding_lock
from git_credential_azdo.commands import console, parsing
from git_credential_azdo.commands import pat_lifecycle as lifecycle
from git_credential_azdo.commands.parsing import FORMAT, Verbs
from git_credential_azdo.devops import pats
from git_credential_azdo.errors import (
    AzdoError,
    SignInError,
    UsageError,
    holds_token,
    may_repeat,
    report,
    say,
)
from git_credential_azdo.git.target import AnyOrganization
from git_credential_azdo.vault import vaults

_COLUMNS = ("id", "name", "organization", "scope", "ends", "account")
_ONE = click.option("--org", "organization", required=True, **parsing.ORG, help="Organization of the token.")
_ANY = click.option("--org", "organization", **parsing.ORG, help="Only this organization.")
_ACCOUNT = click.option("--account", "name", **parsing.ACCOUNT, help="Signed-in account to use.")
_DAYS = click.IntRange(1, 365)  # what Azure DevOps allows at most
_USUAL_DAYS = 90
_SCOPES = f"A scope of the token; repeatable [default: {pats.GIT_SCOPE}]."


@click.group(
    "pat",
    cls=Verbs,
    synonyms={
        **dict.fromkeys(("delete", "remove", "rm"), "revoke"),
        **dict.fromkeys(("new", "add"), "create"),
        "ls": "list",
        "renew": "rotate",
    },
)
def command() -> None:
    """Create, list, revoke and rotate personal access tokens."""


@command.command("create")
@_ONE
@_ACCOUNT
@click.option("--days", type=_DAYS, default=_USUAL_DAYS, show_default=True, help="Days until it expires.")
@click.option("--scope", "scopes", multiple=True, metavar="SCOPE", help=_SCOPES)
@click.option("--name", "token_name", metavar="NAME", help="The token's name in Azure DevOps.")
@click.option("--show", is_flag=True, help="Print the token.")
def create(
    organization: AnyOrganization,
    *,
    name: str | None,
    days: int,
    scopes: tuple[str, ...],
    token_name: str | None,
    show: bool,
) -> None:
    """Create a token for ORG and save it, so that git uses it there."""
    if token_name and holds_token(token_name):
        raise UsageError("--name is the token's name, not a token", hints.help_of("pat", "create"))
    scope = " ".join(" ".join(scopes).split()) or pats.GIT_SCOPE
    serves_git = pats.reads_code(scope)
    if not serves_git and not show:
        raise UsageError(
            f"a token with {scope if may_repeat(scope) else 'that scope'} does not let git read code, so it would not be saved",
            "to print it instead, add --show",
        )
    request = lifecycle.PatRequest(token_name or _usual_name(organization), scope, days)
    with holding_lock(lifecycle.LOCK):
        before = AccountsFile.load()
        session = lifecycle.session_for(organization, name, before)
        lifecycle.finish(session)
        if serves_git:
            vault_name = vaults.find(None, before.header.get("vault"))
            account, made = lifecycle.make_and_save(session, request, vault_name)
            said = f"Saved in {account.vault}; git uses it for {organization}"
        else:
            block, made = lifecycle.make(session, request)
            said = "Not saved: its scopes do not let git read code"
        _report_created(made, session)
        console.err(said)
        now = AccountsFile.load()
        for identifier in lifecycle.created_here(before).keys() - lifecycle.created_here(now).keys():
            say("hint", f"the previous token still works: {session.revocation(identifier)}")
        console.err(f"To revoke it: {session.revocation(made.id)}")
        if show:
            console.secret(made.token)
        if not serves_git:  # it was printed, so the user has it
            lifecycle.forget(block)


@command.command("list")
@_ANY
@_ACCOUNT
@FORMAT
def list_(organization: AnyOrganization | None, name: str | None, form: str) -> int:
    """List your tokens, in ORG or everywhere."""
    accounts_file = AccountsFile.load()
    rows: dict[str, dict[str, str | None]] = {}
    left: list[tuple[lifecycle.PatSession, Block, pats.Pat]] = []
    failed = False
    saved = lifecycle.created_here(accounts_file)
    for each in _organizations(organization, accounts_file):
        try:
            session = lifecycle.session_for(each, name, accounts_file)
            active = session.ask(pats.active)
            for token in active:
                rows.setdefault(token.id, _row(token, each, saved.get(token.id), accounts_file))
            for block, unsaved in lifecycle.unsaved_tokens(session, active, accounts_file):
                if unsaved:
                    left.append((session, block, unsaved))
                else:
                    lifecycle.forget_if_old(block)
        except AzdoError as error:
            failed = True
            report(error)
    if form == "json":
        console.json(list(rows.values()))
    elif rows:
        console.table(([row[name] for name in _COLUMNS] for row in rows.values()), _COLUMNS, least="scope")
    elif not failed:
        say("hint", "no active personal access token was found")
    _name_left(left)
    return 1 if failed else 0


def _name_left(tokens: Sequence[tuple[lifecycle.PatSession, Block, pats.Pat]]) -> None:
    """Name the tokens that a run neither saved nor revoked; wait first for a run that may still do so."""
    if tokens:
        with holding_lock(lifecycle.LOCK):
            still = {block.get("id") for block in AccountsFile.load().of_kind(UNSAVED)}
    for session, block, token in tokens:
        if block.get("id") in still:
            say("hint", f"an interrupted run left {token.name!r}: {session.revocation(token.id)}")


@command.command("revoke")
@click.argument("token", metavar="ID|NAME")
@_ONE
@_ACCOUNT
def revoke(token: str, organization: AnyOrganization, name: str | None) -> None:
    """Revoke a token of ORG, and remove its account here."""
    with holding_lock(lifecycle.LOCK):
        accounts_file = AccountsFile.load()
        session = lifecycle.session_for(organization, name, accounts_file)
        active, saved = session.ask(pats.active), lifecycle.created_here(accounts_file)
        identifier, shown = _meant(token, active, saved, organization)
        existed = session.ask(pats.revoke, identifier)
        account = saved.get(identifier)
        if account:
            forget(account)
        for block, left in lifecycle.unsaved_tokens(session, active, accounts_file):
            if left is None or left.id == identifier:
                lifecycle.forget(block)
    what = f"Revoked {shown}" if shown and existed else "The token was revoked or expired before"
    console.err(f"{what}{'; its account is removed' if account else ''}")


def _meant(
    token: str, active: Sequence[pats.Pat], saved: Mapping[str, Account], organization: AnyOrganization
) -> tuple[str, str]:
    """Return the id and the name of the token that an id or a name refers to. Raise UsageError for none, and for several."""
    word = token.lower()
    found = [each for each in active if each.id.lower() == word]
    found = found or [each for each in active if each.name.lower() == word]
    if len(found) > 1:
        ids = ", ".join(each.id for each in found)
        raise UsageError(f"several tokens are named {token}", f"use one of these ids: {ids}")
    if found:
        return found[0].id, found[0].name
    # A token that expired, or that an interrupted run revoked, is not listed, but its account here may be named.
    for identifier, account in saved.items():
        if word in {identifier, account.block.get("token_name").lower()} and account.lists(organization):
            return identifier, ""
    which = f"the id or name {token}" if may_repeat(token) else "that id or name"
    raise UsageError(
        f"{organization} has no active token of yours with {which}", hints.pat_list(organization)
    )


@command.command("rotate")
@_ANY
@_ACCOUNT
@click.option("--days", type=_DAYS, help="Days until the new token expires [default: same as the old one].")
def rotate(organization: AnyOrganization | None, name: str | None, days: int | None) -> int:
    """Replace tokens of pat create, and revoke the old ones."""
    with holding_lock(lifecycle.LOCK):  # of two runs, the second replaces what the first created
        accounts_file = AccountsFile.load()
        made = (each for each in lifecycle.created_here(accounts_file).values() if each.organizations)
        ours = [each for each in made if not organization or each.lists(organization)]
        done = [_rotate(each, name, days, accounts_file) for each in ours]
    if not ours:
        by_hand = any(
            each.is_pat and each.lists(organization) for each in accounts_file.accounts if organization
        )
        raise UsageError(
            f"the token for {organization} was not created by pat create"
            if by_hand
            else "no token here was created by pat create" + (f" for {organization}" if organization else ""),
            hints.pat_create(organization or hints.ORGANIZATION),
        )
    return 0 if all(done) else 1


def _rotate(old: Account, name: str | None, days: int | None, accounts_file: AccountsFile) -> bool:
    """Replace one token, report it, and return whether that succeeded."""
    organization, block = old.organizations[0], old.block
    made_by = accounts_file.account(block.get("made_by"))
    request = lifecycle.PatRequest(
        block.get("token_name") or _usual_name(organization),
        block.get("scope") or pats.GIT_SCOPE,
        days or number(block.get("days")) or _USUAL_DAYS,
    )
    try:
        session = lifecycle.session_for(
            organization, name or (made_by.id if made_by else None), accounts_file
        )
        lifecycle.finish(session)
        replaced = lifecycle.unsaved_block(session, authorization_id=block.get("authorization_id"))
        _, made = lifecycle.make_and_save(session, request, old.vault, instead_of=old.id, to_revoke=replaced)
    except AzdoError as error:
        report(AzdoError(f"the token for {organization} was not replaced: {error.message}", error.hint))
        return False
    _report_created(made, session)
    if not session.revoke_or_report(replaced.get("authorization_id")):
        return False
    lifecycle.forget(replaced)
    console.err("Revoked the old token")
    return True


def _usual_name(organization: AnyOrganization) -> str:
    return f"git {organization} on {socket.gethostname()}"


def _organizations(given: AnyOrganization | None, accounts_file: AccountsFile) -> list[AnyOrganization]:
    if given:
        return [given]
    persons = [account for account in accounts_file.accounts if account.kind in lifecycle.PERSONS]
    found = {name for account in persons for name in account.organizations}
    if not found and persons:
        raise UsageError("no signed-in account lists an organization", hints.pat_list())
    if not found:
        raise SignInError("there is no signed-in account, and only one can manage tokens", hints.setup())
    return sorted(found)


def _row(
    token: pats.Pat, organization: str, saved: Account | None, accounts_file: AccountsFile
) -> dict[str, str | None]:
    return {
        "id": token.id,
        "name": token.name,
        "organization": "all" if token.all_organizations else organization,
        "scope": "full access" if token.scope == "app_token" else token.scope,
        "ends": console.day(token.expires_utc),
        "account": unique_name(saved, accounts_file.accounts) if saved else None,
    }


def _report_created(made: pats.Pat, session: lifecycle.PatSession) -> None:
    end = f", until {console.day(made.expires_utc)}" if made.expires_utc is not None else ""
    console.err(f"Created the token {made.name!r} for {session.organization} as {session.account.label}{end}")
