"""A lock for file systems without locks (some NFS, Lustre, FUSE): a file that only one process can make.

It names its holder. A stale one, whose holder has ended, is removed: at once for a process of this machine, after
_UNKNOWN_SECONDS for another machine's. Never used where the file system has locks: those are safer.
"""

from __future__ import annotations

import contextlib
import os
import time

from git_credential_azdo.files import read_file
from git_credential_azdo.writing import make_once

_NAME_BYTES = 1_024
_UNKNOWN_SECONDS = 120
"""The age at which a lock of another machine is stale: longer than this program holds one."""
_ALIVE_SECONDS = 3_600
"""The same for a process id that is alive on this machine: it may be another process's by now."""


def take(path: str) -> bytes:
    """Take the lock and return the name to release it by; empty when another process holds it. Raise OSError."""
    name = f"{os.getpid()} {_here()} {os.urandom(8).hex()}".encode()
    if make_once(path, name):
        return name
    stale = _stale(path)
    if stale is not None:
        _remove_stale(path, stale)
    return b""


def release(path: str, name: bytes) -> None:
    """Release the lock, if it is still held under this name."""
    if _name_in(path) == name:
        os.unlink(path)


def _stale(path: str) -> bytes | None:
    """Return the name in a stale lock; None when the lock is not stale, or absent."""
    name = _name_in(path)
    try:
        age = abs(time.time() - os.lstat(path).st_mtime)
    except FileNotFoundError:
        return None
    number, _, rest = name.partition(b" ")
    limit = _UNKNOWN_SECONDS
    if os.name != "nt" and number.isdigit() and rest.partition(b" ")[0] == _here().encode():
        limit = _ALIVE_SECONDS if _is_alive(int(number[:9])) else -1
    return name if age > limit else None


def _remove_stale(path: str, stale: bytes) -> None:
    aside = f"{path}.{os.urandom(8).hex()}"
    try:
        os.rename(path, aside)
    except OSError:  # another process removed it first
        return
    if _name_in(aside) != stale:  # another process removed it first and holds the lock: it gets it back
        with contextlib.suppress(OSError):
            os.link(aside, path)
    os.unlink(aside)


def _name_in(path: str) -> bytes:
    try:
        return read_file(path, _NAME_BYTES)
    except OSError:
        return b""


def _is_alive(process: int) -> bool:
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
