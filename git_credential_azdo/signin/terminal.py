"""Reads what the user pastes or types at the terminal without echo, or the line that a script sends through a pipe.

A terminal's line ends at 4,095 bytes on Linux and at 1,024 on macOS (termios(3)), and a redirect may be longer, so the
terminal is in raw mode meanwhile, and must always be restored. What is pasted is a secret: only its length is shown. No
byte of it is a signal or a key, provided that the terminal marks it (xterm's ctlseqs, "Bracketed Paste Mode"), and none
is left for the next program that reads the terminal: a shell would run the second half of a paste.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
import threading
import time
from collections.abc import Callable
from typing import NoReturn, final

from git_credential_azdo import deadline, hints
from git_credential_azdo.signin.line_editor import MAX_BYTES, LineEditor

if sys.platform == "win32":  # pragma: no cover - Windows
    import ctypes
    import msvcrt
    import re
else:
    import termios


_PROMPT = "> "
_ENDS = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
_BRACKETED_ON, _BRACKETED_OFF = "\x1b[?2004h", "\x1b[?2004l"
_QUIET_SECONDS = 0.08
"""A paste has ended when nothing has arrived for this long."""
_MAX_DRAIN_SECONDS = 1.0


class Input:
    """A source of the user's input (this base class has none); a context manager that restores the terminal.

    ``has_person``: whether a second try makes sense. ``ended``: whether the input has ended.
    """

    has_person = False
    ended = False

    def __enter__(self) -> object:
        return self

    def __exit__(self, *_: object) -> None:
        """Restore the terminal."""

    def prompt(self) -> None:
        """Show that input is expected."""

    def poll(self, seconds: float) -> list[str]:
        """Read input for at most so many seconds; return the lines that it completes, usually none or one."""
        time.sleep(seconds)
        return []


def open_input() -> Input | None:
    """Return the input for standard input, a terminal or one line of a pipe; None if there is no standard input.

    Must never read ahead in standard input.
    """
    try:
        os.fstat(0)
    except OSError:
        return None
    return Terminal(0) if is_terminal(0) and not is_mintty(0) else Pipe(0, has_person=is_mintty(0))


def read_hidden(question: str) -> str:
    """Return one line that the user types or pastes at the terminal, without echo. ``question`` must be printable.

    Raise EOFError when the user closes the input (Ctrl-D), KeyboardInterrupt for Ctrl-C.
    """
    if is_mintty(0):
        _write(f"{question} (shown here, hidden by winpty {hints.PROGRAM} ...): ")
        line = _read_line(0)
        if line is None:
            raise EOFError
        return line
    with Terminal(0, prompt=f"{question}: ") as terminal:
        terminal.prompt()
        while not terminal.ended:
            for line in terminal.poll(seconds=1.0):
                return line
    raise EOFError


def drop_rest() -> None:
    """Discard the rest of a paste after a prompt that has read its first line, if standard input is a terminal."""
    if is_terminal(0) and not is_mintty(0):
        with Terminal(0, lambda _text: None):
            pass


def _write(text: str) -> None:
    """Write our own control sequences and counts, without a line break; must never write text from elsewhere."""
    if sys.stderr is not None:  # noqa: TID251 - as the docstring says
        with contextlib.suppress(OSError):
            sys.stderr.write(text)  # noqa: TID251 - as above
            sys.stderr.flush()  # noqa: TID251 - as above


@final
class Terminal(Input):
    """A terminal: typed and pasted bytes, without echo, of any length."""

    has_person = True

    def __init__(self, fd: int, write: Callable[[str], None] = _write, *, prompt: str = _PROMPT) -> None:
        self._fd = fd
        self._write = write
        self._prompt = prompt
        self._editor = LineEditor()
        self._marks_pastes = sys.platform != "win32" and os.environ.get("TERM", "dumb") != "dumb"
        self._in_line = False

    def __enter__(self) -> Terminal:
        in_main = threading.current_thread() is threading.main_thread()
        handlers = {number: signal.getsignal(number) for number in _ENDS if in_main}
        self._before = {
            number: each for number, each in handlers.items() if each not in {None, signal.SIG_IGN}
        }
        for number in self._before:
            signal.signal(number, _leave)
        self._set_back = _make_raw(self._fd)
        return self

    def __exit__(self, *_: object) -> None:
        """Discard the rest of a paste that is still arriving, which the shell would run, and restore the terminal."""
        end = time.monotonic() + _MAX_DRAIN_SECONDS
        with contextlib.suppress(OSError):
            while time.monotonic() < end and _has_more(self._fd, _QUIET_SECONDS):
                _read(self._fd)
        self._set_back()
        self._write((_BRACKETED_OFF if self._marks_pastes else "") + ("\r\n" if self._in_line else ""))
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def prompt(self) -> None:
        """Show the prompt and ask the terminal to mark what is pasted."""
        self._write((_BRACKETED_ON if self._marks_pastes else "") + self._prompt)
        self._in_line = True

    def poll(self, seconds: float) -> list[str]:
        """Read what the terminal has, or receives within so many seconds; a terminal that was closed has ended."""
        try:
            lines = self._editor.feed(_read(self._fd)) if _has_more(self._fd, seconds) else []
        except OSError:
            self.ended = True
            return []
        self.ended = self._editor.ended
        for line in lines:
            self._show(len(line))
            self._write("\r\n")
            self._in_line = False
        if len(self._editor):
            self._in_line = True
            self._show(len(self._editor))
        return lines

    def _show(self, length: int) -> None:
        """Show how much was received, on the same line; a longer prompt might not fit on one."""
        if self._prompt == _PROMPT:
            self._write(f"\r{_PROMPT}{length} character{'s' * (length != 1)}   ")


@final
class Pipe(Input):
    """Standard input that is not a terminal: one line of any length, and not a byte more.

    ``has_person``: it is a terminal after all (mintty), so lines are read until one is valid. A thread reads it, since
    select takes only sockets on Windows.
    """

    def __init__(self, fd: int, *, has_person: bool = False) -> None:
        self.has_person = has_person
        self._fd = fd

    def __enter__(self) -> Pipe:
        self._line_within = deadline.in_thread(lambda: _read_line(self._fd))
        return self

    def poll(self, seconds: float) -> list[str]:
        """Return the line that has arrived, or arrives within so many seconds, if any."""
        try:
            line = None if self.ended else self._line_within(seconds)
        except deadline.TimedOut:
            return []
        self.ended = line is None or not self.has_person
        if not self.ended:
            self.__enter__()
        return [] if line is None else [line]


def _read_line(fd: int) -> str | None:
    """Return one line of a pipe without its line ending, or None at the end of the input."""
    line = bytearray()
    try:
        while (byte := os.read(fd, 1)) not in (b"", b"\n"):
            line += byte[: MAX_BYTES - len(line)]
    except OSError:
        byte = b""
    return line.decode("utf-8", errors="replace") if byte or line else None


def _leave(number: int, _frame: object) -> NoReturn:
    """Exit by SystemExit, so that the terminal is restored."""
    sys.exit(128 + number)


if sys.platform != "win32":

    def is_terminal(fd: int) -> bool:
        """Return whether this stream is a terminal."""
        return os.isatty(fd)

    def is_mintty(_fd: int) -> bool:
        """Return False: mintty is a terminal on Windows."""
        return False

    def _make_raw(fd: int) -> Callable[[], None]:
        """Set the terminal to raw mode, without echo; return the function that restores it."""
        before, now = termios.tcgetattr(fd), termios.tcgetattr(fd)
        # CR stays CR, and Ctrl-C, Ctrl-\\, Ctrl-S, Ctrl-V, Ctrl-Z are bytes, which the editor handles.
        now[0] &= ~(termios.ICRNL | termios.INLCR | termios.IGNCR | termios.IXON | termios.ISTRIP)
        now[3] &= ~(termios.ICANON | termios.ECHO | termios.ECHONL | termios.IEXTEN | termios.ISIG)
        now[6][termios.VMIN], now[6][termios.VTIME] = 1, 0
        termios.tcsetattr(fd, termios.TCSANOW, now)

        def set_back() -> None:
            with contextlib.suppress(termios.error):
                termios.tcflush(fd, termios.TCIFLUSH)
                termios.tcsetattr(fd, termios.TCSANOW, before)

        return set_back

    def _has_more(fd: int, seconds: float) -> bool:
        """Return whether there is something to read within so many seconds."""
        return bool(select.select([fd], [], [], seconds)[0])

    def _read(fd: int) -> bytes:
        """Return the bytes that are there. Raise OSError for a terminal that was closed."""
        data = os.read(fd, 65536)
        if not data:
            raise OSError
        return data

else:  # pragma: no cover - Windows

    def is_terminal(fd: int) -> bool:
        """Return whether this stream is a terminal: a console, which ``NUL`` is not, or mintty."""
        mode = ctypes.c_uint32()
        return bool(ctypes.windll.kernel32.GetConsoleMode(_handle(fd), ctypes.byref(mode))) or is_mintty(fd)

    def is_mintty(fd: int) -> bool:
        """Return whether the stream is a pipe of mintty, the terminal of Git Bash, by its name.

        The name is that in git's compat/winansi.c. Input arrives in whole lines, and mintty shows what is typed.
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

    def _make_raw(_fd: int) -> Callable[[], None]:
        return lambda: None

    def _has_more(_fd: int, seconds: float) -> bool:
        end = time.monotonic() + seconds
        while not msvcrt.kbhit() and time.monotonic() < end:
            time.sleep(0.02)
        return msvcrt.kbhit()

    def _read(_fd: int) -> bytes:
        keys = []
        while msvcrt.kbhit():
            keys.append(msvcrt.getwch())
        text = re.sub("[\0\xe0].", "", "".join(keys))  # arrows and function keys are two characters each
        return text.encode("utf-8", errors="replace")
