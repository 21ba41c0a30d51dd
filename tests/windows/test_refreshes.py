"""Two accounts in Windows Credential Manager whose tokens end at the same time: both get new ones, and no sign-in is lost."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from git_credential_azdo.vault import vaults
from tests.conftest import SCRIPT
from tests.emulator.default_world import ANN, BOB, CONTOSO, FABRIKAM
from tests.support.people import STALE, at, sign_in
from tests.support.watch import WATCH

if TYPE_CHECKING:
    from tests.conftest import Home
    from tests.emulator.emulator import Emulator

pytestmark = pytest.mark.skipif(sys.platform != "win32", reason="Credential Manager is a part of Windows")

NAME = vaults.CREDENTIAL_MANAGER
ROUNDS = 4


def let_pass(key: str) -> None:
    """Move the times of an access token into the past."""
    entry = vaults.read(NAME, key)
    assert entry
    times = {name: str(int(entry.get(name) or 0) - STALE) for name in ("received_utc", "expires_utc")}
    vaults.write(NAME, key, {**entry.fields, **times}.items())


def test_refreshes_at_once_lose_no_sign_in(
    home: Home, emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each secret is longer than an entry, so that each is in parts."""
    monkeypatch.setenv("LOCALAPPDATA", home.environment["LOCALAPPDATA"])
    people = {
        "contoso": (sign_in(home, emulator.world, ANN, "contoso"), CONTOSO),
        "fabrikam": (sign_in(home, emulator.world, BOB, "fabrikam", tenant=FABRIKAM), FABRIKAM),
    }
    keys = [
        f"{each.id}/{what}" for each, tenant in people.values() for what in ("refresh", f"access/{tenant}")
    ]
    try:
        for each, tenant in people.values():
            for what in ("refresh", f"access/{tenant}"):
                vaults.write(NAME, f"{each.id}/{what}", each.kept(what).items())
        home.accounts_file.write_text(home.accounts_file.read_text().replace("vault=file", f"vault={NAME}"))
        for _ in range(ROUNDS):
            for key in keys[1::2]:
                let_pass(key)
            gets = []
            for organization in people:
                get = subprocess.Popen(
                    [str(SCRIPT), "get"],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    env=home.environment,
                    cwd=home.folder,
                )
                assert get.stdin is not None
                get.stdin.write("".join(f"{line}\n" for line in at(f"{organization}/app/_git/app")).encode())
                get.stdin.close()
                get.stdin = None
                gets.append(get)
            answers = [get.communicate() for get in gets]
            for _, told in answers:
                WATCH.seen("stderr of get", told)
            assert [b"password=" in out for out, _ in answers] == [True, True], [told for _, told in answers]
        assert sum("/token" in record.path for record in emulator.requests) == 2 * ROUNDS
    finally:
        vaults.remove(NAME, *keys)
