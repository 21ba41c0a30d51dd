"""Windows Credential Manager: each entry by itself, whoever else writes at the same time, and what keyring wrote."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from keyring.backends.Windows import WinVaultKeyring

from git_credential_azdo import files
from git_credential_azdo.errors import VaultError
from git_credential_azdo.vault import vaults
from git_credential_azdo.vault.payload import PART_UNITS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

pytestmark = pytest.mark.skipif(sys.platform != "win32", reason="Credential Manager is a part of Windows")
NAME = vaults.CREDENTIAL_MANAGER
WRITER = """
import sys
from git_credential_azdo.vault import vaults
for number in range(40):
    pairs = [("token", sys.argv[1][0] * 3_000 + str(number))]
    vaults.write(vaults.CREDENTIAL_MANAGER, sys.argv[1], pairs)
    found = vaults.read(vaults.CREDENTIAL_MANAGER, sys.argv[1])
    assert list(found.fields.items()) == pairs, number
"""


@pytest.fixture
def entry() -> Iterator[Callable[[str], str]]:
    """Return a function that makes names of entries for one test."""
    made: list[str] = []
    prefix = os.urandom(4).hex()

    def make(word: str) -> str:
        made.append(f"{word}{prefix}/refresh")
        return made[-1]

    yield make
    vaults.remove(NAME, *made)


@pytest.fixture
def keyring_backend() -> Any:
    """Return what older versions wrote with."""
    return WinVaultKeyring()  # type: ignore[no-untyped-call] # keyring has no types here


def test_processes_that_write_at_once_lose_nothing(entry: Callable[[str], str]) -> None:
    """Two accounts that refresh at the same time, their secrets in parts."""
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, entry(word)], stderr=subprocess.PIPE)
        for word in "abc"
    ]

    assert [writer.communicate()[1].decode() for writer in writers] == [""] * 3


def test_what_keyring_wrote_is_read_and_replaced(entry: Callable[[str], str], keyring_backend: Any) -> None:
    """The newest entry of all at the service's target, the others at their own."""
    ann, bob = entry("ann"), entry("bob")
    vault = vaults.open_vault(NAME)
    for name in (ann, bob):
        keyring_backend.set_password(files.NAME, name, f"token=old {name}")
    assert (vault.read(ann), vault.read(bob)) == (f"token=old {ann}", f"token=old {bob}")

    vault.write(bob, "token=new")

    assert (vault.read(ann), vault.read(bob)) == (f"token=old {ann}", "token=new")
    assert keyring_backend.get_password(files.NAME, bob) == "token=new"


def test_what_keyring_wrote_is_deleted_wherever_it_is(
    entry: Callable[[str], str], keyring_backend: Any
) -> None:
    """It keeps the value before the last one, too."""
    ann = entry("ann")
    vault = vaults.open_vault(NAME)
    for value in ("a", "b"):
        keyring_backend.set_password(files.NAME, ann, value)

    vault.delete(ann)
    vault.delete(ann)

    assert vault.read(ann) is None
    assert keyring_backend.get_password(files.NAME, ann) is None


@pytest.mark.parametrize("text", ["x", "\ufefftoken", "é\U0001f511\x00", "y" * PART_UNITS])
def test_a_text_is_read_back(entry: Callable[[str], str], text: str) -> None:
    """Also what keyring takes for a byte order mark."""
    vault = vaults.open_vault(NAME)
    vault.write(entry("a"), text)

    assert vault.read(entry("a")) == text


def test_what_is_too_long_is_refused(entry: Callable[[str], str]) -> None:
    """So that it is split; Windows itself would say that a stub received bad data."""
    with pytest.raises(VaultError, match="holds 1280 characters"):
        vaults.open_vault(NAME).write(entry("a"), "y" * (PART_UNITS + 1))
