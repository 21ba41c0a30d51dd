"""A change of the accounts file that cannot be made: one clear line, and the old file."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from git_credential_azdo.accounts import update as module
from git_credential_azdo.accounts.account import Block
from git_credential_azdo.accounts.update import update
from git_credential_azdo.errors import AzdoError, ProtocolError
from git_credential_azdo.writing import Busy, Lock

if TYPE_CHECKING:
    from pathlib import Path

    from git_credential_azdo.accounts.accounts_file import AccountsFile

from tests.support.accounts_files import FILE, add
from tests.support.marks import not_root, posix


def test_a_change_that_fails_changes_nothing(written: Path) -> None:
    """Its error comes through, and the lock is free again."""

    def fail(accounts_file: AccountsFile) -> None:
        add(accounts_file)
        raise KeyError

    with pytest.raises(KeyError):
        update(fail)

    assert written.read_bytes() == FILE
    update(add)
    assert written.read_bytes() != FILE


@pytest.mark.parametrize("value", ["a\nid=evil", "a\rb", "a\r", "a\0b", "\ud800", "x" * 65_536])
@pytest.mark.parametrize("where", ["value", "key"])
def test_what_could_make_a_line_of_its_own_is_refused(written: Path, value: str, where: str) -> None:
    """Nothing is written then, not even what else is there to write."""
    written.write_bytes(FILE + b"\ngarbage\n")
    pair = ("name", value) if where == "value" else (value, "name")

    def change(accounts_file: AccountsFile) -> None:
        add(accounts_file)
        accounts_file.blocks.append(Block([("kind", "pat"), ("id", "p"), pair]))

    with pytest.raises(ProtocolError):
        update(change)

    assert written.read_bytes() == FILE + b"\ngarbage\n"
    assert sorted(os.listdir(written.parent)) == ["accounts", "accounts.lock"]


def test_a_newer_file_is_refused_and_left_alone(written: Path) -> None:
    """What we would write would not be what it says."""
    newer = FILE.replace(b"version=1", b"version=2")
    written.write_bytes(newer)

    with pytest.raises(ProtocolError, match="newer version"):
        update(add)

    assert written.read_bytes() == newer


def test_a_folder_that_cannot_be_made_is_one_clear_line(path: Path) -> None:
    """It names the file, the system's reason and what is in the way."""
    path.parent.parent.mkdir()
    path.parent.touch()

    with pytest.raises(AzdoError) as caught:
        update(add)

    assert caught.value.message.startswith(f"cannot write {path}: ")
    assert caught.value.message.endswith(f" ({path.parent})")


@posix
def test_a_lock_that_cannot_be_opened_is_named(written: Path) -> None:
    """The accounts file itself is no folder."""
    (written.parent / "accounts.lock").unlink(missing_ok=True)
    (written.parent / "accounts.lock").mkdir()
    with pytest.raises(AzdoError) as caught:
        update(add)
    assert caught.value.message == f"cannot write {written}: Is a directory ({written}.lock)"


@not_root
def test_a_folder_that_cannot_be_written_is_one_clear_line(written: Path) -> None:
    """The old file stays."""
    written.parent.chmod(0o500)
    try:
        with pytest.raises(AzdoError) as caught:
            update(add)
    finally:
        written.parent.chmod(0o700)

    assert caught.value.message == f"cannot write {written}: Permission denied"
    assert written.read_bytes() == FILE


@pytest.mark.parametrize(
    ("failure", "reason"),
    [(OSError(28, "No space left on device"), "No space left on device"), (OSError("odd"), "odd")],
)
def test_a_full_disk_is_one_clear_line(
    written: Path, monkeypatch: pytest.MonkeyPatch, failure: OSError, reason: str
) -> None:
    """Whatever the system says, and the old file stays."""

    def fail(*_: object) -> None:
        raise failure

    monkeypatch.setattr(os, "fsync", fail)

    with pytest.raises(AzdoError) as caught:
        update(add)

    assert caught.value.message == f"cannot write {written}: {reason}"
    assert written.read_bytes() == FILE


def test_an_accounts_file_that_is_a_folder_is_one_clear_line(path: Path) -> None:
    """It is read first."""
    path.mkdir(parents=True)

    with pytest.raises(AzdoError, match="cannot read"):
        update(add)


def test_the_wait_for_another_writer_is_bounded(written: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Then nothing is written."""
    assert module.LOCK_SECONDS <= 10
    monkeypatch.setattr(module, "LOCK_SECONDS", 0.0)

    with Lock(f"{written}.lock", 0), pytest.raises(Busy):
        update(add)

    assert written.read_bytes() == FILE
