"""Standard input that is no terminal: one line of it, for scripts that carry an answer from somewhere else."""

from __future__ import annotations

import os
import queue
import sys
import threading
from typing import final

from git_credential_azdo.signin.line_editor import MOST_BYTES


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
        """Show no prompt: a pipe has no person."""

    def poll(self) -> list[str]:
        """Read one byte: what follows the line is for the next reader."""
        if self.fd is not None:
            return self._take(self._read())
        lines: list[str] = []
        while not (lines or self.ended or self._bytes.empty()):
            lines = self._take(self._bytes.get())
        return lines

    def _take(self, byte: bytes) -> list[str]:
        if byte not in (b"", b"\n"):
            self._line += byte[: MOST_BYTES - len(self._line)]
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
