"""git's configuration, written: real git, a home of its own, and other helpers that record what they are given."""

from __future__ import annotations

import os
import stat
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from git_credential_azdo.errors import UsageError
from git_credential_azdo.git import config, config_file, configure
from tests.realgit import RealGit, quoted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

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
}


@pytest.fixture
def git(tmp_path: Path) -> RealGit:
    """Give real git in an empty home."""
    return RealGit(tmp_path)


@pytest.fixture(params=list(FILES))
def furnished(git: RealGit, request: pytest.FixtureRequest) -> RealGit:
    """Give real git in a home with each of the files above."""
    for name, text in FILES[request.param].items():
        path = git.home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return git


def helpers(git: RealGit, url: str) -> list[str]:
    """List what git asks about a URL, by our reader (test_git_config.py proves it equal to git's)."""
    return [helper.value for helper in config.helpers_for(git.entries(), url)]


def snapshot(git: RealGit) -> dict[str, bytes]:
    """Take the bytes of every file in the home."""
    return {str(path): path.read_bytes() for path in sorted(git.home.rglob("*")) if path.is_file()}


def test_afterwards_only_ours_is_asked_about_azure_and_others_keep_theirs(furnished: RealGit) -> None:
    """Whatever was there: one helper for Azure's hosts, the same list as before for everyone else."""
    before = {url: helpers(furnished, url) for url in FOREIGN}
    plan = configure.plan(SCRIPT, git=furnished.ours)
    assert plan.changes
    assert plan.remaining == ()
    configure.apply(plan)
    assert {url: helpers(furnished, url) for url in REMOTES} == {url: [SCRIPT] for url in REMOTES}
    assert {url: helpers(furnished, url) for url in FOREIGN} == before
    assert [config.use_http_path(furnished.entries(), url) for url in REMOTES] == [True, True, True, False]


def test_a_plan_writes_nothing_and_a_second_one_finds_nothing_to_do(furnished: RealGit) -> None:
    """The preview leaves every byte alone; after it was applied the next changes nothing, record kept or lost."""
    before = snapshot(furnished)
    plan = configure.plan(SCRIPT, git=furnished.ours)
    assert snapshot(furnished) == before
    record = configure.apply(plan)
    after = snapshot(furnished)
    for known in (record, ()):
        again = configure.plan(SCRIPT, record=known, git=furnished.ours)
        assert not again.changes
        assert configure.apply(again)[1:3] == record[1:3]
    assert snapshot(furnished) == after


def test_undo_gives_the_bytes_back(furnished: RealGit) -> None:
    """What setup wrote goes, and the files are as they were (a missing last newline is git's to add)."""
    before = snapshot(furnished)
    record = configure.apply(configure.plan(SCRIPT, git=furnished.ours))
    assert configure.undo(record, git=furnished.ours) == ()
    expected = {name: text + b"\n" if text and text[-1:] != b"\n" else text for name, text in before.items()}
    assert snapshot(furnished) == expected
    configure.undo(record, git=furnished.ours)  # a second time finds nothing of ours
    assert snapshot(furnished) == expected


def test_keys_a_person_set_for_azure_stay(git: RealGit) -> None:
    """User name, provider and the like are neither moved nor lost."""
    git.write([(f"credential.{DEV}.username", "me"), (f"credential.{DEV}.provider", "generic")])
    configure.apply(configure.plan(SCRIPT, git=git.ours))
    assert git.run("config", f"credential.{DEV}.username").strip() == "me"
    assert git.run("config", f"credential.{DEV}.provider").strip() == "generic"


def test_the_lines_are_those_that_the_preview_shows(git: RealGit) -> None:
    """The preview names the file, the very lines, and who is no longer asked."""
    git.write([("credential.helper", "store")])
    plan = configure.plan(SCRIPT, git=git.ours)
    block = [
        '[credential "https://dev.azure.com"]',
        "\thelper = ",
        f"\thelper = {SCRIPT}",
        "\tuseHttpPath = true",
        '[credential "https://*.visualstudio.com"]',
        "\thelper = ",
        f"\thelper = {SCRIPT}",
    ]
    file = git.home / ".gitconfig"
    assert plan.lines == (
        f"{file}: adds at the end",
        *block,
        f"no longer asked for https://dev.azure.com: store, set by credential.helper in {file} (global)",
        f"no longer asked for https://*.visualstudio.com: store, set by credential.helper in {file} (global)",
    )
    configure.apply(plan)
    assert file.read_text().splitlines()[-len(block) :] == block


def test_a_helper_added_after_ours_is_overruled_by_the_next_setup(git: RealGit) -> None:
    """Ours move to the end again, leaving nothing behind, and undo still gives the bytes back."""
    record = configure.apply(configure.plan(SCRIPT, git=git.ours))
    file = git.home / ".gitconfig"
    addition = "[credential]\n\thelper = store\n"
    file.write_text(file.read_text() + addition)
    assert helpers(git, REMOTES[0]) == [SCRIPT, "store"]
    record = configure.apply(configure.plan(SCRIPT, record=record, git=git.ours))
    assert helpers(git, REMOTES[0]) == [SCRIPT]
    assert file.read_text().count(SCRIPT) == 2
    configure.undo(record, git=git.ours)
    assert file.read_text() == addition


def test_another_path_of_ours_replaces_the_old_one(git: RealGit) -> None:
    """After a new installation elsewhere only the new path is there."""
    record = configure.apply(configure.plan("/old/git-credential-azdo", git=git.ours))
    configure.apply(configure.plan(SCRIPT, record=record, git=git.ours))
    assert "/old/" not in (git.home / ".gitconfig").read_text()
    assert helpers(git, REMOTES[0]) == [SCRIPT]


def test_the_lines_follow_to_a_usual_file_that_came_later(git: RealGit) -> None:
    """Written to the XDG file first: once ~/.gitconfig exists, they are there, and the XDG file is as it was."""
    xdg = git.home / ".config" / "git" / "config"
    xdg.parent.mkdir(parents=True)
    xdg.write_text("[user]\n\tname = Me\n")
    record = configure.apply(configure.plan(SCRIPT, git=git.ours))
    git.write([("credential.helper", "store")])
    record = configure.apply(configure.plan(SCRIPT, record=record, git=git.ours))
    assert xdg.read_text() == "[user]\n\tname = Me\n"
    assert helpers(git, REMOTES[0]) == [SCRIPT]
    configure.undo(record, git=git.ours)
    assert helpers(git, REMOTES[0]) == ["store"]


def test_the_file_that_the_environment_names_is_the_one(git: RealGit, tmp_path: Path) -> None:
    """GIT_CONFIG_GLOBAL overrules both usual places."""
    git.write([("credential.helper", "store")])
    git.env["GIT_CONFIG_GLOBAL"] = str(tmp_path / "elsewhere")
    record = configure.apply(configure.plan(SCRIPT, git=git.ours))
    assert record[0] == ("new-file", str(tmp_path / "elsewhere"))
    assert helpers(git, REMOTES[0]) == [SCRIPT]
    configure.undo(record, git=git.ours)
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
    record = configure.apply(configure.plan(SCRIPT, git=git.ours))
    assert (git.home / ".gitconfig").is_symlink()
    assert SCRIPT in (dotfiles / "gitconfig").read_text()
    if exists:
        assert stat.S_IMODE((dotfiles / "gitconfig").stat().st_mode) == 0o600
    configure.undo(record, git=git.ours)
    assert (git.home / ".gitconfig").is_symlink()
    assert sorted(path.name for path in git.home.rglob("*.lock")) == []


def test_a_read_only_file_is_left_alone_and_the_lines_are_given(git: RealGit) -> None:
    """The error's hint holds the lines to add by hand, and undo's those to take out."""
    file = git.home / ".gitconfig"
    git.write([("user.name", "Me")])
    file.chmod(0o444)
    with pytest.raises(UsageError, match="it is read-only") as caught:
        configure.apply(configure.plan(SCRIPT, git=git.ours))
    assert caught.value.hint is not None
    assert caught.value.hint.startswith("add these lines at its end:\n[credential")
    text = file.read_text()
    file.chmod(0o644)
    file.write_text(text + caught.value.hint.partition("\n")[2])
    assert helpers(git, REMOTES[0]) == [SCRIPT]
    record = configure.apply(configure.plan(SCRIPT, git=git.ours))
    file.chmod(0o444)
    with pytest.raises(UsageError, match="it is read-only") as caught:
        configure.undo(record, git=git.ours)
    assert caught.value.hint is not None
    assert f"takes out credential.{DEV}.helper = {SCRIPT}" in caught.value.hint


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda file: file.with_name(".gitconfig.lock").touch(), "another git is writing"),
        (lambda file: file.write_text("[user]\n"), "has changed meanwhile"),
        (lambda file: (file.unlink(), file.mkdir()), "not a file that can be edited"),
        (lambda file: file.unlink(), "cannot be written"),
    ],
)
def test_what_happens_between_preview_and_writing_is_noticed(
    git: RealGit, spoil: Callable[[Path], object], message: str
) -> None:
    """A lock of another git, an edit, a removal: nothing is written over it."""
    git.write([("user.name", "Me")])
    plan = configure.plan(SCRIPT, git=git.ours)
    spoil(git.home / ".gitconfig")
    before = snapshot(git)
    with pytest.raises(UsageError, match=message):
        configure.apply(plan)
    assert snapshot(git) == before


def test_what_is_no_file_is_refused(git: RealGit) -> None:
    """GIT_CONFIG_GLOBAL=/dev/null, as automation has it, is not replaced by a file."""
    git.env["GIT_CONFIG_GLOBAL"] = os.devnull
    with pytest.raises(UsageError, match="not a file that can be edited") as caught:
        configure.plan(SCRIPT, git=git.ours)
    assert caught.value.hint == "unset GIT_CONFIG_GLOBAL"


def test_a_folder_that_does_not_exist_is_said(git: RealGit, tmp_path: Path) -> None:
    """A GIT_CONFIG_GLOBAL in a missing folder: the error names the file, the hint holds the lines."""
    git.env["GIT_CONFIG_GLOBAL"] = str(tmp_path / "gone" / "config")
    with pytest.raises(UsageError, match=r"gone/config cannot be written: No such file") as caught:
        configure.apply(configure.plan(SCRIPT, git=git.ours))
    assert caught.value.hint is not None
    assert SCRIPT in caught.value.hint


def test_ctrl_c_while_writing_leaves_the_old_file_and_no_lock(
    git: RealGit, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The step that counts is one rename; before it nothing has happened."""
    git.write([("user.name", "Me")])
    before = snapshot(git)
    plan = configure.plan(SCRIPT, git=git.ours)

    def interrupted(_source: str, _target: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        configure.apply(plan)
    assert snapshot(git) == before


def test_the_copy_that_is_edited_can_be_read_by_nobody_else_and_is_gone_afterwards(
    git: RealGit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Configuration may hold secrets: the copy lies in a private folder."""
    modes = []
    edit = config_file.Git.edit

    def watched(self: config_file.Git, file: str, *arguments: str) -> str:
        modes.append(stat.S_IMODE(os.stat(os.path.dirname(file)).st_mode))
        return edit(self, file, *arguments)

    monkeypatch.setattr(config_file.Git, "edit", watched)
    (tmp_path / "scratch").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "scratch"))
    configure.plan(SCRIPT, git=git.ours)
    assert set(modes) == {0o700}
    assert list((tmp_path / "scratch").iterdir()) == []


def test_what_a_repository_sets_is_named_with_its_cure(git: RealGit, tmp_path: Path) -> None:
    """A helper of the repository cannot be overruled from the global file: the plan names it, still done or not."""
    repo = tmp_path / "repo"
    git.run("init", "-q", str(repo))
    git.run("config", "credential.helper", "store", cwd=repo)
    here = git.ours._replace(cwd=str(repo))
    plan = configure.plan(SCRIPT, git=here)
    configure.apply(plan)
    for found in (plan, configure.plan(SCRIPT, git=here)):
        (other,) = found.remaining
        assert other.said == "store, set by credential.helper in .git/config (local)"
        assert other.cure == "git config --local --unset-all credential.helper '^store'"


def test_undo_leaves_what_a_person_changed_in_between(git: RealGit) -> None:
    """Ours replaced, another key added to our section: only what is still ours goes."""
    record = configure.apply(configure.plan(SCRIPT, git=git.ours))
    git.run("config", "--global", "--fixed-value", f"credential.{DEV}.helper", "mine", SCRIPT)
    git.run("config", "--global", f"credential.{DEV}.username", "me")
    git.run("config", "--global", f"credential.{DEV}.useHttpPath", "false")
    configure.undo(record, git=git.ours)
    assert (git.home / ".gitconfig").read_text() == (
        f'[credential "{DEV}"]\n\thelper = \n\thelper = mine\n\tuseHttpPath = false\n\tusername = me\n'
    )
    configure.undo(record, git=git.ours)
    assert helpers(git, REMOTES[0]) == ["mine"]


def test_undo_takes_one_of_two_equal_resets(git: RealGit) -> None:
    """A person's own empty value in a section of that name stays when our lines are no longer as we wrote them."""
    git.write([(f"credential.{DEV}.helper", ""), (f"credential.{DEV}.helper", "mine")])
    record = configure.apply(configure.plan(SCRIPT, git=git.ours))
    git.run("config", "--global", f"credential.{DEV}.username", "me")
    configure.undo(record, git=git.ours)
    kept = git.run("config", "--global", "-z", "--get-all", f"credential.{DEV}.helper")
    assert kept == "\0mine\0"
    assert git.run("config", f"credential.{DEV}.username").strip() == "me"


def test_a_file_that_may_not_be_read_is_said(git: RealGit, monkeypatch: pytest.MonkeyPatch) -> None:
    """One line with its name and the reason."""

    def denied(_path: str) -> bytes:
        raise PermissionError(13, "Permission denied")

    git.write([("user.name", "Me")])
    monkeypatch.setattr(config_file, "_bytes", denied)
    with pytest.raises(UsageError, match=r"\.gitconfig cannot be read: Permission denied"):
        configure.plan(SCRIPT, git=git.ours)


def test_undo_without_the_file_or_without_a_record_does_nothing(git: RealGit) -> None:
    """Both are fine: there is nothing of ours."""
    record = configure.apply(configure.plan(SCRIPT, git=git.ours))
    (git.home / ".gitconfig").unlink()
    assert configure.undo(record, git=git.ours) == ()
    assert configure.undo((), git=git.ours) == ()
    assert snapshot(git) == {}


def test_a_server_of_ones_own_gets_the_helper_and_no_more(git: RealGit) -> None:
    """``server add``: one section, no useHttpPath; undo takes it back and leaves Azure's alone."""
    git.write([("credential.helper", "store")])
    services = configure.apply(configure.plan(SCRIPT, git=git.ours))
    server = "https://tfs.contoso.example:8443/tfs"
    record = configure.apply(configure.plan_server(server + "/", SCRIPT, git=git.ours))
    url = server + "/DefaultCollection/App/_git/app"
    assert helpers(git, url) == [SCRIPT]
    assert not config.use_http_path(git.entries(), url)
    assert helpers(git, "https://tfs.contoso.example:8443/other") == ["store"]
    assert not configure.plan_server(server, SCRIPT, record=record, git=git.ours).changes
    configure.undo(record, git=git.ours)
    assert helpers(git, url) == ["store"]
    assert not configure.plan(SCRIPT, record=services, git=git.ours).changes


def test_a_server_that_is_no_url_is_refused(git: RealGit) -> None:
    """Git could not match it, so it is not written."""
    with pytest.raises(UsageError, match="git would not understand"):
        configure.plan_server("tfs.contoso.example", SCRIPT, git=git.ours)


def test_an_error_of_git_while_editing_is_passed_on(git: RealGit, tmp_path: Path) -> None:
    """Git's last line stands in the message."""
    (tmp_path / "broken").write_text("[a\n")
    with pytest.raises(UsageError, match=r"git cannot edit its configuration: .*the global file"):
        git.ours.edit(str(tmp_path / "broken"), "--add", "x.y", "1")


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
    configure.apply(configure.plan(str(script), git=git.ours))
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
    assert configure.helper_value(script, windows=True) == value
    assert config.is_ours(value)


@pytest.mark.parametrize(
    "script", ["git-credential-azdo", "bin/git-credential-azdo", "/a\nb/x", "/a\udcff/x"]
)
def test_paths_that_cannot_be_kept_are_refused(script: str) -> None:
    """Relative ones, newlines, and bytes that are no text."""
    with pytest.raises(UsageError):
        configure.helper_value(script, windows=False)


@given(name=st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=8))
def test_the_shell_reads_back_every_path(name: str) -> None:
    """Whatever the folder's name: a POSIX shell sees the very path, as one word."""
    value = configure.helper_value(f"/opt/{name}/git-credential-azdo", windows=False)
    assert config.is_ours(value)
    done = subprocess.run(
        ["/bin/sh", "-c", f'set -- {value.removeprefix("!")} get; printf "%s|" "$@"'],
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
        ("helper", SCRIPT),
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
def test_whatever_is_there_setup_settles_it_and_undo_gives_it_back(
    tmp_path_factory: pytest.TempPathFactory, lines: list[tuple[str, str | None]]
) -> None:
    """Only ours for Azure, others as before, nothing to do the second time, the same bytes after undo."""
    git = RealGit(tmp_path_factory.mktemp("git"))
    git.write(lines)
    before, foreign = snapshot(git), [helpers(git, url) for url in FOREIGN]
    plan = configure.plan(SCRIPT, git=git.ours)
    record = configure.apply(plan)
    assert [helpers(git, url) for url in REMOTES] == [[SCRIPT]] * len(REMOTES)
    assert all(config.use_http_path(git.entries(), url) for url in REMOTES[:2])
    assert [helpers(git, url) for url in FOREIGN] == foreign
    assert not configure.plan(SCRIPT, git=git.ours).changes
    times = 1 if any(value == SCRIPT for _key, value in lines) else 2  # a second time, those would go
    for _time in range(times if plan.changes else 0):
        configure.undo(record, git=git.ours)
        assert snapshot(git) == before


VALUES = st.lists(st.sampled_from(["", "ours", "a", "b"]), max_size=5)


@given(before=VALUES, after=VALUES)
def test_taking_out_what_was_written_leaves_the_rest_in_order(before: list[str], after: list[str]) -> None:
    """The last run of ours goes; what a person had before it and added after it stays."""
    tail = [value for value in after if value != "ours"]
    assert config_file.without([*before, "", "ours", *tail], ["", "ours"]) == [*before, *tail]


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
    assert config_file.without(now, ["", "ours"]) == left


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
        assert configure.script_path(str(link), lambda _name: None) == str(link)

    def test_a_relative_one_is_made_absolute(
        self, bin_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Started as ./bin/git-credential-azdo."""
        (bin_folder / "git-credential-azdo").touch()
        monkeypatch.chdir(tmp_path)
        assert configure.script_path("bin/git-credential-azdo", lambda _name: None) == str(
            bin_folder / "git-credential-azdo"
        )

    def test_windows_launcher_without_its_suffix(self, bin_folder: Path) -> None:
        """Its argv[0] lacks the .exe that lies on the disk."""
        (bin_folder / "git-credential-azdo.exe").touch()
        found = configure.script_path(str(bin_folder / "git-credential-azdo"), lambda _name: None)
        assert found == str(bin_folder / "git-credential-azdo.exe")

    def test_a_bare_name_is_looked_up(self, bin_folder: Path) -> None:
        """Found on PATH under that name."""
        (bin_folder / "git-credential-azdo").touch()
        found = configure.script_path("git-credential-azdo", lambda name: str(bin_folder / name))
        assert found == str(bin_folder / "git-credential-azdo")

    def test_under_python_m_the_one_beside_the_interpreter(self, bin_folder: Path) -> None:
        """Its argv[0] is a file of the package."""
        (bin_folder / "git-credential-azdo").touch()
        found = configure.script_path("/lib/git_credential_azdo/__main__.py", lambda _name: "/usr/bin/x")
        assert found == str(bin_folder / "git-credential-azdo")

    @pytest.mark.usefixtures("bin_folder")
    def test_else_the_one_on_path_or_none(self) -> None:
        """Nothing beside the interpreter."""
        assert configure.script_path("/x/__main__.py", lambda name: f"/usr/bin/{name}") == (
            "/usr/bin/git-credential-azdo"
        )
        assert configure.script_path("/x/__main__.py", lambda _name: None) is None
