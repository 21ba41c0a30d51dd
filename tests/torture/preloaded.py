"""Commands that run in forks of one process, which has loaded everything: a tenth of the console script's cost.

For the checks after a point, never for what is tortured. ``python -m tests.torture.preloaded FOLDER`` is that process: it
reads one JSON line a command and writes one a result.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import pkgutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import git_credential_azdo
from tests.conftest import SCRIPT, SECONDS, Home, Result
from tests.support.watch import WATCH

_LIBRARIES = (
    "ctypes",
    "httpx",
    "keyring.backends.SecretService",
    "secretstorage",
    "tests.torture.slow_backend",
)


class Preloaded:
    """The process, and what it runs in the environment of a home."""

    def __init__(self, home: Home, folder: Path) -> None:
        self._home = home
        self._folder = folder
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__, str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=Path(__file__).parents[2],
        )

    def close(self) -> None:
        """End the process."""
        self._process.communicate()

    def azdo(self, *words: str, given: str = "") -> Result:
        """Run a command as ``Home.azdo`` does."""
        (self._folder / "in").write_text(given)
        assert self._process.stdin
        assert self._process.stdout
        wanted = {"words": words, "environment": self._home.environment, "cwd": str(self._home.folder)}
        self._process.stdin.write(json.dumps(wanted).encode() + b"\n")
        self._process.stdin.flush()
        code = json.loads(self._process.stdout.readline())
        out, err = ((self._folder / name).read_bytes() for name in ("out", "err"))
        WATCH.seen(f"the streams of {words[0]}", err if words[0] == "get" else out + err)
        return Result(subprocess.CompletedProcess([], code, out, err))


def _load() -> None:
    names = [
        each.name for each in pkgutil.walk_packages(git_credential_azdo.__path__, "git_credential_azdo.")
    ]
    for name in (*names, *_LIBRARIES):
        with contextlib.suppress(ImportError, AssertionError):  # what is another system's
            importlib.import_module(name)


def _serve(folder: Path) -> None:
    _load()
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            _run(folder, **json.loads(line))
        signal.signal(signal.SIGALRM, lambda *_, child=child: os.kill(child, signal.SIGKILL))
        signal.alarm(SECONDS)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
        signal.alarm(0)


def _run(folder: Path, words: list[str], environment: dict[str, str], cwd: str) -> None:
    from git_credential_azdo import __main__, deadline

    for number, name in enumerate(("in", "out", "err")):
        flags = os.O_RDWR | os.O_CREAT | (os.O_TRUNC if number else 0)
        os.dup2(os.open(folder / name, flags), number)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = [str(SCRIPT), *words]
    deadline._started = time.monotonic()
    code = 1
    try:
        code = __main__.main()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    _serve(Path(sys.argv[1]))
