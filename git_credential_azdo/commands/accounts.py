"""``accounts``, ``logout`` and ``unlock``: the accounts and stored credentials, with what they serve and how they stand.

A sign-in has no end that is known here; the end of the access token, which is renewed by itself, is not its end.
``logout`` removes secrets first, so that none is left without an entry that names it; ``unlock`` is the only verb that
lets the keyring show its dialog. Shows no secret.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote

import click

from git_credential_azdo import hints
from git_credential_azdo.accounts.account import ALL_ORGANIZATIONS, number
from git_credential_azdo.accounts.accounts_file import BINDING
from git_credential_azdo.accounts.naming import account_named, shown_name, unique_name
from git_credential_azdo.accounts.save import check_alias, load_accounts
from git_credential_azdo.accounts.update import (
    failure_of,
    forget,
    forget_leftovers,
    leftovers,
    secret_keys,
    update,
)
from git_credential_azdo.commands import console, parsing
from git_credential_azdo.commands.parsing import FORMAT, Verbs
from git_credential_azdo.errors import AzdoError, UsageError, VaultError, VaultLocked, say
from git_credential_azdo.files import accounts_path, no_account
from git_credential_azdo.vault import vaults

if TYPE_CHECKING:
    from git_credential_azdo.accounts.account import Account
    from git_credential_azdo.accounts.accounts_file import AccountsFile, StoredCredential

_COLUMNS = ("name", "kind", "tenant", "organizations", "state", "expires")
STORED_KIND = "stored"
LOCKED = "keyring locked"


class Standing(NamedTuple):
    """How a sign-in stands, in a word or two; when it, and when the access token in the vault expires.

    Both ends in seconds since the epoch, None when they are not known.
    """

    state: str
    expires: int | None = None
    token_expires: int | None = None


@click.group("accounts", cls=Verbs, synonyms={"remove": ""}, invoke_without_command=True)
@FORMAT
@click.pass_context
def command(context: click.Context, form: str) -> None:
    """List the accounts, or rename one."""
    if context.invoked_subcommand:
        return
    accounts_file = load_accounts()
    for _ in accounts_file.damaged:
        say("error", f"an entry of {accounts_path()} is damaged and was left alone")
    rows = [_row(account, accounts_file) for account in accounts_file.accounts]
    rows += [_row_of_stored(entry) for entry in accounts_file.stored_credentials]
    if form == "json":
        console.json(rows)
    elif rows:
        shown = [shown_name(account, accounts_file.accounts) for account in accounts_file.accounts]
        names = [*shown, *(str(row["name"]) for row in rows[len(shown) :])]
        console.table(map(_cells, names, rows), _COLUMNS, least="tenant")
    else:
        say("hint", no_account(hints.setup()))


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


def standing(account: Account) -> Standing:
    """Return how the account's sign-in stands, by what the accounts file and the vault hold."""
    now = time.time()
    secret = "pat" if account.is_pat else "refresh"
    try:
        entry = vaults.read(account.vault, account.key(secret))
        access = None if account.is_pat else vaults.read(account.vault, account.access_key(account.tenant))
    except VaultLocked:
        return Standing(LOCKED)
    except AzdoError as error:
        return Standing(error.message)
    expires = account.expires_utc
    token_expires = number(access.get("expires_utc") or "") if access else None
    if not (entry or access or account.is_workload):  # a workload identity signs in by itself
        state = "sign-in needed"
    elif expires is not None and expires <= now:
        state = "expired"
    elif (failure := failure_of(account, account.tenant, now)) and failure.until is None:
        state = "sign-in refused"
    else:
        state = "rejected" if account.block.all("rejected[]") else "ready"
    return Standing(state, expires, token_expires)


def stored_url(entry: StoredCredential) -> str:
    """Return the URL that a stored credential is for, with its user: the name by which it is shown and removed."""
    protocol, _, host = entry.address.partition("://")
    user = f"{quote(entry.user, safe='')}@" if entry.user else ""
    path = entry.organization or entry.path or ""
    return f"{protocol}://{user}{host}{'/' if path else ''}{path}"


def _row(account: Account, accounts_file: AccountsFile) -> dict[str, object]:
    stands = standing(account)
    return {
        "name": unique_name(account, accounts_file.accounts),
        "sign_in_name": account.name,
        "alias": account.alias or None,
        "id": account.id,
        "kind": account.kind,
        "tenant": account.tenant or None,
        "organizations": account.listed,
        "bound_to": [
            block.get("target")
            for block in accounts_file.of_kind(BINDING)
            if block.get("account") == account.id
        ],
        "default": account.default,
        "state": stands.state,
        "expires": console.instant(stands.expires),
        "vault": account.vault,
    }


def _row_of_stored(entry: StoredCredential) -> dict[str, object]:
    try:
        found = vaults.read(entry.vault, entry.key) is not None
        state = "ready" if found else "secret missing"
    except AzdoError as error:
        state = LOCKED if isinstance(error, VaultLocked) else error.message
    expires = entry.expires_utc
    if state == "ready" and expires is not None and expires <= time.time():
        state = "expired"
    place = entry.organization or "/".join([entry.address, *([entry.path] if entry.path else [])])
    return {
        "name": stored_url(entry),
        "sign_in_name": entry.user,
        "alias": None,
        "id": entry.id,
        "kind": STORED_KIND,
        "tenant": None,
        "organizations": [place],
        "bound_to": [],
        "default": False,
        "state": state,
        "expires": console.instant(expires),
        "vault": entry.vault,
    }


def _cells(name: str, row: dict[str, Any]) -> list[str | None]:
    bound, listed = row["bound_to"], row["organizations"]
    served = [f"{each} (bound)" if each in bound else each for each in listed]
    served += [f"{each} (bound)" for each in bound if each not in listed]
    served = ["all" if each == ALL_ORGANIZATIONS else each for each in served]
    name += " (default)" if row["default"] else ""
    return [name, row["kind"], row["tenant"], ", ".join(served), row["state"], row["expires"]]


@click.command("logout")
@click.argument("name", **parsing.ACCOUNT, required=False)
@click.option("--all", "everybody", is_flag=True, help="Remove every account and stored credential.")
def logout(name: str | None, everybody: bool) -> None:  # noqa: FBT001 - click's
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


@click.command("unlock")
def unlock() -> None:
    """Unlock the keyring that holds the secrets; it may ask for its password."""
    accounts_file = load_accounts()
    stored = accounts_file.stored_credentials
    used = {each.vault for each in (*accounts_file.accounts, *stored)} or {accounts_file.header.get("vault")}
    if vaults.FILE in used:
        console.out("secrets in files need no unlocking")
    if not used - {None, ""}:
        console.out(f"{vaults.find(None, prompting=True)} is unlocked and works")
    for name in sorted(used - {None, "", vaults.FILE, vaults.NONE}):
        keys = [key for each in accounts_file.accounts if each.vault == name for key in secret_keys(each)]
        vaults.unlock(name, [*keys, *(each.key for each in stored if each.vault == name)])
        console.out(f"{name} is unlocked and works")
