"""A lock between processes on a file, with a bounded wait. The system releases it when its holder dies.

Must never delete the lock file: a second process could hold a lock on the deleted one. On a file system without locks
``lock_file`` takes its place.
"""

from __future__ import annotations

import errno
import os
import sys
import time

from git_credential_azdo.errors import AzdoError
from git_credential_azdo.writing import open_lock

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
            from git_credential_azdo.lock_file import release  # noqa: PLC0415 - rarely needed

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
            from git_credential_azdo.lock_file import take  # noqa: PLC0415 - rarely needed

            self._name = take(self._path + _HELD)
            return bool(self._name)
        return True
