"""What version 0.1.0 wrote into git's configuration is known again, replaced and taken out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from git_credential_azdo.git import config, edit
from git_credential_azdo.git.install import Section
from tests.support.git_setup import (
    DEV,
    FOREIGN,
    REMOTES,
    SCRIPT,
    SECTIONS,
    VALUE,
    configure,
    helpers,
    helpers_by_url,
    undo,
)

if TYPE_CHECKING:
    from tests.support.realgit import RealGit


def as_0_1_0_wrote(*more: Section) -> None:
    """Append what version 0.1.0 wrote to the global file."""
    file = Path(edit.global_file())
    text = file.read_bytes() if file.exists() else b""
    text += b"\n" if text and not text.endswith(b"\n") else b""
    for section in (SECTIONS[0], SECTIONS[1], *more):
        text += f'[credential "{section.url}"]\n\thelper = \n\thelper = {SCRIPT}\n'.encode()
        text += b"\tuseHttpPath = true\n" if section.with_path else b""
    file.write_bytes(text)


def test_what_0_1_0_wrote_is_replaced(furnished: RealGit) -> None:
    """Its lines go, a person's stay; undo then leads to where the person was before us."""

    def answers() -> list[object]:
        entries = furnished.entries()
        asked: list[object] = [config.use_http_path(entries, url) for url in REMOTES]
        return [*asked, *(each[:1] for each in helpers_by_url(furnished, [*REMOTES, *FOREIGN]).values())]

    before, server = answers(), "https://tfs.contoso.example"
    as_0_1_0_wrote(Section(server))
    file = Path(edit.global_file())
    configure(furnished)
    assert SCRIPT not in file.read_text()
    assert helpers(furnished, REMOTES[0]) == [VALUE]
    assert not configure(furnished).changes
    undo(furnished)
    assert answers() == before
    assert server not in file.read_text()


@pytest.mark.parametrize("undone_at_once", [True, False])
def test_what_0_1_0_wrote_goes_to_the_byte(git: RealGit, *, undone_at_once: bool) -> None:
    """Also where a comment stands before it."""
    file = git.home / ".gitconfig"
    before = "[user]\n\tname = Me\n# the end\n"
    file.write_text(before)
    as_0_1_0_wrote()
    if not undone_at_once:
        configure(git)
        assert "[credential" not in file.read_text()
    undo(git)
    assert file.read_text() == before


def test_what_a_person_wrote_as_readme_says_is_not_taken_for_ours(git: RealGit) -> None:
    """By hand: a short name; or a section with more in it than 0.1.0 wrote."""
    text = f'[credential "{DEV}"]\n\thelper = \n\thelper = azdo\n\tuseHttpPath = true\n'
    text += f'[credential "https://*.visualstudio.com"]\n\thelper = \n\thelper = {SCRIPT}\n\tusername = me\n'
    (git.home / ".gitconfig").write_text(text)
    configure(git)
    undo(git)
    assert (git.home / ".gitconfig").read_text() == text


def test_what_a_person_changed_since_is_theirs(git: RealGit) -> None:
    """Ours replaced, another key added to our section: it stays as it is."""
    as_0_1_0_wrote()
    git.run("config", "--global", f"credential.{DEV}.helper", "mine", "git-credential-azdo$")
    git.run("config", "--global", f"credential.{DEV}.username", "me")
    git.run("config", "--global", f"credential.{DEV}.useHttpPath", "false")
    undo(git)
    assert (git.home / ".gitconfig").read_text() == (
        f'[credential "{DEV}"]\n\thelper = \n\thelper = mine\n\tuseHttpPath = false\n\tusername = me\n'
    )


def test_of_two_equal_resets_one_is_taken_out(git: RealGit) -> None:
    """A person's own empty value in a section of that name stays."""
    git.write([(f"credential.{DEV}.helper", ""), (f"credential.{DEV}.helper", "mine")])
    as_0_1_0_wrote()
    undo(git)
    saved = git.run("config", "--global", "-z", "--get-all", f"credential.{DEV}.helper")
    assert saved == "\0mine\0"
