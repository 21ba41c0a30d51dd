"""A keyring in memory, which fails where it is said to."""

from __future__ import annotations

from git_credential_azdo.errors import VaultError
from git_credential_azdo.vault.payload import PART_UNITS, load, save

ASTRAL = "\U0001f511"
KEY = "a1/refresh"


class Backend:
    """A backend in memory that can fail at a given call; ``log`` is what it was asked, in order."""

    is_unlimited = False

    def __init__(self, holds: int | None = None) -> None:
        self.entries: dict[str, str] = {}
        self.log: list[str] = []
        self.holds = holds
        self.failing: dict[str, VaultError] = {}

    def read(self, name: str) -> str | None:
        """Return the entry, if it is there."""
        self._note(f"read {name}")
        return self.entries.get(name)

    def write(self, name: str, text: str) -> None:
        """Keep the entry, if it is not too long."""
        self._note(f"write {name}")
        if self.holds is not None and len(text.encode("utf-16-le")) // 2 > self.holds:
            raise VaultError("too long")
        self.entries[name] = text

    def delete(self, name: str) -> None:
        """Delete the entry; an absent one is no error."""
        self._note(f"delete {name}")
        self.entries.pop(name, None)

    def save(self, secret: str, generation: str = "g1") -> None:
        """Keep the secret under KEY."""
        save(self, KEY, [("token", secret)], generation=generation)

    def load(self) -> str | None:
        """Read the secret under KEY."""
        message = load(self.read, KEY)
        return message.get("token") if message else None

    def _note(self, call: str) -> None:
        self.log.append(call)
        if call in self.failing:
            raise self.failing[call]


def long(character: str = "x") -> str:
    """Make a secret of three parts."""
    return character * (2 * PART_UNITS + 10)
