"""The time limit of a run: AZDO_TIMEOUT, in seconds from its start, else DEFAULT_SECONDS.

Every wait is limited to what is ``left``. One of git's verbs that exceeds the limit (stdin is never closed, the reader
of stdout does not read, a file system hangs) ends with one line on stderr and, for ``get``, with ``quit=1``: by an
interval timer, or by a thread on Windows, which has none. ``__main__`` loads this module only for a run that takes
long. Must never write to an answer that another thread has begun (``errors.claim_answer``).
"""

from __future__ import annotations

import _thread
import contextlib
import os
import signal
import sys
import time

from git_credential_azdo import errors

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from types import FrameType
    from typing import Any, TypeVar

    Item = TypeVar("Item")
    Result = TypeVar("Result")

DEFAULT_SECONDS = 30.0
MAX_SECONDS = 3_600.0
_MIN_SECONDS = 1.0
"""The shortest limit of a request in people's verbs, however late it is sent: Ctrl-C ends those."""
_MAX_RESERVE_SECONDS = 1.0
"""The most time that a request for a token leaves for saving the token."""
_CHILD_SECONDS = 5.0
"""How long after the run a child process waits for the response and saves the token."""
_GRACE_SECONDS = 0.3
"""A wait ends this long before the limit, so that it can report what it waited for."""
_REPORT_SECONDS = 0.1
"""How long writing the last line may take: stderr may be a full pipe."""
_SLICE_SECONDS = 0.5
_AT_ONCE = 32
_SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")

_started = time.monotonic()
_asked: dict[int, Callable[[], bool]] = {}
"""For each thread, the function that returns whether its request for a token was sent; see ``continued_in_child``."""


def limit() -> float:
    """Return the time limit of the run in seconds; an invalid or negative AZDO_TIMEOUT counts as not set."""
    try:
        seconds = min(float(os.environ.get("AZDO_TIMEOUT") or DEFAULT_SECONDS), MAX_SECONDS)
    except ValueError:
        seconds = DEFAULT_SECONDS
    return seconds if seconds > 0 else DEFAULT_SECONDS  # NaN is not greater


@contextlib.contextmanager
def user_wait() -> Iterator[None]:
    """Exclude this block, which waits for the user, from the time of the run."""
    global _started  # noqa: PLW0603 - one process has one start
    began = time.monotonic()
    try:
        yield
    finally:
        _started += time.monotonic() - began


def left() -> float:
    """Return the seconds left: at least 0 for git's verbs, at least 1 for people's."""
    if errors.began is None:
        return max(_MIN_SECONDS, limit() - (time.monotonic() - _started))
    return max(0.0, limit() - _GRACE_SECONDS - (time.monotonic() - errors.began))


def bound(seconds: float) -> float:
    """Return the limit of a wait: at most what is left for git's verbs, at most AZDO_TIMEOUT (if set) for people's."""
    if errors.began is not None:
        return min(seconds, left())
    return min(seconds, limit()) if "AZDO_TIMEOUT" in os.environ else seconds


@contextlib.contextmanager
def continued_in_child(asked: Callable[[], bool]) -> Iterator[float]:
    """Continue this block (a request for a token, and saving the token) in a child process when the run ends.

    ``asked`` returns whether the request was sent: from then on the old refresh token may be invalid, so a child
    continues. Only on Linux, where fork is safe, and in the main thread, the only one that continues in a child; the
    run waits briefly for other threads (``in_threads``). Yield for how many seconds a child waits for the response.
    """
    import threading  # noqa: PLC0415 - the run of a get needs none

    is_main = threading.current_thread() is threading.main_thread()
    own, run = _thread.get_ident(), os.getpid()
    _asked[own] = asked
    try:
        yield _CHILD_SECONDS if is_main and sys.platform == "linux" else 0.0
    finally:
        _asked.pop(own, None)
        if os.getpid() != run:
            os._exit(0)


def in_main_thread(work: Callable[[], Result], seconds: float) -> Result:
    """Return the result of ``work``, run in the main thread inside ``continued_in_child``. Raise TimedOut; a child then continues."""
    if errors.began is not None:  # the run's own timer ends it
        return work()

    def end(*_: object) -> None:
        if not _continue_in_child():
            raise TimedOut

    before = signal.signal(signal.SIGALRM, end)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        return work()
    finally:
        if errors.began is None:  # a child has none
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)


def left_for_request() -> float:
    """Return the seconds that a request for a token may take, so that time is left to save the token."""
    least = _MIN_SECONDS if errors.began is None else 0.0
    return max(least, left() - min(_MAX_RESERVE_SECONDS, limit() / 6))


@contextlib.contextmanager
def defer_signals(begun: Callable[[], bool] = lambda: True) -> Iterator[None]:
    """Defer Ctrl-C, SIGTERM and SIGHUP to the end of the block, where they have their usual effect.

    ``begun`` returns whether the step that must not be interrupted has begun; before it, they take effect at once (see
    ``continued_in_child``). Ignored signals stay ignored (nohup). Outside the main thread, Python handles no signals to defer.
    """
    came: list[int] = []
    before: dict[int, Any] = {}

    def note(number: int, _frame: FrameType | None) -> None:
        if begun():
            came.append(number)
        elif not _continue_in_child():
            signal.signal(number, before[number])
            signal.raise_signal(number)

    for name in _SIGNALS:
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


class TimedOut(TimeoutError):  # noqa: N818 - a state, as in TimeoutError's own subclasses
    """The time is over, but the work continues."""


def in_thread(work: Callable[[], Result]) -> Callable[[float], Result]:
    """Start ``work``, which may hang, in a thread; return a function that waits the given seconds for its result.

    For work without a time limit of its own: a keyring, a name server, a server that sends one byte a second. A thread
    that is not waited for any more continues as a daemon, so it must hold nothing that the rest of the program needs. The
    returned function raises what ``work`` raised, and TimedOut when the time is over.
    """
    import threading  # noqa: PLC0415 - the run of a get needs none

    results: list[Result] = []
    failed: list[BaseException] = []

    def run() -> None:
        try:
            results.append(work())
        except BaseException as error:  # noqa: BLE001 - it is raised again, in the thread that waits
            failed.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()

    def wait(seconds: float) -> Result:
        end = time.monotonic() + seconds
        # In slices: a signal that arrives just before a wait does not end it, and is handled only after that wait.
        while thread.is_alive() and (left := end - time.monotonic()) > 0:
            thread.join(min(left, _SLICE_SECONDS))
        if failed:
            raise failed[0]
        if not results:
            raise TimedOut
        return results[0]

    return wait


def in_threads(
    work: Callable[[Item], Result], items: Iterable[Item], seconds: float = MAX_SECONDS
) -> list[Result | None]:
    """Return what ``work`` returns for each of the items; None for what takes longer than ``seconds``.

    Ctrl-C does not wait for all of them, as it would with an executor, only until requested tokens are saved.
    """
    import threading  # noqa: PLC0415 - as above

    results: list[Result | None] = []
    gate, end = threading.Semaphore(_AT_ONCE), time.monotonic() + seconds

    def in_turn(item: Item) -> Result:
        with gate:
            return work(item)

    with defer_signals(_save_tokens):
        for wait in [in_thread(lambda item=item: in_turn(item)) for item in items]:  # type: ignore[misc]
            try:
                results.append(wait(end - time.monotonic()))
            except TimedOut:
                results.append(None)
        _save_tokens()
    return results


def _save_tokens() -> bool:
    """Wait briefly until the tokens that threads have requested are saved; return False."""
    end = time.monotonic() + _CHILD_SECONDS
    while any(asked() for asked in [*_asked.values()]) and time.monotonic() < end:
        time.sleep(0.05)
    return False


def enforce(verb: str) -> None:
    """End this process, which runs one of git's verbs, at its time limit. Call it in the main thread."""

    def look(*_: object) -> None:
        remaining = _remaining()
        if remaining > 0:
            signal.setitimer(signal.ITIMER_REAL, remaining)
        elif not _continue_in_child():
            signal.signal(signal.SIGALRM, lambda *_: os._exit(_code(verb)))
            signal.setitimer(signal.ITIMER_REAL, _REPORT_SECONDS)
            _give_up(verb)

    signal.signal(signal.SIGALRM, look)
    look()


def _continue_in_child() -> bool:
    """Fork if a token was requested; return True in the child, which continues without the run's streams and terminal."""
    asked = _asked.get(_thread.get_ident())
    if sys.platform != "linux" or asked is None or not asked() or os.fork():
        return False
    os.setsid()
    errors.Waiting.ended = staticmethod(lambda: None)  # a thread that fork did not copy may hold its lock
    for stream in (0, 1, 2):
        os.dup2(os.open(os.devnull, os.O_RDWR), stream)
    errors.began = time.monotonic() - limit() + _CHILD_SECONDS
    _asked.clear()  # the child itself continues in no other one
    # Not by the timer, which the handler that this signal has interrupted may set again.
    signal.signal(signal.SIGALRM, signal.SIG_IGN)
    with contextlib.suppress(RuntimeError):  # too many threads: then the limit of the request ends it
        _thread.start_new_thread(watch, ("get",))
    return True


def watch(verb: str) -> None:
    """Do in a thread what ``enforce`` does with a timer. Never return."""
    while (remaining := _remaining()) > 0:
        time.sleep(remaining)
    _thread.start_new_thread(_give_up, (verb,))
    time.sleep(_REPORT_SECONDS)
    os._exit(_code(verb))


def _remaining() -> float:
    """Return the seconds until the process must end."""
    return (errors.began or _started) + limit() - time.monotonic()


def _give_up(verb: str) -> None:
    """Answer ``quit=1`` to a ``get``, print what was waited for and end the process."""
    what = errors.waits[0].what if errors.waits else "a file, the keyring or the network"
    waited = errors.step or f"{what} did not respond"
    try:
        if errors.claim_answer() and verb == "get" and not os.environ.get("AZDO_YIELD"):
            os.write(errors.stdout, b"quit=1\n")
        line = errors.line("error", f"gave up after {limit():.0f} s: {waited}")
        os.write(2, line.encode())
    except OSError:
        pass
    os._exit(_code(verb))


def _code(verb: str) -> int:
    return 0 if verb == "get" else 1
