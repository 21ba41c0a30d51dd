"""The accounts file, written: under a lock, to a new file, then renamed; and the vault entries of its accounts with it.

Unknown keys and blocks are written back as read; a damaged block is moved to ``accounts.damaged`` beside the file. The
file says which ids count: new secrets are written beside those of before, one write of it switches, and the entries of
other ids are deleted, by the next run when this one is killed (``vault.journal``), a refresh token first.

It also has what requests for tokens failed with: ``failed[]=TENANT SINCE UNTIL|MESSAGE|HINT``, for ANY tenant, one, or
``-`` for none; times in seconds since the epoch, UNTIL ``setup`` where only a new sign-in helps. Must hold no secret.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple, TypeVar

from git_credential_azdo.accounts.account import Account, Block, digest, number
from git_credential_azdo.accounts.accounts_file import VERSION, AccountsFile, StoredCredential, read
from git_credential_azdo.errors import AzdoError, printable, say
from git_credential_azdo.files import accounts_path, folder, lock_path, read_accounts, read_own, unusable
from git_credential_azdo.git.protocol import Pair, format_pairs
from git_credential_azdo.vault import journal, vaults
from git_credential_azdo.writing import Lock, write_own

Result = TypeVar("Result")

LOCK_SECONDS = 5.0
SETUP_LOCK = "setup"
"""The lock under which secrets of new accounts are written."""
SAVE_SECONDS = 60.0
"""How long one setup waits for another."""
_REFUSED = "\n\r\0"
ANY = "*"
_KEY = "failed[]"
_SETUP = "setup"
_MAX_PAUSE_SECONDS = 3_600
_MAX_MARKS = 6


def update(change: Callable[[AccountsFile], Result]) -> Result:
    """Let ``change`` alter the accounts file, write it if anything differs; return what ``change`` returned. Raise AzdoError."""
    path = accounts_path()
    try:
        with Lock(path + ".lock", LOCK_SECONDS):
            data = read_accounts()
            accounts_file = read(data)
            if not accounts_file.header.pairs:
                accounts_file.header = Block([("version", VERSION)])
            if not accounts_file.salt:
                accounts_file.header.set("salt", os.urandom(16).hex())
            result = change(accounts_file)
            fresh = render(accounts_file)
            if accounts_file.damaged:
                _keep_aside(path + ".damaged", accounts_file.damaged)
                say("error", f"what could not be read of {path} is now in {path}.damaged")
            if fresh != data:
                write_own(path, fresh, os.path.dirname(path), linked=True)
            return result
    except OSError as error:
        raise unusable("write", path, error, os.path.dirname(path)) from error


def render(accounts_file: AccountsFile) -> bytes:
    """Return the accounts file as the bytes of its file. Raise ProtocolError."""
    blocks = [accounts_file.header, *accounts_file.blocks]
    return b"\n".join(format_pairs(block.pairs, _REFUSED) for block in blocks)


def _keep_aside(path: str, damaged: list[bytes]) -> None:
    top = os.path.dirname(path)
    before = read_own(path, top) or b""
    write_own(path, b"\n".join([before, *(raw + b"\n" for raw in damaged)]).lstrip(b"\n"), top)


class Failure(NamedTuple):
    """One failure. ``until``: when the next request may be sent; None when only a new sign-in helps."""

    since: int
    until: int | None
    message: str
    hint: str | None


def failure_of(account: Account, tenant: str, now: float) -> Failure | None:
    """Return the failure that still counts for tokens of the tenant; None when a request may be sent."""
    for text in account.block.all(_KEY):
        mark, message, hint = [*text.split("|"), "", ""][:3]
        where, begin, end = [*mark.split(" "), "", ""][:3]
        since, until = number(begin), number(end)
        if where not in {ANY, tenant or "-"} or since is None or since > now + 1:  # the clock was set back
            continue
        if end == _SETUP or (until is not None and now < min(until, since + _MAX_PAUSE_SECONDS)):
            return Failure(since, until, message, hint or None)
    return None


def mark_failure(account: Account, tenant: str, error: AzdoError, now: int, pause: float | None) -> None:
    """Note that a request failed. ``pause``: for how many seconds none is sent, None: until a new sign-in."""
    words = [printable(text or "").replace("|", "/") for text in (error.message, error.hint)]
    where, until = tenant or "-", _SETUP if pause is None else now + int(pause)
    others = [text for text in account.block.all(_KEY) if text.partition(" ")[0] != where]
    account.block.set_all(_KEY, [*others[1 - _MAX_MARKS :], "|".join([f"{where} {now} {until}", *words])])


def clear_failures(account: Account) -> None:
    """Forget the failures: a token came, or a person signed in."""
    account.block.set_all(_KEY, [])


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

    Secrets of ids that the file does not name then are deleted. Callers hold SETUP_LOCK. Raise VaultError, AzdoError.
    """

    def switch(accounts_file: AccountsFile) -> Result:
        before = {entry.id: (entry.vault, secret_keys(entry)) for entry in accounts_file.entries}
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
            vaults.write(vault_name, key, [*payload, *marks], confirmed=vault_name != vaults.NONE)
        return update(switch)
    finally:
        finish_begun()


def finish_begun() -> None:
    """Delete what the accounts file does not name of what this run, or a killed one, began. Callers hold SETUP_LOCK."""
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
        say("error", f"a secret that is no longer used could not be deleted: {error.message}")


def leftovers() -> dict[str, list[tuple[str, str]]]:
    """Return the entries that no account has, as (vault, name), by their ids. Raise AzdoError.

    A keyring is not asked for all that it holds: another home of this user may have its accounts there, too.
    """
    named = read_accounts()
    found: dict[str, list[tuple[str, str]]] = {}
    for vault, key in [*journal.entries(), *((vaults.FILE, key) for key in vaults.FileVault().entries())]:
        identifier = key.partition("/")[0]
        if f"id={identifier}".encode() not in named and (vault, key) not in found.get(identifier, ()):
            found.setdefault(identifier, []).append((vault, key))
    return found


def forget_leftovers(identifiers: Iterable[str] = ()) -> list[str]:
    """Remove the entries of these ids that no account has, without any those of every one; return the ids. Raise AzdoError."""
    with alone(SETUP_LOCK):  # an account that is being saved has no name yet
        finish_begun()
        found = leftovers()
        wanted = [each for each in found if each in identifiers or not identifiers]
        for vault, key in [entry for each in wanted for entry in found[each]]:
            vaults.remove(vault, key)
        return wanted


def forget_secrets(account: Account | StoredCredential) -> None:
    """Remove every secret of the account, the refresh token first. Raise VaultError."""
    vaults.remove(account.vault, *secret_keys(account), *journal.keys(account.id))


def secret_keys(entry: Account | StoredCredential) -> list[str]:
    """Return the names of the vault entries that the account may have, the refresh token's first."""
    if isinstance(entry, StoredCredential):
        return [entry.key]
    tenants = {mark.tenant for mark in entry.issued_tokens} | {entry.tenant}
    keys = [entry.key(what) for what in ("refresh", "pat", "client-secret")]
    return [*keys, *map(entry.access_key, tenants)]


def forget(account: Account | StoredCredential) -> None:
    """Remove the account's (or the stored credential's) secrets, its block and bindings. Raise VaultError, AzdoError.

    Secrets are removed under the file's lock: where the file cannot be changed, the account is whole.
    """

    def change(accounts_file: AccountsFile) -> None:
        forget_secrets(accounts_file.account(account.id) or account)
        accounts_file.forget(account.id)

    with alone(account.id):  # a refresh would write new ones
        update(change)
