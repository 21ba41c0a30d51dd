"""Where ``setup`` keeps secrets: the keyring by trial, a file only on consent; and the verb ``unlock``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from git_credential_azdo import hints
from tests.emulator.default_world import ANN, BOB
from tests.support.importing import git_stores
from tests.support.pats import in_vault
from tests.support.people import at, blocks, of_kind
from tests.support.terminal import LINK, Terminal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import Home, Result
    from tests.emulator.emulator import Emulator
    from tests.support.keyrings import PrivateKeyring

NONE = {"DBUS_SESSION_BUS_ADDRESS": "unix:path=/nonexistent"}
HALF = """
import keyring.backend
import keyring.errors
class Keyring(keyring.backend.KeyringBackend):
    priority = 9
    saved = {}
    writes = 0
    def get_password(self, service, name):
        return self.saved.get(name)
    def set_password(self, service, name, secret):
        type(self).writes += 1
        if self.writes > 2 and not name.endswith("/refresh"):
            raise OSError("the disk is full")
        with open(LOG, "a") as log:
            log.write(f"set {name}\\n")
        self.saved[name] = secret
    def delete_password(self, service, name):
        with open(LOG, "a") as log:
            log.write(f"delete {name}\\n")
        if self.saved.pop(name, None) is None:
            raise keyring.errors.PasswordDeleteError
"""


def setup(home: Home, emulator: Emulator, *options: str, **environment: str) -> Result:
    """Keep bob's token."""
    token = emulator.world.new_pat(BOB, ["fabrikam"])
    return home.azdo("setup", "pat", "--org", "fabrikam", *options, given=token, **environment)


@pytest.mark.parametrize("options", [(), ("--vault", "keyring"), ("--vault=keyring",)])
def test_without_a_keyring_the_file_is_named_and_not_taken(
    home: Home, emulator: Emulator, options: tuple[str, ...]
) -> None:
    """With options nothing is asked; nobody signs in for nothing. The vault that was named gives way to the file."""
    result = setup(home, emulator, *options, **NONE)
    assert (result.code, emulator.requests) == (1, [])
    assert "error: no OS keyring works here" in result.err
    assert "hint: git credential-azdo setup pat --org fabrikam --vault file\n" in result.err
    assert not home.accounts_file.exists() or not of_kind(home, "pat")


@pytest.mark.parametrize("words", ["server add https://tfs.example.com", "import --yes --org fabrikam"])
def test_without_a_keyring_every_verb_names_itself_with_the_file(
    home: Home, emulator: Emulator, words: str
) -> None:
    """Run as printed it does what it was asked for, and signs nobody in."""
    git_stores(home, "https://dev.azure.com/fabrikam", emulator.world.new_pat(BOB, ["fabrikam"]), BOB)
    result = home.azdo(*words.split(), **NONE)
    hint = f"{words} --vault file"
    assert f"hint: git credential-azdo {hint}\n" in result.err
    assert home.azdo(*hint.split(), **NONE).code == 0
    assert ("vault", "file") in blocks(home)[0]


@pytest.mark.parametrize(("answer", "code"), [("y", 0), ("n", 1)])
def test_without_a_keyring_a_person_is_asked_for_consent(
    home: Home, emulator: Emulator, answer: str, code: int
) -> None:
    """A no keeps nothing; a yes is remembered for the next account."""
    with Terminal(home, "setup", **NONE) as terminal:
        terminal.see("Choose")
        terminal.type("1\r")
        terminal.see("private file, not encrypted")
        terminal.type(f"{answer}\r")
        if answer == "y":
            terminal.type(f"{emulator.sign_in(terminal.see(LINK))}\r")
            terminal.see("Write this")
            terminal.type("\r")
        assert terminal.ended() == code
        assert "--vault file" not in terminal.text
    assert home.accounts_file.exists() is (code == 0)
    if code == 0:
        assert setup(home, emulator, **NONE).code == 0
        assert home.get(*at(), **NONE).fields["username"] == ANN


def test_the_keyring_is_taken_where_there_is_one(keyring_home: Home, emulator: Emulator) -> None:
    """It is written, read back and deleted before anybody signs in."""
    result = setup(keyring_home, emulator)
    assert (result.code, result.out) == (0, "")
    assert "saved in the keyring (keyring.backends.SecretService.Keyring)" in result.err
    assert in_vault(keyring_home) == ""
    assert "is unlocked and works" in keyring_home.azdo("unlock").out
    assert keyring_home.azdo("logout", "--all").code == 0


@pytest.fixture
def locked(private_keyring: PrivateKeyring) -> Iterator[None]:
    """Lock the keyring for a test."""
    private_keyring.lock()
    yield
    private_keyring.unlock()


@pytest.mark.usefixtures("locked")
def test_a_locked_keyring_is_an_error_with_the_verb_that_unlocks_it(
    keyring_home: Home, emulator: Emulator
) -> None:
    """setup shows no dialog."""
    result = setup(keyring_home, emulator)
    assert (result.code, emulator.requests) == (1, [])
    assert result.err == (
        "git-credential-azdo: error: the keyring is locked\n"
        "git-credential-azdo: hint: git credential-azdo unlock\n"
    )


def test_logout_of_a_locked_keyring_forgets_nothing(
    keyring_home: Home, emulator: Emulator, private_keyring: PrivateKeyring
) -> None:
    """Else the secret would be left without a name; accounts and explain say how it stands."""
    home = keyring_home
    assert setup(home, emulator).code == 0
    private_keyring.lock()
    try:
        result = home.azdo("logout", BOB)
        assert (result.code, "hint: git credential-azdo unlock" in result.err) == (1, True)
        assert "keyring locked" in home.azdo("accounts").out
        assert "keyring locked" in home.azdo("explain", "https://dev.azure.com/fabrikam/_git/app").out
    finally:
        private_keyring.unlock()
    assert home.azdo("logout", BOB).out == f"{BOB} is removed\n"


def test_a_keyring_that_fails_half_way_leaves_nothing_half_done(home: Home, emulator: Emulator) -> None:
    """What was written is deleted again, and no account is listed."""
    log = home.folder / "log"
    modules = home.folder / "modules"
    modules.mkdir()
    (modules / "halfway.py").write_text(f"LOG = {str(log)!r}\n{HALF}")
    configuration = home.keyring_settings
    configuration.parent.mkdir(parents=True)
    configuration.write_text(f"[backend]\ndefault-keyring=halfway.Keyring\nkeyring-path={modules}\n")
    with Terminal(home, "setup", "--no-browser") as terminal:
        terminal.type(f"{emulator.sign_in(terminal.see(LINK))}\r")
        assert terminal.ended() == 1
        assert "the keyring (halfway.Keyring) failed: OSError" in terminal.text
    wrote = {line.split()[1] for line in log.read_text().splitlines() if line.startswith("set")}
    deleted = {line.split()[1] for line in log.read_text().splitlines() if line.startswith("delete")}
    assert any(name.endswith("/refresh") for name in wrote)
    assert wrote <= deleted
    assert not of_kind(home, "oauth")


NULL = "keyring.backends.null.Keyring"


@pytest.mark.parametrize("where", ["the environment", "keyringrc.cfg"])
def test_a_setting_that_switches_keyrings_off_is_named_with_its_cure(home: Home, where: str) -> None:
    """Not the plain file: a keyring may work here."""
    environment = {"PYTHON_KEYRING_BACKEND": NULL} if where == "the environment" else {}
    name, cure = "PYTHON_KEYRING_BACKEND", hints.unset("PYTHON_KEYRING_BACKEND")
    if not environment:
        file = home.keyring_settings
        file.parent.mkdir(parents=True)
        file.write_text(f"[backend]\ndefault-keyring={NULL}\n")
        name, cure = str(file), hints.edit(str(file))
    result = home.azdo("setup", "--no-git-config", **environment)
    assert result.err == (
        f"git-credential-azdo: error: {name} names {NULL}, which stores nothing\n"
        f"git-credential-azdo: hint: {cure}\n"
    )


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("no.such.Backend", "the keyring backend no.such.Backend is not available"),
        ("nonsense", "no OS keyring named nonsense works here"),
    ],
)
def test_a_vault_that_does_not_exist_is_an_error(
    home: Home, emulator: Emulator, name: str, said: str
) -> None:
    """By its full name or a part of it."""
    result = setup(home, emulator, "--vault", name, **NONE)
    assert (result.code, said in result.err) == (1, True)


def test_the_file_vault_needs_no_unlocking(file_home: Home) -> None:
    """unlock says so."""
    result = file_home.azdo("unlock")
    assert (result.code, result.out, result.err) == (0, "Secrets in files need no unlocking\n", "")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows always has Credential Manager")
def test_unlock_without_any_keyring_says_what_else_there_is(home: Home) -> None:
    """A line and a hint."""
    result = home.azdo("unlock", **NONE)
    assert (result.code, result.err.count("\n")) == (1, 2)
    assert "hint: git credential-azdo setup --vault file" in result.err
