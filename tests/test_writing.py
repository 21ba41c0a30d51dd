"""Writing a private file: whole or not at all, whatever fails."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from git_credential_azdo.files import Unsafe, read_own
from git_credential_azdo.writing import is_left_over, make_private_folder, write_own
from tests.support.marks import posix

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

from tests.support.own_files import read, write


@pytest.fixture(params=[0o022, 0o000], ids=["umask 022", "umask 000"])
def _umask(request: pytest.FixtureRequest) -> Iterator[None]:
    before = os.umask(request.param)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    """Return the permission bits."""
    return stat.S_IMODE(path.stat().st_mode)


@posix
@pytest.mark.usefixtures("_umask")
def test_files_and_folders_are_for_this_user_only(tmp_path: Path) -> None:
    """Every folder that is made on the way too, whatever the umask."""
    path = tmp_path / "a" / "b" / "file"

    write(path, b"x")

    assert [mode(each) for each in (path, path.parent, path.parent.parent)] == [0o600, 0o700, 0o700]


@posix
def test_a_file_that_others_could_read_becomes_private(tmp_path: Path) -> None:
    """The new file takes its place; a folder that is there already stays as it is."""
    path = tmp_path / "file"
    path.write_bytes(b"old")
    path.chmod(0o644)
    tmp_path.chmod(0o755)

    write(path, b"new")

    assert (mode(path), mode(tmp_path)) == (0o600, 0o755)


def test_a_folder_may_be_there_and_a_file_in_its_place_is_an_error(tmp_path: Path) -> None:
    """And so is a path that leads nowhere."""
    make_private_folder(str(tmp_path))
    (tmp_path / "file").touch()

    with pytest.raises(FileExistsError):
        make_private_folder(str(tmp_path / "file"))
    with pytest.raises((NotADirectoryError, FileExistsError)):  # on POSIX and on Windows
        make_private_folder(str(tmp_path / "file" / "below"))
    with pytest.raises(FileNotFoundError):
        make_private_folder("")


@posix
def test_a_link_is_followed_only_where_that_was_said(tmp_path: Path) -> None:
    """Secrets go where we put them, and nowhere else."""
    (tmp_path / "real").write_bytes(b"old")
    (tmp_path / "link").symlink_to("real")
    with pytest.raises(Unsafe, match="symbolic link, which is not followed here"):
        read(tmp_path / "link")
    with pytest.raises(Unsafe, match="symbolic link, which is not followed here"):
        write(tmp_path / "link", b"new")
    assert (tmp_path / "real").read_bytes() == b"old"


@posix
@pytest.mark.parametrize("there", [True, False])
def test_a_linked_file_stays_a_link(tmp_path: Path, *, there: bool) -> None:
    """A person may keep it in a folder of dotfiles."""
    real, link = tmp_path / "dotfiles" / "file", tmp_path / "file"
    if there:
        real.parent.mkdir()
        real.write_bytes(b"old")
    link.symlink_to(real)

    write_own(str(link), b"new", str(tmp_path), linked=True)

    assert link.is_symlink()
    assert read_own(str(link), str(tmp_path), linked=True) == b"new"
    assert real.read_bytes() == b"new"
    assert sorted(os.listdir(tmp_path)) == ["dotfiles", "file"]


@posix
def test_a_file_in_the_new_file_s_place_is_never_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even where its name was guessed: it could lead to a file of another's choice."""
    target, victim = tmp_path / "file", tmp_path / "victim"

    def guessed(count: int) -> bytes:
        (tmp_path / f"file.{bytes(count).hex()}.new").symlink_to(victim)
        return bytes(count)

    monkeypatch.setattr(os, "urandom", guessed)

    with pytest.raises(FileExistsError):
        write(target, b"secret")

    assert not victim.exists()


def test_the_new_file_s_name_cannot_be_guessed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is another one each time."""
    names = []
    rename = os.replace

    def note(old: str, new: str) -> None:
        names.append(old)
        rename(old, new)

    monkeypatch.setattr(os, "replace", note)
    for _ in range(3):
        write(tmp_path / "file", b"")
    assert len(set(names)) == 3


@posix
def test_a_rename_is_on_the_disk_before_a_write_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file's bytes first, then the folder with its name."""
    synced = []
    sync = os.fsync

    def note(descriptor: int) -> None:
        synced.append((stat.S_ISDIR(os.fstat(descriptor).st_mode), (tmp_path / "file").exists()))
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", note)
    write(tmp_path / "file", b"x")
    assert synced == [(False, False), (True, True)]


@posix
def test_a_folder_that_cannot_be_synced_is_no_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some file systems cannot."""
    sync = os.fsync

    def refuse(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(22, "Invalid argument")
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", refuse)
    write(tmp_path / "file", b"x")
    assert read(tmp_path / "file") == b"x"


@pytest.mark.parametrize("age", [5, 700, -5, -700])
def test_what_a_killed_write_left_is_deleted_by_the_next_one(tmp_path: Path, age: int) -> None:
    """Whatever its age: who writes holds the file's lock. Names as of 0.1.0, too."""
    for name in ("file.99999.new", f"file.{'a' * 16}.new", "other.99999.new", "file.new"):
        (tmp_path / name).write_bytes(b"secret")
        os.utime(tmp_path / name, (time.time() - age, time.time() - age))

    write(tmp_path / "file", b"x")

    assert sorted(os.listdir(tmp_path)) == ["file", "file.new", "other.99999.new"]


def test_a_write_may_take_several_steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The system may take fewer bytes at a time than it was given."""
    all_at_once = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: all_at_once(descriptor, data[:2]))

    write(tmp_path / "file", b"abcde")

    assert (tmp_path / "file").read_bytes() == b"abcde"


@pytest.mark.parametrize("step", ["write", "fsync", "replace"])
@pytest.mark.parametrize("failure", [OSError("disk full"), KeyboardInterrupt()])
def test_a_failed_write_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str, failure: BaseException
) -> None:
    """And nothing beside it."""
    path = tmp_path / "file"
    path.write_bytes(b"old")

    def fail(*_: object) -> None:
        raise failure

    monkeypatch.setattr(os, step, fail)
    with pytest.raises(type(failure)):
        write(path, b"new")

    monkeypatch.undo()
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["file"]


@pytest.mark.parametrize("step", ["write", "fsync", "replace"])
def test_a_killed_write_leaves_the_old_file(tmp_path: Path, step: str) -> None:
    """What it leaves beside the file may be a secret: the next write deletes it."""
    path = tmp_path / "file"
    path.write_bytes(b"old")
    script = (
        "import os, sys\n"
        "from git_credential_azdo.writing import write_own\n"
        f"os.{step} = lambda *_: os._exit(9)\n"
        "write_own(sys.argv[1], b'new', os.path.dirname(sys.argv[1]))\n"
    )

    done = subprocess.run([sys.executable, "-c", script, path], check=False)

    assert done.returncode == 9
    assert path.read_bytes() == b"old"
    (left,) = [name for name in os.listdir(tmp_path) if name != "file"]
    assert is_left_over(left, "file")
    write(path, b"newer")
    assert path.read_bytes() == b"newer"
    assert os.listdir(tmp_path) == ["file"]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("file.1.new", True),
        ("file.4194304.new", True),
        ("file.00ff00ff00ff00ff.new", True),
        ("file", False),
        ("file.new", False),
        ("file..new", False),
        ("file.1", False),
        ("file.1.new2", False),
        ("file.1.2.new", False),
        ("file.x.new", False),
        ("file2.1.new", False),
        ("xfile.1.new", False),
        ("1", False),
    ],
)
def test_only_what_a_killed_write_of_this_file_left_is_left_over(name: str, expected: bool) -> None:  # noqa: FBT001 - a table
    """Another file's new version may be about to become that file."""
    assert is_left_over(name, "file") == expected
