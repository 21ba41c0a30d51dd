"""The accounts file, written: under a lock, to a new file, then renamed. The only place that changes it.

Unknown keys and blocks are written back as read. A damaged block is moved to ``accounts.damaged`` beside the
file, so that nothing a person could mend is lost.
"""

from __future__ import annotations

import os

from git_credential_azdo.accounts.account import Block
from git_credential_azdo.accounts.accounts_file import VERSION, AccountsFile, read
from git_credential_azdo.errors import say
from git_credential_azdo.files import read_own
from git_credential_azdo.git.protocol import format_pairs
from git_credential_azdo.lock import Lock
from git_credential_azdo.ownership import unusable
from git_credential_azdo.paths import accounts_path, read_accounts
from git_credential_azdo.writing import write_own

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    Result = TypeVar("Result")

LOCK_SECONDS = 5.0
_REFUSED = "\n\r\0"


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
