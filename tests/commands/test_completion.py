"""``completion``: the real shells complete verbs, options, accounts and organizations, also behind ``git``."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.conftest import SCRIPT
from tests.emulator.default_world import ANN
from tests.support.people import sign_in
from tests.support.terminal import Terminal

if TYPE_CHECKING:
    from tests.conftest import Home
    from tests.emulator.emulator import Emulator

BASH_COMPLETION = Path("/usr/share/bash-completion")
ROWS = [
    (["git-credential-azdo", "unco"], "unconfigure"),
    (["git-credential-azdo", "setup", "pat", "--all"], "--all-orgs"),
    (["git-credential-azdo", "token", "--org", "con"], "contoso"),
    (["git", "credential-azdo", "unco"], "unconfigure"),
    (["git", "-C", "/", "credential-azdo", "logout", "wo"], "work"),
]
"""bash completes them all; the other shells those that differ in what the shell does, not in what the program prints."""
SHELLS = [ROWS[1], ROWS[4]]


@pytest.fixture
def home(home: Home, emulator: Emulator) -> Home:
    """Return a home with an account ``work`` for contoso."""
    sign_in(home, emulator.world, ANN, "contoso", fields={"alias": "work"})
    return home


def script(home: Home, shell: str) -> Path:
    """Return the file of a shell's completion script; skip the test where the shell is missing."""
    if shutil.which(shell) is None:
        pytest.skip(f"program missing: {shell}")
    result = home.azdo("completion", shell)
    assert (result.code, result.err) == (0, "")
    path = home.folder / f"completion.{shell}"
    path.write_text(result.out)
    return path


def test_bash_completes(home: Home) -> None:
    """Through git's own completion where git is typed first."""
    given = script(home, "bash")
    if not (BASH_COMPLETION / "completions" / "git").exists():
        pytest.skip("Debian package missing: bash-completion")
    tried = """
        source "$1/bash_completion"; source "$1/completions/git"; source "$2"; shift 2
        for COMP_LINE; do
            COMP_WORDS=($COMP_LINE) COMP_CWORD=$((${#COMP_WORDS[@]} - 1)) COMP_POINT=${#COMP_LINE} COMPREPLY=()
            case $COMP_LINE in
                "git "*) __git_wrap__git_main;;
                *) _git_credential_azdo_completion "$COMP_WORDS";;
            esac
            echo "${COMPREPLY[@]}"
        done
    """
    lines = [" ".join(words) for words, _ in ROWS]
    result = home.run("bash", "-c", tried, "bash", BASH_COMPLETION, given, *lines)
    assert ([line.strip() for line in result.lines], result.err) == ([completed for _, completed in ROWS], "")


def test_fish_completes(home: Home) -> None:
    """As fish itself would, for a whole command line."""
    given = script(home, "fish")
    tried = 'source "$argv[1]"; for line in $argv[2..-1]; complete -C "$line"; end'
    result = home.run("fish", "-c", tried, given, *(" ".join(words) for words, _ in SHELLS))
    assert [line.split("\t")[0] for line in result.lines] == [completed for _, completed in SHELLS], result


class _Zsh(Terminal):
    program = "zsh"


def test_zsh_completes(home: Home) -> None:
    """On a terminal, by the tabulator key."""
    given = script(home, "zsh")
    with _Zsh(home, "-f", "-i", TERM="dumb") as shell:
        shell.type(f"PS1='ready> '; autoload -U compinit && compinit -u -D && source {given}; echo set''up\n")
        shell.see("setup")
        for words, completed in [*SHELLS, (["git", "credential-az"], "credential-azdo")]:
            shell.see("ready> ")
            shell.type(f"{' '.join(words)}\t")
            shell.see(f"{completed}")
            shell.type("\x15\n")  # take the line back


def test_a_damaged_accounts_file_completes_nothing_and_says_nothing(home: Home) -> None:
    """A shell shows what it reads as if a person had typed it."""
    home.accounts_file.write_bytes(b"\0\0\0")
    words = "git-credential-azdo\nlogout\nwo"
    result = home.fork(
        SCRIPT, COMP_WORDS=words, COMP_CWORD="2", _GIT_CREDENTIAL_AZDO_COMPLETE="bash_complete"
    )
    assert (result.out.strip(), result.err) == ("", "")


def test_no_name_of_a_server_s_is_put_into_the_command_line_that_would_run_there(
    home: Home, emulator: Emulator
) -> None:
    """bash does not quote what it completes, and Enter would run it, or forget every account."""
    for name in ("x$(touch owned)", "x`touch owned`", "x;touch owned", "x*", "--all", "x y", "x@contoso.com"):
        sign_in(home, emulator.world, ANN, "contoso", fields={"name": name})
    words = "git-credential-azdo\nuse\n"
    result = home.fork(
        SCRIPT, COMP_WORDS=words, COMP_CWORD="2", _GIT_CREDENTIAL_AZDO_COMPLETE="bash_complete"
    )
    assert result.lines == ["plain,work", "plain,x@contoso.com"]
