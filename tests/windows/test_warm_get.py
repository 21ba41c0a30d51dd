"""What a ``get`` loads on Windows for a live token: the system's own calls, and nothing of keyring."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from git_credential_azdo.vault import vaults
from tests.rules.test_module_budget import ASK, within_budget
from tests.support.people import TENANT, WARM

if TYPE_CHECKING:
    from tests.conftest import Home


@pytest.mark.skipif(sys.platform != "win32", reason="Credential Manager is a part of Windows")
def test_a_warm_get_from_credential_manager_loads_no_library(
    warm: tuple[Home, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the standard library ctypes and what it is made of."""
    home, token = warm
    monkeypatch.setenv("LOCALAPPDATA", home.environment["LOCALAPPDATA"])
    name, key = vaults.CREDENTIAL_MANAGER, f"{WARM}/access/{TENANT}"
    entry = vaults.read(vaults.FILE, key)
    assert entry
    vaults.write(name, key, entry.fields.items())
    try:
        home.accounts_file.write_text(home.accounts_file.read_text().replace("vault=file", f"vault={name}"))
        assert f"password={token}" in within_budget(home, "get", ASK, ours=22, others=7)
    finally:
        vaults.remove(name, key)
