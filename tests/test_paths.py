"""files.py: our folder is the one that platformdirs names."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING, NoReturn

import platformdirs
import platformdirs.windows
import pytest
from platformdirs.macos import MacOS
from platformdirs.windows import Windows

from git_credential_azdo import files
from tests.support.marks import posix

if TYPE_CHECKING:
    from pathlib import Path

unix = pytest.mark.skipif(sys.platform in {"win32", "darwin"}, reason="the XDG rule is for the other systems")

ENVIRONMENTS = [
    {"HOME": "/home/jo"},
    {"HOME": "/home/jo/"},
    {"HOME": "/home/jo//"},
    {"HOME": "/"},
    {"HOME": "//"},
    {"HOME": "/home/zoë a"},
    {"HOME": ""},
    {},
    {"HOME": "/home/jo", "XDG_CONFIG_HOME": "/etc/jo"},
    {"HOME": "/home/jo", "XDG_CONFIG_HOME": "/etc/jo/"},
    {"HOME": "/home/jo", "XDG_CONFIG_HOME": "/"},
    {"HOME": "/home/jo", "XDG_CONFIG_HOME": ""},
    {"XDG_CONFIG_HOME": "/etc/jo"},
    {"HOME": "jo", "XDG_CONFIG_HOME": "/etc/jo"},
]


@unix
@pytest.mark.parametrize("environment", ENVIRONMENTS, ids=str)
def test_the_folder_is_that_of_platformdirs(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the XDG rule, and by the system's list of users where HOME says nothing."""
    for name in ("HOME", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    try:
        expected = platformdirs.user_config_dir("git-credential-azdo", appauthor=False)
    except RuntimeError:  # a user whom the system does not know
        with pytest.raises(files.NoHome):
            files.folder()
        return
    assert files.folder() == expected
    assert os.path.isabs(files.folder())


@unix
def test_a_relative_folder_is_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    """The specification asks for that; git runs us in any folder."""
    monkeypatch.setenv("HOME", "/home/jo")
    monkeypatch.setenv("XDG_CONFIG_HOME", "config")

    assert files.folder() == "/home/jo/.config/git-credential-azdo"


@posix
@pytest.mark.parametrize("variable", [None, "XDG_CONFIG_HOME"])
def test_on_macos_no_variable_moves_the_folder(variable: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """As platformdirs had it there from the beginning; newer ones obey the variable."""
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setenv("HOME", "/Users/jo")
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    expected = MacOS("git-credential-azdo", appauthor=False).user_config_dir
    if variable:
        monkeypatch.setenv(variable, "/elsewhere")

    assert files.folder() == expected == "/Users/jo/Library/Application Support/git-credential-azdo"


@pytest.mark.parametrize(
    "environment", [{"LOCALAPPDATA": "/Users/jo/AppData/Local"}, {"USERPROFILE": "/Users/jo"}], ids=str
)
def test_on_windows_it_is_the_local_application_data(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """By its variable, or where it lies unless it was moved; platformdirs asks the system."""
    monkeypatch.setattr(sys, "platform", "win32")
    for name in ("LOCALAPPDATA", "USERPROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    local = os.path.join("/Users/jo", "AppData", "Local")
    monkeypatch.setattr(platformdirs.windows, "get_win_folder", lambda _name: local)

    expected = Windows("git-credential-azdo", appauthor=False).user_config_dir
    assert os.path.normpath(files.folder()) == expected


@unix
def test_a_user_without_a_home_has_no_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor an accounts file; what needs one says why not."""

    def unknown(_user: int) -> NoReturn:
        raise KeyError

    monkeypatch.setattr("pwd.getpwuid", unknown)
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    for home in (None, "", "relative"):
        monkeypatch.delenv("HOME", raising=False)
        if home is not None:
            monkeypatch.setenv("HOME", home)
        assert files.read_accounts() == b""
        with pytest.raises(files.NoHome, match="HOME is not set") as caught:
            files.accounts_path()
        assert caught.value.hint == "export HOME=FOLDER"


def test_everything_lies_in_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And to ask for it touches no file."""
    monkeypatch.setattr(files, "folder", lambda: str(tmp_path / "ours"))

    found = [files.accounts_path(), files.lock_path("4f"), files.vault_folder()]

    assert found == [
        str(tmp_path / "ours" / name) for name in ("accounts", os.path.join("locks", "4f"), "vault")
    ]
    assert not os.listdir(tmp_path)


@unix
def test_the_usual_cases_load_nothing() -> None:
    """Every ``get`` asks."""
    script = "import sys; from git_credential_azdo import files; files.folder(); print(*sys.modules)"
    environment = {**os.environ, "HOME": "/home/jo"}

    done = subprocess.run(
        [sys.executable, "-I", "-c", script], env=environment, capture_output=True, text=True, check=True
    )

    assert "git_credential_azdo.files" in done.stdout.split()
    assert "platformdirs" not in done.stdout.split()
