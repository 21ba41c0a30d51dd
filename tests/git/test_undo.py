"""What we wrote into git's configuration is taken back, to the byte."""

from __future__ import annotations

import stat

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from git_credential_azdo.git import config
from tests.support.git_setup import (
    DEV,
    FOREIGN,
    OWN,
    REMOTES,
    VALUE,
    configure,
    helpers_by_url,
    own,
    snapshot,
    undo,
)
from tests.support.realgit import RealGit


def test_undo_gives_the_bytes_back(furnished: RealGit) -> None:
    """What was written goes, and the files are as they were, also after a second round.

    But for a missing last newline, which git adds, and the empty header of a second ``include`` behind a comment.
    """
    before = {name: text.rstrip(b"\n") for name, text in snapshot(furnished).items()}
    for _round in range(2):
        configure(furnished)
        assert undo(furnished).stale
        after = {name: text.rstrip(b"\n") for name, text in snapshot(furnished).items()}
        if any(text.startswith(b"[include]") and b"\n#" in text for text in before.values()):
            after = {name: text.removesuffix(b"\n[include]") for name, text in after.items()}
        assert after == before
    assert not undo(furnished).changes


@pytest.mark.parametrize("exists", [True, False])
def test_a_symbolic_link_stays_one(git: RealGit, *, exists: bool) -> None:
    """~/.gitconfig of a dotfiles repository: the file behind the link is written, with its mode."""
    dotfiles = git.home / "dotfiles"
    dotfiles.mkdir()
    if exists:
        (dotfiles / "gitconfig").write_text("[user]\n\tname = Me\n")
        (dotfiles / "gitconfig").chmod(0o600)
    (git.home / ".gitconfig").symlink_to("dotfiles/gitconfig")
    configure(git)
    assert (git.home / ".gitconfig").is_symlink()
    assert OWN in (dotfiles / "gitconfig").read_text()
    if exists:
        assert stat.S_IMODE((dotfiles / "gitconfig").stat().st_mode) == 0o600
    undo(git)
    assert (git.home / ".gitconfig").is_symlink()
    assert (dotfiles / "gitconfig").exists() == exists
    assert sorted(path.name for path in git.home.rglob("*.lock")) == []


def test_a_file_that_grew_since_we_made_it_stays(git: RealGit) -> None:
    """Only an empty one goes with undo."""
    configure(git)
    git.run("config", "--global", "user.name", "Me")
    undo(git)
    assert (git.home / ".gitconfig").read_text() == "[user]\n\tname = Me\n"


def test_what_a_person_took_out_or_put_in_is_no_error_for_undo(git: RealGit) -> None:
    """The line is gone already, or the file, or everything; another key below the same header stays."""
    configure(git)
    git.run("config", "--global", "--unset-all", "include.path")
    assert not undo(git).changes
    assert not own(git).exists()
    configure(git)
    (git.home / ".gitconfig").unlink()
    undo(git)
    configure(git)
    git.run("config", "--global", "--add", "include.path", "mine")
    undo(git)
    assert (git.home / ".gitconfig").read_text() == "[include]\n\tpath = mine\n"


SPOTS = st.sampled_from(
    ["", DEV, DEV + "/", DEV + "/contoso", "https://me@dev.azure.com", "https://*.azure.com", "dev.azure.com", "https://",
     "/contoso", "https://*.visualstudio.com", "https://contoso.visualstudio.com", "https://github.com", "me@"]
)  # fmt: skip
SETTINGS = st.sampled_from(
    [
        ("helper", "store"),
        ("helper", ""),
        ("helper", "azdo"),
        ("useHttpPath", "true"),
        ("useHttpPath", "false"),
    ]
)
LINES = st.lists(
    st.tuples(SPOTS, SETTINGS).map(
        lambda line: (f"credential.{line[0]}.{line[1][0]}".replace("..", "."), line[1][1])
    ),
    max_size=6,
)


@settings(max_examples=10, deadline=None)
@given(lines=LINES)
def test_whatever_is_there_one_run_settles_it_and_undo_gives_it_back(
    tmp_path_factory: pytest.TempPathFactory, lines: list[tuple[str, str | None]]
) -> None:
    """Only ours for Azure, others as before, nothing to do the second time, the same bytes after undo."""
    git = RealGit(tmp_path_factory.mktemp("git"))
    with pytest.MonkeyPatch.context() as patch:
        git.enter(patch)
        git.write(lines)
        before, others = snapshot(git), helpers_by_url(git, FOREIGN)
        configure(git)
        assert helpers_by_url(git, [*REMOTES, *FOREIGN]) == {url: [VALUE] for url in REMOTES} | others
        assert all(config.use_http_path(git.entries(), url) for url in REMOTES[:2])
        assert not configure(git).changes
        undo(git)
        assert snapshot(git) == before
