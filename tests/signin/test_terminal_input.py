"""terminal.py and line_editor.py: a pasted answer arrives whole and unseen, and the terminal is always set back."""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import sys
import termios
import threading
import time
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from git_credential_azdo.signin.line_editor import LineEditor
from git_credential_azdo.signin.pipe import Pipe
from git_credential_azdo.signin.terminal import Terminal

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals are POSIX")

START, END = b"\x1b[200~", b"\x1b[201~"


# --- the editor


@pytest.mark.parametrize(
    ("typed", "lines"),
    [
        (b"abc\r", ["abc"]),
        (b"abc\n", ["abc"]),
        (b"abc\r\ndef\r\n", ["abc", "def"]),
        (b"abc\n\n", ["abc", ""]),
        (b"abx\x7fc\r", ["abc"]),
        (b"abx\x08c\r", ["abc"]),
        (b"\x7f\x7fa\r", ["a"]),
        ("a\u20ac\u00e9".encode() + b"\x7f\x7f\r", ["a"]),
        (b"junk\x15abc\r", ["abc"]),
        (b"abc\x04", ["abc"]),
        (b"a\x16b\r", ["a\x16b"]),
        (b"\xff\r", ["\ufffd"]),
        (START + b"a\r\nb\x15\x7f\x04" + END + b"\r", ["a\rb\x15\x7f\x04"]),
        (START + b"abc" + END + b"\r" + START + b"d\r" + END + b"\n", ["abc", "d\r"]),
        (b"\x1b[A\r", ["\x1b[A"]),
        (b"\x1b\r", ["\x1b"]),
        (b"unfinished", []),
        (b"\x1b[20", []),
    ],
)
def test_keys_mend_the_line_and_paste_marks_protect_it(typed: bytes, lines: list[str]) -> None:
    """The same, whether the bytes come at once or one at a time."""
    editor = LineEditor()
    one_by_one = LineEditor()

    assert editor.feed(typed) == lines
    assert [line for byte in typed for line in one_by_one.feed(bytes([byte]))] == lines
    assert not editor.ended


def test_ctrl_d_on_an_empty_line_is_the_end() -> None:
    """Lines before it count; what follows it does not."""
    editor = LineEditor()

    assert editor.feed(b"abc\r\x04def\r") == ["abc"]
    assert editor.ended


@pytest.mark.parametrize("key", [b"\x03", b"\x1c"])
@pytest.mark.parametrize("before", [b"", b"abc", b"\x1b", START + b"a" + END])
def test_ctrl_c_and_ctrl_backslash_interrupt_as_keys(before: bytes, key: bytes) -> None:
    """The terminal delivers them as bytes, as a Windows console does."""
    with pytest.raises(KeyboardInterrupt):
        LineEditor().feed(before + key)


@pytest.mark.parametrize("key", [b"\x03", b"\x1c", b"\x1a"])
def test_ctrl_c_inside_a_paste_is_text(key: bytes) -> None:
    """Whoever made the text does not press keys here."""
    assert LineEditor().feed(START + b"a" + key + b"b" + END + b"\r") == [f"a{key.decode()}b"]


def test_a_line_without_end_is_bounded() -> None:
    """Nothing as long as that is an answer."""
    editor = LineEditor()

    for _ in range(3):
        editor.feed(bytes([65]) * (100 * 1024))

    assert len(editor) == 256 * 1024


@given(st.lists(st.binary(max_size=40), max_size=8))
def test_no_bytes_break_the_editor(pieces: list[bytes]) -> None:
    """Whatever a terminal sends: lines, the end, or an interrupt."""
    whole, parts = LineEditor(), LineEditor()
    with contextlib.suppress(KeyboardInterrupt):
        together = whole.feed(b"".join(pieces))

        assert [line for piece in pieces for line in parts.feed(piece)] == together


# --- the terminal


@pytest.fixture
def pty() -> Iterator[tuple[int, int]]:
    """Give both ends of a pseudo-terminal: the person's and the program's."""
    master, slave = os.openpty()
    yield master, slave
    for fd in (master, slave):
        with contextlib.suppress(OSError):
            os.close(fd)


def lines_of(source: Terminal | Pipe, count: int) -> list[str]:
    """Read until there are so many lines, or the input has ended."""
    lines: list[str] = []
    until = time.monotonic() + 20
    assert source.fd is not None
    with selectors.SelectSelector() as selector:
        selector.register(source.fd, selectors.EVENT_READ)
        while len(lines) < count and not source.ended and time.monotonic() < until:
            if selector.select(1):
                lines += source.poll()
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

    with Terminal(pty[1], lambda _: None) as terminal:
        os.close(pty[0])
        assert lines_of(terminal, 1) == []
        assert terminal.ended


def test_a_terminal_that_cannot_be_read_has_ended(pty: tuple[int, int]) -> None:
    """It was taken away while we waited."""
    os.close(pty[1])
    terminal = Terminal(pty[1], lambda _: None)

    assert terminal.poll() == []
    assert terminal.ended


CHILD = """
import fcntl, os, select, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
from git_credential_azdo.signin import terminal
source = terminal.open_input()
assert isinstance(source, terminal.Terminal)
try:
    with source:
        os.write(1, b"ready")
        while True:  # as the wait does: a signal just before a read that waits would be heard after it only
            if select.select([0], [], [], 0.1)[0]:
                source.poll()
except KeyboardInterrupt:
    os.write(1, b"interrupted")
except SystemExit as leaving:
    os.write(1, b"exit %d" % leaving.code)
    raise
"""


@pytest.mark.parametrize(
    ("way", "said", "status"), [("key", b"interrupted", 0), ("SIGTERM", b"exit 143", 143)]
)
def test_ctrl_c_and_sigterm_leave_the_terminal_as_it_was(
    pty: tuple[int, int], way: str, said: bytes, status: int
) -> None:
    """Ctrl-C is KeyboardInterrupt; a SIGTERM ends the program, but not before the terminal is set back."""
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
                child.send_signal(signal.SIGTERM)

            assert child.stdout.read() == said
            assert child.wait(20) == status
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


@pytest.mark.parametrize(("sent", "lines"), [(b"abc\nrest", ["abc"]), (b"", [])])
def test_where_a_pipe_cannot_be_selected_a_thread_reads_it(sent: bytes, lines: list[str]) -> None:
    """Windows selects sockets only."""
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb", buffering=0), os.fdopen(writing, "wb") as out:
        source = Pipe(reading)
        source.fd = None
        with source:
            assert source.poll() == []
            out.write(sent)
            out.close()
            found: list[str] = []
            until = time.monotonic() + 20
            while not source.ended and time.monotonic() < until:
                found += source.poll()

    assert found == lines


def test_a_pipe_that_cannot_be_read_has_ended() -> None:
    """A closed or broken standard input is an empty one."""
    reading, writing = os.pipe()
    os.close(reading)
    os.close(writing)
    source = Pipe(reading)

    assert source.poll() == []
    assert source.ended
