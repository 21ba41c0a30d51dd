"""Every program that we start: found by absolute path outside the folder we stand in, bounded, without our secrets.

No other module starts one (the linter sees to that). git runs us inside repositories, and one may hold a ``git`` or,
on Windows, where CreateProcess looks in the current folder before PATH, a ``git.exe`` (as in CVE-2023-40590). What is
started gets an argument list and no shell, no terminal, and a deadline at which it ends with all that it started. It
does not get the variables whose secrets we may send ourselves.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, NamedTuple

from git_credential_azdo import deadline
from git_credential_azdo.errors import UsageError
from git_credential_azdo.inherited import SECRETS, outside

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
    from typing import IO

MOST_BYTES = 16 * 1024 * 1024
"""What a program may print on one stream; one that prints more is ended, as one that takes too long."""
ROOT = os.environ.get("SYSTEMROOT", "C:\\") if sys.platform == "win32" else "/"
"""A folder that no repository is in."""


class Done(NamedTuple):
    """What a program left: its exit code and its two streams."""

    returncode: int
    stdout: bytes
    stderr: bytes


class ProgramError(UsageError):
    """A program could not be run to its end."""


class Missing(ProgramError):  # noqa: N818 - a state of this machine
    """It is not installed, or only where we do not look."""


class Unfinished(ProgramError):  # noqa: N818 - what became of it
    """It took too long, or (``is_too_long``) printed too much, and was ended."""

    def __init__(self, name: str, *, is_too_long: bool) -> None:
        super().__init__(f"{name} {'printed too much' if is_too_long else 'did not end in time'}")
        self.is_too_long = is_too_long


def find(name: str, environment: Mapping[str, str] = os.environ) -> str:
    """Return the absolute path of a program: the first on PATH, or ``name`` itself if it is one. Raises ``Missing``."""
    path = which(name, environment)
    if path is None:
        raise Missing(f"{os.path.basename(name)} was not found on PATH")
    return path


def which(name: str, environment: Mapping[str, str] = os.environ) -> str | None:
    """Return the absolute path of a program as ``find`` does, or None."""
    return next(candidates(name, environment), None)


def candidates(name: str, environment: Mapping[str, str] = os.environ) -> Iterator[str]:
    """Give every program of that name on PATH, the first that counts first. A relative path is never one."""
    folders = [""] if os.path.isabs(name) else outside(_search_path(environment))
    if os.path.dirname(name) and folders != [""]:
        return
    for folder in dict.fromkeys(folders):
        for ending in _endings(name, environment):
            path = os.path.join(folder, name + ending)
            if os.path.isfile(path) and os.access(path, os.X_OK):
                yield path


def run(
    words: Sequence[str],
    seconds: float,
    *,
    given: bytes = b"",
    cwd: str = ROOT,
    environment: Mapping[str, str] = os.environ,
    keep: Collection[str] = (),
) -> Done:
    """Run a program to its end, far from any repository unless ``cwd`` says otherwise; ``given`` is its stdin.

    ``keep`` names SECRETS that it needs. Raises ``ProgramError``: ``Missing``, ``Unfinished``, or it does not start.
    """
    end = time.monotonic() + deadline.bound(seconds)
    process = _start(words, cwd, for_children(environment, keep), subprocess.PIPE)
    end_all = _ending(process)
    out, err = _Reader(process.stdout, end_all), _Reader(process.stderr, end_all)
    writer = threading.Thread(target=_write, args=(process.stdin, given), daemon=True)
    try:
        for thread in (out, err, writer):
            thread.start()
        for reader in (out, err):
            reader.join(max(0.0, end - time.monotonic()))
        process.wait(max(0.0, end - time.monotonic()))
    except subprocess.TimeoutExpired:
        pass
    finally:  # Ctrl-C too
        is_whole = out.is_whole and err.is_whole and process.returncode is not None
        if not is_whole:
            end_all()
            process.wait()
    if not is_whole:
        raise Unfinished(os.path.basename(words[0]), is_too_long=out.is_too_long or err.is_too_long)
    return Done(process.returncode, bytes(out.data), bytes(err.data))


def launch(words: Sequence[str], environment: Mapping[str, str] = os.environ) -> None:
    """Start a program that outlives us, such as a browser. Raises ``ProgramError``."""
    process = _start(words, ROOT, for_children(environment), subprocess.DEVNULL)
    # Nobody waits for it; the thread only collects it, should it end before we do.
    threading.Thread(target=process.wait, daemon=True).start()


def for_children(environment: Mapping[str, str], keep: Collection[str] = ()) -> dict[str, str]:
    """Return an environment without our secrets, in which PATH leads nowhere near the folder we stand in."""
    kept = {name: value for name, value in environment.items() if name not in SECRETS or name in keep}
    if "PATH" in kept:
        kept["PATH"] = os.pathsep.join(outside(_search_path(kept)))
    if sys.platform == "win32":
        kept["NODEFAULTCURRENTDIRECTORYINEXEPATH"] = "1"
    return kept


def _search_path(environment: Mapping[str, str]) -> list[str]:
    return environment.get("PATH", os.defpath).split(os.pathsep)


def _endings(name: str, environment: Mapping[str, str]) -> list[str]:
    """Return what may follow the name: on Windows one of PATHEXT's, unless the name has one already."""
    if sys.platform == "win32":
        known = environment.get("PATHEXT", ".com;.exe;.bat;.cmd").lower().split(";")
        if not name.lower().endswith(tuple(filter(None, known))):
            return known
    return [""]


def _start(
    words: Sequence[str], cwd: str, environment: Mapping[str, str], stream: int
) -> subprocess.Popen[bytes]:
    path = find(words[0], environment)
    try:
        return subprocess.Popen(  # noqa: S603 - an argument list, never a shell
            [path, *words[1:]],
            bufsize=0,
            stdin=stream,
            stdout=stream,
            stderr=stream,
            cwd=cwd,
            env=environment,
            start_new_session=True,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
    except OSError as error:
        raise ProgramError(f"{os.path.basename(path)} could not be started: {error.strerror}") from None


def _ending(process: subprocess.Popen[bytes]) -> Callable[[], object]:
    """Return what ends a program with all that it started: its session, on Windows its job."""
    if sys.platform == "win32":
        import ctypes  # noqa: PLC0415 - on Windows only
        from ctypes.wintypes import HANDLE  # noqa: PLC0415 - on Windows only

        kernel = ctypes.WinDLL("kernel32")
        kernel.CreateJobObjectW.restype = HANDLE
        job = HANDLE(kernel.CreateJobObjectW(None, None))
        kernel.AssignProcessToJobObject(job, HANDLE(int(process._handle)))  # noqa: SLF001 - it has no other name
        return lambda: (kernel.TerminateJobObject(job, 1), process.kill())

    def end() -> None:
        with contextlib.suppress(OSError):
            os.killpg(process.pid, signal.SIGKILL)

    return end


class _Reader(threading.Thread):
    """Reads one stream to its end, or ends the program when it prints too much.

    It closes the stream itself: to close what another thread reads would wait for that one.
    """

    def __init__(self, stream: IO[bytes] | None, end_all: Callable[[], object]) -> None:
        super().__init__(daemon=True)
        self._stream = stream
        self._end_all = end_all
        self.data = bytearray()
        self.is_whole = False

    @property
    def is_too_long(self) -> bool:
        """Whether more came than is read."""
        return len(self.data) > MOST_BYTES

    def run(self) -> None:
        if self._stream is None:
            return
        with self._stream, contextlib.suppress(OSError):
            while chunk := self._stream.read(65_536):
                self.data += chunk
                if self.is_too_long:
                    self._end_all()
                    return
            self.is_whole = True


def _write(stream: IO[bytes] | None, given: bytes) -> None:
    if stream is not None:
        with contextlib.suppress(OSError), stream:  # it need not read what it is given
            view = memoryview(given)
            while view:
                view = view[stream.write(view) :]
