"""writing.py: a home on a file system without locks is no reason to refuse, and processes still take turns."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from git_credential_azdo import writing
from git_credential_azdo.writing import Busy, Lock
from tests.emulator import faults
from tests.emulator.default_world import ANN
from tests.support.people import STALE, at, sign_in
from tests.support.running import Begun
from tests.test_lock import COUNTER

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Home
    from tests.emulator.emulator import Emulator

LINES = "".join(f"{line}\n" for line in at()).encode()
NO_LOCKS = """
#include <errno.h>
int flock(int fd, int operation) {
    (void)fd;
    (void)operation;
    errno = ENOLCK;
    return -1;
}
"""


@pytest.fixture(scope="session")
def no_locks(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return the environment of a process whose file system has no locks: a library takes them away."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if not sys.platform.startswith("linux") or not compiler:
        pytest.skip("no C compiler here: a file system without locks is made by a library")
    folder = tmp_path_factory.mktemp("no-locks")
    (folder / "no_locks.c").write_text(NO_LOCKS)
    built = folder / "no_locks.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-o", built, folder / "no_locks.c"], check=True)
    # LD_PRELOAD itself takes no path with a blank in it.
    return {"LD_PRELOAD": "no_locks.so", "LD_LIBRARY_PATH": str(folder)}


def test_processes_take_turns_without_locks(tmp_path: Path, no_locks: dict[str, str]) -> None:
    """Four that count together lose nothing, and leave nothing behind."""
    number = tmp_path / "number"
    number.write_text("0")
    environment = {**os.environ, **no_locks}

    command = [sys.executable, "-c", COUNTER, str(number)]
    children = [subprocess.Popen(command, env=environment) for _ in range(4)]

    assert [child.wait() for child in children] == [0] * 4
    assert number.read_text() == "80"
    assert sorted(os.listdir(tmp_path)) == ["number", "number.lock"]


def test_gets_and_changes_work_without_locks(
    home: Home, emulator: Emulator, no_locks: dict[str, str]
) -> None:
    """One request for many that ask at once, as with locks."""
    home.environment.update(no_locks)
    ann = sign_in(home, emulator.world, ANN, "contoso")
    ann.let_pass(STALE)
    running = [Begun(home, "get", given=LINES) for _ in range(6)]
    results = [each.ended() for each in running]
    assert {err for _, _, err in results} == {b""}
    assert all(f"password={ann.token()}".encode() in out for _, out, _ in results)
    assert len(emulator.requests) == 1
    assert home.azdo("use", ANN, "--org", "contoso").code == 0
    assert not [
        name for _, _, names in os.walk(home.accounts_file.parent) for name in names if ".held" in name
    ]


def test_a_killed_holder_holds_nothing_without_locks(
    home: Home, emulator: Emulator, no_locks: dict[str, str]
) -> None:
    """Its process is gone, and the next one does not wait."""
    home.environment.update(no_locks)
    ann = sign_in(home, emulator.world, ANN, "contoso")
    ann.let_pass(STALE)
    fault = emulator.refuse("login.microsoftonline.com", faults.hang())
    begun = Begun(home, "get", given=LINES)
    assert fault.arrived.wait(90)
    held_lock = home.accounts_file.parent / "locks" / f"{ann.id}.held"
    assert held_lock.read_bytes().startswith(b"%d " % begun.process.pid)
    begun.process.kill()
    begun.ended()
    fault.released.set()
    emulator.faults.clear()
    result = home.get(*at())
    assert (result.fields["password"], result.err) == (ann.token(), "")
    assert not held_lock.exists()


@pytest.fixture
def held_lock(tmp_path: Path) -> str:
    """Return the path of a lock."""
    return str(tmp_path / "lock.held")


def hold(path: str, name: str, age: float = 0) -> None:
    """Let another process hold the lock."""
    with open(path, "w", encoding="ascii") as file:
        file.write(name)
    os.utime(path, (time.time() - age, time.time() - age))


def test_a_lock_is_taken_once_and_let_go_of(held_lock: str) -> None:
    """By its name: nobody lets go of another one's."""
    name = writing.take(held_lock)
    assert name
    assert writing.take(held_lock) == b""
    writing.release(held_lock, b"another")
    assert writing.take(held_lock) == b""
    writing.release(held_lock, name)
    assert writing.take(held_lock)


def test_a_lock_that_cannot_be_written_is_not_held(held_lock: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk must not hold up the others until the nameless file is old."""

    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("os.write", full)
        with pytest.raises(OSError, match="No space left"):
            writing.take(held_lock)
    assert writing.take(held_lock)


@pytest.mark.skipif(os.name != "posix", reason="on Windows nobody can look for a process so cheaply")
@pytest.mark.parametrize(
    ("holder", "age", "counts"),
    [
        ("us", 0, True),
        ("us", 3_500, True),
        ("us", 3_700, False),
        ("gone", 0, False),
        ("elsewhere", 0, True),
        ("elsewhere", 100, True),
        ("elsewhere", -100, True),
        ("elsewhere", 130, False),
        ("elsewhere", -130, False),
        ("nameless", 0, True),
        ("nameless", 130, False),
    ],
)
def test_a_lock_counts_while_its_holder_may_live(
    held_lock: str, holder: str, age: float, *, counts: bool
) -> None:
    """A process that is gone from here holds nothing; another machine's is given two minutes, by any clock."""
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    names = {
        "us": f"{os.getpid()} {writing._here()} 00",
        "gone": f"{gone.pid} {writing._here()} 00",
        "elsewhere": f"{gone.pid} another-machine 00",
        "nameless": "",
    }
    hold(held_lock, names[holder], age)
    assert writing.take(held_lock) == b""  # what counts for nothing is taken away first
    assert bool(writing.take(held_lock)) != counts


def test_who_takes_a_dead_lock_away_takes_no_living_one(held_lock: str) -> None:
    """Two saw the dead one; the first has made its own by the time the second acts."""
    hold(held_lock, "living")
    writing._remove(held_lock, b"dead")
    assert writing._name_in(held_lock) == b"living"
    writing._remove(held_lock, b"living")
    assert os.listdir(os.path.dirname(held_lock)) == []
    with pytest.raises(FileNotFoundError):
        writing._remove(held_lock, b"living")


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP], ids=os.strerror)
def test_whatever_tells_that_there_are_no_locks_the_wait_for_a_lock_file_is_bounded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """As for any lock."""

    def refuse(_: int) -> None:
        raise OSError(number, "no locks here")

    monkeypatch.setattr("git_credential_azdo.writing._flock", refuse)
    with Lock(str(tmp_path / "lock"), 0), pytest.raises(Busy), Lock(str(tmp_path / "lock"), 0.03):
        pass
    assert os.listdir(tmp_path) == ["lock"]
