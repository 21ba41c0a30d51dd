"""Lines out of bytes: those of a terminal in its raw mode, and one of a pipe, for scripts that carry an answer.

What is pasted is text, whatever keys it holds, as far as the terminal marks it (xterm's ctlseqs, "Bracketed Paste
Mode"). Never shows or repeats a byte.
"""

from __future__ import annotations

import os
import queue
import sys
import threading
from typing import final

_INTERRUPT, _END, _KILL, _ESCAPE, _QUIT, _RETURN, _NEWLINE = 0x03, 0x04, 0x15, 0x1B, 0x1C, 0x0D, 0x0A
_ERASE = b"\x7f\x08"
_KEYS = bytes((_INTERRUPT, _QUIT, _END, _KILL, _RETURN, _NEWLINE)) + _ERASE
_PASTE_START, _PASTE_END = b"\x1b[200~", b"\x1b[201~"
MAX_BYTES = 256 * 1024
"""No answer is as long as that; the rest of a longer line is dropped."""


class LineEditor:
    """Gathers bytes to lines: Enter ends one, backspace and Ctrl-U mend it.

    Within a bracketed paste everything belongs to the text. Ctrl-D on an empty line sets ``ended``.
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
        """Take bytes; return the lines that they complete. Raise KeyboardInterrupt for Ctrl-C and Ctrl-Backslash."""
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
            byte = self._unread[0]
            del self._unread[:1]  # not pop(0), which moves all the rest for every byte
            if self._take(byte):
                lines.append(self._line.decode("utf-8", errors="replace"))
                self._line.clear()
        return lines

    def _take(self, byte: int) -> bool:
        """Take one byte; return whether it ends the line."""
        after_return, self._after_return = self._after_return, byte == _RETURN
        if byte == _NEWLINE and after_return:
            return False  # the second half of one Enter
        if not self._pasting and byte in _KEYS:
            return self._press(byte)
        if len(self._line) < MAX_BYTES:
            self._line.append(byte)
        return False

    def _press(self, key: int) -> bool:
        if key in (_INTERRUPT, _QUIT):
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


@final
class Pipe:
    """Standard input that is no terminal: one line of any length, and not a byte more.

    ``has_person``: it is one all the same (mintty), so that lines come until one serves.
    """

    def __init__(self, fd: int, *, has_person: bool = False) -> None:
        self.again = has_person
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
        """Show no prompt: a pipe has no person."""

    def poll(self) -> list[str]:
        """Read one byte: what follows the line is for the next reader."""
        if self.fd is not None:
            return self.take(self._read())
        lines: list[str] = []
        while not (lines or self.ended or self._bytes.empty()):
            lines = self.take(self._bytes.get())
        return lines

    def take(self, byte: bytes) -> list[str]:
        """Take one byte, none at the end of the input; return the line that it completes."""
        if byte not in (b"", b"\n"):
            self._line += byte[: MAX_BYTES - len(self._line)]
            return []
        self.ended = not (byte and self.again)
        lines = [self._line.decode("utf-8", errors="replace")] if byte or self._line else []
        self._line.clear()
        return lines

    def _read(self) -> bytes:
        try:
            return os.read(self._fd, 1)
        except OSError:
            return b""

    def _pump(self) -> None:
        """Windows selects sockets only, so a thread reads ahead, up to the end of the line."""
        byte = b"-"
        while byte and (self.again or byte != b"\n"):
            byte = self._read()
            self._bytes.put(byte)
