"""No vault: keeps nothing. For machines without a keyring whose identity needs no secret of ours.

Every ``get`` then asks the machine's identity service for a token. Never used for an account that has a secret.
"""

from __future__ import annotations

NAME = "none"


class NoVault:
    """Forgets everything it is given."""

    name = NAME
    limit = None

    def read(self, entry: str) -> str | None:
        """Find nothing."""

    def write(self, entry: str, text: str) -> None:
        """Keep nothing."""

    def delete(self, entry: str) -> None:
        """Have nothing to delete."""
