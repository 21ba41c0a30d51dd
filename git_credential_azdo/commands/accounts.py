"""``accounts``, ``logout`` and ``unlock``: the accounts and stored credentials, with what they serve and their state.

When a sign-in ends is not known here: the expiry of its access token, which is refreshed automatically, is not its end.
``logout`` removes secrets first, so that none is left without an entry that names it; ``unlock`` is the only verb that
lets the keyring show its dialog. Must never show a secret.
"""

from __future__ import annotations

import time
from typing import Any
from urllib.parse import quote

import click

from git_credential_azdo import hints, refresh
from git_credential_azdo.accounts.account import ALL_ORGANIZATIONS, Account
from git_credential_azdo.accounts.accounts_file import BINDING, AccountsFile, StoredCredential
from git_credential_azdo.accounts.choice import shown_name, unique_name, unique_names
from git_credential_azdo.accounts.save import account_named, check_alias
from git_credential_azdo.accounts.update import forget, forget_leftovers, leftovers, secret_keys, update
from git_credential_azdo.commands import console, parsing
from git_credential_azdo.commands.parsing import FORMAT, Verbs
from git_credential_azdo.errors import AzdoError, UsageError, VaultError, VaultLocked, say
from git_credential_azdo.files import accounts_path
from git_credential_azdo.helper.reasons import line, no_account
from git_credential_azdo.signin.sign_in_errors import setup_again
from git_credential_azdo.vault import vaults

Entry = Account | StoredCredential

READY, LOCKED = "ready", "keyring locked"
_COLUMNS = ("name", "kind", "tenant", "organizations", "state", "expires")


@click.group("accounts", cls=Verbs, synonyms={"remove": ""}, invoke_without_command=True)
@FORMAT
@click.pass_context
def command(context: click.Context, form: str) -> None:
    """List the accounts, or rename one."""
    if context.invoked_subcommand:
        return
    accounts_file = AccountsFile.load()
    for _ in accounts_file.damaged:
        say("error", f"an entry of {accounts_path()} is damaged and was left alone")
    names = _names(accounts_file)
    rows = [_row(entry, names[entry.id], accounts_file) for entry in accounts_file.entries]
    if form == "json":
        console.json(rows)
    elif rows:
        labels = [_label(entry, names[entry.id]) for entry in accounts_file.entries]
        console.table(map(_cells, labels, rows), _COLUMNS, least="tenant")
    else:
        say("hint", line(*no_account(hints.setup())))


@command.command("rename")
@click.argument("name", **parsing.ACCOUNT)
@click.argument("alias", metavar="NEW_ALIAS")
def rename(name: str, alias: str) -> None:
    """Change the alias of ACCOUNT; its sign-in name stays."""

    def change(accounts_file: AccountsFile) -> str:
        account = account_named(name, accounts_file.accounts)
        others = (each for each in accounts_file.accounts if each.id != account.id)
        check_alias(alias, others, parsing.again(["accounts", "rename", name, "work"]))
        before = unique_name(account, accounts_file.accounts)
        account.block.set("alias", alias)
        return before

    console.out(f"Renamed {update(change)} to {alias}")


def sign_in_state(entry: Entry, tenant: str | None = None) -> tuple[str, str | None]:
    """Return the state of a sign-in or a stored credential, in a word or two, and what cures it if it is not READY.

    It is taken from the accounts file and the vault. ``tenant``: the one to get tokens of, by default the account's own.
    """
    again = None if isinstance(entry, StoredCredential) else setup_again(entry)
    try:
        state = _sign_in_state(entry, tenant)
    except VaultLocked:
        return LOCKED, hints.unlock()
    except AzdoError as error:
        return error.message, error.hint or again
    if state == READY and entry.expires_utc is not None and entry.expires_utc <= time.time():
        state = "expired"
    return state, None if state == READY else again


def _sign_in_state(entry: Entry, tenant: str | None) -> str:
    """Return the state as far as the accounts file and the vault show it. Raise VaultError, VaultLocked, ProtocolError."""
    if isinstance(entry, StoredCredential):
        return READY if vaults.read(entry.vault, entry.key) else "secret missing"
    if not entry.is_workload:  # a workload signs in by itself
        secret = vaults.read(entry.vault, entry.key("pat" if entry.is_pat else "refresh"))
        if not (secret and secret.get("token")):
            return "sign-in needed"
    failure = refresh.known_failure(entry, entry.tenant if tenant is None else tenant)
    return "sign-in refused" if failure and failure.until is None else READY


def stored_url(entry: StoredCredential) -> str:
    """Return the URL that a stored credential is for, with its user: the name by which it is shown and removed."""
    protocol, _, host = entry.address.partition("://")
    user = f"{quote(entry.user, safe='')}@" if entry.user else ""
    path = entry.organization or entry.path or ""
    return f"{protocol}://{user}{host}{'/' if path else ''}{path}"


def _names(accounts_file: AccountsFile) -> dict[str, str]:
    """Return, for the id of each entry, the name by which it is shown and removed."""
    stored = {entry.id: stored_url(entry) for entry in accounts_file.stored_credentials}
    return unique_names(accounts_file.accounts) | stored


def _label(entry: Entry, name: str) -> str:
    return name if isinstance(entry, StoredCredential) else shown_name(entry, name)


def _row(entry: Entry, name: str, accounts_file: AccountsFile) -> dict[str, Any]:
    """Return an entry as programs read it (docs/scripting.md)."""
    state, _ = sign_in_state(entry)
    if isinstance(entry, StoredCredential):
        kind, user = "stored", entry.user
        listed = [entry.organization or "/".join(filter(None, (entry.address, entry.path)))]
    else:
        kind, user, listed = entry.kind, entry.name, entry.listed
        state = "rejected" if state == READY and entry.rejected_by else state
    bindings = [each for each in accounts_file.of_kind(BINDING) if each.get("account") == entry.id]
    return {
        "name": name,
        "sign_in_name": user,
        "alias": entry.block.get("alias") or None,
        "id": entry.id,
        "kind": kind,
        "tenant": entry.block.get("tenant") or None,
        "organizations": listed,
        "bound_to": [each.get("target") for each in bindings],
        "default": entry.block.get("default") == "1",
        "state": state,
        "expires": console.instant(entry.expires_utc),
        "vault": entry.vault,
    }


def _cells(name: str, row: dict[str, Any]) -> list[str | None]:
    bound, listed = row["bound_to"], row["organizations"]
    served = [f"{each} (bound)" if each in bound else each for each in dict.fromkeys([*listed, *bound])]
    served = ["all" if each == ALL_ORGANIZATIONS else each for each in served]
    name += " (default)" if row["default"] else ""
    shown = {**row, "name": name, "organizations": ", ".join(served)}
    return [shown[column] for column in _COLUMNS]


@click.command("logout")
@click.argument("name", **{**parsing.ACCOUNT, "metavar": "[ACCOUNT]"}, required=False)
@click.option("--all", "everybody", is_flag=True, help="Remove every account and stored credential.")
def logout(name: str | None, everybody: bool) -> None:  # noqa: FBT001 - click's
    """Remove ACCOUNT, or all: the secrets from the vault, the entry from the accounts file.

    ACCOUNT may be the URL of a stored credential, as accounts lists it, or the id of secrets that doctor lists.
    """
    if bool(name) == everybody:
        raise UsageError("missing ACCOUNT or --all", hints.accounts())
    if name and name in leftovers():
        forget_leftovers([name])
        console.out(f"The secrets of {name} are removed")
        return
    accounts_file = AccountsFile.load()
    names, entries = _names(accounts_file), accounts_file.entries
    if name:
        stored = accounts_file.stored_credentials
        named: list[Entry] = [each for each in stored if stored_url(each).lower() == name.lower()]
        entries = named or [account_named(name, accounts_file.accounts)]
    for entry in entries:
        remove(entry)
        console.out(f"{_label(entry, names[entry.id])} is removed")
    unnamed = forget_leftovers() if everybody else []
    for identifier in unnamed:
        console.out(f"The secrets of {identifier}, which no account had, are removed")
    if not (entries or unnamed):
        console.out("There is no account to remove")


def remove(entry: Entry) -> None:
    """Remove an account or a stored credential, with its secrets. Raise VaultError, AzdoError."""
    try:
        vaults.open_vault(entry.vault)
    except VaultError as error:  # its backend is not installed any more
        cure = f"install it again, or delete the entry with id={entry.id}: {hints.edit(accounts_path())}"
        raise VaultError(error.message, cure) from None
    forget(entry)


@click.command("unlock")
def unlock() -> None:
    """Unlock the keyring that holds the secrets; it may ask for its password."""
    accounts_file = AccountsFile.load()
    entries = accounts_file.entries
    used = {entry.vault for entry in entries} or {accounts_file.header.get("vault")}
    if vaults.FILE in used:
        console.out("Secrets in files need no unlocking")
    if not used - {""}:
        console.out(f"{vaults.find(None, prompting=True)} is unlocked and works")
    for name in sorted(used - {"", vaults.FILE, vaults.NONE}):
        vaults.unlock(name, [key for entry in entries if entry.vault == name for key in secret_keys(entry)])
        console.out(f"{name} is unlocked and works")
