"""The vault entries of accounts: written beside those of before, switched by one write of the accounts file, deleted.

The accounts file says which ids count. The entries of others are deleted, by the run that made them so, or by the next
one when it was killed (``vault.journal``). A refresh token goes first.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from git_credential_azdo.accounts.account import digest
from git_credential_azdo.accounts.accounts_file import StoredCredential, read
from git_credential_azdo.accounts.update import update
from git_credential_azdo.errors import AzdoError, say
from git_credential_azdo.files import folder, lock_path, read_accounts
from git_credential_azdo.ownership import unusable
from git_credential_azdo.vault import journal, vaults
from git_credential_azdo.vault.file import FileVault
from git_credential_azdo.writing import Lock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from typing import TypeVar

    from git_credential_azdo.accounts.account import Account
    from git_credential_azdo.accounts.accounts_file import AccountsFile
    from git_credential_azdo.git.protocol import Pair

    Result = TypeVar("Result")

LOCK = "setup"
"""The lock under which secrets of new accounts are written."""
SAVE_SECONDS = 60.0
"""How long one setup waits for another."""


@contextlib.contextmanager
def alone(name: str) -> Iterator[None]:
    """Let no other process do the same: under the lock of this name, an account's id for its secrets. Raise AzdoError."""
    try:
        with Lock(lock_path(name), SAVE_SECONDS):
            yield
    except OSError as error:
        raise unusable("write below", folder(), error, folder()) from error


def keep(
    secrets: Mapping[str, list[Pair]], vault_name: str, change: Callable[[AccountsFile], Result]
) -> Result:
    """Write the secrets, each under its key, then let ``change`` write the accounts file, once; return its result.

    That file says what counts: the secrets of ids that it does not name any more are deleted, and when something fails
    or is stopped, so are the new ones. Callers hold LOCK. Raise VaultError, AzdoError.
    """

    def switch(accounts_file: AccountsFile) -> Result:
        listed: list[Account | StoredCredential] = [
            *accounts_file.accounts,
            *accounts_file.stored_credentials,
        ]
        before = {entry.id: (entry.vault, secret_keys(entry)) for entry in listed}
        result = change(accounts_file)
        for gone in before.keys() - {block.get("id") for block in accounts_file.blocks}:
            journal.begin(gone, *before[gone])
        return result

    finish_begun()
    salt = update(lambda accounts_file: accounts_file.salt)
    for identifier in {key.partition("/")[0] for key in secrets}:
        journal.begin(identifier, vault_name, [key for key in secrets if key.startswith(f"{identifier}/")])
    try:
        for key, payload in secrets.items():
            marks = [("digest", digest(salt, value)) for name, value in payload if name == "token"]
            vaults.write(vault_name, key, [*payload, *marks])
        return update(switch)
    finally:
        finish_begun()


def finish_begun() -> None:
    """Complete what was begun, by this run or one that was killed: delete what the accounts file does not name.

    Callers hold LOCK. What cannot be deleted is reported, and left to the next run.
    """
    try:
        begun = journal.begun()
        if not begun:
            return
        written, named = journal.entries(), read_accounts()  # with its damaged blocks
        for identifier in begun:
            if f"id={identifier}".encode() not in named:
                for vault, key in written:
                    if key.startswith(f"{identifier}/"):
                        vaults.remove(vault, key)
            journal.end(identifier)
    except AzdoError as error:
        say("error", f"a secret that is not used any more could not be deleted: {error.message}")


def leftovers() -> dict[str, list[tuple[str, str]]]:
    """Return the entries that no account has, as (vault, name), by their ids. Raise AzdoError.

    A killed run left them, or a lost accounts file. A keyring is not asked for all that it holds: another folder of this
    user, such as that of a sandboxed editor, may have its accounts there, too.
    """
    named = read_accounts()
    found: dict[str, list[tuple[str, str]]] = {}
    for vault, key in [*journal.entries(), *((vaults.FILE, key) for key in FileVault().entries())]:
        identifier = key.partition("/")[0]
        if f"id={identifier}".encode() not in named and (vault, key) not in found.get(identifier, ()):
            found.setdefault(identifier, []).append((vault, key))
    return found


def forget_leftovers(identifiers: Iterable[str] = ()) -> list[str]:
    """Remove the entries of these ids that no account has, without any those of every one; return the ids. Raise AzdoError."""
    with alone(LOCK):  # an account that is being saved has no name yet
        finish_begun()
        found = leftovers()
        wanted = [each for each in found if each in identifiers or not identifiers]
        for vault, key in [entry for each in wanted for entry in found[each]]:
            vaults.remove(vault, key)
        return wanted


def forget_secrets(account: Account | StoredCredential, *tenants_too: str) -> None:
    """Remove every secret of the account, the refresh token first, of these tenants too. Raise VaultError."""
    listed = journal.keys(account.id)
    vaults.remove(account.vault, *secret_keys(account, *tenants_too), *listed)


def secret_keys(entry: Account | StoredCredential, *tenants_too: str) -> list[str]:
    """Return the names of the vault entries that the account may have, the refresh token's first."""
    if isinstance(entry, StoredCredential):
        return [entry.key]
    tenants = {mark.tenant for mark in entry.issued_tokens} | {entry.tenant, *tenants_too}
    keys = [entry.key(what) for what in ("refresh", "pat", "client-secret")]
    return [*keys, *map(entry.access_key, tenants)]


def forget(account: Account | StoredCredential) -> None:
    """Remove the account's (or the stored credential's) secrets, then its block and bindings. Raise VaultError, AzdoError."""
    with alone(account.id):  # a refresh would write new ones
        forget_secrets(read(read_accounts()).account(account.id) or account)
        update(lambda accounts_file: accounts_file.forget(account.id))
