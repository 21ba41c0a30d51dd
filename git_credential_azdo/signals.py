"""Signals that wait: a step that must not be cut in two is finished first. Knows nothing of what the step is."""

from __future__ import annotations

import contextlib
import signal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType
    from typing import Any

_NAMES = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")


@contextlib.contextmanager
def held_back(begun: Callable[[], bool] = lambda: True) -> Iterator[None]:
    """Let Ctrl-C, SIGTERM and SIGHUP wait for the end of the block; then they do what they would have done.

    ``begun``: whether the step that must not be cut has begun; before, they do it at once. What is ignored stays ignored
    (nohup). Outside the main thread, where Python handles no signals, nothing is held.
    """
    came: list[int] = []
    before: dict[int, Any] = {}

    def note(number: int, _frame: FrameType | None) -> None:
        if begun():
            came.append(number)
            return
        signal.signal(number, before[number])
        signal.raise_signal(number)

    for name in _NAMES:
        number = getattr(signal, name, None)
        if number is None or signal.getsignal(number) in {signal.SIG_IGN, None}:
            continue
        try:
            before[number] = signal.signal(number, note)
        except ValueError:  # not the main thread
            break
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for number in dict.fromkeys(came):
            signal.raise_signal(number)
