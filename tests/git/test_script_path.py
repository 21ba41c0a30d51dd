"""The path of our script: which one it is, and how it is written for git's shell."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from git_credential_azdo.errors import UsageError
from git_credential_azdo.git import config, install
from tests.support.git_setup import DEV, configure
from tests.support.marks import posix
from tests.support.realgit import RealGit, quoted

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    "folder",
    ["plain", "two words", "o'brien", 'say "hi"', "a(b)&c;d", "jürgen", "$HOME", "back\\slash", "#x", "~"],
)
def test_git_runs_our_script_wherever_it_lies_and_no_other_helper_sees_the_token(
    git: RealGit, tmp_path: Path, folder: str
) -> None:
    """Real git asks our script for Azure only; a second helper gets nothing of it, and all of the others."""
    script = tmp_path / folder / "git-credential-azdo"
    other = tmp_path / "other"
    script.parent.mkdir()
    token = "t0ken"
    script.write_text(
        f'#!/bin/sh\ncat >>"$LOG.ours"\necho "ours $1" >>"$LOG"\necho username=me\necho password={token}\n'
    )
    other.write_text(
        '#!/bin/sh\ncat >>"$LOG.other"\necho "other $1" >>"$LOG"\necho username=you\necho password=else\n'
    )
    for path in (script, other):
        path.chmod(0o755)
    helper = f"!{shlex.quote(str(other))}"
    git.system.write_text(f"[credential]\n\thelper = {quoted(helper)}\n")
    git.write([("credential.helper", helper), (f"credential.{DEV}.helper", helper)])
    configure(git, str(script))
    git.log.touch()
    for url in (f"{DEV}/contoso/App/_git/app", "https://github.com/a/b"):
        answer = git.run("credential", "fill", text=f"url={url}\n\n")
        git.run("credential", "approve", text=answer)
        git.run("credential", "reject", text=answer)
    asked = git.log.read_text().splitlines()
    assert asked[:3] == ["ours get", "ours store", "ours erase"]
    assert asked[3:] == ["other get", *["other store"] * 2, *["other erase"] * 2]
    assert token not in (tmp_path / "log.other").read_text()
    assert "path=contoso/App/_git/app" in (tmp_path / "log.ours").read_text()


@pytest.mark.parametrize(
    ("script", "value"),
    [
        (r"C:\Tools\git-credential-azdo.exe", "C:/Tools/git-credential-azdo.exe"),
        (r"C:\My Tools\git-credential-azdo.exe", "!'C:/My Tools/git-credential-azdo.exe'"),
        (r"\\server\share\git-credential-azdo.exe", "//server/share/git-credential-azdo.exe"),
    ],
)
def test_windows_paths_are_written_for_its_shell(script: str, value: str) -> None:
    """Slashes instead of backslashes, quoted where needed."""
    assert install.helper_value(script, windows=True) == value
    assert config.is_ours(value)


@pytest.mark.parametrize(
    "script", ["git-credential-azdo", "bin/git-credential-azdo", "/a\nb/x", "/a\udcff/x"]
)
def test_paths_that_cannot_be_saved_are_refused(script: str) -> None:
    """Relative ones, newlines, and bytes that are no text."""
    with pytest.raises(UsageError):
        install.helper_value(script, windows=False)


@posix
@given(name=st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=8))
def test_the_shell_reads_back_every_path(name: str) -> None:
    """Whatever the folder's name: a POSIX shell sees the very path, as one word."""
    value = install.helper_value(f"/opt/{name}/git-credential-azdo", windows=False)
    assert config.is_ours(value)
    done = subprocess.run(
        ["/bin/sh", "-c", value.removeprefix("!").replace("exec", 'printf "%s|"', 1) + " get"],
        capture_output=True,
        check=True,
    )
    assert done.stdout.decode() == f"/opt/{name}/git-credential-azdo|get|"


def test_the_folder_that_we_are_installed_in_stays_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """PYTHONUSERBASE may be where ``pip install --user`` put us; else no repository is to set it."""
    for folder, is_unset in (("/nowhere", True), (os.path.dirname(install.__file__), False), ("", True)):
        monkeypatch.setenv("PYTHONUSERBASE", folder)
        value = install.helper_value("/opt/git-credential-azdo", windows=False)
        assert ("PYTHONUSERBASE" in value) == is_unset


class TestScriptPath:
    """Which file is written into the configuration."""

    @pytest.fixture
    def bin_folder(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        """Give a folder of installed programs, with an interpreter that runs us."""
        folder = tmp_path / "bin"
        folder.mkdir()
        monkeypatch.setattr(sys, "executable", str(folder / "python"))
        return folder

    @posix
    def test_the_running_script_with_its_links_unresolved(self, bin_folder: Path, tmp_path: Path) -> None:
        """A link of pipx or uv outlives what it points to."""
        (bin_folder / "git-credential-azdo").touch()
        link = tmp_path / "git-credential-azdo"
        link.symlink_to(bin_folder / "git-credential-azdo")
        assert install.script_path(str(link), lambda _name: None) == str(link)

    def test_a_relative_one_is_made_absolute(
        self, bin_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Started as ./bin/git-credential-azdo."""
        (bin_folder / "git-credential-azdo").touch()
        monkeypatch.chdir(tmp_path)
        assert install.script_path("bin/git-credential-azdo", lambda _name: None) == str(
            bin_folder / "git-credential-azdo"
        )

    def test_windows_launcher_without_its_suffix(self, bin_folder: Path) -> None:
        """Its argv[0] lacks the .exe that lies on the disk."""
        (bin_folder / "git-credential-azdo.exe").touch()
        found = install.script_path(str(bin_folder / "git-credential-azdo"), lambda _name: None)
        assert found == str(bin_folder / "git-credential-azdo.exe")

    def test_a_bare_name_is_looked_up(self, bin_folder: Path) -> None:
        """Found on PATH under that name."""
        (bin_folder / "git-credential-azdo").touch()
        found = install.script_path("git-credential-azdo", lambda name: str(bin_folder / name))
        assert found == str(bin_folder / "git-credential-azdo")

    def test_under_python_m_the_one_beside_the_interpreter(self, bin_folder: Path) -> None:
        """Its argv[0] is a file of the package."""
        (bin_folder / "git-credential-azdo").touch()
        found = install.script_path("/lib/git_credential_azdo/__main__.py", lambda _name: "/usr/bin/x")
        assert found == str(bin_folder / "git-credential-azdo")

    @posix
    @pytest.mark.usefixtures("bin_folder")
    def test_else_the_one_on_path_or_none(self) -> None:
        """Nothing beside the interpreter."""
        assert install.script_path("/x/__main__.py", lambda name: f"/usr/bin/{name}") == (
            "/usr/bin/git-credential-azdo"
        )
        assert install.script_path("/x/__main__.py", lambda _name: None) is None
