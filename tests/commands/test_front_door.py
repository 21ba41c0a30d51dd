"""The front door: help, version, exit codes, and that a person's mistake is told in one line."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from git_credential_azdo import __version__
from git_credential_azdo.commands import cli
from git_credential_azdo.commands.cli import COMMANDS, SYNONYMS
from tests.conftest import SCRIPT
from tests.rules.test_hints import parsed
from tests.support.terminal import Terminal

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Home

ERROR = "git-credential-azdo: error: "


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_has_help_in_both_spellings(home: Home, name: str) -> None:
    """Each is loaded from its own module; the usage is what a person types."""
    by_option = home.azdo(name, "-h")
    assert (by_option.code, by_option.err) == (0, "")
    assert by_option.out.startswith(f"Usage: git credential-azdo {name}")
    by_verb = home.azdo("help", name)
    assert (by_verb.code, by_verb.out) == (0, by_option.out)


def test_the_overview_names_every_command(home: Home) -> None:
    """With no word, with help, with -h: the same, as git's subcommand too."""
    overview = home.azdo("help").out
    assert [name for name in COMMANDS if f"\n  {name} " not in overview] == []
    for words in ((), ("-h",), ("--help",)):
        assert home.azdo(*words).out == overview
    for words in (("help",), ("-h",)):
        assert home.git("credential-azdo", *words).out == overview


def test_help_goes_below_a_command_with_commands(home: Home) -> None:
    """``help server add``."""
    result = home.azdo("help", "server", "add")
    assert result.out.startswith("Usage: git credential-azdo server add [OPTIONS] URL")
    assert result.out == home.azdo("server", "add", "-h").out


@pytest.mark.parametrize("verb", ["pat", "server"])
def test_a_command_with_commands_shows_them_when_none_is_named(home: Home, verb: str) -> None:
    """As ``gh pr`` does."""
    result = home.azdo(verb)
    assert (result.code, result.out, result.err) == (0, home.azdo(verb, "-h").out, "")


def test_every_verb_of_another_program_stands_for_one_of_ours() -> None:
    """And hides none."""
    assert not SYNONYMS.keys() & COMMANDS.keys()
    assert set(SYNONYMS.values()) <= {*COMMANDS, "--version"}


def test_the_version_is_the_packages(home: Home) -> None:
    """By git, too."""
    for result in (home.azdo("--version"), home.git("credential-azdo", "--version")):
        assert (result.code, result.out, result.err) == (0, f"git-credential-azdo {__version__}\n", "")


@pytest.mark.parametrize(
    ("words", "said", "hint"),
    [
        (
            ["accuonts", "--format", "json"],
            "no such command 'accuonts'; did you mean accounts",
            "git credential-azdo accounts --format json",
        ),
        (
            ["login", "--org", "contoso"],
            "no such command 'login'; did you mean setup",
            "git credential-azdo setup --org contoso",
        ),
        (["status"], "no such command 'status'; did you mean accounts", "git credential-azdo accounts"),
        (["uninstall"], "did you mean unconfigure", "git credential-azdo unconfigure"),
        (["version"], "did you mean --version", "git credential-azdo --version"),
        (["help", "nothing"], "no such command 'nothing'", "git credential-azdo -h"),
        (["help", "server", "ad"], "no such command 'ad'; did you mean add", "git credential-azdo server -h"),
        (["accounts", "--colour"], "no such option", "git credential-azdo accounts -h"),
        (["accounts", "--format", "xml"], "is not one of 'text', 'json'", "git credential-azdo accounts -h"),
        (["accounts", "rename"], "missing argument 'ACCOUNT'", "git credential-azdo accounts rename -h"),
        (["server", "ad", "x"], "no such command 'ad'", "git credential-azdo server add x"),
        (["pat", "delete", "x"], "did you mean revoke", "git credential-azdo pat revoke x"),
        (["quux", "x"], "no such command 'quux'", "git credential-azdo -h"),
        (["accounts", "--formt", "json"], "did you mean", "git credential-azdo accounts -h"),
        (
            ["setup", "https://contoso@dev.azure.com/contoso/app/_git/app", "--alias", "work"],
            "no such command: an organization is named with --org",
            "git credential-azdo setup --org contoso --alias work",
        ),
        (
            ["setup", "pat", "https://contoso.visualstudio.com"],
            "unexpected argument: an organization is named with --org",
            "git credential-azdo setup pat --org contoso",
        ),
        (["setup", "https://example.com/x"], "no such command", "git credential-azdo setup -h"),
        (
            ["setup", "https://ann:hunter2@dev.azure.com/contoso"],
            "a token is not taken from the command line",
            "git credential-azdo setup pat --org ORGANIZATION",
        ),
    ],
)
def test_a_command_line_that_cannot_be_read_is_two_lines_and_exit_code_2(
    home: Home, words: list[str], said: str, hint: str
) -> None:
    """What was wrong, and where it is explained."""
    result = home.azdo(*words)
    error, cure = result.err.splitlines()
    assert (result.code, result.out) == (2, "")
    assert error.startswith(ERROR)
    assert said in error
    assert error[-1] not in ".?)"
    assert "Did you mean" not in error
    assert cure == f"git-credential-azdo: hint: {hint}"


def test_a_mistyped_verb_is_an_error_for_a_person_and_ignored_for_git(home: Home) -> None:
    """git's contract: a helper ignores operations that it does not know."""
    with Terminal(home, "acounts") as terminal:
        assert terminal.ended() == 2
        assert "no such command 'acounts'" in terminal.text
    from_git = home.run(SCRIPT, "approve", given="protocol=https\n")
    assert (from_git.code, from_git.out, from_git.err) == (0, "", "")


def test_a_bug_is_one_line_without_its_text(home: Home, tmp_path: Path) -> None:
    """The text of an exception could quote a secret; AZDO_DEBUG shows it, and lets it steer no terminal."""
    home.write_accounts_file("version=1\n")
    (tmp_path / "sitecustomize.py").write_text(
        "import json\ndef dumps(*_, **__):\n    raise RuntimeError('quoted\\x1b]0;')\njson.dumps = dumps\n"
    )
    result = home.azdo("accounts", "--format", "json", PYTHONPATH=str(tmp_path))
    assert (result.code, "quoted" in result.err) == (3, False)
    assert result.err.startswith(f"{ERROR}this is a bug: RuntimeError at sitecustomize.py:3")
    debug = home.azdo("accounts", "--format", "json", PYTHONPATH=str(tmp_path), AZDO_DEBUG="1")
    assert debug.code == 3
    assert debug.err.startswith("Traceback (most recent call last):\n")
    assert debug.err.endswith("RuntimeError: quoted?]0;\n")


def test_a_reader_that_goes_away_is_no_bug(home: Home) -> None:
    """As in ``git credential-azdo help | head -1``."""
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [SCRIPT, "help"], stdout=writing, stderr=subprocess.PIPE, env=home.environment, check=False
    )
    os.close(writing)
    assert b"bug" not in done.stderr
    assert b"Traceback" not in done.stderr


INTERRUPTED = """
import atexit, signal, sys
from git_credential_azdo import __main__, errors
def interrupted(text):
    raise KeyboardInterrupt
errors._write = interrupted
sys.argv[1:] = ["use", "unknown", "--org", "contoso"]
atexit.register(signal.raise_signal, signal.SIGINT)
sys.exit(__main__.main())
"""


def test_ctrl_c_while_an_error_is_printed_is_no_bug(home: Home) -> None:
    """A second traceback would hide the first line; nor is one more while the interpreter ends, which takes a moment."""
    result = home.run(sys.executable, "-c", INTERRUPTED)
    assert (result.code, result.err) == (130, "")


def test_without_a_stdin_nothing_is_asked(home: Home) -> None:
    """Some programs start us so."""
    for words in ("setup pat --org x --vault file", "help"):
        result = home.run("sh", "-c", f"exec {SCRIPT} {words} <&-")
        assert (result.code in {0, 1}, "bug" in result.err) == (True, False), result.err


def test_each_example_is_a_command_line_that_is_read() -> None:
    """Each command that has something to choose shows two."""
    for name, examples in cli._EXAMPLES.items():
        for words in examples:
            parsed(shlex.split(f"{name} {words}".partition(" < ")[0].partition(" > ")[0]))


@pytest.mark.parametrize("kind", ["MemoryError", "SystemError", "OSError"])
def test_what_python_raises_without_memory_is_no_bug(home: Home, tmp_path: Path, kind: str) -> None:
    """A SystemError is one of the interpreter, which raises it in an import when memory ends."""
    home.write_accounts_file("version=1\n")
    (tmp_path / "sitecustomize.py").write_text(
        f"import json\ndef dumps(*_, **__):\n    raise {kind}\njson.dumps = dumps\n"
    )
    result = home.azdo("accounts", "--format", "json", PYTHONPATH=str(tmp_path))
    assert (result.code, result.err) == (1, f"{ERROR}system error: out of memory\n")
