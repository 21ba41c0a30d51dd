"""``unlock``: the one verb that lets the keyring show its dialog."""

from __future__ import annotations

import click

from git_credential_azdo.accounts.save import load_accounts
from git_credential_azdo.commands import console
from git_credential_azdo.vault import system
from git_credential_azdo.vault.file import NAME as FILE


@click.command("unlock")
def command() -> None:
    """Unlock the keyring that keeps the secrets; it may ask for its password."""
    accounts_file = load_accounts()
    used = {account.vault for account in accounts_file.accounts} | {
        typed.vault for typed in accounts_file.typed
    }
    used = (used or {accounts_file.header.get("vault")}) - {""}
    names = used - {FILE}
    if FILE in used:
        console.out("what is kept in files needs no unlocking")
    if not used:
        console.out(f"{system.find(prompting=True).name} is unlocked and works")
    for name in sorted(names):
        system.self_test(system.open_named(name, prompting=True))
        console.out(f"{name} is unlocked and works")
