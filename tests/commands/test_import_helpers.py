"""``import`` with git's other helpers: the real ones where they are installed, and scripts that misbehave.

Which helpers are asked is compared with real git; a repository's are never run, and none sees a token of the
environment.
"""

from __future__ import annotations

import os
import select
from typing import TYPE_CHECKING

import pytest

from git_credential_azdo.errors import AzdoError
from git_credential_azdo.git import helpers
from git_credential_azdo.git.config import Entry, Helper
from tests.conftest import SCRIPT
from tests.emulator.default_world import ANN, BOB
from tests.support.importing import FILE, rows, saved
from tests.support.terminal import Terminal
from tests.support.watch import WATCH, new_password

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Home
    from tests.emulator.emulator import Emulator
URL = "https://dev.azure.com"
OURS = "/home/ann/.local/bin/git-credential-azdo"
REQUEST = (("protocol", "https"), ("host", "dev.azure.com"), ("path", "contoso"))


def script(home: Home, name: str, body: str) -> Path:
    """Return a helper of its own for git: a shell script."""
    path = home.folder / name
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return path


MISBEHAVING = [
    ("echo 'no credential'", "printed something other than a credential"),
    ("printf '\\377\\000'", "printed something other than a credential"),
    ("cat /dev/zero", "printed something other than a credential"),
    ("yes username=ann", "printed something other than a credential"),
    (
        "echo host=evil.test; echo username=ann; echo password=$SECRET",
        "returned a credential for another host",
    ),
    (
        "echo protocol=http; echo username=ann; echo password=$SECRET",
        "returned a credential for another host",
    ),
    ("exit 1", ""),
    ("kill -9 $$", ""),
    ("echo quit=1; echo username=ann; echo password=$SECRET", ""),
    ("echo username=ann; echo password=$SECRET; echo password_expiry_utc=5", ""),
    ("echo username=ann", ""),
    ("echo 'fatal: no' >&2; printf '\\033]0;owned\\007' >&2; exit 255", ""),
]


def test_a_helper_that_misbehaves_costs_one_line_and_the_next_one_is_asked(home: Home, anns_pat: str) -> None:
    """Nothing of what it prints is shown; the next one is asked all the same."""
    names = [str(script(home, f"git-credential-bad{n}", body)) for n, (body, _) in enumerate(MISBEHAVING)]
    lines = "".join(f"\thelper = {name}\n" for name in [*names, "store"])
    (home.folder / ".gitconfig").write_text(f"[credential]\n{lines}")
    (home.folder / ".git-credentials").write_text(f"https://ann:{anns_pat}@dev.azure.com/contoso\n")
    result = home.azdo("import", "--vault", "file", "--dry-run", SECRET=new_password())
    assert (result.code, rows(result)) == (0, [["store", "contoso", ANN, "import"]])
    errors = [line for line in result.err.splitlines() if "error: " in line]
    assert errors == [
        f"git-credential-azdo: error: the credential helper bad{n} {said}"
        for n, (_, said) in enumerate(MISBEHAVING)
        if said
    ]
    assert "\x1b" not in result.err
    assert "owned" not in result.err


def test_a_hostile_user_reaches_neither_the_terminal_nor_the_file_as_it_is(
    home: Home, emulator: Emulator
) -> None:
    """A helper's answer is text of others."""
    pat = emulator.world.new_pat(ANN, ["contoso"], "vso.code")
    body = "printf 'username=a\\033]0;owned\\007\\npassword=%s\\n' \"$SECRET\""
    home.git("config", "--global", "credential.helper", str(script(home, "helper", body)))
    result = home.azdo(*FILE, "--org", "contoso", SECRET=pat)
    assert saved(home) == [(ANN, "contoso")]
    assert "\x1b" not in result.out + result.err + home.accounts_file.read_text()


def test_a_helper_that_hangs_is_ended_with_all_that_it_started(tmp_path: Path) -> None:
    """Its grandchild holds the pipe, and would outlive it."""
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    value = f"!f() {{ sleep 1000 >{fifo} & sleep 1000; }}; f"
    helper = Helper(value, Entry("global", "", "credential.helper", value), ours=False)
    with pytest.raises(AzdoError, match="a shell command did not respond in time"):
        helpers.ask(helper, REQUEST, 1.0)
    poll = select.poll()
    poll.register(reader, select.POLLHUP)  # what the system says when the last writer is gone
    assert poll.poll(20_000)
    os.close(reader)


def test_ctrl_c_ends_import_and_the_helper_that_it_waits_for(home: Home, tmp_path: Path) -> None:
    """At once, not when the helper's time is over."""
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    home.git(
        "config", "--global", "credential.helper", f"!f() {{ exec >{fifo}; echo asked; sleep 1000; }}; f"
    )
    with Terminal(home, "import", "--org", "contoso") as terminal, fifo.open("rb", buffering=0) as reader:
        assert reader.readline() == b"asked\n"
        terminal.type("\x03")
        assert terminal.ended() == 130
        assert reader.read() == b""


def test_what_a_helper_is_given(home: Home, emulator: Emulator, tmp_path: Path) -> None:
    """git's protocol on stdin, and an environment in which it can neither ask nor see a token or our repository."""
    del emulator
    body = f"cat > {tmp_path}/stdin; env > {tmp_path}/env; pwd > {tmp_path}/pwd; echo $1 > {tmp_path}/verb"
    home.git("config", "--global", "credential.helper", str(script(home, "helper", body)))
    home.git("init", "-q", "work")
    home.fork(
        SCRIPT,
        "import",
        "--org",
        "contoso",
        cwd=home.folder / "work",
        GIT_DIR=str(home.folder / "work" / ".git"),
        AZURE_DEVOPS_EXT_PAT=new_password(),
        SYSTEM_ACCESSTOKEN=new_password(),
        GIT_ASKPASS="/bin/false",
        GCM_INTERACTIVE="always",
    )
    assert (tmp_path / "stdin").read_text() == "protocol=https\nhost=dev.azure.com\n"
    assert (tmp_path / "verb").read_text() == "get\n"
    assert (tmp_path / "pwd").read_text() == f"{home.folder}\n"
    data = (tmp_path / "env").read_bytes()
    WATCH.seen("a helper's environment", data)
    environment = dict(line.split("=", 1) for line in data.decode().splitlines() if "=" in line)
    wanted = {"GCM_INTERACTIVE": "never", "GIT_TERMINAL_PROMPT": "0", "GIT_ASKPASS": "", "SSH_ASKPASS": ""}
    assert {name: environment.get(name) for name in wanted} == wanted
    assert "GIT_DIR" not in environment


def test_a_repository_never_chooses_a_program_that_runs(home: Home, emulator: Emulator) -> None:
    """Not by its configuration, its worktree's, its aliases, or a program that lies in it."""
    pat = emulator.world.new_pat(BOB, ["fabrikam"], "vso.code")
    work = home.folder / "work"
    home.git("init", "-q", str(work))
    hostile = script(home, "work/hostile", f"touch {home.folder}/owned")
    script(home, "work/git-azdo-ask", f"touch {home.folder}/owned")
    for scope in ("--local", "--worktree"):
        for key in (
            "credential.helper",
            f"credential.{URL}.helper",
            "alias.azdo-ask",
            "alias.credential-store",
        ):
            home.git("config", scope, key, f"!{hostile}" if "alias" in key else str(hostile), cwd=work)
        home.git("config", scope, "--add", "credential.helper", "!touch ../owned", cwd=work)
        home.git("config", scope, "credential.helper", "", cwd=work)
        home.git("config", "--local", "extensions.worktreeConfig", "true", cwd=work)
    home.git("remote", "add", "origin", "https://dev.azure.com/fabrikam/app/_git/app", cwd=work)
    home.git("config", "--global", "credential.helper", "store")
    (home.folder / ".git-credentials").write_text(f"https://bob:{pat}@dev.azure.com\n")
    result = home.fork(SCRIPT, *FILE, cwd=work)
    assert rows(result) == [["store", "fabrikam", BOB, "import"]]
    assert not (home.folder / "owned").exists()


@pytest.mark.parametrize(
    ("settings", "asked"),
    [
        ("system|osxkeychain", ["osxkeychain"]),
        ("global|manager, local|evil", ["manager"]),
        ("local|, system|manager", ["manager"]),
        ("worktree|evil", []),
        ("command|cache", ["cache"]),
        ("system|a, global|, global|b", ["b"]),
        ("system|a, global URL|, global URL|OURS", ["a"]),
        ("system|a, global|, global|azdo", ["a"]),
        ("global URL|, global URL|OURS, global|, global|/opt/gcm/git-credential-manager", ["manager"]),
        ("system|a, global URL|, global URL|b, global URL|OURS", ["b"]),
        ("global https://github.com|gh", []),
        ("global|!f() { echo password=hunter2; }; f", ["a shell command"]),
        ("global|'C:\\Program Files\\git-credential-manager.exe' --x", ["manager"]),
    ],
)
def test_which_helpers_are_asked(
    settings: str, asked: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Those that git would ask without us, but for a repository's; their arguments are never shown."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    entries = []
    for setting in settings.replace("URL", URL).replace("OURS", OURS).split(", "):
        where, value = setting.split("|")
        scope, _, url = where.partition(" ")
        entries.append(Entry(scope, "/x", f"credential.{url}.helper".replace("..", "."), value))
    entries.append(Entry("global", "/x", f"credential.{URL}.usehttppath", "true"))
    assert [helpers.name_of(helper) for helper in helpers.configured(entries, [URL])] == asked


def test_where_git_keeps_its_lines_is_read_as_git_reads_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Both spellings of --file, by name or by path; other helpers name no file; no password is read."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    (tmp_path / ".config" / "git").mkdir(parents=True)
    for number, path in enumerate((".git-credentials", ".config/git/credentials", "a", "b")):
        (tmp_path / path).write_text(f"https://user{number}:{new_password()}@example.com\n")
    values = (
        f"store --file={tmp_path.as_posix()}/a",
        f"/usr/lib/git-core/git-credential-store --file {tmp_path.as_posix()}/b",
        "cache --file=/c",
        "'",
        "store",
    )
    asked = [Helper(value, Entry("global", "x", "credential.helper", value), ours=False) for value in values]
    found = [message.fields for message in helpers.stored_addresses(asked)]
    assert found == [
        {"protocol": "https", "host": "example.com", "username": f"user{number}"} for number in range(4)
    ]
