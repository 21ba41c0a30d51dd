"""git's configuration, written: real git, a home of its own, and other helpers that record what they are given."""

from __future__ import annotations

import ntpath
import os
import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from git_credential_azdo.errors import UsageError
from git_credential_azdo.git import config, edit, former, install, sections
from git_credential_azdo.git.sections import Section
from tests.support.realgit import RealGit, quoted, written

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

DEV = "https://dev.azure.com"
REMOTES = [
    f"{DEV}/contoso/App/_git/app",
    "https://contoso@dev.azure.com/contoso/App/_git/app",
    f"{DEV}:443/",
    "https://contoso.visualstudio.com/App/_git/app",
]
FOREIGN = [
    "https://github.com/a/b",
    "https://gitlab.example/x",
    "http://dev.azure.com/contoso",
    "https://azure.com",
]
GCM = "/usr/local/bin/git-credential-manager"
SCRIPT = "/opt/tools/bin/git-credential-azdo"
VALUE = written(SCRIPT)
SECTIONS = [
    Section(DEV, with_path=True),
    Section("https://*.visualstudio.com", also=("https://contoso.visualstudio.com",)),
]
OWN = ".config/git-credential-azdo/gitconfig"

FILES: dict[str, dict[str, str]] = {
    "no configuration at all": {},
    "an empty file": {".gitconfig": ""},
    "the usual file": {".gitconfig": "[user]\n\tname = Me\n"},
    "a file without a last newline": {".gitconfig": "[user]\n\tname = Me"},
    "only the XDG file": {".config/git/config": "[credential]\n\thelper = store\n"},
    "the XDG file and the usual one": {
        ".config/git/config": "[credential]\n\thelper = store\n",
        ".gitconfig": "[credential]\n\thelper = cache\n",
    },
    "comments and odd layout": {
        ".gitconfig": '# mine\n[user] name = Me ; here\n\n[credential "https://dev.azure.com"] # Azure\n'
        '  helper=manager   ; the old one\n\n# the end\n[alias]\n\tx = "!f() { \\\n\t:; }; f"\n# last word\n'
    },
    "includes before and after": {
        ".gitconfig": "[include]\n\tpath = one.inc\n[user]\n\tname = Me\n[include]\n\tpath = two.inc\n",
        "one.inc": "[credential]\n\thelper = store\n",
        "two.inc": f'[credential "{DEV}"]\n\thelper = cache\n',
    },
    "Git Credential Manager as it configures itself": {
        ".gitconfig": f"[credential]\n\thelper = \n\thelper = {GCM}\n"
        f'[credential "{DEV}"]\n\tuseHttpPath = true\n\tprovider = azure-repos\n'
    },
    "an older section of ours with a reset": {
        ".gitconfig": f'[credential "{DEV}"]\n\thelper = \n\thelper = azdo\n[credential]\n\thelper = store\n'
    },
    "store, cache and osxkeychain everywhere": {
        "../system": "[credential]\n\thelper = osxkeychain\n",
        ".gitconfig": f'[credential "{DEV}"]\n\thelper = cache\n\tusername = me\n[credential]\n\thelper = store\n'
        '[credential "https://*.visualstudio.com"]\n\thelper = cache\n[credential "https://github.com"]\n\thelper = gh\n',
    },
    "other spellings and deeper paths": {
        ".gitconfig": "".join(
            f'[credential "{url}"]\n\thelper = store\n'
            for url in (
                "https://dev.azure.com/",
                "HTTPS://Dev.Azure.com",
                "https://dev.azure.com:443",
                "https://dev.azure.com/contoso",
                "https://contoso@dev.azure.com",
                "https://*.azure.com",
                "https://contoso.visualstudio.com",
                "dev.azure.com",
            )
        )
    },
    "the path switched off": {".gitconfig": f'[credential "{DEV}"]\n\tuseHttpPath = false\n'},
    "the path switched off, on and off": {
        ".gitconfig": f'[credential "{DEV}"]\n\tuseHttpPath = false\n\tuseHttpPath = true\n\tuseHttpPath = no\n'
        f'[credential "{DEV}/contoso"]\n\tuseHttpPath = false\n'
    },
    "blanks and brackets": {
        ".gitconfig": '  [user]  \n\n   name   =   Me [me]  \n\t[alias]\n x = "!echo [include] # no ; comment"\n\n\n'
    },
    "several managers": {
        ".gitconfig": "[credential]\n\thelper = manager\n\thelper = manager-core\n\thelper = manager\n"
        f'[credential "{DEV}"]\n\thelper = manager\n'
    },
    "lines that end as on Windows": {
        ".gitconfig": f'[user]\r\n\tname = Me\r\n[credential "{DEV}"]\r\n\thelper = manager\r\n'
    },
    "a byte order mark": {".gitconfig": "\ufeff[user]\n\tname = Me\n[credential]\n\thelper = manager\n"},
    "an include at the end": {
        ".gitconfig": "[user]\n\tname = Me\n[include]\n\tpath = ~/work.inc\n",
        "work.inc": "[credential]\n\thelper = manager\n",
    },
    "an include at the end, and a comment": {
        ".gitconfig": "[include]\n\tpath = ~/none.inc\n[user]\n\tname = Me\n# [include]\n",
    },
    "comments that look like headers": {
        ".gitconfig": "[include]\n\tpath = ~/none.inc\n[credential]\n\thelper = store\n# [include]\n",
    },
    "only a comment that looks like a header": {".gitconfig": "# [include]\n"},
    "a comment without a last newline": {".gitconfig": "[user]\n\tname = Me\n# the end"},
    "only a comment": {".gitconfig": "; nothing yet\n"},
}


@pytest.fixture
def git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RealGit:
    """Give real git in an empty home, which is this process's."""
    git = RealGit(tmp_path)
    git.enter(monkeypatch)
    return git


@pytest.fixture(params=list(FILES))
def furnished(git: RealGit, request: pytest.FixtureRequest) -> RealGit:
    """Give real git in a home with each of the files above."""
    for name, text in FILES[request.param].items():
        path = git.home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())
    return git


def own(git: RealGit) -> Path:
    """Return the path of our own file."""
    return git.home / OWN


def plan(git: RealGit, script: str = SCRIPT, records: Sequence[former.Record] = ()) -> install.Plan:
    """Preview what is to be written."""
    return install.plan(str(own(git)), SECTIONS, script, records)


def configure(git: RealGit, script: str = SCRIPT, records: Sequence[former.Record] = ()) -> install.Plan:
    """Write it."""
    written = plan(git, script, records)
    install.apply(written)
    return written


def undo(git: RealGit, records: Sequence[former.Record] = ()) -> install.Plan:
    """Take it back."""
    undone = install.plan(str(own(git)), records=records)
    install.apply(undone)
    return undone


def helpers(git: RealGit, url: str) -> list[str]:
    """List what git asks about a URL, by our reader (test_git_config.py proves it equal to git's)."""
    return [helper.value for helper in config.helpers_for(git.entries(), url)]


def snapshot(git: RealGit) -> dict[str, bytes]:
    """Take the bytes of every file in the home."""
    return {str(path): path.read_bytes() for path in sorted(git.home.rglob("*")) if path.is_file()}


def test_afterwards_only_ours_is_asked_about_azure_and_others_keep_theirs(furnished: RealGit) -> None:
    """Whatever was there: one helper for Azure's hosts, the same list as before for everyone else."""
    before = {url: helpers(furnished, url) for url in FOREIGN}
    written = configure(furnished)
    assert written.changes
    assert written.remaining == []
    assert {url: helpers(furnished, url) for url in REMOTES} == {url: [VALUE] for url in REMOTES}
    assert {url: helpers(furnished, url) for url in FOREIGN} == before
    assert [config.use_http_path(furnished.entries(), url) for url in REMOTES] == [True, True, True, False]


def test_a_plan_writes_nothing_and_a_second_one_finds_nothing_to_do(furnished: RealGit) -> None:
    """The preview leaves every byte alone; after it was applied the next changes nothing."""
    before = snapshot(furnished)
    plan(furnished)
    install.plan(str(own(furnished)))
    assert snapshot(furnished) == before
    configure(furnished)
    after = snapshot(furnished)
    again = configure(furnished)
    assert (again.changes, again.is_new, again.lines) == (False, False, [])
    assert snapshot(furnished) == after


def test_undo_gives_the_bytes_back(furnished: RealGit) -> None:
    """What was written goes, and the files are as they were, also after several rounds.

    But for a missing last newline, which git adds, and the empty header of a second ``include`` behind a comment.
    """
    before = {name: text.rstrip(b"\n") for name, text in snapshot(furnished).items()}
    for _round in range(3):
        configure(furnished)
        assert undo(furnished).stale
        after = {name: text.rstrip(b"\n") for name, text in snapshot(furnished).items()}
        if any(text.startswith(b"[include]") and b"\n#" in text for text in before.values()):
            after = {name: text.removesuffix(b"\n[include]") for name, text in after.items()}
        assert after == before
    assert not undo(furnished).changes


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
        f"  path = {ours}",
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


@pytest.mark.parametrize("name", ["GIT_CONFIG_SYSTEM", "GIT_CONFIG_GLOBAL"])
def test_a_global_file_that_is_copied_into_a_container_shuts_nobody_out(
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
    assert edit.global_file(windows=True) == os.path.expanduser(file.format(tmp_path))


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


@pytest.mark.parametrize(
    "folder",
    ["plain", "two words", "o'brien", 'say "hi"', "a(b)&c;d", "jürgen", "$HOME", "back\\slash", "#x", "~"],
)
def test_git_runs_our_script_wherever_it_lies_and_nobody_else_sees_the_token(
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
    git.system.write_text(f"[credential]\n\thelper = {quoted(str(other))}\n")
    git.write([("credential.helper", str(other)), (f"credential.{DEV}.helper", str(other))])
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
    assert sections.helper_value(script, windows=True) == value
    assert config.is_ours(value)


@pytest.mark.parametrize(
    "script", ["git-credential-azdo", "bin/git-credential-azdo", "/a\nb/x", "/a\udcff/x"]
)
def test_paths_that_cannot_be_kept_are_refused(script: str) -> None:
    """Relative ones, newlines, and bytes that are no text."""
    with pytest.raises(UsageError):
        sections.helper_value(script, windows=False)


@given(name=st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=8))
def test_the_shell_reads_back_every_path(name: str) -> None:
    """Whatever the folder's name: a POSIX shell sees the very path, as one word."""
    value = sections.helper_value(f"/opt/{name}/git-credential-azdo", windows=False)
    assert config.is_ours(value)
    done = subprocess.run(
        ["/bin/sh", "-c", value.removeprefix("!").replace("exec", 'printf "%s|"', 1) + " get"],
        capture_output=True,
        check=True,
    )
    assert done.stdout.decode() == f"/opt/{name}/git-credential-azdo|get|"


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
        before, foreign = snapshot(git), [helpers(git, url) for url in FOREIGN]
        configure(git)
        assert [helpers(git, url) for url in REMOTES] == [[VALUE]] * len(REMOTES)
        assert all(config.use_http_path(git.entries(), url) for url in REMOTES[:2])
        assert [helpers(git, url) for url in FOREIGN] == foreign
        assert not configure(git).changes
        undo(git)
        assert snapshot(git) == before


def as_0_1_0_wrote(*more: Section, kind: str = "file") -> list[former.Record]:
    """Append what version 0.1.0 wrote to the global file; return what it remembered."""
    file = Path(edit.global_file())
    text = file.read_bytes() if file.exists() else b""
    text += b"\n" if text and not text.endswith(b"\n") else b""
    records = []
    for group in ([SECTIONS[0], SECTIONS[1]._replace(also=())], *([each] for each in more)):
        pairs = [pair for section in group for pair in sections.pairs(section, SCRIPT)]
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
    assert former.without([*before, "", "ours", *tail], ["", "ours"]) == [*before, *tail]


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
    assert former.without(now, ["", "ours"]) == left


class TestScriptPath:
    """Which file is written into the configuration."""

    @pytest.fixture
    def bin_folder(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        """Give a folder of installed programs, with an interpreter that runs us."""
        folder = tmp_path / "bin"
        folder.mkdir()
        monkeypatch.setattr(sys, "executable", str(folder / "python"))
        return folder

    def test_the_running_script_with_its_links_unresolved(self, bin_folder: Path, tmp_path: Path) -> None:
        """A link of pipx or uv outlives what it points to."""
        (bin_folder / "git-credential-azdo").touch()
        link = tmp_path / "git-credential-azdo"
        link.symlink_to(bin_folder / "git-credential-azdo")
        assert sections.script_path(str(link), lambda _name: None) == str(link)

    def test_a_relative_one_is_made_absolute(
        self, bin_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Started as ./bin/git-credential-azdo."""
        (bin_folder / "git-credential-azdo").touch()
        monkeypatch.chdir(tmp_path)
        assert sections.script_path("bin/git-credential-azdo", lambda _name: None) == str(
            bin_folder / "git-credential-azdo"
        )

    def test_windows_launcher_without_its_suffix(self, bin_folder: Path) -> None:
        """Its argv[0] lacks the .exe that lies on the disk."""
        (bin_folder / "git-credential-azdo.exe").touch()
        found = sections.script_path(str(bin_folder / "git-credential-azdo"), lambda _name: None)
        assert found == str(bin_folder / "git-credential-azdo.exe")

    def test_a_bare_name_is_looked_up(self, bin_folder: Path) -> None:
        """Found on PATH under that name."""
        (bin_folder / "git-credential-azdo").touch()
        found = sections.script_path("git-credential-azdo", lambda name: str(bin_folder / name))
        assert found == str(bin_folder / "git-credential-azdo")

    def test_under_python_m_the_one_beside_the_interpreter(self, bin_folder: Path) -> None:
        """Its argv[0] is a file of the package."""
        (bin_folder / "git-credential-azdo").touch()
        found = sections.script_path("/lib/git_credential_azdo/__main__.py", lambda _name: "/usr/bin/x")
        assert found == str(bin_folder / "git-credential-azdo")

    @pytest.mark.usefixtures("bin_folder")
    def test_else_the_one_on_path_or_none(self) -> None:
        """Nothing beside the interpreter."""
        assert sections.script_path("/x/__main__.py", lambda name: f"/usr/bin/{name}") == (
            "/usr/bin/git-credential-azdo"
        )
        assert sections.script_path("/x/__main__.py", lambda _name: None) is None
