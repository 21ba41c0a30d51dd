"""Mends what Wine 8 does not do as Windows does: ``_locking`` leaves errno 0 where Windows' C runtime says EACCES.

https://learn.microsoft.com/cpp/c-runtime-library/reference/locking
"""

import sys

if sys.platform == "win32":
    import msvcrt

    _locking = msvcrt.locking

    def _locking_with_errno(descriptor: int, mode: int, size: int) -> None:
        try:
            _locking(descriptor, mode, size)
        except OSError as error:
            if error.errno == 0:
                raise PermissionError(13, "Permission denied") from None
            raise

    msvcrt.locking = _locking_with_errno
