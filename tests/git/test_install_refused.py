"""Where git's configuration cannot be written, or says otherwise: named, with its cure."""

from __future__ import annotations

import ntpath
import os
import re
import shutil
import stat
import subprocess
from typing import TYPE_CHECKING

import pytest

from git_credential_azdo.errors import UsageError
from git_credential_azdo.git import edit, install
from git_credential_azdo.git.install import Section
from tests.support.git_setup import REMOTES, SCRIPT, VALUE, configure, helpers, own, undo

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.realgit import RealGit


@pytest.mark.parametrize(("scope", "file"), [("local", ".git/config"), ("worktree", ".git/config.worktree")])
def test_what_a_repository_sets_is_named_with_its_cure(
    git: RealGit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scope: str, file: str
) -> None:
    """A helper of the repository cannot be overruled from the global file: the plan names it, still done or not."""
    repo = tmp_path / "repo"
    git.run("init", "-q", str(repo))
    git.run("config", "extensions.worktreeConfig", "true", cwd=repo)
    git.run("config", f"--{scope}", "credential.helper", "store", cwd=repo)
    monkeypatch.chdir(repo)
    for found in (configure(git), configure(git)):
        (other,) = found.remaining
        assert other.description == f"store, set by credential.helper in {file} ({scope})"
        assert other.hint == f"git config --{scope} --unset-all credential.helper '^store'"
    subprocess.run(other.hint, shell=True, check=True)  # noqa: S602 - as a person runs it
    assert configure(git).remaining == []


def test_what_the_environment_sets_is_named(git: RealGit, monkeypatch: pytest.MonkeyPatch) -> None:
    """It overrules every file."""
    git.env |= {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "credential.helper",
        "GIT_CONFIG_VALUE_0": "store",
    }
    git.enter(monkeypatch)
    for found in (configure(git), configure(git)):
        (other,) = found.remaining
        assert (
            other.description
            == "store, set by credential.helper in the environment or the command line of git"
        )
        assert "GIT_CONFIG_COUNT" in other.hint


def test_a_run_that_was_stopped_half_way_is_finished_by_the_next(git: RealGit) -> None:
    """Whatever stands in the section that was to be renamed; undo takes it out, too."""
    git.write([("user.name", "Me")])
    before = (git.home / ".gitconfig").read_bytes()
    git.run("config", "--global", "--add", f"{install._NEW}.path", str(own(git)))
    configure(git)
    assert (git.home / ".gitconfig").read_bytes() == before + f"[include]\n\tpath = {own(git)}\n".encode()
    undo(git)
    git.run("config", "--global", "--add", f"{install._NEW}.path", str(own(git)))
    undo(git)
    assert (git.home / ".gitconfig").read_bytes() == before


def test_a_read_only_file_is_left_alone(git: RealGit) -> None:
    """Git would replace it; the hint makes it writable, and then it works."""
    git.write([("user.name", "Me")])
    (git.home / ".gitconfig").chmod(0o444)
    before = (git.home / ".gitconfig").read_bytes()
    with pytest.raises(UsageError, match=r"\.gitconfig is read-only$") as caught:
        configure(git)
    assert (git.home / ".gitconfig").read_bytes() == before
    assert caught.value.hint is not None
    subprocess.run(caught.value.hint, shell=True, check=True)  # noqa: S602 - as a person runs it
    configure(git)
    (git.home / ".gitconfig").chmod(0o444)
    with pytest.raises(UsageError, match=r"is read-only; the include that remains there has no effect"):
        undo(git)
    assert helpers(git, REMOTES[0]) == []


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(3.5, "3 seconds"), (61, "1 minute"), (7_300, "2 hours"), (86_500, "1 day"), (-50, "0 seconds")],
)
def test_a_lock_that_was_left_behind_is_named_with_its_age(
    git: RealGit, monkeypatch: pytest.MonkeyPatch, seconds: float, words: str
) -> None:
    """And the command that takes it away; behind a link it is the target's."""
    monkeypatch.setattr(edit, "_LOCK_SECONDS", 0.1)
    (git.home / "dot files").mkdir()
    (git.home / ".gitconfig").symlink_to("dot files/config")
    lock = git.home / "dot files" / "config.lock"
    lock.touch()
    at = lock.stat().st_mtime - seconds
    os.utime(lock, (at, at))
    with pytest.raises(UsageError, match=f"another git is writing .*: its lock is {words} old") as caught:
        configure(git)
    assert caught.value.hint == f"rm '{lock}'"
    lock.unlink()
    configure(git)


def test_a_git_that_is_at_work_is_waited_for(
    git: RealGit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its lock is young, and gone at the second try."""
    (git.home / ".gitconfig.lock").touch()
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "git").write_text(
        f'#!/bin/sh\n"{shutil.which("git")}" "$@" && exit\ncode=$?\nrm -f "$HOME/.gitconfig.lock"\nexit $code\n'
    )
    (folder / "git").chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=os.pathsep)
    configure(git)
    assert helpers(git, REMOTES[0]) == [VALUE]


@pytest.mark.parametrize(("by_it", "always"), [(True, False), (True, True), (False, False)])
def test_the_lock_of_a_git_that_was_killed_is_removed(
    git: RealGit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, by_it: bool, always: bool
) -> None:
    """If it made the lock, and not another one before it; one that is killed each time is not run for ever."""
    monkeypatch.setattr(edit, "_LOCK_SECONDS", 0.5)
    lock, once = git.home / ".gitconfig.lock", tmp_path / "once"
    lock.touch()
    os.utime(lock, (1, 1))
    folder = tmp_path / "bin"
    folder.mkdir()
    make = f"rm -f '{lock}'; : >'{lock}'" if by_it else ":"
    kill = f"case $* in *--add*) test -e '{once}' || {{ : >'{once}'; {make}; kill -9 $$; }};; esac"
    kill = kill.replace(f"test -e '{once}' ||", "") if always else kill
    (folder / "git").write_text(f'#!/bin/sh\n{kill}\nexec "{shutil.which("git")}" "$@"\n')
    (folder / "git").chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=os.pathsep)
    if by_it and not always:
        configure(git)
        assert helpers(git, REMOTES[0]) == [VALUE]
    else:
        with pytest.raises(UsageError, match="it was killed" if always else "another git is writing"):
            configure(git)
    assert lock.exists() != by_it


def test_what_is_no_file_is_refused(git: RealGit, monkeypatch: pytest.MonkeyPatch) -> None:
    """GIT_CONFIG_GLOBAL=/dev/null, as automation has it: git, run by root, would put a file in its place."""
    git.env["GIT_CONFIG_GLOBAL"] = os.devnull
    git.enter(monkeypatch)
    with pytest.raises(UsageError, match="is not a regular file") as caught:
        configure(git)
    assert caught.value.hint == "unset GIT_CONFIG_GLOBAL"
    assert stat.S_ISCHR(os.stat(os.devnull).st_mode)


def test_where_the_global_file_cannot_be_written_the_hint_is_a_way_round_it(
    git: RealGit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Here a folder that is not there; the variables overrule every file, and count with those that are set."""
    git.env |= {
        "GIT_CONFIG_GLOBAL": str(tmp_path / "gone" / "config"),
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "user.name",
        "GIT_CONFIG_VALUE_0": "Me",
    }
    git.enter(monkeypatch)
    with pytest.raises(UsageError, match=r"cannot write .*gone/config: No such file or directory$") as caught:
        configure(git)
    words = re.findall(r"(GIT_\w+)=(\S+)", caught.value.hint or "")
    assert caught.value.hint == "export " + " ".join(f"{name}={value}" for name, value in words)
    git.env |= dict(words)
    git.enter(monkeypatch)
    assert helpers(git, REMOTES[0]) == [VALUE]
    assert git.run("config", "user.name") == "Me\n"
    assert not configure(git).changes


@pytest.mark.parametrize(
    ("environment", "file"),
    [
        ({"HOME": "{0}/a", "HOMEDRIVE": "{0}", "HOMEPATH": "/b"}, "{0}/a/.gitconfig"),
        ({"HOMEDRIVE": "{0}", "HOMEPATH": "/b", "USERPROFILE": "{0}/c"}, "{0}/b/.gitconfig"),
        ({"HOMEDRIVE": "{0}", "HOMEPATH": "/none"}, "~/.gitconfig"),
    ],
)
def test_the_home_is_the_one_that_git_for_windows_takes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], file: str
) -> None:
    """HOME, else HOMEDRIVE and HOMEPATH where that is a folder, else the profile."""
    for name in ("HOME", "GIT_CONFIG_GLOBAL", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "b").mkdir()
    for name, value in environment.items():
        monkeypatch.setenv(name, value.format(tmp_path))
    expected = os.path.expanduser(file.format(tmp_path))
    assert os.path.normpath(edit.global_file(windows=True)) == os.path.normpath(expected)
    assert os.path.normpath(edit.expanded("~/.gitconfig", windows=True)) == os.path.normpath(expected)


def test_one_spelling_of_a_path_is_as_good_as_another_on_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Git writes slashes, Python backslashes."""
    monkeypatch.setattr(os.path, "normcase", ntpath.normcase)
    assert edit.is_same("C:/Users/ann/x/gitconfig", r"c:\Users\Ann\x\gitconfig")


def test_a_file_of_ours_that_cannot_be_written_is_said(git: RealGit) -> None:
    """Before anything else is."""
    own(git).parent.parent.mkdir()
    own(git).parent.write_text("")
    with pytest.raises(UsageError, match=r"cannot (read|write) \S+gitconfig: "):
        configure(git)
    assert not (git.home / ".gitconfig").exists()


def test_an_address_that_is_no_url_is_refused(git: RealGit) -> None:
    """Git could not match it, so it is not written."""
    with pytest.raises(UsageError, match="not a URL that git understands"):
        install.plan(str(own(git)), [Section("tfs.contoso.example")], SCRIPT)
