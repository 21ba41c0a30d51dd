"""Splits the bytes of a terminal in raw mode into lines. Pure.

What is pasted is text, even if it holds control characters, provided that the terminal marks it (xterm's ctlseqs,
"Bracketed Paste Mode"). Must never show or repeat a byte.
"""

from __future__ import annotations

from typing import final

MAX_BYTES = 256 * 1024
"""No redirect is that long; the rest of a longer line is dropped."""
_PASTE_START, _PASTE_END = b"\x1b[200~", b"\x1b[201~"
_INTERRUPT, _END, _KILL, _QUIT, _RETURN, _NEWLINE = 0x03, 0x04, 0x15, 0x1C, 0x0D, 0x0A
_ERASE = b"\x7f\x08"
_KEYS = bytes((_INTERRUPT, _QUIT, _END, _KILL, _RETURN, _NEWLINE)) + _ERASE


@final
class LineEditor:
    """Collects bytes into lines: Enter ends one, Backspace and Ctrl-U edit it.

    Within a bracketed paste every byte is text. Ctrl-D on an empty line sets ``ended``.
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
        """Add bytes; return the lines that they complete. Raise KeyboardInterrupt for Ctrl-C and Ctrl-Backslash."""
        lines: list[str] = []
        self._unread += data
        while self._unread and not self.ended:
            mark = bytes(self._unread[: len(_PASTE_START)])
            if mark in (_PASTE_START, _PASTE_END):
                self._pasting = mark == _PASTE_START
                self._after_return = False
                del self._unread[: len(mark)]
            elif _PASTE_START.startswith(mark) or _PASTE_END.startswith(mark):
                break  # a mark may be split between two reads: wait for the rest
            else:
                del self._unread[:1]  # not pop(0), which moves the rest for every byte
                if self._take(mark[0]):
                    lines.append(self._line.decode("utf-8", errors="replace"))
                    self._line.clear()
        return lines

    def _take(self, byte: int) -> bool:
        """Process one byte; return whether it ends the line."""
        after_return, self._after_return = self._after_return, byte == _RETURN
        if byte == _NEWLINE and after_return:
            return False  # the LF of a CR LF, which is one Enter
        if self._pasting or byte not in _KEYS:
            self._line += bytes([byte])[: MAX_BYTES - len(self._line)]
            return False
        if byte in (_INTERRUPT, _QUIT):
            raise KeyboardInterrupt
        if byte == _KILL:
            self._line.clear()
        elif byte in _ERASE:
            while self._line and self._line.pop() & 0xC0 == 0x80:  # noqa: PLR2004 - the tail of a UTF-8 character
                pass
        elif byte == _END and not self._line:
            self.ended = True
        else:
            return True
        return False
