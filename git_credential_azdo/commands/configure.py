"""``configure``: let git ask us for Azure DevOps and the registered servers. ``unconfigure`` takes it back; accounts stay.

``setup`` and ``server`` configure, too. What our file of git's configuration holds is made anew each time, from what the accounts file says.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import click

from git_credential_azdo import hints, programs
from git_credential_azdo.accounts.accounts_file import BINDING, LEARNED, SERVER
from git_credential_azdo.accounts.save import load_accounts
from git_credential_azdo.accounts.update import alone, update
from git_credential_azdo.commands import console
from git_credential_azdo.errors import UsageError, say
from git_credential_azdo.files import gitconfig_path
from git_credential_azdo.git import install
from git_credential_azdo.git.install import Section, script_path
from git_credential_azdo.git.target import Organization

if TYPE_CHECKING:
    from git_credential_azdo.accounts.accounts_file import AccountsFile
    from git_credential_azdo.git.edit import Record

_DEV_AZURE = Section("https://dev.azure.com", with_path=True)
_FORMER = _LOCK = "git-config"
"""The kind of block in which 0.1.0 listed what it wrote: for Azure DevOps, or for a ``server``."""


@click.command("configure")
@click.option("--dry-run", is_flag=True, help="Only show what would be written.")
def command(*, dry_run: bool) -> None:
    """Let git call this helper for Azure DevOps and the registered servers; other hosts keep their helpers."""
    if dry_run:
        _show(_plan(load_accounts(), services=True))
    else:
        write(services=True)


@click.command("unconfigure")
def unconfigure() -> None:
    """Take back what configure wrote to git's configuration; accounts stay. To write it again: configure."""
    accounts_file, own = load_accounts(), gitconfig_path()
    former = _records(accounts_file)
    try:
        plan = install.plan(own, records=former)
    except programs.NotFound:
        if os.path.lexists(own) or former:
            raise
        plan = None
    if plan and (plan.is_new or plan.changes):
        for line in plan.lines:
            console.err(line)
        with alone(_LOCK):
            _apply(plan, hints.unconfigure(), accounts_file)
        console.err("git no longer calls this helper")
    else:
        console.err("There was nothing to take back")


def write(known: AccountsFile | None = None, *, services: bool = False, ask: bool = False) -> None:
    """Show and write what git needs to call us; with ``ask``, a person's own file is changed only after a yes.

    ``known``: the accounts file as the caller has just written it. ``services``: for Azure DevOps too, though it was not
    configured before. Raise UsageError.
    """
    if ask:  # without the lock, which a question must not hold
        plan = _plan(known or load_accounts(), services=services)
        _show(plan)
        if plan.changes and not console.confirm("Write this?", default=True):
            console.err("git configuration is left as it is")
            return
    with alone(_LOCK):
        accounts_file = known or load_accounts()
        plan = _plan(accounts_file, services=services)
        if not ask:
            _show(plan)
        _apply(plan, hints.configure(), accounts_file)
    if plan.adds:
        console.err(f"To take it back: {hints.unconfigure()}")


def write_again() -> None:
    """Bring our file up to date with the accounts file, where git is configured. Raise UsageError."""
    if os.path.lexists(gitconfig_path()) or load_accounts().of_kind(_FORMER):
        write()


def _apply(plan: install.Plan, again: str, accounts_file: AccountsFile) -> None:
    """Write a plan, and forget what it replaces. Raise UsageError, whose hint ends in the command to run again."""
    try:
        install.apply(plan)
    except UsageError as error:
        raise UsageError(error.message, f"{error.hint} && {again}" if error.hint else None) from None
    if accounts_file.of_kind(_FORMER):
        update(_forget_former)


def _forget_former(accounts_file: AccountsFile) -> None:
    accounts_file.blocks = [block for block in accounts_file.blocks if block.get("kind") != _FORMER]


def _records(accounts_file: AccountsFile) -> list[Record]:
    """Return what 0.1.0 remembered of what it wrote."""
    blocks = accounts_file.of_kind(_FORMER)
    found = (tuple(pair for pair in each.pairs if pair[0] not in {"kind", "server"}) for each in blocks)
    return [record for record in found if record]


def _plan(accounts_file: AccountsFile, *, services: bool) -> install.Plan:
    script = script_path(sys.argv[0])
    if script is None:
        raise UsageError("git-credential-azdo is not on PATH, so git could not call it", hints.by_hand())
    own = gitconfig_path()
    services = (
        services
        or f'"{_DEV_AZURE.url}"'.encode() in install.own_content(own)
        or any(not block.get("server") for block in accounts_file.of_kind(_FORMER))
    )
    sections = _sections(accounts_file, services=services)
    return install.plan(own, sections, script, _records(accounts_file))


def _sections(accounts_file: AccountsFile, *, services: bool) -> list[Section]:
    organizations = tuple(f"https://{name}.visualstudio.com" for name in _organizations(accounts_file))
    visual_studio = Section("https://*.visualstudio.com", also=organizations)
    return [
        *([_DEV_AZURE, visual_studio] if services else []),
        *(Section(address, with_path=True) for address in accounts_file.services_addresses),
        *(Section(block.get("address")) for block in accounts_file.of_kind(SERVER)),
    ]


def _organizations(accounts_file: AccountsFile) -> list[Organization]:
    """Return the organizations of Azure DevOps Services that the accounts file knows, sorted."""
    names = [name for account in accounts_file.accounts for name in account.listed]
    names += [block.get("organization") for block in accounts_file.of_kind(LEARNED)]
    names += [block.get("target").partition("/")[0] for block in accounts_file.of_kind(BINDING)]
    return sorted({organization for name in names if (organization := Organization.read(name))})


def _show(plan: install.Plan) -> None:
    if plan.changes:
        console.err("git configuration:")
        for line in plan.lines:
            console.err(f"  {line}")
    else:
        console.err(f"git configuration: {f'updated {plan.own}' if plan.is_new else 'already in place'}")
    for other in plan.remaining:
        say("error", f"{other.description} is asked too, and configure cannot overrule it")
        say("hint", other.hint)
