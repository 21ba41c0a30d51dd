"""Mends what Wine 8 does not do as Windows does, and hides what it only pretends to do.

``_locking`` leaves errno 0 where Windows' C runtime says EACCES; CreateSymbolicLink makes no link and says that it did.
https://learn.microsoft.com/cpp/c-runtime-library/reference/locking
"""

import sys

if sys.platform == "win32":
    import msvcrt
    import nt
    import os

    _locking = msvcrt.locking

    def _locking_with_errno(descriptor: int, mode: int, size: int) -> None:
        try:
            _locking(descriptor, mode, size)
        except OSError as error:
            if error.errno == 0:
                raise PermissionError(13, "Permission denied") from None
            raise

    def _no_symlink(source: str, target: str, *_: object, **__: object) -> None:
        raise OSError(22, "A required privilege is not held by the client", source, 1314, target)

    msvcrt.locking = _locking_with_errno
    os.symlink = nt.symlink = _no_symlink
