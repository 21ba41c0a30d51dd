"""``use``: choose the account for an organization, for a repository, or as the default."""

from __future__ import annotations

import click

from git_credential_azdo import hints
from git_credential_azdo.accounts.account import Account
from git_credential_azdo.accounts.accounts_file import AccountsFile
from git_credential_azdo.accounts.choice import answers_to, unique_name
from git_credential_azdo.accounts.save import account_named, address_of
from git_credential_azdo.accounts.update import update
from git_credential_azdo.commands import console
from git_credential_azdo.commands.parsing import ACCOUNT, ORG
from git_credential_azdo.errors import UsageError
from git_credential_azdo.git.address import message_for
from git_credential_azdo.git.config import read_config, remotes
from git_credential_azdo.git.target import SERVICES_HOST, AnyOrganization

Binding = tuple[str, AnyOrganization | None]
"""An organization or ``organization/project/repository``, and the organization; ("", None): everything else."""

_ALL_ELSE: Binding = ("", None)


@click.command("use")
@click.argument("name", **{**ACCOUNT, "metavar": "[ACCOUNT]"}, required=False)
@click.option("--org", "organization", **ORG, help="For this organization.")
@click.option("--repo", "repository", is_flag=True, help="For the repository in the current folder.")
@click.option("--default", "default", is_flag=True, help="Where no other choice applies.")
@click.option("--unset", is_flag=True, help="Undo such a choice.")
def command(
    name: str | None, *, organization: AnyOrganization | None, repository: bool, default: bool, unset: bool
) -> None:
    """Choose the account for an organization, for this repository, or as the default."""
    places = [bool(organization), repository, default].count(True)
    if places > 1:
        raise UsageError("--org, --repo and --default cannot be used together", hints.help_of("use"))
    if unset and (name or not places):
        raise UsageError("--unset takes --org, --repo or --default, and no ACCOUNT", hints.help_of("use"))
    if not unset and not name:
        raise UsageError("missing ACCOUNT", hints.accounts())
    known = AccountsFile.load()
    if name and not any(answers_to(each, name) for each in known.accounts):
        account_named(name, known.accounts)  # raises why
    if organization:
        binding: Binding = organization, organization
    elif repository:
        binding = _this_repository(known, name)
    else:
        binding = _ALL_ELSE if default else _asked(name or "", known)
    account = _fitting(name, binding[1], known) if name else None
    update(lambda accounts_file: _choose(accounts_file, account, binding[0]))
    if account:
        console.out(f"{unique_name(account, known.accounts)} serves {_shown(binding)}")
    else:
        console.out(f"{_shown(binding)} no longer has a chosen account")


def _shown(binding: Binding) -> str:
    target, of = binding
    if not target:
        return "everything without another choice"
    return f"the {'organization' if target == of else 'repository'} {target}"


def _fitting(name: str, of: AnyOrganization | None, known: AccountsFile) -> Account:
    """Return the account that a name refers to, preferably one that can serve the organization. Raise UsageError."""

    def fits(account: Account) -> bool:
        return of is None or (address_of([of], known) == account.address and account.can_serve(of))

    fitting = [each for each in known.accounts if answers_to(each, name) and fits(each)]
    account = account_named(name, fitting or known.accounts)
    if of is None or fitting:
        return account
    kind = "token" if account.is_pat else "sign-in"
    raise UsageError(
        f"{account.label} is a {kind} for {account.listed_names or account.address}, not for {of}",
        hints.setup_pat(of) if account.is_pat else hints.setup(of),
    )


def _choose(accounts_file: AccountsFile, account: Account | None, target: str) -> None:
    for each in accounts_file.accounts:
        if not target and (account is None or each.address == account.address):
            each.block.set("default", "1" if account and each.id == account.id else None)
        if account and each.id == account.id:
            each.block.set_all("rejected[]", [])
    if target and account:
        accounts_file.bind(target, account.id)
    elif target:
        accounts_file.unbind(target)


def _asked(name: str, known: AccountsFile) -> Binding:
    """Ask the user what the account is for, and return it. Raise UsageError without a terminal."""
    if not console.can_ask():
        cure = hints.use(name, default=True)
        raise UsageError("missing --org, --repo or --default: what the account is for", cure)
    offered = [_ALL_ELSE]
    for target, of in [*_found_here(known).values()][:1]:
        offered += [(of, of), (target, of)]
    console.err(f"What does {name} serve?")
    return offered[console.choose("Choose", list(map(_shown, offered)))]


def _found_here(known: AccountsFile) -> dict[str, tuple[str, AnyOrganization]]:
    """Return ``organization/project/repository`` and the organization of each remote here that has one, ``origin`` first."""
    targets = {remote: known.target_of(message_for(url)) for remote, url in remotes(read_config()).items()}
    return {
        remote: (target.repository, target.organization)
        for remote, target in targets.items()
        if target and target.repository and target.organization
    }


def _this_repository(known: AccountsFile, name: str | None) -> tuple[str, AnyOrganization]:
    """Return the repository of ``origin``, else of the only remote. Raise UsageError."""
    found = _found_here(known)
    if "origin" not in found and len(set(found.values())) != 1:
        what = "several remotes of this folder's repository are" if found else "this folder has no remote"
        cure = hints.use(name, hints.ORGANIZATION) if name else hints.help_of("use")
        raise UsageError(f"{what} on {SERVICES_HOST}", cure)
    return next(iter(found.values()))
