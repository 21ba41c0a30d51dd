"""Signals that wait: a step that must not be cut in two is finished first. Knows nothing of what the step is."""

from __future__ import annotations

import contextlib
import signal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_NAMES = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")


@contextlib.contextmanager
def held_back() -> Iterator[None]:
    """Let Ctrl-C, SIGTERM and SIGHUP wait for the end of the block; then they do what they would have done.

    What is ignored stays ignored (nohup). Outside the main thread, where Python handles no signals, nothing is held.
    """
    came: list[int] = []
    before = {}
    for name in _NAMES:
        number = getattr(signal, name, None)
        if number is None or signal.getsignal(number) in {signal.SIG_IGN, None}:
            continue
        try:
            before[number] = signal.signal(number, lambda number, _frame: came.append(number))
        except ValueError:  # not the main thread
            break
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for number in dict.fromkeys(came):
            signal.raise_signal(number)
