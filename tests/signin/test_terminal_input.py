"""terminal.py and line_editor.py: a pasted answer arrives whole and unseen, and the terminal is always set back."""

from __future__ import annotations

import contextlib
import os
import selectors
import subprocess
import sys
import termios
import threading
import time

import pytest

from git_credential_azdo.signin.terminal import Pipe, Terminal
from tests.support.marks import posix

pytestmark = posix

START, END = b"\x1b[200~", b"\x1b[201~"


def lines_of(source: Terminal | Pipe, count: int) -> list[str]:
    """Read until there are so many lines, or the input has ended."""
    lines: list[str] = []
    until = time.monotonic() + 20
    while len(lines) < count and not source.ended and time.monotonic() < until:
        lines += source.poll(0.05)
    return lines


def write_all(fd: int, data: bytes) -> threading.Thread:
    """Write from a thread: a terminal takes a few kilobytes, and then waits to be read."""

    def run() -> None:
        view = memoryview(data)
        while view:
            view = view[os.write(fd, view) :]

    thread = threading.Thread(target=run)
    thread.start()
    return thread


@pytest.mark.parametrize("marks", [(b"", b""), (START, END)], ids=["plain", "bracketed"])
def test_a_paste_of_16_kilobytes_arrives_whole(pty: tuple[int, int], marks: tuple[bytes, bytes]) -> None:
    """A line of a terminal in its usual mode would end at 4,095 bytes."""
    text = "http://localhost:1/?code=" + "0123456789abcdef" * 1024 + "&state=x"
    echoed: list[str] = []

    with Terminal(pty[1], echoed.append) as terminal:
        terminal.prompt()
        thread = write_all(pty[0], marks[0] + text.encode() + marks[1] + b"\r")
        lines = lines_of(terminal, 1)
        thread.join()

    assert lines == [text]
    shown = "".join(echoed)
    assert f"{len(text)} characters" in shown
    assert "0123456789" not in shown


def test_nothing_pasted_is_echoed_by_the_terminal_itself(pty: tuple[int, int]) -> None:
    """A code is a secret, and terminals keep a scrollback."""
    with Terminal(pty[1], lambda _: None) as terminal:
        write_all(pty[0], b"secret\r").join()
        assert lines_of(terminal, 1) == ["secret"]

    os.set_blocking(pty[0], False)
    with contextlib.suppress(BlockingIOError):
        assert b"secret" not in os.read(pty[0], 65536)


def test_a_terminal_that_knows_no_sequences_is_sent_none(
    pty: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An editor's shell window would show them as rubbish."""
    monkeypatch.setenv("TERM", "dumb")
    echoed: list[str] = []

    with Terminal(pty[1], echoed.append) as terminal:
        terminal.prompt()
        write_all(pty[0], b"abc\r").join()
        assert lines_of(terminal, 1) == ["abc"]

    assert "".join(echoed).endswith("\r> 3 characters   \r\n")
    assert "\x1b" not in "".join(echoed)


def test_a_stray_ctrl_v_reaches_the_reader(pty: tuple[int, int]) -> None:
    """In its usual mode the terminal would swallow it, and quote the next character."""
    with Terminal(pty[1], lambda _: None) as terminal:
        write_all(pty[0], b"\x16\x13\x1a\r").join()

        assert lines_of(terminal, 1) == ["\x16\x13\x1a"]


def test_the_terminal_is_set_back_and_what_is_left_of_a_paste_is_dropped(
    pty: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise the shell would run the second half of a broken paste."""
    monkeypatch.setenv("TERM", "xterm")
    before = termios.tcgetattr(pty[1])
    echoed: list[str] = []

    with contextlib.suppress(ZeroDivisionError), Terminal(pty[1], echoed.append) as terminal:
        terminal.prompt()
        assert termios.tcgetattr(pty[1]) != before
        write_all(pty[0], b"rm -rf nothing\n").join()
        raise ZeroDivisionError

    assert termios.tcgetattr(pty[1]) == before
    assert echoed == ["\x1b[?2004h> ", "\x1b[?2004l\r\n"]
    with selectors.SelectSelector() as selector:
        selector.register(pty[1], selectors.EVENT_READ)
        assert selector.select(0) == []


def test_the_end_of_the_input_is_the_end(pty: tuple[int, int]) -> None:
    """Ctrl-D on an empty line, or a terminal that was closed."""
    with Terminal(pty[1], lambda _: None) as terminal:
        write_all(pty[0], b"\x04").join()
        assert lines_of(terminal, 1) == []
        assert terminal.ended

    master, slave = os.openpty()
    with Terminal(slave, lambda _: None) as terminal:
        os.close(master)
        assert lines_of(terminal, 1) == []
        assert terminal.ended
    os.close(slave)


def test_a_terminal_that_cannot_be_read_has_ended() -> None:
    """It was taken away while we waited."""
    master, slave = os.openpty()
    os.close(slave)
    os.close(master)
    terminal = Terminal(slave, lambda _: None)

    assert terminal.poll(0) == []
    assert terminal.ended


@pytest.mark.parametrize(("stdin", "kind"), [("pty", "Terminal"), ("null", "Pipe"), ("closed", "NoneType")])
def test_the_source_is_what_standard_input_is(pty: tuple[int, int], stdin: str, kind: str) -> None:
    """A terminal, something else, or nothing at all."""
    code = "from git_credential_azdo.signin import terminal; print(type(terminal.open_input()).__name__)"
    command = [sys.executable, "-c", code]
    if stdin == "closed":
        command = ["sh", "-c", 'exec "$@" <&-', "sh", *command]
    found = subprocess.run(
        command,
        stdin=pty[1] if stdin == "pty" else subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )

    assert found.stdout == f"{kind}\n"


# --- a pipe


@pytest.mark.parametrize(
    ("sent", "lines", "left"),
    [
        (b"abc\nrest", ["abc"], b"rest"),
        (b"abc", ["abc"], b""),
        (b"a\r\n", ["a\r"], b""),
        (b"\n", [""], b""),
        (b"", [], b""),
        (b"x" * 20_000 + b"\n", ["x" * 20_000], b""),
    ],
)
def test_one_line_is_read_from_a_pipe_and_not_a_byte_more(sent: bytes, lines: list[str], left: bytes) -> None:
    """What follows belongs to whoever asks next."""
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb", buffering=0) as rest:
        with os.fdopen(writing, "wb") as out:
            out.write(sent)
        with Pipe(reading) as source:
            source.prompt()
            assert lines_of(source, 1) == lines
        assert rest.read() == left


def test_a_pipe_that_cannot_be_read_has_ended() -> None:
    """A closed or broken standard input is an empty one."""
    reading, writing = os.pipe()
    os.close(reading)
    os.close(writing)
    with Pipe(reading) as source:
        assert lines_of(source, 1) == []
        assert source.ended
