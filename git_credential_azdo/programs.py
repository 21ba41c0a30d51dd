"""Runs other programs: found by absolute path outside the current folder, bounded, without secrets.

No other module may start one (a ruff rule). git starts helpers inside repositories, and a repository may hold a
``git`` or, on Windows, where CreateProcess looks in the current folder before PATH, a ``git.exe`` (CVE-2023-40590). A
program gets an argument list, never a shell or a terminal, and never the variables in ``inherited.SECRETS`` unless the
caller names them; at its deadline it is ended with everything that it started.
"""

from __future__ import annotations

import contextlib
import functools
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import IO

from git_credential_azdo import deadline
from git_credential_azdo.errors import UsageError, Waiting
from git_credential_azdo.inherited import SECRETS, is_absolute, outside

MAX_BYTES = 16 * 1024 * 1024
"""The most that a program may print on one stream; one that prints more is ended."""
_CLEAN_UP_SECONDS = 0.1
"""How long a program that is being ended has to remove what only it can, such as git its locks."""
ROOT = os.environ.get("SYSTEMROOT", "C:\\") if sys.platform == "win32" else "/"
"""A folder that is in no repository."""


Completed = subprocess.CompletedProcess[bytes]
"""A program that ended by itself."""


class ProgramError(UsageError):
    """A program could not be run to completion."""


class NotFound(ProgramError):  # noqa: N818 - a state of this machine
    """The program is not installed, or only in a folder that is not searched."""


class Stopped(ProgramError):  # noqa: N818 - a result, not an accident
    """The program was ended: it took too long, or (``is_too_long``) printed too much."""

    def __init__(self, name: str, *, is_too_long: bool) -> None:
        super().__init__(f"{name} {'printed too much' if is_too_long else 'did not end in time'}")
        self.is_too_long = is_too_long


def find(name: str, environment: Mapping[str, str] = os.environ) -> str:
    """Return the absolute path of a program: the first on PATH, or ``name`` itself if it is one. Raise NotFound."""
    path = which(name, environment)
    if path is None:
        raise NotFound(f"{os.path.basename(name)} was not found on PATH")
    return path


def which(name: str, environment: Mapping[str, str] = os.environ) -> str | None:
    """Return the absolute path of a program, as ``find`` does, or None."""
    return next(candidates(name, environment), None)


def candidates(name: str, environment: Mapping[str, str] = os.environ) -> Iterator[str]:
    """Yield every program of this name in the order of PATH, never by a relative path."""
    folders = [""] if is_absolute(name) else outside(_search_path(environment))
    if os.path.dirname(name) and folders != [""]:
        return
    for folder in dict.fromkeys(folders):
        for suffix in _suffixes(name, environment):
            path = os.path.join(folder, name + suffix)
            if os.path.isfile(path) and os.access(path, os.X_OK):
                yield path


def run(
    words: Sequence[str],
    seconds: float,
    *,
    stdin: bytes = b"",
    cwd: str = ROOT,
    environment: Mapping[str, str] = os.environ,
    keep: Collection[str] = (),
) -> Completed:
    """Run a program to completion, for at most so many seconds, outside any repository unless ``cwd`` is in one.

    ``keep``: the names of the SECRETS that it needs. Raise NotFound, Stopped, ProgramError when it does not start.
    """
    end = time.monotonic() + deadline.bound(seconds)
    process = _start(words, cwd, child_environment(environment, keep), subprocess.PIPE)
    end_all = _terminator(process)

    def read(stream: IO[bytes]) -> bytes:
        data = bytearray()
        with stream:  # closed by the reading thread: close() elsewhere would wait for it
            while len(data) <= MAX_BYTES and (chunk := stream.read(65_536)):
                data += chunk
        if len(data) > MAX_BYTES:
            end_all()
        return bytes(data)

    def write(stream: IO[bytes]) -> None:
        with contextlib.suppress(OSError), stream:  # a program need not read its stdin
            stream.write(stdin)

    given, *streams = (stream for stream in (process.stdin, process.stdout, process.stderr) if stream)
    printed: list[bytes] = []
    try:
        readers = [deadline.in_thread(functools.partial(read, stream)) for stream in streams]
        deadline.in_thread(functools.partial(write, given))
        with Waiting(os.path.basename(words[0]), end - time.monotonic()):
            printed.extend(wait_for(end - time.monotonic()) for wait_for in readers)
            process.wait(max(0.0, end - time.monotonic()))
    except (OSError, subprocess.TimeoutExpired):
        pass
    finally:  # also after KeyboardInterrupt
        is_too_long = any(len(data) > MAX_BYTES for data in printed)
        is_whole = process.returncode is not None and len(printed) == len(streams) and not is_too_long
        if not is_whole:
            end_all()
            process.wait()
    if not is_whole:
        raise Stopped(os.path.basename(words[0]), is_too_long=is_too_long)
    return Completed(words, process.returncode, *printed)


def launch(words: Sequence[str], environment: Mapping[str, str] = os.environ) -> None:
    """Start a program that may outlive this process, such as a browser. Raise ProgramError."""
    process = _start(words, ROOT, child_environment(environment), subprocess.DEVNULL)
    # The thread only reaps the program if it ends before this process.
    threading.Thread(target=process.wait, daemon=True).start()


def child_environment(environment: Mapping[str, str], keep: Collection[str] = ()) -> dict[str, str]:
    """Return the environment without SECRETS, except those in ``keep``, and without the current folder in PATH."""
    child = {name: value for name, value in environment.items() if name not in SECRETS or name in keep}
    if "PATH" in child:
        child["PATH"] = os.pathsep.join(outside(_search_path(child)))
    if sys.platform == "win32":
        child["NODEFAULTCURRENTDIRECTORYINEXEPATH"] = "1"
    return child


def _search_path(environment: Mapping[str, str]) -> list[str]:
    return environment.get("PATH", os.defpath).split(os.pathsep)


def _suffixes(name: str, environment: Mapping[str, str]) -> list[str]:
    """Return the suffixes to try: on Windows those in PATHEXT, unless the name ends in one; else none."""
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


def _terminator(process: subprocess.Popen[bytes]) -> Callable[[], object]:
    """Return a function that ends a program with everything that it started: its process group, or its job object."""
    if sys.platform == "win32":
        import ctypes  # noqa: PLC0415 - on Windows only
        from ctypes.wintypes import HANDLE  # noqa: PLC0415 - on Windows only

        kernel = ctypes.WinDLL("kernel32")
        kernel.CreateJobObjectW.restype = HANDLE
        job = HANDLE(kernel.CreateJobObjectW(None, None))
        kernel.AssignProcessToJobObject(job, HANDLE(int(process._handle)))  # noqa: SLF001 - there is no public name for it
        return lambda: (kernel.TerminateJobObject(job, 1), process.kill())

    def end() -> None:
        with contextlib.suppress(OSError, subprocess.TimeoutExpired):
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(_CLEAN_UP_SECONDS)
        with contextlib.suppress(OSError):
            os.killpg(process.pid, signal.SIGKILL)

    return end
