"""The accounts file, written: under a lock, to a new file, then renamed. The only place that changes it.

Unknown keys and blocks are written back as read. A damaged block is moved to ``accounts.damaged`` beside the
file, so that nothing a person could mend is lost. It also keeps what requests for an account's tokens failed with:
``failed[]=TENANT SINCE UNTIL|MESSAGE|HINT``, for ANY tenant, one, or ``-`` for none; times in seconds since the epoch,
UNTIL ``setup`` for a refusal that only a new sign-in ends. A mark must never hold a secret: it is printed.
"""

from __future__ import annotations

import os

from git_credential_azdo.accounts.account import Block, number
from git_credential_azdo.accounts.accounts_file import VERSION, AccountsFile, read
from git_credential_azdo.errors import printable, say
from git_credential_azdo.files import accounts_path, read_accounts, read_own
from git_credential_azdo.git.protocol import format_pairs
from git_credential_azdo.ownership import unusable
from git_credential_azdo.writing import Lock, write_own

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    from git_credential_azdo.accounts.account import Account
    from git_credential_azdo.errors import AzdoError

    Result = TypeVar("Result")

LOCK_SECONDS = 5.0
_REFUSED = "\n\r\0"
ANY = "*"
_KEY = "failed[]"
_SETUP = "setup"
_MAX_PAUSE_SECONDS = 3_600
_MAX_MARKS = 6


def update(change: Callable[[AccountsFile], Result]) -> Result:
    """Let ``change`` alter the accounts file and write it if anything differs; return what ``change`` returned.

    Raise AzdoError when the file cannot be read, locked or written, ProtocolError when a value cannot be written.
    """
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


class Failure:
    """One failure. ``until``: when the next request may be sent; None when only a new sign-in helps."""

    __slots__ = ("hint", "message", "since", "until")

    def __init__(self, since: int, until: int | None, message: str, hint: str | None) -> None:
        self.since = since
        self.until = until
        self.message = message
        self.hint = hint


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
