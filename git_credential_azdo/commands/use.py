"""``use``: which account serves an organization, this repository, or whatever nothing else decides."""

from __future__ import annotations

import click

from git_credential_azdo.accounts.naming import account_named, unique_name
from git_credential_azdo.accounts.update import update
from git_credential_azdo.commands.enrol import bind, current_registry, organization_names
from git_credential_azdo.errors import UsageError
from git_credential_azdo.git.address import remote_of_url
from git_credential_azdo.git.config import run_git
from git_credential_azdo.git.remote import SERVICES_HOST

TYPE_CHECKING = False
if TYPE_CHECKING:
    from git_credential_azdo.accounts.registry import Registry


@click.command("use")
@click.argument("name", metavar="ACCOUNT")
@click.option("--org", "organization", help="Serve this organization with the account.")
@click.option(
    "--repo", "repository", is_flag=True, help="Serve the repository in the current folder with it."
)
@click.option("--default", "default", is_flag=True, help="Take the account when nothing else decides.")
def command(name: str, organization: str | None, repository: bool, default: bool) -> None:  # noqa: FBT001 - click's
    """Choose the account for an organization, for this repository, or as the default."""
    if [bool(organization), repository, default].count(True) > 1:
        raise UsageError("--org, --repo and --default exclude each other", "git credential-azdo use -h")
    account = account_named(name, current_registry().accounts)
    if organization:
        target, what = organization_names((organization,))[0], "the organization "
    elif repository:
        target, what = _this_repository(), "the repository "
    else:
        target, what = "", "everything that nothing else decides"
    of = target.partition("/")[0]
    if of and not account.can_serve(of):
        raise UsageError(
            f"{account.label} is a token for {', '.join(account.organizations)}, not for {of}",
            f"git credential-azdo setup --pat --org {of}",
        )

    def change(registry: Registry) -> None:
        for each in registry.accounts:
            if not target:
                each.block.set("default", "1" if each.id == account.id else None)
            if each.id == account.id:
                each.block.set_all("rejected[]", [])
        if target:
            bind(registry, target, account.id)

    update(change)
    click.echo(f"{unique_name(account, current_registry().accounts)} serves {what}{target}")


def _this_repository() -> str:
    """Return ``organization/project/repository`` of the current folder's remote. Raises UsageError."""
    listed = run_git(["config", "--get-regexp", r"^remote\..*\.url$"]).stdout.decode(
        "utf-8", "surrogateescape"
    )
    urls = [line.partition(" ")[2] for line in listed.splitlines()]
    remotes = [remote for url in urls if (remote := remote_of_url(url)) and remote.services]
    found = {remote.repository for remote in remotes if remote.repository}
    if len(found) != 1:
        what = "no remote" if not found else "several remotes"
        raise UsageError(
            f"{what} of this folder's repository is on {SERVICES_HOST}",
            "git credential-azdo use ACCOUNT --org ORGANIZATION",
        )
    return found.pop()
