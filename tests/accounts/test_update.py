"""update.py: the accounts file, written; nothing of it gets lost, whatever happens."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from git_credential_azdo.accounts.accounts_file import read
from git_credential_azdo.accounts.update import update

if TYPE_CHECKING:
    from pathlib import Path


from tests.support.accounts_files import FILE, add
from tests.support.marks import posix

WRITER = """
import sys
from git_credential_azdo.accounts.account import Block
from git_credential_azdo.accounts.update import update
for number in range(10):
    block = Block([("kind", "server"), ("address", sys.argv[1] + str(number))])
    update(lambda accounts_file: accounts_file.blocks.append(block))
"""

KILLED = """
import os
from git_credential_azdo.accounts.account import Block
from git_credential_azdo.accounts.update import update
os.{step} = lambda *_: os._exit(9)
update(lambda accounts_file: accounts_file.blocks.append(Block([("kind", "server"), ("address", "new")])))
"""


def test_the_first_write_makes_the_file_with_a_random_salt(path: Path) -> None:
    """And gives what the change returned."""
    assert update(add) == "added"
    first = read(path.read_bytes())
    path.unlink()
    update(add)
    second = read(path.read_bytes())

    assert [name for name, _ in first.header.pairs] == ["version", "salt"]
    assert len(bytes.fromhex(first.salt.decode())) == 16
    assert first.salt != second.salt
    assert [block.get("address") for block in first.blocks] == ["https://tfs.example.com"]


@posix
def test_the_file_and_its_folder_are_private(path: Path) -> None:
    """0600 in a 0700 folder, with the lock and what was damaged beside it."""
    path.parent.parent.mkdir()
    before = os.umask(0)
    try:
        update(add)
        path.write_bytes(FILE + b"\ngarbage\n")
        path.chmod(0o644)
        update(add)
    finally:
        os.umask(before)

    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert sorted(os.listdir(path.parent)) == ["accounts", "accounts.damaged", "accounts.lock"]
    assert {stat.S_IMODE(each.stat().st_mode) for each in path.parent.iterdir()} == {0o600}


def test_a_byte_order_mark_costs_nothing(written: Path) -> None:
    """Some editors put one first: the salt, by which tokens are known again, is still there."""
    written.write_bytes(b"\xef\xbb\xbf" + FILE)

    assert update(lambda accounts_file: (accounts_file.salt, accounts_file.damaged)) == (b"5a17", [])

    assert written.read_bytes() == FILE


def test_unknown_keys_and_blocks_are_written_back(written: Path) -> None:
    """A newer version's keys, in place."""
    update(add)

    assert written.read_bytes() == FILE + b"\nkind=server\naddress=https://tfs.example.com\n"


def test_nothing_is_written_when_nothing_changed(written: Path) -> None:
    """The file stays the very same one."""
    before = written.stat()

    update(lambda accounts_file: accounts_file.blocks[0].set("colour", "blue"))

    after = written.stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_damaged_blocks_are_moved_aside_and_named(written: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One line says where they are now; a second time they are put behind the first ones."""
    aside = written.with_name("accounts.damaged")

    written.write_bytes(b"id=x\nkind=oauth\nbroken\n\n" + FILE + b"\nbroken too\n")
    update(add)
    first = aside.read_bytes()
    heard = capsys.readouterr()
    update(add)
    written.write_bytes(FILE + b"\nand a third")
    update(add)

    assert first == b"id=x\nkind=oauth\nbroken\n\nbroken too\n"
    assert aside.read_bytes() == first + b"\nand a third\n"
    assert written.read_bytes().startswith(FILE)
    assert b"broken" not in written.read_bytes()
    assert heard.err == (
        f"git-credential-azdo: error: the unreadable parts of {written} are now in {aside}\n"
    )
    assert heard.out == ""


def test_a_file_that_lost_its_first_block_gets_a_new_one(path: Path) -> None:
    """Its accounts stay."""
    path.parent.mkdir(parents=True)
    path.write_bytes(b"id=a1\nkind=oauth\n")

    update(add)

    accounts_file = read(path.read_bytes())
    assert accounts_file.salt
    assert [account.id for account in accounts_file.accounts] == ["a1"]


def test_writers_at_the_same_time_lose_nothing(path: Path) -> None:
    """Four processes, ten changes each, beginning with no file at all; and there is one salt."""
    names = ["a", "b", "c", "d"]

    children = [subprocess.Popen([sys.executable, "-c", WRITER, name]) for name in names]

    assert [child.wait() for child in children] == [0] * len(names)
    found = [block.get("address") for block in read(path.read_bytes()).blocks]
    assert sorted(found) == [f"{name}{number}" for name in names for number in range(10)]
    assert [each for each in found if each.startswith("a")] == [f"a{number}" for number in range(10)]


@pytest.mark.parametrize("step", ["write", "fsync", "replace"])
def test_a_writer_killed_half_way_leaves_the_old_file(written: Path, step: str) -> None:
    """And the next one writes as ever."""
    done = subprocess.run([sys.executable, "-c", KILLED.format(step=step)], check=False)

    assert done.returncode == 9
    assert written.read_bytes() == FILE
    update(add)
    assert len(read(written.read_bytes()).blocks) == 2


@posix
def test_a_linked_file_stays_a_link(path: Path, tmp_path: Path) -> None:
    """A person may keep it in a folder of dotfiles."""
    real = tmp_path / "dotfiles" / "accounts"
    real.parent.mkdir()
    real.write_bytes(FILE)
    path.parent.mkdir(parents=True)
    path.symlink_to(real)

    update(add)

    assert path.is_symlink()
    assert len(read(real.read_bytes()).blocks) == 2
    assert os.listdir(real.parent) == ["accounts"]
