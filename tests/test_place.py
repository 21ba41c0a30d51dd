"""place.py: our folder is the one that platformdirs names."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import platformdirs
import pytest

from git_credential_azdo.accounts import place

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
    """Whether it is computed here or there."""
    for name in ("HOME", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    assert place.folder() == platformdirs.user_config_dir("git-credential-azdo", appauthor=False)
    assert os.path.isabs(place.folder())


@unix
def test_a_relative_folder_is_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    """The specification asks for that; git runs us in any folder."""
    monkeypatch.setenv("HOME", "/home/jo")
    monkeypatch.setenv("XDG_CONFIG_HOME", "config")

    assert place.folder() == "/home/jo/.config/git-credential-azdo"


@pytest.mark.parametrize("platform", ["win32", "darwin", "android"])
def test_elsewhere_platformdirs_is_asked(platform: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The XDG rule is not that system's."""
    asked = []

    def user_config_dir(name: str, *, appauthor: bool) -> str:
        asked.append((name, appauthor))
        return "the folder"

    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setattr(platformdirs, "user_config_dir", user_config_dir)

    assert place.folder() == "the folder"
    assert asked == [("git-credential-azdo", False)]


def test_everything_lies_in_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And to ask for it touches no file."""
    monkeypatch.setattr(place, "folder", lambda: str(tmp_path / "ours"))

    paths = [place.registry_path(), place.lock_path("4f"), place.vault_folder()]

    assert paths == [
        str(tmp_path / "ours" / name) for name in ("accounts", os.path.join("locks", "4f"), "vault")
    ]
    assert not os.listdir(tmp_path)


@unix
def test_the_usual_cases_load_nothing() -> None:
    """Every ``get`` asks."""
    script = "import sys; from git_credential_azdo.accounts import place; place.folder(); print(*sys.modules)"
    environment = {**os.environ, "HOME": "/home/jo"}

    done = subprocess.run(
        [sys.executable, "-I", "-c", script], env=environment, capture_output=True, text=True, check=True
    )

    assert "git_credential_azdo.accounts.place" in done.stdout.split()
    assert "platformdirs" not in done.stdout.split()
