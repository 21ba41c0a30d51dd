"""writing.py: one process at a time, a bounded wait, and no lock outlives its holder."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from git_credential_azdo import writing
from git_credential_azdo.writing import Busy, Lock
from tests.support.marks import posix

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HOLDER = """
import sys
from git_credential_azdo.writing import Lock
with Lock(sys.argv[1], 5):
    print("held", flush=True)
    sys.stdin.read()
"""

COUNTER = """
import sys
from git_credential_azdo.writing import Lock
for _ in range(20):
    with Lock(sys.argv[1] + ".lock", 30):
        with open(sys.argv[1]) as file:
            number = int(file.read())
        with open(sys.argv[1], "w") as file:
            file.write(str(number + 1))
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Give a lock's path in a folder that is not there yet."""
    return tmp_path / "locks" / "a1"


@pytest.fixture
def holder(path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Give a process that holds the lock until its stdin is closed."""
    command = [sys.executable, "-c", HOLDER, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert child.stdout.readline().strip() == b"held"
        yield child
        child.kill()


def descriptors() -> int:
    """Count our open files."""
    return len(os.listdir("/proc/self/fd")) if sys.platform.startswith("linux") else 0


def test_the_lock_is_held_within_the_block_only(path: Path) -> None:
    """A second holder, be it in the same process, has to wait."""
    open_before = descriptors()
    with Lock(str(path), 0), pytest.raises(Busy), Lock(str(path), 0):
        pass
    with Lock(str(path), 0):
        pass

    assert descriptors() == open_before


def test_an_exception_lets_go_of_the_lock(path: Path) -> None:
    """And comes through."""
    with pytest.raises(KeyError), Lock(str(path), 0):
        raise KeyError
    with Lock(str(path), 0):
        assert path.exists()


@pytest.mark.usefixtures("holder")
def test_the_wait_for_another_process_is_bounded(path: Path) -> None:
    """The error says who held what, and for how long we waited."""
    open_before = descriptors()

    with pytest.raises(Busy) as caught, Lock(str(path), 0.03):
        pass

    assert caught.value.message == f"another git-credential-azdo held {path} for 1 s"
    assert descriptors() == open_before


def test_the_wait_ends_as_soon_as_the_holder_lets_go(path: Path, holder: subprocess.Popen[bytes]) -> None:
    """Long before its bound."""
    assert holder.stdin is not None
    holder.stdin.close()

    with Lock(str(path), 60):
        assert path.exists()


def test_a_killed_holder_holds_nothing(path: Path, holder: subprocess.Popen[bytes]) -> None:
    """The system lets go for it; the file stays, since another one may be waiting on it."""
    holder.kill()
    holder.wait()

    with Lock(str(path), 0):
        assert path.exists()
    assert path.exists()


def test_processes_take_turns(tmp_path: Path) -> None:
    """Four that count together lose nothing."""
    number = tmp_path / "number"
    number.write_text("0")

    children = [subprocess.Popen([sys.executable, "-c", COUNTER, str(number)]) for _ in range(4)]

    assert [child.wait() for child in children] == [0] * 4
    assert number.read_text() == "80"


@posix
def test_the_lock_file_is_private(path: Path) -> None:
    """As everything of ours."""
    with Lock(str(path), 0):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


@pytest.mark.parametrize("failure", [OSError(errno.EIO, "broken disk"), KeyboardInterrupt()])
def test_what_is_no_busy_lock_is_no_wait(
    path: Path, monkeypatch: pytest.MonkeyPatch, failure: BaseException
) -> None:
    """The error comes at once, as Ctrl-C does, and no file stays open."""

    def refuse(_: int) -> None:
        raise failure

    monkeypatch.setattr(writing, "_flock", refuse)
    open_before = descriptors()

    with pytest.raises(type(failure)), Lock(str(path), 60):
        pass

    assert descriptors() == open_before


def test_windows_says_busy_in_its_own_way(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By a PermissionError; we wait then, too."""
    refusals = [PermissionError(errno.EACCES, "Permission denied")] * 3

    def refuse(_: int) -> None:
        if refusals:
            raise refusals.pop()

    monkeypatch.setattr(writing, "_flock", refuse)

    with Lock(str(path), 60):
        assert refusals == []


def test_no_place_for_the_lock_is_an_error(tmp_path: Path) -> None:
    """The caller decides what to do without."""
    (tmp_path / "file").touch()

    with pytest.raises(OSError, match="file"), Lock(str(tmp_path / "file" / "a1"), 0):
        pass
