"""A file of ours that another program holds open without sharing it, as a virus scanner does for a moment."""

from __future__ import annotations

import ctypes
import os
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from git_credential_azdo.files import read_own
from git_credential_azdo.writing import Lock, delete, write_own

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.skipif(sys.platform != "win32", reason="files of Windows are shared on request")


def enter(path: str, _top: str) -> None:
    """Take and release a lock."""
    with Lock(path, 1):
        pass


@pytest.mark.parametrize(
    "act",
    [read_own, lambda path, top: write_own(path, b"new", top), lambda path, _: delete(path), enter],
    ids=["read", "write", "delete", "lock"],
)
def test_a_file_that_is_held_for_a_moment_fails_nothing(
    tmp_path: Path, act: Callable[[str, str], object]
) -> None:
    """Whoever holds it lets go within the second."""
    kernel = getattr(ctypes, "WinDLL")("kernel32")  # noqa: B009 - types know it on Windows only
    kernel.CreateFileW.restype = ctypes.c_void_p
    path = tmp_path / "file"
    path.write_bytes(b"old")
    held = ctypes.c_void_p(kernel.CreateFileW(str(path), 0x80000000, 0, None, 3, 0, None))  # GENERIC_READ
    with pytest.raises(PermissionError):
        os.open(path, os.O_RDONLY)
    lets_go = threading.Timer(0.2, kernel.CloseHandle, [held])
    lets_go.start()
    act(str(path), str(tmp_path))
    lets_go.join()
