"""The entry point: run one command, and turn exceptions into one line on stderr and an exit code.

git's verbs go straight to ``helper.verbs``; the modules of people's verbs are loaded only for those. Exit codes: 0
success, 1 an expected failure, 2 a usage error, 3 a bug in this program, 130 interrupted by Ctrl-C.

Before ``inherited.make_safe`` it must import only what Python has already loaded: not even ``__future__``.
"""

import _thread
import os
import sys
import time

from git_credential_azdo import inherited

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType

_GIT_VERBS = frozenset(("get", "store", "erase", "capability"))
_LONG_RUN_SECONDS = 0.1 if os.name == "posix" else 1.0
"""When ``deadline`` is loaded; on Windows, where that takes longer and there are no core dumps to prevent, as late as the
shortest time limit."""
_SIGALRM, _ITIMER_REAL = 14, 0
"""POSIX does not fix these numbers, but all systems agree on them; importing ``signal`` costs a millisecond."""
_FAILURE, _BUG, _INTERRUPTED = 1, 3, 130


def main() -> int:
    """Run the command in ``sys.argv`` and return its exit code; one of git's verbs ends the process with it."""
    inherited.make_safe()
    words = sys.argv[1:]
    _occupy_standard_streams()
    if sys.platform == "win32":
        from git_credential_azdo.errors import use_utf_8  # noqa: PLC0415 - see above

        use_utf_8()
    if setting := os.environ.get("AZDO_TRACE"):
        from git_credential_azdo.errors import begin_trace  # noqa: PLC0415 - see above

        begin_trace(setting)
    is_for_git = len(words) == 1 and words[0] in _GIT_VERBS
    if is_for_git:
        _end_in_time(words[0])
    try:
        code = run(words)
    except KeyboardInterrupt:  # while an error was printed
        code = _INTERRUPTED
    if code == _INTERRUPTED:  # another signal would kill the interpreter while it shuts down
        import signal  # noqa: PLC0415 - rarely needed

        signal.signal(signal.SIGINT, signal.SIG_IGN)
    if not is_for_git:
        return code
    # All output is written and there is nothing to clean up; finalizing the interpreter takes a tenth of a get's time.
    os._exit(code)


def run(words: list[str]) -> int:
    """Run the command that these arguments name; return its exit code."""
    from git_credential_azdo.errors import AzdoError, position, report, say, show  # noqa: PLC0415 - see above

    try:
        if len(words) == 1 and words[0] in _GIT_VERBS:
            from git_credential_azdo.helper import verbs  # noqa: PLC0415 - git's verbs load nothing else

            return verbs.run(words[0])
        from git_credential_azdo.commands import cli  # noqa: PLC0415 - loads click

        inherited.forbid_core_dumps()
        return cli.run(words)
    except AzdoError as error:
        report(error)
        return _FAILURE
    except KeyboardInterrupt:
        show("")  # ends the line in which a terminal shows ^C
        return _INTERRUPTED
    except Exception as error:  # noqa: BLE001 - the last handler
        if refused := _refused(error):
            say("error", f"system error: {refused}")
            return 0 if words == ["get"] else _FAILURE
        if os.environ.get("AZDO_DEBUG"):
            from traceback import format_exception  # noqa: PLC0415 - for debugging only

            show("".join(format_exception(error)))
            return _BUG
        say("error", f"this is a bug: {type(error).__name__} at {position(error)}")
        say("hint", "AZDO_DEBUG=1 shows the whole traceback, which may contain secrets")
        return 0 if words == ["get"] else _BUG


def _refused(error: Exception) -> str:
    """Return what the system did not give: a file, memory, a thread, a library; empty for a bug of this program."""
    if isinstance(error, ImportError) and str(error.path).endswith((".so", ".pyd")):
        return str(error)
    if "start new thread" in str(error):
        return "cannot start a new thread"
    if isinstance(error, (MemoryError, SystemError)):  # the interpreter's own fault, as when memory ends
        return "out of memory"
    if not isinstance(error, OSError):
        return ""
    return f"{error.strerror or 'out of memory'}{f': {error.filename}' if error.filename else ''}"


def _end_in_time(verb: str) -> None:
    """Start the timer of ``deadline`` for one of git's verbs, and forbid core dumps.

    The module is loaded only when a run takes longer than _LONG_RUN_SECONDS, which few do; in a thread, since a
    signal handler may run in the middle of an import and must not start another one.
    """
    from git_credential_azdo import errors  # noqa: PLC0415 - see the module's docstring

    errors.began = time.monotonic()
    loaded: list[ModuleType] = []
    threads: list[int] = []

    def watch() -> None:
        while not loaded:
            time.sleep(_LONG_RUN_SECONDS)
            _load(loaded, threads)
        loaded[0].watch(verb)

    if sys.platform == "win32":
        _thread.start_new_thread(watch, ())
        return
    import _signal  # type: ignore[import-not-found] # noqa: PLC0415 - has no timer on Windows

    def look(*_: object) -> None:
        if loaded:
            loaded[0].enforce(verb)
            return
        _signal.setitimer(_ITIMER_REAL, _LONG_RUN_SECONDS)
        try:
            if not threads:
                threads.append(_thread.start_new_thread(_load, (loaded, threads)))
        except RuntimeError:  # there are too many threads; the next tick tries again
            pass

    _signal.signal(_SIGALRM, look)
    try:
        _signal.setitimer(_ITIMER_REAL, _LONG_RUN_SECONDS)
    except OSError:  # a sandbox forbids it
        _thread.start_new_thread(watch, ())


def _load(loaded: "list[ModuleType]", threads: list[int]) -> None:
    """Load ``deadline``; where there is too little memory, the next tick tries again."""
    try:
        from git_credential_azdo import deadline  # noqa: PLC0415 - see the module's docstring
    except (ImportError, MemoryError, OSError):
        threads.clear()
        return
    loaded.append(deadline)
    inherited.forbid_core_dumps()


def _occupy_standard_streams() -> None:
    """Open a placeholder for each of stdin, stdout and stderr that is closed.

    Otherwise the next file to be opened would get its descriptor, and the answer to git would be written into that
    file. Reading or writing the placeholder fails, as it does for a closed stream.
    """
    for stream, refusing in enumerate((os.O_WRONLY, os.O_RDONLY, os.O_RDONLY)):
        try:
            os.fstat(stream)
        except OSError:
            os.set_inheritable(os.open(os.devnull, refusing), True)  # noqa: FBT003 - takes the lowest free number


if __name__ == "__main__":
    sys.exit(main())
