"""No secret of ours ends up in a core dump, nor in another process of the same user that looks into our memory.

Not perfect by far: a process of the same user can still read the keyring as we do. Costs some milliseconds, so
that git's verbs come here only when they take long (``deadline``) or refresh a token. Rules: setrlimit(2), prctl(2).
"""

from __future__ import annotations

import contextlib
import sys

_PR_SET_DUMPABLE = 4


def forbid_core_dumps() -> None:
    """Let this process leave no core dump and be traced by root alone, where the system can. Children may dump."""
    if sys.platform == "win32":
        return
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource  # noqa: PLC0415 - not there on Windows

        _, hard = resource.getrlimit(resource.RLIMIT_CORE)
        resource.setrlimit(resource.RLIMIT_CORE, (0, hard))
    if sys.platform == "linux":
        with contextlib.suppress(ImportError, OSError, AttributeError):
            import ctypes  # noqa: PLC0415 - 5 ms, and of no use elsewhere

            ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
