"""git's configuration, written: real git, a home of its own, and other helpers that record what they are given."""

from __future__ import annotations

import shutil
import stat
from typing import TYPE_CHECKING

import pytest

from git_credential_azdo.git import config, install
from git_credential_azdo.git.install import Section
from tests.support.git_setup import (
    DEV,
    FOREIGN,
    OWN,
    REMOTES,
    SCRIPT,
    VALUE,
    configure,
    helpers,
    helpers_by_url,
    own,
    plan,
    snapshot,
    undo,
)

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.realgit import RealGit


def test_afterwards_only_ours_is_asked_about_azure_and_others_keep_theirs(furnished: RealGit) -> None:
    """Whatever was there: one helper for Azure's hosts, the same list as before for everyone else.

    The preview leaves every byte alone; after it was applied the next changes nothing.
    """
    before, others = snapshot(furnished), helpers_by_url(furnished, FOREIGN)
    plan(furnished)
    install.plan(str(own(furnished)))
    assert snapshot(furnished) == before
    written = configure(furnished)
    assert written.changes
    assert written.remaining == []
    assert helpers_by_url(furnished, [*REMOTES, *FOREIGN]) == {url: [VALUE] for url in REMOTES} | others
    assert [config.use_http_path(furnished.entries(), url) for url in REMOTES] == [True, True, True, False]
    after = snapshot(furnished)
    again = configure(furnished)
    assert (again.changes, again.is_new, again.lines) == (False, False, [])
    assert snapshot(furnished) == after


def test_keys_a_person_set_for_azure_stay(git: RealGit) -> None:
    """User name, provider and the like are neither moved nor lost."""
    git.write([(f"credential.{DEV}.username", "me"), (f"credential.{DEV}.provider", "generic")])
    configure(git)
    assert git.run("config", f"credential.{DEV}.username").strip() == "me"
    assert git.run("config", f"credential.{DEV}.provider").strip() == "generic"


def test_the_lines_are_those_that_the_preview_shows(git: RealGit) -> None:
    """The preview names the file, the very lines, and who is no longer asked; our file holds the sections."""
    git.write([("credential.helper", "store")])
    file, ours = git.home / ".gitconfig", own(git)
    assert configure(git).lines == [
        f"{file}: adds at its end",
        "  [include]",
        f"    path = {ours}",
        f"so that git asks {SCRIPT} for",
        "  https://dev.azure.com",
        "  https://*.visualstudio.com",
        f"no longer asked for https://dev.azure.com: store, set by credential.helper in {file} (global)",
        f"no longer asked for https://*.visualstudio.com: store, set by credential.helper in {file} (global)",
    ]
    assert file.read_text().splitlines()[-2:] == ["[include]", f"\tpath = {ours}"]
    assert [line for line in ours.read_text().splitlines() if not line.startswith("#")] == [
        '[credential "https://dev.azure.com"]',
        '\thelper = ""',
        f'\thelper = "{VALUE}"',
        "\tuseHttpPath = true",
        '[credential "https://*.visualstudio.com"]',
        '\thelper = ""',
        f'\thelper = "{VALUE}"',
        '[credential "https://contoso.visualstudio.com"]',
        '\thelper = ""',
        f'\thelper = "{VALUE}"',
    ]
    assert stat.S_IMODE(ours.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    "addition", ["[credential]\n\thelper = store\n", f'[credential "{DEV}"]\n\tuseHttpPath = false\n']
)
def test_what_was_added_after_ours_is_overruled_by_the_next_run(git: RealGit, addition: str) -> None:
    """Our line moves to the end again, leaving nothing behind, and undo still gives the bytes back."""
    configure(git)
    file = git.home / ".gitconfig"
    file.write_text(file.read_text() + addition)
    configure(git)
    assert helpers(git, REMOTES[0]) == [VALUE]
    assert config.use_http_path(git.entries(), REMOTES[0])
    assert file.read_text() == f"{addition}[include]\n\tpath = {own(git)}\n"
    undo(git)
    assert file.read_text() == addition


def test_what_was_added_after_ours_and_does_not_concern_us_changes_nothing(git: RealGit) -> None:
    """The line stays where it is."""
    configure(git)
    file = git.home / ".gitconfig"
    text = file.read_text() + '[user]\n\tname = Me\n[credential "https://github.com"]\n\thelper = store\n'
    file.write_text(text)
    assert not configure(git).changes
    assert file.read_text() == text


def test_another_path_or_another_address_is_written_without_touching_a_persons_file(git: RealGit) -> None:
    """After a new installation elsewhere, or with a new organization, only our own file changes."""
    configure(git, "/old/git-credential-azdo")
    before = (git.home / ".gitconfig").read_bytes()
    written = configure(git)
    assert (written.changes, written.is_new) == (False, True)
    assert (git.home / ".gitconfig").read_bytes() == before
    assert "/old/" not in own(git).read_text()
    assert helpers(git, REMOTES[0]) == [VALUE]


def test_our_file_lost_is_made_again(git: RealGit) -> None:
    """The line is there still."""
    configure(git)
    own(git).unlink()
    assert helpers(git, REMOTES[0]) == []
    assert not configure(git).changes
    assert helpers(git, REMOTES[0]) == [VALUE]


def test_a_line_that_a_person_wrote_counts(git: RealGit) -> None:
    """As in a dotfiles repository, for any home."""
    git.write([("include.path", f"~/{OWN}")])
    assert not configure(git).changes
    assert helpers(git, REMOTES[0]) == [VALUE]


def test_the_line_follows_to_a_usual_file_that_came_later(git: RealGit) -> None:
    """Written to the XDG file first: once ~/.gitconfig exists, it is there, and the XDG file is as it was."""
    xdg = git.home / ".config" / "git" / "config"
    xdg.parent.mkdir(parents=True)
    xdg.write_text("[user]\n\tname = Me\n")
    configure(git)
    git.write([("credential.helper", "store")])
    configure(git)
    assert xdg.read_text() == "[user]\n\tname = Me\n"
    assert helpers(git, REMOTES[0]) == [VALUE]
    undo(git)
    assert helpers(git, REMOTES[0]) == ["store"]


def test_the_file_that_the_environment_names_is_the_one(
    git: RealGit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIT_CONFIG_GLOBAL overrules both usual places; made by us, it goes with undo."""
    git.write([("credential.helper", "store")])
    git.env["GIT_CONFIG_GLOBAL"] = str(tmp_path / "elsewhere")
    git.enter(monkeypatch)
    configure(git)
    assert helpers(git, REMOTES[0]) == [VALUE]
    undo(git)
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize("name", ["GIT_CONFIG_SYSTEM", "GIT_CONFIG_GLOBAL"])
def test_a_global_file_that_is_copied_into_a_container_disables_no_helper(
    git: RealGit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """As editors do: the copy, with their own helper in the system file or appended to the copy; ours is not there.

    Where our file is, ours answers.
    """
    configure(git)
    forwarder = "!f() { echo username=forwarded; echo password=from-outside; }; f"
    shutil.copy(git.home / ".gitconfig", tmp_path / "copy")
    git.env["GIT_CONFIG_GLOBAL"] = str(tmp_path / "copy")
    git.enter(monkeypatch)
    git.run("config", "--file", git.env[name], "--replace-all", "credential.helper", forwarder)
    assert helpers(git, REMOTES[0])[0] == VALUE
    own(git).rename(own(git).with_name("elsewhere"))
    for url in (*REMOTES, *FOREIGN):
        assert "password=from-outside" in git.run("credential", "fill", text=f"url={url}\n\n")


def test_a_server_gets_the_helper_and_no_more(git: RealGit) -> None:
    """One section, no useHttpPath; where ours is not for Azure DevOps, others are asked there as before."""
    git.write([("credential.helper", "store")])
    server = "https://tfs.contoso.example:8443/tfs"
    install.apply(install.plan(str(own(git)), [Section(server)], SCRIPT))
    url = server + "/DefaultCollection/App/_git/app"
    assert helpers(git, url) == [VALUE]
    assert not config.use_http_path(git.entries(), url)
    assert helpers(git, "https://tfs.contoso.example:8443/other") == ["store"]
    assert helpers(git, REMOTES[0]) == ["store"]
    undo(git)
    assert helpers(git, url) == ["store"]


def test_many_organizations_are_written_out_for_programs_that_do_not_know_the_asterisk(git: RealGit) -> None:
    """libgit2 and JGit compare hosts as they stand; git's own answer stays the same."""
    names = [f"https://org{number}.visualstudio.com" for number in range(200)]
    many = [Section("https://*.visualstudio.com", also=tuple(names))]
    install.apply(install.plan(str(own(git)), many, SCRIPT))
    for url in names[::50]:
        assert git.run("config", "--get-all", f"credential.{url}.helper").splitlines() == ["", VALUE]
        assert helpers(git, f"{url}/x") == [VALUE]
    assert not install.plan(str(own(git)), many, SCRIPT).changes
