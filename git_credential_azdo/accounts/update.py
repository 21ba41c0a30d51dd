"""Writing the accounts file, under a lock, to a new file that is then renamed, and the vault entries of its accounts.

Unknown keys and blocks are written back as read; a damaged block is moved to ``accounts.damaged`` beside the file. The
file decides which ids are in use: new secrets are written beside the old ones, one write of the file switches to them,
and the entries of other ids are deleted, a refresh token first, by the next run if this one is killed
(``vault.journal``).

It also records failed token requests: ``failed[]=TENANT SINCE UNTIL|MESSAGE|HINT``, with ANY for all tenants and ``-``
for none; times in seconds since the epoch, UNTIL ``setup`` if only a new sign-in helps. Must never hold a secret.
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
"""The lock under which the secrets of new accounts are written."""
SAVE_SECONDS = 60.0
"""How long one setup waits for another."""
_REFUSED = "\n\r\0"
ANY = "*"
_KEY = "failed[]"
_SETUP = "setup"
_MAX_PAUSE_SECONDS = 3_600
_MAX_MARKS = 6


def update(change: Callable[[AccountsFile], Result]) -> Result:
    """Apply ``change`` to the accounts file, write it if it differs, and return the result. Raise AzdoError."""
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
                _set_aside(path + ".damaged", accounts_file.damaged)
                say("error", f"the unreadable parts of {path} are now in {path}.damaged")
            if fresh != data:
                write_own(path, fresh, os.path.dirname(path), linked=True)
            return result
    except OSError as error:
        raise unusable("write", path, error, os.path.dirname(path)) from error


def render(accounts_file: AccountsFile) -> bytes:
    """Return the bytes of the accounts file. Raise ProtocolError."""
    blocks = [accounts_file.header, *accounts_file.blocks]
    return b"\n".join(format_pairs(block.pairs, _REFUSED) for block in blocks)


def _set_aside(path: str, damaged: list[bytes]) -> None:
    top = os.path.dirname(path)
    before = read_own(path, top) or b""
    write_own(path, b"\n".join([before, *(raw + b"\n" for raw in damaged)]).lstrip(b"\n"), top)


class Failure(NamedTuple):
    """One failed request. ``until``: when the next request may be sent; None if only a new sign-in helps."""

    since: int
    until: int | None
    message: str
    hint: str | None


def failure_of(account: Account, tenant: str, now: float) -> Failure | None:
    """Return the failure that still applies to tokens of the tenant; None when a request may be sent."""
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
    """Record that a request failed. ``pause``: for how many seconds none is sent; None: until a new sign-in."""
    words = [printable(text or "").replace("|", "/") for text in (error.message, error.hint)]
    where, until = tenant or "-", _SETUP if pause is None else now + int(pause)
    others = [text for text in account.block.all(_KEY) if text.partition(" ")[0] != where]
    account.block.set_all(_KEY, [*others[1 - _MAX_MARKS :], "|".join([f"{where} {now} {until}", *words])])


def clear_failures(account: Account) -> None:
    """Forget the failures, after a token was received or the user signed in."""
    account.block.set_all(_KEY, [])


@contextlib.contextmanager
def holding_lock(name: str) -> Iterator[None]:
    """Hold the lock with this name, to keep other processes from doing the same; an account's id locks its secrets.

    Raise AzdoError.
    """
    try:
        with Lock(lock_path(name), SAVE_SECONDS):
            yield
    except OSError as error:
        raise unusable("write below", folder(), error, folder()) from error


def save_secrets(
    secrets: Mapping[str, list[Pair]], vault_name: str, change: Callable[[AccountsFile], Result]
) -> Result:
    """Write the secrets, each under its key, then the accounts file with ``change``, once; return its result.

    Secrets of ids that the file then does not name are deleted. Callers hold SETUP_LOCK. Raise VaultError, AzdoError.
    """

    def switch(accounts_file: AccountsFile) -> Result:
        before = {entry.id: (entry.vault, secret_keys(entry)) for entry in accounts_file.entries}
        result = change(accounts_file)
        for gone in before.keys() - {block.get("id") for block in accounts_file.blocks}:
            journal.begin(gone, *before[gone])
        return result

    finish_interrupted()
    salt = update(lambda accounts_file: accounts_file.salt)
    for identifier in {key.partition("/")[0] for key in secrets}:
        journal.begin(identifier, vault_name, [key for key in secrets if key.startswith(f"{identifier}/")])
    try:
        for key, payload in secrets.items():
            marks = [("digest", digest(salt, value)) for name, value in payload if name == "token"]
            vaults.write(vault_name, key, [*payload, *marks], confirmed=vault_name != vaults.NONE)
        return update(switch)
    finally:
        finish_interrupted()


def finish_interrupted() -> None:
    """Delete the secrets that this run or a killed one began to write or delete and the accounts file does not name.

    Callers hold SETUP_LOCK.
    """
    try:
        begun = journal.begun()
        if not begun:
            return
        written, named = journal.entries(), read_accounts()  # including damaged blocks
        for identifier in begun:
            if f"id={identifier}".encode() not in named:
                for vault, key in written:
                    if key.startswith(f"{identifier}/"):
                        vaults.remove(vault, key)
            journal.end(identifier)
    except AzdoError as error:
        say("error", f"a secret that is no longer used could not be deleted: {error.message}")


def leftovers() -> dict[str, list[tuple[str, str]]]:
    """Return the vault entries that belong to no account, as (vault, name), by id. Raise AzdoError.

    The entries of a keyring are not listed: accounts of another home folder of this user may have theirs there, too.
    """
    named = read_accounts()
    found: dict[str, list[tuple[str, str]]] = {}
    for vault, key in [*journal.entries(), *((vaults.FILE, key) for key in vaults.FileVault().entries())]:
        identifier = key.partition("/")[0]
        if f"id={identifier}".encode() not in named and (vault, key) not in found.get(identifier, ()):
            found.setdefault(identifier, []).append((vault, key))
    return found


def forget_leftovers(identifiers: Iterable[str] = ()) -> list[str]:
    """Remove the leftovers with these ids, or all of them if none is given; return the ids. Raise AzdoError."""
    with holding_lock(SETUP_LOCK):  # an account that is being saved is not in the file yet
        finish_interrupted()
        found = leftovers()
        wanted = [each for each in found if each in identifiers or not identifiers]
        for vault, key in [entry for each in wanted for entry in found[each]]:
            vaults.remove(vault, key)
        return wanted


def forget_secrets(account: Account | StoredCredential) -> None:
    """Remove every secret of the account, the refresh token first. Raise VaultError."""
    vaults.remove(account.vault, *secret_keys(account), *journal.keys(account.id))


def secret_keys(entry: Account | StoredCredential) -> list[str]:
    """Return the names of the vault entries that the account may have, that of the refresh token first."""
    if isinstance(entry, StoredCredential):
        return [entry.key]
    tenants = {mark.tenant for mark in entry.issued_tokens} | {entry.tenant}
    keys = [entry.key(what) for what in ("refresh", "pat", "client-secret")]
    return [*keys, *map(entry.access_key, tenants)]


def forget(account: Account | StoredCredential) -> None:
    """Remove the account's (or the stored credential's) secrets, its block and bindings. Raise VaultError, AzdoError.

    Secrets are removed under the file's lock: if the file cannot be changed, the account stays complete.
    """

    def change(accounts_file: AccountsFile) -> None:
        forget_secrets(accounts_file.account(account.id) or account)
        accounts_file.forget(account.id)

    with holding_lock(account.id):  # a refresh would write new ones
        update(change)
