"""Windows' files: held open by another program that does not share them, and paths without a drive."""

from __future__ import annotations

import contextlib
import ctypes
import functools
import os
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from git_credential_azdo import files, inherited
from git_credential_azdo.files import read_own
from git_credential_azdo.writing import Lock, delete, write_own

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.conftest import Home

pytestmark = pytest.mark.skipif(sys.platform != "win32", reason="files of Windows are shared on request")


def enter(path: str, _top: str) -> None:
    """Take and release a lock."""
    with Lock(path, 1):
        pass


@contextlib.contextmanager
def held(path: Path) -> Iterator[Callable[[], object]]:
    """Hold a file open without sharing it; yield the function that lets go of it."""
    kernel = getattr(ctypes, "WinDLL")("kernel32")  # noqa: B009 - types know it on Windows only
    kernel.CreateFileW.restype = ctypes.c_void_p
    handle = ctypes.c_void_p(kernel.CreateFileW(str(path), 0x80000000, 0, None, 3, 0, None))  # GENERIC_READ
    with pytest.raises(PermissionError):
        os.open(path, os.O_RDONLY)
    let_go = functools.cache(lambda: kernel.CloseHandle(handle))
    yield let_go
    let_go()


@pytest.mark.parametrize(
    "act",
    [read_own, lambda path, top: write_own(path, b"new", top), lambda path, _: delete(path), enter],
    ids=["read", "write", "delete", "lock"],
)
def test_a_file_that_is_held_for_a_moment_fails_nothing(
    tmp_path: Path, act: Callable[[str, str], object]
) -> None:
    """As a virus scanner holds it, which lets go within the second."""
    path = tmp_path / "file"
    path.write_bytes(b"old")
    with held(path) as let_go:
        timer = threading.Timer(0.2, let_go)
        timer.start()
        act(str(path), str(tmp_path))
        timer.join()


@pytest.mark.parametrize(
    ("file", "words"), [("accounts", ["accounts"]), ("accounts.lock", ["use", "ann", "--org", "contoso"])]
)
def test_a_file_that_stays_held_is_named(
    home: Home, monkeypatch: pytest.MonkeyPatch, file: str, words: list[str]
) -> None:
    """The reason is another program's, whichever file it has."""
    monkeypatch.setattr(files, "PATIENCE_SECONDS", 0.0)
    home.write_accounts_file("version=1\nsalt=00\n\nkind=pat\nid=aa11\nname=ann\nvault=file\norg[]=contoso\n")
    path = home.accounts_file.parent / file
    path.touch()
    with held(path):
        done = home.azdo(*words)
    assert f"Permission denied, or another program has {file} open" in done.err, done
    assert done.code == 1


def test_a_path_that_depends_on_the_current_folder_or_drive_is_not_searched() -> None:
    """A folder at the top of the drive may be the repository's, on one that came by post."""
    entries = [r"C:\bin", r"\bin", "C:bin", "bin", "C:", "", r"\\host\share\bin", "D:/bin"]
    assert inherited.outside(entries) == [r"C:\bin", r"\\host\share\bin", "D:/bin"]
