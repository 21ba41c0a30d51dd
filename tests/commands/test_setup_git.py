"""What ``setup`` does to git's configuration: shown, written once, taken back; other helpers hear nothing."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.conftest import SCRIPT
from tests.emulator.default_world import BOB
from tests.support.marks import not_root
from tests.support.people import blocks, of_kind
from tests.support.realgit import written
from tests.support.terminal import Terminal

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Home, Result
    from tests.emulator.emulator import Emulator

URL = "https://dev.azure.com/fabrikam/app/_git/app"
LEGACY = "https://fabrikam.visualstudio.com/app/_git/app"
GITHUB = "protocol=https\nhost=github.com\n\n"
RECORDER = '!f() { echo "$1" >>"$HOME/asked"; cat >>"$HOME/asked"; echo username=other; echo password=elsewhere; }; f'


@pytest.fixture
def token(emulator: Emulator) -> str:
    """Return bob's token."""
    return emulator.world.new_pat(BOB, ["fabrikam"])


def setup(home: Home, token: str, *options: str, **environment: str) -> Result:
    """Keep the token."""
    words = ("setup", "--vault", "file", "pat", "--org", "fabrikam", *options)
    return home.azdo(*words, given=token, **environment)


def asked(home: Home) -> str:
    """Return what the other helper was told, and forget it."""
    log = home.folder / "asked"
    text = log.read_text() if log.exists() else ""
    log.unlink(missing_ok=True)
    return text


def test_it_is_shown_written_once_and_taken_back(home: Home, token: str) -> None:
    """Twice is as once, and undoing leaves the file as it was, to the byte."""
    file = home.folder / ".gitconfig"
    before = "# mine\n[user]\n\tname = Ann\n[credential]\n\thelper = store\n"
    file.write_text(before)
    first = setup(home, token)
    ours = home.accounts_file.with_name("gitconfig")
    assert file.read_text() == f"{before}[include]\n\tpath = {ours}\n"
    for line in ("[include]", f"path = {ours}", f"git asks {SCRIPT} for", "https://dev.azure.com"):
        assert line in first.err
    for line in (
        '"https://dev.azure.com"',
        '"https://*.visualstudio.com"',
        '"https://fabrikam.visualstudio.com"',
    ):
        assert f"[credential {line}]" in ours.read_text()
    assert "To undo: git credential-azdo unconfigure\n" in first.err
    written = file.read_text()
    assert "git configuration: already in place" in setup(home, token).err
    assert file.read_text() == written
    undone = home.azdo("unconfigure")
    assert (undone.code, file.read_text(), ours.exists()) == (0, before, False)
    assert undone.err.splitlines()[-1] == "git no longer calls this helper"
    for words in (["unconfigure"], ["setup", "--undo"]):
        assert home.azdo(*words).err == "Nothing to undo\n"
    assert of_kind(home, "pat")


def test_it_can_be_left_alone(home: Home, token: str) -> None:
    """For those who keep their configuration elsewhere."""
    result = setup(home, token, "--no-git-config")
    assert (result.code, "git configuration" in result.err) == (0, False)
    assert not (home.folder / ".gitconfig").exists()


@pytest.mark.parametrize("where", ["system", "global", "global for the host"])
def test_another_helper_neither_answers_for_us_nor_hears_our_token(
    home: Home, token: str, where: str
) -> None:
    """For Azure DevOps it is not asked any more; for everybody else it is asked as before."""
    system = home.folder / "system"
    system.write_text("")
    home.environment.update(GIT_CONFIG_NOSYSTEM="0", GIT_CONFIG_SYSTEM=str(system))
    file = system if where == "system" else home.folder / ".gitconfig"
    key = "credential.https://dev.azure.com.helper" if where == "global for the host" else "credential.helper"
    home.git("config", "--file", file, key, RECORDER)
    preview = setup(home, token).err
    assert "no longer asked for https://dev.azure.com" in preview
    for url in (URL, LEGACY)[: 2 if where == "global" else 1]:
        clone = home.git("clone", "-q", url, home.folder / url[8:12])
        assert clone.code == 0, clone.err
    if where != "global for the host":
        assert asked(home) == ""
        answer = home.git("credential", "fill", given=GITHUB)
        assert answer.fields["password"] == "elsewhere"
        assert asked(home).startswith("get")
    assert token not in asked(home)
    assert home.azdo("unconfigure").code == 0
    home.git("credential", "reject", given=f"url={URL}\n\n")
    assert asked(home).startswith("erase")


def test_what_cannot_be_overruled_is_named_with_its_cure(home: Home, token: str) -> None:
    """A repository's own file is read after the global one."""
    home.git("init", "-q", home.folder)
    home.git("config", "--local", "credential.helper", "store")
    result = setup(home, token)
    assert result.code == 0
    assert "error: store, set by credential.helper in .git/config (local) is also called" in result.err
    assert "hint: git config --local --unset-all credential.helper '^store'\n" in result.err


def test_without_git_the_account_is_saved_and_an_error_says_so(
    home: Home, token: str, tmp_path: Path
) -> None:
    """One line and where git is to be had; a script elsewhere on PATH is enough for us."""
    result = setup(home, token, PATH=str(tmp_path))
    assert result.code == 1
    line = "error: account saved, but git's configuration was not updated: git was not found on PATH"
    assert line in result.err
    assert "hint: https://git-scm.com/downloads" in result.err
    assert of_kind(home, "pat")
    undo = home.azdo("unconfigure", PATH=str(tmp_path))
    assert (undo.code, undo.err) == (0, "Nothing to undo\n")


@not_root
def test_a_file_that_may_not_be_written_is_named(home: Home, token: str) -> None:
    """Some manage their home by a program; the account is kept, and the hint lets git call us all the same."""
    home.folder.joinpath(".gitconfig").write_text("")
    home.accounts_file.parent.mkdir(parents=True, mode=0o700)
    home.folder.chmod(0o500)
    result = setup(home, token)
    home.folder.chmod(0o700)
    assert result.code == 1
    said = "error: account saved, but git's configuration was not updated: git cannot write"
    assert f"{said} {home.folder}/.gitconfig: Permission denied\n" in result.err
    hint = result.err.partition("hint: ")[2]
    done = home.run("sh", "-c", f"{hint}git config --get-urlmatch credential.helper {URL}")
    assert done.lines == [written(SCRIPT)]


def test_a_locked_configuration_is_an_error_with_a_cure(home: Home, token: str) -> None:
    """Another git is writing it, or was stopped when it did."""
    lock = home.folder / ".gitconfig.lock"
    lock.write_text("")
    os.utime(lock, (0, 0))
    result = setup(home, token)
    assert result.code == 1
    line = "error: account saved, but git's configuration was not updated: another git is writing"
    assert line in result.err
    hint = f"rm {lock} && git credential-azdo configure"
    assert f"hint: {hint}\n" in result.err
    assert home.run("sh", "-c", hint).code == 0
    assert str(SCRIPT) in home.git("config", "--get-urlmatch", "credential.helper", URL).out


def test_the_menu_asks_what_the_options_would_say(home: Home, token: str) -> None:
    """No option: how to sign in, which organization, and whether to write git's configuration."""
    home.write_accounts_file("version=1\nsalt=00112233445566778899aabbccddeeff\nvault=file\n")
    with Terminal(home, "setup") as terminal:
        terminal.see("How do you want to sign in")
        terminal.see("Choose")
        terminal.type("2\r")
        terminal.see("Organization .*: ")
        terminal.type("https://dev.azure.com/fabrikam/app\r")
        terminal.see("Personal access token: ")
        terminal.type(f"{token}\r")
        terminal.see("Write this")
        terminal.type("n\r")
        assert terminal.ended() == 0
        assert "git configuration is left as it is" in terminal.text
    assert not (home.folder / ".gitconfig").exists()
    assert [pairs for pairs in blocks(home) if ("org[]", "fabrikam") in pairs]
