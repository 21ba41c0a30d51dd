"""A lock between processes on a file, with a bounded wait. The system lets go of it when its holder dies.

Never deletes the lock file: a second process could hold a lock on the deleted one.
"""

from __future__ import annotations

import os
import sys
import time

from git_credential_azdo.errors import AzdoError
from git_credential_azdo.files import make_private_folder

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


class Busy(AzdoError):  # noqa: N818 - a state, not a fault
    """Another process held the lock for the whole wait."""


class Lock:
    """``with Lock(path, seconds):`` holds the lock. Raises Busy after ``seconds``, OSError when it cannot be made."""

    def __init__(self, path: str, seconds: float) -> None:
        self._path = path
        self._seconds = seconds
        self._descriptor = -1

    def __enter__(self) -> None:
        make_private_folder(os.path.dirname(self._path))
        self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600)
        give_up = time.monotonic() + self._seconds
        while True:
            try:
                return _try_lock(self._descriptor)
            except (BlockingIOError, PermissionError):  # what Unix and Windows say when another one has it
                if time.monotonic() >= give_up:
                    os.close(self._descriptor)
                    raise Busy(
                        f"another git-credential-azdo held {self._path} for {self._seconds:.0f} seconds"
                    ) from None
                time.sleep(_PAUSE_SECONDS)
            except BaseException:  # a file system without locks, or Ctrl-C
                os.close(self._descriptor)
                raise

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._descriptor)  # closing lets go of the lock
