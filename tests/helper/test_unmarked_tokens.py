"""A rejected token of ours is not answered again, though the accounts file cannot say that it is ours, or rejected."""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_credential_azdo.writing import Lock
from tests.emulator.default_world import ANN
from tests.support.people import OLD, at, sign_in
from tests.support.running import patiently

if TYPE_CHECKING:
    from tests.conftest import Home
    from tests.emulator.emulator import Emulator


def test_a_token_that_was_never_marked_is_recognized_in_the_vault(home: Home, emulator: Emulator) -> None:
    """The run that wrote it was killed between vault and accounts file; git is too old for state[]."""
    account = sign_in(home, emulator.world, ANN, "contoso")
    account.let_pass(OLD)
    account.set_all("token[]", [])
    old = home.get(*at()).fields["password"]
    assert old == account.token()
    assert home.erase(*at(), f"username={ANN}", f"password={old}").err == ""
    assert home.get(*at()).fields["password"] == account.token() != old
    assert len(emulator.seen("login.microsoftonline.com")) == 1


def test_a_token_whose_rejection_cannot_be_written_leaves_the_vault(home: Home, emulator: Emulator) -> None:
    """Another process holds the lock of the accounts file; the sign-in stays where it is."""
    account = sign_in(home, emulator.world, ANN, "contoso")
    account.let_pass(OLD)
    old = home.get(*at()).lines
    refresh = account.secret("refresh")
    with Lock(f"{home.accounts_file}.lock", 1):
        result, _ = patiently(
            lambda seconds: home.erase(*at(), *old, AZDO_TIMEOUT=seconds), lambda _: account.token() == ""
        )
    assert result.err.count("error: ") == 1
    assert (account.token(), account.secret("refresh")) == ("", refresh)
    assert home.get(*at()).lines[1] == f"password={account.token()}" != old[1]
    assert len(emulator.requests) == 1
