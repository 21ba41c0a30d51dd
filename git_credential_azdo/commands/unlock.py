"""``unlock``: the only verb that lets the keyring show its dialog."""

from __future__ import annotations

import click

from git_credential_azdo.accounts.entries import secret_keys
from git_credential_azdo.accounts.save import load_accounts
from git_credential_azdo.commands import console
from git_credential_azdo.vault import vaults


@click.command("unlock")
def command() -> None:
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
