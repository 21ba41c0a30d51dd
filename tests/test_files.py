"""files.py: private files, written whole or not at all."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from git_credential_azdo import files
from git_credential_azdo.files import is_left_over, make_private_folder, read_file, write_private

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

posix = pytest.mark.skipif(os.name != "posix", reason="modes are Unix'")


@pytest.fixture(params=[0o022, 0o000], ids=["umask 022", "umask 000"])
def _umask(request: pytest.FixtureRequest) -> Iterator[None]:
    before = os.umask(request.param)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    """Return the permission bits."""
    return stat.S_IMODE(path.stat().st_mode)


def test_what_was_written_is_read(tmp_path: Path) -> None:
    """Byte for byte, in place of what was there, and nothing else is left."""
    path = tmp_path / "file"

    for data in (b"one\r\n\x1a\0", b"", b"three" * 100_000):
        write_private(str(path), data)
        assert read_file(str(path)) == data

    assert os.listdir(tmp_path) == ["file"]


def test_no_file_reads_as_empty(tmp_path: Path) -> None:
    """Also when its folder is not there; anything else is an error."""
    assert read_file(str(tmp_path / "no" / "file")) == b""
    with pytest.raises(OSError, match="directory"):
        read_file(str(tmp_path))


@posix
@pytest.mark.usefixtures("_umask")
def test_files_and_folders_are_for_this_user_only(tmp_path: Path) -> None:
    """Every folder that is made on the way too, whatever the umask."""
    path = tmp_path / "a" / "b" / "file"

    write_private(str(path), b"x")

    assert [mode(each) for each in (path, path.parent, path.parent.parent)] == [0o600, 0o700, 0o700]


@posix
def test_a_file_that_others_could_read_becomes_private(tmp_path: Path) -> None:
    """The new file takes its place; a folder that is there already stays as it is."""
    path = tmp_path / "file"
    path.write_bytes(b"old")
    path.chmod(0o644)
    tmp_path.chmod(0o755)

    write_private(str(path), b"new")

    assert (mode(path), mode(tmp_path)) == (0o600, 0o755)


def test_a_folder_may_be_there_and_a_file_in_its_place_is_an_error(tmp_path: Path) -> None:
    """And so is a path that leads nowhere."""
    make_private_folder(str(tmp_path))
    (tmp_path / "file").touch()

    with pytest.raises(FileExistsError):
        make_private_folder(str(tmp_path / "file"))
    with pytest.raises(NotADirectoryError):
        make_private_folder(str(tmp_path / "file" / "below"))
    with pytest.raises(FileNotFoundError):
        make_private_folder("")


@posix
@pytest.mark.parametrize("there", [True, False])
def test_a_linked_file_stays_a_link(tmp_path: Path, *, there: bool) -> None:
    """A person may keep it in a folder of dotfiles."""
    real, link = tmp_path / "dotfiles" / "file", tmp_path / "file"
    if there:
        real.parent.mkdir()
        real.write_bytes(b"old")
    link.symlink_to(real)

    write_private(str(link), b"new")

    assert link.is_symlink()
    assert real.read_bytes() == b"new"
    assert sorted(os.listdir(tmp_path)) == ["dotfiles", "file"]


@posix
def test_a_link_in_the_new_file_s_place_is_not_followed(tmp_path: Path) -> None:
    """It could lead to a file of somebody else's choice."""
    target, victim = tmp_path / "file", tmp_path / "victim"
    (tmp_path / f"file.{os.getpid()}.new").symlink_to(victim)

    with pytest.raises(OSError, match=r"[Ss]ymbolic|[Ll]ink"):
        write_private(str(target), b"secret")

    assert not victim.exists()


def test_a_write_may_take_several_steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The system may take fewer bytes at a time than it was given."""
    write = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: write(descriptor, data[:2]))

    write_private(str(tmp_path / "file"), b"abcde")

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
        write_private(str(path), b"new")

    monkeypatch.undo()
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["file"]


@pytest.mark.parametrize("step", ["write", "fsync", "replace"])
def test_a_killed_write_leaves_the_old_file(tmp_path: Path, step: str) -> None:
    """What it leaves beside the file is known by its name, and disturbs no later write."""
    path = tmp_path / "file"
    path.write_bytes(b"old")
    script = (
        "import os, sys\n"
        "from git_credential_azdo.files import write_private\n"
        f"os.{step} = lambda *_: os._exit(9)\n"
        "write_private(sys.argv[1], b'new')\n"
    )

    done = subprocess.run([sys.executable, "-c", script, path], check=False)

    assert done.returncode == 9
    assert path.read_bytes() == b"old"
    (left,) = [name for name in os.listdir(tmp_path) if name != "file"]
    assert is_left_over(left, "file")
    write_private(str(path), b"newer")
    assert path.read_bytes() == b"newer"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("file.1.new", True),
        ("file.4194304.new", True),
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


class Windows(SimpleNamespace):
    """As much of Windows as a rename sees: refused for a number of times, by a clock that counts pauses."""

    name = "nt"

    def __init__(self, refusals: int) -> None:
        super().__init__(refusals=refusals, now=100.0, renamed=False)

    def replace(self, _fresh: str, _target: str) -> None:
        """Refuse, or do it."""
        self.refusals -= 1
        if self.refusals >= 0:
            raise PermissionError
        self.renamed = True

    def monotonic(self) -> float:
        """Return the time in seconds."""
        return self.now  # type: ignore[no-any-return] # a namespace has no types

    def sleep(self, seconds: float) -> None:
        """Let the time pass."""
        self.now += seconds


@pytest.mark.parametrize(("refusals", "renamed"), [(0, True), (20, True), (10_000, False)])
def test_windows_gets_a_second_to_let_go_of_the_old_file(
    monkeypatch: pytest.MonkeyPatch, refusals: int, *, renamed: bool
) -> None:
    """It refuses the rename while somebody reads the old file."""
    windows = Windows(refusals)
    monkeypatch.setattr(files, "os", windows)
    monkeypatch.setattr(files, "time", windows)

    if renamed:
        files._replace("fresh", "target")
    else:
        with pytest.raises(PermissionError):
            files._replace("fresh", "target")

    assert windows.renamed == renamed
    assert windows.now - 100.0 == pytest.approx(min(refusals * 0.02, 1.02), abs=0.03)


def test_elsewhere_a_refused_rename_is_final(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waiting would not help."""
    unix = Windows(1)
    unix.name = "posix"
    monkeypatch.setattr(files, "os", unix)
    monkeypatch.setattr(files, "time", unix)

    with pytest.raises(PermissionError):
        files._replace("fresh", "target")

    assert unix.now == 100.0
