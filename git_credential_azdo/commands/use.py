"""``use``: choose the account for an organization, for a repository, or as the default."""

from __future__ import annotations

import click

from git_credential_azdo import hints
from git_credential_azdo.accounts.naming import account_named, listed_names, unique_name
from git_credential_azdo.accounts.save import load_accounts, organization_names, place_of
from git_credential_azdo.accounts.update import update
from git_credential_azdo.commands import console, parsing
from git_credential_azdo.errors import UsageError
from git_credential_azdo.git.address import message_for
from git_credential_azdo.git.config import run_git
from git_credential_azdo.hosts import SERVICES_HOST

TYPE_CHECKING = False
if TYPE_CHECKING:
    from git_credential_azdo.accounts.accounts_file import AccountsFile
    from git_credential_azdo.git.target import AnyOrganization


@click.command("use")
@click.argument("name", **parsing.ACCOUNT)
@click.option("--org", "organization", **parsing.ORG, help="Use the account for this organization.")
@click.option(
    "--repo", "repository", is_flag=True, help="Use the account for the repository in the current folder."
)
@click.option("--default", "default", is_flag=True, help="Use the account where no other choice applies.")
def command(name: str, organization: str | None, repository: bool, default: bool) -> None:  # noqa: FBT001 - click's
    """Choose the account for an organization, for this repository, or as the default."""
    if [bool(organization), repository, default].count(True) > 1:
        raise UsageError("--org, --repo and --default cannot be used together", hints.help_of("use"))
    known = load_accounts()
    account = account_named(name, known.accounts)
    target, what = "", "everything without another choice"
    of: AnyOrganization | None = None
    if organization:
        target = of = organization_names((organization,))[0]
        what = "the organization "
    elif repository:
        (target, of), what = _this_repository(name), "the repository "
    if of and (place_of([of], known) != account.address or not account.can_serve(of)):
        kind = "token" if account.is_pat else "sign-in"
        raise UsageError(
            f"{account.label} is a {kind} for {listed_names(account) or account.address}, not for {of}",
            hints.setup_pat(of) if account.is_pat else hints.setup(of),
        )

    def change(accounts_file: AccountsFile) -> None:
        for each in accounts_file.accounts:
            if not target and each.address == account.address:
                each.block.set("default", "1" if each.id == account.id else None)
            if each.id == account.id:
                each.block.set_all("rejected[]", [])
        if target:
            accounts_file.bind(target, account.id)

    update(change)
    console.out(f"{unique_name(account, load_accounts().accounts)} serves {what}{target}")


def _this_repository(name: str) -> tuple[str, AnyOrganization]:
    """Return ``organization/project/repository`` of the current folder's remote, and the organization.

    ``origin`` counts if there are several.

    Raises UsageError; ``name`` is the account, for its hint.
    """
    listed = run_git(["config", "--get-regexp", r"^remote\..*\.url$"]).stdout
    found = {}
    known = load_accounts()
    for line in listed.decode("utf-8", "surrogateescape").splitlines():
        key, _, url = line.partition(" ")
        target = known.target_of(message_for(url))
        if target and target.repository and target.organization:
            found[key] = (target.repository, target.organization)
    if "remote.origin.url" in found:
        return found["remote.origin.url"]
    if len(set(found.values())) != 1:
        what = "several remotes of this folder's repository are" if found else "this folder has no remote"
        raise UsageError(
            f"{what} on {SERVICES_HOST}",
            hints.use(name, hints.ORGANIZATION),
        )
    return next(iter(found.values()))
