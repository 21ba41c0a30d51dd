"""Which vault to keep new secrets in: the one asked for, the one used so far, else the first keyring that works.

The file vault is taken only when it is asked for by name: that is the person's consent.
"""

from __future__ import annotations

from git_credential_azdo.vault import system
from git_credential_azdo.vault.file import NAME as FILE
from git_credential_azdo.vault.file import FileVault

TYPE_CHECKING = False
if TYPE_CHECKING:
    from git_credential_azdo.vault.system import KeyringVault


def find_vault(wanted: str | None, used: str | None = None) -> FileVault | KeyringVault:
    """Return a vault that was just seen to keep a secret.

    Args:
        wanted: ``file``, ``keyring`` for any keyring, or a keyring backend by its class or a part of its name.
        used: the vault that this machine's earlier secrets are in.

    Raises VaultError, VaultLocked.

    """
    name = wanted or used
    if name == FILE:
        vault = FileVault()
        system.self_test(vault)
        return vault
    return system.find(None if name == "keyring" else name)
