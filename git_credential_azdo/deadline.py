"""The time that a run may take in all: AZDO_TIMEOUT, in seconds from its start, else WHOLE_SECONDS.

Every wait of ours takes what is ``left``. A verb of git's that is still there after it (a stdin that is never closed,
a reader that does not read, a file system that hangs) ends with one line and, for ``get``, with ``quit=1``. An
interval timer sees to that, or on Windows, which has none, a thread. The front door loads this module for a run that
takes long. Never writes into an answer that was begun: whoever writes one must claim it (``errors.claim_answer``).
"""

from __future__ import annotations

import _thread
import os
import signal
import time

from git_credential_azdo import errors

WHOLE_SECONDS = 30.0
MOST_SECONDS = 3_600.0
_LEAST_SECONDS = 1.0
"""What a wait gets where a person can press Ctrl-C, however late it is."""
_SLACK_SECONDS = 0.25
"""What a wait that ends by itself gets for its own line: it knows better than we do what it waited for."""
_LAST_WORDS_SECONDS = 0.2
"""How long our own line may take: stderr may be the pipe that is not read."""

_started = time.monotonic()
_not_before = 0.0


def whole() -> float:
    """Return the time of the whole run in seconds; nonsense in AZDO_TIMEOUT counts as not set."""
    try:
        seconds = min(float(os.environ.get("AZDO_TIMEOUT") or WHOLE_SECONDS), MOST_SECONDS)
    except ValueError:
        seconds = WHOLE_SECONDS
    return seconds if seconds > 0 else WHOLE_SECONDS  # not-a-number is not


def left() -> float:
    """Return the seconds left: none at the least for git's verbs, one where a person waits."""
    if errors.began is None:
        return max(_LEAST_SECONDS, whole() - (time.monotonic() - _started))
    return max(0.0, whole() - (time.monotonic() - errors.began))


def bound(seconds: float) -> float:
    """Return how long a wait of so many seconds may be: no longer than what is left to a verb of git's."""
    return seconds if errors.began is None else min(seconds, left())


def grant(seconds: float) -> None:
    """Let the run last for so long from now at the least: what came late must still be kept."""
    global _not_before  # noqa: PLW0603 - one process has one end
    _not_before = time.monotonic() + seconds


def enforce(verb: str) -> None:
    """End this process, which runs a verb of git's, when its time is over. To be called in the main thread."""

    def look(*_: object) -> None:
        remaining = _remaining()
        if remaining > 0:
            signal.setitimer(signal.ITIMER_REAL, remaining)
            return
        signal.signal(signal.SIGALRM, lambda *_: os._exit(_code(verb)))
        signal.setitimer(signal.ITIMER_REAL, _LAST_WORDS_SECONDS)
        _give_up(verb)

    signal.signal(signal.SIGALRM, look)
    look()


def watch(verb: str) -> None:
    """Do in a thread, for as long as the process runs, what the timer does elsewhere."""
    while (remaining := _remaining()) > 0:
        time.sleep(remaining)
    _thread.start_new_thread(_give_up, (verb,))
    time.sleep(_LAST_WORDS_SECONDS)
    os._exit(_code(verb))


def _remaining() -> float:
    """Return the seconds until the process must end."""
    end = (errors.began or _started) + whole()
    return max(end, _not_before) + _SLACK_SECONDS - time.monotonic()


def _give_up(verb: str) -> None:
    """Say the last words and end the process."""
    waited = errors.step or "a file, the keyring or the network did not answer"
    try:
        if errors.claim_answer() and verb == "get" and not os.environ.get("AZDO_YIELD"):
            os.write(1, b"quit=1\n")
        line = errors.line("error", f"gave up after {whole():.0f} seconds: {waited}")
        os.write(2, line.encode())
    except OSError:
        pass
    os._exit(_code(verb))


def _code(verb: str) -> int:
    return 0 if verb == "get" else 1
