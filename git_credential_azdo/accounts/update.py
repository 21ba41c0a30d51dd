"""The registry, written: under a lock, to a new file, then renamed. The only place that changes it.

Unknown keys and blocks are written back as read. A damaged block is moved to ``accounts.damaged`` beside the
file, so that nothing a person could mend is lost.
"""

from __future__ import annotations

import os

from git_credential_azdo.accounts.account import Block
from git_credential_azdo.accounts.accounts_file import VERSION, Registry, read
from git_credential_azdo.errors import say
from git_credential_azdo.files import read_own, write_own
from git_credential_azdo.git.protocol import format_pairs
from git_credential_azdo.lock import Lock
from git_credential_azdo.ownership import trouble
from git_credential_azdo.paths import read_accounts, registry_path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    Result = TypeVar("Result")

LOCK_SECONDS = 5.0
_REFUSED = "\n\r\0"


def update(change: Callable[[Registry], Result]) -> Result:
    """Let ``change`` alter the registry and write it if anything differs; return what ``change`` returned.

    Raises AzdoError when the file cannot be read, locked or written, ProtocolError when a value cannot be written.
    """
    path = registry_path()
    try:
        with Lock(path + ".lock", LOCK_SECONDS):
            data = read_accounts()
            registry = read(data)
            if not registry.header.pairs:
                registry.header = Block([("version", VERSION)])
            if not registry.salt:
                registry.header.set("salt", os.urandom(16).hex())
            result = change(registry)
            fresh = render(registry)
            if registry.damaged:
                _keep_aside(path + ".damaged", registry.damaged)
                say("error", f"what could not be read of {path} is now in {path}.damaged")
            if fresh != data:
                write_own(path, fresh, os.path.dirname(path), linked=True)
            return result
    except OSError as error:
        raise trouble("write", path, error, os.path.dirname(path)) from error


def render(registry: Registry) -> bytes:
    """Return the registry as the bytes of its file. Raises ProtocolError."""
    blocks = [registry.header, *registry.blocks]
    return b"\n".join(format_pairs(block.pairs, _REFUSED) for block in blocks)


def _keep_aside(path: str, damaged: list[bytes]) -> None:
    top = os.path.dirname(path)
    kept = read_own(path, top) or b""
    write_own(path, b"\n".join([kept, *(raw + b"\n" for raw in damaged)]).lstrip(b"\n"), top)
