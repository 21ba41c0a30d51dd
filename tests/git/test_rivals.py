"""Which other helpers git asks before ours or beside it, and the cure that is named."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from git_credential_azdo.errors import quote
from git_credential_azdo.git import config, helpers
from tests.support.realgit import AZURE, OURS, RealGit, entry

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    "value",
    [
        "azdo",
        "azdo --debug",
        "/usr/bin/git-credential-azdo",
        "/usr/bin/git-credential-azdo --debug",
        '"/opt/my tools/git-credential-azdo"',
        "/opt/my\\ tools/git-credential-azdo",
        "!'/opt/my tools/git-credential-azdo'",
        "!/usr/bin/git-credential-azdo",
        "!AZDO_YIELD=1 git-credential-azdo",
        "!git credential-azdo",
        "!/usr/bin/python3 -m git_credential_azdo",
        "C:/Tools/git-credential-azdo.exe",
        "C:\\Tools\\git-credential-azdo.EXE",
        "!'C:/My Tools/git-credential-azdo.exe'",
    ],
)
def test_every_way_to_name_this_program_is_ours(value: str) -> None:
    """Short name, path, shell command, Windows path, with quotes and arguments."""
    assert config.is_ours(value)


@pytest.mark.parametrize(
    "value",
    [
        "",
        "store",
        "azdo2",
        "azure",
        "manager",
        "git-credential-azdo",  # git would run git-credential-git-credential-azdo
        "/usr/bin/git-credential-azdo-old",
        "/opt/git-credential-azdo/bin/git-credential-manager",
        "/usr/bin/my-git-credential-azdo",
        "!echo",
    ],
)
def test_other_programs_are_not_ours(value: str) -> None:
    """A similar name or a folder of our name is not us."""
    assert not config.is_ours(value)


@pytest.mark.parametrize(
    ("value", "runs"),
    [
        ("store --file x", "git credential-store --file x"),
        ("/usr/bin/helper", "/usr/bin/helper"),
        ("C:/bin/helper.exe", "C:/bin/helper.exe"),
        ("!f() { :; }; f", "f() { :; }; f"),
    ],
)
def test_a_helper_says_what_git_would_run(value: str, runs: str) -> None:
    """A name, an absolute path and a shell command."""
    assert config.Helper(value, entry("credential.helper", value), ours=False).command == runs


def test_all_others_are_named_where_ours_is_missing() -> None:
    """Without us each helper answers first, and none receives anything of ours."""
    found = helpers.others([entry("credential.helper", "store")], AZURE)
    assert [other.helper.value for other in found.before] == ["store"]
    assert found.receiving == []
    assert found.reset is None


def test_those_in_front_and_those_behind_are_distinguished() -> None:
    """The one in front answers before us; both receive what worked."""
    lines = [entry("credential.helper", value) for value in ("store", OURS, "cache")]
    found = helpers.others(lines, AZURE)
    assert [other.helper.value for other in found.before] == ["store"]
    assert [other.helper.value for other in found.receiving] == ["store", "cache"]
    assert found.receiving[0].description == "store, set by credential.helper in /home/me/.gitconfig (global)"
    assert found.receiving[0].hint == "git credential-azdo configure"


def test_an_empty_value_that_shuts_us_out_is_named() -> None:
    """A repository's empty helper takes ours out of the list: said, with its cure."""
    lines = [entry("credential.helper", OURS), entry("credential.helper", "", "local", ".git/config")]
    reset = helpers.others(lines, AZURE).reset
    assert reset is not None
    assert reset.description.startswith(
        "an empty helper, which clears the list before it, set by credential.helper"
    )
    assert reset.hint == "git config --local --unset-all credential.helper " + quote("^$")


@pytest.mark.parametrize(
    ("scope", "origin", "included"),
    [("local", "config", False), ("local", "extra", True), ("worktree", "config.worktree", False)],
)
@pytest.mark.parametrize(
    "value", ["store", "store --file 'a b'", "/opt/a+b/x.y", "!f() { echo password=p; }; f"]
)
def test_the_cure_for_a_repository_s_helper_works_and_tells_no_arguments(
    git: RealGit, tmp_path: Path, scope: str, origin: str, value: str, *, included: bool
) -> None:
    """Running the command that is given, in the repository, takes the other helper away."""
    repo = tmp_path / "repo"
    git.write([(f"credential.{AZURE}.helper", OURS)])
    git.run("init", "-q", str(repo))
    git.run("config", "extensions.worktreeConfig", "true", cwd=repo)
    target = repo / ".git" / origin
    git.run("config", "--file", str(target), "credential.helper", value, cwd=repo)
    git.run("config", "--file", str(target), "--add", "credential.helper", "azdo", cwd=repo)
    if included:
        git.run("config", "include.path", str(target), cwd=repo)
    (other,) = helpers.others(git.entries(repo), AZURE).receiving
    assert other.helper.entry.scope == scope
    assert "password" not in other.description + other.hint
    assert "a b" not in other.description + other.hint
    subprocess.run(other.hint, shell=True, check=True, cwd=repo, env=git.env)  # noqa: S602 - a person pastes it into a shell
    assert helpers.others(git.entries(repo), AZURE) == helpers.Others([], [], None)


def test_a_helper_of_nothing_but_blanks_is_described() -> None:
    """Git takes it for a name; so do we."""
    lines = [entry("credential.helper", value, "local", ".git/config") for value in (OURS, " ")]
    assert [other.helper.value for other in helpers.others(lines, AZURE).receiving] == [" "]


def test_a_helper_of_the_command_line_is_named() -> None:
    """It is in no file, and the cure says where to look."""
    lines = [
        entry("credential.helper", OURS),
        entry("credential.helper", "cache", "command", "command line:"),
    ]
    (other,) = helpers.others(lines, AZURE).receiving
    assert (
        other.description == "cache, set by credential.helper in the environment or the command line of git"
    )
    assert "GIT_CONFIG_COUNT" in other.hint
