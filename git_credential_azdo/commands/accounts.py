"""``accounts``: list the accounts, with what they serve and the state of their sign-in. Shows no secret."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

from git_credential_azdo import hints
from git_credential_azdo.accounts.account import number
from git_credential_azdo.accounts.accounts_file import BINDING
from git_credential_azdo.accounts.naming import account_named, shown_name, unique_name
from git_credential_azdo.accounts.save import check_alias, load_accounts
from git_credential_azdo.accounts.update import update
from git_credential_azdo.commands import console, parsing
from git_credential_azdo.commands.parsing import FORMAT, Verbs
from git_credential_azdo.errors import AzdoError, UsageError, VaultLocked, say
from git_credential_azdo.paths import accounts_path
from git_credential_azdo.vault import vaults

if TYPE_CHECKING:
    from git_credential_azdo.accounts.account import Account
    from git_credential_azdo.accounts.accounts_file import AccountsFile

_COLUMNS = ("name", "kind", "tenant", "organizations", "state", "expires")


@click.group("accounts", cls=Verbs, invoke_without_command=True)
@FORMAT
@click.pass_context
def command(context: click.Context, form: str) -> None:
    """List the accounts, or rename one."""
    if context.invoked_subcommand:
        return
    accounts_file = load_accounts()
    for _ in accounts_file.damaged:
        say("error", f"an entry of {accounts_path()} is damaged and was left alone")
    if form == "json":
        console.json([_row(account, accounts_file) for account in accounts_file.accounts])
    elif accounts_file.accounts:
        _print_table(accounts_file)
    else:
        say("hint", f"there is no account: {hints.setup()}")


@command.command("rename")
@click.argument("name", **parsing.ACCOUNT)
@click.argument("alias", metavar="NEW_ALIAS")
def rename(name: str, alias: str) -> None:
    """Change the alias of ACCOUNT; its sign-in name stays."""

    def change(accounts_file: AccountsFile) -> str:
        account = account_named(name, accounts_file.accounts)
        check_alias(alias, accounts_file, account.kind)
        if any(other.is_named(alias) and other.id != account.id for other in accounts_file.accounts):
            raise UsageError(f"another account is named {alias}", hints.accounts())
        before = unique_name(account, accounts_file.accounts)
        account.block.set("alias", alias)
        return before

    console.out(f"Renamed {update(change)} to {alias}")


def state_of(account: Account) -> tuple[str, int | None]:
    """Return the account's state in a word or two, and when its secret expires (seconds since the epoch, or None)."""
    now = time.time()
    try:
        if account.is_pat:
            entry = vaults.read(account.vault, account.key("pat"))
            expires = account.expires_utc
            if entry and expires is not None and expires <= now:
                return "expired", expires
        else:
            entry = vaults.read(account.vault, account.key("refresh"))
            access = vaults.read(account.vault, account.access_key(account.tenant))
            expires = number(access.get("expires_utc") or "") or None if access else None
            entry = entry or access
    except VaultLocked:
        return "keyring locked", None
    except AzdoError as error:
        return error.message, None
    if not entry and not account.is_workload:  # a workload identity signs in by itself
        return "sign-in needed", None
    return ("rejected" if account.block.all("rejected[]") else "ready"), expires


def _row(account: Account, accounts_file: AccountsFile) -> dict[str, object]:
    state, expires = state_of(account)
    return {
        "name": unique_name(account, accounts_file.accounts),
        "sign_in_name": account.name,
        "alias": account.alias or None,
        "id": account.id,
        "kind": account.kind,
        "tenant": account.tenant or None,
        "organizations": account.listed,
        "bound_to": _bound(account, accounts_file),
        "default": account.default,
        "state": state,
        "expires": console.instant(expires),
        "vault": account.vault,
    }


def _bound(account: Account, accounts_file: AccountsFile) -> list[str]:
    return [
        block.get("target") for block in accounts_file.of_kind(BINDING) if block.get("account") == account.id
    ]


def _served(account: Account, accounts_file: AccountsFile) -> str:
    bound = _bound(account, accounts_file)
    listed = [f"{name} (bound)" if name in bound else name for name in account.listed]
    listed += [f"{target} (bound)" for target in bound if target not in account.listed]
    return ", ".join(listed).replace("*", "all")


def _print_table(accounts_file: AccountsFile) -> None:
    rows = []
    for account in accounts_file.accounts:
        state, expires = state_of(account)
        name = shown_name(account, accounts_file.accounts) + (" (default)" if account.default else "")
        rows.append(
            [
                name,
                account.kind,
                account.tenant,
                _served(account, accounts_file),
                state,
                console.instant(expires),
            ]
        )
    console.table(rows, _COLUMNS)
