"""``unlock``: the only verb that lets the keyring show its dialog."""

from __future__ import annotations

import click

from git_credential_azdo.accounts.save import load_accounts
from git_credential_azdo.commands import console
from git_credential_azdo.vault import vaults


@click.command("unlock")
def command() -> None:
    """Unlock the keyring that holds the secrets; it may ask for its password."""
    accounts_file = load_accounts()
    used = {account.vault for account in accounts_file.accounts} | {
        typed.vault for typed in accounts_file.stored_credentials
    }
    used = (used or {accounts_file.header.get("vault")}) - {""}
    names = used - {vaults.FILE, vaults.NONE}
    if vaults.FILE in used:
        console.out("secrets in files need no unlocking")
    if not used:
        console.out(f"{vaults.find(None, prompting=True)} is unlocked and works")
    for name in sorted(names):
        vaults.self_test(name, prompting=True)
        console.out(f"{name} is unlocked and works")
