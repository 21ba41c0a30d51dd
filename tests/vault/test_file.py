"""vault/vaults.py, the file vault: one private file an entry."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from git_credential_azdo.errors import VaultError
from git_credential_azdo.vault.payload import load, remove, save
from git_credential_azdo.vault.vaults import FileVault
from tests.support.marks import posix

if TYPE_CHECKING:
    from pathlib import Path

ENTRY = "4f/access/home"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Give the vault's folder, which is not there yet."""
    return tmp_path / "vault"


@pytest.fixture
def vault(folder: Path) -> FileVault:
    """Give a vault in that folder."""
    return FileVault(str(folder))


def test_an_entry_is_saved_replaced_and_deleted(vault: FileVault, folder: Path) -> None:
    """Its name is its path; folders that are empty again go too, but not the vault's own."""
    assert vault.read(ENTRY) is None
    vault.write(ENTRY, "one")
    vault.write(ENTRY, "two")
    assert vault.read(ENTRY) == "two"
    assert (folder / "4f" / "access" / "home").read_text() == "two"

    vault.delete(ENTRY)

    assert vault.read(ENTRY) is None
    assert os.listdir(folder) == []


@posix
def test_an_entry_that_is_a_link_is_not_followed(vault: FileVault, folder: Path) -> None:
    """Everything in the vault is made by us, and none of it is a link."""
    vault.write(ENTRY, "one")
    (folder / ENTRY).rename(folder / "there")
    (folder / ENTRY).symlink_to(folder / "there")
    with pytest.raises(VaultError, match="it is a symbolic link, which is not followed here"):
        vault.read(ENTRY)


def test_deleting_what_is_absent_is_no_error(vault: FileVault, folder: Path) -> None:
    """Neither without a folder nor beside another entry."""
    vault.delete(ENTRY)
    vault.write("4f/access/other", "kept")
    vault.delete(ENTRY)
    vault.delete("4f/refresh")

    assert vault.read("4f/access/other") == "kept"
    assert not (folder / "4f" / "refresh").exists()


def test_deleting_one_entry_costs_no_other(vault: FileVault, folder: Path) -> None:
    """Nor a folder above that somebody still needs."""
    for entry in ("4f/refresh", "4f/access/one", "4f/access/two", "top"):
        vault.write(entry, entry)

    vault.delete("4f/access/one")
    vault.delete("4f/access/two")
    vault.delete("top")

    assert vault.read("4f/refresh") == "4f/refresh"
    assert os.listdir(folder) == ["4f"]
    assert os.listdir(folder / "4f") == ["refresh"]


def test_the_vault_s_folder_stays_however_it_was_spelled(folder: Path) -> None:
    """And so do the folders above it."""
    vault = FileVault(f"{folder}//")
    vault.write(ENTRY, "x")

    vault.delete(ENTRY)

    assert folder.is_dir()


def test_deleting_takes_what_a_killed_write_left(vault: FileVault, folder: Path) -> None:
    """It holds the secret too; another entry's new version stays."""
    vault.write("4f/pat", "x")
    (folder / "4f" / "pat.77.new").write_text("x")
    (folder / "4f" / "pat2.77.new").write_text("y")

    vault.delete("4f/pat")

    assert os.listdir(folder / "4f") == ["pat2.77.new"]


def test_a_folder_that_another_run_deletes_meanwhile_is_made_again(
    vault: FileVault, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It deleted the last entry in it just before the new one was made."""
    left, listdir = [1, 2], os.listdir

    def vanish(path: str) -> list[str]:
        if left:
            left.pop()
            os.rmdir(path)
            os.rmdir(os.path.dirname(path))
        return listdir(path)

    monkeypatch.setattr("os.listdir", vanish)
    vault.write(ENTRY, "x")
    assert (vault.read(ENTRY), left) == ("x", [])


def test_a_hidden_file_is_no_entry(vault: FileVault, folder: Path) -> None:
    """A file manager puts some into every folder that it shows; nobody could remove such an entry by its name."""
    vault.write(ENTRY, "x")
    (folder / ".DS_Store").touch()
    (folder / "4f" / ".directory").touch()
    assert vault.entries() == [ENTRY]


@posix
def test_files_and_folders_are_private(vault: FileVault, folder: Path) -> None:
    """All of them, whatever the umask."""
    before = os.umask(0)
    try:
        vault.write(ENTRY, "x")
    finally:
        os.umask(before)

    every = [folder, *folder.rglob("*")]
    assert [stat.S_IMODE(each.stat().st_mode) for each in every] == [0o700, 0o700, 0o700, 0o600]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_text_is_saved_as_it_is(tmp_path: Path, text: str) -> None:
    """Line ends too."""
    vault = FileVault(str(tmp_path))

    vault.write("a", text)

    assert vault.read("a") == text


@pytest.mark.parametrize(
    "entry", ["", "/", "..", "../x", "a/../../x", "a/..", ".", "a/.", "a//b", "/etc/passwd", "a/", "a\0b"]
)
def test_no_name_leaves_the_vault(vault: FileVault, folder: Path, entry: str) -> None:
    """Neither to read, nor to write, nor to delete."""
    for call in (vault.read, vault.delete, lambda name: vault.write(name, "x")):
        with pytest.raises(VaultError, match="outside the vault's folder"):
            call(entry)

    assert not folder.exists()


@posix
def test_what_the_system_refuses_is_one_line_without_the_secret(vault: FileVault, folder: Path) -> None:
    """It says what could not be done, where, and why."""
    folder.mkdir()
    (folder / "4f").write_bytes(b"hush\xff")
    (folder / "folder" / "below").mkdir(parents=True)
    calls = [
        (lambda: vault.read("4f/pat"), "cannot read", "Not a directory"),
        (lambda: vault.read("folder"), "cannot read", "Is a directory"),
        (lambda: vault.read("4f"), "cannot read", "not text"),
        (lambda: vault.write("4f/pat", "hush"), "cannot write", "File exists"),
        (lambda: vault.write("folder", "hush"), "cannot write", "Is a directory"),
        (lambda: vault.write("half", "hush\ud800"), "cannot write", "not text"),
        (lambda: vault.delete("4f/pat"), "cannot delete", "Not a directory"),
    ]

    for call, what, why in calls:
        with pytest.raises(VaultError) as caught:
            call()  # type: ignore[no-untyped-call] # a table of calls
        assert caught.value.message.partition(f" ({folder}")[0] == f"{what} the file vault in {folder}: {why}"
        assert "hush" not in repr(caught.value.__cause__)


def test_it_serves_as_a_backend_of_secrets(vault: FileVault, folder: Path) -> None:
    """Whole, since a file holds any length; removed, nothing is left."""
    save(vault, "4f/refresh", [("token", "x" * 9_000)], generation="g")

    message = load(vault.read, "4f/refresh")

    assert message is not None
    assert message.get("token") == "x" * 9_000
    remove(vault, "4f/refresh")
    assert os.listdir(folder) == []


def test_it_lies_in_our_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Unless it is told another one."""
    for variable in ("XDG_CONFIG_HOME", "LOCALAPPDATA"):
        monkeypatch.setenv(variable, str(tmp_path))

    FileVault().write("a", "x")

    assert (tmp_path / "git-credential-azdo" / "vault" / "a").read_text() == "x"
