"""Where the temporary files of the tests lie: ``python -m tests.support.scratch`` prints the folder."""

from __future__ import annotations

import os
import sys
import tempfile

_MEMORY = "/dev/shm"  # noqa: S108 - each run makes a folder of its own in it
_ROOM = 1 << 30
"""More bytes than a run of all tests writes; a container may have 64 MiB there."""


def folder() -> str:
    """Return a folder in memory, where there is room and programs may be run, else the system's.

    The program syncs each file that it writes to disk, thousands in a run of the tests, and each sync takes milliseconds.
    """
    if sys.platform == "linux" and os.access(_MEMORY, os.W_OK):
        memory = os.statvfs(_MEMORY)
        if memory.f_bavail * memory.f_frsize > _ROOM and not memory.f_flag & os.ST_NOEXEC:
            return _MEMORY
    return os.path.realpath(tempfile.gettempdir())


if __name__ == "__main__":
    sys.stdout.write(folder())
