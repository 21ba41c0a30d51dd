"""Personal access tokens: what the world has, and ``setup pat`` with one on stdin."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.people import at, vault_of

if TYPE_CHECKING:
    from tests.conftest import Home, Result
    from tests.emulator.emulator import Emulator
    from tests.emulator.model import Pat

API = "vssps.dev.azure.com/contoso/_apis/tokens/pats"
DAY = 86_400
FABRIKAM_APP = at("fabrikam/app/_git/app")


def give(home: Home, token: str | bytes, *options: str) -> Result:
    """Run ``setup pat`` with the token on stdin."""
    data = token.encode() if isinstance(token, str) else token
    return home.azdo("setup", "--vault", "file", "pat", *options, given=data)


def in_vault(home: Home) -> str:
    """Return all that the file vault holds."""
    return "".join(path.read_text() for path in vault_of(home).rglob("*") if path.is_file())


def living(emulator: Emulator) -> list[Pat]:
    """Return the world's tokens that are not revoked."""
    return [pat for pat in emulator.world.pats if not pat.revoked]
