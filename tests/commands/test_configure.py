"""``configure`` and ``unconfigure``: by the installed script and real git, stopped at every step, and where git may not write."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.conftest import SCRIPT, SECONDS
from tests.support.marks import git, posix
from tests.support.realgit import written
from tests.support.running import Begun

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Home

DEV = "https://dev.azure.com"
ACCOUNTS = """version=1
salt=00112233445566778899aabbccddeeff
vault=file

kind=oauth
id=1
name=ann@contoso.com
vault=file
org[]=contoso
org[]=*

kind=learned
organization=fabrikam
tenant=72f988bf-86f1-41af-91ab-2d7cd011db47

kind=binding
target=northwind/app/app
account=1

kind=learned
organization=https://azure.example/litware
tenant=72f988bf-86f1-41af-91ab-2d7cd011db47
"""


def ours(home: Home) -> Path:
    """Return the path of our own file of git's configuration."""
    return home.accounts_file.with_name("gitconfig")


def asked(home: Home, url: str = DEV) -> list[str]:
    """Return which helpers git has in its list for exactly this address."""
    return list(filter(None, home.git("config", "--get-all", f"credential.{url}.helper").lines))


def fake_git(home: Home, text: str) -> dict[str, str]:
    """Put a git in front of the real one; ``$n`` counts its starts; return the PATH that finds it."""
    folder = home.folder.parent / "fake"
    folder.mkdir()
    log = folder / "starts"
    log.write_text("")
    (folder / "git").write_text(
        f'#!/bin/sh\necho "$*" >>{log}\nn=$(grep -c . {log})\n{text}\nexec {shutil.which("git")} "$@"\n'
    )
    (folder / "git").chmod(0o755)
    return {"PATH": f"{folder}{os.pathsep}{home.environment['PATH']}"}


def test_configure_writes_what_the_accounts_file_knows_and_unconfigure_takes_it_back(home: Home) -> None:
    """Every organization that is known, written out; accounts stay as they are."""
    home.write_accounts_file(ACCOUNTS)
    before = home.accounts_file.read_bytes()
    shown = home.azdo("configure", "--dry-run")
    assert (shown.code, (home.folder / ".gitconfig").exists(), ours(home).exists()) == (0, False, False)
    result = home.azdo("configure")
    assert result.code == 0
    assert result.err == f"{shown.err}To undo: git credential-azdo unconfigure\n"
    for name in ("contoso", "fabrikam", "northwind"):
        assert asked(home, f"https://{name}.visualstudio.com") == [written(SCRIPT)]
    assert "litware" not in ours(home).read_text()
    assert "[]" not in ours(home).read_text()
    assert home.azdo("configure").err == "git configuration: already in place\n"
    assert home.azdo("unconfigure").code == 0
    assert sorted(path.name for path in home.folder.iterdir()) == [".config"]
    assert not ours(home).exists()
    assert home.accounts_file.read_bytes() == before


def test_servers_are_configured_with_the_rest_and_go_with_it(file_home: Home) -> None:
    """A server alone brings no section for Azure DevOps; unconfigure takes all, configure brings all back."""
    url = "https://tfs.example.com"
    assert file_home.azdo("server", "add", url).code == 0
    assert (asked(file_home), asked(file_home, url)) == ([], [written(SCRIPT)])
    assert file_home.azdo("configure").err == f"git configuration: updated {ours(file_home)}\n"
    assert file_home.azdo("server", "add", "https://git.example.com").code == 0
    assert (asked(file_home), asked(file_home, "https://git.example.com")) == (
        [written(SCRIPT)],
        [written(SCRIPT)],
    )
    assert file_home.azdo("unconfigure").code == 0
    assert asked(file_home, url) == []
    assert file_home.azdo("server", "list").lines == [url, "https://git.example.com"]
    assert file_home.azdo("configure").code == 0
    assert asked(file_home, url) == [written(SCRIPT)]


def test_unconfigure_names_what_a_person_configured_by_hand(file_home: Home) -> None:
    """git still calls us then; the command as printed ends it."""
    file_home.git("config", "--global", "credential.helper", "azdo")
    assert file_home.azdo("configure").code == 0
    result = file_home.azdo("unconfigure")
    assert "error: git still calls this helper, by credential.helper in " in result.err
    cure = result.err.partition("hint: ")[2]
    assert file_home.run("sh", "-c", cure).code == 0
    assert file_home.git("config", "--global", "credential.helper").out == ""
    assert file_home.azdo("unconfigure").err == "Nothing to undo\n"


def test_another_cloud_gets_its_path(file_home: Home) -> None:
    """The organization stands in it, as on dev.azure.com."""
    assert file_home.azdo("server", "add", "https://dev.azure.example", "--services").code == 0
    path = file_home.git("config", "credential.https://dev.azure.example.useHttpPath")
    assert path.out == "true\n"


def test_what_0_1_0_wrote_is_replaced(file_home: Home) -> None:
    """Its sections leave the global file; what they were for is configured, Azure DevOps by ``server add`` too."""
    server, file = "https://tfs.example.com", file_home.folder / ".gitconfig"
    text = "[user]\n\tname = Ann\n"
    with file_home.accounts_file.open("a") as accounts:
        accounts.write(f"\nkind=server\naddress={server}\n")
    for url in (DEV, "https://*.visualstudio.com", server):
        text += f'[credential "{url}"]\n\thelper = \n\thelper = /old/git-credential-azdo\n'
    file.write_text(text)
    result = file_home.azdo("server", "add", "https://git.example.com")
    assert result.code == 0
    assert f"{file}: removes credential.{DEV}.helper = /old/git-credential-azdo" in result.err
    assert file.read_text() == f"[user]\n\tname = Ann\n[include]\n\tpath = {ours(file_home)}\n"
    for url in (DEV, server, "https://git.example.com"):
        assert asked(file_home, url) == [written(SCRIPT)]
    assert file_home.azdo("unconfigure").code == 0
    assert file.read_text() == "[user]\n\tname = Ann\n"


@posix
@pytest.mark.parametrize(
    ("name", "start", "verb"),
    [
        ("INT", 2, "configure"),
        ("INT", 2, "unconfigure"),
        ("TERM", 2, "configure"),
        ("HUP", 2, "unconfigure"),
        *(("KILL", start, verb) for start in (2, 3) for verb in ("configure", "unconfigure")),
    ],
)
def test_a_signal_while_git_writes_leaves_no_lock_and_nothing_half_done(
    home: Home, name: str, start: int, verb: str
) -> None:
    """To all of our process group, as a terminal sends it: what was begun is finished, then the signal counts.

    After SIGKILL, which waits for nothing, the next run brings everything in order.
    """
    (home.folder / ".gitconfig").write_text("[user]\n\tname = Ann\n# the end\n")
    before = (home.folder / ".gitconfig").read_text()
    if verb == "unconfigure":
        assert home.azdo("configure").code == 0
    # git, in a group of its own, runs before SIGKILL, so that it does not go on beside the next run; else after the
    # signal, so that it could lose.
    first, last = (f'{shutil.which("git")} "$@"; ', "exit; ") if name == "KILL" else ("", "")
    path = fake_git(home, f"[ $n = {start} ] && {{ {first}kill -{name} -$PPID; {last}}}")
    done = subprocess.run(
        [SCRIPT, verb],
        env={**home.environment, **path},
        cwd=home.folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        start_new_session=True,
        timeout=SECONDS,
        check=False,
    )
    number = getattr(signal, f"SIG{name}")
    ended = (130, "") if name == "INT" else (-number, "")
    assert (done.returncode, done.stderr.decode().partition("Traceback")[1]) == ended
    after = f"{before}[include]\n\tpath = {ours(home)}\n" if verb == "configure" else before
    if name == "KILL":
        assert home.azdo(verb).code == 0
    left = "[include]\n" if name == "KILL" else ""  # a header without a line, which has no effect
    assert not (home.folder / ".gitconfig.lock").exists()
    assert (home.folder / ".gitconfig").read_text().removesuffix(left) == after
    assert ours(home).exists() == (verb == "configure")


MOUNTED = ".config/git/config", ".gitconfig"


def mounted(
    home: Home, name: str, script: str, *, writable: bool = False
) -> subprocess.CompletedProcess[str]:
    """Run a shell script in the home while one of its files is a mount of its own, as containers have it."""
    file = home.folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("[user]\n\tname = Ann\n[credential]\n\thelper = store\n")
    only = "" if writable else f"mount -o remount,bind,ro {file} && "
    mount = f"mount --bind {file} {file} && {only}"
    words = ["unshare", *([] if os.geteuid() == 0 else ["-r"]), "-m", "sh", "-c"]
    ready = subprocess.run([*words, f"{mount}true"], capture_output=True, text=True, check=False)
    if ready.returncode:
        pytest.skip(f"no mounts here: {ready.stderr.strip()}")
    return subprocess.run(
        [*words, mount + script],
        env=home.environment,
        cwd=home.folder,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )


@pytest.mark.skipif(shutil.which("unshare") is None, reason="no mount namespaces without unshare")
@pytest.mark.parametrize(("name", "writable"), [(MOUNTED[0], True), (MOUNTED[1], False)])
def test_where_the_global_file_is_a_mount_the_hint_is_a_way_round_it(
    home: Home, name: str, *, writable: bool
) -> None:
    """Run as printed, in the shell where it was printed: git then asks us."""
    script = f"""
        {SCRIPT} configure 2>said; echo $?
        hint=$(sed -n 's/^git-credential-azdo: hint: //p' said)
        PATH={SCRIPT.parent}:$PATH; eval "$hint"
        git config --get-urlmatch credential.helper {DEV}
    """
    done = mounted(home, name, script, writable=writable)
    said = (home.folder / "said").read_text()
    assert f"error: git cannot write {home.folder / name}: Device or resource busy\n" in said
    assert done.stdout.splitlines() == ["1", written(SCRIPT)], (said, done.stderr)
    assert "touch" in said if name == MOUNTED[0] else "export GIT_CONFIG_COUNT=1" in said


@git
def test_several_at_once_leave_one_line(home: Home) -> None:
    """As scripts that set up several accounts do: each waits for its turn, and the later ones find it done."""
    running = [Begun(home, "configure") for _ in range(4)]
    assert [each.ended()[0] for each in running] == [0] * 4
    assert (home.folder / ".gitconfig").read_text() == f"[include]\n\tpath = {ours(home)}\n"
