"""``logout``: remove an account, its secrets first, so that no secret is left without an entry that names it."""

from __future__ import annotations

import click

from git_credential_azdo import hints
from git_credential_azdo.accounts.entries import forget
from git_credential_azdo.accounts.naming import account_named, shown_name
from git_credential_azdo.accounts.save import load_accounts
from git_credential_azdo.commands import console, parsing
from git_credential_azdo.errors import UsageError, VaultError
from git_credential_azdo.paths import accounts_path
from git_credential_azdo.vault import vaults

TYPE_CHECKING = False
if TYPE_CHECKING:
    from git_credential_azdo.accounts.account import Account


@click.command("logout")
@click.argument("name", **parsing.ACCOUNT, required=False)
@click.option("--all", "everybody", is_flag=True, help="Remove every account.")
def command(name: str | None, everybody: bool) -> None:  # noqa: FBT001 - click's
    """Remove ACCOUNT, or all accounts: the secrets from the vault, the entry from the accounts file."""
    if bool(name) == everybody:
        raise UsageError("missing ACCOUNT or --all", hints.accounts())
    accounts = load_accounts().accounts
    for account in accounts if everybody else [account_named(name or "", accounts)]:
        _check_vault(account)
        forget(account)
        console.out(f"{shown_name(account, accounts)} is removed")
    if everybody and not accounts:
        console.out("There is no account to remove")


def _check_vault(account: Account) -> None:
    try:
        vaults.open_vault(account.vault)
    except VaultError as error:  # its backend is not installed any more
        entry = f"id={account.id}"
        raise VaultError(
            error.message,
            f"install it again, or delete the entry with {entry}: {hints.edit(accounts_path())}",
        ) from None
