"""What the verbs survive on this machine: a damaged accounts file, hostile folders, closed streams, being killed, no home."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING, NoReturn

import pytest

from git_credential_azdo.__main__ import run
from git_credential_azdo.helper.reasons import no_account
from tests.conftest import SCRIPT
from tests.emulator import faults
from tests.support.people import STALE, assert_refused, at, everything_saved

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Home
    from tests.emulator.emulator import Emulator
    from tests.support.people import Account


LOGIN = "login.microsoftonline.com"


_FILED = """
print('loaded')
from keyring.backend import KeyringBackend
from git_credential_azdo.vault.vaults import FileVault

class Keyring(KeyringBackend):
    priority = 1

    def get_password(self, service, username):
        return FileVault().read(username)

    def set_password(self, service, username, password):
        FileVault().write(username, password)

    def delete_password(self, service, username):
        FileVault().delete(username)
"""
"""A keyring backend of the person's own, which needs the keyring library."""


def test_a_get_that_is_killed_leaves_nothing_in_the_way(
    home: Home, emulator: Emulator, stale: Account
) -> None:
    """The system lets go of its lock; what it had not renamed yet is not read."""
    fault = emulator.refuse(LOGIN, faults.hang())
    process = subprocess.Popen([SCRIPT, "get"], stdin=subprocess.PIPE, env=home.environment, cwd=home.folder)
    assert process.stdin is not None
    with process.stdin:
        process.stdin.write("".join(f"{line}\n" for line in at()).encode())
    assert fault.arrived.wait(90)
    process.kill()
    process.wait()
    fault.released.set()
    emulator.faults.clear()
    (home.accounts_file.parent / "accounts.99999.new").write_text("version=1\n")
    (home.accounts_file.parent / "vault" / stale.id / "refresh.99999.new").write_text("token=")
    result = home.get(*at())
    assert (result.fields["password"], result.err) == (stale.token(), "")


@pytest.mark.parametrize(
    "words", [[str(SCRIPT)], [sys.executable, "-m", "git_credential_azdo"]], ids=["script", "-m"]
)
def test_nothing_is_imported_from_the_current_folder(
    home: Home, emulator: Emulator, stale: Account, tmp_path: Path, words: list[str]
) -> None:
    """Git runs us inside repositories, and one may hold a ``keyring.py``."""
    for name in [name for name in home.environment if name.startswith("COVERAGE_")]:
        del home.environment[name]  # what measures us begins before us, and would import from there
    repository = tmp_path / "repository"
    repository.mkdir()
    for name in ("keyring", "httpx", "click", "platformdirs", "json", "secrets"):
        (repository / f"{name}.py").write_text(
            f"open({str(repository / 'imported')!r}, 'a').write({name!r})\n"
        )
    given = "".join(f"{line}\n" for line in at())
    modules = home.folder / "modules"
    modules.mkdir()
    (modules / "filed.py").write_text(_FILED)
    configuration = home.keyring_settings
    configuration.parent.mkdir(parents=True)
    configuration.write_text(f"[backend]\nkeyring-path={modules}\n")
    stale.set_all("vault", ["filed.Keyring"])
    for path in ("", f"{repository}{os.pathsep}."):  # others: test_inherited.py
        result = home.run(*words, "get", given=given, cwd=repository, secret_out=True, PYTHONPATH=path)
        assert result.fields["password"] == stale.token()
        assert "loaded" not in result.out
        stale.let_pass(STALE)
    assert not (repository / "imported").exists()
    assert len(emulator.requests) == 2


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_a_stream_that_git_closed_early_is_no_error(
    home: Home, emulator: Emulator, stale: Account, stream: str
) -> None:
    """Nobody is left to tell; what the other stream gets is whole, and there is no traceback."""
    emulator.world.fail_next("token", 50076)
    pipe = subprocess.PIPE
    process = subprocess.Popen([SCRIPT, "get"], stdin=pipe, stdout=pipe, stderr=pipe, env=home.environment)
    getattr(process, stream).close()
    setattr(process, stream, None)
    out, err = process.communicate("".join(f"{line}\n" for line in at()).encode(), timeout=90)
    assert process.returncode == 0
    if stream == "stdout":
        assert b"multifactor authentication" in err
        assert b"Traceback" not in err
        assert b"cannot write" not in err
    else:
        assert out == b"quit=1\n"
    assert stale.token()


def test_an_accounts_file_of_a_newer_version_is_left_alone(
    home: Home, emulator: Emulator, stale: Account
) -> None:
    """One line and the command; no verb writes anything. Other hosts hear nothing."""
    home.write_accounts_file(home.accounts_file.read_text().replace("version=1", "version=2"))
    before = everything_saved(home)
    result = home.get(*at())
    assert_refused(result, "was written by a newer version of this program")
    assert "hint: pipx upgrade git-credential-azdo\n" in result.err
    for verb in (home.store, home.erase):
        told = verb(*at(), f"password={stale.token()}")
        assert (told.out, told.code, told.err) == ("", 1, result.err)
    assert home.get(*at(host="github.com")).err == ""
    assert (everything_saved(home), emulator.requests) == (before, [])


def test_a_damaged_block_costs_no_other_account(home: Home, emulator: Emulator, stale: Account) -> None:
    """It is named in one line, and put aside with the next change so that a person can mend it."""
    home.write_accounts_file(
        home.accounts_file.read_text() + "\nkind=pat\nno equals sign\n\nid=lost\n\nkind=oauth\nname=x\n"
    )
    result = home.get(*at())
    assert result.fields["password"] == stale.token()
    assert f"an entry of {home.accounts_file} is damaged and was left alone" in result.err
    line = f"error: the unreadable parts of {home.accounts_file} are now in {home.accounts_file}.damaged\n"
    assert line in result.err
    aside = home.accounts_file.with_name("accounts.damaged").read_text()
    assert "no equals sign" in aside
    assert home.get(*at()).err == ""
    assert len(emulator.requests) == 1


def test_an_accounts_file_that_cannot_be_read_hurts_no_other_host(home: Home) -> None:
    """One line for Azure DevOps; for others, silence."""
    home.accounts_file.mkdir(parents=True)
    assert_refused(home.get(*at()), f"cannot read {home.accounts_file}: ")
    for verb in (home.get, home.store, home.erase):
        result = verb(*at(host="github.com", username="x", password="y"))
        assert (result.out, result.err, result.code) == ("", "", 0)


# --- no home


without_home = pytest.mark.skipif(os.name == "nt", reason="Windows knows a home folder without variables")


@pytest.fixture
def _nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """No HOME, and no entry in the system's list of users."""

    def unknown(_user: int) -> NoReturn:
        raise KeyError

    for name in ("HOME", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("pwd.getpwuid", unknown)


@without_home
@pytest.mark.usefixtures("_nowhere")
def test_without_a_home_what_must_be_saved_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    """The variable is named, and the command that sets it, before anything is asked or signed in."""
    for words in (
        "setup --org contoso --vault file",
        "setup --org contoso",
        "server add https://tfs.example.com",
        "setup --managed-identity system",
    ):
        assert run(words.split()) == 1
        error, hint = capsys.readouterr().err.splitlines()[-2:]
        assert "no folder for the accounts file: HOME is not set" in error, words
        assert "HOME=FOLDER" in hint, words


@without_home
@pytest.mark.usefixtures("_nowhere")
def test_without_a_home_there_are_no_accounts(capsys: pytest.CaptureFixture[str]) -> None:
    """That is no error; where an account is missed, the missing home is the reason."""
    assert run(["accounts", "--format", "json"]) == 0
    assert capsys.readouterr().out == "[]\n"
    said, cure = no_account("setup")
    assert said.startswith("no folder for the accounts file: HOME is not set")
    assert "HOME=FOLDER" in cure
