"""Secrets in ``pass``: real pass and gpg through the keyring-pass backend, which keeps one line of what it is given."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from git_credential_azdo import hints
from git_credential_azdo.vault import system
from tests.conftest import BIN
from tests.emulator.default_world import ANN, BOB
from tests.emulator.default_world import FABRIKAM as TENANT
from tests.support.people import at, blocks
from tests.support.terminal import Sitting, Terminal
from tests.support.watch import new_password

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.conftest import Home, Result
    from tests.emulator.emulator import Emulator

BACKEND = "keyring_pass.PasswordStoreBackend"
PERSON = "pass@example.com"
PASSPHRASE = "a passphrase for tests"
# Speaks just enough of gpg's pinentry protocol (the Assuan manual) to note that it was asked, and to answer.
PINENTRY = """#!/bin/sh
echo OK
while read -r word _; do
  case $word in GETPIN) echo asked >>"{log}"; echo "D {passphrase}";; esac
  echo OK
  [ "$word" = BYE ] && exit
done
"""


def missing() -> str:
    """Name what is not installed."""
    packages = {"pass": "pass", "gpg": "gnupg"}
    names = [package for program, package in packages.items() if shutil.which(program) is None]
    return " ".join([*names, *([] if importlib.util.find_spec("keyring_pass") else ["keyring-pass (PyPI)"])])


class Store:
    """A gpg home with one key and its agent; the password store itself belongs to each test's home."""

    def __init__(self, folder: Path) -> None:
        self.environment = {"GNUPGHOME": str(folder)}
        self.asked = folder / "asked"
        pinentry = folder / "pinentry"
        pinentry.write_text(PINENTRY.format(log=self.asked, passphrase=PASSPHRASE))
        pinentry.chmod(0o700)
        # The passphrase guards nothing: few rounds of hashing, and the kind of key that is made and used at once.
        (folder / "gpg-agent.conf").write_text(f"pinentry-program {pinentry}\ns2k-count 65536\n")
        quiet = ["--batch", "--pinentry-mode", "loopback", "--passphrase", PASSPHRASE]
        self._run("gpg", *quiet, "--quick-gen-key", PERSON, "future-default", "default", "never")

    def lock(self) -> None:
        """Let the agent forget the passphrase, and that it ever asked."""
        self._run("gpg-connect-agent", "reloadagent", "/bye")
        self.asked.unlink(missing_ok=True)

    def close(self) -> None:
        """End the agent."""
        self._run("gpgconf", "--kill", "gpg-agent")

    def _run(self, *words: str) -> None:
        environment = {**os.environ, **self.environment}
        subprocess.run(words, env=environment, check=True, capture_output=True)


@pytest.fixture(scope="module")
def gpg(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """Return a gpg home; its name is short, since the agent's socket lies in it."""
    packages = missing()
    if packages:
        pytest.skip(f"packages missing: {packages}")
    folder = tmp_path_factory.mktemp("gpg")
    folder.chmod(0o700)
    store = Store(folder)
    yield store
    store.close()


@pytest.fixture
def pass_home(home: Home, gpg: Store) -> Home:
    """Return a home with an unlocked password store."""
    home.environment |= {**gpg.environment, "PASSWORD_STORE_DIR": str(home.folder / "store")}
    assert home.run("pass", "init", PERSON).code == 0
    home.run("pass", "insert", "--echo", "--force", "warm", given="up\n")
    assert home.run("pass", "show", "warm").code == 0  # the agent knows the passphrase from here on
    gpg.asked.unlink(missing_ok=True)
    return home


def set_up(home: Home, emulator: Emulator, *words: str) -> Result:
    """Keep bob's PAT in pass."""
    token = emulator.world.new_pat(BOB, ["fabrikam"])
    return home.azdo("setup", "pat", "--org", "fabrikam", "--vault", "pass", *words, given=token)


def entries(home: Home) -> list[str]:
    """Return what lies in the store, of ours."""
    folder = home.folder / "store" / "python-keyring" / "git-credential-azdo"
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*.gpg"))


FABRIKAM = at("fabrikam/app/_git/app")


def test_a_sign_in_is_saved_refreshed_and_forgotten(pass_home: Home, emulator: Emulator) -> None:
    """Tokens of several lines survive a backend of one; pass writes nothing between our lines."""
    home = pass_home
    sitting = Sitting(home, "--vault", "pass", "--no-browser")
    result = sitting.finish(emulator.sign_in(sitting.link))
    assert result.code == 0, result.err
    assert f"saved in the keyring ({BACKEND})" in result.err
    assert "password store" not in result.err
    first = home.get(*at())
    assert (first.fields["username"], first.err) == (ANN, "")
    before = len(emulator.requests)
    elsewhere = [*FABRIKAM, f"wwwauth[]=Bearer authorization_uri=https://login.microsoftonline.com/{TENANT}"]
    assert home.azdo("use", ANN, "--org", "fabrikam").code == 0
    other = home.get(*elsewhere)
    assert (other.fields["username"], other.err) == (ANN, "")
    assert home.get(*elsewhere).out == other.out
    assert [record.host for record in emulator.requests[before:]] == ["login.microsoftonline.com"]
    assert len(entries(home)) == 3
    out = home.azdo("logout", "--all")
    assert (out.code, out.err) == (0, "")
    assert entries(home) == []


def test_a_pat_serves_real_git(pass_home: Home, emulator: Emulator) -> None:
    """Nothing is asked, by us, by git or by gpg."""
    assert set_up(pass_home, emulator).code == 0
    clone = pass_home.git("clone", "-q", "https://dev.azure.com/fabrikam/app/_git/app", "work")
    assert (clone.code, clone.err) == (0, "")


def test_a_locked_gpg_is_one_line_and_never_a_prompt(pass_home: Home, emulator: Emulator, gpg: Store) -> None:
    """Not from get, store or setup, with a terminal or without; only unlock asks."""
    home = pass_home
    assert set_up(home, emulator).code == 0
    gpg.lock()
    result = home.get(*FABRIKAM)
    assert result.lines == ["quit=1"]
    error, hint = result.err.splitlines()
    assert error.startswith("git-credential-azdo: error: the password store is locked")
    assert hint == "git-credential-azdo: hint: git credential-azdo unlock"
    assert "keyring locked" in home.azdo("accounts").out
    assert set_up(home, emulator).code == 1
    with Terminal(home, "token", "--org", "fabrikam", "--show", GPG_TTY="/dev/tty") as terminal:
        assert terminal.ended() == 1
        assert "is locked" in terminal.text
    assert not gpg.asked.exists()
    unlocked = home.azdo("unlock")
    assert (unlocked.code, unlocked.out) == (0, f"{BACKEND} is unlocked and works\n")
    assert gpg.asked.exists()
    assert home.get(*FABRIKAM).fields["username"] == BOB


def test_typed_credentials_of_any_bytes_are_saved(pass_home: Home) -> None:
    """Also what a backend would take for the end of a line."""
    home = pass_home
    assert home.azdo("server", "add", "https://git.example.com", "--vault", "pass").code == 0
    password = new_password().encode() + '\u2028ö\x0b"'.encode() + b"\x85\xff"
    request = b"protocol=https\nhost=git.example.com\n"
    stored = home.azdo("store", given=request + b"username=u\npassword=" + password + b"\n")
    assert (stored.code, stored.err) == (0, "")
    answer = home.azdo("get", given=request)
    assert (answer.out.encode("utf-8", "surrogateescape"), answer.err) == (
        b"username=u\npassword=" + password + b"\n",
        "",
    )
    assert home.azdo("erase", given=request).err == ""
    assert entries(home) == []


def test_a_store_without_a_key_is_found_at_setup(home: Home, emulator: Emulator, gpg: Store) -> None:
    """Before a person makes a token for nothing; the store is not made on the way. Without pass, its page is named."""
    home.environment |= {**gpg.environment, "PASSWORD_STORE_DIR": str(home.folder / "store")}
    result = set_up(home, emulator)
    assert result.code == 1
    assert result.err.startswith("git-credential-azdo: error: no OS keyring named pass works here")
    assert result.err.endswith("hint: pass init GPG_ID\n")
    home.environment["PATH"] = str(BIN)
    assert set_up(home, emulator).err.endswith(f"hint: {hints.PASSWORD_STORE_PAGE}\n")
    assert (blocks(home), emulator.requests) == ([], [])
    assert not (home.folder / "store").exists()


@given(st.text())
def test_any_text_becomes_one_line_and_is_read_back(text: str) -> None:
    """Whatever Python or a backend takes for the end of a line is written otherwise."""
    line = system._to_one_line(text)
    assert len(line.splitlines()) <= 1
    assert system._from_one_line(line) == text


@pytest.mark.parametrize("kept", ["token=x\nreceived_utc=1", "token=x", '"not json', "[1]", ""])
def test_an_entry_that_is_not_folded_is_read_as_it_is(kept: str) -> None:
    """Written by an older version, or by somebody else."""
    assert system._from_one_line(kept) == kept
