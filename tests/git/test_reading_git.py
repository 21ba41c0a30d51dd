"""git's configuration as it is read: booleans, scopes, odd values, and a git that fails."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from git_credential_azdo.errors import UsageError
from git_credential_azdo.git import config
from git_credential_azdo.git.config import Entry
from tests.support.realgit import AZURE, RealGit, entry

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    "value",
    [
        *(None, "", "YES", "on", "1", "0", "2k", "off", "No", "-1", "0x0", "0x1f", "007", "+1", " 1"),
        *("2097151k", "2097152k", "9999999999", "99999999999999999999"),
        *("flase", "1x", "08", "0x", "-", "1 k", "truth"),
    ],
)
def test_booleans_are_read_as_git_reads_them(git: RealGit, value: str | None) -> None:
    """Words, numbers with units, the empty value and the bare key; what git refuses is an error that names it."""
    git.write([("a.b", value)])
    done = subprocess.run(
        ["git", "config", "--type=bool", "a.b"],
        capture_output=True,
        text=True,
        check=False,
        env=git.env,
        cwd=git.home,
    )
    (found,) = git.entries()
    if done.returncode == 0:
        assert config.as_bool(found) is (done.stdout.strip() == "true")
        return
    with pytest.raises(UsageError, match=r"^a\.b in .*/\.gitconfig \(global\) is not a boolean$") as caught:
        config.as_bool(found)
    subprocess.run(caught.value.hint or "", shell=True, check=True, cwd=git.home, env=git.env)  # noqa: S602 - a person pastes it
    assert git.entries() == []


def test_a_file_that_only_git_config_would_read_is_not_read(
    git: RealGit, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIT_CONFIG is for ``git config`` alone: no other command goes by it."""
    git.write([("a.b", "1")])
    git.write([("a.c", "1")], name="other")
    git.env["GIT_CONFIG"] = str(git.home / "other")
    git.enter(monkeypatch)
    assert [found.key for found in config.read_config()] == ["a.b"]


def test_scopes_origins_and_odd_values_are_read(git: RealGit, tmp_path: Path) -> None:
    """System, global, included, local, worktree and command line; no value, empty value, newline, dots in the URL."""
    git.system.write_text("[a]\n\tsystem\n")
    git.write([("credential.https://a.b.c/d.helper", "x"), ("a.two", "one\ntwo"), ("include.path", "more")])
    git.write([("A.Included", "")], name="more")
    git.run("init", "-q", str(tmp_path / "repo"))
    git.run("config", "a.local", "é", cwd=tmp_path / "repo")
    (tmp_path / "repo" / "sub").mkdir()
    git.env |= {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "a.command", "GIT_CONFIG_VALUE_0": "5"}
    home = str(git.home)
    found = [entry for entry in git.entries(tmp_path / "repo" / "sub") if not entry.key.startswith("core.")]
    assert found == [
        Entry("system", str(git.system), "a.system", None),
        Entry("global", f"{home}/.gitconfig", "credential.https://a.b.c/d.helper", "x"),
        Entry("global", f"{home}/.gitconfig", "a.two", "one\ntwo"),
        Entry("global", f"{home}/.gitconfig", "include.path", "more"),
        Entry("global", f"{home}/more", "a.included", ""),
        Entry("local", ".git/config", "a.local", "é"),
        Entry("command", "command line:", "a.command", "5"),
    ]


def test_values_that_are_not_utf_8_survive(git: RealGit) -> None:
    """Bytes of another encoding are kept as they are, not refused."""
    (git.home / ".gitconfig").write_bytes(b"[user]\n\tname = J\xf6rg\n")
    (found,) = git.entries()
    assert found.value is not None
    assert found.value.encode("utf-8", "surrogateescape") == b"J\xf6rg"


@pytest.mark.parametrize(
    "output", [b"local", b"local\0file:.git/config\0credential.helper", b"a\0b\0", b"a\0b\0c\0d\0"]
)
def test_an_answer_of_git_s_that_is_cut_short_is_said(output: bytes) -> None:
    """What is not all there could leave out just the line that counts."""
    with pytest.raises(UsageError, match="git printed only a part of its configuration"):
        config.parse_list(output)


def test_git_that_is_missing_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No git on PATH is one clear error with a page to open."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UsageError, match="git was not found on PATH") as caught:
        config.read_config()
    assert caught.value.hint == "https://git-scm.com/downloads"


def test_a_broken_file_is_named(git: RealGit, monkeypatch: pytest.MonkeyPatch) -> None:
    """Git's own words about the line and the file are passed on."""
    (git.home / ".gitconfig").write_text("[a\n")
    git.enter(monkeypatch)
    with pytest.raises(UsageError, match=r"bad config line 1 in file .*\.gitconfig"):
        config.read_config()


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("echo \"error: unknown option 'show-scope'\" >&2; exit 129", "older than 2.26"),
        ("exit 3", "no reason given"),
        ("exec sleep 60", "git did not respond in time: config"),
    ],
)
def test_a_git_that_fails_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, message: str
) -> None:
    """Too old, failing without a word, or hanging: each ends in bounded time with one line."""
    monkeypatch.setattr(config, "_SECONDS", 0.3 if "sleep" in script else 20)
    fake = tmp_path / "git"
    fake.write_text(f"#!/bin/sh\n{script}\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    with pytest.raises(UsageError, match=message):
        config.read_config()


def test_a_git_that_cannot_be_started_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that is no program is an error, not a traceback."""
    (tmp_path / "git").write_text("#!/nowhere/sh\n")
    (tmp_path / "git").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    with pytest.raises(UsageError, match="git could not be started"):
        config.read_config()


def test_a_key_without_a_value_counts_as_true() -> None:
    """As for every boolean of git."""
    assert config.value_for([entry("http.sslverify", None)], "http.sslVerify", AZURE) == "true"


@pytest.mark.parametrize("url", ["dev.azure.com", "", "https://", "::"])
def test_what_is_no_url_matches_nothing_with_a_url(url: str) -> None:
    """Only helpers without a URL are given for something that is no full URL."""
    lines = [entry("credential.helper", "store"), entry(f"credential.{AZURE}.helper", "cache")]
    assert [helper.value for helper in config.helpers_for(lines, url)] == ["store"]
