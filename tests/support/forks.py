"""Python scripts, such as our console script, in forks of one interpreter: processes of their own at a quarter of the cost.

That interpreter (``python -I forks.py SOCKET``) has loaded the libraries and this package and has run nothing. Each
message on its socket, with three streams and a pipe for the exit code, is one run. What is about the start of an
interpreter (Python's variables, the locale, the linker's) gets a new one. Must import nothing of the tests.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import io
import json
import os
import pkgutil
import runpy
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

_LIBRARIES = (
    "certifi",
    "httpx",
    "keyring.backends.SecretService",
    "secretstorage",
    "socksio",
    "urllib.request",
)
_OF_THE_START = ("LANG", "LC_", "LD_", "PYTHON")
"""How variables begin that an interpreter or the linker looks at when it starts."""
_ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
_NOT_OF_THE_START = {"LC_ALL": "C.UTF-8", "PYTHONPATH": _ROOT, "PYTHON_KEYRING_BACKEND": None}
"""Those that it may have nevertheless: with this value, or any. _ROOT brings the keyring of ``moody_keyring``."""
_STREAMS = 3
_DIGITS = 10
"""What each number takes on the pipe: a fork may have ended before its process id is read."""

_orders: list[socket.socket] = []


class Fork:
    """A run in a fork, with the part of ``subprocess.Popen`` that tests use."""

    def __init__(self, pid: int, status: int) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._status = status

    def poll(self) -> int | None:
        """Return the exit code, or None before the end."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.wait(0)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Return the exit code; raise TimeoutExpired."""
        if self.returncode is None:
            if not select.select([self._status], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired(str(self.pid), timeout or 0)
            self.returncode = _read_number(self._status)
            os.close(self._status)
        return self.returncode

    def kill(self) -> None:
        """Kill it, if it has not ended."""
        if self.poll() is None:
            os.kill(self.pid, signal.SIGKILL)


def start(
    words: Sequence[str | Path],
    environment: Mapping[str, str],
    cwd: Path,
    streams: Sequence[int] = (),
    terminal: str = "",
) -> Fork | subprocess.Popen[bytes]:
    """Run a Python script with these words; ``streams`` are its stdin, stdout and stderr, else it gets the terminal."""
    program, *rest = [str(word) for word in words]
    if not _is_python(program) or any(map(_is_of_the_start, environment.items())):
        # A session leader that opens a terminal gets it as its own: passwords are asked for there.
        on_terminal = ["sh", "-c", 'exec "$@" <"$0" >"$0" 2>&1', terminal] if terminal else []
        stdin, stdout, stderr = streams or [subprocess.DEVNULL] * _STREAMS
        return subprocess.Popen(
            [*on_terminal, program, *rest],
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            env=environment,
            cwd=cwd,
            start_new_session=bool(terminal),
        )
    if not _orders:
        ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        _orders.append(ours)
        with its:
            # It ends when our end of the socket is closed, by the end of this process at the latest.
            subprocess.Popen(
                [sys.executable, "-I", __file__, str(its.fileno())],
                stdin=subprocess.DEVNULL,
                env={**_coverage(), "LC_ALL": "C.UTF-8", "PATH": os.defpath},
                pass_fds=[its.fileno()],
            ).returncode = 0  # nothing waits for it
    status, its_status = os.pipe()
    order = json.dumps([[program, *rest], dict(environment), str(cwd), terminal]).encode()
    socket.send_fds(_orders[0], [order], [its_status, *streams])
    os.close(its_status)
    return Fork(_read_number(status), status)


def run(
    words: Sequence[str | Path], environment: Mapping[str, str], cwd: Path, given: bytes | str, timeout: float
) -> subprocess.CompletedProcess[bytes]:
    """Run a Python script to its end."""
    with contextlib.ExitStack() as stack:
        files = [stack.enter_context(tempfile.TemporaryFile()) for _ in range(_STREAMS)]
        files[0].write(given.encode() if isinstance(given, str) else given)
        files[0].seek(0)
        process = start(words, environment, cwd, [file.fileno() for file in files])
        try:
            code = process.wait(timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
        for file in files:
            file.seek(0)
        return subprocess.CompletedProcess(words, code, files[1].read(), files[2].read())


def _read_number(status: int) -> int:
    return int(os.read(status, _DIGITS))


def _coverage() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name.startswith("COVERAGE_")}


def _is_python(program: str) -> bool:
    if sys.platform != "linux" or not os.path.isfile(program):
        return False
    with open(program, "rb") as file:
        return b"python" in file.readline()


def _is_of_the_start(variable: tuple[str, str]) -> bool:
    name, value = variable
    if name in _NOT_OF_THE_START:
        return _NOT_OF_THE_START[name] not in {None, value}
    return name.startswith(_OF_THE_START)


def _serve(number: int) -> None:
    import git_credential_azdo

    ours = pkgutil.walk_packages(git_credential_azdo.__path__, "git_credential_azdo.")
    for name in (*_LIBRARIES, *(module.name for module in ours)):
        with contextlib.suppress(ImportError, AssertionError):  # of another system
            importlib.import_module(name)
    gc.collect()
    gc.freeze()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with socket.socket(fileno=number) as orders:
        while True:
            order, descriptors, *_ = socket.recv_fds(orders, 1 << 20, _STREAMS + 1)
            if not order:
                return
            if os.fork() == 0:
                break
            for descriptor in descriptors:
                os.close(descriptor)
    _watch(order, *descriptors)


def _watch(order: bytes, status: int, *streams: int) -> None:
    """Run the script in a child, and report which it is, and its exit code."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    child = os.fork()
    if child == 0:
        _run(streams, *json.loads(order))
        return
    os.write(status, b"%*d" % (_DIGITS, child))
    for descriptor in (*streams, *range(_STREAMS)):
        os.close(descriptor)
    os.write(status, b"%*d" % (_DIGITS, os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])))
    os._exit(0)


def _run(
    streams: Sequence[int], words: list[str], environment: dict[str, str], cwd: str, terminal: str
) -> None:
    """Be what a new interpreter is when it runs the script."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.chdir(cwd)
    if terminal:
        os.setsid()
        streams = [os.open(terminal, os.O_RDWR)] * _STREAMS
    for number, descriptor in enumerate(streams):
        os.dup2(descriptor, number)
    os.closerange(_STREAMS, 256)
    os.environ.clear()
    os.environ.update(environment)
    stdin, stdout, stderr = io.FileIO(0), io.FileIO(1, "w"), io.FileIO(2, "w")
    sys.stdin = io.TextIOWrapper(io.BufferedReader(stdin), errors="surrogateescape")
    sys.stdout = io.TextIOWrapper(
        io.BufferedWriter(stdout), errors="surrogateescape", line_buffering=stdout.isatty()
    )
    sys.stderr = io.TextIOWrapper(io.BufferedWriter(stderr), errors="backslashreplace", line_buffering=True)
    if "PYTHONPATH" in environment:
        sys.path.insert(0, _ROOT)
        importlib.import_module("tests.support.moody_keyring")
    from git_credential_azdo import deadline

    deadline._started = time.monotonic()
    sys.argv = words
    sys.path.insert(0, os.path.dirname(words[0]))
    runpy.run_path(words[0], run_name="__main__")


if __name__ == "__main__":
    _serve(int(sys.argv[1]))
