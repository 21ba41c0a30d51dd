"""``setup --login-hint``: somebody else who signs in by the link is never taken without a question."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

import pytest

from tests.commands.test_setup_oauth import asked, visit
from tests.emulator.default_world import ANN, BOB, CONTOSO
from tests.support.people import STALE, Account, at, blocks, vault_of
from tests.support.terminal import LINK, Sitting, Terminal

if TYPE_CHECKING:
    from tests.conftest import Home
    from tests.emulator.emulator import Emulator
    from tests.support.openid import Provider

FILE = ("--vault", "file", "--no-browser")
OWN = ("--client-id", "our-client", "--scope", "openid git offline_access")


def names(home: Home) -> list[str]:
    """Return the names of the accounts."""
    return [value for pairs in blocks(home) for key, value in pairs if key == "name"]


def secrets(home: Home) -> list[str]:
    """Return the entries of the vault."""
    return [path.name for path in vault_of(home).rglob("*") if path.is_file()]


@pytest.mark.parametrize("way", ["listener", "paste"])
@pytest.mark.parametrize(("answer", "kept"), [("\r", []), ("n\r", []), ("y\r", [BOB])])
def test_somebody_else_than_the_hint_is_asked_about(
    home: Home, emulator: Emulator, way: str, answer: str, kept: list[str]
) -> None:
    """Enter is no, and then nothing is kept; the page does not claim a sign-in either."""
    with Terminal(home, "setup", *FILE, "--login-hint", ANN) as terminal:
        address = emulator.sign_in(terminal.see(LINK), BOB)
        terminal.see("> ")
        if way == "listener":
            assert visit(address) == 200
        else:
            terminal.type(f"{address}\r")
        terminal.see(f"{BOB} signed in, not {ANN}")
        terminal.see(r"Keep this sign-in\? \[y/N\]: ")
        terminal.type(answer)
        assert terminal.ended() == (0 if kept else 1)
        assert (f"Signed in as {BOB}" in terminal.text) is bool(kept)
        assert ("nothing was stored" in terminal.text) is not bool(kept)
    assert names(home) == kept
    assert bool(secrets(home)) is bool(kept)


def test_without_a_terminal_somebody_else_is_refused(home: Home, emulator: Emulator) -> None:
    """The hint is the same command for the person who signed in; run as printed it signs in."""
    sitting = Sitting(home, *FILE, "--login-hint", ANN)
    result = sitting.finish(emulator.sign_in(sitting.link, BOB))
    assert (result.code, names(home), secrets(home)) == (1, [], [])
    error, hint = result.err.splitlines()[-2:]
    assert error == f"git-credential-azdo: error: {BOB} signed in, not {ANN}; nothing was stored"
    command = hint.partition("hint: ")[2]
    assert command == f"git credential-azdo setup --vault file --no-browser --login-hint {BOB}"
    again = Sitting(home, *shlex.split(command)[3:])
    assert again.finish(emulator.sign_in(again.link, BOB)).code == 0
    assert names(home) == [BOB]


def test_the_name_is_compared_without_case(home: Home, emulator: Emulator) -> None:
    """Entra writes names as somebody typed them once."""
    sitting = Sitting(home, *FILE, f"--login-hint={ANN.upper()}")
    assert sitting.finish(emulator.sign_in(sitting.link, ANN)).code == 0
    assert names(home) == [ANN]


@pytest.mark.parametrize(
    ("claims", "code"),
    [
        ({"preferred_username": "o.smith@example.org", "email": "Olga@example.org"}, 0),
        ({"upn": "olga@example.org"}, 0),
        ({"preferred_username": "eve@example.org", "name": "olga@example.org"}, 1),
        ({}, 1),
    ],
)
def test_any_sign_in_name_of_the_identity_token_will_do(
    home: Home, emulator: Emulator, provider: Provider, claims: dict[str, str], code: int
) -> None:
    """People know themselves by their address; a display name is no sign-in name, and no name at all is nobody."""
    provider.claims = {"sub": "olga-1", **claims}
    sitting = Sitting(home, *FILE, "--authority", provider.issuer, *OWN, "--login-hint", "olga@example.org")
    assert sitting.finish(provider.sign_in(sitting.link)).code == code
    assert len(names(home)) == (code == 0)
    assert emulator.seen("login.microsoftonline.com") == []


def test_an_organization_that_refuses_the_sign_in_ends_setup(home: Home, emulator: Emulator) -> None:
    """The person named it: a setup that ends well promises that git works there."""
    emulator.world.tenants[CONTOSO].guests.add(BOB)
    sitting = Sitting(home, *FILE, "--org", "contoso")
    result = sitting.finish(emulator.sign_in(sitting.link, BOB))
    assert (result.code, names(home), secrets(home)) == (1, [], [])
    error, hint = result.err.splitlines()[-2:]
    assert error.startswith(f"git-credential-azdo: error: {BOB} signed in, but the organization contoso")
    assert error.endswith("nothing was stored")
    assert hint.endswith("git credential-azdo setup pat --org contoso")


# --- an authority that is not Entra


def test_another_authority_is_sent_nothing_that_only_entra_knows(
    home: Home, emulator: Emulator, provider: Provider
) -> None:
    """``prompt=select_account`` is refused by some; a sign-in hint is OpenID Connect's own."""
    plain = Sitting(home, *FILE, "--authority", provider.issuer, *OWN)
    assert "prompt" not in asked(plain.link)
    assert plain.finish(provider.sign_in(plain.link)).code == 0
    hinted = Sitting(home, *FILE, "--authority", provider.issuer, *OWN, "--login-hint", "olga@example.org")
    assert asked(hinted.link)["login_hint"] == "olga@example.org"
    assert hinted.finish(provider.sign_in(hinted.link)).code == 0
    entra = Sitting(home, *FILE)
    assert asked(entra.link)["prompt"] == "select_account"
    assert entra.finish(emulator.sign_in(entra.link)).code == 0


@pytest.mark.parametrize(
    ("granted", "kept"),
    [
        ("openid git", "openid git"),
        (None, "openid git offline_access"),
        ("a\nb", "openid git offline_access"),
    ],
)
def test_a_refresh_asks_for_the_scope_that_was_granted(
    home: Home, emulator: Emulator, provider: Provider, granted: str | None, kept: str
) -> None:
    """RFC 6749 section 6: a refresh for more is refused, and would be for good."""
    provider.scope = granted
    sitting = Sitting(home, *FILE, "--authority", provider.issuer, *OWN, "--org", "contoso")
    assert sitting.finish(provider.sign_in(sitting.link)).code == 0
    olga = Account(home, next(value for pairs in blocks(home) for key, value in pairs if key == "id"))
    olga.let_pass(STALE, "home")
    assert home.get(*at()).fields["password"]
    assert [form["scope"] for form in provider.forms] == ["openid git offline_access", kept]
    assert emulator.seen("login.microsoftonline.com") == []
