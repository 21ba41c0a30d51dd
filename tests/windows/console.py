"""A program in a console of Windows that shows no window: keys are sent to it, and its screen is read.

``python -m tests.windows.console STEPS PROGRAM WORD...`` does it, started with CREATE_NO_WINDOW, in its own console, so
that the one of the tests is left alone. STEPS is JSON: texts to wait for and, in lists, keys to press. stdout gets the
program's exit code and, below it, what the screen shows, its lines joined.
https://learn.microsoft.com/windows/console/input-record-str
"""

from __future__ import annotations

import ctypes
import json
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

from tests.conftest import SCRIPT, SECONDS, Result

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.conftest import Home

UP, F1, CTRL_C = ("\0", 0x26, 0x48), ("\0", 0x70, 0x3B), ("\x03", 0x43, 0x2E)
"""A character, a virtual key and its scan code."""
_CREATE_NO_WINDOW = 0x08000000
_COLUMNS, _ROWS = 80, 25


class _Key(ctypes.Structure):
    """INPUT_RECORD of a key."""

    _fields_ = (
        ("type", ctypes.c_uint32),
        ("down", ctypes.c_uint32),
        ("repeat", ctypes.c_uint16),
        ("key", ctypes.c_uint16),
        ("scan", ctypes.c_uint16),
        ("character", ctypes.c_wchar),
        ("control", ctypes.c_uint32),
    )


def keys(text: str) -> list[tuple[str, int, int]]:
    """Return the keys of a text."""
    return [(each, 0, 0) for each in text]


def at_console(
    home: Home, steps: Sequence[str | Sequence[tuple[str, int, int]]], *words: str, **environment: str
) -> Result:
    """Run the program in a console of its own; return its exit code, and the screen as its output."""
    driver = [sys.executable, "-m", "tests.windows.console", json.dumps(steps), str(SCRIPT), *words]
    done = subprocess.run(
        driver,
        capture_output=True,
        env={**home.environment, "PYTHONUTF8": "1", **environment},
        creationflags=_CREATE_NO_WINDOW,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, done
    code, _, screen = done.stdout.partition(b"\n")
    return Result(subprocess.CompletedProcess(driver, int(code), screen, done.stderr))


def main(steps: list[Any], words: list[str]) -> int:
    """Do the steps in this process's console, then wait for the program to end; return its exit code."""
    kernel: Any = getattr(ctypes, "WinDLL")("kernel32")  # noqa: B009 - types know it on Windows only
    kernel.CreateFileW.restype = ctypes.c_void_p
    keyboard, screen = (
        ctypes.c_void_p(kernel.CreateFileW(name, 0xC0000000, 3, None, 3, 0, None))
        for name in ("CONIN$", "CONOUT$")
    )

    def shown() -> str:
        text, length = ctypes.create_unicode_buffer(_COLUMNS * _ROWS + 1), ctypes.c_uint32()
        kernel.ReadConsoleOutputCharacterW(screen, text, _COLUMNS * _ROWS, 0, ctypes.byref(length))
        return str(text[: length.value])

    with open("CONIN$", "rb") as stdin, open("CONOUT$", "wb") as out:
        program = subprocess.Popen(words, stdin=stdin, stdout=out, stderr=out)
    kernel.SetConsoleCtrlHandler(None, 1)  # Ctrl-C is for the program
    for step in steps:
        if isinstance(step, str):
            while step not in shown() and program.poll() is None:
                time.sleep(0.05)
            continue
        for character, key, scan in step:
            for down in (1, 0):
                record = _Key(1, down, 1, key, scan, character, 0)
                kernel.WriteConsoleInputW(keyboard, ctypes.byref(record), 1, ctypes.byref(ctypes.c_uint32()))
    code = program.wait()
    sys.stdout.write(f"{code}\n{shown()}")
    return 0


if __name__ == "__main__":
    sys.exit(main(json.loads(sys.argv[1]), sys.argv[2:]))
