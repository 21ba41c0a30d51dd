"""A person in front of the program: on a pseudo-terminal, or pasting through a pipe; and the browser beside them.

Whoever waits here waits for words that the program prints, never for time to pass. All that is printed is watched
for secrets.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import select
import signal
import subprocess
import sys
import tempfile
import threading
import time
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import httpx

from git_credential_azdo import errors, inherited
from git_credential_azdo.__main__ import _GIT_VERBS, main, run
from tests.conftest import PRINTING, SCRIPT, Home, Result
from tests.emulator.default_world import ANN
from tests.support import forks
from tests.support.forgetting import forget
from tests.support.watch import WATCH

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

    import pytest
    from typing_extensions import Self

    from tests.emulator.emulator import Emulator

SECONDS = 90
LINK = r"https?://\S+[?&]response_type=code\S*"
_MARKS = re.compile(r"\x1b\[\?2004[hl]")


class Terminal:
    """Our console script on a terminal: ``see`` what it prints, ``type`` to it, and how it ``ended``."""

    program: str | Path = SCRIPT

    def __init__(self, home: Home, *words: str, **environment: str) -> None:
        self._master, slave = os.openpty()
        self._process = forks.start(
            [self.program, *words],
            {**home.environment, **environment},
            home.folder,
            terminal=os.ttyname(slave),
        )
        self._slave = slave  # kept open, so that the end of the program is no error on our side
        self._raw = b""
        self._seen = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        os.close(self._master)
        os.close(self._slave)
        WATCH.seen("a terminal", self._raw)

    @property
    def text(self) -> str:
        """All that was printed so far."""
        return _MARKS.sub("", self._raw.decode("utf-8", "replace").replace("\r\n", "\n"))

    def see(self, pattern: str) -> str:
        """Wait for words after those seen last, and return them; the test fails if they do not come."""
        end = time.monotonic() + SECONDS
        while True:
            found = re.compile(pattern).search(self.text, self._seen)
            # What stands at the very end may still grow.
            if found and (found.end() < len(self.text) or not self._read(0)):
                self._seen = found.end()
                return found[0]
            if not self._read(0.2) and (self._process.poll() is not None or time.monotonic() > end):
                raise AssertionError(f"{pattern!r} did not come after {self._seen}: {self.text!r}")

    def type(self, text: str) -> None:
        """Type a text; Enter is a carriage return."""
        data = text.encode()
        while data:
            data = data[os.write(self._master, data[:1000]) :]

    def interrupted(self) -> int:
        """Press Ctrl-C until the program ends, as people do; return the exit code."""
        end = time.monotonic() + SECONDS
        while self._process.poll() is None:
            assert time.monotonic() < end, self.text
            self.type("\x03")
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(1)
        return self.ended()

    def ended(self) -> int:
        """Wait for the end; return the exit code."""
        end = time.monotonic() + SECONDS
        while self._process.poll() is None:
            assert time.monotonic() < end, self.text
            self._read(0.05)
        while self._read(0):
            pass
        return self._process.wait()

    def _read(self, seconds: float) -> bool:
        if not select.select([self._master], [], [], seconds)[0]:
            return False
        data = os.read(self._master, 65_536)
        self._raw += data
        return bool(data)


class Shell(Terminal):
    """A person's shell on a terminal: what they type or paste is run, unless a program reads it first."""

    def __init__(self, home: Home, program: str, **environment: str) -> None:
        self.program = program
        quiet = {"bash": ("--norc", "--noprofile", "--noediting")}.get(program, ())
        super().__init__(home, *quiet, "-i", PS1="ready$ ", ENV="", **environment)
        self.see("ready")


class Sitting:
    """``setup`` in a pipe, as far as its link: the browser acts on ``link``, then ``paste`` or ``finish``."""

    def __init__(self, home: Home, *options: str, program: str | Path = SCRIPT, **environment: str) -> None:
        stdin, self._stdin = os.pipe()
        stderr, its_stderr = os.pipe()
        self._stdout = tempfile.TemporaryFile()  # noqa: SIM115 - finish closes it
        self._stderr = os.fdopen(stderr, "rb")
        self._process = forks.start(
            [program, "setup", *options],
            {**home.environment, **environment},
            home.folder,
            [stdin, self._stdout.fileno(), its_stderr],
        )
        os.close(stdin)
        os.close(its_stderr)
        self._said = b""
        self.link = ""
        for line in self._stderr:
            self._said += line
            found = re.search(LINK, line.decode())
            if found:
                self.link = found[0]
                break

    def finish(self, pasted: str = "") -> Result:
        """Paste a line, or nothing, and wait for the end."""
        with self._stdout, self._stderr, contextlib.ExitStack() as stack:
            stack.callback(self._process.kill)
            if pasted:
                with contextlib.suppress(BrokenPipeError):  # it has ended
                    os.write(self._stdin, f"{pasted}\n".encode())
            os.close(self._stdin)
            code = self._process.wait(SECONDS)
            self._stdout.seek(0)
            said, out = self._said + self._stderr.read(), self._stdout.read()
        WATCH.seen("setup", out + said)
        return Result(subprocess.CompletedProcess([], code, out, said))


_OF_A_PROCESS = ("DBUS_", "GNUPG", "LD_PRELOAD", "PYTHON")
"""How variables begin that a process looks at once: when it starts, or the first time that it needs them."""
_OF_GITS_VERBS = ("AZDO_TIMEOUT", "AZDO_TRACE")
"""What ends the process of one of git's verbs, or is read when it starts."""


class Here(Home):
    """A home whose commands run in this process: the same front door at a tenth of the cost.

    What is about the process itself stays one: its time limit and trace, Python's variables, a keyring, commands at once.
    """

    def __init__(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
    ) -> None:
        super().__init__(folder)
        self._monkeypatch = monkeypatch
        self._capfd = capfd

    def azdo(self, *words: str, given: bytes | str = b"", **environment: str) -> Result:
        """Run a command as the console script would."""
        variables = {**self.environment, **environment}
        is_for_git = words[:1] in {(verb,) for verb in _GIT_VERBS}
        once = any(name.startswith(_OF_A_PROCESS + _OF_GITS_VERBS * is_for_git) for name in variables)
        alone = threading.current_thread() is threading.main_thread()
        if once or not alone:
            return self.fork(SCRIPT, *words, given=given, secret_out=words[:1] in PRINTING, **environment)  # type: ignore[arg-type] # no variable is named cwd
        data = given.encode() if isinstance(given, str) else given
        with self._monkeypatch.context() as patch:
            for name in os.environ.keys() - variables:
                patch.delenv(name)
            for name, value in variables.items():
                patch.setenv(name, value)
            patch.chdir(self.folder)
            patch.setattr(sys, "path", list(sys.path))
            patch.setattr(sys, "argv", [str(SCRIPT), *words])
            patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
            self._capfd.readouterr()
            forget()
            on_ctrl_c = signal.getsignal(signal.SIGINT)
            code, answer = _git_verb(words[0], data) if is_for_git else (main(), b"")
            signal.signal(signal.SIGINT, on_ctrl_c)
        forget()
        out, err = (text.encode("utf-8", "surrogateescape") for text in self._capfd.readouterr())
        out += answer
        WATCH.seen("a command", err if words[:1] in PRINTING else out + err)
        return Result(subprocess.CompletedProcess([], code, out, err))


def _git_verb(verb: str, given: bytes) -> tuple[int, bytes]:
    """Run one of git's verbs as ``main`` does, but for the end of the process, also the one that its time limit brings.

    Return its exit code and its answer, whose bytes need not be text.
    """
    saved = os.dup(0), os.dup(1)
    with tempfile.TemporaryFile() as stdin, tempfile.TemporaryFile() as stdout:
        stdin.write(given)
        stdin.seek(0)
        os.dup2(stdin.fileno(), 0)
        os.dup2(stdout.fileno(), 1)
        try:
            inherited.make_safe()
            errors.began = time.monotonic()
            code = run([verb])
        finally:
            for descriptor in (0, 1):
                os.dup2(saved[descriptor], descriptor)
                os.close(saved[descriptor])
        stdout.seek(0)
        return code, stdout.read()


def setup_by_browser(
    home: Home, emulator: Emulator, *options: str, person: str = ANN, **environment: str
) -> Result:
    """Run ``setup`` with the file vault and paste the address at which the person's browser ends."""
    sitting = Sitting(home, "--vault", "file", "--no-browser", *options, **environment)
    return sitting.finish(emulator.sign_in(sitting.link, person) if sitting.link else "")


def asked(link: str) -> dict[str, str]:
    """Return the parameters of a link."""
    return {key: values[0] for key, values in parse_qs(urlsplit(link).query).items()}


def visit(address: str) -> int:
    """Let a browser on this machine follow a redirect; return the status."""
    return httpx.get(address, trust_env=False, timeout=SECONDS).status_code
