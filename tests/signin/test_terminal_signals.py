"""Signals while the terminal is in our hands: it is left as it was."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import termios
import threading

import pytest

from git_credential_azdo.signin.terminal import Terminal
from tests.support.marks import posix

pytestmark = posix


CHILD = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
from git_credential_azdo.signin import terminal
source = terminal.open_input()
assert isinstance(source, terminal.Terminal)
try:
    with source:
        os.write(1, b"ready")
        while True:  # as the wait does: a signal just before a read that waits would be heard after it only
            source.poll(0.1)
except KeyboardInterrupt:
    os.write(1, b"interrupted")
except SystemExit as leaving:
    os.write(1, b"exit %d" % leaving.code)
    raise
"""


@pytest.mark.parametrize(
    ("way", "said", "status"),
    [("key", b"interrupted", 0), ("SIGTERM", b"exit 143", 143), ("SIGHUP", b"exit 129", 129)],
)
def test_ctrl_c_sigterm_and_sighup_leave_the_terminal_as_it_was(
    pty: tuple[int, int], way: str, said: bytes, status: int
) -> None:
    """Ctrl-C is KeyboardInterrupt; SIGTERM and SIGHUP end the program, but not before the terminal is set back."""
    before = termios.tcgetattr(pty[1])
    with subprocess.Popen(
        [sys.executable, "-c", CHILD], stdin=pty[1], stdout=subprocess.PIPE, start_new_session=True
    ) as child:
        assert child.stdout is not None
        try:
            assert child.stdout.read(5) == b"ready"
            if way == "key":
                os.write(pty[0], b"\x03")
            else:
                child.send_signal(getattr(signal, way))

            assert child.stdout.read() == said
            assert child.wait(90) == status
        finally:
            child.kill()
    assert termios.tcgetattr(pty[1]) == before


def test_a_signal_restores_the_handler_that_was_there(pty: tuple[int, int]) -> None:
    """SIGTERM is SystemExit only as long as the terminal is ours."""
    before = signal.getsignal(signal.SIGTERM)

    with pytest.raises(SystemExit, match="143"), Terminal(pty[1], lambda _: None):
        signal.raise_signal(signal.SIGTERM)

    assert signal.getsignal(signal.SIGTERM) is before


def test_in_another_thread_signals_are_left_alone(pty: tuple[int, int]) -> None:
    """Only the main thread may change a handler."""
    seen: list[object] = []

    def run() -> None:
        with Terminal(pty[1], lambda _: None):
            seen.append(signal.getsignal(signal.SIGTERM))

    before = signal.getsignal(signal.SIGTERM)
    thread = threading.Thread(target=run)
    thread.start()
    thread.join()

    assert seen == [before]
