"""Accounts in Windows Credential Manager whose tokens end while many ask: each get is answered, and no sign-in is lost."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from git_credential_azdo.vault import vaults
from tests.conftest import SCRIPT
from tests.emulator.default_world import ANN, BOB, CONTOSO, FABRIKAM
from tests.support.people import STALE, at, sign_in

if TYPE_CHECKING:
    from tests.conftest import Home, Result
    from tests.emulator.emulator import Emulator

pytestmark = pytest.mark.skipif(sys.platform != "win32", reason="Credential Manager is a part of Windows")

NAME = vaults.CREDENTIAL_MANAGER
EXPIRIES = 4
AT_ONCE = 16
"""More would take Wine longer to start than the 30 s that a get may take."""


def let_pass(key: str) -> None:
    """Move the times of an access token into the past."""
    entry = vaults.read(NAME, key)
    assert entry
    times = {name: str(int(entry.get(name) or 0) - STALE) for name in ("received_utc", "expires_utc")}
    vaults.write(NAME, key, {**entry.fields, **times}.items())


def ask_at_once(home: Home, organizations: list[str]) -> list[Result]:
    """Start a ``get`` for each at the same time; return their answers."""

    def ask(organization: str) -> Result:
        request = "".join(f"{line}\n" for line in at(f"{organization}/app/_git/app"))
        return home.run(SCRIPT, "get", given=request, secret_out=True)

    with ThreadPoolExecutor(len(organizations)) as pool:
        return list(pool.map(ask, organizations))


def test_gets_at_once_over_expiries_lose_no_sign_in(
    home: Home, emulator: Emulator, monkeypatch: pytest.MonkeyPatch, pytestconfig: pytest.Config
) -> None:
    """Each secret is longer than an entry, so that each is in parts. ``--gets N`` asks so many times for each token."""
    monkeypatch.setenv("LOCALAPPDATA", home.environment["LOCALAPPDATA"])
    people = {
        "contoso": (sign_in(home, emulator.world, ANN, "contoso"), CONTOSO, ANN),
        "fabrikam": (sign_in(home, emulator.world, BOB, "fabrikam", tenant=FABRIKAM), FABRIKAM, BOB),
    }
    keys = [
        f"{each.id}/{what}" for each, tenant, _ in people.values() for what in ("refresh", f"access/{tenant}")
    ]
    gets = [*people] * pytestconfig.getoption("gets")
    try:
        for each, tenant, _ in people.values():
            for what in ("refresh", f"access/{tenant}"):
                vaults.write(NAME, f"{each.id}/{what}", each.secret(what).items())
        home.accounts_file.write_text(home.accounts_file.read_text().replace("vault=file", f"vault={NAME}"))
        for _ in range(EXPIRIES):
            for key in keys[1::2]:
                let_pass(key)
            tokens = set()
            for first in range(0, len(gets), AT_ONCE):
                asked = gets[first : first + AT_ONCE]
                for organization, answer in zip(asked, ask_at_once(home, asked), strict=True):
                    assert answer.err == "", answer
                    token = emulator.world.grants.access[answer.fields["password"]]
                    assert token.person == answer.fields["username"] == people[organization][2]
                    tokens.add(token.value)
            assert len(tokens) == len(people)
        assert sum("/token" in record.path for record in emulator.requests) == len(people) * EXPIRIES
    finally:
        vaults.remove(NAME, *keys)
