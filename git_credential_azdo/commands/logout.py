"""``logout``: remove an account, its secrets first, so that no secret is left without an entry that names it."""

from __future__ import annotations

import click

from git_credential_azdo import hints
from git_credential_azdo.accounts.entries import forget, forget_leftovers, leftovers
from git_credential_azdo.accounts.naming import account_named, shown_name
from git_credential_azdo.accounts.save import load_accounts
from git_credential_azdo.commands import console, parsing
from git_credential_azdo.commands.accounts import stored_url
from git_credential_azdo.errors import UsageError, VaultError
from git_credential_azdo.paths import accounts_path
from git_credential_azdo.vault import vaults

TYPE_CHECKING = False
if TYPE_CHECKING:
    from git_credential_azdo.accounts.account import Account
    from git_credential_azdo.accounts.accounts_file import StoredCredential


@click.command("logout")
@click.argument("name", **parsing.ACCOUNT, required=False)
@click.option("--all", "everybody", is_flag=True, help="Remove every account and stored credential.")
def command(name: str | None, everybody: bool) -> None:  # noqa: FBT001 - click's
    """Remove ACCOUNT, or all: the secrets from the vault, the entry from the accounts file.

    A stored credential is named by its URL, as accounts lists it; secrets that no account has by the id that doctor names.
    """
    if bool(name) == everybody:
        raise UsageError("missing ACCOUNT or --all", hints.accounts())
    if name and name in leftovers():
        forget_leftovers([name])
        console.out(f"The secrets of {name} are removed")
        return
    accounts_file = load_accounts()
    accounts, stored = accounts_file.accounts, accounts_file.stored_credentials
    if not everybody:
        named = [entry for entry in stored if stored_url(entry).lower() == (name or "").lower()]
        accounts, stored = ([] if named else [account_named(name or "", accounts)]), named
    labels = [shown_name(account, accounts_file.accounts) for account in accounts]
    entries: list[Account | StoredCredential] = [*accounts, *stored]
    for entry, label in zip(entries, [*labels, *map(stored_url, stored)], strict=True):
        _check_vault(entry)
        forget(entry)
        console.out(f"{label} is removed")
    unnamed = forget_leftovers() if everybody else []
    for identifier in unnamed:
        console.out(f"The secrets of {identifier}, which no account had, are removed")
    if not (accounts or stored or unnamed):
        console.out("There is no account to remove")


def _check_vault(entry: Account | StoredCredential) -> None:
    try:
        vaults.open_vault(entry.vault)
    except VaultError as error:  # its backend is not installed any more
        raise VaultError(
            error.message,
            f"install it again, or delete the entry with id={entry.id}: {hints.edit(accounts_path())}",
        ) from None
