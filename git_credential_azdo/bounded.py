"""Work that may hang: in a thread of its own, waited for no longer than so many seconds.

For what has no time limit of its own: a keyring, a name server, a server that sends one byte a second. A thread that is
given up runs on as a daemon, so it must hold nothing that the rest of the program needs.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

Result = TypeVar("Result")
_SLICE_SECONDS = 0.5


class TimedOut(TimeoutError):  # noqa: N818 - a state, as in TimeoutError's own subclasses
    """The time is over, and the work goes on."""


def start(work: Callable[[], Result]) -> Callable[[float], Result]:
    """Start ``work``; return the function that waits so many seconds for its result.

    That function raises what ``work`` raised, and TimedOut when the time is over.
    """
    results: list[Result] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            results.append(work())
        except BaseException as error:  # noqa: BLE001 - it is raised again, in the thread that waits
            errors.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()

    def wait(seconds: float) -> Result:
        join(thread, seconds)
        if errors:
            raise errors[0]
        if not results:
            raise TimedOut
        return results[0]

    return wait


def join(thread: threading.Thread, seconds: float) -> None:
    """Wait for a thread to end, for at most so many seconds, in slices.

    Python handles a signal between two waits, and one that arrives just before a wait does not end it: Ctrl-C would be
    seen at the end of ``seconds`` only.
    """
    end = time.monotonic() + seconds
    while thread.is_alive() and (left := end - time.monotonic()) > 0:
        thread.join(min(left, _SLICE_SECONDS))
