"""``unlock``: the one verb that lets the keyring show its dialog."""

from __future__ import annotations

import click

from git_credential_azdo.accounts.save import current_registry
from git_credential_azdo.commands import console
from git_credential_azdo.vault import system
from git_credential_azdo.vault.file import NAME as FILE


@click.command("unlock")
def command() -> None:
    """Unlock the keyring that keeps the secrets; it may ask for its password."""
    registry = current_registry()
    used = {account.vault for account in registry.accounts} | {typed.vault for typed in registry.typed}
    used = (used or {registry.header.get("vault")}) - {""}
    names = used - {FILE}
    if FILE in used:
        console.out("what is kept in files needs no unlocking")
    if not used:
        console.out(f"{system.find(prompting=True).name} is unlocked and works")
    for name in sorted(names):
        system.try_out(system.open_named(name, prompting=True))
        console.out(f"{name} is unlocked and works")
