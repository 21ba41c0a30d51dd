"""What version 0.1.0 wrote into git's configuration is known again, replaced and taken out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from git_credential_azdo.git import config, edit
from git_credential_azdo.git.install import Section
from tests.support.git_setup import DEV, FOREIGN, REMOTES, SCRIPT, SECTIONS, VALUE, configure, helpers, undo

if TYPE_CHECKING:
    from tests.support.realgit import RealGit


def as_0_1_0_wrote(*more: Section, kind: str = "file") -> list[edit.Record]:
    """Append what version 0.1.0 wrote to the global file; return what it remembered."""
    file = Path(edit.global_file())
    text = file.read_bytes() if file.exists() else b""
    text += b"\n" if text and not text.endswith(b"\n") else b""
    records = []
    for group in ([SECTIONS[0], SECTIONS[1]._replace(also=())], *([each] for each in more)):
        pairs = [pair for section in group for pair in section.pairs(SCRIPT)]
        records.append(((kind, str(file)), *pairs))
        for section in group:
            text += f'[credential "{section.url}"]\n\thelper = \n\thelper = {SCRIPT}\n'.encode()
            text += b"\tuseHttpPath = true\n" if section.with_path else b""
    file.write_bytes(text)
    return records


def test_what_0_1_0_wrote_is_replaced(furnished: RealGit) -> None:
    """Its lines go, a person's stay; undo then leads to where the person was before us."""

    def answers() -> list[object]:
        entries = furnished.entries()
        asked: list[object] = [config.use_http_path(entries, url) for url in REMOTES]
        return [*asked, *(helpers(furnished, url)[:1] for url in (*REMOTES, *FOREIGN))]

    before, server = answers(), "https://tfs.contoso.example"
    records = as_0_1_0_wrote(Section(server))
    file = Path(edit.global_file())
    configure(furnished, records=records)
    assert SCRIPT not in file.read_text()
    assert helpers(furnished, REMOTES[0]) == [VALUE]
    assert not configure(furnished).changes
    undo(furnished)
    assert answers() == before
    assert server not in file.read_text()


@pytest.mark.parametrize("undone_at_once", [True, False])
def test_what_0_1_0_wrote_goes_to_the_byte_though_it_is_not_remembered(
    git: RealGit, *, undone_at_once: bool
) -> None:
    """After a lost accounts file: sections that hold exactly what it wrote; also where a comment stands before them."""
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


def test_a_file_that_0_1_0_made_goes_with_undo(git: RealGit) -> None:
    """As if it were ours."""
    configure(git, records=as_0_1_0_wrote(kind="new-file"))
    undo(git)
    assert not (git.home / ".gitconfig").exists()


def test_what_0_1_0_wrote_is_taken_out_but_for_what_a_person_changed(git: RealGit) -> None:
    """Ours replaced, another key added to our section: only what is still ours goes."""
    records = as_0_1_0_wrote()
    git.run("config", "--global", f"credential.{DEV}.helper", "mine", "git-credential-azdo$")
    git.run("config", "--global", f"credential.{DEV}.username", "me")
    git.run("config", "--global", f"credential.{DEV}.useHttpPath", "false")
    undo(git, records)
    assert (git.home / ".gitconfig").read_text() == (
        f'[credential "{DEV}"]\n\thelper = \n\thelper = mine\n\tuseHttpPath = false\n\tusername = me\n'
    )


def test_of_two_equal_resets_one_is_taken_out(git: RealGit) -> None:
    """A person's own empty value in a section of that name stays."""
    git.write([(f"credential.{DEV}.helper", ""), (f"credential.{DEV}.helper", "mine")])
    undo(git, as_0_1_0_wrote())
    kept = git.run("config", "--global", "-z", "--get-all", f"credential.{DEV}.helper")
    assert kept == "\0mine\0"


VALUES = st.lists(st.sampled_from(["", "ours", "a", "b"]), max_size=5)


@given(before=VALUES, after=VALUES)
def test_taking_out_what_was_written_leaves_the_rest_in_order(before: list[str], after: list[str]) -> None:
    """The last run of ours goes; what a person had before it and added after it stays."""
    tail = [value for value in after if value != "ours"]
    assert edit.without([*before, "", "ours", *tail], ["", "ours"]) == [*before, *tail]


@pytest.mark.parametrize(
    ("now", "left"),
    [
        ([], []),
        ([""], [""]),
        (["ours"], []),
        (["a", ""], ["a", ""]),
        (["", "a"], ["", "a"]),
        (["", "a", "ours"], ["", "a"]),
        (["ours", "a"], ["a"]),
    ],
)
def test_what_a_person_broke_up_is_taken_out_as_far_as_it_is_ours(now: list[str], left: list[str]) -> None:
    """An empty value with something of theirs behind it has become theirs."""
    assert edit.without(now, ["", "ours"]) == left
