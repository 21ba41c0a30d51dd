"""Real git with a home of its own, for the tests of git's configuration; its helpers record that they were asked."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from git_credential_azdo.git import config

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

# Writes P for a path that git passed on, then its own number; only shell built-ins, so that it is quick.
RECORDER = '!while read -r l; do case $l in path=*) echo P;; esac; done >>"$LOG"; echo %d >>"$LOG"; :'

OURS = "/opt/bin/git-credential-azdo"
AZURE = "https://dev.azure.com"


def entry(
    key: str, value: str | None, scope: str = "global", origin: str = "/home/me/.gitconfig"
) -> config.Entry:
    """Write an entry briefly."""
    return config.Entry(scope, origin, key, value)


def need_git() -> None:
    """Skip the test where git is not installed: there is no git.exe for the tests under Wine."""
    if shutil.which("git") is None:
        pytest.skip("git is not installed")


class RealGit:
    """Real git with a home of its own."""

    def __init__(self, folder: Path) -> None:
        need_git()
        self.home = folder / "home"
        self.home.mkdir()
        self.log = folder / "log"
        self.env = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.home),
            "GIT_CONFIG_SYSTEM": str(folder / "system"),
            "GIT_CEILING_DIRECTORIES": str(folder),
            "LOG": str(self.log),
        }
        self.system = folder / "system"
        self.system.touch()

    def enter(self, patch: pytest.MonkeyPatch) -> None:
        """Make its home and its environment those of this process."""
        for name in os.environ:
            if name.startswith(("GIT_", "XDG_")):
                patch.delenv(name)
        for name, value in self.env.items():
            patch.setenv(name, value)
        patch.chdir(self.home)

    def run(self, *arguments: str, text: str = "", cwd: Path | None = None) -> str:
        """Run git and give its output; the test fails if git does."""
        done = subprocess.run(
            ["git", *arguments],
            input=text,
            capture_output=True,
            encoding="utf-8",
            errors="surrogateescape",
            check=True,
            env=self.env,
            cwd=cwd or self.home,
        )
        return done.stdout

    def write(self, lines: Sequence[tuple[str, str | None]], name: str = ".gitconfig") -> None:
        """Write keys and values (None: no ``=``) as a configuration file, each in a section of its own."""
        text = ""
        for key, value in lines:
            section, subsection, variable = config.split_key(key)
            inner = "" if subsection is None else f" {quoted(subsection)}"
            text += f"[{section}{inner}]\n\t{variable}" + ("\n" if value is None else f" = {quoted(value)}\n")
        (self.home / name).write_text(text, encoding="utf-8")

    def entries(self, cwd: Path | None = None) -> list[config.Entry]:
        """Read the configuration with our reader."""
        listed = self.run("config", "--list", "-z", "--show-origin", "--show-scope", cwd=cwd)
        return config.parse_list(listed.encode("utf-8", "surrogateescape"))

    def asked(self, url: str) -> tuple[list[int], bool]:
        """Have git ask all helpers about a URL: their numbers, and whether the path was passed on."""
        self.log.write_text("")
        self.run("credential", "reject", text=f"url={url}\n\n")
        words = self.log.read_text().split()
        return [int(word) for word in words if word != "P"], "P" in words


def written(script: object) -> str:
    """Return how our program stands in git's configuration: no variable leads its Python elsewhere."""
    return f"!unset PYTHONEXECUTABLE PYTHONHOME PYTHONPATH PYTHONPLATLIBDIR PYTHONPYCACHEPREFIX PYTHONUSERBASE; exec {script}"


def quoted(text: str) -> str:
    """Quote as git's configuration files do."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
