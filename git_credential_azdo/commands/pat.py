"""``pat``: make, list, revoke and rotate personal access tokens with a person's own sign-in. Never silently.

A token that is made here is kept as an account and not printed unless told to. ``rotate`` has the new token checked and
kept before the old one is revoked.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import click

from git_credential_azdo import hints
from git_credential_azdo.accounts.account import number
from git_credential_azdo.accounts.naming import unique_name
from git_credential_azdo.accounts.save import forget, load_accounts, organization_names
from git_credential_azdo.commands import console
from git_credential_azdo.commands import pat_making as making
from git_credential_azdo.commands.parsing import Verbs
from git_credential_azdo.devops import pats
from git_credential_azdo.errors import AzdoError, UsageError, report, say
from git_credential_azdo.git.target import may_repeat
from git_credential_azdo.vault import vaults
from git_credential_azdo.web import HttpClient

if TYPE_CHECKING:
    from git_credential_azdo.accounts.account import Account
    from git_credential_azdo.accounts.accounts_file import AccountsFile
    from git_credential_azdo.git.target import AnyOrganization

_MOST_DAYS = 365  # what Azure DevOps allows at most
_COLUMNS = ("id", "name", "organization", "scope", "ends", "kept_as")
_ONE = click.option("--org", "organization", required=True, metavar="ORG", help="The organization.")
_ANY = click.option("--org", "organization", metavar="ORG", help="This organization only.")
_ACCOUNT = click.option("--account", "name", metavar="ACCOUNT", help="The account that signs for it.")
_DAYS = click.IntRange(1, _MOST_DAYS)


@click.group("pat", cls=Verbs, no_args_is_help=False)
def command() -> None:
    """Make, list, revoke and rotate personal access tokens with your own sign-in."""


@command.command("create")
@_ONE
@_ACCOUNT
@click.option("--days", type=_DAYS, default=making.USUAL_DAYS, show_default=True, help="How long it lives.")
@click.option(
    "--scope", "scopes", multiple=True, metavar="SCOPE", help=f"What it may do (usually {pats.GIT_SCOPE})."
)
@click.option("--name", "token_name", metavar="NAME", help="Its name at Azure DevOps.")
@click.option("--show", is_flag=True, help="Print the token.")
def create(
    organization: str,
    *,
    name: str | None,
    days: int,
    scopes: tuple[str, ...],
    token_name: str | None,
    show: bool,
) -> None:
    """Make a token for ORG and keep it, so that git uses it there."""
    wanted = organization_names((organization,))[0]
    usual = making.default_request(wanted)
    scope = " ".join(" ".join(scopes).split()) or usual.scope
    wish = replace(usual, name=token_name or usual.name, scope=scope, days=days)
    if not pats.reads_code(scope) and not show:
        raise UsageError(
            f"a token with {scope if may_repeat(scope) else 'that scope'} cannot serve git, so it would not be kept",
            "print it with --show",
        )
    before = load_accounts()
    session = making.session_for(wanted, name, before)
    if not pats.reads_code(scope):
        made = making.make(session, wish)
        _tell_made(made, wanted, session.account)
        console.err("It cannot serve git, so it is not kept here")
    else:
        vault_name = vaults.find(None, before.header.get("vault") or None)
        account, made = making.make_and_keep(session, wish, vault_name)
        _tell_made(made, wanted, session.account)
        console.err(f"It is kept ({account.vault}), and git uses it for {wanted} from now on")
        for identifier in making.kept_by_id(before).keys() - making.kept_by_id(load_accounts()).keys():
            say("hint", f"the token before it still works: {hints.pat_revoke(identifier, wanted)}")
    console.err(f"To end it: {hints.pat_revoke(made.id, wanted)}")
    if show:
        console.secret(made.token)


@command.command("list")
@_ANY
@_ACCOUNT
@click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", help="How to print it."
)
def list_(organization: str | None, name: str | None, form: str) -> int:
    """List your tokens, of ORG or of every organization of your accounts."""
    accounts_file = load_accounts()
    rows: dict[str, dict[str, str | None]] = {}
    failed = False
    kept = making.kept_by_id(accounts_file)
    for each in _organizations(organization, accounts_file):
        try:
            for token in _active(making.session_for(each, name, accounts_file)):
                rows.setdefault(token.id, _row(token, each, kept.get(token.id), accounts_file))
        except AzdoError as error:
            failed = True
            report(error)
    if form == "json":
        console.json(list(rows.values()))
    elif rows:
        console.table(([row[name] for name in _COLUMNS] for row in rows.values()), _COLUMNS)
    elif not failed:
        say("hint", "you have no personal access token there")
    return 1 if failed else 0


@command.command("revoke")
@click.argument("token", metavar="ID|NAME")
@_ONE
@_ACCOUNT
def revoke(token: str, organization: str, name: str | None) -> None:
    """Revoke a token of ORG at Azure DevOps, and forget it here."""
    wanted = organization_names((organization,))[0]
    accounts_file = load_accounts()
    session = making.session_for(wanted, name, accounts_file)
    known = _active(session)
    found = [each for each in known if each.id.lower() == token.lower()] or [
        each for each in known if each.name.lower() == token.lower()
    ]
    kept = making.kept_by_id(accounts_file)
    if len(found) > 1:
        ids = ", ".join(each.id for each in found)
        raise UsageError(f"several tokens are named {token}", f"use one of these ids: {ids}")
    # An expired one is not listed; one that we keep can be named all the same.
    identifier = found[0].id if found else next((each for each in kept if each == token.lower()), None)
    if identifier is None:
        raise UsageError(
            f"{wanted} has no living token of yours with the id or name {token}"
            if may_repeat(token)
            else f"{wanted} has no living token of yours with that id or name",
            hints.pat_list(wanted),
        )
    with HttpClient(making.ASK_SECONDS) as web:
        existed = pats.revoke(web, session.organization, session.authorization, identifier)
    account = kept.get(identifier)
    if account:
        forget(account)
    what = f"{found[0].name} is revoked" if found and existed else "it was revoked or had ended before"
    console.err(f"{what}{', and forgotten here' if account else ''}")


@command.command("rotate")
@_ANY
@_ACCOUNT
@click.option("--days", type=_DAYS, help="How long the new one lives; else as long as the old one was to.")
def rotate(organization: str | None, name: str | None, days: int | None) -> int:
    """Replace the tokens made here: a new one is checked and kept, then the old one is revoked."""
    wanted = organization_names((organization,))[0] if organization else None
    accounts_file = load_accounts()
    made = (each for each in making.kept_by_id(accounts_file).values() if each.organizations)
    ours = [each for each in made if not wanted or each.lists(wanted)]
    if not ours:
        by_hand = any(each.is_pat and each.lists(wanted) for each in accounts_file.accounts if wanted)
        raise UsageError(
            f"the token for {wanted} was made by hand, so it has to be replaced by hand once"
            if by_hand
            else "no token here was made by pat create" + (f" for {wanted}" if wanted else ""),
            hints.pat_create(wanted or "ORG"),
        )
    done = [_rotate(each, name, days, accounts_file) for each in ours]
    return 0 if all(done) else 1


def _rotate(old: Account, name: str | None, days: int | None, accounts_file: AccountsFile) -> bool:
    """Replace one token; say what came of it, and return whether all went well."""
    organization = old.organizations[0]
    made_by = accounts_file.account(old.block.get("made_by"))
    usual = making.default_request(organization)
    wish = making.PatRequest(
        old.block.get("token_name") or usual.name,
        old.block.get("scope") or usual.scope,
        days or number(old.block.get("days")) or usual.days,
    )
    try:
        session = making.session_for(organization, name or (made_by.id if made_by else None), accounts_file)
        _, made = making.make_and_keep(session, wish, old.vault, instead_of=old.id)
    except AzdoError as error:
        say("error", f"the token for {organization} stays as it is: {error.message}")
        if error.hint:
            say("hint", error.hint)
        return False
    _tell_made(made, organization, session.account)
    if not making.revoke_or_say(session, old.block.get("authorization_id")):
        return False
    console.err("The old one is revoked")
    return True


def _active(session: making.PatSession) -> list[pats.Pat]:
    with HttpClient(making.ASK_SECONDS) as web:
        return pats.active(web, session.organization, session.authorization)


def _organizations(given: str | None, accounts_file: AccountsFile) -> list[AnyOrganization]:
    if given:
        return organization_names((given,))
    found = {
        name
        for account in accounts_file.accounts
        if account.kind in making.PERSONS
        for name in account.organizations
    }
    if not found:
        raise UsageError("no sign-in here lists an organization", hints.pat_list())
    return sorted(found)


def _row(
    token: pats.Pat, organization: str, kept: Account | None, accounts_file: AccountsFile
) -> dict[str, str | None]:
    return {
        "id": token.id,
        "name": token.name,
        "organization": "all" if token.everywhere else organization,
        "scope": "full access" if token.scope == "app_token" else token.scope,
        "ends": console.day(token.expires_utc),
        "kept_as": unique_name(kept, accounts_file.accounts) if kept else None,
    }


def _tell_made(made: pats.Pat, organization: str, account: Account) -> None:
    end = f", until {console.day(made.expires_utc)}" if made.expires_utc is not None else ""
    console.err(f"Made the token {made.name!r} for {organization} as {account.label}{end}")
