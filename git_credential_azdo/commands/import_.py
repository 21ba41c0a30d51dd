"""``import``: takes over the credentials that other programs keep for git. Shows first, copies second, deletes never.

Only entries for Azure DevOps and for registered servers are looked at; those for other hosts are neither read nor
shown. A keyring or a key that is locked stays so.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from git_credential_azdo.accounts import choice as rules
from git_credential_azdo.accounts.account import AZURE_CLI
from git_credential_azdo.accounts.digest import digest
from git_credential_azdo.accounts.naming import unique_name
from git_credential_azdo.commands import setup_git
from git_credential_azdo.commands.enrol import current_registry, is_organization, printable
from git_credential_azdo.commands.import_copy import Row, copy
from git_credential_azdo.errors import UsageError, report, say
from git_credential_azdo.git import config
from git_credential_azdo.importing import azure_profile, gcm_files, git_files, secret_service
from git_credential_azdo.vault.find import find_vault

if TYPE_CHECKING:
    from git_credential_azdo.accounts.registry import Registry
    from git_credential_azdo.git.wire import Message
    from git_credential_azdo.importing.entry import Entry, Find

COPY = "copy"
_COLUMNS = ("where", "what", "for", "user", "then")


@click.command("import")
@click.option("--yes", is_flag=True, help="Copy without asking.")
@click.option("--dry-run", is_flag=True, help="Only show what would be copied.")
@click.option("--vault", metavar="NAME", help="Where secrets are kept: keyring, file, or a backend's name.")
@click.option("--no-git-config", is_flag=True, help="Leave git's configuration alone.")
def command(*, yes: bool, dry_run: bool, vault: str | None, no_git_config: bool) -> int:
    """Take over what Git Credential Manager, git's own helpers and netrc keep for Azure DevOps; deletes nothing."""
    registry = current_registry()
    rows = _plan(_look_everywhere(registry), registry)
    if rows:
        _print(rows)
    else:
        click.echo("Nothing was found for Azure DevOps or a registered server")
    _offer_azure_cli(registry)
    wanted = [row for row in rows if row.then == COPY]
    if dry_run or not wanted:
        return 0
    if not yes and not sys.stdin.isatty():
        say("hint", "nothing was copied; to copy: git credential-azdo import --yes")
        return 0
    if not yes and not click.confirm(f"Copy {len(wanted)}?", default=True, err=True):
        return 0
    name = find_vault(vault, registry.header.get("vault") or None).name
    kept, failed = copy(wanted, name)
    if kept and not no_git_config:
        try:
            setup_git.write(ask=not yes)
        except UsageError as error:
            report(error)
            return 1
    return 1 if failed else 0


def _look_everywhere(registry: Registry) -> list[Entry]:
    """Read every place; what could not be read of one is said, and costs nothing else."""

    def wanted(about: Message) -> bool:
        remote = registry.remote_of(about)
        return remote is not None and (
            (remote.services and remote.protocol == "https") or registry.server(remote.address) is not None
        )

    try:
        settings = config.read_config()
    except UsageError:  # without git there is no setting of it
        settings = []
    finds: list[Find] = [
        secret_service.items(wanted),
        gcm_files.plain(wanted),
        gcm_files.by_pass(wanted),
        *(git_files.credentials(path, wanted) for path in git_files.store_files(settings)),
        *(git_files.netrc_entries(path, wanted) for path in git_files.netrc_files()),
    ]
    for trouble in (trouble for find in finds for trouble in find.troubles):
        report(trouble)
    return [entry for find in finds for entry in find.entries if entry.secret]


def _plan(entries: list[Entry], registry: Registry) -> list[Row]:
    """Say of each entry what it is for and what will be done with it; of equal ones the first counts."""
    rows: list[Row] = []
    seen: set[tuple[str, str | None, str]] = set()
    for entry in entries:
        remote = registry.remote_of(entry.about)
        if remote is None:
            continue
        organization, user = rules.organization_and_user(remote, registry)
        organization = organization if remote.services else None
        row = Row(entry, remote, organization, user or "")
        if remote.services:
            row.then = _plan_token(row, registry)
            key = (remote.address, organization, entry.secret)
        else:
            known = rules.matching_typed(remote, None, remote.user, registry.typed)
            row.then = "kept already" if known else COPY
            key = (f"{remote.address}/{remote.path or ''}", remote.user, "")
        if key in seen:
            row.then = "the same as above"
        seen.add(key)
        rows.append(row)
    return rows


def _plan_token(row: Row, registry: Registry) -> str:
    organization = row.organization
    if organization is None:
        return "skip: it does not tell the organization (setup --pat --org ORG takes it)"
    if not is_organization(organization.rpartition("/")[2]):
        return "skip: no name of an organization"
    if row.entry.what == "access token":
        return "skip: it ends within hours (git credential-azdo setup signs in)"
    ours = digest(registry.salt, row.entry.secret) if registry.salt else ""
    for account in registry.accounts:
        if account.lists(organization) and any(mark.digest == ours for mark in account.marks):
            return f"kept already as {unique_name(account, registry.accounts)}"
    return COPY


def _print(rows: list[Row]) -> None:
    table = [[column.upper() for column in _COLUMNS]]
    for row in rows:
        place = row.organization or ("-" if row.remote.services else row.remote.address)
        table.append([row.entry.where, row.entry.what, place, row.user or "-", row.then])
    widths = [max(len(line[column]) for line in table) for column in range(len(_COLUMNS))]
    for line in table:
        text = "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        click.echo(printable(text.rstrip()))


def _offer_azure_cli(registry: Registry) -> None:
    """Name the Azure CLI's sign-in, unless we have an account of it; it is asked for tokens and not copied."""
    users = azure_profile.users()
    if users and not registry.of_kind(AZURE_CLI):
        click.echo(f"The Azure CLI is signed in as {printable(', '.join(users))}; to use that:")
        click.echo("  git credential-azdo setup --azure-cli")
