"""A lock between processes on a file, with a bounded wait. The system releases it when its holder dies.

Must never delete the lock file: a second process could hold a lock on the deleted one.

On a file system without locks (some NFS, Lustre, FUSE) a file beside it, which only one process can make, takes its place.
It names its holder. A stale one, whose holder has ended, is removed: at once for a process of this machine, after
_UNKNOWN_SECONDS for another machine's.
"""

from __future__ import annotations

import contextlib
import errno
import os
import sys
import time

from git_credential_azdo.errors import AzdoError
from git_credential_azdo.files import read_file
from git_credential_azdo.writing import make_once, open_lock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType

if sys.platform == "win32":
    import msvcrt

    def _try_lock(descriptor: int) -> None:
        os.lseek(descriptor, 0, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _try_lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


_PAUSE_SECONDS = 0.01
_NO_LOCKS = frozenset((errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP))
_HELD = ".held"
_NAME_BYTES = 1_024
_UNKNOWN_SECONDS = 120
"""The age at which a lock of another machine is stale: longer than this program holds one."""
_ALIVE_SECONDS = 3_600
"""The same for a process id that is alive on this machine: it may be another process's by now."""


class Busy(AzdoError):  # noqa: N818 - a state, not a fault
    """Another process held the lock for the whole wait."""


class Lock:
    """Hold the lock in ``with Lock(path, seconds):``. Raise Busy after ``seconds``, OSError when the file cannot be made.

    In git's verbs the wait ends with the run's time limit.
    """

    def __init__(self, path: str, seconds: float) -> None:
        self._path = path
        self._seconds = seconds
        self._descriptor = -1
        self._name = b""

    def __enter__(self) -> None:
        self._descriptor = open_lock(self._path)
        try:
            self._wait()
        except BaseException:  # also KeyboardInterrupt
            os.close(self._descriptor)
            raise

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._name:
            release(self._path + _HELD, self._name)
        os.close(self._descriptor)  # releases the lock

    def _wait(self) -> None:
        if self._try():
            return
        from git_credential_azdo import deadline  # noqa: PLC0415 - a lock is hardly ever held

        seconds = deadline.bound(self._seconds)
        give_up = time.monotonic() + seconds
        while not self._try():
            if time.monotonic() >= give_up:
                raise Busy(f"another git-credential-azdo held {self._path} for {max(1, round(seconds))} s")
            time.sleep(_PAUSE_SECONDS)

    def _try(self) -> bool:
        try:
            _try_lock(self._descriptor)
        except (BlockingIOError, PermissionError):  # on Unix and Windows, when another process holds it
            return False
        except OSError as error:
            if error.errno not in _NO_LOCKS:
                raise
            self._name = take(self._path + _HELD)
            return bool(self._name)
        return True


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
