"""Reads a pasted answer from the terminal, or one line from a pipe.

Non-canonical mode, since a terminal's line ends at 4,095 bytes on Linux and at 1,024 on macOS (termios(3))
and an answer may be longer. What is pasted is never shown, only counted: a code is a secret. The terminal is
always set back. Bracketed paste keeps line breaks inside a paste from ending it (xterm's ctlseqs).
"""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import sys
import threading
from typing import TYPE_CHECKING, NoReturn, Protocol, final

if sys.platform == "win32":  # pragma: no cover - Windows
    import msvcrt
else:
    import termios

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

_PROMPT = "> "
_BRACKETED_ON, _BRACKETED_OFF = "\x1b[?2004h", "\x1b[?2004l"
_INTERRUPT, _END, _KILL, _ESCAPE, _RETURN, _NEWLINE = 0x03, 0x04, 0x15, 0x1B, 0x0D, 0x0A
_ERASE = b"\x7f\x08"
_KEYS = bytes((_INTERRUPT, _END, _KILL, _RETURN, _NEWLINE)) + _ERASE
_PASTE_START, _PASTE_END = b"\x1b[200~", b"\x1b[201~"
_MOST_BYTES = 256 * 1024


def _counted(length: int) -> str:
    return f"{length} character{'s' * (length != 1)}"


class Source(Protocol):
    """Where a pasted answer comes from; a context manager that sets everything back.

    ``fd``: to be selected for reading, or None: then ``poll`` is to be called now and then.
    ``again``: whether a second try makes sense (a person is there). ``ended``: no more will come.
    """

    fd: int | None
    again: bool

    def __enter__(self) -> object: ...
    def __exit__(self, *_: object) -> None: ...
    @property
    def ended(self) -> bool:
        """Say whether the input has ended."""

    def prompt(self) -> None:
        """Show that an answer is awaited."""

    def poll(self) -> list[str]:
        """Read what is there; the answers that it finishes, usually none or one."""


class LineEditor:
    """Gathers bytes to lines: Enter ends one, backspace and Ctrl-U mend it. Pure.

    Within bracketed paste everything belongs to the text. Ctrl-D on an empty line sets ``ended``.
    ``KeyboardInterrupt`` for Ctrl-C, where the terminal does not make a signal of it.
    """

    def __init__(self) -> None:
        self.ended = False
        self._line = bytearray()
        self._unread = bytearray()
        self._pasting = False
        self._after_return = False

    def __len__(self) -> int:
        return len(self._line)

    def feed(self, data: bytes) -> list[str]:
        """Take bytes; give the lines that they complete."""
        lines: list[str] = []
        self._unread += data
        while self._unread and not self.ended:
            if self._unread[0] == _ESCAPE:
                mark = bytes(self._unread[: len(_PASTE_START)])
                if mark in (_PASTE_START, _PASTE_END):
                    self._pasting = mark == _PASTE_START
                    self._after_return = False
                    del self._unread[: len(mark)]
                    continue
                if _PASTE_START.startswith(mark) or _PASTE_END.startswith(mark):
                    break  # a mark may have been cut in two: wait for its rest
            if self._take(self._unread.pop(0)):
                lines.append(self._line.decode("utf-8", errors="replace"))
                self._line.clear()
        return lines

    def _take(self, byte: int) -> bool:
        """Take one byte; say whether it ends the line."""
        after_return, self._after_return = self._after_return, byte == _RETURN
        if byte == _NEWLINE and after_return:
            return False  # the second half of one Enter
        if not self._pasting and byte in _KEYS:
            return self._press(byte)
        if len(self._line) < _MOST_BYTES:
            self._line.append(byte)
        return False

    def _press(self, key: int) -> bool:
        if key == _INTERRUPT:
            raise KeyboardInterrupt
        if key == _KILL:
            self._line.clear()
        elif key in _ERASE:
            while self._line and self._line.pop() & 0xC0 == 0x80:  # noqa: PLR2004 - the tail of a UTF-8 character
                pass
        elif key == _END and not self._line:
            self.ended = True
        else:
            return True
        return False


def open_source(echo: Callable[[str], None]) -> Source | None:
    """Give the terminal if standard input is one, else its one line; None if there is no standard input.

    ``echo`` writes to the terminal without a line break. Nothing of standard input may be read ahead.
    """
    try:
        os.fstat(0)
    except OSError:
        return None
    return Terminal(0, echo) if os.isatty(0) else Pipe(0)


if sys.platform != "win32":

    @final
    class Terminal:
        """A POSIX terminal: typed and pasted bytes, unseen, at any length."""

        again = True

        def __init__(self, fd: int, echo: Callable[[str], None]) -> None:
            self.fd: int | None = fd
            self._fd = fd
            self._echo = echo
            self._editor = LineEditor()
            self._marks_pastes = os.environ.get("TERM", "dumb") != "dumb"
            self._in_line = False

        def __enter__(self) -> Terminal:
            self._before = termios.tcgetattr(self._fd)
            self._sigterm = _exit_on_sigterm()
            now = termios.tcgetattr(self._fd)
            # CR stays CR and Ctrl-S, Ctrl-V, Ctrl-Z are bytes of the paste; Ctrl-C is still a signal.
            now[0] &= ~(termios.ICRNL | termios.INLCR | termios.IGNCR | termios.IXON | termios.ISTRIP)
            now[3] &= ~(termios.ICANON | termios.ECHO | termios.ECHONL | termios.IEXTEN)
            now[6][termios.VMIN], now[6][termios.VTIME] = 1, 0
            now[6][termios.VSUSP] = os.fpathconf(self._fd, "PC_VDISABLE")
            termios.tcsetattr(self._fd, termios.TCSANOW, now)
            return self

        def __exit__(self, *_: object) -> None:
            with contextlib.suppress(termios.error):
                # The rest of a broken paste must not become a command of the shell.
                termios.tcflush(self._fd, termios.TCIFLUSH)
                termios.tcsetattr(self._fd, termios.TCSANOW, self._before)
            self._echo((_BRACKETED_OFF if self._marks_pastes else "") + ("\r\n" if self._in_line else ""))
            if self._sigterm is not None:
                signal.signal(signal.SIGTERM, self._sigterm)

        def prompt(self) -> None:
            """Show the prompt and ask the terminal to mark what is pasted."""
            self._echo((_BRACKETED_ON if self._marks_pastes else "") + _PROMPT)
            self._in_line = True

        @property
        def ended(self) -> bool:
            """Say whether the person closed the input (Ctrl-D) or the terminal went away."""
            return self._editor.ended

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
                self._echo(f"\r{_PROMPT}{_counted(len(line))}   \r\n")
                self._in_line = False
            if len(self._editor):
                self._in_line = True
                self._echo(f"\r{_PROMPT}{_counted(len(self._editor))}   ")
            return lines

else:  # pragma: no cover - Windows

    @final
    class Terminal:  # never run by the authors: msvcrt as its documentation describes it
        """A Windows console: keys by ``msvcrt``, polled, since a console cannot be selected."""

        again = True
        fd: int | None = None

        def __init__(self, _fd: int, echo: Callable[[str], None]) -> None:
            self._echo = echo
            self._editor = LineEditor()

        def __enter__(self) -> Terminal:
            return self

        def __exit__(self, *_: object) -> None:
            while msvcrt.kbhit():
                msvcrt.getwch()

        def prompt(self) -> None:
            """Show the prompt."""
            self._echo(_PROMPT)

        @property
        def ended(self) -> bool:
            """Say whether the person closed the input (Ctrl-D)."""
            return self._editor.ended

        def poll(self) -> list[str]:
            """Read the keys that were pressed or pasted."""
            keys = []
            while msvcrt.kbhit():
                keys.append(msvcrt.getwch())
            lines = self._editor.feed("".join(keys).encode("utf-8", errors="replace"))
            for line in lines:
                self._echo(f"{_counted(len(line))}\r\n")
            return lines


@final
class Pipe:
    """Standard input that is no terminal: one line of any length, and not a byte more."""

    again = False

    def __init__(self, fd: int) -> None:
        self.fd: int | None = None if sys.platform == "win32" else fd
        self.ended = False
        self._fd = fd
        self._line = bytearray()
        self._bytes: queue.SimpleQueue[bytes] = queue.SimpleQueue()

    def __enter__(self) -> Pipe:
        if self.fd is None:
            threading.Thread(target=self._pump, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing to set back."""

    def prompt(self) -> None:
        """Nobody is there to be prompted."""

    def poll(self) -> list[str]:
        """Read one byte: what follows the line is for whoever reads next."""
        if self.fd is not None:
            return self._take(self._read())
        lines: list[str] = []
        while not (lines or self.ended or self._bytes.empty()):
            lines = self._take(self._bytes.get())
        return lines

    def _take(self, byte: bytes) -> list[str]:
        if byte not in (b"", b"\n"):
            self._line += byte[: _MOST_BYTES - len(self._line)]
            return []
        self.ended = True
        return [self._line.decode("utf-8", errors="replace")] if byte or self._line else []

    def _read(self) -> bytes:
        try:
            return os.read(self._fd, 1)
        except OSError:
            return b""

    def _pump(self) -> None:
        """Windows selects sockets only, so a thread reads ahead, up to the end of the line."""
        byte = b"-"
        while byte not in (b"", b"\n"):
            byte = self._read()
            self._bytes.put(byte)


def _exit_on_sigterm() -> Callable[[int, FrameType | None], object] | int | None:
    """Turn SIGTERM into SystemExit, so that the terminal is set back; give the handler that was there."""
    if threading.current_thread() is not threading.main_thread():
        return None
    return signal.signal(signal.SIGTERM, _leave)


def _leave(number: int, _frame: FrameType | None) -> NoReturn:
    sys.exit(128 + number)
