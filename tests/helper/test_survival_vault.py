"""What the verbs survive of the place for secrets: locked, absent, broken, too small, read-only. Nothing is lost."""

from __future__ import annotations

import itertools
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.emulator.default_world import ANN, BOB, CONTOSO
from tests.support.moody_keyring import MAX_UNITS, NAME
from tests.support.people import STALE, add_block, at, blocks, everything_saved, give_pat, sign_in, vault_of
from tests.support.watch import new_password

if TYPE_CHECKING:
    from tests.conftest import Home
    from tests.emulator.emulator import Emulator
    from tests.support.keyrings import PrivateKeyring
    from tests.support.people import Account

TYPED = at("elsewhere/app/_git/app", username="x")


@pytest.fixture
def moody(home: Home) -> Home:
    """Return a home whose programs find the keyring with moods."""
    home.environment["PYTHONPATH"] = str(Path(__file__).parents[2])
    home.write_accounts_file(f"version=1\nsalt=00112233445566778899aabbccddeeff\nvault={NAME}\n")
    return home


@pytest.fixture
def ann(moody: Home, emulator: Emulator) -> Account:
    """Return ann's account, her secrets in the keyring with moods."""
    return sign_in(moody, emulator.world, ANN, "contoso", vault=NAME)


def test_a_keyring_serves_as_the_file_does(moody: Home, emulator: Emulator, ann: Account) -> None:
    """Warm, stale, and after the refresh."""
    assert moody.get(*at()).fields["password"] == ann.token()
    ann.let_pass(STALE)
    assert moody.get(*at()).fields["password"] == ann.token()
    assert moody.get(*at()).fields["password"] == ann.token()
    assert len(emulator.requests) == 1


@pytest.mark.parametrize(
    ("mood", "told"),
    [
        ("locked", ["error: the keyring is locked", "hint: git credential-azdo unlock"]),
        ("absent", ["error: there is no OS keyring here", "hint: git credential-azdo setup --vault file"]),
        ("broken", [f"error: the keyring ({NAME}) failed: RuntimeError"]),
    ],
)
def test_a_keyring_that_cannot_be_read_is_one_line_for_each_verb(
    moody: Home, emulator: Emulator, ann: Account, mood: str, told: list[str]
) -> None:
    """``get`` stops git, which could not ask usefully; ``store`` and ``erase`` of ours do not open it at all."""
    add_block(moody, ("kind", "server"), ("address", "https://tfs.example.com"))
    server = at(host="tfs.example.com", username="x")
    moody.store(*server, f"password={new_password()}")
    before = everything_saved(moody)
    lines = [f"git-credential-azdo: {line}" for line in told]
    result = moody.get(*at(), MOOD=mood)
    assert (result.out, result.code, result.err.splitlines()) == ("quit=1\n", 0, lines)
    for verb in (moody.store, moody.erase):
        result = verb(*server, f"password={new_password()}", MOOD=mood)
        assert (result.out, result.code, result.err.splitlines()) == ("", 1, lines)
    assert everything_saved(moody) == before
    assert moody.store(*at(), f"password={ann.token()}", MOOD=mood).err == ""
    assert emulator.requests == []


def test_a_backend_that_is_not_installed_is_named(home: Home, emulator: Emulator) -> None:
    """The account says which one it needs."""
    sign_in(home, emulator.world, ANN, "contoso", vault="nowhere.Keyring")
    result = home.get(*at())
    assert result.out == "quit=1\n"
    assert "error: the keyring backend nowhere.Keyring is not available: ModuleNotFoundError\n" in result.err
    assert "hint: https://keyring.readthedocs.io/" in result.err


def test_a_secret_service_that_is_out_of_reach_is_one_line(home: Home, emulator: Emulator) -> None:
    """No session bus of our own is there; neither the short way to it nor the library's finds one."""
    sign_in(home, emulator.world, ANN, "contoso", vault="keyring.backends.SecretService.Keyring")
    result = home.get(*at(), DBUS_SESSION_BUS_ADDRESS="tcp:host=127.0.0.1,port=1")
    assert (result.out, result.code, result.err.count("error: ")) == ("quit=1\n", 0, 1)
    assert "Traceback" not in result.err


def test_an_access_token_that_cannot_be_read_is_replaced(home: Home, emulator: Emulator) -> None:
    """Somebody else wrote under our name: the sign-in brings a new one."""
    ann = sign_in(home, emulator.world, ANN, "contoso")
    ann.vault.write(f"{ann.id}/access/{CONTOSO}", "no equals sign")
    result = home.get(*at())
    assert (result.fields["password"], result.err, len(emulator.requests)) == (ann.token(), "", 1)


@pytest.mark.parametrize("text", ["no equals sign", "parts=2\ngeneration=gone\n"])
def test_a_sign_in_that_cannot_be_read_is_one_line(home: Home, emulator: Emulator, text: str) -> None:
    """Somebody else wrote under our name, or a part is missing; what stands there is not shown."""
    ann = sign_in(home, emulator.world, ANN, "contoso")
    ann.let_pass(STALE)
    ann.vault.write(f"{ann.id}/refresh", text)
    result = home.get(*at())
    assert (result.out, result.err.count("error: "), emulator.requests) == ("quit=1\n", 1, [])
    assert "no equals sign" not in result.err
    assert (
        f"hint: git credential-azdo setup --login-hint {ANN}" in result.err
    )  # this account, and no second one


def test_a_personal_access_token_that_cannot_be_read_is_one_line_with_the_cure(
    home: Home, emulator: Emulator
) -> None:
    """It is asked for again: to sign in would make a second account."""
    token = emulator.world.new_pat(BOB, ["fabrikam"])
    bob = give_pat(home, token, BOB, "fabrikam")
    bob.vault.write(f"{bob.id}/pat", "no equals sign")
    result = home.get(*at("fabrikam/app/_git/app"))
    assert (result.out, result.code) == ("quit=1\n", 0)
    assert result.err == (
        f"git-credential-azdo: error: the token of {BOB} is damaged in the vault\n"
        "git-credential-azdo: hint: git credential-azdo setup pat --org fabrikam\n"
    )
    assert home.azdo("setup", "pat", "--org", "fabrikam", given=token).code == 0
    assert home.get(*at("fabrikam/app/_git/app")).fields["password"] == token


def test_a_stored_credential_that_cannot_be_read_is_asked_for_and_replaced(home: Home) -> None:
    """Git asks the person, and what works then is the new one."""
    assert home.azdo("server", "add", "https://tfs.example.com", "--vault", "file").code == 0
    lines = at("tfs/app/_git/app", host="tfs.example.com")
    for password in (new_password(), new_password()):
        assert home.get(*lines).out == ""
        assert home.store(*lines, "username=x", f"password={password}").err == ""
        assert home.get(*lines).fields["password"] == password
        (entry,) = (path for path in vault_of(home).rglob("*") if path.is_file())
        entry.write_text("no equals sign")


@pytest.mark.parametrize("written", [0, 1], ids=["the refresh token", "the access token"])
def test_a_token_that_cannot_be_saved_is_answered_with_one_line(
    moody: Home, emulator: Emulator, ann: Account, written: int
) -> None:
    """The keyring fails half way: what it held before is whole, and the next ``get`` asks again."""
    ann.let_pass(STALE)
    old = ann.secret("refresh")["token"]
    result = moody.get(*at(), MOOD=f"fails:{written}")
    assert result.fields["password"] in emulator.world.grants.access
    assert result.err.startswith(f"git-credential-azdo: error: the new token of {ANN} could not be written: ")
    assert (result.err.count("\n"), result.code) == (1, 0)
    assert (ann.secret("refresh")["token"] == old) is (written == 0)
    assert moody.get(*at()).fields["password"] == ann.token() != result.fields["password"]
    assert len(emulator.requests) == 2


def entries_of(home: Home) -> list[Path]:
    """Return the files that the keyring with moods keeps its entries in."""
    return [path for path in vault_of(home).rglob("*") if path.is_file()]


def expire(home: Home, ann: Account) -> None:
    """Let the access token be refused as an old one, since its entry may lie in parts."""
    ann.set_all("token[]", [f"{line} dropped" for line in ann.all("token[]")])
    assert home.accounts_file.exists()


def test_a_short_keyring_gets_long_tokens_in_parts(moody: Home, emulator: Emulator, ann: Account) -> None:
    """Each entry fits; the next refresh replaces the parts and leaves none behind."""
    ann.let_pass(STALE)
    for count in (1, 2):
        given = moody.get(*at(), MOOD="short")
        assert (len(given.fields["password"]) > MAX_UNITS, given.err) == (True, "")
        assert moody.get(*at(), MOOD="short").lines == given.lines
        files = entries_of(moody)
        assert max(len(path.read_text()) for path in files) <= MAX_UNITS
        assert [sum(path.name.startswith(f"{what}#") for path in files) for what in ("refresh", CONTOSO)] == [
            2,
            2,
        ]
        assert len(emulator.requests) == count
        expire(moody, ann)


def test_a_short_keyring_that_fails_at_any_point_keeps_the_old_value_or_the_new_one(
    moody: Home, emulator: Emulator, ann: Account
) -> None:
    """Whichever write is the last to succeed, git is answered, the sign-in goes on and no part is left over."""
    ann.let_pass(STALE)
    moody.get(*at(), MOOD="short")
    for written in itertools.count():
        expire(moody, ann)
        given = moody.get(*at(), MOOD=f"short,fails:{written}")
        assert given.fields["password"] in emulator.world.grants.access
        assert len(entries_of(moody)) == 6
        if not given.err:
            break
    assert written == 6
    assert len(emulator.requests) == 8


@pytest.mark.parametrize("written", range(1, 5))
def test_a_part_of_a_secret_that_could_not_be_deleted_is_found_by_logout(
    moody: Home, ann: Account, written: int
) -> None:
    """The keyring takes some parts of a long token, then nothing more; and it deletes nothing, as when a run is killed."""
    ann.let_pass(STALE)
    before = len(list(vault_of(moody).rglob("*#*")))
    moody.get(*at(), MOOD=f"short,keeps,fails:{written}")
    assert len(list(vault_of(moody).rglob("*#*"))) > before
    assert moody.azdo("logout", "--all", MOOD="short").code == 0
    assert [path for path in vault_of(moody).rglob("*") if path.is_file()] == []


def test_the_first_typed_credential_finds_a_keyring_silently(home: Home, moody: Home) -> None:
    """No vault is known yet: the trial says nothing, and its choice is remembered."""
    home.accounts_file.unlink()
    password = new_password()
    result = moody.store(*TYPED, f"password={password}", PYTHON_KEYRING_BACKEND=NAME)
    assert (result.out, result.err, result.code) == ("", "", 0)
    assert moody.get(*TYPED).fields["password"] == password
    assert ("vault", NAME) in blocks(home)[0]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows always has Credential Manager")
def test_with_no_keyring_a_typed_credential_is_not_saved_anywhere(home: Home) -> None:
    """One line says how to agree to the file vault; no file is written."""
    result = home.store(
        *TYPED, f"password={new_password()}", DBUS_SESSION_BUS_ADDRESS="unix:path=/nonexistent"
    )
    assert (result.out, result.code) == ("", 1)
    assert "hint: git credential-azdo setup --vault file\n" in result.err
    assert not home.accounts_file.exists()


def test_a_home_that_cannot_be_written_costs_no_answer(moody: Home, emulator: Emulator, ann: Account) -> None:
    """No lock, no vault, no accounts file: the refresh still answers, with one line."""
    ann.let_pass(STALE)
    folder = moody.accounts_file.parent
    (folder / "locks").write_text("")
    (folder / "accounts.lock").mkdir()
    before = everything_saved(moody)
    result = moody.get(*at(), MOOD="fails:0")
    assert result.fields["password"] in emulator.world.grants.access
    assert (result.err.count("\n"), "could not be written" in result.err) == (1, True)
    assert everything_saved(moody) == before
    assert len(emulator.requests) == 1


def test_a_mark_that_cannot_be_written_costs_no_answer(home: Home, emulator: Emulator) -> None:
    """The vault took the token; the accounts file is read-only."""
    ann = sign_in(home, emulator.world, ANN, "contoso")
    ann.let_pass(STALE)
    (home.accounts_file.parent / "accounts.lock").mkdir()
    result = home.get(*at())
    assert result.fields["password"] == ann.token()
    assert f"could not be written: cannot write {home.accounts_file}: " in result.err
    assert home.get(*at()).fields["password"] == ann.token()
    assert len(emulator.requests) == 1


def test_a_reminder_that_cannot_be_remembered_costs_no_answer(home: Home, emulator: Emulator) -> None:
    """Hint, answer, and a line about the accounts file."""
    pat = give_pat(home, emulator.world.new_pat(BOB), BOB, "*")
    (home.accounts_file.parent / "accounts.lock").mkdir()
    result = home.get(*at("any/app/_git/app"))
    assert result.fields["password"] == pat.secret("pat")["token"]
    assert f"error: cannot write {home.accounts_file}: " in result.err


def test_ours_in_a_locked_secret_service(
    keyring_home: Home, emulator: Emulator, private_keyring: PrivateKeyring
) -> None:
    """A real gnome-keyring: no dialog, one line, the command that shows it; unlocked, it answers."""
    token = emulator.world.new_pat(BOB, ["fabrikam"])
    words = ["setup", "pat", "--org", "fabrikam", "--vault", "keyring", "--no-git-config"]
    assert keyring_home.azdo(*words, given=token).code == 0
    lines = at("fabrikam/app/_git/app")
    private_keyring.lock()
    try:
        result = keyring_home.get(*lines)
    finally:
        private_keyring.unlock()
    assert result.out == "quit=1\n"
    assert "hint: git credential-azdo unlock\n" in result.err
    assert keyring_home.get(*lines).fields["password"] == token
