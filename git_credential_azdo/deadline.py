"""The time that a run may take in all: AZDO_TIMEOUT, in seconds from its start, else WHOLE_SECONDS.

Every wait of ours takes what is ``left``. A verb of git's that is still there after it (a stdin that is never closed,
a reader that does not read, a file system that hangs) ends with one line and, for ``get``, with ``quit=1``. An
interval timer sees to that, which costs microseconds; on Windows, which has none, a thread does.
Never writes into an answer that was begun: whoever writes one must ``claim`` it first.
"""

from __future__ import annotations

import _thread
import os
import sys
import time

from git_credential_azdo.errors import line

WHOLE_SECONDS = 30.0
MOST_SECONDS = 3_600.0
_SLACK_SECONDS = 0.25
"""What a wait that ends by itself gets for its own line: it knows better than we do what it waited for."""
_LAST_WORDS_SECONDS = 0.2
"""How long our own line may take: stderr may be the pipe that is not read."""
_LONG_RUN_SECONDS = 0.1
"""After that a run may hold secrets for long enough that a core dump could catch them."""
_SIGALRM, _ITIMER_REAL = 14, 0
"""POSIX leaves the numbers open, but all systems agree; the module ``signal`` costs a millisecond."""

step = ""
"""What is waited for just now, to be named in the line; any part of the program sets it."""

_started = time.monotonic()
_least = 1.0
_ends = 0.0
_answer = _thread.allocate_lock()


def whole() -> float:
    """Return the time of the whole run in seconds; nonsense in AZDO_TIMEOUT counts as not set."""
    try:
        seconds = min(float(os.environ.get("AZDO_TIMEOUT") or WHOLE_SECONDS), MOST_SECONDS)
    except ValueError:
        seconds = WHOLE_SECONDS
    return seconds if seconds > 0 else WHOLE_SECONDS  # not-a-number is not


def left() -> float:
    """Return the seconds left: none at the least for git's verbs, one where a person can wait or press Ctrl-C."""
    return max(_least, whole() - (time.monotonic() - _started))


def bound(seconds: float) -> float:
    """Return how long a wait of so many seconds may be: no longer than what is left to a verb of git's."""
    return min(seconds, left()) if _ends else seconds


def claim() -> bool:
    """Say whether the answer is the caller's to write; it is given away once."""
    return _answer.acquire(blocking=False)


def grant(seconds: float) -> None:
    """Let the run last for so long from now at the least: what came late must still be kept."""
    global _ends  # noqa: PLW0603 - one process has one end
    _ends = max(_ends, time.monotonic() + seconds)


def enforce(verb: str) -> None:
    """End this process when its time is over. For git's verbs: a person can press Ctrl-C."""
    global _least, _ends  # noqa: PLW0603 - one process has one end
    _least = 0.0
    seconds = left() + _SLACK_SECONDS
    _ends = time.monotonic() + seconds
    if sys.platform == "win32":
        _thread.start_new_thread(_watch, (verb,))
        return
    import _signal  # type: ignore[import-not-found] # noqa: PLC0415 - has no timer on Windows

    def look(*_: object) -> None:
        remaining = _ends - time.monotonic()
        if remaining > 0:
            _thread.start_new_thread(_guard_secrets, ())
            _signal.setitimer(_ITIMER_REAL, remaining)
            return
        _signal.signal(_SIGALRM, lambda *_: os._exit(_code(verb)))
        _signal.setitimer(_ITIMER_REAL, _LAST_WORDS_SECONDS)
        _give_up(verb)

    _signal.signal(_SIGALRM, look)
    _signal.setitimer(_ITIMER_REAL, min(_LONG_RUN_SECONDS, seconds))


def _watch(verb: str) -> None:
    """Do in a thread what the timer does elsewhere."""
    while (remaining := _ends - time.monotonic()) > 0:
        time.sleep(remaining)
    _thread.start_new_thread(_give_up, (verb,))
    time.sleep(_LAST_WORDS_SECONDS)
    os._exit(_code(verb))


def _guard_secrets() -> None:
    """Forbid core dumps, in a thread of its own: a signal's handler may interrupt an import and must not begin one."""
    from git_credential_azdo.hardening import forbid_core_dumps  # noqa: PLC0415 - a short run needs none

    forbid_core_dumps()


def _give_up(verb: str) -> None:
    """Say the last words and end the process."""
    waited = step or "a file, the keyring or the network did not answer"
    try:
        if claim() and verb == "get" and not os.environ.get("AZDO_YIELD"):
            os.write(1, b"quit=1\n")
        os.write(2, line("error", f"gave up after {whole():.0f} seconds: {waited}").encode())
    except OSError:
        pass
    os._exit(_code(verb))


def _code(verb: str) -> int:
    return 0 if verb == "get" else 1
