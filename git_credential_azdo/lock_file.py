"""A lock where the file system has none (some NFS, Lustre, FUSE): a file that only one process can make.

It names its holder. One whose holder is gone counts for nothing: at once when it was a process of this machine, after
a while when nobody here can know. Loaded only where ``lock`` finds no locks; weaker than them, and better than nothing.
"""

from __future__ import annotations

import contextlib
import os
import time

from git_credential_azdo.files import read_file
from git_credential_azdo.writing import make_once

_NAME_BYTES = 1_024
_UNKNOWN_SECONDS = 120
"""The age of a lock of another machine at which its holder must be gone: longer than any of ours holds one."""
_LIVING_SECONDS = 3_600
"""The same for a process that lives here: its number may be another's by now."""


def take(path: str) -> bytes:
    """Return the name under which the lock is held from now on; empty when another process holds it. Raise OSError."""
    name = f"{os.getpid()} {_here()} {os.urandom(8).hex()}".encode()
    if make_once(path, name):
        return name
    stale = _stale(path)
    if stale is not None:
        _take_away(path, stale)
    return b""


def release(path: str, name: bytes) -> None:
    """Let go of the lock, if it is still held under this name."""
    if _name_in(path) == name:
        os.unlink(path)


def _stale(path: str) -> bytes | None:
    """Return the name in a lock that counts for nothing; None for any other."""
    name = _name_in(path)
    try:
        age = abs(time.time() - os.lstat(path).st_mtime)
    except FileNotFoundError:
        return None
    number, _, rest = name.partition(b" ")
    limit = _UNKNOWN_SECONDS
    if os.name != "nt" and number.isdigit() and rest.partition(b" ")[0] == _here().encode():
        limit = _LIVING_SECONDS if _lives(int(number[:9])) else -1
    return name if age > limit else None


def _take_away(path: str, stale: bytes) -> None:
    aside = f"{path}.{os.urandom(8).hex()}"
    try:
        os.rename(path, aside)
    except OSError:  # another one was quicker
        return
    if _name_in(aside) != stale:  # quicker, and holds the lock already: it gets it back
        with contextlib.suppress(OSError):
            os.link(aside, path)
    os.unlink(aside)


def _name_in(path: str) -> bytes:
    try:
        return read_file(path, _NAME_BYTES)
    except OSError:
        return b""


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        pass
    return True


def _here() -> str:
    """Return this machine's name, as one word."""
    name = os.environ.get("COMPUTERNAME", "") if os.name == "nt" else os.uname().nodename
    return "".join(name.split()) or "?"
