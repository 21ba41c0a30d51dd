"""``use``: choose the account for an organization, for a repository, or as the default."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import click

from git_credential_azdo import hints
from git_credential_azdo.accounts.naming import account_named, answers_to, listed_names, unique_name
from git_credential_azdo.accounts.save import load_accounts, organization_names, place_of
from git_credential_azdo.accounts.update import update
from git_credential_azdo.commands import console
from git_credential_azdo.commands.parsing import ACCOUNT, ORG
from git_credential_azdo.errors import UsageError
from git_credential_azdo.git.address import message_for, remotes
from git_credential_azdo.git.config import read_config
from git_credential_azdo.hosts import SERVICES_HOST

if TYPE_CHECKING:
    from git_credential_azdo.accounts.account import Account
    from git_credential_azdo.accounts.accounts_file import AccountsFile
    from git_credential_azdo.git.target import AnyOrganization


@click.command("use")
@click.argument("name", **ACCOUNT, required=False)
@click.option("--org", "organization", **ORG, help="For this organization.")
@click.option("--repo", "repository", is_flag=True, help="For the repository in the current folder.")
@click.option("--default", "default", is_flag=True, help="Where no other choice applies.")
@click.option("--unset", is_flag=True, help="Take such a choice back.")
def command(
    name: str | None, *, organization: str | None, repository: bool, default: bool, unset: bool
) -> None:
    """Choose the account for an organization, for this repository, or as the default."""
    if [bool(organization), repository, default].count(True) > 1:
        raise UsageError("--org, --repo and --default cannot be used together", hints.help_of("use"))
    known = load_accounts()
    if unset:
        if name or not (organization or repository or default):
            raise UsageError("--unset takes --org, --repo or --default, and no ACCOUNT", hints.help_of("use"))
        place = _place(known, "", organization, repository=repository)
        update(lambda accounts_file: _choose(accounts_file, None, place))
        console.out(f"no account is chosen for {place.shown} any more")
        return
    if not name:
        raise UsageError("missing ACCOUNT", hints.accounts())
    if not any(answers_to(each, name) for each in known.accounts):
        account_named(name, known.accounts)  # raises why
    if not (organization or repository or default):
        organization, repository = _asked(name, known)
    place = _place(known, name, organization, repository=repository)
    fitting = [each for each in known.accounts if answers_to(each, name) and _fits(each, place, known)]
    account = account_named(name, fitting or known.accounts)
    if not _fits(account, place, known):
        of = place.organization or ""
        kind = "token" if account.is_pat else "sign-in"
        raise UsageError(
            f"{account.label} is a {kind} for {listed_names(account) or account.address}, not for {of}",
            hints.setup_pat(of) if account.is_pat else hints.setup(of),
        )
    update(lambda accounts_file: _choose(accounts_file, account, place))
    console.out(f"{unique_name(account, known.accounts)} serves {place.shown}")


class _Place(NamedTuple):
    """What an account is chosen for: an organization, a repository of it, or (empty) all that nothing else decides."""

    target: str
    organization: AnyOrganization | None
    shown: str


def _place(known: AccountsFile, name: str, organization: str | None, *, repository: bool) -> _Place:
    if organization:
        of = organization_names((organization,), lambda: known)[0]
        return _Place(of, of, f"the organization {of}")
    if repository:
        target, of = _this_repository(known, name)
        return _Place(target, of, f"the repository {target}")
    return _Place("", None, "everything without another choice")


def _fits(account: Account, place: _Place, known: AccountsFile) -> bool:
    of = place.organization
    return of is None or (place_of([of], known) == account.address and account.can_serve(of))


def _choose(accounts_file: AccountsFile, account: Account | None, place: _Place) -> None:
    for each in accounts_file.accounts:
        if not place.target and (account is None or each.address == account.address):
            each.block.set("default", "1" if account and each.id == account.id else None)
        if account and each.id == account.id:
            each.block.set_all("rejected[]", [])
    if place.target and account:
        accounts_file.bind(place.target, account.id)
    elif place.target:
        accounts_file.unbind(place.target)


def _asked(name: str, known: AccountsFile) -> tuple[str | None, bool]:
    """Return --org and --repo as a person chooses them; --default is neither. Raise UsageError without a terminal."""
    if not console.can_ask():
        raise UsageError(
            "missing --org, --repo or --default: what the account is for", hints.use(name, default=True)
        )
    target, of = next(iter(_found_here(known).values()), ("", None))
    offered = ["everything without another choice"]
    offered += [f"the organization {of}", f"the repository {target}"] if of else []
    console.err(f"What does {name} serve?")
    chosen = console.choose("Choose", offered)
    return (of if chosen == 1 else None), chosen == 2  # noqa: PLR2004 - the places above


def _found_here(known: AccountsFile) -> dict[str, tuple[str, AnyOrganization]]:
    """Return ``organization/project/repository`` and the organization of each remote here that has one."""
    found = {}
    for remote, url in remotes(read_config()).items():
        target = known.target_of(message_for(url))
        if target and target.repository and target.organization:
            found[remote] = target.repository, target.organization
    return found


def _this_repository(known: AccountsFile, name: str) -> tuple[str, AnyOrganization]:
    """Return the same of ``origin``, else of the only one. Raise UsageError; ``name`` is the account, for its hint."""
    found = _found_here(known)
    if "origin" not in found and len(set(found.values())) != 1:
        what = "several remotes of this folder's repository are" if found else "this folder has no remote"
        cure = hints.use(name, hints.ORGANIZATION) if name else hints.help_of("use")
        raise UsageError(f"{what} on {SERVICES_HOST}", cure)
    return found.get("origin") or next(iter(found.values()))
