"""vault/file_backend.py: the file vault, for programs that speak keyring; keyring's own tests, and what is ours."""

from __future__ import annotations

from typing import TYPE_CHECKING

import keyring.core
import pytest
from keyring.backend import get_all_keyring
from keyring.errors import PasswordDeleteError, PasswordSetError
from keyring.testing.backend import BackendBasicTests

from git_credential_azdo.vault.file import FileVault
from git_credential_azdo.vault.file_backend import FileKeyring

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))


@pytest.mark.usefixtures("_home")
class TestFileKeyring(BackendBasicTests):
    """Whatever keyring asks of its backends."""

    def init_keyring(self) -> FileKeyring:
        """Give the backend under test."""
        return FileKeyring()  # type: ignore[no-untyped-call] # keyring has no types here


@pytest.fixture
def backend() -> FileKeyring:
    """Give the backend."""
    return FileKeyring()  # type: ignore[no-untyped-call] # as above


def test_our_own_entries_are_the_same_by_both_ways(backend: FileKeyring) -> None:
    """An account whose vault is ``file`` and one whose vault is this backend share them."""
    FileVault().write("4f/pat", "one")
    assert backend.get_password("git-credential-azdo", "4f/pat") == "one"

    backend.set_password("git-credential-azdo", "4f/pat", "two")
    assert FileVault().read("4f/pat") == "two"

    backend.delete_password("git-credential-azdo", "4f/pat")
    assert FileVault().read("4f/pat") is None


def test_no_other_service_can_reach_them(backend: FileKeyring) -> None:
    """Whatever its name, and its users'."""
    FileVault().write("4f/pat", "ours")

    for service, user in (("4f", "pat"), ("../4f", "pat"), ("", "4f/pat"), ("other", "../../4f/pat")):
        backend.set_password(service, user, "theirs")
        assert backend.get_password(service, user) == "theirs"

    assert FileVault().read("4f/pat") == "ours"


def test_what_cannot_be_kept_is_keyring_s_error(backend: FileKeyring) -> None:
    """As a program that speaks keyring expects."""
    with pytest.raises(PasswordSetError, match="leave the vault"):
        backend.set_password("git-credential-azdo", "../x", "hush")
    with pytest.raises(PasswordDeleteError):
        backend.delete_password("git-credential-azdo", "4f/pat")


def test_keyring_never_takes_it_by_itself(backend: FileKeyring) -> None:
    """A plain file needs the person's consent: it is known, and not recommended."""
    assert type(backend) in {type(each) for each in get_all_keyring()}
    assert not keyring.core.recommended(backend)
