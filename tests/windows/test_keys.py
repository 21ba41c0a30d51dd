"""Keys at the prompts, in a console of Windows that shows no window: they are sent to it, and its screen is read."""

from __future__ import annotations

import contextlib
import ctypes
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.conftest import SCRIPT
from tests.support.watch import WATCH, new_password

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import Home

pytestmark = pytest.mark.skipif(sys.platform != "win32", reason="a console of Windows")

CREATE_NO_WINDOW = 0x08000000
UP, F1, CTRL_C = ("\0", 0x26, 0x48), ("\0", 0x70, 0x3B), ("\x03", 0x43, 0x2E)
"""A character, a virtual key and its scan code."""
COLUMNS, ROWS = 80, 25
SECONDS = 60
SETUP_PAT = ("setup", "pat", "--org", "contoso", "--vault", "file")


class Key(ctypes.Structure):
    """INPUT_RECORD of a key: https://learn.microsoft.com/windows/console/input-record-str."""

    _fields_ = (
        ("type", ctypes.c_uint32),
        ("down", ctypes.c_uint32),
        ("repeat", ctypes.c_uint16),
        ("key", ctypes.c_uint16),
        ("scan", ctypes.c_uint16),
        ("character", ctypes.c_wchar),
        ("control", ctypes.c_uint32),
    )


class Console:
    """A program in a console of its own, which this process is attached to as well."""

    def __init__(self, home: Home, words: tuple[str, ...], **environment: str) -> None:
        self._kernel: Any = getattr(ctypes, "WinDLL")("kernel32")  # noqa: B009 - types know it on Windows only
        self._kernel.CreateFileW.restype = ctypes.c_void_p
        self._kernel.FreeConsole()
        self.process = subprocess.Popen(
            [str(SCRIPT), *words],
            creationflags=CREATE_NO_WINDOW,
            env={**home.environment, **environment},
            cwd=home.folder,
        )
        self._until(lambda: self._kernel.AttachConsole(self.process.pid))
        self._kernel.SetConsoleCtrlHandler(None, 1)  # Ctrl-C there is not for this process
        self._in, self._out = (
            ctypes.c_void_p(self._kernel.CreateFileW(name, 0xC0000000, 3, None, 3, 0, None))
            for name in ("CONIN$", "CONOUT$")
        )

    def leave(self) -> None:
        """End the program, and leave its console."""
        self.process.kill()
        self.process.wait()
        self._kernel.FreeConsole()
        self._kernel.SetConsoleCtrlHandler(None, 0)

    def press(self, *keys: tuple[str, int, int]) -> None:
        """Press and release keys."""
        for character, key, scan in keys:
            for down in (1, 0):
                record = Key(1, down, 1, key, scan, character, 0)
                assert self._kernel.WriteConsoleInputW(
                    self._in, ctypes.byref(record), 1, ctypes.byref(ctypes.c_uint32())
                )

    def type(self, text: str) -> None:
        """Press the keys of a text."""
        self.press(*((each, 0, 0) for each in text))

    def screen(self) -> str:
        """Return what the console shows, its lines joined."""
        text, length = ctypes.create_unicode_buffer(COLUMNS * ROWS + 1), ctypes.c_uint32()
        self._kernel.ReadConsoleOutputCharacterW(self._out, text, COLUMNS * ROWS, 0, ctypes.byref(length))
        WATCH.seen("a console", text.value.encode())
        return str(text[: length.value])

    def see(self, text: str) -> None:
        """Wait until the console shows a text."""
        self._until(lambda: text in self.screen() or self.process.poll() is not None)
        assert text in self.screen()

    def _until(self, happened: Any) -> None:
        end = time.monotonic() + SECONDS
        while not happened():
            assert time.monotonic() < end
            time.sleep(0.05)


@contextlib.contextmanager
def console(home: Home, *words: str, **environment: str) -> Iterator[Console]:
    """Yield a console, and leave it."""
    made = Console(home, words, **environment)
    try:
        yield made
    finally:
        made.leave()


def test_arrows_and_function_keys_are_no_part_of_a_token(home: Home) -> None:
    """They come as two characters each."""
    with console(home, *SETUP_PAT, HTTPS_PROXY="http://127.0.0.1:1") as shown:
        shown.see("Personal access token:")
        shown.press(UP, F1)
        shown.type(f"{new_password()}\r")
        shown.see("cannot reach dev.azure.com")


def test_ctrl_c_ends_a_hidden_prompt(home: Home) -> None:
    """With the code of an interrupted program, and no traceback."""
    with console(home, *SETUP_PAT) as shown:
        shown.see("Personal access token:")
        shown.press(CTRL_C)
        assert shown.process.wait(SECONDS) == 130
        assert "Traceback" not in shown.screen()


def test_a_console_shows_any_name(home: Home) -> None:
    """Whatever its code page."""
    home.write_accounts_file(
        "version=1\nsalt=00\n\nkind=pat\nid=aa11\nname=анна\nvault=file\norg[]=contoso\n"
    )
    with console(home, "accounts") as shown:
        shown.see("анна")
