"""Reads what a person pastes or types unseen at the terminal.

Non-canonical mode, since a terminal's line ends at 4,095 bytes on Linux and at 1,024 on macOS (termios(3)) and an
answer may be longer. What is pasted is never shown, only counted: it is a secret. No byte of a paste is a signal, and
none is left for the next program that reads the terminal: a shell would run the second half of a paste. The terminal is always
set back. Bracketed paste keeps line breaks inside a paste from ending it (xterm's ctlseqs).
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
import threading
import time
from typing import TYPE_CHECKING, NoReturn, Protocol, final

from git_credential_azdo import hints
from git_credential_azdo.signin.line_editor import LineEditor, Pipe

if sys.platform == "win32":  # pragma: no cover - Windows
    import ctypes
    import msvcrt
    import re
else:
    import termios

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

_PROMPT = "> "
_BRACKETED_ON, _BRACKETED_OFF = "\x1b[?2004h", "\x1b[?2004l"
_QUIET_SECONDS = 0.08
"""A paste has ended when nothing came for as long as this."""
_MAX_DRAIN_SECONDS = 1.0


def _counted(length: int) -> str:
    return f"{length} character{'s' * (length != 1)}"


class Input(Protocol):
    """Where a person's answer comes from; a context manager that sets everything back.

    ``fd``: to be selected for reading, or None: then ``poll`` is to be called now and then.
    ``again``: whether a second try makes sense (a person is there). ``ended``: no more will come.
    """

    fd: int | None
    again: bool

    def __enter__(self) -> object: ...
    def __exit__(self, *_: object) -> None: ...
    @property
    def ended(self) -> bool:
        """Return whether the input has ended."""

    def prompt(self) -> None:
        """Show that an answer is awaited."""

    def poll(self) -> list[str]:
        """Read what is there; return the lines that it finishes, usually none or one."""


def open_input() -> Input | None:
    """Return the terminal if standard input is one, else its one line; None if there is no standard input.

    Nothing of standard input may be read ahead.
    """
    try:
        os.fstat(0)
    except OSError:
        return None
    return Terminal(0) if is_terminal(0) and not is_mintty(0) else Pipe(0, has_person=is_mintty(0))


def read_hidden(question: str) -> str:
    """Return one line that a person types or pastes at the terminal, unseen. ``question`` must be printable.

    Raise EOFError when the person closes the input (Ctrl-D), KeyboardInterrupt for Ctrl-C.
    """
    if is_mintty(0):
        _write(f"{question} (shown here, hidden by winpty {hints.PROGRAM} ...): ")
        source = Pipe(0)
        while not source.ended:
            for line in source.take(os.read(0, 1)):
                return line
        raise EOFError
    with Terminal(0, prompt=f"{question}: ") as terminal:
        terminal.prompt()
        while not terminal.ended:
            terminal.wait()
            for line in terminal.poll():
                return line
    raise EOFError


def drop_rest() -> None:
    """Drop what still arrives of a paste at a prompt that took its first line, if standard input is a terminal."""
    if is_terminal(0) and not is_mintty(0):
        with Terminal(0, lambda _text: None):
            pass


def _write(text: str) -> None:
    """Write control sequences and counts of ours, without a line break: never a text from elsewhere."""
    if sys.stderr is not None:  # noqa: TID251 - as the docstring says
        with contextlib.suppress(OSError):
            sys.stderr.write(text)  # noqa: TID251 - as above
            sys.stderr.flush()  # noqa: TID251 - as above


if sys.platform != "win32":

    def is_terminal(fd: int) -> bool:
        """Return whether a person is at this stream."""
        return os.isatty(fd)

    def is_mintty(_fd: int) -> bool:
        """Return False: there is none on this system."""
        return False

    @final
    class Terminal:
        """A POSIX terminal: typed and pasted bytes, unseen, at any length."""

        again = True

        def __init__(self, fd: int, write: Callable[[str], None] = _write, *, prompt: str = _PROMPT) -> None:
            self.fd: int | None = fd
            self._fd = fd
            self._write = write
            self._prompt = prompt
            self._editor = LineEditor()
            self._marks_pastes = os.environ.get("TERM", "dumb") != "dumb"
            self._in_line = False

        def __enter__(self) -> Terminal:
            self._before = termios.tcgetattr(self._fd)
            self._sigterm = _exit_on_sigterm()
            now = termios.tcgetattr(self._fd)
            # CR stays CR, and Ctrl-C, Ctrl-\\, Ctrl-S, Ctrl-V, Ctrl-Z are bytes: as keys the editor knows them.
            now[0] &= ~(termios.ICRNL | termios.INLCR | termios.IGNCR | termios.IXON | termios.ISTRIP)
            now[3] &= ~(termios.ICANON | termios.ECHO | termios.ECHONL | termios.IEXTEN | termios.ISIG)
            now[6][termios.VMIN], now[6][termios.VTIME] = 1, 0
            termios.tcsetattr(self._fd, termios.TCSANOW, now)
            return self

        def __exit__(self, *_: object) -> None:
            self._drain()
            with contextlib.suppress(termios.error):
                termios.tcflush(self._fd, termios.TCIFLUSH)
                termios.tcsetattr(self._fd, termios.TCSANOW, self._before)
            self._write((_BRACKETED_OFF if self._marks_pastes else "") + ("\r\n" if self._in_line else ""))
            if self._sigterm is not None:
                signal.signal(signal.SIGTERM, self._sigterm)

        def prompt(self) -> None:
            """Show the prompt and ask the terminal to mark what is pasted."""
            self._write((_BRACKETED_ON if self._marks_pastes else "") + self._prompt)
            self._in_line = True

        def _drain(self) -> None:
            """Read on until a paste that still arrives has ended: its rest must not become a command of the shell."""
            end = time.monotonic() + _MAX_DRAIN_SECONDS
            with contextlib.suppress(OSError):
                while time.monotonic() < end and select.select([self._fd], [], [], _QUIET_SECONDS)[0]:
                    if not os.read(self._fd, 65536):
                        return

        @property
        def ended(self) -> bool:
            """Return whether the person closed the input (Ctrl-D) or the terminal went away."""
            return self._editor.ended

        def wait(self) -> None:
            """Wait until there is something to read."""
            select.select([self._fd], [], [])

        def poll(self) -> list[str]:
            """Read what the terminal has."""
            try:
                data = os.read(self._fd, 65536)
            except OSError:
                data = b""
            if not data:
                self._editor.ended = True
                return []
            lines = self._editor.feed(data)
            for line in lines:
                self._show(len(line))
                self._write("\r\n")
                self._in_line = False
            if len(self._editor):
                self._in_line = True
                self._show(len(self._editor))
            return lines

        def _show(self, length: int) -> None:
            """Show how much came, over the same line; a longer prompt might not be one line."""
            if self._prompt == _PROMPT:
                self._write(f"\r{_PROMPT}{_counted(length)}   ")

else:  # pragma: no cover - Windows

    def is_terminal(fd: int) -> bool:
        """Return whether a person is at this stream: a console, which ``NUL`` is not, or mintty."""
        mode = ctypes.c_uint32()
        return bool(ctypes.windll.kernel32.GetConsoleMode(_handle(fd), ctypes.byref(mode))) or is_mintty(fd)

    def is_mintty(fd: int) -> bool:
        """Return whether the stream is a pipe of mintty, the terminal of Git Bash, by its name.

        As git's compat/winansi.c knows it. Whole lines arrive there, and it shows what is typed.
        """
        info = ctypes.create_string_buffer(2_048)  # FILE_NAME_INFO: 4 bytes of length, then UTF-16
        if not ctypes.windll.kernel32.GetFileInformationByHandleEx(_handle(fd), 2, info, len(info)):
            return False
        name = info.raw[4 : 4 + int.from_bytes(info.raw[:4], "little")].decode("utf-16-le", "replace")
        return bool(re.search(r"(msys|cygwin)-.*-pty", name))

    def _handle(fd: int) -> ctypes.c_void_p:
        try:
            return ctypes.c_void_p(msvcrt.get_osfhandle(fd))
        except OSError:
            return ctypes.c_void_p()

    @final
    class Terminal:
        """A Windows console: keys by ``msvcrt``, polled, since a console cannot be selected."""

        again = True
        fd: int | None = None

        def __init__(self, _fd: int, write: Callable[[str], None] = _write, *, prompt: str = _PROMPT) -> None:
            self._write = write
            self._prompt = prompt
            self._editor = LineEditor()

        def __enter__(self) -> Terminal:
            return self

        def __exit__(self, *_: object) -> None:
            """Read on until a paste that still arrives has ended."""
            end = time.monotonic() + _MAX_DRAIN_SECONDS
            while msvcrt.kbhit() and time.monotonic() < end:
                while msvcrt.kbhit():
                    msvcrt.getwch()
                time.sleep(_QUIET_SECONDS)

        def prompt(self) -> None:
            """Show the prompt."""
            self._write(self._prompt)

        @property
        def ended(self) -> bool:
            """Return whether the person closed the input (Ctrl-D)."""
            return self._editor.ended

        def wait(self) -> None:
            """Wait until there is something to read."""
            while not msvcrt.kbhit():
                time.sleep(0.02)

        def poll(self) -> list[str]:
            """Read the keys that were pressed or pasted."""
            keys = []
            while msvcrt.kbhit():
                keys.append(msvcrt.getwch())
            text = re.sub("[\0\xe0].", "", "".join(keys))  # arrows and function keys come as two
            lines = self._editor.feed(text.encode("utf-8", errors="replace"))
            for line in lines:
                self._write(f"{_counted(len(line))}\r\n")
            return lines


def _exit_on_sigterm() -> Callable[[int, FrameType | None], object] | int | None:
    """Turn SIGTERM into SystemExit, so that the terminal is set back; return the handler that was there."""
    if threading.current_thread() is not threading.main_thread():
        return None
    return signal.signal(signal.SIGTERM, _leave)


def _leave(number: int, _frame: FrameType | None) -> NoReturn:
    sys.exit(128 + number)
