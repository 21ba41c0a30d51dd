"""What is pasted at a prompt of ours never reaches the shell behind it: neither its second line nor what follows Ctrl-C."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from tests.support.marks import posix
from tests.support.people import blocks
from tests.support.terminal import LINK, Shell

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.conftest import Home
    from tests.emulator.emulator import Emulator

pytestmark = posix

SETUP = "git-credential-azdo setup --vault file --no-browser"
# The shell computes the sum, so that its result is never an echo of what was typed.
EVIL = "echo EVIL$((40+2))"
KEYS = {"Ctrl-C": "\x03", "Ctrl-Backslash": "\x1c", "Ctrl-Z": "\x1a", "two lines": ""}
SHELL = "bash" if shutil.which("bash") else "sh"


def run_nothing_more(shell: Shell) -> None:
    """Assert that the shell is there and has run nothing but what was typed to it."""
    shell.see("ready")
    shell.type("echo still here $((1+1))\r")
    shell.see("still here 2")
    assert "EVIL42" not in shell.text


@pytest.mark.usefixtures("emulator")
@pytest.mark.parametrize(("term", "keys"), [("dumb", KEYS.values()), ("xterm", ["\x03\x1c\x1a", ""])])
def test_the_rest_of_a_paste_at_the_link_does_not_run(home: Home, term: str, keys: Iterable[str]) -> None:
    """Whatever keys the text holds, on a terminal that marks what is pasted (xterm) or on one that does not."""
    with Shell(home, SHELL, TERM=term) as shell:
        for key in keys:
            text = f"http://localhost:1/?code=a&state=x{key}\n{EVIL}\n" + f"{EVIL}\r" * 3
            shell.type(f"{SETUP}\r")
            shell.see(LINK)
            shell.see("> ")
            shell.type(text if term == "dumb" else f"\x1b[200~{text}\x1b[201~\r")
            if key in {"\x1a", ""} or term == "xterm":
                shell.see("control character|another sign-in attempt")
                shell.see("> ")
                shell.type("\x03")
            run_nothing_more(shell)
    assert blocks(home) == []


def test_the_rest_of_a_good_answer_does_not_run(home: Home, emulator: Emulator) -> None:
    """The first line signs in; what was copied with it is dropped."""
    with Shell(home, SHELL) as shell:
        shell.type(f"{SETUP}\r")
        address = emulator.sign_in(shell.see(LINK))
        shell.see("> ")
        shell.type(f"{address}\n{EVIL}\n")
        shell.see("Signed in as")
        run_nothing_more(shell)


@pytest.mark.usefixtures("emulator")
def test_the_rest_of_a_paste_at_a_hidden_prompt_does_not_run(home: Home) -> None:
    """A token and a line too many."""
    with Shell(home, SHELL) as shell:
        for key in KEYS.values():
            shell.type("git-credential-azdo setup pat --org contoso --vault file\r")
            shell.see("access token: ")
            shell.type(f"not-a-token{key}\n{EVIL}\n{EVIL}\n")
            run_nothing_more(shell)
    assert blocks(home) == []


def test_the_rest_of_a_paste_at_a_question_does_not_run_or_answer_the_next_one(home: Home) -> None:
    """Such as a list of organizations at the question for one."""
    with Shell(home, SHELL) as shell:
        shell.type("git-credential-azdo setup\r")
        shell.see("Choose .*: ")
        shell.type("2\r")
        shell.see("CONTOSO.*: ")
        shell.type(f"a/b\n{EVIL}\n{EVIL}\n")
        shell.see("a/b is not the name of an organization")
        run_nothing_more(shell)
