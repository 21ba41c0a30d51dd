"""vault/system.py above a backend of another package that fails or answers in a way of its own."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest
from keyring.backend import KeyringBackend

from git_credential_azdo.commands import console
from git_credential_azdo.errors import VaultError
from git_credential_azdo.vault.system import KeyringVault
from tests.support.watch import new_password

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


class Backend(KeyringBackend):
    """Answers with what a function returns."""

    priority = -1  # keyring recommends it to nobody

    def __init__(self, answer: Callable[[], Any]) -> None:
        self._answer = answer

    def get_password(self, _service: str, _username: str) -> Any:
        """Return what the function returns."""
        return self._answer()

    def set_password(self, _service: str, _username: str, _password: str) -> None:
        """Refuse."""
        raise NotImplementedError

    def delete_password(self, _service: str, _username: str) -> None:
        """Refuse."""
        raise NotImplementedError


class Panic(BaseException):
    """As PyO3 raises it where a library in Rust panics."""


def _raise(error: BaseException) -> None:
    raise error


@pytest.mark.parametrize(
    "answer",
    [
        lambda secret: secret.encode(),
        lambda secret: [secret],
        lambda _: 7,
        lambda secret: _raise(Panic(secret)),
        lambda secret: _raise(SystemExit(secret)),
        lambda secret: _raise(GeneratorExit(secret)),
        lambda secret: _raise(OSError(5, secret, secret)),
    ],
    ids=["bytes", "a list", "a number", "a panic", "an exit", "a generator's exit", "a system error"],
)
def test_whatever_a_backend_does_is_an_error_of_the_vault(answer: Callable[[str], Any]) -> None:
    """One line without what it said: that may be the secret."""
    secret = new_password()
    with pytest.raises(VaultError) as caught:
        KeyringVault(Backend(lambda: answer(secret))).read("4f/pat")
    assert secret not in str(caught.value)
    assert caught.value.__suppress_context__


def test_what_a_backend_prints_is_not_in_the_answer_to_git(capfd: pytest.CaptureFixture[str]) -> None:
    """Nor among our lines on stderr, and neither what it or its programs write to the descriptor."""

    def answer() -> str:
        for stream in (sys.stdout, sys.stderr):
            print("host=evil.example", file=stream, flush=True)
        os.write(1, b"host=evil.example\n")
        subprocess.run([sys.executable, "-c", "print('quit=1')"], check=True)
        return "token=x"

    assert KeyringVault(Backend(answer)).read("4f/pat") == "token=x"
    os.write(1, b"password=x\n")
    assert capfd.readouterr() == ("password=x\n", "")


class Stream(io.StringIO):
    """A stderr that says when a line was written."""

    def __init__(self) -> None:
        super().__init__()
        self.written = threading.Event()

    def write(self, text: str) -> int:
        """Note it."""
        self.written.set()
        return super().write(text)


def test_a_wait_for_such_a_backend_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """Though what the backend itself prints is not."""
    stderr = Stream()
    monkeypatch.setattr(console, "_PATIENCE_IN_PIPE_SECONDS", 0.0)
    monkeypatch.setattr("sys.stderr", stderr)

    def answer() -> str:
        assert stderr.written.wait(90)
        return "token=x"

    with console.reporting_waits():
        assert KeyringVault(Backend(answer)).read("4f/pat") == "token=x"
    assert stderr.getvalue() == "waiting at most 15 s for the keyring\n"
